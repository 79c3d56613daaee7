// What waits for more of a limit that hosts share: until the keeper has answered often enough, or the time for it is over.

import type { KeyRefusal } from "../access/key_limits.ts";
import type { LimitSet } from "../access/limit_set.ts";
import { type Amounts, type Refusal, Reservation, type ReservationTools } from "../access/reservation.ts";
import { askAhead } from "../access/shared/ahead.ts";
import type { StatePlan } from "../config/plan.ts";
import type { Second } from "../routing/second.ts";
import type { AttemptTools, Outgoing } from "./attempt.ts";
import type { Call } from "./call.ts";
import { type Sent, send } from "./send.ts";

/** How often is looked all the same: whoever was asked may have been followed by another supervisor. */
const LOOK_MS = 10;

/** Takes what a call may use as soon as there is enough of it; null: there was no answer in time, or nobody can be asked. */
export async function reserveWhenRefilled(
  sets: readonly LimitSet[],
  amounts: Amounts,
  first: Refusal,
  tools: ReservationTools,
  plan: StatePlan | null,
): Promise<Reservation | Refusal | null> {
  const shared = tools.shared!;
  const end_ms = performance.now() + (plan?.budget_ms ?? 0);
  if (first.lack === "short") {
    askAhead(sets, amounts, tools);
    shared.facts.countShared("waited");
  }
  let taken: Reservation | Refusal = first;
  while (!(taken instanceof Reservation) && taken.lack === "short") {
    const left_ms = end_ms - performance.now();
    if (left_ms <= 0) return null;
    await shared.answered(Math.min(left_ms, LOOK_MS));
    taken = Reservation.take(sets, amounts, tools);
  }
  return !(taken instanceof Reservation) && taken.lack === "lost" ? null : taken;
}

/** Sends a try again whose key's limits had too little left on this host, as soon as there is enough. */
export async function sendWhenRefilled(
  call: Call,
  second: Second,
  refusal: KeyRefusal,
  outgoing: Outgoing,
  tools: AttemptTools,
): Promise<Sent> {
  const { shared } = tools.key_limits;
  const { state } = call.plan;
  if (shared === null || state === null) return { limit: refusal };
  const end_ms = performance.now() + state.budget_ms;
  let sent: Sent = { limit: refusal };
  while (sent !== null && "limit" in sent && sent.limit.lack !== undefined) {
    const left_ms = end_ms - performance.now();
    const is_late = sent.limit.lack === "lost" || left_ms <= 0;
    if (!is_late) await shared.answered(Math.min(left_ms, LOOK_MS));
    if (call.stopped !== null) return null;
    if (is_late && (state.on_loss === "reject" || call.state_loss === "local")) return sent;
    if (is_late) call.state_loss = "local";
    sent = await send(call, second, outgoing, tools);
  }
  return sent;
}
