// What a call used, as Gemini reports it.
// Source: https://ai.google.dev/api/generate-content#UsageMetadata; see usage.ts for its rule.

import type { Usage } from "../usage.ts";

interface ModalityCount {
  readonly modality: string;
  readonly tokenCount: number;
}

/** The `usageMetadata` of a usage. Searches are told by the grounding, not here. */
export function writeGeminiUsage(usage: Usage): Readonly<Record<string, unknown>> {
  const { input_tokens, output_tokens, cached_input_tokens, reasoning_tokens } = usage;
  const answer_tokens = output_tokens - reasoning_tokens;
  const prompt = details(input_tokens, usage.input_audio_tokens, usage.input_image_tokens);
  const cached = details(cached_input_tokens, usage.cached_input_audio_tokens, 0);
  const answer = details(answer_tokens, usage.output_audio_tokens, usage.output_image_tokens);
  return {
    promptTokenCount: input_tokens,
    candidatesTokenCount: answer_tokens,
    totalTokenCount: input_tokens + output_tokens,
    ...(cached_input_tokens > 0 ? { cachedContentTokenCount: cached_input_tokens } : {}),
    ...(reasoning_tokens > 0 ? { thoughtsTokenCount: reasoning_tokens } : {}),
    promptTokensDetails: prompt,
    ...(cached_input_tokens > 0 ? { cacheTokensDetails: cached } : {}),
    candidatesTokensDetails: answer,
  };
}

function details(total: number, audio: number, image: number): ModalityCount[] {
  const counts: ModalityCount[] = [
    { modality: "TEXT", tokenCount: Math.max(0, total - audio - image) },
    { modality: "AUDIO", tokenCount: audio },
    { modality: "IMAGE", tokenCount: image },
  ];
  return counts.filter(({ tokenCount }) => tokenCount > 0);
}
