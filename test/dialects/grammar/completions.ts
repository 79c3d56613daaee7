// What a stream and an answer of legacy completions have to look like, checked without the code that writes them.
// Source: OpenAI API reference, "The completion object".

import { OPENAPI_MISSING, validateAnswer, validateChunk } from "../../conformance/openapi.ts";
import { checkError } from "./chat.ts";

type Fields = Record<string, unknown>;

const FINISHES = ["stop", "length", "content_filter", "error"];

/** What is wrong with a stream; empty: nothing. A stream that ends with an error is fine. */
export function checkCompletionsStream(bytes: Uint8Array | string): string[] {
  const text = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  const wrong: string[] = [];
  const events = text.split("\n\n");
  if (events.pop() !== "") wrong.push("the stream does not end with a blank line");
  const last = events.pop();
  const failed = last?.startsWith("event: error\ndata: ") === true;
  if (failed) wrong.push(...checkError(JSON.parse(last.slice("event: error\ndata: ".length))));
  else if (last !== "data: [DONE]") wrong.push(`the last event is ${last?.slice(0, 80)}`);
  const finished = new Set<unknown>();
  const open = new Set<unknown>();
  let had_usage = false;
  for (const [index, event] of events.entries()) {
    if (!event.startsWith("data: {")) {
      wrong.push(`event ${index} is not framed as it should be`);
      continue;
    }
    const chunk = JSON.parse(event.slice("data: ".length)) as { choices: Fields[]; usage?: unknown };
    if (had_usage) wrong.push(`chunk ${index} comes behind usage`);
    if (chunk.choices.length === 0) had_usage = true;
    for (const choice of chunk.choices) {
      if (finished.has(choice["index"])) wrong.push(`choice ${choice["index"]} goes on behind its end`);
      open.add(choice["index"]);
      if (choice["finish_reason"] !== null) finished.add(choice["index"]);
      wrong.push(...checkChoice(choice));
    }
    if (OPENAPI_MISSING === null) wrong.push(...validateChunk("/completions", standard(chunk)));
  }
  if (!failed)
    for (const index of open) if (!finished.has(index)) wrong.push(`choice ${index} never finished`);
  return wrong;
}

/** What is wrong with a whole answer; empty: nothing. */
export function checkCompletionsAnswer(value: unknown): string[] {
  const { choices } = value as { choices: Fields[] };
  const wrong = choices.flatMap(checkChoice);
  if (OPENAPI_MISSING === null) wrong.push(...validateAnswer("POST", "/completions", 200, standard(value)));
  return wrong;
}

function checkChoice({ text, index, finish_reason, logprobs }: Fields): string[] {
  const wrong: string[] = [];
  if (typeof text !== "string") wrong.push(`text is ${typeof text}`);
  if (!Number.isInteger(index)) wrong.push(`index ${index}`);
  if (finish_reason !== null && !FINISHES.includes(finish_reason as string))
    wrong.push(`finish_reason ${finish_reason}`);
  if (logprobs === null || logprobs === undefined) return wrong;
  const lists = ["tokens", "token_logprobs", "top_logprobs", "text_offset"].map(
    (name) => (logprobs as Fields)[name] as unknown[],
  );
  if (new Set(lists.map((list) => list.length)).size !== 1) wrong.push("lists of logprobs differ in length");
  return wrong;
}

/** Without what OpenAI's description does not know how to say. */
function standard(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, member: unknown) => {
      if (key === "finish_reason" && member === "error") return "stop";
      // The first token of an echoed prompt has none, which the description leaves out.
      if (key === "token_logprobs" && Array.isArray(member)) return member.map((one) => one ?? 0);
      if (key === "top_logprobs" && Array.isArray(member)) return member.map((one) => one ?? {});
      return member;
    }),
  );
}
