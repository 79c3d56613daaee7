// JSON that is read to be written again: a number that a double cannot hold stays the text that it came as.

import { MAX_DEPTH } from "./json_text.ts";

interface ExactJson {
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}

// The language has these since ES2026; the types do not know them yet.
const exact = JSON as unknown as ExactJson;

const decoder = new TextDecoder();

/** Where a number may be that is more than a double: many digits, or an exponent of three. */
const MAY_BE_LOST = /\d{16}|[eE][+-]?\d{3}/;

/**
 * The value of a JSON text, to be written by `JSON.stringify` again; undefined where the text is none, or nests deeper than
 * `MAX_DEPTH`. Numbers that a double would round are objects of their own kind (see `isExactNumber`). Bytes that are no UTF-8
 * become U+FFFD, as they do for every client. Objects may have a member `__proto__` of their own.
 */
export function parseExact(bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes);
  try {
    const value: unknown = MAY_BE_LOST.test(text) ? exact.parse(text, keepNumber) : JSON.parse(text);
    // A short text has no room for such a depth.
    return bytes.length > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function keepNumber(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== "number" || source === undefined || source === String(value)) return value;
  return exact.rawJSON(source);
}

/** Whether a value is a number that is kept as its text. */
export function isExactNumber(value: unknown): boolean {
  return exact.isRawJSON(value);
}

/** Whether a value nests deeper than `left`: to write one that is much too deep takes seconds, and then fails. */
function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeeper(inner, left - 1));
}
