// What a call used, as OpenAI's newer endpoints report it: responses, transcriptions, images.
// Their rule: `input_tokens` include the cached ones, `output_tokens` include the reasoning ones.

import { count, list, millis, record } from "../fields.ts";
import { toldCost } from "../openai/usage.ts";
import { type Usage, usageOf } from "../usage.ts";

/**
 * Reads a `usage` object, or null where there is none. `output` is the answer's list of items: a web search is one of them,
 * and is billed by the piece. Sources: OpenAI API reference, "The response object", "Create transcription", "Create image", "Realtime server events";
 * `total_tokens` are the sum of both counts at OpenAI, Azure, DeepSeek, Bedrock and xAI alike.
 */
export function readResponsesUsage(value: unknown, output?: unknown): Usage | null {
  const usage = record(value);
  // Whisper is billed by the second.
  if (usage["type"] === "duration") return usageOf({ input_audio_ms: millis(usage["seconds"]) });
  if (typeof usage["input_tokens"] !== "number") return null;
  // Transcriptions and Realtime say it in the singular.
  const input = record(usage["input_tokens_details"] ?? usage["input_token_details"]);
  const details = record(usage["output_tokens_details"] ?? usage["output_token_details"]);
  return usageOf({
    input_tokens: count(usage["input_tokens"]),
    cached_input_tokens: count(input["cached_tokens"]),
    cache_write_5m_tokens: count(input["cache_write_tokens"]),
    input_audio_tokens: count(input["audio_tokens"]),
    cached_input_audio_tokens: count(record(input["cached_tokens_details"])["audio_tokens"]),
    input_image_tokens: count(input["image_tokens"]),
    output_tokens: count(usage["output_tokens"]),
    reasoning_tokens: count(details["reasoning_tokens"]),
    output_audio_tokens: count(details["audio_tokens"]),
    output_image_tokens: count(details["image_tokens"]),
    searches: searchesOf(usage, output),
    told_nano_usd: toldCost(usage),
  });
}

function searchesOf(usage: Readonly<Record<string, unknown>>, output: unknown): number {
  // xAI counts them itself.
  const counted = usage["server_side_tool_usage_details"];
  if (counted !== undefined) {
    const { web_search_calls, x_search_calls } = record(counted);
    return count(web_search_calls) + count(x_search_calls);
  }
  // Opening a page that was found, and looking for words in it, are calls too, and cost nothing.
  return list(output).filter((item) => {
    const { type, action } = record(item);
    return type === "web_search_call" && (record(action)["type"] ?? "search") === "search";
  }).length;
}
