// What happens to the texts of a call's answer, and what a client is told whose answer does not pass.

import { GatewayError } from "../errors.ts";
import { AnswerTexts } from "../privacy/answer_texts.ts";
import { type FormatPlaces, PLACES } from "../privacy/places/places.ts";
import { StreamRestorer } from "../privacy/restore_stream.ts";
import type { Call } from "./call.ts";
import type { JsonPath } from "./endpoints.ts";
import type { EventFlow } from "./flow.ts";

/** Lets the texts of a call's stream be treated, before it begins. */
export function treatStream(call: Call, flow: EventFlow): void {
  if (call.remote_answer !== null) {
    flow.guardBy(call.remote_answer);
    return;
  }
  const texts = textsOf(call);
  if (texts !== null) flow.restorer = new StreamRestorer(texts, placesOf(call).stream);
}

/** What treats the texts of a call's answer; null where they are given as they came. */
export function textsOf({ mapping, answer_guard }: Call): AnswerTexts | null {
  return mapping === null && answer_guard === null ? null : new AnswerTexts(mapping, answer_guard);
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
