// What a call used, as Gemini's API and Vertex report it.
// Their rule: `promptTokenCount` includes the cached ones; thoughts and the prompts of tools are counted beside the rest.

import { count, list, record } from "../fields.ts";
import { type Usage, usageOf } from "../usage.ts";

/**
 * Reads a `usageMetadata` object of an answer or of a stream's chunk, or null where there is none. `candidates` are the
 * answer's: they list the searches that it was grounded on. A cached content's metadata, which has a total alone, is none.
 * Source: https://ai.google.dev/api/generate-content#UsageMetadata; `totalTokenCount` is the sum of prompt, tool prompts,
 * thoughts and candidates (118 + 1961 + 46 + 312 = 2437).
 */
export function readGeminiUsage(metadata: unknown, candidates?: unknown): Usage | null {
  const usage = record(metadata);
  if (typeof usage["promptTokenCount"] !== "number" && typeof usage["candidatesTokenCount"] !== "number") {
    return null;
  }
  // Embeddings say it without the s.
  const prompt = usage["promptTokensDetails"] ?? usage["promptTokenDetails"];
  const tools = usage["toolUsePromptTokensDetails"];
  const answer = usage["candidatesTokensDetails"];
  const thoughts = count(usage["thoughtsTokenCount"]);
  return usageOf({
    input_tokens: count(usage["promptTokenCount"]) + count(usage["toolUsePromptTokenCount"]),
    cached_input_tokens: count(usage["cachedContentTokenCount"]),
    input_audio_tokens: ofModality(prompt, "AUDIO") + ofModality(tools, "AUDIO"),
    cached_input_audio_tokens: ofModality(usage["cacheTokensDetails"], "AUDIO"),
    // The pages of a document are read as images.
    input_image_tokens: ofModality(prompt, "IMAGE") + ofModality(prompt, "DOCUMENT"),
    output_tokens: count(usage["candidatesTokenCount"]) + thoughts,
    reasoning_tokens: thoughts,
    output_audio_tokens: ofModality(answer, "AUDIO"),
    output_image_tokens: ofModality(answer, "IMAGE"),
    searches: list(candidates).reduce<number>((total, candidate) => total + searchesOf(candidate), 0),
  });
}

function ofModality(details: unknown, modality: string): number {
  return list(details)
    .map(record)
    .filter((detail) => detail["modality"] === modality)
    .reduce((total, detail) => total + count(detail["tokenCount"]), 0);
}

function searchesOf(candidate: unknown): number {
  return list(record(record(candidate)["groundingMetadata"])["webSearchQueries"]).length;
}
