// How the health of providers is looked after, as the Plan has it.

import type { BreakerConfig, ProbeConfig } from "./health_schema.ts";
import type { BreakerPlan, ProbePlan } from "./plan.ts";

/** Where nothing is configured. */
export const DEFAULT_BREAKER: BreakerPlan = Object.freeze({
  ...{ failures: 5, share: 0.5, min_calls: 10 },
  ...{ rest_ms: 10_000, rest_max_ms: 120_000, slow_start_ms: 30_000 },
});

/** Compiles a breaker; null: there is none. What is not configured is inherited. */
export function compileBreaker(
  config: BreakerConfig | undefined,
  inherited: BreakerPlan | null,
): BreakerPlan | null {
  if (config === undefined) return inherited;
  if (config === "off") return null;
  const { failures, share, min_calls, rest_s, max_rest_s, slow_start_s } = config;
  const rest_ms = rest_s * 1_000;
  const rest_max_ms = Math.max(rest_ms, max_rest_s * 1_000);
  return { failures, share, min_calls, rest_ms, rest_max_ms, slow_start_ms: slow_start_s * 1_000 };
}

/** Compiles the probes of a provider; null: there are none. */
export function compileProbe(config: ProbeConfig | undefined): ProbePlan | null {
  return config === undefined ? null : { path: config.path, interval_ms: config.interval_s * 1_000 };
}
