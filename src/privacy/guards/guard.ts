// What guards of all kinds have in common.

/** What the configuration says of them. */
export type { GuardAction, GuardsPlan, InputGuardPlan, OutputGuardPlan } from "../../config/guards.ts";

import type { InputGuardPlan, OutputGuardPlan } from "../../config/guards.ts";

/** The guards of requests that look at all of their texts. */
export type RequestGuardPlan = Exclude<InputGuardPlan, { readonly guard: "denied_topics" }>;

/** The guards that look at the texts of an answer, one by one. */
export type TextGuardPlan = Exclude<OutputGuardPlan, { readonly guard: "json_schema" }>;

/** What stands for what was taken out, where its kind is not told. */
export const REMOVED = "[removed]";

/** A part of a text, in JavaScript's characters. */
export interface GuardSpan {
  readonly start: number;
  readonly end: number;
}

/** The text with something else in the place of parts of it, which are in order and do not overlap. */
export function replaceSpans(text: string, spans: readonly GuardSpan[], replacement: string): string {
  let replaced = "";
  let from = 0;
  for (const { start, end } of spans) {
    replaced += text.slice(from, start) + replacement;
    from = end;
  }
  return replaced + text.slice(from);
}
