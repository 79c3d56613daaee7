// A cascade: a cheap model is asked first, and a better one where its answer is not good enough. Both are in the call's account.

import type { CascadePlan, ModelPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import { isJudged } from "../privacy/guards/schema/answer_choices.ts";
import type { AskedFormat } from "../privacy/guards/schema/asked_format.ts";
import type { Account } from "./account.ts";
import { verdictOn } from "./answer_verdict.ts";
import { payAndGoOn } from "./asking_again.ts";
import { type Answer, attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import { modelBeside } from "./model_beside.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import type { Prepared } from "./prepare.ts";

/** The answer that came; or, where that is not good enough, the better model's. An answer under way is not looked at. */
export async function escalated(
  call: Call,
  account: Account,
  asked: Prepared,
  came: Answer,
  tools: PipelineTools,
): Promise<Answer> {
  const { cascade } = asked.model;
  const { endpoint } = asked;
  if (cascade === null || came.kind !== "whole" || !isJudged(endpoint) || call.stopped !== null) return came;
  const to = betterModel(call, asked, cascade);
  if (to === null) return came;
  const format = cascade.when.includes("invalid_json") ? await formatOf(call, asked, tools) : null;
  const reason = verdictOn(came.body, endpoint, format, cascade);
  if (reason === null) return came;
  // Where limits have no room for it, the first answer is what there is.
  const kept = { ...came, is_charged: true };
  if (!(await payAndGoOn(call, account, came, asked.estimateInput(), tools, to))) return kept;
  const { model, target, dropped } = call;
  const answered = call.tries.findLastIndex(({ outcome }) => outcome === "ok" || outcome === "hedge_won");
  call.tries = call.tries.with(answered, { ...call.tries[answered]!, outcome: `cascade_${reason}` });
  const answer = await attempt(call, to, asked, tools);
  if (answer.kind !== "error") {
    call.cascade = reason;
    return answer;
  }
  call.model = model;
  call.target = target;
  call.dropped = dropped;
  return kept;
}

/** Who is asked next; null where that has answered already, or must not or cannot be asked. */
function betterModel(call: Call, asked: Prepared, { to }: CascadePlan): ModelPlan | null {
  const model = to === call.model?.name ? null : modelBeside(call, asked, to);
  return model instanceof GatewayError ? null : model;
}

/** The JSON that the request asks for; null for none. */
async function formatOf(
  call: Call,
  { endpoint, read_body }: Prepared,
  tools: PipelineTools,
): Promise<AskedFormat | null> {
  if (call.asked_format !== null) return call.asked_format.format;
  if (!isJudged(endpoint) || read_body === null) return null;
  return (await tools.guards.get()).formatOf(read_body, endpoint, call.client!.tenant);
}
