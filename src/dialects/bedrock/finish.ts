// Why an answer ended.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, `stopReason`.

import type { Finish, FinishReason } from "../neutral/answer.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  model_context_window_exceeded: "context_length",
  tool_use: "tool_calls",
  content_filtered: "content_filter",
  guardrail_intervened: "content_filter",
  malformed_tool_use: "malformed_call",
  malformed_model_output: "error",
};

/**
 * Reads `stopReason`; null: not ended.
 * @param is_json whether the answer was made as a call of the JSON tool, and there is no other call
 */
export function readFinish(stop_reason: unknown, is_json: boolean): Finish | null {
  if (typeof stop_reason !== "string") return null;
  const reason = REASONS[stop_reason] ?? "other";
  return { reason: is_json && reason === "tool_calls" ? "stop" : reason, raw: stop_reason };
}
