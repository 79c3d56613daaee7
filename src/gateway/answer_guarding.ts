// What happens to the texts of a call's answer, whether it has the form that was asked for, and what a client is told whose answer
// does not pass.

import { GUARD_ACTIONS, type JsonSchemaPlan } from "../config/guards.ts";
import { GatewayError } from "../errors.ts";
import { AnswerTexts } from "../privacy/answer_texts.ts";
import {
  type AnswerMisfit,
  type AskedFormat,
  misfitOfAnswer,
} from "../privacy/guards/schema/asked_format.ts";
import { FormatStream } from "../privacy/guards/schema/format_stream.ts";
import { restoreAnswer } from "../privacy/restore_answer.ts";
import { restoreEvents, StreamRestorer } from "../privacy/restore_stream.ts";
import type { Call, GuardOutcome } from "./call.ts";
import type { EventFlow } from "./flow.ts";

/** The form that an answer is to have, and what becomes of one that has another. */
export interface CheckedFormat {
  readonly plan: JsonSchemaPlan;
  readonly format: AskedFormat;
}

/** What treats the texts of a call's answer; null where they are given as they came. */
export function textsOf({ mapping, answer_guard }: Call): AnswerTexts | null {
  return mapping === null && answer_guard === null ? null : new AnswerTexts(mapping, answer_guard);
}

/** Lets a call's stream be treated, before it begins. */
export function treatStream(call: Call, flow: EventFlow): void {
  const texts = textsOf(call);
  if (texts !== null) flow.restorer = new StreamRestorer(texts);
  flow.format = formatStreamOf(call);
}

/** What looks at the form of a call's stream, as its client gets it; null where nobody does. */
function formatStreamOf(call: Call): FormatStream | null {
  const { asked_format } = call;
  if (asked_format === null) return null;
  const { plan, format } = asked_format;
  return new FormatStream(format, () => {
    noteFinding(call, plan.guard, plan.action);
    return plan.action === "block" ? "block" : "go on";
  });
}

/** A whole answer as its client gets it. */
export interface TreatedAnswer {
  /** As it came. */
  readonly body: Uint8Array;
  readonly given: Uint8Array;
  /** Whether a guard of its texts does not let it pass. */
  readonly is_blocked: boolean;
  /** Null where it has the form that was asked for, or nobody looks. */
  readonly misfit: AnswerMisfit | null;
}

/** Has the texts of a whole answer judged, puts values back, and looks whether what comes out is what was asked for. */
export function treatAnswer(call: Call, body: Uint8Array): TreatedAnswer {
  const texts = textsOf(call);
  const given = texts === null ? body : restoreAnswer(body, texts);
  const is_blocked = texts?.is_blocked ?? false;
  const asked = is_blocked ? null : call.asked_format;
  return { body, given, is_blocked, misfit: asked === null ? null : misfitOfAnswer(given, asked.format) };
}

/** Why a treated answer does not pass; null where it does. What was found is noted. */
export function refusalOf(call: Call, { is_blocked, misfit }: TreatedAnswer): GatewayError | null {
  if (is_blocked) return answerBlocked();
  if (misfit === null || call.asked_format === null) return null;
  const { guard, action } = call.asked_format.plan;
  noteFinding(call, guard, action);
  return action === "block" ? answerUnfit() : null;
}

/** The events of a kept answer as a client gets them, or why they do not pass. */
export function treatEvents(call: Call, events: Uint8Array): Uint8Array | GatewayError {
  const texts = textsOf(call);
  const given = texts === null ? events : restoreEvents(events, texts);
  if (texts?.is_blocked) return answerBlocked();
  const format = formatStreamOf(call);
  format?.seeEvents(given);
  return format?.is_blocked ? answerUnfit() : given;
}

/** The error in place of an answer, or of the rest of it. */
export function answerBlocked(): GatewayError {
  return new GatewayError("content_blocked", "The guards of this model do not let the answer through.");
}

/** The same for one that is not what was asked for. */
export function answerUnfit(): GatewayError {
  return new GatewayError(
    "content_blocked",
    "The model's answer is not what 'response_format' asks for (json_schema).",
  );
}

/** From the mildest to the strictest. */
const OUTCOMES: readonly GuardOutcome[] = ["repair", ...GUARD_ACTIONS];

/** Notes what became of a finding; of several of one guard, the strictest. */
export function noteFinding(call: Call, guard: string, outcome: GuardOutcome): void {
  const before = call.guards[guard];
  if (before !== undefined && OUTCOMES.indexOf(before) >= OUTCOMES.indexOf(outcome)) return;
  call.guards = { ...call.guards, [guard]: outcome };
}
