// What a call may use, taken from every limit that it is under before it is sent, or from none: requests, tokens, a place among
// the calls at once, money. When the call is over, what it did not use goes back, exactly once.

import type { CounterKey } from "../memory/counter_key.ts";
import type { CounterTable } from "../memory/counter_table.ts";
import { giveOne, heldIn, takeOne } from "../memory/gauge.ts";
import { type LimitSet, type MoneyLimit, periodEndMs, type WindowLimit } from "./limit_set.ts";
import { askForMoney, askForPlaces, askForWindow } from "./shared/ask.ts";
import type { Lack, SharedLimits } from "./shared/limits.ts";
import { adjustIn, emptyAtMs, roomAtMs, slotAt, takeIn, usedIn } from "./sliding_window.ts";

/** When a place among the calls at once may be free again, at a guess. */
const PLACE_RETRY_MS = 1_000;

/** What reservations need. */
export interface ReservationTools {
  readonly counters: CounterTable;
  /** The column of this process in gauges. */
  readonly column: number;
  /** Limits that several hosts share; null: they are this host's own. */
  readonly shared: SharedLimits | null;
  /** Steady time for windows. */
  now_ms(): number;
  /** The host's time, for UTC days and months. */
  wall_ms(): number;
}

/** What is asked for. */
export interface Amounts {
  readonly tokens: number;
  /** Nano-dollars. */
  readonly nano_usd: number;
}

/** Why a reservation was refused. */
export interface Refusal {
  readonly set: LimitSet;
  readonly of: "requests" | "tokens" | "concurrency" | "nano_usd";
  readonly limit: number | bigint;
  /** Of windows and periods, in words. */
  readonly window: string;
  /** When it may be tried again, from now; null if never. */
  readonly retry_after_ms: number | null;
  /** How many of this size the limit lets through in a second; null where it is not about time. */
  readonly per_second: number | null;
  /** Of a limit that hosts share: it is this host's part that is used up, and more was asked for; or nobody can be asked. */
  readonly lack?: Exclude<Lack, "full">;
}

type Hold =
  | {
      readonly kind: "requests" | "tokens";
      readonly limit: WindowLimit;
      readonly counter: CounterKey;
      readonly slot: number;
    }
  | { readonly kind: "concurrency"; readonly counter: CounterKey }
  | { readonly kind: "money"; readonly limit: MoneyLimit; readonly counter: CounterKey };

/** What one call has taken. */
export class Reservation {
  readonly sets: readonly LimitSet[];
  readonly #tools: ReservationTools;
  readonly #holds: Hold[] = [];
  #tokens: number;
  #nano_usd: bigint;
  #is_over = false;

  private constructor(sets: readonly LimitSet[], amounts: Amounts, tools: ReservationTools) {
    this.sets = sets;
    this.#tools = tools;
    this.#tokens = amounts.tokens;
    this.#nano_usd = BigInt(amounts.nano_usd);
  }

  /** Takes from every set what is asked for, or from none of them. */
  static take(sets: readonly LimitSet[], amounts: Amounts, tools: ReservationTools): Reservation | Refusal {
    const reservation = new Reservation(sets, amounts, tools);
    for (const set of sets) {
      const refusal = reservation.#takeFrom(set);
      if (refusal === null) continue;
      reservation.#giveBack();
      return refusal;
    }
    return reservation;
  }

  /** Nano-dollars that are held. */
  get nano_usd(): bigint {
    return this.#nano_usd;
  }

  /** Whether money is held, so that the cost of a running stream has to be watched. */
  get has_money(): boolean {
    return this.#holds.some(({ kind }) => kind === "money");
  }

  #takeFrom(set: LimitSet): Refusal | null {
    for (const window of set.windows) {
      const refusal = this.#takeWindow(set, window);
      if (refusal !== null) return refusal;
    }
    if (set.concurrency !== null) {
      const refusal = this.#takePlace(set, set.concurrency);
      if (refusal !== null) return refusal;
    }
    for (const limit of set.money) {
      const refusal = this.#takeMoney(set, limit, this.#nano_usd);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #takePlace(set: LimitSet, { limit, counter }: NonNullable<LimitSet["concurrency"]>): Refusal | null {
    const { counters, column, shared } = this.#tools;
    const at = counters.at(counter, this.#tools.wall_ms());
    if (at < 0) return tableFull(set);
    const most = shared === null ? limit : shared.limitOf(at, limit);
    if (takeOne(counters.words, at, column, most)) {
      if (shared === null || heldIn(counters.words, at) <= shared.limitOf(at, limit)) {
        this.#holds.push({ kind: "concurrency", counter });
        return null;
      }
      // The part became smaller at this very moment.
      giveOne(counters.words, at, column);
    }
    const refusal: Refusal = {
      ...{ set, of: "concurrency", limit, window: "" },
      ...{ retry_after_ms: PLACE_RETRY_MS, per_second: null },
    };
    return shared === null
      ? refusal
      : lacking(refusal, shared.lack(at, counter, askForPlaces(counter, limit), 1));
  }

  #takeWindow(set: LimitSet, window: WindowLimit): Refusal | null {
    const { counters, shared } = this.#tools;
    const now_ms = this.#tools.now_ms();
    const { of, limit, window_ms, counter } = window;
    const amount = of === "requests" ? 1 : this.#tokens;
    const at = counters.at(counter, this.#tools.wall_ms());
    if (at < 0) return tableFull(set);
    const slot = slotAt(now_ms, window_ms);
    const most = shared === null ? limit : shared.limitOf(at, limit);
    if (takeIn(counters.words, at, slot, amount, most)) {
      if (shared === null || usedIn(counters.words, at, slot) <= shared.limitOf(at, limit)) {
        this.#holds.push({ kind: of, limit: window, counter, slot });
        return null;
      }
      // The part became smaller at this very moment.
      adjustIn(counters.words, at, slot, slot, -amount);
    }
    if (shared !== null && amount <= limit) return this.#lackOf(shared, at, set, window, amount);
    const room_ms = roomAtMs(counters.words, at, slot, amount, limit, window_ms);
    // What is larger than the whole limit never fits, unless somebody asks for less.
    const retry_after_ms = amount > limit ? null : Math.max(1, room_ms - now_ms);
    const per_second = (limit * 1_000) / (Math.max(1, amount) * window_ms);
    return { set, of, limit, window: windowName(window_ms), retry_after_ms, per_second };
  }

  /** Why a window that hosts share has no room for an amount that it might have room for. */
  #lackOf(shared: SharedLimits, at: number, set: LimitSet, window: WindowLimit, amount: number): Refusal {
    const { counters } = this.#tools;
    const { of, limit, window_ms, counter } = window;
    const lack = shared.lack(at, counter, askForWindow(counter, limit, window_ms), amount);
    const now_ms = this.#tools.now_ms();
    const most = shared.limitOf(at, limit);
    const slot = slotAt(now_ms, window_ms);
    const own_ms = roomAtMs(counters.words, at, slot, amount, most, window_ms) - now_ms;
    const room_ms = Math.min(own_ms, lack === "full" ? shared.roomInMs(at) : PLACE_RETRY_MS);
    const retry_after_ms = Math.max(1, Number.isFinite(room_ms) ? room_ms : PLACE_RETRY_MS);
    const per_second = (limit * 1_000) / (Math.max(1, amount) * window_ms);
    const refusal: Refusal = { set, of, limit, window: windowName(window_ms), retry_after_ms, per_second };
    return lacking(refusal, lack);
  }

  #takeMoney(set: LimitSet, limit: MoneyLimit, nano_usd: bigint): Refusal | null {
    const { counters, shared } = this.#tools;
    const wall_ms = this.#tools.wall_ms();
    const counter = limit.counterAt(wall_ms);
    const at = counters.at(counter, wall_ms);
    if (at < 0) return tableFull(set);
    const used = Atomics.add(counters.longs, at >> 1, nano_usd);
    const most = shared === null ? limit.nano_usd : shared.moneyLimitOf(at, limit.nano_usd);
    // A budget that is used up admits nothing, however cheap.
    if (used + nano_usd <= most && used < most) {
      this.#holds.push({ kind: "money", limit, counter });
      return null;
    }
    Atomics.sub(counters.longs, at >> 1, nano_usd);
    const retry_after_ms = periodEndMs(limit.period, wall_ms) - wall_ms;
    const refusal: Refusal = {
      ...{ set, of: "nano_usd", limit: limit.nano_usd, window: limit.period },
      ...{ retry_after_ms, per_second: null },
    };
    if (shared === null || nano_usd > limit.nano_usd) return refusal;
    const ask = askForMoney(counter, limit.nano_usd);
    return lacking(refusal, shared.lack(at, counter, ask, Number(nano_usd || 1n) / ask.unit));
  }

  /** Takes more money, for an answer that has become longer than expected; false if some budget has no more. */
  takeMore(nano_usd: number): boolean {
    const more = BigInt(nano_usd);
    const { counters, shared } = this.#tools;
    const taken: number[] = [];
    for (const hold of this.#holds) {
      if (hold.kind !== "money") continue;
      const at = counters.find(hold.counter, this.#tools.wall_ms());
      if (at < 0) continue;
      const used = Atomics.add(counters.longs, at >> 1, more);
      taken.push(at);
      const most = shared === null ? hold.limit.nano_usd : shared.moneyLimitOf(at, hold.limit.nano_usd);
      if (used + more <= most) continue;
      if (shared !== null && used + more <= hold.limit.nano_usd) {
        const ask = askForMoney(hold.counter, hold.limit.nano_usd);
        // Nobody waits in the middle of an answer: it goes on until it is heard that there is no more.
        if (shared.lack(at, hold.counter, ask, nano_usd / ask.unit) === "short") continue;
      }
      for (const place of taken) Atomics.sub(counters.longs, place >> 1, more);
      return false;
    }
    this.#nano_usd += more;
    return true;
  }

  /** The call is over and used so much: the difference is set right in every limit, and its place is free. */
  settle(used: Amounts): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#correct(used, true);
  }

  /** The call is not sent after all: everything goes back. */
  cancel(): void {
    if (!this.#is_over) this.#giveBack();
  }

  /** What a settled call has used is known better now. */
  amend(used: Amounts): void {
    this.#correct(used, false);
  }

  #correct(used: Amounts, is_end: boolean): void {
    const { counters, column, shared } = this.#tools;
    const wall_ms = this.#tools.wall_ms();
    const tokens = used.tokens - this.#tokens;
    const nano_usd = BigInt(used.nano_usd) - this.#nano_usd;
    this.#tokens = used.tokens;
    this.#nano_usd = BigInt(used.nano_usd);
    for (const hold of this.#holds) {
      if (hold.kind === "requests" || (hold.kind === "concurrency" && !is_end)) continue;
      const at = counters.find(hold.counter, wall_ms);
      if (at < 0) continue;
      if (hold.kind === "tokens") adjustIn(counters.words, at, hold.slot, this.#slotNow(hold.limit), tokens);
      else if (hold.kind === "concurrency") giveOne(counters.words, at, column);
      else Atomics.add(counters.longs, at >> 1, nano_usd);
      if (shared !== null) this.#tellOf(shared, at, hold);
    }
  }

  /** What is used of a shared limit has changed after the fact. */
  #tellOf(shared: SharedLimits, at: number, hold: Hold): void {
    if (hold.kind === "money")
      shared.changed(at, hold.counter, () => askForMoney(hold.counter, hold.limit.nano_usd));
    else if (hold.kind === "tokens")
      shared.changed(at, hold.counter, () =>
        askForWindow(hold.counter, hold.limit.limit, hold.limit.window_ms),
      );
  }

  #slotNow({ window_ms }: WindowLimit): number {
    return slotAt(this.#tools.now_ms(), window_ms);
  }

  /** Everything goes back: the call is not admitted after all. */
  #giveBack(): void {
    this.#is_over = true;
    const { counters, column } = this.#tools;
    const wall_ms = this.#tools.wall_ms();
    for (const hold of this.#holds) {
      const at = counters.find(hold.counter, wall_ms);
      if (at < 0) continue;
      if (hold.kind === "concurrency") giveOne(counters.words, at, column);
      else if (hold.kind === "money") Atomics.sub(counters.longs, at >> 1, this.#nano_usd);
      else {
        const amount = hold.kind === "requests" ? 1 : this.#tokens;
        adjustIn(counters.words, at, hold.slot, this.#slotNow(hold.limit), -amount);
      }
    }
  }
}

/** A refusal of a limit that hosts share. */
function lacking(refusal: Refusal, lack: Lack): Refusal {
  return lack === "full" ? refusal : { ...refusal, lack };
}

/** There is no counter to be had: nobody is let in uncounted. */
function tableFull(set: LimitSet): Refusal {
  return { set, of: "requests", limit: 0, window: "", retry_after_ms: PLACE_RETRY_MS, per_second: null };
}

/** The length of a window, in words. */
export function windowName(window_ms: number): string {
  if (window_ms === 60_000) return "minute";
  return window_ms === 3_600_000 ? "hour" : "day";
}

/** What a client is told of a window: the limit, what is left, when it is empty again (from now). */
export interface WindowState {
  readonly limit: number;
  readonly remaining: number;
  readonly reset_ms: number;
}

/** The window of requests, or of tokens, that is nearest to its end among those of a call; null without one. */
export function tightestWindow(
  sets: readonly LimitSet[],
  of: "requests" | "tokens",
  tools: ReservationTools,
): WindowState | null {
  let tightest: WindowState | null = null;
  const { counters, shared } = tools;
  const now_ms = tools.now_ms();
  for (const set of sets) {
    for (const window of set.windows) {
      if (window.of !== of) continue;
      const at = counters.find(window.counter, tools.wall_ms());
      const slot = slotAt(now_ms, window.window_ms);
      const own = at < 0 ? 0 : usedIn(counters.words, at, slot);
      const used = shared === null || at < 0 ? own : own + shared.elsewhere(at);
      const remaining = Math.max(0, window.limit - used);
      if (tightest !== null && remaining / window.limit >= tightest.remaining / tightest.limit) continue;
      const empty_ms = at < 0 ? 0 : emptyAtMs(counters.words, at, slot, window.window_ms);
      tightest = { limit: window.limit, remaining, reset_ms: Math.max(0, empty_ms - now_ms) };
    }
  }
  return tightest;
}
