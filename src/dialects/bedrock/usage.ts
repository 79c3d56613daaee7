// What a call used, as Bedrock's Converse reports it, and InvokeModel beside the models' own answers.
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

/**
 * Reads what InvokeModel tells beside the model's own answer: at the top of Titan's answers, or in the metrics that Bedrock adds to
 * the last event of any stream.
 */
export function readInvokeUsage(body: unknown): Usage | null {
  const answer = record(body);
  const metrics = record(answer["amazon-bedrock-invocationMetrics"]);
  const input = metrics["inputTokenCount"] ?? answer["inputTextTokenCount"];
  if (typeof input !== "number") return null;
  const results = list(answer["results"]).reduce<number>(
    (sum, one) => sum + count(record(one)["tokenCount"]),
    0,
  );
  const read = count(metrics["cacheReadInputTokenCount"]);
  const written = count(metrics["cacheWriteInputTokenCount"]);
  return usageOf({
    input_tokens: count(input) + read + written,
    cached_input_tokens: read,
    cache_write_5m_tokens: written,
    output_tokens: count(metrics["outputTokenCount"] ?? answer["totalOutputTextTokenCount"]) || results,
  });
}
