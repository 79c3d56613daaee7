// In which order a model's targets are tried: as its strategy says; then those of its fallbacks, each by its own.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import type { Reason } from "./health/trial.ts";
import { byStrategy, type Sight } from "./strategies.ts";

/** A target in its turn, with the model whose retries hold for it. */
export interface Candidate {
  readonly target: TargetPlan;
  readonly model: ModelPlan;
  readonly is_last: boolean;
  /** Why it is tried although its breaker is not closed. */
  readonly reason: Reason;
}

/** The orders of models in which nothing is drawn or weighed: made once. */
const fixed_orders = new WeakMap<ModelPlan, readonly Candidate[]>();

/** The order of a model in which nothing is drawn or weighed, once it was made; else null. */
export function fixedOrder(model: ModelPlan): readonly Candidate[] | null {
  return fixed_orders.get(model) ?? null;
}

/** The targets of a model in the order to try them. */
export function orderTargets(model: ModelPlan, sight: Sight): readonly Candidate[] {
  const known = fixedOrder(model);
  if (known !== null) return known;
  const models = [model, ...model.fallbacks];
  const order = models.flatMap((one) =>
    (isFixed(one) ? one.targets : byStrategy(one, sight)).map((target): Candidate => {
      return { target, model: one, is_last: false, reason: "free" };
    }),
  );
  if (order.length > 0) order.push({ ...order.pop()!, is_last: true });
  if (models.every(isFixed)) fixed_orders.set(model, order);
  return order;
}

/** Whether calls of a model are to know what they have in common with others. */
export function needsAffinity({ strategy, has_prompt_cache }: ModelPlan): boolean {
  return has_prompt_cache || strategy === "prefix";
}

function isFixed({ strategy, targets }: ModelPlan): boolean {
  return strategy === "priority" || targets.length < 2;
}
