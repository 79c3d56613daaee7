// Which of a provider's keys to use: the one that may be asked most, of equals each in turn, leaving out those that have to rest.
// The state belongs to the key's value, so that it outlives a reload of the configuration.

import type { ProviderKey, ProviderPlan } from "../config/plan.ts";
import { SERIES_OFFSET } from "../memory/layout.ts";
import { ownMemory } from "../memory/mapping.ts";
import { RestTable } from "../memory/rest_table.ts";
import { type Affinity, inAffinityOrder } from "./affinity.ts";
import { keyIdentity } from "./key_identity.ts";

/** How long a key that the provider refused (401, 402, 403) stays out of rotation, in milliseconds. */
const REFUSED_REST_MS = 60_000;

/** Longest rest that a `retry-after` can impose on a key. */
const RATE_REST_MAX_MS = 600_000;

/** Why a key rests: the provider refused it, or it is over its rate. */
export type RestReason = "refused" | "rate";

/** A key to use, or why there is none and when there will be one. */
export type KeyChoice =
  | { readonly key: ProviderKey }
  | { readonly key: null; readonly reason: RestReason; readonly wait_ms: number };

const NO_KEYS: ReadonlySet<ProviderKey> = new Set();
const NO_RESTS = [0, 0] as const;

/** How many usable keys are compared for one choice. */
const COMPARED_MAX = 16;
/** Keys whose shares differ by less than a part of so many are equals. */
const SHARE_PARTS = 32;

/** Knows how much keys may still be asked. */
export interface KeyRoom {
  /** What share of its limits is left, from 0 to 1. */
  shareOf(provider: ProviderPlan, key: ProviderKey, model: string): number;
  /** How long it has to rest because the provider said that nothing is left, in milliseconds; 0: not at all. */
  restOf(provider: ProviderPlan, key: ProviderKey, model: string): number;
}

/** Where rests are kept, and how its clock runs: by so much ahead of the monotonic one. */
export interface KeptRests {
  readonly table: RestTable;
  readonly ahead_ms: number;
}

/** Every key may be asked anything. */
const OPEN_ROOM: KeyRoom = { shareOf: () => 1, restOf: () => 0 };

/**
 * The keys' states: which of them rest, all gateway processes know; whose turn it is, each knows by itself. Times are monotonic
 * milliseconds.
 */
export class KeyRotation {
  /** What rests: a refused key for all models, one that is over its rate for the model that it was over it with. */
  readonly #rests: RestTable;
  readonly #ahead_ms: number;
  readonly #next = new Map<string, number>();
  readonly #room: KeyRoom;

  /** @param rests by default what this process alone knows */
  constructor(room: KeyRoom = OPEN_ROOM, rests: KeptRests = ownRests()) {
    this.#room = room;
    this.#rests = rests.table;
    this.#ahead_ms = rests.ahead_ms;
  }

  /**
   * The next usable key of a provider for one of its models.
   * @param except keys to pass over, because they were tried just before
   * @param affinity calls of the same one get the same key for as long as it can be used
   */
  choose(
    provider: ProviderPlan,
    model: string,
    now_ms: number,
    except: ReadonlySet<ProviderKey> = NO_KEYS,
    affinity: Affinity = null,
  ): KeyChoice {
    const has_prompt_cache = affinity !== null && provider.keys.length > 1;
    const keys = has_prompt_cache
      ? inAffinityOrder(
          provider.keys,
          affinity,
          ({ name }) => name,
          () => 1,
        )
      : provider.keys;
    const room = this.#room;
    const is_quiet = !this.#rests.isAnyResting(now_ms + this.#ahead_ms);
    const is_plain = is_quiet && keys.length === 1 && except.size === 0;
    if (is_plain && room.restOf(provider, keys[0]!, model) === 0) return { key: keys[0]! };
    const start = has_prompt_cache ? 0 : (this.#next.get(provider.name) ?? 0);
    let rate_wait_ms = Number.POSITIVE_INFINITY;
    let refused_wait_ms = Number.POSITIVE_INFINITY;
    let best: { readonly index: number; readonly share: number } | null = null;
    let compared = 0;
    for (let offset = 0; offset < keys.length; offset++) {
      const index = (start + offset) % keys.length;
      const key = keys[index]!;
      const [refused_ms, rested_ms] = is_quiet ? NO_RESTS : this.#restsOf(provider, key, model, now_ms);
      const rate_ms = Math.max(rested_ms, room.restOf(provider, key, model));
      if (refused_ms <= 0 && rate_ms <= 0) {
        if (except.has(key)) {
          rate_wait_ms = 0;
          continue;
        }
        const share = Math.ceil(room.shareOf(provider, key, model) * SHARE_PARTS);
        if (best === null || share > best.share) best = { index, share };
        compared += 1;
        // What lies in a provider's cache of prompts lies there for that key alone.
        const is_enough = has_prompt_cache ? share > 0 : share === SHARE_PARTS;
        if (is_enough || compared === COMPARED_MAX) break;
        continue;
      }
      if (refused_ms > 0) refused_wait_ms = Math.min(refused_wait_ms, refused_ms);
      else rate_wait_ms = Math.min(rate_wait_ms, rate_ms);
    }
    if (best !== null) {
      if (!has_prompt_cache) this.#next.set(provider.name, (best.index + 1) % keys.length);
      return { key: keys[best.index]! };
    }
    // A key that is over its rate comes back by itself; only when all are refused are the credentials exhausted.
    return rate_wait_ms < Number.POSITIVE_INFINITY
      ? { key: null, reason: "rate", wait_ms: rate_wait_ms }
      : { key: null, reason: "refused", wait_ms: refused_wait_ms };
  }

  /** Whether a key has to rest. */
  isResting(provider: ProviderPlan, key: ProviderKey, model: string, now_ms: number): boolean {
    if (this.#room.restOf(provider, key, model) > 0) return true;
    if (!this.#rests.isAnyResting(now_ms + this.#ahead_ms)) return false;
    return Math.max(...this.#restsOf(provider, key, model, now_ms)) > 0;
  }

  /** The provider refused a key: it leaves rotation for a while. */
  refuse(provider: ProviderPlan, key: ProviderKey, now_ms: number): void {
    this.#rests.rest(keyIdentity(provider, key), REFUSED_REST_MS, now_ms + this.#ahead_ms);
  }

  /** A key is over its rate with a model, and has to rest. */
  rest(provider: ProviderPlan, key: ProviderKey, model: string, rest_ms: number, now_ms: number): void {
    const name = rateName(keyIdentity(provider, key), model);
    this.#rests.rest(name, Math.min(rest_ms, RATE_REST_MAX_MS), now_ms + this.#ahead_ms);
  }

  /** A key served: whatever was held against it is over. */
  served(provider: ProviderPlan, key: ProviderKey, model: string, now_ms: number): void {
    if (!this.#rests.isAnyResting(now_ms + this.#ahead_ms)) return;
    const identity = keyIdentity(provider, key);
    this.#rests.wake(identity);
    this.#rests.wake(rateName(identity, model));
  }

  #restsOf(
    provider: ProviderPlan,
    key: ProviderKey,
    model: string,
    now_ms: number,
  ): readonly [refused_ms: number, rate_ms: number] {
    const identity = keyIdentity(provider, key);
    const at_ms = now_ms + this.#ahead_ms;
    return [this.#rests.leftMs(identity, at_ms), this.#rests.leftMs(rateName(identity, model), at_ms)];
  }
}

/** Rests that no other process hears of. */
function ownRests(): KeptRests {
  return { table: new RestTable(ownMemory(SERIES_OFFSET)), ahead_ms: 0 };
}

function rateName(identity: string, model: string): string {
  return `${identity} ${model}`;
}
