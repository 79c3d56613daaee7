// What a call used, as Anthropic's Messages report it.
// Their rule: `input_tokens` are what was neither read from the cache nor written to it; `output_tokens` include thinking.

import { count, list, record } from "../fields.ts";
import { type Usage, usageOf } from "../usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a `usage` object of a message, a `message_start` or a `message_delta`, or null where there is none.
 * Source: https://platform.claude.com/docs/en/api/messages, "Usage"; for compaction
 * https://platform.claude.com/docs/en/build-with-claude/compaction, "Understanding usage".
 */
export function readAnthropicUsage(value: unknown): Usage | null {
  const usage = record(value);
  if (typeof usage["input_tokens"] !== "number" && typeof usage["output_tokens"] !== "number") return null;
  // What it took to summarize a long conversation is billed, and left out of the counts at the top.
  const passes = [usage, ...list(usage["iterations"]).map(record).filter(isCompaction)];
  const sum = (counted: (pass: Fields) => number) => passes.reduce((total, pass) => total + counted(pass), 0);
  return usageOf({
    input_tokens: sum(
      (pass) => count(pass["input_tokens"]) + count(pass["cache_read_input_tokens"]) + written(pass),
    ),
    cached_input_tokens: sum((pass) => count(pass["cache_read_input_tokens"])),
    cache_write_5m_tokens: sum((pass) => written(pass) - writtenForAnHour(pass)),
    cache_write_1h_tokens: sum(writtenForAnHour),
    output_tokens: sum((pass) => count(pass["output_tokens"])),
    reasoning_tokens: sum((pass) => count(record(pass["output_tokens_details"])["thinking_tokens"])),
    searches: count(record(usage["server_tool_use"])["web_search_requests"]),
  });
}

function isCompaction(pass: Fields): boolean {
  return pass["type"] === "compaction";
}

function written(pass: Fields): number {
  return count(pass["cache_creation_input_tokens"]);
}

function writtenForAnHour(pass: Fields): number {
  return Math.min(count(record(pass["cache_creation"])["ephemeral_1h_input_tokens"]), written(pass));
}
