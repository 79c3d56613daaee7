// Why a chat answer of Cohere's ended.

import type { Finish, FinishReason } from "../neutral/answer.ts";

/** Sources: https://docs.cohere.com/reference/chat, `finish_reason`; the last three are those of its API before. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  COMPLETE: "stop",
  STOP_SEQUENCE: "stop_sequence",
  MAX_TOKENS: "length",
  TOOL_CALL: "tool_calls",
  ERROR: "error",
  TIMEOUT: "error",
  ERROR_TOXIC: "content_filter",
  ERROR_LIMIT: "context_length",
  USER_CANCEL: "other",
};

/** A finish reason; null where the answer has not finished. */
export function readFinish(raw: unknown, has_calls: boolean): Finish | null {
  if (typeof raw !== "string" || raw === "") return null;
  const reason = Object.hasOwn(REASONS, raw) ? REASONS[raw]! : "other";
  return { reason: reason === "stop" && has_calls ? "tool_calls" : reason, raw };
}
