// How many calls beside the first a model may have: a share of its calls, so that a provider that becomes slow as a whole is not asked
// twice as often just then.
// After "The Tail at Scale" (Dean and Barroso, CACM 56(2), 2013): a second request that waits for the 95th percentile
// costs about a twentieth more, and takes most of the tail away.

import type { HedgePlan } from "../config/plan.ts";

/** Parts of an extra call: whole numbers add up without error. */
const PARTS = 1_000_000;

/** Extra calls that quiet times may leave over, at most: what comes after them is no reason to ask twice as much. */
const SAVED_MAX = 10;

/** The extra calls of one model in one process. Every process keeps to the share, so all of them together do. */
export class HedgeBudget {
  readonly #each: number;
  #left = 0;

  /** @param max_extra extra calls for each call, 0 to 1 */
  constructor(max_extra: number) {
    this.#each = Math.round(max_extra * PARTS);
  }

  /** A call of the model. */
  count(): void {
    this.#left = Math.min(this.#left + this.#each, SAVED_MAX * PARTS);
  }

  /** Takes an extra call, if one is left. */
  take(): boolean {
    if (this.#left < PARTS) return false;
    this.#left -= PARTS;
    return true;
  }

  /** What was taken was not needed. */
  giveBack(): void {
    this.#left += PARTS;
  }
}

const budgets = new WeakMap<HedgePlan, HedgeBudget>();

/** The budget of a model's hedges; a reload of the configuration begins with none left over. */
export function hedgeBudget(plan: HedgePlan): HedgeBudget {
  let budget = budgets.get(plan);
  if (budget === undefined) {
    budget = new HedgeBudget(plan.max_extra);
    budgets.set(plan, budget);
  }
  return budget;
}
