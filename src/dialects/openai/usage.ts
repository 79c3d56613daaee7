// What a call used, as OpenAI's format reports it.
// OpenAI's rule: `prompt_tokens` include the cached ones, `completion_tokens` include the reasoning ones.

import type { Usage } from "../usage.ts";

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * Reads a `usage` object (of chat completions, completions or embeddings), or null where there is none.
 * Source: OpenAI API reference, "The chat completion object", `usage`.
 */
export function readUsage(value: unknown): Usage | null {
  if (typeof value !== "object" || value === null) return null;
  const usage = value as Record<string, unknown>;
  if (typeof usage["prompt_tokens"] !== "number" && typeof usage["total_tokens"] !== "number") return null;
  const input = record(usage["prompt_tokens_details"]);
  const output = record(usage["completion_tokens_details"]);
  return {
    input_tokens: count(usage["prompt_tokens"] ?? usage["total_tokens"]),
    // DeepSeek counts its cache hits in a field of its own, beside the details.
    cached_input_tokens: count(input["cached_tokens"] ?? usage["prompt_cache_hit_tokens"]),
    cache_write_5m_tokens: 0,
    cache_write_1h_tokens: 0,
    input_audio_tokens: count(input["audio_tokens"]),
    output_tokens: count(usage["completion_tokens"]),
    reasoning_tokens: count(output["reasoning_tokens"]),
    output_audio_tokens: count(output["audio_tokens"]),
  };
}
