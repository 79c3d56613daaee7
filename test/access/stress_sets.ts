// The limits that the processes of the stress test take from: one of every kind.

import { type LimitSet, makeLimitSet } from "../../src/access/limit_set.ts";

/** Calls at once. */
export const CONCURRENCY = 12;
/** In any window. */
export const REQUESTS = 3_000;
export const TOKENS = 60_000;
export const WINDOW_MS = 1_000;
/** In a UTC day. */
export const NANO_USD = 2_000_000n;

/** A key with limits of requests, tokens, calls at once and money. */
export function stressSets(): readonly LimitSet[] {
  const set = makeLimitSet("acme", "key", "stress", {
    windows: [
      { of: "requests", window_ms: WINDOW_MS, limit: REQUESTS },
      { of: "tokens", window_ms: WINDOW_MS, limit: TOKENS },
    ],
    concurrency: CONCURRENCY,
    nano_usd_per_day: NANO_USD,
    nano_usd_per_month: null,
  });
  return [set!];
}
