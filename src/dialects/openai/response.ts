// A whole answer in OpenAI's format: is it one, does it hold an error in spite of its status, what did it use.

import { fastest } from "../../wire/kernels.ts";
import { indexOf, needle } from "../../wire/search.ts";
import { textOf } from "../../wire/view.ts";
import type { Usage } from "../usage.ts";
import { readError, type WireError } from "./error.ts";
import { readUsage } from "./usage.ts";

const ERROR = needle('"error"');
const USAGE = needle('"usage"');

const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;

/** An answer larger than this is no error; bytes. */
const ERROR_MAX_BYTES = 16 * 1024;
/** A usage object larger than this is not read; bytes. */
const USAGE_MAX_BYTES = 16 * 1024;
/** Where it is looked for first: the end of the answer; bytes. */
const USAGE_TAIL_BYTES = 2 * 1024;
/** How many places that look like it are looked at. */
const USAGE_LOOKS_MAX = 100;

const decoder = new TextDecoder();

/** Whether bytes begin like a JSON object or array. */
export function looksLikeJson(body: Uint8Array): boolean {
  let at = 0;
  while (at < body.length && body[at]! <= 0x20) at++;
  return body[at] === OPEN_BRACE || body[at] === OPEN_BRACKET;
}

/** The error that a provider sent under a status of success, or null. */
export function errorInAnswer(body: Uint8Array): WireError | null {
  if (body.length > ERROR_MAX_BYTES || indexOf(body, ERROR) < 0) return null;
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    if (typeof value === "object" && value !== null && "choices" in value) return null;
    return readError(value, 200);
  } catch {
    return null;
  }
}

/**
 * The usage that an answer reports, or null. Only the bytes of the usage object are parsed: quotes inside of strings are
 * escaped, so the last `"usage"` in the bytes that a colon and an object follow is a key.
 */
export function usageOfAnswer(body: Uint8Array): Usage | null {
  return usageInTail(body) ?? usageBackwards(body);
}

/** Nearly always it is among the last members, and a search forwards is a tenth of the work of one backwards. */
function usageInTail(body: Uint8Array): Usage | null {
  let usage: Usage | null = null;
  let at = indexOf(body, USAGE, Math.max(0, body.length - USAGE_TAIL_BYTES));
  while (at >= 0) {
    at += USAGE.length;
    usage = usageAt(body, at) ?? usage;
    at = indexOf(body, USAGE, at);
  }
  return usage;
}

function usageBackwards(body: Uint8Array): Usage | null {
  let at = body.length;
  for (let looks = 0; looks < USAGE_LOOKS_MAX && at > 0; looks++) {
    at = Buffer.prototype.lastIndexOf.call(body, USAGE, at - 1);
    if (at < 0) break;
    const usage = usageAt(body, at + USAGE.length);
    if (usage !== null) return usage;
  }
  return null;
}

/** The usage object behind a key that ends at `start`; null if it was no key, or its value is no usage. */
function usageAt(body: Uint8Array, start: number): Usage | null {
  while (start < body.length && body[start] !== OPEN_BRACE) {
    // Only white space and the colon lie between; `null` means no usage.
    if (body[start]! > 0x20 && body[start] !== COLON) return null;
    start++;
  }
  const limit = Math.min(body.length, start + USAGE_MAX_BYTES);
  for (let end = start, depth = 0; end < limit; end++) {
    if (body[end] === OPEN_BRACE) depth++;
    else if (body[end] === CLOSE_BRACE && --depth === 0) return parseUsage(textOf(body, start, end + 1));
  }
  return null;
}

const FINISH_REASON = needle('"finish_reason"');
/** The longest finish reason that is read; bytes. */
const FINISH_REASON_MAX_BYTES = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Where the string behind a key that ends at `at` begins and ends, without its quotes; null if no string is there. */
function stringBehind(body: Uint8Array, at: number): { readonly start: number; readonly end: number } | null {
  while (at < body.length && body[at]! <= 0x20) at++;
  if (body[at] !== COLON) return null;
  at++;
  while (at < body.length && body[at]! <= 0x20) at++;
  if (body[at] !== QUOTE) return null;
  const start = at + 1;
  let end = body.indexOf(QUOTE, start);
  while (end > start && isEscaped(body, end)) end = body.indexOf(QUOTE, end + 1);
  return end < 0 ? null : { start, end };
}

function isEscaped(body: Uint8Array, at: number): boolean {
  let slashes = 0;
  while (body[at - 1 - slashes] === BACKSLASH) slashes++;
  return slashes % 2 === 1;
}

/** The finish reason of an answer's first choice, or null. */
export function finishReasonOf(body: Uint8Array): string | null {
  let at = indexOf(body, FINISH_REASON);
  while (at >= 0) {
    at += FINISH_REASON.length;
    const found = stringBehind(body, at);
    if (found !== null && found.end - found.start <= FINISH_REASON_MAX_BYTES) {
      return textOf(body, found.start, found.end);
    }
    at = indexOf(body, FINISH_REASON, at);
  }
  return null;
}

/** The members of an answer that hold what the model wrote. */
const WRITTEN = ['"content"', '"reasoning_content"', '"arguments"', '"text"', '"refusal"'].map(needle);

/** About how many tokens an answer has, by an estimate over what was written. */
export function estimateAnswer(body: Uint8Array): number {
  let tokens = 0;
  for (const member of WRITTEN) {
    let at = indexOf(body, member);
    while (at >= 0) {
      at += member.length;
      const found = stringBehind(body, at);
      if (found !== null) {
        tokens += fastest.estimateTokens(body, found.start, found.end);
        at = found.end;
      }
      at = indexOf(body, member, at);
    }
  }
  return tokens;
}

function parseUsage(json: string): Usage | null {
  try {
    return readUsage(JSON.parse(json));
  } catch {
    return null;
  }
}
