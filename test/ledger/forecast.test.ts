// What a month is expected to cost, from what its days have cost.

import { describe, expect, test } from "vitest";
import { type DaySum, forecastMonth } from "../../src/ledger/forecast.ts";

const DAY_MS = 86_400_000;
const MONTH = Date.UTC(2026, 10, 1);
/** Noon of the 21st of a month of 30 days: 20 whole days behind, today and 9 days ahead. */
const NOW = Date.UTC(2026, 10, 21, 12);
const TODAY = Date.UTC(2026, 10, 21);

/** Days before today, the last of them yesterday. */
function daysOf(count: number, usd: (day: number) => number): DaySum[] {
  return Array.from({ length: count }, (_, day) => {
    return { start_ms: TODAY - (count - day) * DAY_MS, usd: usd(day) };
  });
}

describe("the forecast of a month", () => {
  test("goes on where every day costs the same, and is certain", () => {
    const forecast = forecastMonth(
      daysOf(20, () => 3),
      MONTH,
      NOW,
    );
    expect(forecast.spent_usd).toBeCloseTo(60);
    expect(forecast.expected_usd).toBeCloseTo(90);
    expect(forecast.spread_usd).toBeCloseTo(0);
    expect(forecast.days).toHaveLength(10);
    expect(forecast.method).toContain("line");
  });

  test("follows growth in a straight line", () => {
    const forecast = forecastMonth(
      daysOf(20, (day) => day + 1),
      MONTH,
      NOW,
    );
    // 1 + 2 + … + 30.
    expect(forecast.expected_usd).toBeCloseTo(465);
  });

  test("never goes below nothing, nor below what today has cost", () => {
    const falling = [...daysOf(20, (day) => Math.max(0.01, 20 - 2 * day)), { start_ms: TODAY, usd: 7 }];
    const forecast = forecastMonth(falling, MONTH, NOW);
    expect(forecast.days.every(({ usd }) => usd >= 0)).toBe(true);
    expect(forecast.expected_usd).toBeCloseTo(forecast.spent_usd);
    expect(forecast.days[0]!.usd).toBe(7);
  });

  test("takes days without calls for days that cost nothing, but not those before the first call", () => {
    const days = daysOf(8, () => 4).filter((_, day) => day % 2 === 0);
    const forecast = forecastMonth(days, MONTH, NOW);
    const line = forecastMonth(
      daysOf(8, (day) => (day % 2 === 0 ? 4 : 0)),
      MONTH,
      NOW,
    );
    expect(forecast.expected_usd).toBeCloseTo(line.expected_usd);
    expect(forecast.spread_usd).toBeGreaterThan(0);
  });

  test("says so where there are few days, or none", () => {
    const few = forecastMonth(
      daysOf(2, (day) => 1 + day),
      MONTH,
      NOW,
    );
    expect(few.method).toContain("mean of the last 2 whole days");
    expect(few.expected_usd).toBeCloseTo(3 + 10 * 1.5);
    const none = forecastMonth([{ start_ms: TODAY, usd: 2 }], MONTH, NOW);
    expect(none).toMatchObject({ spent_usd: 2, expected_usd: 2, spread_usd: 0 });
    expect(forecastMonth([], MONTH, NOW)).toMatchObject({ spent_usd: 0, expected_usd: 0 });
  });

  test("looks at the days of last month too, and counts this month's alone", () => {
    const first = Date.UTC(2026, 10, 1, 6);
    const days = Array.from({ length: 28 }, (_, day) => ({ start_ms: MONTH - (28 - day) * DAY_MS, usd: 2 }));
    const forecast = forecastMonth(days, MONTH, first);
    expect(forecast.spent_usd).toBe(0);
    expect(forecast.expected_usd).toBeCloseTo(60);
  });
});
