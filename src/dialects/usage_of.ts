// The usage in any provider's answer: which reader it takes is told by the answer's shape, and by the provider's kind
// where two shapes are alike. For what is passed through untranslated, where nothing says beforehand what will come.

import { readAnthropicUsage } from "./anthropic/usage.ts";
import { readBedrockUsage, readInvokeUsage } from "./bedrock/usage.ts";
import { readCohereUsage } from "./cohere/usage.ts";
import { list, record } from "./fields.ts";
import { readGeminiUsage } from "./gemini/usage.ts";
import { readOllamaUsage } from "./ollama/usage.ts";
import { readUsage } from "./openai/usage.ts";
import { readResponsesUsage } from "./responses/usage.ts";
import { laterUsage, type Usage } from "./usage.ts";

/** Answers that tell what other calls used: to bill them would be to bill twice. */
const REPORTS: ReadonlySet<unknown> = new Set(["batch", "list", "fine_tuning.job"]);

/**
 * The usage that a JSON answer tells, or an event of a native stream, or null. `kind` is the provider's. What a stream tells in
 * several events is put together by `laterUsage`. Answers that only repeat what an earlier one told (a stored response that is
 * fetched again) look like new ones: ask only for the answers of calls that make something (POST).
 */
export function usageOfBody(kind: string, body: unknown): Usage | null {
  // Gemini without `alt=sse` streams a list of answers.
  if (Array.isArray(body))
    return body.reduce<Usage | null>((all, one) => laterUsage(all, usageOfBody(kind, one)), null);
  const answer = record(body);
  if (REPORTS.has(answer["object"]) && !isEmbedding(answer)) return null;
  if (answer["usageMetadata"] !== undefined) {
    return readGeminiUsage(answer["usageMetadata"], answer["candidates"]);
  }
  // Events carry it one level down: Anthropic's `message_start`, OpenAI's `response.completed`, Cohere's `message-end`, Nova's last.
  for (const holder of [
    answer,
    answer["message"],
    answer["response"],
    answer["delta"],
    answer["metadata"],
  ].map(record)) {
    const usage = holder["usage"];
    if (typeof usage === "object" && usage !== null) return ofUsage(kind, usage, holder, answer);
  }
  return readCohereUsage(answer["meta"]) ?? readInvokeUsage(answer) ?? readOllamaUsage(answer);
}

function ofUsage(
  kind: string,
  usage: object,
  holder: Readonly<Record<string, unknown>>,
  answer: Readonly<Record<string, unknown>>,
): Usage | null {
  if ("billed_units" in usage) return readCohereUsage(usage);
  if ("inputTokens" in usage) return readBedrockUsage(usage);
  const is_anthropic =
    holder["type"] === "message" ||
    answer["type"] === "message_delta" ||
    "cache_read_input_tokens" in usage ||
    (kind === "anthropic" && !("total_tokens" in usage));
  // A message's `prompt_tokens` would make it OpenAI's format, which gateways before Anthropic speak with its fields.
  if (is_anthropic && !("prompt_tokens" in usage)) return readAnthropicUsage(usage);
  return readUsage(usage) ?? readResponsesUsage(usage, holder["output"]);
}

/** Embeddings come as a list too, and that one is an answer of its own. */
function isEmbedding(answer: Readonly<Record<string, unknown>>): boolean {
  return record(list(answer["data"])[0])["object"] === "embedding";
}
