// Who is asked beside a target that takes long.

import type { ProviderKey } from "../config/plan.ts";
import type { Affinity } from "./affinity.ts";
import type { Candidate } from "./order.ts";
import type { KeyRotation } from "./rotation.ts";

/** A target and the key to ask it with. */
export interface Second {
  readonly candidate: Candidate;
  readonly key: ProviderKey;
}

/**
 * The next target of the same model that has a key to ask it with at once; where there is none, the same target with another key,
 * or with the same: what makes a call slow is mostly the one machine that it came to. Fallbacks are other models: they are
 * for failures.
 * @param first who is being asked, with what key
 */
export function secondOf(
  order: readonly Candidate[],
  { candidate: first, key }: Second,
  rotation: KeyRotation,
  affinity: Affinity,
  now_ms: number,
): Second {
  // The same target may stand there for another reason to try it.
  const asked = order.findIndex(({ target }) => target === first.target);
  for (let place = asked + 1; place < order.length; place++) {
    const candidate = order[place]!;
    if (candidate.model !== first.model) break;
    const { provider, model } = candidate.target;
    const choice = rotation.choose(provider, model, now_ms, undefined, affinity);
    if (choice.key !== null) return { candidate, key: choice.key };
  }
  const { provider, model } = first.target;
  const other = rotation.choose(provider, model, now_ms, new Set([key]), affinity);
  return { candidate: first, key: other.key ?? key };
}
