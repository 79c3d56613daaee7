// The benchmark of the index, as small as it can be, so that it does not rot.

import { expect, test } from "vitest";
import { MEASURES } from "../../bench/figures.ts";
import { USUAL_SIZES } from "../../bench/part.ts";
import { vectorIndex } from "../../bench/quality/vector_index.ts";

test("an index is filled, loaded and searched without a fault", { timeout: 60_000 }, async () => {
  const cases = await vectorIndex.run({ ...USUAL_SIZES, calls: 600 }, () => {});
  expect(cases.map(({ row, fault }) => [row, fault])).toEqual([
    ["comparing two vectors, SIMD", null],
    ["comparing two vectors, plain", null],
    ["600 vectors, fill", null],
    ["600 vectors, load", null],
  ]);
  for (const { values } of cases.slice(2)) {
    expect(values["recall_percent"]![0]).toBeGreaterThan(95);
    expect(values["p50_us"]![0]).toBeGreaterThan(0);
    expect(Object.keys(MEASURES)).toEqual(expect.arrayContaining(Object.keys(values)));
  }
});
