// Answers that must have the form that was asked for: collected where their client wants a stream, and asked for once more where they
// have it not. Both answers are in the call's account, and in its limits as two calls would be.

import type { ModelPlan } from "../config/plan.ts";
import { withMessages } from "../dialects/openai/request.ts";
import type { Usage } from "../dialects/usage.ts";
import { GatewayError } from "../errors.ts";
import { isJudged } from "../privacy/guards/schema/answer_choices.ts";
import { type AnswerMisfit, misfitOfAnswer } from "../privacy/guards/schema/asked_format.ts";
import type { UpstreamHead } from "../upstream/exchange.ts";
import type { Account } from "./account.ts";
import { type CheckedFormat, noteFinding, type TreatedAnswer, treatAnswer } from "./answer_guarding.ts";
import { payAndGoOn, type WholeCame } from "./asking_again.ts";
import { type Answer, type AttemptTools, attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";

/** Longer answers are not shown to the model again. */
const SHOWN_MAX_CHARS = 32 * 1024;

/** A whole answer, looked at. */
export interface WholeAnswer {
  readonly kind: "whole";
  readonly head: UpstreamHead;
  /** What the provider told of its usage in a format that is not the client's. */
  readonly told_usage?: Usage | null | undefined;
  readonly treated: TreatedAnswer;
  /** Whether what it used is in the call's account already. */
  readonly is_charged: boolean;
}

/** The request as it is sent: for a plain answer where a stream is to be collected. */
export function asCollected(call: Call, prepared: Prepared): Prepared | GatewayError {
  const { read_body, is_stream } = prepared;
  if (!is_stream || read_body === null) return prepared;
  const { endpoint, asked_format } = call;
  // What a repair looks like is known of chat completions.
  const is_repaired = endpoint === "/chat/completions" && asked_format?.plan.stream === "collect";
  const is_held = prepared.model.cascade?.holds_streams === true && isJudged(endpoint);
  return is_repaired || is_held ? prepared.asPlain() : prepared;
}

/** The answer that came; or, where it is not what was asked for and that is to be repaired, the one that came then. */
export function repaired(
  call: Call,
  account: Account,
  asked: Prepared,
  came: WholeCame,
  tools: AttemptTools,
): WholeAnswer | Promise<WholeAnswer | Exclude<Answer, { readonly kind: "whole" }>> {
  const treated = treatAnswer(call, came.body);
  return call.asked_format === null && !(treated instanceof Promise)
    ? wholeAnswer(came, treated)
    : repairedIfUnfit(call, account, asked, came, treated, tools);
}

function wholeAnswer(
  { head, told_usage, is_charged = false }: WholeCame,
  treated: TreatedAnswer,
): WholeAnswer {
  return { kind: "whole", head, treated, told_usage, is_charged };
}

async function repairedIfUnfit(
  call: Call,
  account: Account,
  asked: Prepared,
  came: WholeCame,
  treating: TreatedAnswer | Promise<TreatedAnswer>,
  tools: AttemptTools,
): Promise<WholeAnswer | Exclude<Answer, { readonly kind: "whole" }>> {
  const treated = await treating;
  const first = wholeAnswer(came, treated);
  const { asked_format } = call;
  const again = asked_format === null || first.is_charged ? null : askedAgain(asked_format, asked, treated);
  if (again === null || call.stopped !== null) return first;
  // Where limits have no room for it, the first answer is what there is.
  if (!(await payAndGoOn(call, account, came, again.estimateInput(), tools)))
    return { ...first, is_charged: true };
  const { model } = call;
  const answer = await attempt(call, sameAgain(call), again, tools);
  call.model = model;
  if (answer.kind === "error") return { ...first, is_charged: true };
  if (answer.kind !== "whole") return answer;
  const second = await treatAnswer(call, answer.body);
  if (second.misfit === null && second.given instanceof Uint8Array)
    noteFinding(call, call.asked_format!.plan.guard, "repair");
  return wholeAnswer(answer, second);
}

/** The request that shows the model what is wrong; null where there is nothing to repair, or it cannot be. */
function askedAgain(
  { plan, format }: CheckedFormat,
  asked: Prepared,
  { body, given, misfit }: TreatedAnswer,
): Prepared | null {
  if (!plan.repair || misfit === null || asked.read_body === null) return null;
  if (asked.endpoint !== "/chat/completions") return null;
  // What the model hears of is what it said: the client's values, which are put back, stay here.
  const said = given === body ? misfit : misfitOfAnswer(body, format);
  if (said === null || said.errors.length === 0 || said.text.length > SHOWN_MAX_CHARS) return null;
  const shown = withMessages(asked.read_body, [
    { role: "assistant", content: said.text },
    { role: "user", content: complaint(said, format.schema !== null) },
  ]);
  const again = shown === null ? null : asked.withBody(shown);
  return again instanceof GatewayError ? null : again;
}

function complaint({ errors }: AnswerMisfit, has_schema: boolean): string {
  const form = has_schema ? "JSON that is valid by the schema" : "JSON";
  return [
    "This is not what was asked for:",
    ...errors.map((error) => `- ${error}`),
    `Answer again, with ${form} and nothing else.`,
  ].join("\n");
}

/** The model with nothing but the target that has answered. */
function sameAgain({ model, target }: Call): ModelPlan {
  return { ...model!, targets: [target!], fallbacks: [] };
}
