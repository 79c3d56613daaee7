// What a call used, as Ollama's own API reports it, at the top of the answer or of a stream's last line.
// Its rule: a prompt that was still in memory is counted as if it had been read again; thinking counts as the answer.

import { count, record } from "../fields.ts";
import { type Usage, usageOf } from "../usage.ts";

/** Reads an answer, or gives null where it tells nothing. Source: https://docs.ollama.com/api/usage. */
export function readOllamaUsage(body: unknown): Usage | null {
  const { prompt_eval_count, eval_count } = record(body);
  if (typeof prompt_eval_count !== "number" && typeof eval_count !== "number") return null;
  return usageOf({ input_tokens: count(prompt_eval_count), output_tokens: count(eval_count) });
}
