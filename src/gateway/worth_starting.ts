// Whether a try can still make it: what is sent when it cannot is paid for and thrown away. Only what is as good as certain keeps a try
// from being made, because who has set a short deadline wants to have it tried.

import type { TargetPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Health } from "../routing/health/health.ts";
import type { Call } from "./call.ts";
import { type Failure, ownAnswer } from "./failure.ts";

/** Of so many answers fewer than one was faster: a target that needs longer than what is left is not asked. */
const FASTEST_SHARE = 0.05;
/** Of fewer answers nothing is concluded. */
const SAMPLES_MIN = 100;
/** Times are known to about a tenth. */
const MARGIN = 0.9;
/** With so many times the average left nothing else is looked at: a call mostly has much more time than it needs. */
const PLENTY = 10;
/** Nobody answers in less. */
const FLOOR_MS = 1;

/** Why a target is not asked any more: too little is left of the call's time. Null: it may make it. */
export function tooLate(call: Call, target: TargetPlan, is_stream: boolean, health: Health): Failure | null {
  const { left_ms } = call;
  if (left_ms === Number.POSITIVE_INFINITY) return null;
  const known_health = health.of(target);
  const average_ms = known_health.averageMs(is_stream);
  if (average_ms > 0 && left_ms > average_ms * PLENTY) return null;
  const known = left_ms < FLOOR_MS ? null : known_health.quantile(FASTEST_SHARE, is_stream);
  const is_enough = known === null || known.samples < SAMPLES_MIN || left_ms >= known.ms * MARGIN;
  if (left_ms >= FLOOR_MS && is_enough) return null;
  const left = Math.max(0, Math.floor(left_ms));
  const error = new GatewayError(
    "deadline_exceeded",
    `Of the deadline ${left} ms are left, in which ${target.provider.name}/${target.model} hardly ever begins to answer.`,
  );
  return { verdict: "next", answer: ownAnswer(error), retry_after_ms: null, outcome: "too_late" };
}
