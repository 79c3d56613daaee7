// A whole answer of the Responses format.

import { isFields, list, numberOf, withNumbers } from "../fields.ts";
import type { ChatAnswer } from "../neutral/answer.ts";
import { readFinish } from "./finish.ts";
import { type Fields, others } from "./own.ts";
import { ItemReader } from "./read_items.ts";
import { readResponsesUsage } from "./usage.ts";

/** What the neutral answer has, or the end tells. */
const READ = new Set([
  ...["id", "object", "model", "created_at", "status", "output", "output_text", "usage", "service_tier"],
  "incomplete_details",
]);

/** Null: the value is no answer of this format. */
export function readAnswer(answer: Fields): ChatAnswer | null {
  if (answer["object"] !== "response" && !Array.isArray(answer["output"])) return null;
  const items = list(answer["output"]).filter(isFields);
  const reader = new ItemReader();
  for (const item of items) reader.take(item);
  const { parts, logprobs } = reader;
  const has_calls = parts.some((part) => part.kind === "tool_call");
  const finish = readFinish(answer, has_calls);
  const choice = { index: 0, parts, finish, ...(logprobs.length === 0 ? {} : { logprobs }) };
  return {
    ...readHead(answer),
    choices: [choice],
    usage: readResponsesUsage(withNumbers(answer["usage"]), answer["output"]),
  };
}

/** What a response object tells beside its output. */
export function readHead(response: Fields): Omit<ChatAnswer, "choices" | "usage"> {
  const { id, model, service_tier, error } = response;
  const created_at = numberOf(response["created_at"]);
  const completed_at = numberOf(response["completed_at"]);
  const rest = others(response, READ);
  // While an answer is made, these are null.
  const { completed_at: _, error: __, ...settled } = rest;
  return {
    id: typeof id === "string" ? id : "",
    model: typeof model === "string" ? model : "",
    created_s: created_at === null ? null : Math.floor(created_at),
    ...(typeof service_tier === "string" ? { service_tier } : {}),
    own: {
      format: "responses",
      fields: {
        ...settled,
        ...(completed_at === null ? {} : { completed_at }),
        ...(isFields(error) ? { error } : {}),
      },
    },
  };
}
