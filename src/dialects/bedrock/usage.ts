// What a call used, as Bedrock's Converse reports it, and Amazon's own models by InvokeModel.
// Its rule: `inputTokens` are what was neither read from the cache nor written to it (10 + 7351 + 4 = 7365).

import { count, list, record } from "../fields.ts";
import { type Usage, usageOf } from "../usage.ts";

/**
 * Reads the `usage` of an answer or of a stream's `metadata` event, or null where there is none.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html.
 */
export function readBedrockUsage(value: unknown): Usage | null {
  const usage = record(value);
  if (typeof usage["inputTokens"] !== "number") return null;
  const read = count(usage["cacheReadInputTokens"] ?? usage["cacheReadInputTokenCount"]);
  const written = count(usage["cacheWriteInputTokens"] ?? usage["cacheWriteInputTokenCount"]);
  const for_an_hour = list(usage["cacheDetails"])
    .map(record)
    .filter((detail) => detail["ttl"] === "1h")
    .reduce((total, detail) => total + count(detail["inputTokens"]), 0);
  return usageOf({
    input_tokens: count(usage["inputTokens"]) + read + written,
    cached_input_tokens: read,
    cache_write_5m_tokens: count(written - for_an_hour),
    cache_write_1h_tokens: Math.min(for_an_hour, written),
    output_tokens: count(usage["outputTokens"]),
  });
}

/** Reads the counts that stand at the top of an answer of Titan's. */
export function readTitanUsage(body: unknown): Usage | null {
  const { inputTextTokenCount, results } = record(body);
  if (typeof inputTextTokenCount !== "number") return null;
  const output = list(results).reduce<number>((total, one) => total + count(record(one)["tokenCount"]), 0);
  return usageOf({ input_tokens: count(inputTextTokenCount), output_tokens: output });
}
