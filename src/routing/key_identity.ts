// What a provider's key is known by in shared memory: a hash of what it sends, so that it outlives a reload of the configuration and
// the key itself is never there.

import type { ProviderKey, ProviderPlan } from "../config/plan.ts";

const identities = new WeakMap<ProviderKey, string>();

/** The hash of a provider's key. */
export function keyIdentity(provider: ProviderPlan, key: ProviderKey): string {
  let identity = identities.get(key);
  if (identity === undefined) {
    const hash = new Bun.CryptoHasher("sha256");
    hash.update(JSON.stringify([provider.name, key.headers, key.signing]));
    identity = hash.digest("base64");
    identities.set(key, identity);
  }
  return identity;
}
