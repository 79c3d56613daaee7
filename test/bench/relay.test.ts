// The benchmark itself, as small as it can be: so that it does not rot.

import { expect, test } from "vitest";
import { relay } from "../../bench/relay.ts";

test("the relay benchmark measures every target, plain and streamed, without an error", async () => {
  const cases = await relay({ rounds: 1, seconds: 0.4, connections: 4, log: () => {} });
  expect(cases.length).toBeGreaterThanOrEqual(4);
  expect(new Set(cases.map(({ kind, target }) => `${kind} ${target}`)).size).toBe(cases.length);
  for (const { errors, median } of cases) {
    expect(errors).toBe(0);
    expect(median.calls_per_s).toBeGreaterThan(10);
    expect(median.p99_us).toBeGreaterThanOrEqual(median.p50_us);
  }
});
