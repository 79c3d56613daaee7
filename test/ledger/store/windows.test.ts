// Windows of time: where they begin, and that a range is covered by windows that are kept, without gap and without overlap.

import { describe, expect, test } from "vitest";
import {
  coverRange,
  KEPT_MS,
  keptSince,
  LEVEL_MS,
  periodName,
  periodStart,
  startOf,
} from "../../../src/ledger/store/windows.ts";
import { randomFrom } from "./rows.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-11-26T06:30:17.250Z");
const at = (text: string) => Date.parse(text);

describe("windows", () => {
  test("begin on their minute, hour, day and month of UTC", () => {
    expect(startOf("minute", NOW)).toBe(at("2026-11-26T06:30:00Z"));
    expect(startOf("hour", NOW)).toBe(at("2026-11-26T06:00:00Z"));
    expect(startOf("day", NOW)).toBe(at("2026-11-26"));
    expect(periodStart("month", NOW)).toBe(at("2026-11-01"));
    expect(periodStart("day", at("2026-11-30T23:59:59.999Z"))).toBe(at("2026-11-30"));
  });

  test("are named as people write them", () => {
    expect(periodName("day", at("2026-11-26"))).toBe("2026-11-26");
    expect(periodName("month", at("2026-11-01"))).toBe("2026-11");
  });
});

describe("a range", () => {
  test("is covered by minutes at its ends, then hours, and days in its middle", () => {
    const { spans } = coverRange(at("2026-11-23T22:58:30Z"), at("2026-11-26T01:02:00Z"), NOW);
    expect(spans).toEqual([
      { level: "minute", since_ms: at("2026-11-23T22:58Z"), until_ms: at("2026-11-23T23:00Z") },
      { level: "hour", since_ms: at("2026-11-23T23:00Z"), until_ms: at("2026-11-24") },
      { level: "day", since_ms: at("2026-11-24"), until_ms: at("2026-11-26") },
      { level: "hour", since_ms: at("2026-11-26"), until_ms: at("2026-11-26T01:00Z") },
      { level: "minute", since_ms: at("2026-11-26T01:00Z"), until_ms: at("2026-11-26T01:02Z") },
    ]);
  });

  test("of less than an hour over its turn is covered by minutes", () => {
    const { spans } = coverRange(at("2026-11-26T05:59:00Z"), at("2026-11-26T06:01:00Z"), NOW);
    expect(spans).toEqual([
      { level: "minute", since_ms: at("2026-11-26T05:59Z"), until_ms: at("2026-11-26T06:01Z") },
    ]);
  });

  test("that is empty has no windows", () => {
    expect(coverRange(NOW - 60_000, NOW - 60_000 - (NOW % 60_000), NOW).spans).toEqual([]);
  });

  test("of any kind is covered by windows that are still kept, one after another", () => {
    const random = randomFrom(1);
    for (let round = 0; round < 2000; round++) {
      const since_ms = Math.floor(NOW - random() * random() * 200 * DAY_MS);
      const until_ms = Math.floor(since_ms + random() * random() * (NOW - since_ms));
      const cover = coverRange(since_ms, until_ms, NOW);
      expect(cover.since_ms).toBeLessThanOrEqual(since_ms);
      expect(cover.until_ms).toBeGreaterThanOrEqual(until_ms);
      let end_ms = cover.since_ms;
      for (const span of cover.spans) {
        expect(span.since_ms).toBe(end_ms);
        expect(span.until_ms).toBeGreaterThan(span.since_ms);
        expect(span.since_ms % LEVEL_MS[span.level]).toBe(0);
        expect(span.until_ms % LEVEL_MS[span.level]).toBe(0);
        expect(span.since_ms).toBeGreaterThanOrEqual(
          Math.max(keptSince(span.level, NOW), Number.NEGATIVE_INFINITY),
        );
        end_ms = span.until_ms;
      }
      expect(end_ms).toBe(cover.until_ms);
      const is_recent = since_ms > NOW - KEPT_MS.minute + 2 * DAY_MS;
      if (is_recent) expect(since_ms - cover.since_ms).toBeLessThan(60_000);
    }
  });
});
