import { describe, expect, test } from "vitest";
import type { CacheEntry } from "../../src/cache/entry.ts";
import { ageSeconds, type CacheWish, judge, readWish } from "../../src/cache/freshness.ts";
import { GatewayError } from "../../src/errors.ts";

function wishOf(headers: Record<string, string>): CacheWish {
  const wish = readWish(new Headers(headers));
  if (wish instanceof GatewayError) throw new Error(wish.message);
  return wish;
}

describe("what a caller wishes", () => {
  test.each([
    [{}, "use"],
    [{ "x-venturi-cache": "off" }, "off"],
    [{ "x-venturi-cache": "refresh" }, "refresh"],
    [{ "x-venturi-cache": "only" }, "only"],
    [{ "cache-control": "no-store" }, "off"],
    [{ "cache-control": "no-cache" }, "refresh"],
    [{ "cache-control": "max-age=0" }, "refresh"],
    [{ "cache-control": "only-if-cached" }, "only"],
    [{ "cache-control": "ONLY-IF-CACHED, max-stale" }, "only"],
    [{ "cache-control": "no-cache, no-store" }, "off"],
    [{ "cache-control": "no-transform" }, "use"],
    [{ "cache-control": "max-age=x, min-fresh=-3,,=," }, "use"],
    [{ "cache-control": "no-cache", "x-venturi-cache": "only" }, "only"],
  ] as const)("%j is %s", (headers, mode) => {
    expect(wishOf(headers).mode).toBe(mode);
  });

  test("seconds are read, quoted ones too", () => {
    const wish = wishOf({ "cache-control": 'max-age="60", min-fresh=5, max-stale=7' });
    expect([wish.max_age_ms, wish.min_fresh_ms, wish.max_stale_ms]).toEqual([60_000, 5_000, 7_000]);
    expect(wishOf({ "cache-control": "max-stale" }).max_stale_ms).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    [{ "x-venturi-cache": "maybe" }, "x-venturi-cache"],
    [{ "x-venturi-similarity": "2" }, "x-venturi-similarity"],
    [{ "x-venturi-similarity": "much" }, "x-venturi-similarity"],
  ] as const)("%j is refused", (headers, param) => {
    expect(readWish(new Headers(headers))).toMatchObject({ code: "invalid_value", param });
  });
});

describe("an answer of 10 s, fresh for 20, kept for 30", () => {
  const now_ms = 1_000_000;
  const entry = {
    created_ms: now_ms - 10_000,
    fresh_until_ms: now_ms + 10_000,
    stale_until_ms: now_ms + 20_000,
  } as CacheEntry;

  test.each([
    [{}, 0, "fresh"],
    [{}, 9_999, "fresh"],
    [{}, 10_000, "stale"],
    [{}, 19_999, "stale"],
    [{}, 20_000, "unfit"],
    [{ "cache-control": "max-age=10" }, 0, "fresh"],
    [{ "cache-control": "max-age=9" }, 0, "unfit"],
    [{ "cache-control": "max-age=5, max-stale" }, 0, "unfit"],
    [{ "cache-control": "min-fresh=9" }, 0, "fresh"],
    [{ "cache-control": "min-fresh=10" }, 0, "unfit"],
    [{ "cache-control": "max-stale=3" }, 12_000, "stale"],
    [{ "cache-control": "max-stale=3" }, 14_000, "unfit"],
    [{ "cache-control": "max-stale" }, 19_000, "stale"],
  ] as const)("for %j after %d ms is %s", (headers, later_ms, state) => {
    expect(judge(entry, wishOf(headers), now_ms + later_ms)).toBe(state);
  });

  test("its age is told in whole seconds, and never below none", () => {
    expect(ageSeconds(entry, now_ms + 999)).toBe(10);
    expect(ageSeconds(entry, now_ms - 60_000)).toBe(0);
  });
});
