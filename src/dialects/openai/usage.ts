// What a call used, as OpenAI's format reports it, and as those report it who took the format over.
// OpenAI's rule: `prompt_tokens` include the cached ones, `completion_tokens` include the reasoning ones.

import { count, millis, nanoUsd, record } from "../fields.ts";
import { type Usage, usageOf } from "../usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** xAI bills in ticks: ten of them are a nano-dollar. */
const TICKS_PER_NANO_USD = 10;

/**
 * Reads a `usage` object (of chat completions, completions, embeddings or reranks), or null where there is none.
 * Source: OpenAI API reference, "The chat completion object", `usage`. Who counts otherwise shows it in the total:
 * - Mistral: `prompt_tokens` leave audio out (9 + 375 audio + 248 = 632);
 * - xAI: `completion_tokens` leave reasoning out (204 + 2 + 62 reasoning = 268);
 * - Gemini: they leave thoughts out too, and only the total tells how many there were.
 */
export function readUsage(value: unknown): Usage | null {
  const usage = record(value);
  const told_nano_usd = toldCost(usage);
  const is_counted =
    typeof usage["prompt_tokens"] === "number" ||
    (typeof usage["total_tokens"] === "number" && typeof usage["input_tokens"] !== "number");
  if (!is_counted && (told_nano_usd === 0 || typeof usage["input_tokens"] === "number")) return null;

  const input = record(usage["prompt_tokens_details"]);
  const output = record(usage["completion_tokens_details"]);
  const prompt = count(usage["prompt_tokens"] ?? usage["total_tokens"]);
  const completion = count(usage["completion_tokens"]);
  const audio = count(input["audio_tokens"]);
  // What the total has beyond its two parts.
  const outside = count(count(usage["total_tokens"]) - prompt - completion);
  const is_audio_outside = outside > 0 && outside === audio;
  const thoughts_outside = is_audio_outside ? 0 : outside;
  // Perplexity's deep research reports these beside the details, outside of the total, and bills them apart; what it
  // read (`citation_tokens`) costs as prompts do. https://docs.perplexity.ai/docs/getting-started/pricing
  const research = count(usage["reasoning_tokens"]);
  const citations = count(usage["citation_tokens"]);

  return usageOf({
    input_tokens: prompt + (is_audio_outside ? audio : 0) + citations,
    // DeepSeek counts its cache hits beside the details, Moonshot and Together their cached tokens.
    cached_input_tokens: count(
      input["cached_tokens"] ??
        usage["prompt_cache_hit_tokens"] ??
        usage["cached_tokens"] ??
        usage["cache_read_input_tokens"],
    ),
    // OpenRouter's, and those of gateways before Anthropic; none says for how long.
    cache_write_5m_tokens: count(input["cache_write_tokens"] ?? usage["cache_creation_input_tokens"]),
    input_audio_tokens: audio,
    cached_input_audio_tokens: count(record(input["cached_tokens_details"])["audio_tokens"]),
    input_image_tokens: count(input["image_tokens"]),
    output_tokens: completion + thoughts_outside + research,
    reasoning_tokens: count(output["reasoning_tokens"]) || thoughts_outside + research,
    output_audio_tokens: count(output["audio_tokens"]),
    output_image_tokens: count(output["image_tokens"]),
    searches: count(
      usage["num_search_queries"] ?? record(usage["server_tool_use_details"])["web_search_requests"],
    ),
    input_audio_ms: millis(usage["prompt_audio_seconds"]),
    told_nano_usd,
  });
}

/**
 * What the provider itself says that the call costs, in nano-dollars; 0 where it says nothing. Azure hands on xAI's field with
 * a zero in it: a zero is no price.
 */
export function toldCost(usage: Fields): number {
  // xAI: what it bills may be another model's price than the one that was asked for.
  const ticks = usage["cost_in_usd_ticks"];
  if (typeof ticks === "number") return count(Math.round(ticks / TICKS_PER_NANO_USD));
  const { cost } = usage;
  if (typeof cost === "number") {
    // OpenRouter, for a call with the caller's own key at the provider: its fee is `cost`, the provider's bill comes on top.
    const upstream = usage["is_byok"] === true ? record(usage["cost_details"])["upstream_inference_cost"] : 0;
    return nanoUsd(cost) + nanoUsd(upstream);
  }
  // Perplexity: with what the request itself costs, which no count tells.
  if (typeof cost === "object") return nanoUsd(record(cost)["total_cost"]);
  // DeepInfra; another Venturi.
  return nanoUsd(usage["estimated_cost"] ?? usage["cost_usd"]);
}
