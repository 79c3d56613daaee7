// Whether a whole answer is good enough, or why not: what a cascade asks of it.

import { makePattern, type Pattern } from "../config/patterns.ts";
import type { AnswerCheckPlan, CascadePlan, CascadeReason } from "../config/plan.ts";
import { meanLogprob } from "../dialects/confidence.ts";
import { record } from "../dialects/fields.ts";
import { looksRefused } from "../dialects/refusal.ts";
import {
  choicesOfAnswer,
  type JudgedChoice,
  type JudgedEndpoint,
} from "../privacy/guards/schema/answer_choices.ts";
import {
  type AskedFormat,
  contentText,
  isOtherAnswer,
  misfitOfAnswer,
} from "../privacy/guards/schema/asked_format.ts";

/** Why an answer is not good enough; null where it is, or nobody can tell. Of several reasons, the first of the list in the docs. */
export function verdictOn(
  body: Uint8Array,
  endpoint: JudgedEndpoint,
  format: AskedFormat | null,
  plan: CascadePlan,
): CascadeReason | null {
  const choices = choicesOfAnswer(body, endpoint) ?? [];
  if (choices.length === 0) return null;
  const faults: Readonly<Record<CascadeReason, () => boolean>> = {
    refusal: () => choices.some(isRefused),
    length: () => choices.some(({ finish_reason }) => finish_reason === "length"),
    invalid_json: () => format !== null && isInvalid(body, format),
    uncertain: () => (meanLogprob(readAnswer(body)) ?? 0) < plan.uncertain_below,
    check: () => choices.some((choice) => !passes(choice, plan.check)),
  };
  return ORDER.find((reason) => plan.when.includes(reason) && faults[reason]()) ?? null;
}

const ORDER: readonly CascadeReason[] = ["refusal", "length", "invalid_json", "uncertain", "check"];

/** Whether a choice is a refusal: by its own word, by its provider's, or by how it begins. */
export function isRefused({ delta, finish_reason }: JudgedChoice): boolean {
  const { refusal } = delta;
  if (typeof refusal === "string" && refusal !== "") return true;
  return finish_reason === "content_filter" || looksRefused(contentText(delta["content"]));
}

function isInvalid(body: Uint8Array, format: AskedFormat): boolean {
  const misfit = misfitOfAnswer(body, format);
  return misfit?.why === "no JSON" || misfit?.why === "not by the schema";
}

function readAnswer(body: Uint8Array): Readonly<Record<string, unknown>> {
  return record(JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString()));
}

/** Longer texts are searched up to here. */
const SEARCHED_MAX_CHARS = 32 * 1024;

/** Whether a choice has what is asked of it; calls of tools are not texts, and have it. */
function passes({ delta, finish_reason }: JudgedChoice, plan: AnswerCheckPlan): boolean {
  if (isOtherAnswer(delta, finish_reason)) return true;
  const text = contentText(delta["content"]);
  if (text.trim().length < plan.min_chars) return false;
  const searched = text.slice(0, SEARCHED_MAX_CHARS);
  const lower = searched.toLowerCase();
  if (!plan.must_contain.every((part) => lower.includes(part))) return false;
  return plan.pattern === null || patternOf(plan, plan.pattern).isIn(searched);
}

const patterns = new WeakMap<AnswerCheckPlan, Pattern>();

function patternOf(plan: AnswerCheckPlan, source: string): Pattern {
  let pattern = patterns.get(plan);
  if (pattern === undefined) {
    pattern = makePattern(source);
    patterns.set(plan, pattern);
  }
  return pattern;
}
