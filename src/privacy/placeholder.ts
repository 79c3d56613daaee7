// What stands in a text for a value: `[EMAIL_1]`, and all that models make of it. One matcher finds what has to be restored in
// answers and what has to be escaped in requests, so that nothing which a client wrote is ever taken for a value.

import type { Entity } from "./entity.ts";
import type { Steps } from "./steps.ts";

/** The most letters and underscores of a label. */
const LABEL_MAX_CHARS = 40;
/** The most digits of a placeholder's number. */
const DIGITS_MAX = 6;
/** The most spaces, dashes, asterisks and the like that a model may put into a placeholder. */
const SEPARATORS_MAX = 12;

/** What a match says when there is none here. */
export const NONE = -1;
/** What a match says when the text ends before that is certain. */
export const MORE = -2;

const END = -1;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const UNDERSCORE = 0x5f;
const LOWER_A = 0x61;
const LOWER_S = 0x73;
const LOWER_U = 0x75;
const LOWER_Z = 0x7a;
const QUOTE_CLOSE = 0x2019;
const LENTICULAR_OPEN = 0x3010;
const LENTICULAR_CLOSE = 0x3011;
const FULL_WIDTH_FIRST = 0xff01;
const FULL_WIDTH_LAST = 0xff5e;
/** From a full-width form down to its ASCII character. */
const FULL_WIDTH_STEP = 0xfee0;

/** What may stand between and around the parts of a placeholder: spaces, dashes, Markdown, invisible characters. */
const SEPARATORS = new Set(
  [
    ..." _-*`.:#~\u00a0\u00ad\u2009\u200b\u200c\u200d\u2010\u2011\u2012\u2013\u2014\u2015\u202f\u2060\u2212\u3000\ufeff",
  ].map((character) => character.charCodeAt(0)),
);

/** What the letter behind a backslash in a JSON string stands for. */
const JSON_ESCAPES = new Map(
  Object.entries({ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "/": "/", '"': '"', "\\": "\\" }).map(
    ([letter, character]) => [letter.charCodeAt(0), character.charCodeAt(0)],
  ),
);

/**
 * What an entity is called in placeholders: upper-case letters and single underscores, so that the number behind it is never
 * taken for a part of the name.
 */
export function labelOf(entity: Entity): string {
  const known = LABELS.get(entity);
  if (known !== undefined) return known;
  const letters = entity.toUpperCase().replace(/[^A-Z]+/g, "_");
  const label = letters.slice(0, LABEL_MAX_CHARS).replace(/^_|_$/g, "");
  const named = label === "" ? "VALUE" : label;
  if (LABELS.size < LABELS_MAX) LABELS.set(entity, named);
  return named;
}

/** The labels of the entities that came so far. There are as many as the configuration has. */
const LABELS = new Map<Entity, string>();
const LABELS_MAX = 1000;

/** The labels that placeholders may have, as the matcher needs them. Two that differ by underscores alone are one. */
export class Labels {
  readonly #by_letters = new Map<string, string>();
  /** The letters of labels, and labels with the underscore behind them, by what they begin with. */
  readonly #spellings = new Map<string, { readonly letters: string; readonly name: string }[]>();
  /** Made when it is needed. */
  #stops: RegExp | null = null;

  /** The label of an entity, which is known from then on. */
  add(entity: Entity): string {
    const label = labelOf(entity);
    const letters = label.replaceAll("_", "");
    const known = this.#by_letters.get(letters);
    if (known !== undefined) return known;
    this.#by_letters.set(letters, label);
    const first = letters.slice(0, 1);
    const alike = this.#spellings.get(first) ?? [];
    alike.push({ letters, name: `${label}_` });
    this.#spellings.set(first, alike);
    this.#stops = null;
    return label;
  }

  /** The label that has these letters, or null. */
  withLetters(letters: string): string | null {
    return this.#by_letters.get(letters) ?? null;
  }

  /** Whether a label may begin with these letters. */
  mayBegin(begun: string): boolean {
    return this.#spellings.get(begun.slice(0, 1))?.some(({ letters }) => letters.startsWith(begun)) ?? false;
  }

  /** Whether a label, with an underscore behind it, may begin so. */
  mayBeginName(begun: string): boolean {
    return this.#spellings.get(begun.slice(0, 1))?.some(({ name }) => name.startsWith(begun)) ?? false;
  }

  /** Where the first character at or after `from` stands that a placeholder may begin with, or a quote; the text's end if none. */
  nextStop(text: string, from: number): number {
    this.#stops ??= stopsFor(this.#spellings.keys());
    this.#stops.lastIndex = from;
    return this.#stops.exec(text)?.index ?? text.length;
  }
}

function stopsFor(firsts: Iterable<string>): RegExp {
  return new RegExp(`["[\\\\\uff3b\uff3c\u3010${[...firsts].join("")}]`, "g");
}

/** Where a placeholder may begin, or the last of a name without brackets, "_" and the first digit behind it. */
const TELLING = /[[\uff3b\u3010]|[A-Z_\\\uff21-\uff3a\uff3c\uff3f][_\uff3f][1-9\uff11-\uff19]/g;
/** A name, each of its characters behind a backslash. */
const NAME_MAX_CHARS = 2 * (LABEL_MAX_CHARS + 1);

/** Whether a text that is whole may hold a placeholder. */
export function mayHoldPlaceholder(text: string): boolean {
  return tellingFrom(text, 0) !== null;
}

/** What is looked at closely in one step. */
const STEP_PLACES = 512;

/**
 * Finds the placeholders of a text that is whole, in order and in steps.
 * @param matcherOf is asked where one may begin: most texts have nothing that is looked at closely
 * @param onFound hears where each begins and ends, and what it is
 */
export function* eachPlaceholder(
  text: string,
  matcherOf: () => PlaceholderMatcher,
  onFound: (start: number, end: number, found: PlaceholderMatcher) => void,
): Steps<void> {
  let done = 0;
  const tryAt = (start: number): boolean => {
    if (start < done) return false;
    const matcher = matcherOf();
    const end = matcher.match(text, start, false, true, start > 0 && isWord(text.charCodeAt(start - 1)));
    if (end <= 0) return false;
    done = end;
    onFound(start, end, matcher);
    return true;
  };
  let places = 0;
  for (let telling = tellingFrom(text, 0); telling !== null; ) {
    const at = telling.index;
    if (telling[0].length > 1) {
      let start = at + 1;
      while (start > 0 && at - start < NAME_MAX_CHARS && isOfName(foldedCode(text, start - 1))) start--;
      while (start <= at && !(isUpper(text.charCodeAt(start)) && tryAt(start))) start++;
    } else if (mayFollowBracket(foldedCode(text, at + 1))) {
      const is_escaped = at > 0 && foldedCode(text, at - 1) === BACKSLASH;
      if (!(is_escaped && tryAt(at - 1))) tryAt(at);
    }
    places++;
    if (places % STEP_PLACES === 0) yield;
    telling = tellingFrom(text, Math.max(at + telling[0].length, done));
  }
}

function tellingFrom(text: string, from: number): RegExpExecArray | null {
  TELLING.lastIndex = from;
  return TELLING.exec(text);
}

/** Whether a placeholder goes on so behind its opening bracket: neither a number nor a list of code does. */
function mayFollowBracket(code: number): boolean {
  return upperOf(code) !== END || code === BACKSLASH || SEPARATORS.has(code);
}

/** The character at a place, full-width ones as ASCII. */
function foldedCode(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= FULL_WIDTH_FIRST && code <= FULL_WIDTH_LAST ? code - FULL_WIDTH_STEP : code;
}

function isOfName(code: number): boolean {
  return isUpper(code) || code === UNDERSCORE || code === BACKSLASH;
}

/** Reads placeholders where they stand in a text. Holds what the last match found. */
export class PlaceholderMatcher {
  label = "";
  number = 0;
  /** What a model put behind the number, within the brackets: `'s`. */
  suffix = "";
  /** Whether it stands without brackets. */
  is_bare = false;

  readonly #labels: Labels;
  readonly #reads_bare: boolean;
  /** The character that was read last, or `END`. */
  #code = END;
  /** Where the number of a name without brackets ends, as far as it was read. */
  #number_end = 0;

  /** @param reads_bare whether `EMAIL_1` without brackets is a placeholder where it stands as a word */
  constructor(labels: Labels, reads_bare: boolean) {
    this.#labels = labels;
    this.#reads_bare = reads_bare;
  }

  /**
   * Where the placeholder that begins at `at` ends; `NONE` if there is none, `MORE` if what follows the text decides it.
   * @param in_json the text is the inside of a JSON string, and read through its escapes
   * @param is_final nothing follows the text
   * @param follows_word a letter, a digit or an underscore stands before it
   */
  match(text: string, at: number, in_json: boolean, is_final: boolean, follows_word: boolean): number {
    const code = text.charCodeAt(at);
    const found = isUpper(code)
      ? this.#reads_bare && !follows_word
        ? this.#bare(text, at, in_json)
        : NONE
      : this.#bracketed(text, at, in_json);
    return found === MORE && is_final ? this.#atEnd() : found;
  }

  /** What a match that wanted more is when nothing more comes: only a name without brackets may end with the text. */
  #atEnd(): number {
    return this.is_bare && this.number > 0 ? this.#number_end : NONE;
  }

  #bracketed(text: string, at: number, in_json: boolean): number {
    this.is_bare = false;
    this.number = 0;
    this.suffix = "";
    let pos: number = this.#read(text, at, in_json);
    // Markdown writes \[EMAIL\_1\]; a backslash that is not matched by one at the end belongs to the text before.
    const is_escaped = this.#code === BACKSLASH;
    if (is_escaped) pos = this.#read(text, pos, in_json);
    const opening: number = this.#code;
    if (opening === END) return MORE;
    if (opening !== BRACKET_OPEN && opening !== LENTICULAR_OPEN) return NONE;
    let letters = "";
    let label: string | null = null;
    let digits = 0;
    let is_number_over = false;
    let separators = 0;
    let after_backslash = false;
    for (;;) {
      pos = this.#read(text, pos, in_json);
      const code: number = this.#code;
      if (code === END) return MORE;
      if (code === BRACKET_CLOSE || code === LENTICULAR_CLOSE) {
        if (digits === 0 || label === null || is_escaped !== after_backslash) return NONE;
        this.label = label;
        return pos;
      }
      if (SEPARATORS.has(code)) {
        separators++;
        if (separators > SEPARATORS_MAX) return NONE;
        after_backslash = false;
        is_number_over = digits > 0;
        continue;
      }
      if (after_backslash || this.suffix !== "") return NONE;
      if (code === BACKSLASH) {
        after_backslash = true;
      } else if (isDigit(code)) {
        if (digits === 0) label = this.#labels.withLetters(letters);
        if (label === null || is_number_over || digits === DIGITS_MAX || (digits === 0 && code === ZERO))
          return NONE;
        digits++;
        this.number = this.number * 10 + code - ZERO;
      } else if (digits > 0) {
        if (code !== APOSTROPHE && code !== QUOTE_CLOSE) return NONE;
        pos = this.#read(text, pos, in_json);
        const owned: number = this.#code;
        if (owned === END) return MORE;
        if ((owned | 0x20) !== LOWER_S) return NONE;
        this.suffix = String.fromCharCode(code, owned);
      } else {
        const upper = upperOf(code);
        if (upper === END) return NONE;
        letters += String.fromCharCode(upper);
        if (!this.#labels.mayBegin(letters)) return NONE;
      }
    }
  }

  /** `EMAIL_1` as a word: as it is written, but for Markdown's backslashes before underscores. */
  #bare(text: string, at: number, in_json: boolean): number {
    this.is_bare = true;
    this.number = 0;
    this.suffix = "";
    let name = "";
    let digits = 0;
    let pos = at;
    for (;;) {
      const before = pos;
      pos = this.#read(text, pos, in_json);
      let code = this.#code;
      if (code === END) return MORE;
      if (digits === 0 && code === BACKSLASH) {
        pos = this.#read(text, pos, in_json);
        code = this.#code;
        if (code === END) return MORE;
        if (code !== UNDERSCORE) return NONE;
      }
      if (isDigit(code)) {
        if (digits === DIGITS_MAX || (digits === 0 && (code === ZERO || !this.#endsLabel(name)))) return NONE;
        digits++;
        this.number = this.number * 10 + code - ZERO;
        this.#number_end = pos;
      } else if (digits > 0) {
        return isWord(code) ? NONE : before;
      } else {
        if (code !== UNDERSCORE && !isUpper(code)) return NONE;
        name += String.fromCharCode(code);
        if (!this.#labels.mayBeginName(name)) return NONE;
      }
    }
  }

  #endsLabel(name: string): boolean {
    if (!name.endsWith("_")) return false;
    const label = name.slice(0, -1);
    this.label = label;
    return this.#labels.withLetters(label.replaceAll("_", "")) === label;
  }

  /** Reads the character at `at`, full-width ones as ASCII; gives where the next one stands. */
  #read(text: string, at: number, in_json: boolean): number {
    if (at >= text.length) {
      this.#code = END;
      return at;
    }
    let code = text.charCodeAt(at);
    let next = at + 1;
    if (in_json && code === BACKSLASH) {
      next = escapeEnd(text, at);
      if (next > text.length) {
        this.#code = END;
        return at;
      }
      code = escapedCode(text, at, next);
    }
    this.#code = code >= FULL_WIDTH_FIRST && code <= FULL_WIDTH_LAST ? code - FULL_WIDTH_STEP : code;
    return next;
  }
}

/** Where the escape that begins at `at` in a JSON string ends: behind the text's end if it is cut. */
export function escapeEnd(text: string, at: number): number {
  return at + (text.charCodeAt(at + 1) === LOWER_U ? 6 : 2);
}

/** What an escape in a JSON string stands for. */
export function escapedCode(text: string, at: number, end: number): number {
  if (end - at === 2) return JSON_ESCAPES.get(text.charCodeAt(at + 1)) ?? BACKSLASH;
  const code = Number.parseInt(text.slice(at + 2, end), 16);
  return Number.isNaN(code) ? BACKSLASH : code;
}

/** Whether a character belongs to a word of ASCII. */
export function isWord(code: number): boolean {
  return code === UNDERSCORE || isDigit(code) || upperOf(code) !== END;
}

/** Whether a character is the quote that ends a JSON string. */
export function isQuote(code: number): boolean {
  return code === QUOTE;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isUpper(code: number): boolean {
  return code >= UPPER_A && code <= UPPER_Z;
}

/** The upper-case form of an ASCII letter; `END` for anything else. */
function upperOf(code: number): number {
  if (code >= LOWER_A && code <= LOWER_Z) return code - 0x20;
  return isUpper(code) ? code : END;
}
