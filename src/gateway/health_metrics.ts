// What `/metrics` tells of the health of targets: those of the configured models, and those that were called by their own names.

import { resolveModel } from "../config/models.ts";
import type { Plan, TargetPlan } from "../config/plan.ts";
import { labelText, type MetricsSnapshot, OTHER, type OtherMetric } from "../ledger/metrics.ts";
import type { Health, HealthReport } from "../routing/health/health.ts";

/** Targets that are told of. */
const TARGETS_MAX = 500;

const STATES: Readonly<Record<HealthReport["state"], number>> = {
  ...{ off: 0, closed: 0, open: 1, probing: 2, slow_start: 3 },
};

/** The metrics of targets and of drills. */
export function healthMetrics(plan: Plan, { series }: MetricsSnapshot, health: Health): OtherMetric[] {
  const targets = new Map<string, TargetPlan>();
  for (const model of plan.models.values())
    for (const target of model.wildcard === null ? model.targets : [])
      targets.set(nameOf(target.provider.name, target.model), target);
  for (const { provider, model } of series) {
    const name = nameOf(provider, model);
    if (targets.has(name) || model === OTHER || !plan.providers.has(provider)) continue;
    const target = resolveModel(plan, name)?.targets[0];
    if (target?.provider.name === provider && target.model === model) targets.set(name, target);
  }
  const all = [...targets.values()]
    .slice(0, TARGETS_MAX)
    .map((target) => ({ target, known: health.of(target) }));
  const samples = (read: (one: (typeof all)[number]) => number) =>
    Object.fromEntries(all.map((one) => [labelsOf(one.target), read(one)]));
  const averages = all.flatMap(({ target, known }) =>
    [true, false].flatMap((is_stream): [string, number][] => {
      const average_ms = known.averageMs(is_stream);
      const label = labelsOf(target, `,answer="${is_stream ? "stream" : "plain"}"`);
      return average_ms === 0 ? [] : [[label, average_ms / 1_000]];
    }),
  );
  const gauge = (name: string, help: string, read: Record<string, number>): OtherMetric => {
    return { name: `venturi_${name}`, help, samples: read, type: "gauge" };
  };
  const counter = (name: string, help: string, read: Record<string, number>): OtherMetric => {
    return { name: `venturi_${name}`, help, samples: read, type: "counter" };
  };
  return [
    gauge(
      "target_breaker_state",
      "Whether a target is passed over: 0 no, 1 yes, 2 it is being probed, 3 it has come back and gets a part of its share.",
      samples(({ target }) => STATES[health.healthOf(target, true).state]),
    ),
    counter(
      "target_breaker_opened_total",
      "How often a target began to be passed over.",
      samples(({ known }) => known.breaker.opened),
    ),
    counter(
      "target_breaker_closed_total",
      "How often a target came back.",
      samples(({ known }) => known.breaker.closed),
    ),
    counter(
      "target_passed_over_total",
      "Tries that were not made because the target was passed over.",
      samples(({ known }) => known.breaker.passed_over),
    ),
    gauge(
      "target_failures_in_row",
      "Failures of a target since its last good answer.",
      samples(({ known }) => known.breaker.in_row),
    ),
    gauge(
      "target_calls_in_flight",
      "Calls under way to a target.",
      samples(({ known }) => known.load.in_flight),
    ),
    gauge(
      "target_first_byte_average_seconds",
      "Peak-sensitive moving average of a target's time to the first byte.",
      Object.fromEntries(averages),
    ),
    gauge("drill_active", "Drills that make a provider fail.", drillSamples(health)),
  ];
}

function drillSamples(health: Health): Record<string, number> {
  return Object.fromEntries(
    health.drills.map(({ provider, model, failure }) => [
      `{provider="${labelText(provider)}",model="${labelText(model ?? "")}",failure="${labelText(failure)}"}`,
      1,
    ]),
  );
}

function nameOf(provider: string, model: string): string {
  return `${provider}/${model}`;
}

function labelsOf({ provider, model }: TargetPlan, more = ""): string {
  return `{provider="${labelText(provider.name)}",model="${labelText(model)}"${more}}`;
}
