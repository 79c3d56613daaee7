// The limits that a reservation is measured with.

import { type LimitSet, makeLimitSet } from "../src/access/limit_set.ts";

/** A key's limits over six counters, so high that nothing is refused: requests a minute and an hour, tokens a minute, calls at once, money a day and a month. */
export function sixCounters(key: string): LimitSet {
  const [minute, hour] = [60_000, 3_600_000];
  const limit = Number.MAX_SAFE_INTEGER;
  return makeLimitSet("acme", "key", key, {
    windows: [
      { of: "requests", window_ms: minute, limit },
      { of: "requests", window_ms: hour, limit },
      { of: "tokens", window_ms: minute, limit },
    ],
    concurrency: 1_000_000,
    nano_usd_per_day: 1n << 60n,
    nano_usd_per_month: 1n << 60n,
  })!;
}
