// JSON that is read to be written again: a number that a double cannot hold stays the text that it came as.

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
 * The value of a JSON text, to be written by `JSON.stringify` again; undefined where the text is none. Numbers that a double
 * would round are objects of their own kind (see `isExactNumber`). Bytes that are no UTF-8 become U+FFFD, as they do for
 * every client. Objects may have a member `__proto__` of their own.
 */
export function parseExact(bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes);
  try {
    return MAY_BE_LOST.test(text) ? exact.parse(text, keepNumber) : JSON.parse(text);
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

/** What `work` gives, or null where a value was nested too deep for it, or a text too long. */
export function unlessTooDeep<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
