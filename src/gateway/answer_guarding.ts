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
import { type FormatPlaces, PLACES } from "../privacy/places/places.ts";
import { restoreAnswer } from "../privacy/restore_answer.ts";
import { restoreEvents, StreamRestorer } from "../privacy/restore_stream.ts";
import type { Call, GuardOutcome } from "./call.ts";
import type { JsonPath } from "./endpoints.ts";
import type { EventFlow } from "./flow.ts";
import type { Treat } from "./remote_answer.ts";

/** The form that an answer is to have, and what becomes of one that has another. */
export interface CheckedFormat {
  readonly plan: JsonSchemaPlan;
  readonly format: AskedFormat;
}

/** What treats the texts of a call's answer; null where they are given as they came. */
export function textsOf({ mapping, answer_guard }: Call): AnswerTexts | null {
  return isTreated({ mapping, answer_guard }) ? new AnswerTexts(mapping, answer_guard) : null;
}

/** Whether guards of this gateway judge the texts of an answer, or values are put back into them. */
function isTreated({ mapping, answer_guard }: Pick<Call, "mapping" | "answer_guard">): boolean {
  return mapping !== null || answer_guard !== null;
}

/** Lets a call's stream be treated, before it begins. */
export function treatStream(call: Call, flow: EventFlow): void {
  flow.format = formatStreamOf(call);
  if (call.remote_answer !== null) {
    flow.guardBy(call.remote_answer);
    return;
  }
  const texts = textsOf(call);
  if (texts !== null) flow.restorer = new StreamRestorer(texts, placesOf(call).stream);
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

/** What a client gets of an answer that is there as a whole, or why it does not; `stopped`: the call ended before that was known. */
export type Given = Uint8Array | GatewayError | "stopped";

/** A whole answer as its client gets it. */
export interface TreatedAnswer {
  /** As it came. */
  readonly body: Uint8Array;
  readonly given: Given;
  /** Null where it has the form that was asked for, or nobody looks. */
  readonly misfit: AnswerMisfit | null;
}

/**
 * Has the texts of a whole answer judged, puts values back, and looks whether what comes out is what was asked for. At once, unless
 * somebody elsewhere judges.
 */
export function treatAnswer(call: Call, body: Uint8Array): TreatedAnswer | Promise<TreatedAnswer> {
  // Most answers are given as they came.
  const is_given = call.remote_answer === null && !isTreated(call);
  return is_given ? treatedAs(call, body, body) : treatTexts(call, body);
}

function treatTexts(call: Call, body: Uint8Array): TreatedAnswer | Promise<TreatedAnswer> {
  const { answer: places } = placesOf(call);
  const given = givenOf(call, body, (bytes, texts) => restoreAnswer(bytes, texts, places));
  return given instanceof Promise
    ? given.then((judged) => treatedAs(call, body, judged))
    : treatedAs(call, body, given);
}

function treatedAs({ asked_format }: Call, body: Uint8Array, given: Given): TreatedAnswer {
  const is_judged = given instanceof Uint8Array && asked_format !== null;
  return { body, given, misfit: is_judged ? misfitOfAnswer(given, asked_format.format) : null };
}

/** What a client gets of a treated answer. What was found of its form is noted. */
export function passed(call: Call, { given, misfit }: TreatedAnswer): Given {
  if (misfit === null || call.asked_format === null) return given;
  const { guard, action } = call.asked_format.plan;
  noteFinding(call, guard, action);
  return action === "block" ? answerUnfit() : given;
}

/** What a client gets of the events of a kept answer. */
export async function treatEvents(call: Call, events: Uint8Array): Promise<Given> {
  const { stream: places } = placesOf(call);
  const given = await givenOf(call, events, (bytes, texts) => restoreEvents(bytes, texts, places));
  const format = given instanceof Uint8Array ? formatStreamOf(call) : null;
  if (given instanceof Uint8Array) format?.seeEvents(given);
  return format?.is_blocked ? answerUnfit() : given;
}

/** Its bytes as they came, unless a guard judges or values are put back. */
function givenOf(call: Call, bytes: Uint8Array, treat: Treat): Given | Promise<Given> {
  if (call.remote_answer !== null) {
    // What was not judged to its end must not go out.
    return call.remote_answer
      .judgeWhole(bytes, treat)
      .then((given) => (call.stopped === null ? given : "stopped"));
  }
  const texts = textsOf(call);
  const given = texts === null ? bytes : treat(bytes, texts);
  return texts?.is_blocked ? answerBlocked() : given;
}

/** Where the texts of a call's answer lie. */
export function placesOf({ endpoint }: { readonly endpoint: JsonPath | null }): FormatPlaces {
  return PLACES[endpoint ?? "/chat/completions"];
}

/** The error in place of an answer, or of the rest of it; perhaps with a word on why. */
export function answerBlocked(why: string | null = null): GatewayError {
  const reason = why === null ? "" : `: ${why}`;
  return new GatewayError(
    "content_blocked",
    `The guards of this model do not let the answer through${reason}.`,
  );
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
