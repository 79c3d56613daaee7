// What providers have said of their limits, by key and model, known to all processes: how much was left, and what was sent since.
//
// Whoever sends adds to a sum of all that was ever sent with the key, and notes the sum that it came to. What the answer says is left
// counts everything up to that note, so what is left now is that, less what the sum has grown by. No answer has to be waited for,
// and none is counted twice, in whatever order they come.

import type { HeaderFields, ProviderKey, ProviderPlan } from "../config/plan.ts";
import type { CounterKey } from "../memory/counter_key.ts";
import type { CounterTable } from "../memory/counter_table.ts";
import { ALL_TENANTS, counterKey } from "./counter_key.ts";
import { readToldLimits, TOLD_KINDS, type ToldKind, type ToldLimit } from "./told_limits.ts";

/** After how long without use nothing is known any more. */
const IDLE_MS = 3_600_000;
/** How long after its reset a word still counts: who has heard nothing for so long asks. */
const AFTER_RESET_MS = 60_000;
/** Models of a key whose places are remembered; clients can name any. */
const MODELS_MAX = 1_000;

/** Words of an entry: a sum for each kind of limit, then two long words for each. */
const SUMS = 0;
const TOLD_LONGS = 2;
/** A long word's lower half; and what marks that something was told. */
const LOW = 0xffff_ffffn;
const IS_TOLD = 0x8000_0000;

/** What one request may use of each kind. */
export type ToldAmounts = Readonly<Record<ToldKind, number>>;

/** Who asks: what its request may use is worked out where something is known of the key. */
export interface LimitAsker {
  told(): ToldAmounts;
}

/** What a request came to in the sums; null where nothing is summed up. */
export type SentMark = readonly number[] | null;

/** What is left of a key. */
export interface Left {
  /** Of the limit that is nearest to its end: 0 for nothing, 1 for all of it. */
  readonly share: number;
  /** How long until anything is left, in milliseconds; 0 where something is. */
  readonly wait_ms: number;
}

const ALL_LEFT: Left = { share: 1, wait_ms: 0 };

/** What the limits are learned with. */
export interface LearningTools {
  readonly counters: CounterTable;
  /** Steady time, the same for all processes. */
  now_ms(): number;
  wall_ms(): number;
}

/** What was told of one limit, as it lies in shared memory. */
interface Told {
  /** The sum that the answer's request came to. */
  readonly sum: number;
  readonly remaining: number;
  /** 0: not known. */
  readonly limit: number;
  /** From now; negative when it has been. */
  readonly reset_ms: number;
}

/** The limits that providers tell of. */
export class LearnedLimits {
  readonly #tools: LearningTools;
  readonly #keys = new WeakMap<ProviderKey, Map<string, CounterKey>>();

  constructor(tools: LearningTools) {
    this.#tools = tools;
  }

  /**
   * How much is left of a provider's key for one of its models; all of it where nothing is known.
   * @param kept kinds that the configuration limits itself: of these a key rests only while nothing at all is left
   */
  left(provider: ProviderPlan, key: ProviderKey, model: string, kept: ReadonlySet<ToldKind>): Left {
    const at = this.#find(provider, key, model);
    if (at < 0) return ALL_LEFT;
    let share = 1;
    let wait_ms = 0;
    for (let kind = 0; kind < TOLD_KINDS.length; kind++) {
      const told = this.#toldAt(at, kind);
      if (told === null) continue;
      const left = kept.has(TOLD_KINDS[kind]!) ? leftBefore(told) : this.#leftOf(told, at, kind);
      if (left <= 0) wait_ms = Math.max(wait_ms, waitOf(told));
      if (told.limit > 0) share = Math.min(share, Math.max(0, left / told.limit));
      else if (left <= 0) share = 0;
    }
    return { share, wait_ms };
  }

  /**
   * Takes a request from what is left. Gives the milliseconds to wait where there is not enough of it.
   * @param kept as above
   */
  take(
    provider: ProviderPlan,
    key: ProviderKey,
    model: string,
    asker: LimitAsker,
    kept: ReadonlySet<ToldKind>,
  ): { readonly mark: SentMark } | { readonly wait_ms: number } {
    const at = this.#find(provider, key, model);
    if (at < 0) return NOTHING_SUMMED;
    const amounts = asker.told();
    for (let kind = 0; kind < TOLD_KINDS.length; kind++) {
      const told = this.#toldAt(at, kind);
      if (told === null) continue;
      const of = TOLD_KINDS[kind]!;
      const is_kept = kept.has(of);
      // What is more than the whole limit would never be sent: the provider itself is to judge it.
      const amount = is_kept ? 1 : Math.min(amounts[of], told.limit || Number.POSITIVE_INFINITY);
      const left = is_kept ? leftBefore(told) : this.#leftOf(told, at, kind);
      if (left < amount) return { wait_ms: waitOf(told) };
    }
    const { words } = this.#tools.counters;
    const mark = TOLD_KINDS.map((of, kind) => {
      const amount = Math.ceil(amounts[of]);
      return (Atomics.add(words, at + SUMS + kind, amount) + amount) | 0;
    });
    return { mark };
  }

  /** An answer has come: what it says is known to all processes from here on. */
  learn(
    provider: ProviderPlan,
    key: ProviderKey,
    model: string,
    fields: HeaderFields,
    mark: SentMark,
  ): readonly ToldLimit[] | null {
    const told = readToldLimits(fields, this.#tools.wall_ms());
    if (told === null) return null;
    const { counters } = this.#tools;
    const at = counters.at(this.#keyOf(provider, key, model), this.#tools.wall_ms());
    if (at < 0) return told;
    for (const limit of told) {
      const kind = TOLD_KINDS.indexOf(limit.of);
      // The first answer of all came before anything was summed up.
      this.#store(at, kind, limit, mark?.[kind] ?? Atomics.load(counters.words, at + SUMS + kind));
    }
    return told;
  }

  /** What is left: what was told, less what was sent since; after the reset the whole limit, less the same. */
  #leftOf({ sum, remaining, limit, reset_ms }: Told, at: number, kind: number): number {
    const sent = (Atomics.load(this.#tools.counters.words, at + SUMS + kind) - sum) | 0;
    if (reset_ms <= 0 && limit === 0) return Number.POSITIVE_INFINITY;
    return (reset_ms > 0 ? remaining : limit) - Math.max(0, sent);
  }

  #toldAt(at: number, kind: number): Told | null {
    const { longs } = this.#tools.counters;
    const place = (at >> 1) + TOLD_LONGS + kind * 2;
    const when = Atomics.load(longs, place + 1);
    const low = Number(when & LOW);
    if (low < IS_TOLD) return null;
    const reset_ms = (Number(when >> 32n) - (this.#nowWord() | 0)) | 0;
    if (reset_ms < -AFTER_RESET_MS) return null;
    const what = Atomics.load(longs, place);
    return { sum: Number(what >> 32n), remaining: Number(what & LOW), limit: low - IS_TOLD, reset_ms };
  }

  /**
   * Two long words: the sum and what was left, the reset and the limit. They are stored one after the other: who reads between has
   * the reset of the answer before, which was about the same.
   */
  #store(at: number, kind: number, { remaining, limit, reset_ms }: ToldLimit, sum: number): void {
    const { longs } = this.#tools.counters;
    const place = (at >> 1) + TOLD_LONGS + kind * 2;
    for (;;) {
      const before = Atomics.load(longs, place);
      const is_older = this.#toldAt(at, kind) !== null && ((sum - Number(before >> 32n)) | 0) < 0;
      // An answer to a request that was sent earlier knows less.
      if (is_older) return;
      const next = (BigInt(sum) << 32n) | BigInt(remaining);
      if (Atomics.compareExchange(longs, place, before, next) === before) break;
    }
    const reset_at = (this.#nowWord() + Math.ceil(reset_ms)) | 0;
    Atomics.store(longs, place + 1, (BigInt(reset_at) << 32n) | BigInt(IS_TOLD + (limit ?? 0)));
  }

  /** The time in milliseconds, as much of it as a word holds: differences of up to 24 days are right. */
  #nowWord(): number {
    return (this.#tools.now_ms() % 2 ** 32) | 0;
  }

  #find(provider: ProviderPlan, key: ProviderKey, model: string): number {
    return this.#tools.counters.find(this.#keyOf(provider, key, model), this.#tools.wall_ms());
  }

  #keyOf(provider: ProviderPlan, key: ProviderKey, model: string): CounterKey {
    let models = this.#keys.get(key);
    if (models === undefined) {
      models = new Map();
      this.#keys.set(key, models);
    }
    let counter = models.get(model);
    if (counter === undefined) {
      if (models.size >= MODELS_MAX) models.clear();
      counter = counterOf(provider, key, model);
      models.set(model, counter);
    }
    return counter;
  }
}

/** What is left by the provider's word alone; after the reset nobody knows, and nothing is in the way. */
function leftBefore({ remaining, reset_ms }: Told): number {
  return reset_ms > 0 ? remaining : Number.POSITIVE_INFINITY;
}

/** Until the reset; where that has been and all of it is sent again, until the word does not count any more. */
function waitOf({ reset_ms }: Told): number {
  return Math.max(1, reset_ms > 0 ? reset_ms : reset_ms + AFTER_RESET_MS);
}

const NOTHING_SUMMED = { mark: null } as const;

/** By the key's value, so that another one in its place begins with nothing known. */
function counterOf(provider: ProviderPlan, key: ProviderKey, model: string): CounterKey {
  const value = JSON.stringify([provider.name, key.headers, key.signing]);
  const name = `${Bun.SHA256.hash(value, "base64")} ${model}`;
  return counterKey(
    { tenant: ALL_TENANTS, scope: "provider_key", name, dimension: "told", window: "" },
    IDLE_MS,
  );
}
