// The queue of a saturated provider, in simulations of several processes under a virtual clock; the same as `bun bench/quality/fair_queue.ts`.

import { describe, expect, test } from "vitest";
import { quantile, type SimulatedTier, simulateQueue } from "../../bench/quality/queue_simulation.ts";

const base = { places: 32, service_ms: 400, duration_ms: 40_000, max_wait_ms: 30_000 };
const bounds = { max: 500, max_bytes: 2 ** 40 };
/** 80 calls in a second can be served. */
const paid: SimulatedTier = { name: "paid", weight: 8, tenants: { a: 20, b: 20 } };
const free: SimulatedTier = { name: "free", weight: 1, tenants: { f: (50 * 80) / 9 } };
const paid_over: SimulatedTier = { ...paid, tenants: { a: 80, b: 240 } };
const free_over: SimulatedTier = { ...free, tenants: { f: 40, g: 200 } };

describe.each([1, 2, 4])("a queue of %d process(es)", (processes) => {
  test("keeps the shares of tiers by weight and of tenants alike, within 5 %", () => {
    const result = simulateQueue({ ...base, bounds, processes, seed: 11, tiers: [paid_over, free_over] });
    const { paid: one, free: other } = result.tiers;
    const share = one!.served / (one!.served + other!.served);
    expect(Math.abs(share / (8 / 9) - 1)).toBeLessThan(0.05);
    expect(Math.abs((1 - share) / (1 / 9) - 1)).toBeLessThan(0.05);
    for (const tier of [one!, other!]) {
      for (const served of Object.values(tier.by_tenant))
        expect(Math.abs(served / (tier.served / 2) - 1)).toBeLessThan(0.05);
    }
    expect(result.most_at_once).toBe(base.places);
    expect(result.used).toBeGreaterThan(0.98);
    expect(one!.is_in_order && other!.is_in_order).toBe(true);
  });

  test("lets a free tier at fifty times its share raise the paid tier's p95 by no more than a tenth", () => {
    const seeds = [21, 22, 23];
    const p95 = (tiers: readonly SimulatedTier[]) => {
      const results = seeds.map((seed) => simulateQueue({ ...base, bounds, processes, seed, tiers }));
      for (const { tiers: of } of results) expect(of["paid"]!.turned_away).toBe(0);
      const sum = results.reduce((all, { tiers: of }) => all + quantile(of["paid"]!.latencies_ms, 0.95), 0);
      return sum / seeds.length;
    };
    expect(p95([paid, free]) / p95([paid])).toBeLessThan(1.1);
  });
});

test.each([1, 2])(
  "who will not be served in time is told at once, and few of the others are not served (%d process(es))",
  (processes) => {
    const tiers = [
      { ...paid, tenants: { a: 60, b: 100 } },
      { ...free, tenants: { f: 40, g: 100 } },
    ];
    const max_wait_ms = 5_000;
    const result = simulateQueue({ ...base, processes, seed: 61, tiers, max_wait_ms });
    for (const { served, by_reason, told_ms } of Object.values(result.tiers)) {
      const { late = 0, overdue = 0 } = by_reason;
      expect(late).toBeGreaterThan(served / 2);
      expect(overdue / (served + overdue)).toBeLessThan(0.25);
      // More is asked for than there is, all the time: the queue is as long as it may be.
      const told = told_ms.toSorted((a, b) => a - b);
      expect(quantile(told, 0.5)).toBeGreaterThan(max_wait_ms * 0.9);
      expect(quantile(told, 0.95)).toBeLessThan(max_wait_ms * 1.5);
    }
  },
);

test("shares hold where each tier comes to another process", () => {
  const tiers = [
    { ...paid_over, processes: [0] },
    { ...free_over, processes: [1] },
  ];
  const { tiers: of } = simulateQueue({ ...base, bounds, processes: 2, seed: 31, tiers });
  const share = of["paid"]!.served / (of["paid"]!.served + of["free"]!.served);
  expect(Math.abs(share / (8 / 9) - 1)).toBeLessThan(0.05);
});

test("a process that dies with all that it has and all that waits keeps nobody from being served", () => {
  const kill = { process: 0, at_ms: 10_000, buried_after_ms: 500 };
  const run = simulateQueue({ ...base, bounds, processes: 2, seed: 41, tiers: [paid_over, free_over], kill });
  // Half a second at most, of half of the places, is lost.
  expect(run.used).toBeGreaterThan(0.95);
  expect(run.most_at_once).toBeLessThanOrEqual(base.places);
});

test("the same seed gives the same run", () => {
  const one = { ...base, bounds, processes: 2, seed: 51, tiers: [paid, free], duration_ms: 5_000 };
  expect(simulateQueue(one)).toEqual(simulateQueue(one));
});
