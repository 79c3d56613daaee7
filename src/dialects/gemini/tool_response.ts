// What a tool gave back: a text elsewhere, an object at Gemini.
// Source: https://ai.google.dev/api/caching#FunctionResponse ("output" and "error" are its keys; without them all of it is the output).

import { parseExact } from "../../wire/exact_json.ts";
import { isFields } from "../fields.ts";
import type { Part } from "../neutral/parts.ts";

type Json = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

/** What a `response` says; `own` keeps the object where writing it again would not give the same. */
export function responseOf(response: unknown): {
  readonly content: readonly Part[];
  readonly is_error: boolean;
  readonly own: Json;
} {
  const { text, is_error } = read(response);
  const as_before = JSON.stringify(writeResponse(text, is_error)) === JSON.stringify(response);
  const own = as_before || response === undefined || response === null ? {} : { response };
  return { content: text === "" ? [] : [{ kind: "text", text }], is_error, own };
}

function read(response: unknown): { text: string; is_error: boolean } {
  if (!isFields(response)) return { text: response == null ? "" : JSON.stringify(response), is_error: false };
  const [first, ...more] = Object.entries(response);
  if (first === undefined || more.length > 0) return { text: JSON.stringify(response), is_error: false };
  const [key, value] = first;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (key === "error") return { text, is_error: true };
  if (key === "output") return { text, is_error: false };
  return { text: JSON.stringify(response), is_error: false };
}

/**
 * The `response` of a result's text. An object goes as one, if the protocol's numbers, which are doubles, can hold all of it;
 * anything else is the output.
 */
export function writeResponse(text: string, is_error: boolean): Json {
  const object = text.startsWith("{") ? objectOf(text) : null;
  if (is_error) return { error: object ?? text };
  return object ?? { output: text };
}

function objectOf(text: string): Json | null {
  const value = parseExact(encoder.encode(text));
  return isFields(value) && JSON.stringify(value) === JSON.stringify(tryParse(text)) ? value : null;
}

/** The value as doubles have it. */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
