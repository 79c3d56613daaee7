// What a call used, as Anthropic's Messages report it.
// Their rule: `input_tokens` are what was neither read from the cache nor written to it; `output_tokens` include thinking.

import type { Usage } from "../usage.ts";
import type { Fields } from "./own.ts";

/** The usage of a whole answer, or of a `message_start`. Source: https://platform.claude.com/docs/en/api/messages, "Usage". */
export function writeUsage(usage: Usage, service_tier?: string): Fields {
  const { cache_write_5m_tokens: for_5m, cache_write_1h_tokens: for_1h } = usage;
  return {
    ...inputOf(usage),
    cache_creation: { ephemeral_5m_input_tokens: for_5m, ephemeral_1h_input_tokens: for_1h },
    ...outputOf(usage),
    ...(service_tier === undefined ? {} : { service_tier }),
  };
}

/** The usage of a `message_delta`: totals that clients put in the place of those of the `message_start`. */
export function writeDeltaUsage(usage: Usage): Fields {
  const { cache_write_5m_tokens: for_5m, cache_write_1h_tokens: for_1h } = usage;
  const split = { ephemeral_5m_input_tokens: for_5m, ephemeral_1h_input_tokens: for_1h };
  return { ...inputOf(usage), ...(for_1h === 0 ? {} : { cache_creation: split }), ...outputOf(usage) };
}

function inputOf(usage: Usage): Fields {
  const written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens;
  return {
    input_tokens: usage.input_tokens - usage.cached_input_tokens - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: usage.cached_input_tokens,
  };
}

function outputOf({ output_tokens, reasoning_tokens, searches }: Usage): Fields {
  return {
    output_tokens,
    ...(reasoning_tokens === 0 ? {} : { output_tokens_details: { thinking_tokens: reasoning_tokens } }),
    ...(searches === 0 ? {} : { server_tool_use: { web_search_requests: searches, web_fetch_requests: 0 } }),
  };
}
