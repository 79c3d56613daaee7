// BERT's WordPiece tokenizer over a fixed vocabulary: each word is cut into the longest pieces known, from its front.

import { characterOf } from "./characters.ts";

/** A text is read up to here, in code units: what it asks is said before. */
export const MAX_TEXT_UNITS = 8192;
/** Pieces a vocabulary may have. */
export const MAX_PIECES = 40_000;

/** A word of more is unknown, as in BERT, which counts code points: words of rare scripts may be half as long here. */
const MAX_WORD_CHARACTERS = 100;
/** Slots of the table that finds pieces: a power of two, at most five in eight taken. */
const SLOTS = 1 << 16;
/** FNV-1a over code units; words and what continues them start from different values. */
const WORD_SEED = 0x811c9dc5 | 0;
const CONTINUATION_SEED = 0x2c1b3c6d;
const HASH_FACTOR = 0x01000193;
const HASH_SIGN = "#".charCodeAt(0);

/** The pieces of words that have a number each. Those that begin with `##` continue a word. */
export class Vocabulary {
  /** How many pieces there are. */
  readonly count: number;
  readonly #units: Uint16Array;
  /** Where each piece begins in the units, behind its `##` if it has one. */
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #continues: Uint8Array;
  /** Open addressing: the number of a piece and one, 0 where free. */
  readonly #slots = new Uint16Array(SLOTS);
  readonly #unknown: number;
  #longest = 0;

  /** The word that is being read; what does not fit is only counted, for such a word is unknown anyway. */
  readonly #word = new Uint16Array(MAX_WORD_CHARACTERS);
  #word_units = 0;
  #word_characters = 0;

  /**
   * @param units of all pieces, one behind the other
   * @param offsets where each piece begins, and where the last one ends: rising, within the units, at most `MAX_PIECES` and one
   */
  constructor(units: Uint16Array, offsets: Uint32Array) {
    this.count = offsets.length - 1;
    this.#units = units;
    this.#starts = offsets.slice(0, this.count);
    this.#ends = offsets.slice(1);
    this.#continues = new Uint8Array(this.count);
    for (let piece = 0; piece < this.count; piece++) this.#enter(piece);
    const mark = Uint16Array.from("[UNK]", (character) => character.charCodeAt(0));
    this.#unknown = Math.max(0, this.#find(hashOf(mark, 0, mark.length, WORD_SEED), mark, 0, mark.length, 0));
  }

  /** Writes the numbers of the text's tokens, at most as many as `tokens` holds, and says how many they are. */
  tokenize(text: string, tokens: Uint16Array): number {
    const end = Math.min(text.length, MAX_TEXT_UNITS);
    let count = 0;
    for (let at = 0; at < end && count < tokens.length; at++) {
      const code_point = text.codePointAt(at)!;
      if (code_point > 0xffff) at++;
      const character = characterOf(code_point);
      if (character.is_space || character.is_word) count = this.#cut(tokens, count);
      this.#lengthen(character.units);
      if (character.is_word) count = this.#cut(tokens, count);
    }
    return this.#cut(tokens, count);
  }

  #lengthen(units: readonly number[]): void {
    if (units.length === 0) return;
    this.#word_characters += units.length;
    if (this.#word_characters > MAX_WORD_CHARACTERS) return;
    for (let at = 0; at < units.length; at++) this.#word[this.#word_units++] = units[at]!;
  }

  /** Writes the pieces of the word and forgets it. A word with a part that no piece fits is one unknown token. */
  #cut(tokens: Uint16Array, from: number): number {
    const units = this.#word_units;
    const is_known = this.#word_characters <= MAX_WORD_CHARACTERS;
    this.#word_units = 0;
    this.#word_characters = 0;
    if (units === 0 || from >= tokens.length) return from;
    let count = from;
    let at = 0;
    while (is_known && at < units) {
      const piece = this.#longestAt(at, units);
      if (piece < 0) break;
      if (count < tokens.length) tokens[count++] = piece;
      at += this.#ends[piece]! - this.#starts[piece]!;
    }
    if (at === units) return count;
    tokens[from] = this.#unknown;
    return from + 1;
  }

  /** The longest piece that the word has at a place, or -1. */
  #longestAt(at: number, units: number): number {
    const continues = at > 0 ? 1 : 0;
    const end = Math.min(units, at + this.#longest);
    let found = -1;
    let hash = continues ? CONTINUATION_SEED : WORD_SEED;
    for (let next = at; next < end; next++) {
      hash = Math.imul(hash ^ this.#word[next]!, HASH_FACTOR);
      const piece = this.#find(hash, this.#word, at, next + 1, continues);
      if (piece >= 0) found = piece;
    }
    return found;
  }

  #find(hash: number, units: Uint16Array, from: number, end: number, continues: number): number {
    for (let slot = slotOf(hash); ; slot = (slot + 1) & (SLOTS - 1)) {
      const piece = this.#slots[slot]! - 1;
      if (piece < 0) return -1;
      if (this.#continues[piece] === continues && this.#equals(piece, units, from, end)) return piece;
    }
  }

  #equals(piece: number, units: Uint16Array, from: number, end: number): boolean {
    const start = this.#starts[piece]!;
    const length = end - from;
    if (this.#ends[piece]! - start !== length) return false;
    for (let at = 0; at < length; at++) if (this.#units[start + at] !== units[from + at]) return false;
    return true;
  }

  #enter(piece: number): void {
    const start = this.#starts[piece]!;
    const end = this.#ends[piece]!;
    const continues =
      end - start > 2 && this.#units[start] === HASH_SIGN && this.#units[start + 1] === HASH_SIGN;
    const from = continues ? start + 2 : start;
    this.#starts[piece] = from;
    this.#continues[piece] = continues ? 1 : 0;
    if (end === from) return;
    this.#longest = Math.max(this.#longest, end - from);
    let slot = slotOf(hashOf(this.#units, from, end, continues ? CONTINUATION_SEED : WORD_SEED));
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = piece + 1;
  }
}

function hashOf(units: Uint16Array, from: number, end: number, seed: number): number {
  let hash = seed;
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ units[at]!, HASH_FACTOR);
  return hash;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
