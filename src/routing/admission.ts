// Who of a model's targets is tried at all: those whose breakers are open are passed over, unless there is nobody else.

import type { TargetPlan } from "../config/plan.ts";
import type { Health } from "./health/health.ts";
import type { Candidate } from "./order.ts";

/**
 * Tries at once at a target that is asked although its breaker is open, over all processes: where it hangs, calls must not pile up,
 * and where it answers after all, one answer closes its breaker.
 */
const LAST_RESORT_MAX = 8;

/**
 * The candidates that may be tried, in their order. Where all are to be passed over, they are tried nevertheless, once each and a few
 * at once, whoever is to be probed soonest first: a gateway that refuses everything because its breakers are wrong is worse than
 * one more failure. Empty where even that is too much.
 * @param onPassedOver hears of each that is not tried
 */
export function admitted(
  order: readonly Candidate[],
  health: Health,
  onPassedOver: (target: TargetPlan) => void,
): readonly Candidate[] {
  if (!health.is_careful) return order;
  const seen = order.map((candidate) => {
    const { target } = candidate;
    return { candidate, admission: health.of(target).look(target.breaker) };
  });
  if (seen.every(({ admission }) => admission === "free")) return order;
  const is_any_left = seen.some(({ admission }) => admission !== "open");
  if (!is_any_left) return lastResorts(order, health);
  const left: Candidate[] = [];
  for (const { candidate, admission } of seen) {
    if (admission === "open") onPassedOver(candidate.target);
    else left.push(admission === "probe" ? { ...candidate, reason: "probe" } : candidate);
  }
  return withLast(left);
}

function lastResorts(order: readonly Candidate[], health: Health): readonly Candidate[] {
  const leftMs = ({ target }: Candidate) => health.of(target).breaker.left_ms;
  const left = order.filter(({ target }) => health.of(target).load.in_flight < LAST_RESORT_MAX);
  const sorted = left.toSorted((a, b) => leftMs(a) - leftMs(b));
  return withLast(sorted.map(asLastResort));
}

/** The same, to be tried although its breaker is open. */
export function asLastResort(candidate: Candidate): Candidate {
  return { ...candidate, reason: "last_resort" };
}

function withLast(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.map((candidate, index) => ({ ...candidate, is_last: index === candidates.length - 1 }));
}

/** When the first of some targets may be probed, in milliseconds. */
export function soonestProbeMs(order: readonly Candidate[], health: Health): number {
  return Math.max(0, Math.min(...order.map(({ target }) => health.of(target).breaker.left_ms)));
}
