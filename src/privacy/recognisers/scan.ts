// One pass over a text that says where something might be: at an "@", a number, a word of letters and digits, a long token.
// Recognisers look at those places only; what lies between them, most of a text, is read once and left alone.

import { CANDIDATES } from "../../wire/candidates.ts";
import type { Entity, Found } from "../entity.ts";
import { type Context, contextAfter, contextBefore } from "./context.ts";
import { FOLDS, fold, isToBeFolded } from "./fold.ts";
import { isAlnum, isAsciiLetter, isDigit, isEscape } from "./letters.ts";
import { Numbers } from "./numbers.ts";

/** What finds some entities. It is called at the kinds of places that it has a function for. */
export interface Recogniser {
  readonly entities: readonly Entity[];
  /** At an "@", or a "%40": `end` is behind it. */
  at?(scan: Scan, start: number, end: number): void;
  /** At the colon of "://". */
  scheme?(scan: Scan, colon: number): void;
  /** At a colon that is beside a hexadecimal digit or another colon; gives where it has looked to, for those to come. */
  colon?(scan: Scan, colon: number): number;
  /** At a colon or "=": a name may stand before it, a value behind. */
  assignment?(scan: Scan, sign: number): void;
  /** At digits and what follows them. */
  numbers?(scan: Scan, numbers: Numbers): void;
  /** Whether `numbers` looks at a group of up to `SHORT_MAX_DIGITS` digits by itself, as most numbers of a text are. */
  readonly takes_short?: boolean;
  /** At a word of ASCII letters and digits that has both. */
  code?(scan: Scan, start: number, end: number): void;
  /** At a run of `TOKEN_MIN_CHARS` or more ASCII letters, digits, "-" and "_". */
  token?(scan: Scan, start: number, end: number): void;
  /** At "-----BEGIN "; gives where to go on. */
  block?(scan: Scan, start: number): number;
}

/** A lone group of so many digits is too short for all but years, houses and the like. */
const SHORT_MAX_DIGITS = 4;

/** Shorter runs of letters and digits are words, and not looked at as tokens. */
export const TOKEN_MIN_CHARS = 16;

const BLOCK_BEGIN = "-----BEGIN ";

/** A text that is searched, and what was found in it. */
export class Scan {
  /** The text as it is read: the same places, but digits, dashes and spaces may be ASCII ones. */
  text: string;
  readonly found: Found[] = [];
  /** Phone numbers that were looked up in the tables so far. */
  validations = 0;
  readonly #thresholds: ReadonlyMap<Entity, number>;
  #before: Context = { all: 0, nearest: 0, is_otherwise: false };
  #before_start = -1;
  #after = 0;
  #after_end = -1;

  /** @param thresholds of the entities that are asked for: what is less sure is left */
  constructor(text: string, thresholds: ReadonlyMap<Entity, number>) {
    this.text = text;
    this.#thresholds = thresholds;
  }

  /** Begins again with the text as it is read. */
  fold(): void {
    this.text = fold(this.text);
    this.found.length = 0;
    this.#before_start = -1;
    this.#after_end = -1;
  }

  /** Notes what was found, if it is asked for and sure enough. */
  add(entity: Entity, start: number, end: number, score: number): void {
    const threshold = this.#thresholds.get(entity);
    if (threshold === undefined || score < threshold) return;
    this.found.push({ start, end, entity, score });
  }

  /** What the words around a value speak of. */
  context(start: number, end: number): Context {
    if (start !== this.#before_start) {
      this.#before_start = start;
      this.#before = contextBefore(this.text, start);
    }
    if (end !== this.#after_end) {
      this.#after_end = end;
      this.#after = contextAfter(this.text, end);
    }
    const { all, nearest, is_otherwise } = this.#before;
    if (this.#after === 0) return this.#before;
    return { all: all | this.#after, nearest: nearest || this.#after, is_otherwise };
  }

  /** Whether the words around a value speak of one of `subjects`. */
  isNear(subjects: number, start: number, end: number): boolean {
    return (this.context(start, end).all & subjects) !== 0;
  }
}

/** The recognisers by the places that they look at. */
export interface Lookers {
  readonly at: readonly NonNullable<Recogniser["at"]>[];
  readonly scheme: readonly NonNullable<Recogniser["scheme"]>[];
  readonly colon: readonly NonNullable<Recogniser["colon"]>[];
  readonly assignment: readonly NonNullable<Recogniser["assignment"]>[];
  readonly numbers: readonly NonNullable<Recogniser["numbers"]>[];
  /** Those of them that take short ones. */
  readonly short_numbers: readonly NonNullable<Recogniser["numbers"]>[];
  readonly code: readonly NonNullable<Recogniser["code"]>[];
  readonly token: readonly NonNullable<Recogniser["token"]>[];
  readonly block: readonly NonNullable<Recogniser["block"]>[];
}

/** Sorts recognisers by what they look at. */
export function lookersOf(recognisers: readonly Recogniser[]): Lookers {
  const defined = <T>(looks: readonly (T | undefined)[]) => looks.filter((look) => look !== undefined);
  return {
    at: defined(recognisers.map((recogniser) => recogniser.at)),
    scheme: defined(recognisers.map((recogniser) => recogniser.scheme)),
    colon: defined(recognisers.map((recogniser) => recogniser.colon)),
    assignment: defined(recognisers.map((recogniser) => recogniser.assignment)),
    numbers: defined(recognisers.map((recogniser) => recogniser.numbers)),
    short_numbers: defined(
      recognisers.filter(({ takes_short }) => takes_short).map((recogniser) => recogniser.numbers),
    ),
    code: defined(recognisers.map((recogniser) => recogniser.code)),
    token: defined(recognisers.map((recogniser) => recogniser.token)),
    block: defined(recognisers.map((recogniser) => recogniser.block)),
  };
}

/** What a place of each kind cannot do without, as classes of `CANDIDATES`. */
const NEEDS: Readonly<Record<keyof Lookers, number>> = {
  at: CANDIDATES.at,
  scheme: CANDIDATES.scheme,
  colon: CANDIDATES.colons,
  assignment: CANDIDATES.assignment,
  numbers: CANDIDATES.digit,
  short_numbers: CANDIDATES.digit,
  code: CANDIDATES.digit,
  token: CANDIDATES.token_run,
  block: CANDIDATES.dashes,
};

/** The classes of `CANDIDATES` without any of which a string of JSON has nothing to look at. */
export function needsOf(lookers: Lookers): number {
  let needs = CANDIDATES.folded | CANDIDATES.escape;
  for (const [place, looks] of Object.entries(lookers)) {
    if (looks.length > 0) needs |= NEEDS[place as keyof Lookers];
  }
  return needs;
}

/** Nothing, or what goes on a token and is nothing by itself. */
const LETTER = 0;
/** Ends a token, and is nothing else. */
const BREAK = 1;
const DIGIT = 2;
/** One of "@", "%", ":", "=" and "-". */
const SIGN = 3;
/** Has to be read as something else. */
const FOLDED = 4;

/** The kind of each UTF-16 unit: one look-up without a branch is what the walk's speed comes from. */
const KINDS = new Uint8Array(0x10000).fill(BREAK);
for (let code = 0; code < KINDS.length; code++) {
  if (isAsciiLetter(code) || code === 0x5f) KINDS[code] = LETTER;
  else if (isDigit(code)) KINDS[code] = DIGIT;
  else if (FOLDS[code] !== 0) KINDS[code] = FOLDED;
}
for (const sign of "@%:=-") KINDS[sign.charCodeAt(0)] = SIGN;

/** The classes of `CANDIDATES` that make a difference to how a text is walked over; of those behind ":" and "=" any is all. */
const AFTER_SIGNS = CANDIDATES.scheme | CANDIDATES.colons | CANDIDATES.assignment;
const TELLING = CANDIDATES.at | CANDIDATES.dashes | CANDIDATES.token_run;
const ALL = -1;

/** The kinds in texts that hold candidates of some classes only: the fewer, the less there is to stop at. There are 16 at most. */
const KINDS_OF = new Map<number, Uint8Array>();

function kindsOf(holds: number): Uint8Array {
  const telling = (holds & TELLING) | ((holds & AFTER_SIGNS) === 0 ? 0 : AFTER_SIGNS);
  const known = KINDS_OF.get(telling);
  if (known !== undefined) return known;
  const kinds = KINDS.slice();
  if ((holds & CANDIDATES.at) === 0) for (const sign of "@%") kinds[sign.charCodeAt(0)] = BREAK;
  if ((holds & AFTER_SIGNS) === 0) for (const sign of ":=") kinds[sign.charCodeAt(0)] = BREAK;
  if ((holds & CANDIDATES.dashes) === 0) kinds[DASH] = LETTER;
  // Where no token is long enough, it does not matter where they end.
  if ((holds & CANDIDATES.token_run) === 0)
    for (let code = 0; code < kinds.length; code++) if (kinds[code] === BREAK) kinds[code] = LETTER;
  KINDS_OF.set(telling, kinds);
  return kinds;
}

const AT = 0x40;
const PERCENT = 0x25;
const COLON = 0x3a;
const EQUALS = 0x3d;
const DASH = 0x2d;
const SLASH = 0x2f;

/** Walks over a text from place to place. */
export class Walk {
  readonly #lookers: Lookers;
  readonly #numbers = new Numbers();
  /** Up to where numbers, codes and colons have been looked at. */
  #digits_done = 0;
  #code_done = 0;
  #colons_done = 0;
  #scan: Scan | null = null;
  #kinds: Uint8Array = KINDS;
  #token_min = TOKEN_MIN_CHARS;
  /** Where the walk is, and where the token starts that it is in. */
  #at = 0;
  #token_start = 0;

  constructor(lookers: Lookers) {
    this.#lookers = lookers;
  }

  /**
   * Begins with a text.
   * @param holds the classes of `CANDIDATES` that it may hold, where that is known
   */
  begin(scan: Scan, holds = ALL): void {
    this.#scan = scan;
    // Behind an escape there may be anything.
    const may_hold = (holds & CANDIDATES.escape) === 0 ? holds : ALL;
    this.#kinds = kindsOf(may_hold);
    this.#token_min = (may_hold & CANDIDATES.token_run) === 0 ? Number.POSITIVE_INFINITY : TOKEN_MIN_CHARS;
    this.#digits_done = 0;
    this.#code_done = 0;
    this.#colons_done = 0;
    this.#at = 0;
    this.#token_start = 0;
  }

  /** Shows the places of the next `chars` characters, or a few more, to those who look at their kinds. Whether all are done. */
  goOn(chars: number): boolean {
    const scan = this.#scan!;
    const { text } = scan;
    const { length } = text;
    const kinds = this.#kinds;
    const token_min = this.#token_min;
    let token_start = this.#token_start;
    let at = this.#at;
    const until = Math.min(length, at + chars);
    while (at < until) {
      const code = text.charCodeAt(at);
      const kind = kinds[code]!;
      if (kind === LETTER) {
        at++;
        continue;
      }
      if (kind === BREAK) {
        if (at - token_start >= token_min) this.#token(scan, token_start, at);
        at++;
        token_start = at;
        continue;
      }
      if (kind === DIGIT) {
        if (at >= this.#digits_done) this.#digits(scan, at);
        do at++;
        while (isDigit(text.charCodeAt(at)));
        continue;
      }
      if (kind === FOLDED && isToBeFolded(text, at)) {
        // What was looked at may go on behind this character, so all is looked at again; this happens once.
        scan.fold();
        this.begin(scan);
        return this.goOn(chars);
      }
      if (code !== DASH) {
        if (at - token_start >= token_min) this.#token(scan, token_start, at);
        token_start = at + 1;
      }
      const next = kind === SIGN ? this.#sign(scan, code, at) : at + 1;
      if (next > at + 1) {
        token_start = next;
        this.#digits_done = Math.max(this.#digits_done, next);
      }
      at = next;
    }
    this.#at = at;
    this.#token_start = token_start;
    if (at < length) return false;
    if (length - token_start >= token_min) this.#token(scan, token_start, length);
    this.#numbers.forget();
    this.#scan = null;
    return true;
  }

  /** Looks at a sign; gives where to go on. */
  #sign(scan: Scan, code: number, at: number): number {
    const { text } = scan;
    const lookers = this.#lookers;
    const next_code = text.charCodeAt(at + 1);
    if (code === DASH) {
      if (next_code !== DASH || !text.startsWith(BLOCK_BEGIN, at)) return at + 1;
      return lookers.block.reduce((next, look) => Math.max(next, look(scan, at)), at + 1);
    }
    if (code === AT) for (const look of lookers.at) look(scan, at, at + 1);
    else if (code === PERCENT) {
      if (text.startsWith("40", at + 1)) for (const look of lookers.at) look(scan, at, at + 3);
    } else {
      if (code === COLON) {
        if (next_code === SLASH && text.charCodeAt(at + 2) === SLASH) {
          for (const look of lookers.scheme) look(scan, at);
        }
        if (at >= this.#colons_done) {
          for (const look of lookers.colon) this.#colons_done = Math.max(this.#colons_done, look(scan, at));
        }
      } else if (next_code === EQUALS) return at + 1;
      for (const look of lookers.assignment) look(scan, at);
    }
    return at + 1;
  }

  /** Looks at the number that begins at a digit, or at the word that it stands in. */
  #digits(scan: Scan, at: number): void {
    const { text } = scan;
    const numbers = this.#numbers;
    if (isAlnum(text.charCodeAt(at - 1)) && !isEscape(text, at - 1)) {
      this.#digits_done = Math.max(at + 1, this.#code(scan, at));
      return;
    }
    this.#digits_done = numbers.read(text, at);
    const is_short = numbers.count === 1 && numbers.length(0) <= SHORT_MAX_DIGITS;
    const lookers = is_short ? this.#lookers.short_numbers : this.#lookers.numbers;
    for (const look of lookers) look(scan, numbers);
    if (isAlnum(text.charCodeAt(numbers.end))) {
      const code_end = this.#code(scan, numbers.end);
      if (numbers.is_whole) this.#digits_done = code_end;
    }
  }

  /** Looks at the word of letters and digits that `at` stands in or behind; gives its end. */
  #code(scan: Scan, at: number): number {
    const { text } = scan;
    if (at < this.#code_done) return this.#code_done;
    let start = at;
    while (start > this.#code_done && isAlnum(text.charCodeAt(start - 1))) {
      if (isEscape(text, start - 1)) break;
      start--;
    }
    let end = at;
    while (isAlnum(text.charCodeAt(end))) end++;
    this.#code_done = end;
    for (const look of this.#lookers.code) look(scan, start, end);
    return end;
  }

  #token(scan: Scan, start: number, end: number): void {
    const begin = start > 0 && isEscape(scan.text, start) ? start + 1 : start;
    for (const look of this.#lookers.token) look(scan, begin, end);
  }
}
