// What a provider's key may be asked: the limits that the configuration sets for it, and those that the provider has told of.

import type { HeaderFields, ProviderKey, ProviderPlan } from "../config/plan.ts";
import type { CounterTable } from "../memory/counter_table.ts";
import { heldIn } from "../memory/gauge.ts";
import { LearnedLimits, type LimitAsker, type SentMark } from "./learned_limits.ts";
import { type LimitPart, type LimitSet, partOf } from "./limit_set.ts";
import { limitsOfProviderKey } from "./limits.ts";
import type { NoPlace } from "./provider_queue.ts";
import { type Amounts, type Refusal, Reservation, type ReservationTools } from "./reservation.ts";
import { slotAt, usedIn } from "./sliding_window.ts";
import type { ToldKind } from "./told_limits.ts";

/** Why a key may not be asked now. */
export interface KeyRefusal extends NoPlace {
  /** When it may be; null: never, unless for less. */
  readonly retry_after_ms: number | null;
  /** Of a limit that hosts share: it may be waited for, for a moment. */
  readonly lack?: Refusal["lack"];
}

/** What is asked for: which part of the limits it takes from, and what it may use. */
export interface Wanted {
  readonly part: LimitPart;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** Who asks for a place. */
export interface PlaceAsker extends LimitAsker {
  wanted(): Wanted;
}

/** What a try holds of a provider's key. */
export class KeyPlace {
  /** What it came to in the sums that the provider's words are compared with. */
  readonly mark: SentMark;
  readonly #reservation: Reservation | null;
  readonly #limits: KeyLimits | null;
  readonly #provider: string;

  constructor(reservation: Reservation | null, mark: SentMark, limits: KeyLimits | null, provider: string) {
    this.#reservation = reservation;
    this.mark = mark;
    this.#limits = limits;
    this.#provider = provider;
  }

  /** The try is over and has used so much. */
  settle(used: Amounts): void {
    if (this.#reservation === null) return;
    this.#reservation.settle(used);
    this.#limits?.onFreed(this.#provider);
  }

  /** Nothing was sent after all. */
  cancel(): void {
    if (this.#reservation === null) return;
    this.#reservation.cancel();
    this.#limits?.onFreed(this.#provider);
  }
}

/** The limits of providers' keys, for one process. */
export class KeyLimits {
  /** Hears that somebody has given back what he held of a provider. */
  onFreed: (provider: string) => void = () => {};
  readonly #learned: LearnedLimits;
  readonly #tools: ReservationTools;

  /** @param told where providers' words are kept: apart from what is counted, because clients can name any model */
  constructor(tools: ReservationTools, told: CounterTable) {
    this.#tools = tools;
    this.#learned = new LearnedLimits({ ...tools, counters: told });
  }

  /** How limits are kept that hosts share; null: they are this host's own. */
  get shared(): ReservationTools["shared"] {
    return this.#tools.shared;
  }

  /**
   * Takes a try from all limits of a key, or from none.
   * @param shared how limits are kept that hosts share; strictly by default
   */
  take(
    provider: ProviderPlan,
    key: ProviderKey,
    model: string,
    asker: PlaceAsker,
    shared = this.#tools.shared,
  ): KeyPlace | KeyRefusal {
    const set = limitsOfProviderKey(provider, key);
    let reservation: Reservation | null = null;
    if (set !== null) {
      const { part, input_tokens, output_tokens } = asker.wanted();
      const amounts = { tokens: input_tokens + output_tokens, nano_usd: 0 };
      const tools = shared === this.#tools.shared ? this.#tools : { ...this.#tools, shared };
      const taken = Reservation.take(partOf([set], part), amounts, tools);
      if (!(taken instanceof Reservation)) return refusalOf(taken, provider);
      reservation = taken;
    }
    const sent = this.#learned.take(provider, key, model, asker, keptKinds(provider));
    if ("wait_ms" in sent) {
      reservation?.cancel();
      const { wait_ms } = sent;
      return { wait_ms, retry_after_ms: wait_ms, per_second: null, is_of_model: true };
    }
    if (reservation === null && sent.mark === null) return NOTHING_HELD;
    return new KeyPlace(reservation, sent.mark, this, provider.name);
  }

  /** What share of a key's limits is left for one of its models, from 0 to 1. */
  shareOf(provider: ProviderPlan, key: ProviderKey, model: string): number {
    const { share } = this.#learned.left(provider, key, model, keptKinds(provider));
    const set = limitsOfProviderKey(provider, key);
    return set === null ? share : Math.min(share, this.#shareOf(set));
  }

  /** How long a key has to rest with a model, by its provider's word, in milliseconds. */
  restOf(provider: ProviderPlan, key: ProviderKey, model: string): number {
    return this.#learned.left(provider, key, model, keptKinds(provider)).wait_ms;
  }

  /** An answer of a provider has come: what it says of its limits holds from here on. */
  learn(provider: ProviderPlan, key: ProviderKey, model: string, fields: HeaderFields, mark: SentMark): void {
    this.#learned.learn(provider, key, model, fields, mark);
  }

  /** What hears the answer to a try that is about to be sent. */
  hearer(provider: ProviderPlan, key: ProviderKey, model: string, mark: SentMark): LimitHearer {
    return new LimitHearer(this, provider, key, model, mark);
  }

  #shareOf({ windows, concurrency }: LimitSet): number {
    const { counters, shared } = this.#tools;
    const { words } = counters;
    const wall_ms = this.#tools.wall_ms();
    let share = 1;
    const see = (used: number, limit: number) => {
      share = Math.min(share, Math.max(0, 1 - used / limit));
    };
    for (const { counter, limit, window_ms } of windows) {
      const at = counters.find(counter, wall_ms);
      if (at < 0) continue;
      const used = usedIn(words, at, slotAt(this.#tools.now_ms(), window_ms));
      see(used + (shared?.elsewhere(at) ?? 0), limit);
    }
    if (concurrency !== null) {
      const at = counters.find(concurrency.counter, wall_ms);
      if (at >= 0) see(heldIn(words, at) + (shared?.elsewhere(at) ?? 0), concurrency.limit);
    }
    return share;
  }
}

/** Hears what the answer to one try says of limits. */
export class LimitHearer {
  readonly #limits: KeyLimits;
  readonly #provider: ProviderPlan;
  readonly #key: ProviderKey;
  readonly #model: string;
  readonly #mark: SentMark;

  constructor(limits: KeyLimits, provider: ProviderPlan, key: ProviderKey, model: string, mark: SentMark) {
    this.#limits = limits;
    this.#provider = provider;
    this.#key = key;
    this.#model = model;
    this.#mark = mark;
  }

  hear(fields: HeaderFields): void {
    this.#limits.learn(this.#provider, this.#key, this.#model, fields, this.#mark);
  }
}

const NOTHING_HELD = new KeyPlace(null, null, null, "");

function refusalOf({ of, retry_after_ms, per_second, lack }: Refusal, { keys }: ProviderPlan): KeyRefusal {
  return {
    retry_after_ms,
    // Places come back when their holders are done, and nobody knows when.
    wait_ms: of === "concurrency" ? null : retry_after_ms,
    per_second: per_second === null ? null : per_second * keys.length,
    is_of_model: false,
    ...(lack === undefined ? {} : { lack }),
  };
}

const kept_kinds = new WeakMap<ProviderPlan, ReadonlySet<ToldKind>>();

/** What the configuration itself limits by the minute: there the provider's word adds nothing, but for its last. */
function keptKinds(provider: ProviderPlan): ReadonlySet<ToldKind> {
  let kinds = kept_kinds.get(provider);
  if (kinds === undefined) {
    const of = new Set((provider.limits?.windows ?? []).map((window) => window.of));
    const tokens: ToldKind[] = of.has("tokens") ? ["tokens", "input_tokens", "output_tokens"] : [];
    kinds = new Set<ToldKind>([...(of.has("requests") ? (["requests"] as const) : []), ...tokens]);
    kept_kinds.set(provider, kinds);
  }
  return kinds;
}
