// What a call used, whatever format told it: tokens by kind, kept apart as the provider counts them.
// One rule for all formats: a total includes its kinds. Each format's reader turns its provider's rule into this one.

/** Tokens of one call, by kind. */
export interface Usage {
  /** All tokens of the prompt: plain, read from a cache, written to one, audio, images. */
  readonly input_tokens: number;
  /** Of them, read from the provider's prompt cache. */
  readonly cached_input_tokens: number;
  /** Of them, written to the provider's prompt cache to stay for five minutes. */
  readonly cache_write_5m_tokens: number;
  /** Of them, written to it to stay for an hour. */
  readonly cache_write_1h_tokens: number;
  /** Of them, audio. */
  readonly input_audio_tokens: number;
  /** All tokens of the answer: text, reasoning, audio. */
  readonly output_tokens: number;
  /** Of them, reasoning. */
  readonly reasoning_tokens: number;
  /** Of them, audio. */
  readonly output_audio_tokens: number;
}

/** Nothing was used. */
export const NO_USAGE: Usage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  cache_write_5m_tokens: 0,
  cache_write_1h_tokens: 0,
  input_audio_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  output_audio_tokens: 0,
};
