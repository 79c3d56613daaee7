// Why an answer ended, both ways.
// Source: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.

import type { Finish, FinishReason } from "../neutral/answer.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  model_context_window_exceeded: "context_length",
  tool_use: "tool_calls",
  refusal: "refusal",
  pause_turn: "pause",
};

const WORDS: Readonly<Record<FinishReason, string>> = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  context_length: "model_context_window_exceeded",
  tool_calls: "tool_use",
  content_filter: "refusal",
  refusal: "refusal",
  pause: "pause_turn",
  malformed_call: "end_turn",
  error: "end_turn",
  other: "end_turn",
};

/** Reads `stop_reason` and `stop_sequence`; null: not ended. */
export function readFinish(stop_reason: unknown, stop_sequence: unknown): Finish | null {
  if (typeof stop_reason !== "string") return null;
  return {
    reason: REASONS[stop_reason] ?? "other",
    ...(typeof stop_sequence === "string" ? { stop_sequence } : {}),
    raw: stop_reason,
  };
}

/** The `stop_reason` of an answer. Some providers say that an answer with calls just stopped; clients of this format wait for `tool_use`. */
export function stopReason({ reason }: Finish, has_calls: boolean): string {
  return reason === "stop" && has_calls ? "tool_use" : WORDS[reason];
}
