// An answer that was collected, as the stream that its client asked for. Loaded when the first such answer comes.

import type { ClientFormatName } from "../dialects/client_format.ts";
import { streamAnswer } from "../dialects/openai/unfold.ts";
import { streamOf } from "../dialects/other_form.ts";

/** Makes a stream of a whole answer. */
export type StreamForm = typeof streamForm;

/**
 * A whole answer as the stream that says it; null where it is none of the format.
 * @param include_usage whether chunks tell usage; streams of other formats always do
 */
export function streamForm(
  format: ClientFormatName,
  body: Uint8Array,
  include_usage: boolean,
): Uint8Array | null {
  switch (format) {
    case "responses":
    case "messages":
    case "gemini":
      return streamOf(format, body);
    default:
      return streamAnswer(body, { include_usage });
  }
}
