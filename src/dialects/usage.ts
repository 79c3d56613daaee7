// What a call used, whatever format told it: by kind, kept apart as the provider counts them.
// One rule for all formats: a total includes its kinds. Each format's reader turns its provider's rule into this one.

/** What one call used, by kind: tokens where the name says nothing else. */
export interface Usage {
  /** All tokens of the prompt: plain, read from a cache, written to one, audio, images. */
  readonly input_tokens: number;
  /** Of them, read from the provider's prompt cache. */
  readonly cached_input_tokens: number;
  /** Of them, written to the provider's prompt cache to stay for five minutes. */
  readonly cache_write_5m_tokens: number;
  /** Of them, written to it to stay for an hour. */
  readonly cache_write_1h_tokens: number;
  /** Of the prompt's, audio. */
  readonly input_audio_tokens: number;
  /** Of the audio, read from the cache. */
  readonly cached_input_audio_tokens: number;
  /** Of the prompt's, images. */
  readonly input_image_tokens: number;
  /** All tokens of the answer: text, reasoning, audio, images. */
  readonly output_tokens: number;
  /** Of them, reasoning. */
  readonly reasoning_tokens: number;
  /** Of them, audio. */
  readonly output_audio_tokens: number;
  /** Of them, images. */
  readonly output_image_tokens: number;
  /** Searches that the provider ran and bills by the piece: of the web, or a rerank's. */
  readonly searches: number;
  /** Audio that is billed by its length, as transcriptions are; milliseconds. */
  readonly input_audio_ms: number;
  /** What the provider itself says that the call costs, in nano-dollars; 0 where it says nothing. */
  readonly told_nano_usd: number;
}

/** Nothing was used. */
export const NO_USAGE: Usage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_5m_tokens: 0,
  cache_write_1h_tokens: 0,
  input_audio_tokens: 0,
  cached_input_audio_tokens: 0,
  input_image_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  output_audio_tokens: 0,
  output_image_tokens: 0,
  searches: 0,
  input_audio_ms: 0,
  told_nano_usd: 0,
};

/** What two answers used together. */
export function sumOf(one: Usage, other: Usage): Usage {
  const sum: { -readonly [Kind in keyof Usage]: number } = { ...one };
  for (const kind of Object.keys(NO_USAGE) as (keyof Usage)[]) sum[kind] += other[kind];
  return sum;
}

/**
 * A usage of the kinds that are known. A kind is never more than what it is part of, whatever the provider wrote: Azure
 * tells more cached tokens of Grok than the prompt has.
 */
export function usageOf(parts: Partial<Usage>): Usage {
  const input_tokens = parts.input_tokens ?? 0;
  const output_tokens = parts.output_tokens ?? 0;
  const cached = Math.min(parts.cached_input_tokens ?? 0, input_tokens);
  const write_5m = Math.min(parts.cache_write_5m_tokens ?? 0, input_tokens - cached);
  const write_1h = Math.min(parts.cache_write_1h_tokens ?? 0, input_tokens - cached - write_5m);
  const input_audio = Math.min(parts.input_audio_tokens ?? 0, input_tokens);
  const reasoning = Math.min(parts.reasoning_tokens ?? 0, output_tokens);
  const output_audio = Math.min(parts.output_audio_tokens ?? 0, output_tokens - reasoning);
  return {
    input_tokens,
    cached_input_tokens: cached,
    cache_write_5m_tokens: write_5m,
    cache_write_1h_tokens: write_1h,
    input_audio_tokens: input_audio,
    cached_input_audio_tokens: Math.min(parts.cached_input_audio_tokens ?? 0, cached, input_audio),
    input_image_tokens: Math.min(parts.input_image_tokens ?? 0, input_tokens - input_audio),
    output_tokens,
    reasoning_tokens: reasoning,
    output_audio_tokens: output_audio,
    output_image_tokens: Math.min(parts.output_image_tokens ?? 0, output_tokens - reasoning - output_audio),
    searches: parts.searches ?? 0,
    input_audio_ms: parts.input_audio_ms ?? 0,
    told_nano_usd: parts.told_nano_usd ?? 0,
  };
}

/**
 * What is known after two reports of one call, as a stream makes them: counts only grow, and a later report may leave
 * out what an earlier one told (Anthropic's `message_delta` does).
 */
export function laterUsage(before: Usage | null, after: Usage | null): Usage | null {
  if (before === null || after === null) return after ?? before;
  const kinds = Object.keys(NO_USAGE) as (keyof Usage)[];
  return usageOf(Object.fromEntries(kinds.map((kind) => [kind, Math.max(before[kind], after[kind])])));
}
