// An answer that another is asked for in place of: it is paid for as if it had been a call of its own.

import type { ModelPlan } from "../config/plan.ts";
import type { Account } from "./account.ts";
import type { Answer, AttemptTools } from "./attempt.ts";
import type { Call } from "./call.ts";

/** A whole answer as it came. */
export type WholeCame = Extract<Answer, { readonly kind: "whole" }>;

/**
 * Settles an answer that came, and reserves what the next may use; false where limits have no room for it.
 * @param input_tokens of the next request, about
 * @param next the model whose answer is asked for; the same by default
 */
export async function payAndGoOn(
  call: Call,
  account: Account,
  { body, told_usage }: WholeCame,
  input_tokens: number,
  tools: Pick<AttemptTools, "metrics">,
  next?: ModelPlan,
): Promise<boolean> {
  const { format, target } = call;
  const usage = told_usage === undefined ? format.usageOf(body) : told_usage;
  const counted_tokens = usage === null ? format.estimateAnswer(body) : null;
  if (usage !== null) tools.metrics.of(target!.provider.name, target!.model).countTokens(usage);
  return (await account.again({ usage, counted_tokens }, input_tokens, next)) === null;
}
