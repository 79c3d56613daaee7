// Intervals against values that are published, and against what they promise.

import { describe, expect, test } from "vitest";
import { meanOf, quantileOf, shareOf, tOf } from "../../src/ledger/statistics.ts";
import { randomFrom } from "./store/rows.ts";

// Tables of Student's t, 0.975: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
test.each([
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [10, 2.228],
  [20, 2.086],
  [30, 2.042],
  [100, 1.984],
  [100_000, 1.96],
])("t with %i degrees of freedom is %d", (freedom, t) => {
  expect(tOf(freedom)).toBeCloseTo(t, 3);
});

// Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998, table I.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [20, 20, 0.8389, 1],
  [1, 29, 0.0061, 0.1718],
])("%i of %i is between %d and %d", (count, total, low, high) => {
  const share = shareOf(count, total)!;
  expect(share.value).toBeCloseTo(count / total, 12);
  expect(share.low).toBeCloseTo(low, 4);
  expect(share.high).toBeCloseTo(high, 4);
});

test("a mean has the interval that is worked out by hand", () => {
  // 1 to 5: the mean is 3, its standard error the root of 1/2, t with four degrees of freedom 2.776.
  const { value, low, high } = meanOf([1, 2, 3, 4, 5])!;
  expect([value, low, high].map((x) => Number(x.toFixed(3)))).toEqual([3, 1.037, 4.963]);
  // What samples cannot be, their mean is not either.
  expect(meanOf([0, 1], 1)).toEqual({ value: 0.5, low: 0, high: 1 });
  expect(meanOf([7])).toBeNull();
  expect(meanOf([])).toBeNull();
  expect(shareOf(0, 0)).toBeNull();
});

test("a quantile is a sample, between two others", () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(quantileOf(samples, 0.5)).toEqual({ value: 50, low: 40, high: 60 });
  // Of a hundred samples the 95th percentile may be above all.
  expect(quantileOf(samples, 0.99)).toBeNull();
  expect(quantileOf([], 0.5)).toBeNull();
});

describe("in 95 of 100 samples", () => {
  const random = randomFrom(11);
  const exponential = () => -Math.log(1 - random());
  const covered = (isCovered: () => boolean) =>
    Array.from({ length: 2_000 }).filter(() => isCovered()).length / 2_000;

  test.each([
    [
      "a share",
      () => {
        const count = Array.from({ length: 200 }).filter(() => random() < 0.1).length;
        const { low, high } = shareOf(count, 200)!;
        return low <= 0.1 && 0.1 <= high;
      },
    ],
    [
      "a mean",
      () => {
        const { low, high } = meanOf(Array.from({ length: 200 }, exponential))!;
        return low <= 1 && 1 <= high;
      },
    ],
    [
      "a 95th percentile",
      () => {
        const { low, high } = quantileOf(Array.from({ length: 400 }, exponential), 0.95)!;
        return low <= -Math.log(0.05) && -Math.log(0.05) <= high;
      },
    ],
  ])("%s is in its interval", (_, isCovered) => {
    const share = covered(isCovered);
    expect(share).toBeGreaterThan(0.93);
    expect(share).toBeLessThan(0.98);
  });
});
