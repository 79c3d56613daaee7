// Tags of fair queueing: shares by weight, for ever, in words that come round.

import { expect, test } from "vitest";
import { ahead, serve, startTag, stepOf } from "../../src/access/virtual_time.ts";

/** Words: the time, then where each flow's last service ended. */
function serveAll(
  words: Int32Array,
  weights: readonly number[],
  turns: number,
  isThere = (_flow: number, _turn: number) => true,
) {
  const served = weights.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    let first = -1;
    let tag = 0;
    for (const [flow, weight] of weights.entries()) {
      if (!isThere(flow, turn)) continue;
      const start = startTag(words[flow + 1]!, words[0]!, stepOf(weight));
      if (first < 0 || ahead(start, tag) < 0) [first, tag] = [flow, start];
    }
    serve(words, first + 1, 0, stepOf(weights[first]!));
    served[first]! += 1;
  }
  return served;
}

test.each([
  ["from nothing", [0, 0, 0, 0]],
  ["when words come round", [2 ** 31 - 3_000_000, 2 ** 31 - 3_000_000, 2 ** 31 - 2_900_000, 2 ** 31 - 1]],
  ["after flows that were last served long ago", [5, -(2 ** 31) + 5, 2 ** 31 - 1, 2 ** 30]],
])("shares are by weight %s", (_, words) => {
  const weights = [8, 1, 0.5];
  const served = serveAll(new Int32Array(words), weights, 19_000);
  for (const [flow, weight] of weights.entries()) {
    const due = (19_000 * weight) / 9.5;
    expect(Math.abs(served[flow]! - due)).toBeLessThanOrEqual(2);
  }
});

test("who was away has its share from then on, and nothing for the time before", () => {
  const words = new Int32Array(3);
  expect(serveAll(words, [1, 1], 1_000, (flow) => flow === 0)).toEqual([1_000, 0]);
  const [one, other] = serveAll(words, [1, 1], 1_000);
  expect(Math.abs(one! - other!)).toBeLessThanOrEqual(1);
});

test("any weight that can be configured has a step of its own sign and size", () => {
  for (const weight of [1e-9, 0.001, 1, 1_000]) {
    expect(stepOf(weight)).toBeGreaterThan(0);
    expect(stepOf(weight)).toBeLessThan(2 ** 30);
  }
  expect(stepOf(8)).toBe(stepOf(1) / 8);
});
