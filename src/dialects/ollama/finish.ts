// Why an answer of Ollama's ended. Source: https://docs.ollama.com/api/chat, `done_reason`.

import type { Finish, FinishReason } from "../neutral/answer.ts";

/** `load` and `unload` end answers to requests that only load a model, or let go of it. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  load: "stop",
  unload: "stop",
};

/** A finish reason. Older servers give none. */
export function readFinish(raw: unknown, has_calls: boolean): Finish {
  const word = typeof raw === "string" && raw !== "" ? raw : "stop";
  const reason = Object.hasOwn(REASONS, word) ? REASONS[word]! : "other";
  return { reason: reason === "stop" && has_calls ? "tool_calls" : reason, raw: word };
}
