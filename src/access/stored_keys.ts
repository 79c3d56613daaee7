// The stored keys as a gateway process asks for them, at every call. What was found is kept until somebody changes a key,
// which one atomic load tells; so a known key costs no look into the store, and a change is effective at once.

import { timingSafeEqual } from "node:crypto";
import type { ClientKey, Plan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import { compileKey, type KeyRecord, type KeySecret } from "./key_record.ts";
import { isThereKeyStore, type KeyStore, openKeyStore } from "./key_store.ts";

/** Keys that are kept; beyond them the oldest is looked up again. */
const KNOWN_MAX = 10_000;
/** How much of a hash the table of known keys goes by; the rest is compared. */
const INDEX_BYTES = 6;
/** How often everything is looked at anew, in case that whoever changed it was killed before it could tell; milliseconds. */
const DOUBT_MS = 1_000;

/** Stored keys, to authenticate by. */
export interface StoredKeys {
  /** Whether there are any, even revoked ones: then nobody is served without a key. */
  hasAny(): boolean;
  /** The caller whose secret has this hash, the error if it may not be used (any more), null if there is none. */
  find(hash: Buffer, plan: Plan): ClientKey | GatewayError | null;
  close(): void;
}

/** A secret that was found, and what it stands for. */
interface Known {
  readonly record: KeyRecord;
  readonly secret: KeySecret;
  readonly plan: Plan;
  readonly key: ClientKey;
  /** When it stops being valid; Infinity is never. */
  readonly ends_ms: number;
  /** When it was last seen to be so. */
  epoch: number;
}

/** Opens the stored keys of a data folder for a gateway process; tells `log` if they cannot be used. */
export function openStoredKeys(data: string, log: (line: string) => void): StoredKeys | null {
  const store = openKeyStore(data);
  if (!("fault" in store)) return watchKeys(store, log);
  log(store.fault);
  // Who has stored keys wants callers to have one, also when it cannot be told which are right.
  return isThereKeyStore(data) ? SEALED : null;
}

const SEALED: StoredKeys = { hasAny: () => true, find: () => unreadable(), close: () => {} };

/** Reads keys for as long as the process lives. */
export function watchKeys(store: KeyStore, log: (line: string) => void): StoredKeys {
  const known = new Map<number, Known>();
  let generation = store.generation.current();
  let epoch = 0;
  let has_any = false;
  let looked_epoch = -1;
  let has_told = false;
  const doubting = setInterval(renew, DOUBT_MS);
  doubting.unref();

  function renew(): void {
    store.refresh();
    epoch += 1;
  }

  /** Takes note of changes since the last call. */
  function keepUp(): void {
    const current = store.generation.current();
    if (current === generation) return;
    generation = current;
    renew();
  }

  function lookUp(hash: Buffer, plan: Plan, before: Known | undefined): Known | null {
    const record = store.byHash(hash);
    const secret = record?.secrets.find((one) => timingSafeEqual(one.hash, hash));
    if (record === null || secret === undefined) return null;
    // Whoever remembers something about the object must find it again.
    const is_same = before?.plan === plan && before.record.version === record.version;
    const key = is_same ? before.key : compileKey(record, secret, plan);
    const ends_ms = Math.min(record.expires_ms ?? Infinity, secret.ends_ms ?? Infinity);
    return { record, secret, plan, key, ends_ms, epoch };
  }

  function find(hash: Buffer, plan: Plan): ClientKey | GatewayError | null {
    keepUp();
    const index = hash.readUIntBE(0, INDEX_BYTES);
    let found = known.get(index);
    if (found !== undefined && !timingSafeEqual(found.secret.hash, hash)) found = undefined;
    if (found === undefined || found.epoch !== epoch || found.plan !== plan) {
      const next = lookUp(hash, plan, found);
      known.delete(index);
      if (next === null) return null;
      if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!);
      known.set(index, next);
      found = next;
    }
    if (found.record.revoked_ms !== null) return ended("was revoked");
    if (found.ends_ms !== Infinity && found.ends_ms <= Date.now()) {
      return ended(found.secret.ends_ms === found.ends_ms ? "was replaced by another" : "has expired");
    }
    return found.key;
  }

  function hasAny(): boolean {
    // Keys are never removed: what was true stays true.
    if (has_any) return true;
    keepUp();
    if (looked_epoch !== epoch) {
      has_any = !store.isEmpty();
      looked_epoch = epoch;
    }
    return has_any;
  }

  /** What is told of a fault, once: a store that cannot be read lets nobody in, call after call. */
  function tell(error: unknown): void {
    if (has_told) return;
    has_told = true;
    log(`stored keys cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }

  return {
    hasAny() {
      try {
        return hasAny();
      } catch (error) {
        tell(error);
        return true;
      }
    },
    find(hash, plan) {
      try {
        return find(hash, plan);
      } catch (error) {
        tell(error);
        return unreadable();
      }
    },
    close() {
      clearInterval(doubting);
      void store.close();
    },
  };
}

function ended(what: string): GatewayError {
  return new GatewayError(
    "invalid_api_key",
    `This API key ${what}. Ask whoever runs the gateway for the present one.`,
  );
}

function unreadable(): GatewayError {
  return new GatewayError(
    "unavailable",
    "The gateway cannot read its stored keys at the moment. Try again.",
    {
      retry_after_ms: 1_000,
    },
  );
}
