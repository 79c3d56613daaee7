// Why an answer ended: the words of chat completions and of those who took the format over, into the neutral ones and back.

import type { Finish, FinishReason } from "../../neutral/answer.ts";

/**
 * What servers write. The first five are OpenAI's (API reference, "The chat completion object", `finish_reason`); `model_length` and
 * `error` are Mistral's, `insufficient_system_resource` is DeepSeek's, `sensitive` and `network_error` are Zhipu's, `eos` is Together's,
 * `abort` is vLLM's and SGLang's.
 */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool_calls",
  content_filter: "content_filter",
  function_call: "tool_calls",
  eos: "stop",
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  model_length: "context_length",
  model_context_window_exceeded: "context_length",
  tool_use: "tool_calls",
  sensitive: "content_filter",
  safety: "content_filter",
  refusal: "refusal",
  insufficient_system_resource: "error",
  network_error: "error",
  abort: "error",
  error: "error",
};

const WORDS: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  stop_sequence: "stop",
  length: "length",
  context_length: "length",
  tool_calls: "tool_calls",
  content_filter: "content_filter",
  refusal: "content_filter",
  pause: "stop",
  malformed_call: "stop",
  // OpenAI has no word for it; OpenRouter, Mistral and vLLM say this one.
  error: "error",
  other: "stop",
};

/**
 * A finish reason of a choice; null where it has not finished.
 * @param sequence what servers tell beside it of the sequence that was met (vLLM: `stop_reason`, SGLang: `matched_stop`)
 * @param refused whether the model wrote a refusal: OpenAI calls that a stop
 */
export function readFinish(raw: unknown, sequence: unknown, refused: boolean): Finish | null {
  if (typeof raw !== "string" || raw === "") return null;
  const reason = Object.hasOwn(REASONS, raw) ? REASONS[raw]! : "other";
  if (reason === "stop" && typeof sequence === "string" && sequence !== "")
    return { reason: "stop_sequence", stop_sequence: sequence, raw };
  return { reason: reason === "stop" && refused ? "refusal" : reason, raw };
}

/**
 * The finish reason that a client is told.
 * @param refused whether it was told a refusal: then OpenAI stops, elsewhere a refusal is a filter's
 * @param legacy whether the client defined `functions` instead of `tools`
 */
export function writeFinish(finish: Finish, refused: boolean, legacy: boolean): string {
  if (finish.reason === "refusal" && refused) return "stop";
  if (finish.reason === "tool_calls" && legacy) return "function_call";
  return WORDS[finish.reason];
}
