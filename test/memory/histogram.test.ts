import { describe, expect, test } from "vitest";
import { BUCKETS, bucketBound, bucketOf } from "../../src/memory/histogram.ts";

describe("the buckets of the log-linear histogram", () => {
  test("has rising bounds", () => {
    for (let bucket = 1; bucket < BUCKETS; bucket++)
      expect(bucketBound(bucket)).toBeGreaterThan(bucketBound(bucket - 1));
  });

  test("puts every duration into the first bucket whose bound is not below it", () => {
    for (let duration_us = 0; duration_us < 5_000; duration_us += 0.37) {
      const bucket = bucketOf(duration_us);
      expect(bucketBound(bucket)).toBeGreaterThanOrEqual(duration_us);
      if (bucket > 0) expect(bucketBound(bucket - 1)).toBeLessThan(duration_us);
    }
  });

  test("takes every number there is", () => {
    for (const odd of [-1, 0, Number.NaN, 1e12, Number.POSITIVE_INFINITY]) {
      const bucket = bucketOf(odd);
      expect(bucket).toBeGreaterThanOrEqual(0);
      expect(bucket).toBeLessThan(BUCKETS);
    }
  });
});
