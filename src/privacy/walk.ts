// A walk over the strings of a JSON text where they lie in its bytes. A rule says for each place what is done with what stands there.

import { type JsonSpan, readString } from "../wire/json.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;

const NEAR_BYTES = 48;

/** What is done with what stands at a place: `keep` leaves it, and all within it, as it is. */
export interface Rule<Treatment extends string> {
  readonly treatment: Treatment | "keep";
  /** Whether keys and numbers are treated like strings. */
  readonly is_data: boolean;
  /** Whether an object here is a text as a whole, which is JSON: the arguments of a call, what a tool gave back. */
  readonly is_json: boolean;
  /** What holds for the members of an object; for the elements of an array the rule itself holds. */
  readonly members: ReadonlyMap<string, Rule<Treatment>>;
  /** What holds for all other members; null: the rule itself. */
  readonly others: Rule<Treatment> | null;
}

/** What a walk comes by. A `name` is the key of a field that is not of data; a `json` an object that is a text as a whole. */
export type Visited = "key" | "name" | "string" | "number" | "json";

/**
 * Hears of every key and string, in order, and of the numbers in data. Keys that have a rule of their own are kept; others may hold
 * anything, and are treated like what they are of. A span includes the quotes.
 */
export type Visit<Treatment extends string> = (
  span: JsonSpan,
  treatment: Treatment | "keep",
  visited: Visited,
) => void;

/** A rule for everything, but for the members that have their own. */
export function rule<Treatment extends string>(
  treatment: Treatment | "keep",
  members: Readonly<Record<string, Rule<Treatment>>> = {},
  others: Rule<Treatment> | null = null,
): Rule<Treatment> {
  return { treatment, is_data: false, is_json: false, members: new Map(Object.entries(members)), others };
}

/** A rule for an object or array of which every key, string and number is treated. */
export function dataRule<Treatment extends string>(treatment: Treatment): Rule<Treatment> {
  return { treatment, is_data: true, is_json: false, members: new Map(), others: null };
}

/** A rule for a text, for an object that is one text of JSON, or for a list of those. */
export function jsonRule<Treatment extends string>(treatment: Treatment): Rule<Treatment> {
  return { treatment, is_data: false, is_json: true, members: new Map(), others: null };
}

/** What holds for a member of an object. */
export function ruleOfMember<Treatment extends string>(
  place: Rule<Treatment>,
  name: string,
): Rule<Treatment> {
  return place.members.get(name) ?? place.others ?? place;
}

/** A member that has a rule of its own. */
interface Named<Treatment extends string> {
  readonly name: Uint8Array;
  readonly rule: Rule<Treatment>;
}

/** The members with rules of their own by the length of their names, so that a key is looked up where it lies in the bytes. */
type NamedByLength<Treatment extends string> = readonly (readonly Named<Treatment>[] | undefined)[];

/** Those of each rule, made when it is first walked by. */
const NAMED = new WeakMap<Rule<string>, NamedByLength<string>>();

function namedBy<Treatment extends string>(place: Rule<Treatment>): NamedByLength<Treatment> {
  const known = NAMED.get(place) as NamedByLength<Treatment> | undefined;
  if (known !== undefined) return known;
  const named: Named<Treatment>[][] = [];
  for (const [name, rule] of place.members) {
    const bytes = Buffer.from(name);
    named[bytes.length] = [...(named[bytes.length] ?? []), { name: bytes, rule }];
  }
  NAMED.set(place, named);
  return named;
}

/**
 * Walks over the value that begins at `from` in a valid JSON text that nests no deeper than the scanner allows; anything else is for the
 * scanner to refuse.
 */
export function walk<Treatment extends string>(
  bytes: Uint8Array,
  root: Rule<Treatment>,
  visit: Visit<Treatment>,
  from = 0,
): void {
  new Walk(bytes, visit, from).value(root);
}

class Walk<Treatment extends string> {
  readonly #bytes: Uint8Array;
  readonly #visit: Visit<Treatment>;
  #at: number;
  /** Whether the string that was read last is known to be written without escapes. */
  #is_plain = false;

  constructor(bytes: Uint8Array, visit: Visit<Treatment>, from: number) {
    this.#bytes = bytes;
    this.#visit = visit;
    this.#at = from;
  }

  value(place: Rule<Treatment>): void {
    const first = this.#skipBlank();
    if (first === BRACE_OPEN && place.is_json) this.#json(place);
    else if (first === BRACE_OPEN) this.#object(place);
    else if (first === BRACKET_OPEN) this.#array(place);
    else if (first === QUOTE) this.#visit(this.#string(), place.treatment, "string");
    else this.#plain(place, first);
  }

  #object(place: Rule<Treatment>): void {
    this.#at++;
    while (this.#skipBlank() !== BRACE_CLOSE) {
      const key = this.#string();
      const inner = this.#ruleOf(key, place, this.#is_plain);
      const is_known = inner !== (place.others ?? place);
      this.#visit(key, is_known ? "keep" : place.treatment, place.is_data ? "key" : "name");
      this.#skipBlank();
      // The colon.
      this.#at++;
      this.value(inner);
      if (this.#skipBlank() === COMMA) this.#at++;
    }
    this.#at++;
  }

  #array(place: Rule<Treatment>): void {
    this.#at++;
    while (this.#skipBlank() !== BRACKET_CLOSE) {
      this.value(place);
      if (this.#skipBlank() === COMMA) this.#at++;
    }
    this.#at++;
  }

  /** An object of which nothing is looked at by itself. */
  #json(place: Rule<Treatment>): void {
    const start = this.#at;
    let depth = 0;
    do {
      const byte = this.#bytes[this.#at];
      if (byte === QUOTE) {
        this.#string();
        continue;
      }
      if (byte === BRACE_OPEN) depth++;
      else if (byte === BRACE_CLOSE) depth--;
      this.#at++;
    } while (depth > 0 && this.#at < this.#bytes.length);
    this.#visit({ start, end: this.#at, kind: "object" }, place.treatment, "json");
  }

  #ruleOf(key: JsonSpan, place: Rule<Treatment>, is_plain: boolean): Rule<Treatment> {
    const otherwise = place.others ?? place;
    if (place.members.size === 0) return otherwise;
    if (!is_plain) return ruleOfMember(place, readString(this.#bytes, key) ?? "");
    const alike = namedBy(place)[key.end - key.start - 2];
    if (alike === undefined) return otherwise;
    for (const { name, rule } of alike) if (this.#isAt(name, key.start + 1)) return rule;
    return otherwise;
  }

  #isAt(name: Uint8Array, start: number): boolean {
    for (let at = 0; at < name.length; at++) if (this.#bytes[start + at] !== name[at]) return false;
    return true;
  }

  /** A number or a word. */
  #plain(place: Rule<Treatment>, first: number): void {
    const start = this.#at;
    while (this.#at < this.#bytes.length && !endsPlain(this.#bytes[this.#at]!)) this.#at++;
    if (!place.is_data || first === LOWER_F || first === LOWER_N || first === LOWER_T) return;
    this.#visit({ start, end: this.#at, kind: "number" }, place.treatment, "number");
  }

  /** From an opening quote to behind the closing one. What is short is read byte by byte: a search takes as long to be called. */
  #string(): JsonSpan {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start + 1;
    const near = Math.min(bytes.length, at + NEAR_BYTES);
    while (at < near && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
    this.#is_plain = at < near && bytes[at] === QUOTE;
    if (!this.#is_plain) at = this.#farQuote(at);
    this.#at = Math.min(at + 1, bytes.length);
    return { start, end: this.#at, kind: "string" };
  }

  /** The quote that ends a string which goes on at `from`. */
  #farQuote(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    for (;;) {
      for (const near = Math.min(bytes.length, at + NEAR_BYTES); at < near; at++) {
        if (bytes[at] === QUOTE) return at;
        if (bytes[at] === BACKSLASH) at++;
      }
      at = bytes.indexOf(QUOTE, at);
      if (at < 0) return bytes.length;
      if (!this.#isEscaped(at)) return at;
      at++;
    }
  }

  #isEscaped(quote: number): boolean {
    let at = quote;
    while (this.#bytes[at - 1] === BACKSLASH) at--;
    return (quote - at) % 2 === 1;
  }

  /** The first byte that is no white space. */
  #skipBlank(): number {
    while (this.#at < this.#bytes.length && this.#bytes[this.#at]! <= SPACE) this.#at++;
    return this.#bytes[this.#at] ?? 0;
  }
}

function endsPlain(byte: number): boolean {
  return byte <= SPACE || byte === COMMA || byte === BRACKET_CLOSE || byte === BRACE_CLOSE;
}
