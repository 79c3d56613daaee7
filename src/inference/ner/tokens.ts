// Cuts a text into words and signs, and notes of each what the features are made of. One buffer is filled again and again.

import { DIGIT, foldOf, kindOf, LINE_END, LOWER, MARK, SPACE, SYMBOL, UNCASED, UPPER } from "./characters.ts";

/** Tokens that are tagged together; longer texts are cut between lines or sentences, or anywhere if need be. */
export const TOKENS_MAX = 400;
/** Where a line or a sentence ends after so many tokens, the next ones are tagged apart. */
const TOKENS_ENOUGH = 200;

/** How a token is written: a sign that is neither letter nor digit. */
export const SIGN = 0;
/** Small letters only. */
export const SMALL = 1;
/** A capital and small letters. */
export const CAPITALISED = 2;
/** Capitals only. */
export const CAPITALS = 3;
/** One capital. */
export const INITIAL = 4;
/** Capitals elsewhere too: `McDonald`, `iPhone`. */
export const MIXED = 5;
/** Digits only. */
export const NUMBER = 6;
/** `B2B`. */
export const LETTERS_AND_DIGITS = 7;
/** Letters of a script without capitals. */
export const CASELESS = 8;

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
/** A word's front and end, up to so many letters. */
export const AFFIX_MAX = 4;
/** Letters of a word that count; what follows is part of the word. */
const LETTERS_MAX = 64;

/** Tokens of a stretch of text. Columns, not objects: they are filled for every text. */
export class Tokens {
  count = 0;
  readonly start = new Uint32Array(TOKENS_MAX);
  readonly end = new Uint32Array(TOKENS_MAX);
  /** Hash of the word without case and accents. */
  readonly word = new Int32Array(TOKENS_MAX);
  /** `SIGN`, `SMALL` and so on. */
  readonly style = new Uint8Array(TOKENS_MAX);
  /** Hash of the word's shape: `Xx`, `XxX`, `d`. */
  readonly shape = new Int32Array(TOKENS_MAX);
  /** Hashes of the first and last 1, 2, 3, 4 letters; 0 where the word is not longer. */
  readonly front = new Int32Array(TOKENS_MAX * AFFIX_MAX);
  readonly back = new Int32Array(TOKENS_MAX * AFFIX_MAX);
  readonly letters = new Uint8Array(TOKENS_MAX);
  /** Whether a line begins with it. */
  readonly begins_line = new Uint8Array(TOKENS_MAX);
  /** Whether there is no space between it and the token before. */
  readonly is_joined = new Uint8Array(TOKENS_MAX);

  readonly #units = new Uint16Array(LETTERS_MAX);

  /** Takes the tokens of the text from a place on, and gives the place after the last of them. */
  fill(text: string, from: number): number {
    this.count = 0;
    let at = from;
    let begins_line = true;
    let is_joined = false;
    while (at < text.length) {
      const code_point = text.codePointAt(at)!;
      const kind = kindOf(code_point);
      if (kind === SPACE || kind === LINE_END) {
        if (kind === LINE_END) begins_line = true;
        is_joined = false;
        at++;
        if (kind === LINE_END && this.count >= TOKENS_ENOUGH) return at;
        continue;
      }
      if (this.count === TOKENS_MAX || this.#isEnough(text)) return at;
      const token = this.count++;
      this.begins_line[token] = begins_line ? 1 : 0;
      this.is_joined[token] = is_joined ? 1 : 0;
      begins_line = false;
      is_joined = true;
      this.start[token] = at;
      at = kind === SYMBOL || kind === MARK ? this.#sign(text, at, code_point) : this.#word(text, at);
      this.end[token] = at;
    }
    return at;
  }

  #isEnough(text: string): boolean {
    if (this.count < TOKENS_ENOUGH) return false;
    const last = text.charCodeAt(this.start[this.count - 1]!);
    return last === 0x2e || last === 0x21 || last === 0x3f;
  }

  /** A sign alone, with the marks that belong to it. */
  #sign(text: string, from: number, code_point: number): number {
    const token = this.count - 1;
    let at = from + (code_point > 0xffff ? 2 : 1);
    while (at < text.length && kindOf(text.charCodeAt(at)) === MARK) at++;
    this.word[token] = hashOfCodePoint(code_point);
    this.shape[token] = 1;
    this.style[token] = SIGN;
    this.letters[token] = 0;
    this.front.fill(0, token * AFFIX_MAX, (token + 1) * AFFIX_MAX);
    this.back.fill(0, token * AFFIX_MAX, (token + 1) * AFFIX_MAX);
    return at;
  }

  /** A run of letters and digits. */
  #word(text: string, from: number): number {
    const token = this.count - 1;
    const units = this.#units;
    let at = from;
    let letters = 0;
    let hash = FNV_OFFSET;
    let shape = FNV_OFFSET;
    let last_kind = 0;
    let shape_length = 0;
    let uppers = 0;
    let lowers = 0;
    let digits = 0;
    let uncased = 0;
    let first_kind = 0;
    while (at < text.length) {
      const code_point = text.codePointAt(at)!;
      const kind = kindOf(code_point);
      if (kind === SPACE || kind === LINE_END || kind === SYMBOL) break;
      at += code_point > 0xffff ? 2 : 1;
      if (kind === MARK) continue;
      if (first_kind === 0) first_kind = kind;
      if (kind === UPPER) uppers++;
      else if (kind === LOWER) lowers++;
      else if (kind === DIGIT) digits++;
      else if (kind === UNCASED) uncased++;
      const unit = code_point > 0xffff ? code_point & 0xffff : foldOf(code_point);
      // Numbers are alike: only how many digits they have counts.
      hash = Math.imul(hash ^ (kind === DIGIT ? 0x30 : unit), FNV_PRIME);
      if (letters < LETTERS_MAX) units[letters++] = unit;
      if (kind !== last_kind && shape_length < 8) {
        shape = Math.imul(shape ^ kind, FNV_PRIME);
        shape_length++;
        last_kind = kind;
      }
    }
    this.word[token] = hash;
    this.shape[token] = shape;
    this.letters[token] = letters;
    this.style[token] = styleOf(uppers, lowers, digits, uncased, first_kind);
    this.#affixes(token, letters);
    return at;
  }

  #affixes(token: number, letters: number): void {
    const units = this.#units;
    let front = FNV_OFFSET;
    let back = FNV_OFFSET;
    for (let length = 1; length <= AFFIX_MAX; length++) {
      const place = token * AFFIX_MAX + length - 1;
      if (length >= letters) {
        this.front[place] = 0;
        this.back[place] = 0;
        continue;
      }
      front = Math.imul(front ^ units[length - 1]!, FNV_PRIME);
      back = Math.imul(back ^ units[letters - length]!, FNV_PRIME);
      this.front[place] = front;
      this.back[place] = back;
    }
  }
}

/** The hash that a sign has in `Tokens.word`. */
export function hashOfSign(sign: string): number {
  return hashOfCodePoint(sign.codePointAt(0)!);
}

function hashOfCodePoint(code_point: number): number {
  return Math.imul(FNV_OFFSET ^ code_point, FNV_PRIME);
}

/** The hash that a word has in `Tokens.word`; `folded` is what `fold` makes of it. */
export function hashOfWord(folded: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < folded.length; at++) {
    const unit = folded.charCodeAt(at);
    hash = Math.imul(hash ^ (unit >= 0x30 && unit <= 0x39 ? 0x30 : unit), FNV_PRIME);
  }
  return hash;
}

function styleOf(
  uppers: number,
  lowers: number,
  digits: number,
  uncased: number,
  first_kind: number,
): number {
  if (digits > 0) return uppers + lowers + uncased === 0 ? NUMBER : LETTERS_AND_DIGITS;
  if (uppers === 0) return lowers === 0 ? CASELESS : SMALL;
  if (lowers === 0) return uppers === 1 ? INITIAL : CAPITALS;
  return first_kind === UPPER && uppers === 1 ? CAPITALISED : MIXED;
}
