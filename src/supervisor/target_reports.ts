// How the targets of a Plan do, for whoever looks: those of its models, and those that were called by their own names.

import { resolveModel } from "../config/models.ts";
import type { Plan, TargetPlan } from "../config/plan.ts";
import type { MetricsSnapshot } from "../ledger/metrics.ts";
import type { Health, HealthReport } from "../routing/health/health.ts";

/** Targets that are told of. */
const TARGETS_MAX = 500;

/** How a target does. */
export interface TargetReport extends HealthReport {
  readonly provider: string;
  readonly model: string;
  /** Models of the configuration that it is a target of. */
  readonly of: readonly string[];
  /** Tries by how they ended, since the counts began. */
  readonly attempts: Readonly<Record<string, number>>;
}

/** Reports of all targets, in the order of the configuration. */
export function targetReports(plan: Plan, health: Health, { series }: MetricsSnapshot): TargetReport[] {
  const targets = new Map<string, { readonly target: TargetPlan; readonly of: string[] }>();
  for (const [name, { targets: own, wildcard }] of plan.models) {
    for (const target of wildcard === null ? own : []) {
      const id = idOf(target);
      const known = targets.get(id);
      if (known === undefined) targets.set(id, { target, of: [name] });
      else known.of.push(name);
    }
  }
  const attempts = new Map(series.map((one) => [`${one.provider}/${one.model}`, one.attempts]));
  for (const { provider, model } of series) {
    const id = `${provider}/${model}`;
    if (targets.has(id) || !plan.providers.has(provider)) continue;
    const target = resolveModel(plan, id)?.targets[0];
    if (target !== undefined && idOf(target) === id) targets.set(id, { target, of: [] });
  }
  return [...targets].slice(0, TARGETS_MAX).map(([id, { target, of }]) => {
    const of_streams = health.healthOf(target, true);
    const report = of_streams.samples > 0 ? of_streams : health.healthOf(target, false);
    const { provider, model } = target;
    return { provider: provider.name, model, of, ...report, attempts: attempts.get(id) ?? {} };
  });
}

function idOf({ provider, model }: TargetPlan): string {
  return `${provider.name}/${model}`;
}
