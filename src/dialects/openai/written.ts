// What a model wrote, as one text: so that two answers to one question can be compared.

import { isExactNumber, parseExact } from "../../wire/exact_json.ts";
import { list, record } from "../fields.ts";

/**
 * What stands in the first choice of a plain answer of chat or legacy completions: its text, then its tool calls, one a line, as
 * `name(arguments)` with the arguments' members in order. Null where there is none, or the body is no such answer.
 */
export function answerText(body: Uint8Array): string | null {
  const choice = record(list(record(parseExact(body))["choices"])[0]);
  if (typeof choice["text"] === "string") return choice["text"];
  const { content, refusal, tool_calls, function_call } = record(choice["message"]);
  const text = textOf(content) || textOf(refusal);
  const calls = [...list(tool_calls).map(calledBy), record(function_call)].map(callText);
  const written = [text, ...calls].filter((part) => part !== "");
  if (written.length > 0) return written.join("\n");
  return typeof content === "string" || typeof refusal === "string" ? "" : null;
}

/** A content, or the texts of one in parts; reasoning among them is not what is said. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((part) => record(part)["text"])
    .filter((text) => typeof text === "string")
    .join("");
}

function calledBy(call: unknown): Readonly<Record<string, unknown>> {
  const { function: called, custom } = record(call);
  return record(called ?? custom);
}

function callText({ name, arguments: given, input }: Readonly<Record<string, unknown>>): string {
  if (typeof name !== "string") return "";
  return `${name}(${typeof given === "string" ? canonical(given) : (input ?? "")})`;
}

/** Arguments as JSON with sorted members and no white space; as they are where they are no JSON. */
function canonical(text: string): string {
  const value = parseExact(Buffer.from(text));
  return value === undefined ? text : JSON.stringify(value, sorted);
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isExactNumber(value))
    return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
