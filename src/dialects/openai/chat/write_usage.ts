// What a call used, as OpenAI's format tells it.

import type { Usage } from "../../usage.ts";

/** Tokens are told as numbers of their own; what OpenAI has no name for has the one that `readUsage` knows. */
const NANO = 1_000_000_000;

/**
 * A `usage` object of chat or legacy completions (API reference, "The chat completion object"). Prompt and completion include their
 * kinds. Beside OpenAI's fields: `image_tokens`, `server_tool_use_details` (OpenRouter), `prompt_audio_seconds` (Mistral), `cost`
 * (OpenRouter; dollars), each only where there is something to tell.
 */
export function writeUsage(usage: Usage): Readonly<Record<string, unknown>> {
  const written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens;
  return {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
    prompt_tokens_details: {
      cached_tokens: usage.cached_input_tokens,
      ...(written === 0 ? {} : { cache_write_tokens: written }),
      audio_tokens: usage.input_audio_tokens,
      ...(usage.input_image_tokens === 0 ? {} : { image_tokens: usage.input_image_tokens }),
      ...(usage.cached_input_audio_tokens === 0
        ? {}
        : { cached_tokens_details: { audio_tokens: usage.cached_input_audio_tokens } }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning_tokens,
      audio_tokens: usage.output_audio_tokens,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
      ...(usage.output_image_tokens === 0 ? {} : { image_tokens: usage.output_image_tokens }),
    },
    ...(usage.searches === 0 ? {} : { server_tool_use_details: { web_search_requests: usage.searches } }),
    ...(usage.input_audio_ms === 0 ? {} : { prompt_audio_seconds: usage.input_audio_ms / 1000 }),
    ...(usage.told_nano_usd === 0 ? {} : { cost: usage.told_nano_usd / NANO }),
  };
}
