// The fields of a response head, still as its text: most responses have two dozen of them, of which two or three are ever read.
// Strings are made of those that somebody asks for.

import type { HeaderFields } from "../../config/plan.ts";
import type { ResponseHeaders } from "../exchange.ts";

const NONE: HeaderFields = [];
/** Marks of one field: begin and end of its name, begin and end of its value. */
const MARKS = 4;

/** Fields of a head by their places in it. */
export class HeadFields implements ResponseHeaders {
  readonly count: number;
  readonly #text: string;
  readonly #marks: Int32Array;

  /**
   * @param text the whole head, a character for a byte
   * @param marks four offsets for each field; the end of a name that was written with capitals is stored as its complement
   */
  constructor(text: string, marks: Int32Array) {
    this.#text = text;
    this.#marks = marks;
    this.count = marks.length / MARKS;
  }

  /** How long a field's name is. */
  nameLength(field: number): number {
    const end = this.#marks[field * MARKS + 1]!;
    return (end >= 0 ? end : ~end) - this.#marks[field * MARKS]!;
  }

  /** A field's name, in lower case. */
  name(field: number): string {
    const begin = this.#marks[field * MARKS]!;
    const end = this.#marks[field * MARKS + 1]!;
    return end >= 0 ? this.#text.substring(begin, end) : lowerCase(this.#text.substring(begin, ~end));
  }

  /** A field's value, without the blanks around it. */
  value(field: number): string {
    const text = this.#text;
    const begin = this.#marks[field * MARKS + 2]!;
    let end = this.#marks[field * MARKS + 3]!;
    while (end > begin && isBlank(text.charCodeAt(end - 1))) end--;
    return text.substring(begin, end);
  }

  get(name: string): string | null {
    for (let field = 0; field < this.count; field++) {
      if (this.nameLength(field) === name.length && this.name(field) === name) return this.value(field);
    }
    return null;
  }

  get fields(): HeaderFields {
    return Array.from({ length: this.count }, (_, field) => [this.name(field), this.value(field)]);
  }

  startingWith(prefixes: readonly string[]): HeaderFields {
    let found: [string, string][] | null = null;
    for (let field = 0; field < this.count; field++) {
      if (!this.#startsWithOneOf(field, prefixes)) continue;
      found ??= [];
      found.push([this.name(field), this.value(field)]);
    }
    return found ?? NONE;
  }

  #startsWithOneOf(field: number, prefixes: readonly string[]): boolean {
    const begin = this.#marks[field * MARKS]!;
    const is_lower = this.#marks[field * MARKS + 1]! >= 0;
    for (const prefix of prefixes) {
      if (is_lower ? this.#text.startsWith(prefix, begin) : this.name(field).startsWith(prefix)) return true;
    }
    return false;
  }
}

/** Names that were written with capitals, and what they are without: a table of the ones seen last. */
const KNOWN_NAMES = 256;
const known_names: string[] = new Array(KNOWN_NAMES).fill("");
const lower_names: string[] = new Array(KNOWN_NAMES).fill("");

/** `toLowerCase` is the dearest part of reading a head (90 ns a name); servers write the same few names. */
function lowerCase(name: string): string {
  const { length } = name;
  if (length > 64) return name.toLowerCase();
  const slot = (length * 31 + name.charCodeAt(0) * 7 + name.charCodeAt(length - 1)) & (KNOWN_NAMES - 1);
  if (known_names[slot] === name) return lower_names[slot]!;
  const lower = name.toLowerCase();
  // A copy, since a slice would keep its whole head alive.
  known_names[slot] = Buffer.from(name, "latin1").toString("latin1");
  lower_names[slot] = lower;
  return lower;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
