// The walk over a JSON text: validates it as strictly as JSON.parse and notes where the outermost members lie.
// One pass over the bytes without a value, a string or a call per level.

import { expectedFault, type JsonFault, stringFault } from "./json_fault.ts";

/** How deeply arrays and objects may nest, the outermost counted. RFC 8259, 9 allows such a limit. */
export const MAX_DEPTH = 1024;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
/** Stands for the byte behind the last: reading past the end of an array would slow down every read of it. */
const END = -1;

/**
 * 1 for each byte at which the scan of a string must stop and look: a quote, a backslash, a control
 * character.
 */
const STOPS = new Uint8Array(256).fill(1, 0, SPACE);
STOPS[QUOTE] = 1;
STOPS[BACKSLASH] = 1;

/** 1 for each byte that may follow a backslash and is an escape of two bytes. */
const ESCAPES = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPES[letter.charCodeAt(0)] = 1;

/** 1 for each hexadecimal digit. */
const HEX = new Uint8Array(256);
for (const digit of "0123456789abcdefABCDEF") HEX[digit.charCodeAt(0)] = 1;

/** The word that begins with this byte. */
const LITERALS = new Array<Uint8Array | undefined>(256).fill(undefined);
for (const word of ["true", "false", "null"]) LITERALS[word.charCodeAt(0)] = Buffer.from(word);

/** The closing byte of each container that is open, by depth. Shared: a scan never runs inside another. */
const closers = new Uint8Array(MAX_DEPTH + 1);

/**
 * How many numbers the flat store of a scan holds for each member: key_start, key_end, start, end, and 1 if
 * the key is odd: its text is not simply its bytes, because it has escapes or is not ASCII. Keys include
 * their quotes, ends are exclusive.
 */
export const STRIDE = 5;

/** Where members are noted; a text with more of them takes memory of its own. Shared like `closers`. */
const shared_store = new Int32Array(256 * STRIDE);

/** What the scan of a text found. */
export interface TextScan {
  /** Tells it from a `JsonFault`, whose `fault` is never null. */
  readonly fault: null;
  /** Offset of the outermost value. */
  readonly root: number;
  /** The members or elements of the outermost value, `STRIDE` numbers each; for elements the key is empty. */
  readonly members: Int32Array;
}

/**
 * Scans the one JSON text in `bytes[start..end)`: where the members of its outermost value lie, or what is wrong.
 * Accepts what `JSON.parse(Buffer.from(bytes).toString())` accepts, so also ill-formed UTF-8 within strings,
 * but no byte order mark, and nothing deeper than `MAX_DEPTH`. Opened containers are kept in `closers`, not
 * by a call each, so that depth costs no machine stack.
 */
export function scanText(bytes: Uint8Array, start: number, end: number): TextScan | JsonFault {
  let store: Int32Array = shared_store;
  let stored = 0;
  let pos = skipBlank(bytes, start, end);
  const root = pos;
  let depth = 0;
  let closer = 0;
  let key_start = 0;
  let key_end = 0;
  let value_start = 0;
  for (;;) {
    // A value begins here; within an object, its key does.
    let byte = pos < end ? bytes[pos]! : END;
    if (closer === BRACE_CLOSE) {
      if (byte !== QUOTE) return expectedFault(bytes, pos, end, "a key in double quotes");
      if (depth === 1) key_start = pos;
      pos = scanString(bytes, pos + 1, end);
      if (pos < 0) return stringFault(bytes, ~pos, end);
      if (depth === 1) key_end = pos;
      pos = skipBlank(bytes, pos, end);
      if (pos >= end || bytes[pos] !== COLON) return expectedFault(bytes, pos, end, "a colon after the key");
      pos = skipBlank(bytes, pos + 1, end);
      byte = pos < end ? bytes[pos]! : END;
    }
    if (depth === 1) value_start = pos;

    if (byte === QUOTE) {
      pos = scanString(bytes, pos + 1, end);
      if (pos < 0) return stringFault(bytes, ~pos, end);
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      if (depth === MAX_DEPTH) return tooDeep(pos);
      closer = byte + 2;
      depth++;
      closers[depth] = closer;
      pos = skipBlank(bytes, pos + 1, end);
      if (pos >= end || bytes[pos] !== closer) continue;
      pos++;
      depth--;
      closer = closers[depth]!;
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      pos = scanNumber(bytes, pos, end);
      if (pos < 0) return expectedFault(bytes, ~pos, end, "a digit of a number");
    } else {
      const word = byte === END ? undefined : LITERALS[byte];
      if (word === undefined) return expectedFault(bytes, pos, end, "a value");
      for (let i = 1; i < word.length; i++) {
        if (pos + i >= end || bytes[pos + i] !== word[i]) {
          return expectedFault(bytes, pos + i, end, `"${String.fromCharCode(...word)}"`);
        }
      }
      pos += word.length;
    }

    // A value ended just before pos, and with it perhaps the containers around it.
    for (;;) {
      if (depth === 1) {
        const is_object = closer === BRACE_CLOSE;
        if (stored === store.length) store = grown(store);
        store[stored] = is_object ? key_start : value_start;
        store[stored + 1] = is_object ? key_end : value_start;
        store[stored + 2] = value_start;
        store[stored + 3] = pos;
        store[stored + 4] = is_object && isOddKey(bytes, key_start, key_end) ? 1 : 0;
        stored += STRIDE;
      }
      pos = skipBlank(bytes, pos, end);
      if (depth === 0) {
        if (pos !== end) return expectedFault(bytes, pos, end, "nothing behind the value");
        return { fault: null, root, members: store.slice(0, stored) };
      }
      byte = pos < end ? bytes[pos]! : END;
      if (byte === COMMA) break;
      if (byte !== closer) {
        return expectedFault(bytes, pos, end, closer === BRACE_CLOSE ? 'a comma or "}"' : 'a comma or "]"');
      }
      pos++;
      depth--;
      closer = closers[depth]!;
    }
    pos = skipBlank(bytes, pos + 1, end);
  }
}

function grown(store: Int32Array): Int32Array {
  const larger = new Int32Array(2 * store.length);
  larger.set(store);
  return larger;
}

/** The first position from `pos` on that holds no white space (RFC 8259, 2). */
function skipBlank(bytes: Uint8Array, pos: number, end: number): number {
  while (pos < end) {
    const byte = bytes[pos]!;
    if (byte > SPACE || (byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB)) break;
    pos++;
  }
  return pos;
}

/**
 * From behind an opening quote to behind the closing one, or the complement of where it fails (RFC 8259, 7).
 */
function scanString(bytes: Uint8Array, pos: number, end: number): number {
  for (;;) {
    // Eight bytes a turn: 93 µs for 500 KB of plain text, where one byte a turn takes 166 µs, and 32-bit
    // words with bit tricks, which need an aligned view, take 68 µs.
    for (const last = end - 8; pos <= last; pos += 8) {
      const stop =
        STOPS[bytes[pos]!]! |
        STOPS[bytes[pos + 1]!]! |
        STOPS[bytes[pos + 2]!]! |
        STOPS[bytes[pos + 3]!]! |
        STOPS[bytes[pos + 4]!]! |
        STOPS[bytes[pos + 5]!]! |
        STOPS[bytes[pos + 6]!]! |
        STOPS[bytes[pos + 7]!]!;
      if (stop !== 0) break;
    }
    while (pos < end && STOPS[bytes[pos]!] === 0) pos++;
    if (pos >= end) return ~end;
    const byte = bytes[pos]!;
    if (byte === QUOTE) return pos + 1;
    if (byte !== BACKSLASH || pos + 1 >= end) return ~pos;
    const letter = bytes[pos + 1]!;
    if (ESCAPES[letter] === 1) pos += 2;
    else if (letter === LOWER_U && isHex4(bytes, pos + 2, end)) pos += 6;
    else return ~pos;
  }
}

function isHex4(bytes: Uint8Array, pos: number, end: number): boolean {
  if (pos + 4 > end) return false;
  return (HEX[bytes[pos]!]! & HEX[bytes[pos + 1]!]! & HEX[bytes[pos + 2]!]! & HEX[bytes[pos + 3]!]!) === 1;
}

/**
 * From the first byte of a number to behind its last, or the complement of where a digit lacks (RFC 8259, 6).
 */
function scanNumber(bytes: Uint8Array, pos: number, end: number): number {
  if (bytes[pos] === MINUS) pos++;
  if (pos < end && bytes[pos] === ZERO) pos++;
  else {
    pos = scanDigits(bytes, pos, end);
    if (pos < 0) return pos;
  }
  if (pos < end && bytes[pos] === DOT) {
    pos = scanDigits(bytes, pos + 1, end);
    if (pos < 0) return pos;
  }
  // With the bit of lower case set, only "E" and "e" give "e".
  if (pos < end && (bytes[pos]! | 0x20) === 0x65) {
    pos++;
    if (pos < end && (bytes[pos] === MINUS || bytes[pos] === 0x2b)) pos++;
    pos = scanDigits(bytes, pos, end);
  }
  return pos;
}

/** Behind a run of at least one digit, or the complement of `pos`. */
function scanDigits(bytes: Uint8Array, pos: number, end: number): number {
  const first = pos;
  while (pos < end && bytes[pos]! >= ZERO && bytes[pos]! <= NINE) pos++;
  return pos === first ? ~pos : pos;
}

function isOddKey(bytes: Uint8Array, key_start: number, key_end: number): boolean {
  for (let i = key_start; i < key_end; i++) {
    const byte = bytes[i]!;
    if (byte === BACKSLASH || byte >= 0x80) return true;
  }
  return false;
}

/** The fault of a text that nests deeper than `MAX_DEPTH` at `offset`. */
export function tooDeep(offset: number): JsonFault {
  return { fault: "too_deep", offset, reason: `nested deeper than ${MAX_DEPTH} levels` };
}
