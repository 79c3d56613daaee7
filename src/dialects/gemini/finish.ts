// Why an answer ended, as Gemini says it.
// Source: https://ai.google.dev/api/generate-content#FinishReason and #BlockReason; Vertex has `MODEL_ARMOR` beside them.

import type { Finish, FinishReason } from "../neutral/answer.ts";

const READ: Readonly<Record<string, FinishReason>> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "content_filter",
  RECITATION: "content_filter",
  LANGUAGE: "content_filter",
  BLOCKLIST: "content_filter",
  PROHIBITED_CONTENT: "content_filter",
  SPII: "content_filter",
  MODEL_ARMOR: "content_filter",
  IMAGE_SAFETY: "content_filter",
  IMAGE_PROHIBITED_CONTENT: "content_filter",
  IMAGE_RECITATION: "content_filter",
  MALFORMED_FUNCTION_CALL: "malformed_call",
  UNEXPECTED_TOOL_CALL: "malformed_call",
  MALFORMED_RESPONSE: "error",
  MISSING_THOUGHT_SIGNATURE: "error",
  CONTINUATION: "pause",
};

const WRITTEN: Readonly<Record<FinishReason, string>> = {
  stop: "STOP",
  stop_sequence: "STOP",
  tool_calls: "STOP",
  length: "MAX_TOKENS",
  context_length: "MAX_TOKENS",
  content_filter: "SAFETY",
  refusal: "SAFETY",
  malformed_call: "MALFORMED_FUNCTION_CALL",
  // A client that is told CONTINUATION sends a token that only Gemini gives.
  pause: "OTHER",
  error: "OTHER",
  other: "OTHER",
};

/** Reads a candidate's `finishReason`; a stop behind calls of functions is for these. */
export function readFinish(raw: string, has_calls: boolean): Finish {
  const reason = Object.hasOwn(READ, raw) ? READ[raw]! : "other";
  return { reason: reason === "stop" && has_calls ? "tool_calls" : reason, raw };
}

/** A prompt that was refused: there is no candidate, only `promptFeedback.blockReason`. */
export function readBlock(raw: string): Finish {
  return { reason: "content_filter", raw };
}

/** The `finishReason`: Gemini's own word where it gave one, whatever it is. */
export function writeFinish({ reason, raw }: Finish): string {
  if (raw === undefined || raw === "") return WRITTEN[reason];
  if (Object.hasOwn(READ, raw)) return raw;
  // Words of Gemini's that are not known here are in capitals, as no other provider's are.
  return reason === "other" && raw === raw.toUpperCase() ? raw : WRITTEN[reason];
}
