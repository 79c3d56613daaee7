// What a call used, as Cohere's own API reports it: what it bills, beside what went through the model.
// Its rule: the words that Cohere puts before every prompt are counted in `tokens`, cached, and not billed.

import { count, record } from "../fields.ts";
import { type Usage, usageOf } from "../usage.ts";

/**
 * Reads a chat answer's `usage` or the `meta` of an embedding or a rerank, or null where there is none. What counts is what
 * is billed. Source: https://docs.cohere.com/reference/chat, `usage`.
 */
export function readCohereUsage(value: unknown): Usage | null {
  const usage = record(value);
  if (typeof usage["billed_units"] !== "object" || usage["billed_units"] === null) return null;
  const billed = record(usage["billed_units"]);
  const tokens = record(usage["tokens"]);
  const images = count(tokens["image_tokens"] ?? billed["image_tokens"]);
  // Embeddings bill images apart, chats within their input (34 + 259 images less 26 of Cohere's own = 267).
  const input = count(billed["input_tokens"]) + count(billed["image_tokens"]);
  const unbilled = count(count(tokens["input_tokens"]) + count(tokens["image_tokens"]) - input);
  return usageOf({
    input_tokens: input,
    // Cohere's own words come first, so only what is cached beyond them is the caller's.
    cached_input_tokens: count(count(usage["cached_tokens"]) - unbilled),
    input_image_tokens: images,
    output_tokens: count(billed["output_tokens"]),
    reasoning_tokens: count(tokens["reasoning_tokens"]),
    searches: count(billed["search_units"]),
  });
}
