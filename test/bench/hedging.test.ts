// What the gateway's rules for hedges do to a heavy-tailed provider, whatever is drawn.

import { describe, expect, test } from "vitest";
import { type HedgeRule, simulate, type Upstream } from "../../bench/quality/hedging_model.ts";

const CALLS = 20_000;
const NONE: HedgeRule = { after: null, max_extra: 0.05 };
const P95: HedgeRule = { after: "p95", max_extra: 0.05 };
const HEAVY: Upstream = { slow_share: 0.04, brownout: null };
const BROWNOUT: Upstream = { slow_share: 0.04, brownout: { from: 0.5, to: 0.6, times: 5 } };

describe.each([1, 2, 3, 4, 5])("with seed %i", (seed) => {
  test("hedging after the p95 cuts the p99 by half and more, with at most 5 % extra calls", () => {
    const [plain, hedged] = [simulate(NONE, HEAVY, CALLS, seed), simulate(P95, HEAVY, CALLS, seed)];
    expect(plain.extra).toBe(0);
    expect(hedged.extra).toBeGreaterThan(0.03);
    expect(hedged.extra).toBeLessThanOrEqual(0.05);
    expect(hedged.p99_ms).toBeLessThan(plain.p99_ms / 2);
    expect(hedged.p50_ms).toBeLessThan(plain.p50_ms * 1.01);
  });

  test("a provider that becomes slow as a whole is not asked more than that", () => {
    expect(simulate(P95, BROWNOUT, CALLS, seed).extra).toBeLessThanOrEqual(0.05);
  });
});

test("the same seed gives the same figures", () => {
  expect(simulate(P95, HEAVY, 2_000, 7)).toEqual(simulate(P95, HEAVY, 2_000, 7));
  expect(simulate(P95, HEAVY, 2_000, 7)).not.toEqual(simulate(P95, HEAVY, 2_000, 8));
});
