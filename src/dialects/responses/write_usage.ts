// What a call used, as a response object tells it (OpenAI API reference, "The response object", `usage`).

import type { Usage } from "../usage.ts";
import type { Fields } from "./own.ts";

/** The `usage` of a response. Kinds that OpenAI tells only where there are any are left out without. */
export function writeUsage(usage: Usage | null): Fields | null {
  if (usage === null) return null;
  const { input_tokens, output_tokens } = usage;
  const cache_write = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens;
  const cached_audio = usage.cached_input_audio_tokens;
  return {
    input_tokens,
    input_tokens_details: {
      cached_tokens: usage.cached_input_tokens,
      ...counted("cache_write_tokens", cache_write),
      ...counted("audio_tokens", usage.input_audio_tokens),
      ...counted("image_tokens", usage.input_image_tokens),
      ...(cached_audio === 0 ? {} : { cached_tokens_details: { audio_tokens: cached_audio } }),
    },
    output_tokens,
    output_tokens_details: {
      reasoning_tokens: usage.reasoning_tokens,
      ...counted("audio_tokens", usage.output_audio_tokens),
      ...counted("image_tokens", usage.output_image_tokens),
    },
    total_tokens: input_tokens + output_tokens,
  };
}

function counted(name: string, count: number): Fields {
  return count === 0 ? {} : { [name]: count };
}
