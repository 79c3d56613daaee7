// What is wrong with a JSON text, said for a person: where, what was expected and what stands there.
// Only a refused text pays for this: the scanner hands over an offset, the words are found here.

/** Why a JSON text was refused. */
export interface JsonFault {
  /**
   * `syntax`: not JSON (RFC 8259). `too_deep`: valid so far, but nested deeper than `MAX_DEPTH`.
   * `wrong_kind`: valid JSON, but not the object or array that was asked for.
   */
  readonly fault: "syntax" | "too_deep" | "wrong_kind";
  /** Where, in bytes from the start of the array that was scanned; its end if something is missing there. */
  readonly offset: number;
  /** One line for a person, such as `expected a comma or "}", found "x"`. No end stop. */
  readonly reason: string;
}

/** A fault `expected …, found …` at `offset`. `end` is where the text ends. */
export function expectedFault(bytes: Uint8Array, offset: number, end: number, expected: string): JsonFault {
  return { fault: "syntax", offset, reason: `expected ${expected}, found ${found(bytes, offset, end)}` };
}

/** The fault of a string whose scan stopped at `offset`: a control character, a bad escape or the end. */
export function stringFault(bytes: Uint8Array, offset: number, end: number): JsonFault {
  return { fault: "syntax", offset, reason: stringReason(bytes, offset, end) };
}

function stringReason(bytes: Uint8Array, offset: number, end: number): string {
  if (offset >= end) return "the string has no closing quote";
  if (bytes[offset] !== 0x5c) return `control character in a string, found ${found(bytes, offset, end)}`;
  if (offset + 1 >= end) return "the string ends within an escape";
  if (bytes[offset + 1] === 0x75) return "\\u in a string must be followed by four hexadecimal digits";
  return `unknown escape in a string, found a backslash and then ${found(bytes, offset + 1, end)}`;
}

function found(bytes: Uint8Array, offset: number, end: number): string {
  if (offset >= end) return "the end";
  const byte = bytes[offset]!;
  if (byte === 0x22) return "a double quote";
  if (byte > 0x20 && byte < 0x7f) return `"${String.fromCharCode(byte)}"`;
  if (byte === 0xef && bytes[offset + 1] === 0xbb && bytes[offset + 2] === 0xbf) return "a byte order mark";
  return `byte 0x${byte.toString(16).padStart(2, "0")}`;
}
