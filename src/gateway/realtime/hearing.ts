// What a provider's events say of answers and what they use, and what follows from that for their session.

import { readResponsesUsage } from "../../dialects/responses/usage.ts";
import type { FailedAnswer } from "../failure.ts";
import type { Answers } from "./answers.ts";
import {
  fieldsOf,
  type RealtimeEvent,
  readEnded,
  readRest,
  readSettings,
  responseOf,
  textIn,
  tokensOfOutput,
} from "./events.ts";

/** What follows. */
export type Heard =
  /** The provider has begun an answer that may not be had. */
  | { readonly kind: "refused"; readonly id: string; readonly refusal: FailedAnswer }
  /** There is no money for the rest of an answer. */
  | { readonly kind: "spent"; readonly id: string }
  /** The provider's key has nothing left until then. */
  | { readonly kind: "rest"; readonly rest_ms: number };

/** Lets the answers of a session hear of an event of its provider. */
export function hearProvider(event: RealtimeEvent, answers: Answers): Heard | null {
  const tokens = tokensOfOutput(event);
  if (tokens > 0) {
    const id = textIn(event.scan, "response_id");
    return id === null || answers.came(id, tokens) ? null : { kind: "spent", id };
  }
  switch (event.type) {
    case "response.created": {
      const id = responseOf(event);
      const refusal = answers.begun(id);
      return refusal === null ? null : { kind: "refused", id, refusal };
    }
    case "response.done":
      answers.done(readEnded(event));
      return null;
    case "conversation.item.input_audio_transcription.completed":
      answers.transcribed(readResponsesUsage(fieldsOf(event)["usage"]));
      return null;
    case "session.created":
    case "session.updated":
    case "transcription_session.updated":
      answers.set(readSettings(fieldsOf(event)["session"]));
      return null;
    case "rate_limits.updated": {
      const rest_ms = readRest(event);
      return rest_ms === null ? null : { kind: "rest", rest_ms };
    }
    case "error": {
      const { error } = fieldsOf(event) as {
        readonly error?: { readonly event_id?: string | null; readonly code?: string | null } | null;
      };
      answers.refused(error?.event_id ?? null, error?.code ?? null);
      return null;
    }
  }
  return null;
}
