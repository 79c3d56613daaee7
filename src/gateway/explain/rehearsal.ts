// A call that goes through the stages of the pipeline up to where it would be sent: the same functions in the same order, but nothing
// is reserved, kept or asked of anybody, and no row is written.

import type { GuardsPlan } from "../../config/guards.ts";
import { GatewayError } from "../../errors.ts";
import { Account } from "../account.ts";
import type { CachePreview } from "../caches.ts";
import type { Call } from "../call.ts";
import { deadlineOf } from "../deadline.ts";
import type { CountEndpoint, JsonEndpoint } from "../endpoints.ts";
import { guardsInForce } from "../guards_in_force.ts";
import type { PipelineTools } from "../pipeline_tools.ts";
import { type Prepared, prepare } from "../prepare.ts";
import { privacyMode } from "../privacy_mode.ts";

/** Where a call would be refused, and how. */
export interface Refused {
  readonly stage: "route" | "conversation" | "guards" | "privacy" | "deadline" | "cache" | "limits";
  readonly error: GatewayError;
}

/** How far a call would come. */
export interface Rehearsal {
  readonly refused: Refused | null;
  /** As it would be sent; null where it has no model. */
  readonly prepared: Prepared | null;
  readonly guards: GuardsPlan | null;
  readonly account: Account | null;
  /** 0 is none. */
  readonly deadline_ms: number;
  /** Null: no cache is asked. */
  readonly cache: CachePreview | null;
}

/** Takes a call through the stages. */
export async function rehearse(
  call: Call,
  endpoint: JsonEndpoint | CountEndpoint,
  tools: PipelineTools,
): Promise<Rehearsal> {
  let known: Rehearsal = {
    ...{ refused: null, prepared: null, guards: null, account: null, deadline_ms: 0, cache: null },
  };
  const refusedAt = (stage: Refused["stage"], error: GatewayError): Rehearsal => ({
    ...known,
    refused: { stage, error },
  });

  const routed = await prepare(call, endpoint, tools.clocks);
  if (routed instanceof GatewayError) return refusedAt("route", routed);
  known = { ...known, prepared: routed };

  const given = await withEarlierTurns(call, routed, tools);
  if (given instanceof GatewayError) return refusedAt("conversation", given);

  const guards = guardsInForce(call, given.model);
  known = { ...known, prepared: given, guards };
  const judged = guards === null ? given : (await tools.guards.get()).judge(call, given, guards);
  if (judged instanceof GatewayError) return refusedAt("guards", judged);

  const mode = privacyMode(call, judged);
  const cleaned = mode === null ? judged : await (await tools.privacy.get()).clean(call, judged, mode);
  if (cleaned instanceof GatewayError) return refusedAt("privacy", cleaned);
  call.account = new Account(call, cleaned, tools.books);
  known = { ...known, prepared: cleaned, account: call.account };

  const deadline_ms = deadlineOf(call, cleaned);
  if (deadline_ms instanceof GatewayError) return refusedAt("deadline", deadline_ms);
  known = { ...known, deadline_ms };

  if (guards !== null) {
    const judges = await tools.guards.get();
    const asked = judges.askedFormat(call, cleaned, guards);
    if (asked instanceof GatewayError) return refusedAt("guards", asked);
    const refusal = await judges.topicRefusal(call, cleaned, guards);
    if (refusal !== null) return refusedAt("guards", refusal);
  }

  const { cache } = cleaned.model;
  if (cache !== null && tools.caches !== null && call.may_be_kept && cleaned.counting === null) {
    const seen = (await tools.caches.get()).preview(call, cleaned, cache);
    if (seen instanceof GatewayError) return refusedAt("cache", seen);
    known = { ...known, cache: seen };
    if (seen.state === "hit" || seen.state === "stale") return known;
  }
  const { refusal } = call.account.preview();
  return refusal === null ? known : refusedAt("limits", refusal);
}

async function withEarlierTurns(
  call: Call,
  prepared: Prepared,
  tools: PipelineTools,
): Promise<Prepared | GatewayError> {
  if (call.endpoint !== "/responses" && call.endpoint !== "/responses/input_tokens") return prepared;
  const { takeUp } = await import("../response_turn.ts");
  return takeUp(call, prepared, (await tools.responses?.get()) ?? null);
}
