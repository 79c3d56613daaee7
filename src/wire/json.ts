// A JSON object as its bytes: which members it has, where they lie, and their values when somebody asks.
// The scan validates everything and builds nothing; a value becomes an object or a string only by a read.

import type { JsonFault } from "./json_fault.ts";
import { STRIDE } from "./json_text.ts";
import { fastest, type Kernels } from "./kernels.ts";

/** What kind of value a span holds. */
export type JsonKind = "string" | "number" | "object" | "array" | "true" | "false" | "null";

/** A value in the scanned bytes. `end` is exclusive; a string's span includes its quotes. */
export interface JsonSpan {
  readonly start: number;
  readonly end: number;
  readonly kind: JsonKind;
}

/** A member of an object: the span of its value, and that of its key with the quotes. */
export interface JsonMember extends JsonSpan {
  readonly key_start: number;
  readonly key_end: number;
}

/** Scans a whole array of bytes that must hold one JSON object and nothing else but white space. */
export function scanObject(bytes: Uint8Array): JsonObjectScan | JsonFault {
  return scanMembers(bytes, 0, bytes.length);
}

/**
 * Scans the object in `bytes[start..end)`, such as the span of a member. Offsets stay those of `bytes`.
 * Only tests choose the `kernels`.
 */
export function scanMembers(
  bytes: Uint8Array,
  start: number,
  end: number,
  kernels: Pick<Kernels, "scanText"> = fastest,
): JsonObjectScan | JsonFault {
  const found = kernels.scanText(bytes, start, end);
  if (found.fault !== null) return found;
  const kind = kindOf(bytes, found.root);
  if (kind !== "object") return wrongKind(found.root, "an object", kind);
  return new JsonObjectScan(bytes, found.root, found.members);
}

/**
 * Scans the array in `bytes[start..end)`, such as the span of `messages`. Offsets stay those of `bytes`.
 * Only tests choose the `kernels`.
 */
export function scanElements(
  bytes: Uint8Array,
  start: number,
  end: number,
  kernels: Pick<Kernels, "scanText"> = fastest,
): JsonArrayScan | JsonFault {
  const found = kernels.scanText(bytes, start, end);
  if (found.fault !== null) return found;
  const kind = kindOf(bytes, found.root);
  return kind === "array" ? new JsonArrayScan(bytes, found.members) : wrongKind(found.root, "an array", kind);
}

/**
 * The members of one object, in the order of the text. They are kept as plain numbers (see `STRIDE`); an
 * object per member is made only for a member that somebody asks for. Valid for as long as the bytes are not
 * changed.
 */
export class JsonObjectScan {
  /** Tells a scan from a `JsonFault`, whose `fault` is never null. */
  readonly fault = null;
  readonly bytes: Uint8Array;
  /** Offset of the opening brace. */
  readonly start: number;
  /** How many members there are, those with equal keys included. */
  readonly count: number;
  readonly #store: Int32Array;

  constructor(bytes: Uint8Array, start: number, store: Int32Array) {
    this.bytes = bytes;
    this.start = start;
    this.count = store.length / STRIDE;
    this.#store = store;
  }

  /** The member with this key, or null. Of several the last, which is the one that JSON.parse keeps. */
  find(name: string): JsonMember | null {
    for (let index = this.count - 1; index >= 0; index--) {
      if (this.#isKey(index, name)) return this.at(index);
    }
    return null;
  }

  /** Every member with this key, in order. */
  all(name: string): JsonMember[] {
    const members: JsonMember[] = [];
    for (let index = 0; index < this.count; index++) {
      if (this.#isKey(index, name)) members.push(this.at(index));
    }
    return members;
  }

  /** The member at `index`, which must be below `count`. */
  at(index: number): JsonMember {
    const base = index * STRIDE;
    const start = this.#store[base + 2]!;
    return {
      key_start: this.#store[base]!,
      key_end: this.#store[base + 1]!,
      start,
      end: this.#store[base + 3]!,
      kind: kindOf(this.bytes, start),
    };
  }

  /** The decoded key of the member at `index`. */
  keyAt(index: number): string {
    const base = index * STRIDE;
    return decodeString(this.bytes, this.#store[base]!, this.#store[base + 1]!);
  }

  *[Symbol.iterator](): Iterator<JsonMember> {
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }

  #isKey(index: number, name: string): boolean {
    const base = index * STRIDE;
    if (this.#store[base + 4] === 1) return this.keyAt(index) === name;
    const first = this.#store[base]! + 1;
    if (this.#store[base + 1]! - 1 - first !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      if (this.bytes[first + i] !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** The elements of one array, in order, kept like the members of a `JsonObjectScan`. */
export class JsonArrayScan {
  /** Tells a scan from a `JsonFault`, whose `fault` is never null. */
  readonly fault = null;
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly #store: Int32Array;

  constructor(bytes: Uint8Array, store: Int32Array) {
    this.bytes = bytes;
    this.count = store.length / STRIDE;
    this.#store = store;
  }

  /** The element at `index`, which must be below `count`. */
  at(index: number): JsonSpan {
    const start = this.#store[index * STRIDE + 2]!;
    return { start, end: this.#store[index * STRIDE + 3]!, kind: kindOf(this.bytes, start) };
  }

  *[Symbol.iterator](): Iterator<JsonSpan> {
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }
}

/** The bytes of a span as text. */
export function spanText(bytes: Uint8Array, { start, end }: Pick<JsonSpan, "start" | "end">): string {
  return Buffer.prototype.utf8Slice.call(bytes, start, end);
}

/** The text of a string, as JSON.parse gives it; null if the value is no string. */
export function readString(bytes: Uint8Array, span: JsonSpan): string | null {
  return span.kind === "string" ? decodeString(bytes, span.start, span.end) : null;
}

/** What the letter of an escape of two bytes stands for; 0 for none. */
const ESCAPED = new Uint8Array(256);
for (const [letter, character] of Object.entries({
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" },
  ...{ "/": "/", '"': '"', "\\": "\\" },
})) {
  ESCAPED[letter.charCodeAt(0)] = character.charCodeAt(0);
}

const BACKSLASH = 0x5c;
const UNESCAPED_MAX_BYTES = 64 * 1024;
/** Where strings are put together. Shared: one is read at a time. */
const unescaped = Buffer.allocUnsafeSlow(UNESCAPED_MAX_BYTES);

/** The text of a string of which it is known whether it has escapes. Of those with escapes of two bytes this takes half the time of `readString`. */
export function readKnownString(bytes: Uint8Array, { start, end }: JsonSpan, has_escapes: boolean): string {
  if (!has_escapes) return decodeText(bytes, start + 1, end - 1);
  if (end - start > UNESCAPED_MAX_BYTES) return decodeString(bytes, start, end);
  let length = 0;
  for (let at = start + 1; at < end - 1; at++) {
    let byte = bytes[at]!;
    if (byte === BACKSLASH) {
      at++;
      byte = ESCAPED[bytes[at]!]!;
      if (byte === 0) return decodeString(bytes, start, end);
    }
    unescaped[length] = byte;
    length++;
  }
  return decodeText(unescaped, 0, length);
}

/** The value of a number, as JSON.parse gives it (so 1e999 is infinite); null if the value is no number. */
export function readNumber(bytes: Uint8Array, span: JsonSpan): number | null {
  return span.kind === "number" ? Number(decodeText(bytes, span.start, span.end)) : null;
}

/** The value of a number that is whole and exact as a double, however written (2, 2.0, 2e0); else null. */
export function readInteger(bytes: Uint8Array, span: JsonSpan): number | null {
  const value = readNumber(bytes, span);
  // Adding 0 turns -0 into 0.
  return Number.isSafeInteger(value) ? value! + 0 : null;
}

/** The runtime's own decoder of a part of some bytes: no view of the part is made first. */
const utf8Slice = Buffer.prototype.utf8Slice;

function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return utf8Slice.call(bytes, start, end);
}

/** Decodes a string whose span includes its quotes. */
function decodeString(bytes: Uint8Array, start: number, end: number): string {
  const text = decodeText(bytes, start, end);
  return text.includes("\\") ? (JSON.parse(text) as string) : text.slice(1, -1);
}

/** A value tells its kind by its first byte; what is none of these is a digit or a minus. */
const KINDS: { readonly [first_byte: number]: JsonKind | undefined } = {
  34: "string",
  91: "array",
  102: "false",
  110: "null",
  116: "true",
  123: "object",
};

function kindOf(bytes: Uint8Array, start: number): JsonKind {
  return KINDS[bytes[start]!] ?? "number";
}

function wrongKind(offset: number, expected: string, kind: JsonKind): JsonFault {
  const article =
    kind === "object" || kind === "array" ? "an " : kind === "string" || kind === "number" ? "a " : "";
  return { fault: "wrong_kind", offset, reason: `expected ${expected}, found ${article}${kind}` };
}
