import { expect, test } from "vitest";
import { HedgeBudget } from "../../src/routing/hedge_budget.ts";

/** How many of so many calls got an extra one that all of them wanted. */
function taken(budget: HedgeBudget, calls: number): number {
  let extra = 0;
  for (let call = 0; call < calls; call++) {
    budget.count();
    if (budget.take()) extra += 1;
  }
  return extra;
}

test.each([0.01, 0.05, 0.1, 0.3, 1])("a share of %d is kept to exactly", (share) => {
  for (const calls of [10, 100, 1_000, 10_000])
    expect(taken(new HedgeBudget(share), calls)).toBe(Math.floor(calls * share + 1e-9));
});

test("what quiet times leave over is bounded", () => {
  const budget = new HedgeBudget(0.5);
  for (let call = 0; call < 10_000; call++) budget.count();
  let extra = 0;
  while (budget.take()) extra += 1;
  expect(extra).toBe(10);
});

test("an extra call that was not needed can be taken again", () => {
  const budget = new HedgeBudget(1);
  budget.count();
  expect(budget.take()).toBe(true);
  expect(budget.take()).toBe(false);
  budget.giveBack();
  expect(budget.take()).toBe(true);
});
