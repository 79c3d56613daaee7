// An answer in its other form, whatever format it is in: one body out of a stream, a stream out of one body.

import type { ClientFormatName } from "./client_format.ts";
import { assembleAnswer } from "./openai/assemble.ts";
import { streamAnswer } from "./openai/unfold.ts";
import { streamOf, wholeOf } from "./other_form.ts";

/** The whole answer that a stream says; null where it has no end. */
export function wholeForm(format: ClientFormatName, events: Uint8Array, choices: number): Uint8Array | null {
  return isNeutral(format) ? wholeOf(format, events) : assembleAnswer(events, choices);
}

/** The stream that says a whole answer; null where it is none of the format. */
export function streamedForm(format: ClientFormatName, body: Uint8Array): Uint8Array | null {
  return isNeutral(format) ? streamOf(format, body) : streamAnswer(body, { include_usage: true });
}

function isNeutral(format: ClientFormatName): format is "responses" | "messages" | "gemini" {
  return format === "responses" || format === "messages" || format === "gemini";
}
