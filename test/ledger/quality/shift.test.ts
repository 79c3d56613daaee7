// What is a shift: what is more than chance and days explain, among all that is compared, and large enough to matter.

import { describe, expect, test } from "vitest";
import { type Measure, NO_COUNTS, type QualityCounts } from "../../../src/ledger/quality/counts.ts";
import { findShifts, twoSided } from "../../../src/ledger/quality/shift.ts";

/** Answers of a day, so many of them refused, of so many tokens on average (as a logarithm to base 2). */
function day(judged: number, refused: number, length = 8, spread = 1): QualityCounts {
  return {
    ...NO_COUNTS,
    ...{ answers: judged, length_sum: judged * length, length_squares: judged * (length ** 2 + spread ** 2) },
    ...{ judged, refused },
  };
}

function comparisonOf(measure: Measure, days: readonly QualityCounts[], others = 0) {
  const calm = Array.from({ length: 29 }, () => day(1000, 10));
  const models = [
    { provider: "p", model: "m", days },
    ...Array.from({ length: others }, (_, index) => ({ provider: "p", model: `other-${index}`, days: calm })),
  ];
  return findShifts(models)[0]!.comparisons.find((one) => one.measure === measure)!;
}

const USUAL = Array.from({ length: 28 }, (_, index) => day(1000, 10 + (index % 3) - 1));

describe("refusals", () => {
  test("that are as many as ever are no shift", () => {
    const found = comparisonOf("refusals", [day(1000, 11), ...USUAL]);
    expect(found).toMatchObject({ now: 0.011, is_shift: false, count_now: 1000 });
    expect(found.usual).toBeCloseTo(0.01, 3);
    expect(found.p).toBeGreaterThan(0.1);
  });

  test.each([[60], [0]])("of which there are %i in a thousand, not ten", (refused) => {
    const is_many = refused > 0;
    expect(comparisonOf("refusals", [day(1000, refused), ...USUAL]).is_shift).toBe(is_many);
  });

  test("that come back from many to few are a shift as well", () => {
    const many = USUAL.map(() => day(1000, 200));
    expect(comparisonOf("refusals", [day(1000, 20), ...many]).is_shift).toBe(true);
  });

  test("are allowed to be many where days differ as much", () => {
    const restless = USUAL.map((_, index) => day(1000, index % 3 === 0 ? 60 : 5));
    expect(comparisonOf("refusals", [day(1000, 60), ...restless]).is_shift).toBe(false);
  });

  test("that are few more are none, however sure that is", () => {
    const large = USUAL.map(() => day(1_000_000, 10_000));
    const found = comparisonOf("refusals", [day(1_000_000, 19_000), ...large]);
    expect(found.p).toBeLessThan(0.001);
    expect(found.is_shift).toBe(false);
  });

  test.each([
    ["of today", [day(29, 29), ...USUAL]],
    ["of the days before", [day(1000, 500), ...USUAL.slice(0, 28).map(() => day(3, 0))]],
    ["days", [day(1000, 500), ...USUAL.slice(0, 2)]],
    ["days at all", [day(1000, 500)]],
  ])("of which too few are known say nothing: %s", (_, days) => {
    expect(comparisonOf("refusals", days)).toMatchObject({ p: null, is_shift: false });
  });
});

test("the more models are compared, the surer it has to be", () => {
  const days = [day(1000, 31), ...USUAL];
  const alone = comparisonOf("refusals", days);
  expect(alone.is_shift).toBe(true);
  expect(comparisonOf("refusals", days, 5_000)).toMatchObject({ p: alone.p, is_shift: false });
});

test("lengths are told in tokens, and compared as logarithms", () => {
  const found = comparisonOf("length", [day(1000, 10, 7.4), ...USUAL]);
  expect(found.now).toBeCloseTo(2 ** 7.4 - 1, 6);
  expect(found.usual).toBeCloseTo(255, 6);
  expect(found.is_shift).toBe(true);
  expect(comparisonOf("length", [day(1000, 10, 7.9), ...USUAL]).is_shift).toBe(false);
});

test("similarities that fall are a shift", () => {
  const compared = (count: number, mean: number) => ({
    ...NO_COUNTS,
    ...{ compared: count, similarity_sum: count * mean, similarity_squares: count * (mean ** 2 + 0.05 ** 2) },
  });
  const usual = USUAL.map(() => compared(40, 0.95));
  expect(comparisonOf("similarity", [compared(40, 0.8), ...usual]).is_shift).toBe(true);
  expect(comparisonOf("similarity", [compared(40, 0.94), ...usual]).is_shift).toBe(false);
});

// By R's 2 * pt(-t, df).
test.each([
  [2.228, 10, 0.05],
  [4.587, 10, 0.001],
  [6.211, 10, 1e-4],
  [5.2069, 33, 1e-5],
  [1.96, 1e9, 0.04999579],
])("t = %d of %d degrees of freedom", (t, freedom, p) => {
  expect(twoSided(t, freedom) / p).toBeCloseTo(1, 1);
});
