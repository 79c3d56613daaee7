// What a call's process asks the keeper of leases for: a counter, and what limits it. It travels between processes, and says nothing
// of whom the counter is about.

import type { CounterKey } from "../../memory/counter_key.ts";

/** What is counted: in a stretch of time, at once, or as money in a period. */
export type LeaseKind = "window" | "gauge" | "money";

/** A counter whose lease is not enough. */
export interface LeaseAsk {
  readonly words: readonly [number, number, number, number];
  readonly idle_s: number;
  readonly kind: LeaseKind;
  /** In units. */
  readonly limit: number;
  /** Nano-dollars of a unit of money; 1 for all else. */
  readonly unit: number;
  /** Length of the window; 0 for what has none. */
  readonly window_ms: number;
}

/** Budgets of more nano-dollars are counted in micro-dollars: a script's numbers are exact up to 2^53. */
const EXACT_MAX = 2n ** 51n;
const LARGE_UNIT = 1_000;

/** The unit that a budget is counted in, in nano-dollars. */
export function unitOf(limit: bigint): number {
  return limit > EXACT_MAX ? LARGE_UNIT : 1;
}

/** Asks for a window of requests or tokens. */
export function askForWindow(key: CounterKey, limit: number, window_ms: number): LeaseAsk {
  return { words: key.words, idle_s: key.idle_s, kind: "window", limit, unit: 1, window_ms };
}

/** Asks for places among the calls at once. */
export function askForPlaces(key: CounterKey, limit: number): LeaseAsk {
  return { words: key.words, idle_s: key.idle_s, kind: "gauge", limit, unit: 1, window_ms: 0 };
}

/** Asks for money. */
export function askForMoney(key: CounterKey, limit: bigint): LeaseAsk {
  const unit = unitOf(limit);
  const units = Number(limit / BigInt(unit));
  return { words: key.words, idle_s: key.idle_s, kind: "money", limit: units, unit, window_ms: 0 };
}
