// In which order a model's targets are tried: as listed, or drawn by weight; then those of its fallbacks.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import { type Affinity, inAffinityOrder } from "./affinity.ts";
import type { Reason } from "./health/trial.ts";

/** Draws without replacement, each draw in proportion to the weights that are left. A weight of 0 comes last. */
function byWeight(targets: readonly TargetPlan[], random: () => number): TargetPlan[] {
  const left = [...targets];
  const drawn: TargetPlan[] = [];
  let total = left.reduce((sum, target) => sum + target.weight, 0);
  while (left.length > 0) {
    let point = random() * total;
    let index = left.findIndex((target) => {
      point -= target.weight;
      return point < 0;
    });
    if (index < 0) index = 0;
    const [target] = left.splice(index, 1);
    total -= target!.weight;
    drawn.push(target!);
  }
  return drawn;
}

/** A target in its turn, with the model whose retries hold for it. */
export interface Candidate {
  readonly target: TargetPlan;
  readonly model: ModelPlan;
  readonly is_last: boolean;
  /** Why it is tried although its breaker is not closed. */
  readonly reason: Reason;
}

/** The orders of models in which nothing is drawn: made once. */
const fixed_orders = new WeakMap<ModelPlan, readonly Candidate[]>();

/**
 * The targets of a model in the order to try them.
 * @param affinity calls of the same one are drawn alike
 * @param random a number in [0, 1), as `Math.random`
 */
export function orderTargets(
  model: ModelPlan,
  affinity: Affinity = null,
  random: () => number = Math.random,
): readonly Candidate[] {
  const known = fixed_orders.get(model);
  if (known !== undefined) return known;
  const draw = (targets: readonly TargetPlan[]) =>
    affinity === null ? byWeight(targets, random) : byAffinity(targets, affinity);
  const order = [...drawOrder(model, draw)];
  const is_drawn = [model, ...model.fallbacks].some(
    (one) => one.strategy === "weighted" && one.targets.length > 1,
  );
  if (!is_drawn) fixed_orders.set(model, order);
  return order;
}

function byAffinity(targets: readonly TargetPlan[], affinity: string): TargetPlan[] {
  const nameOf = ({ provider, model }: TargetPlan) => `${provider.name}/${model}`;
  return inAffinityOrder(targets, affinity, nameOf, ({ weight }) => weight);
}

type Draw = (targets: readonly TargetPlan[]) => readonly TargetPlan[];

function* drawOrder(model: ModelPlan, draw: Draw): Generator<Candidate> {
  const models = [model, ...model.fallbacks];
  for (const [place, current] of models.entries()) {
    const targets =
      current.strategy === "weighted" && current.targets.length > 1 ? draw(current.targets) : current.targets;
    for (const [index, target] of targets.entries()) {
      const is_last = place === models.length - 1 && index === targets.length - 1;
      yield { target, model: current, is_last, reason: "free" };
    }
  }
}
