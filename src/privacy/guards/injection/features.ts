// What the injection score sees of a text: hashed words, pairs and triples of words, runs of three and five characters, and rules.
// A text is taken block by block, so that memory stays the same however long it is. Training uses this file too.

import { DIGIT, GAP, IDEOGRAPH, kindOf, LETTER, LINE, NOTHING } from "./characters.ts";
import { mixed, WORD_SEED, withCode } from "./hash.ts";
import { ROLE_BIT, RULE_COUNT, Rules } from "./rules.ts";

/** The binary logarithm of how many places features are hashed to. */
export const BUCKET_BITS = 18;
const SHIFT = 32 - BUCKET_BITS;
/** A rule takes a few places, so that it can count more than a word in weights of one byte. */
const RULE_PLACES = 4;
/** All places of a table of weights: those that are hashed to, and the rules'. */
export const PLACES = 2 ** BUCKET_BITS + RULE_COUNT * RULE_PLACES;

/** Codes that are normalised at once. */
const BLOCK_CODES = 2048;
/** A word that is longer is cut, so that what has no gaps has windows too. */
const WORD_CODES = 24;
/** Features of one code, at most, if many more than one are taken together: two runs, three for each of two words, and the rules. */
const FEATURES_OF_CODE = 24;
/** Rules that a single code makes fire. */
const FEATURES_SPARE = 2 * RULE_COUNT * RULE_PLACES;

/** Within so many words a feature counts once: a table that says the same in each row says it once. */
const ONCE_WORDS = 40;
/** Word numbers begin anew before they are larger than a number of 32 bits. */
const WORDS_MOST = 2 ** 30;

const SPACE = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;

/** Turns a text into features, a block at a time. */
export class Features {
  /** The places of the block's features; as many as `count` are meant. */
  places: Int32Array = new Int32Array(BLOCK_CODES * FEATURES_OF_CODE + FEATURES_SPARE);
  count = 0;
  /** For each word that ends in the block, how many of the block's features come no later. */
  ends: Int32Array = new Int32Array(BLOCK_CODES * 2);
  words = 0;
  /** Codes that were looked at since `clear`. */
  looked = 0;
  readonly #rules = new Rules();
  /** Until which word each feature does not count again. */
  readonly #until = new Int32Array(PLACES);
  #word = WORD_SEED;
  #length = 0;
  #before = 0;
  #before_that = 0;
  #word_number = 1;
  #is_first_in_line = true;
  /** A role's name stands at the beginning of the line, and nothing after it yet. */
  #may_be_role = false;
  /** The last four codes of the stream. */
  #a = SPACE;
  #b = SPACE;
  #c = SPACE;
  #d = SPACE;

  constructor() {
    this.clear();
  }

  /** Forgets the text. */
  clear(): void {
    this.#rules.clear();
    this.#word = WORD_SEED;
    this.#length = 0;
    this.#before = 0;
    this.#before_that = 0;
    // Numbers go on from text to text, so that nothing has to be cleared.
    this.#word_number += ONCE_WORDS + 1;
    if (this.#word_number > WORDS_MOST) {
      this.#word_number = 1;
      this.#until.fill(0);
    }
    this.#is_first_in_line = true;
    this.#may_be_role = false;
    this.#a = SPACE;
    this.#b = SPACE;
    this.#c = SPACE;
    this.#d = SPACE;
    this.count = 0;
    this.words = 0;
    this.looked = 0;
  }

  /** Takes the block of the text that begins at a place; gives the place after it. */
  fill(text: string, from: number): number {
    this.count = 0;
    this.words = 0;
    const to = Math.min(text.length, from + BLOCK_CODES);
    const block = normalised(text, from, to);
    this.#makeRoom(block.length);
    this.looked += block.length;
    this.#scan(block);
    if (to === text.length) this.#endWord();
    return to;
  }

  #makeRoom(codes: number): void {
    const most = codes * FEATURES_OF_CODE + FEATURES_SPARE;
    if (this.places.length < most) this.places = new Int32Array(most);
    if (this.ends.length < 2 * codes + 4) this.ends = new Int32Array(2 * codes + 4);
  }

  #scan(block: string): void {
    for (let at = 0; at < block.length; at++) {
      let code = block.charCodeAt(at);
      if (code === 0xdb40) {
        // Tags stand for ASCII characters and are seen by models, though not by people.
        const low = at + 1 < block.length ? block.charCodeAt(at + 1) : 0;
        if (low < 0xdc20 || low > 0xdc7e) continue;
        code = low - 0xdc00;
        at++;
      }
      if (code >= 0x41 && code <= 0x5a) code += 0x20;
      const kind = kindOf(code);
      if (kind === LETTER) {
        this.#letter(code);
      } else if (kind === GAP || kind === LINE) {
        if (this.#length > 0) this.#endWord();
        if (kind === LINE) this.#is_first_in_line = true;
        if (this.#d === SPACE) continue;
        code = SPACE;
      } else if (kind === DIGIT) {
        code = ZERO;
        this.#letter(code);
        if (this.#d === ZERO) continue;
      } else if (kind === NOTHING) {
        continue;
      } else if (kind === IDEOGRAPH) {
        if (this.#length > 0) this.#endWord();
        this.#letter(code);
        this.#endWord();
      } else {
        if (this.#length > 0) this.#endWord();
        if (code === COLON && this.#may_be_role) this.#putRules(ROLE_BIT);
        this.#may_be_role = false;
        if (this.#d === code) continue;
      }
      this.#putRuns(code);
    }
  }

  #put(place: number): void {
    if (this.#until[place]! > this.#word_number) return;
    this.#until[place] = this.#word_number + ONCE_WORDS;
    this.places[this.count++] = place;
  }

  #letter(code: number): void {
    if (this.#length === WORD_CODES) this.#endWord();
    this.#word = withCode(this.#word, code);
    this.#length++;
  }

  /** Runs of three and five characters that end at a code. */
  #putRuns(code: number): void {
    const three = Math.imul(
      Math.imul(Math.imul(this.#c, 0x9e3779b1) + this.#d, 0x85ebca6b) + code,
      0xc2b2ae35,
    );
    const five = Math.imul(
      Math.imul(Math.imul(this.#a, 0x27d4eb2f) + this.#b, 0x165667b1) ^ three,
      0x2545f491,
    );
    this.#put(mixed(three) >>> SHIFT);
    this.#put(mixed(five + 5) >>> SHIFT);
    this.#a = this.#b;
    this.#b = this.#c;
    this.#c = this.#d;
    this.#d = code;
  }

  #endWord(): void {
    if (this.#length === 0) return;
    const word = this.#word;
    const pair = Math.imul(this.#before, 0x5bd1e995) ^ word;
    const triple = Math.imul(Math.imul(this.#before_that, 0x1b873593) ^ this.#before, 0x5bd1e995) ^ word;
    this.#put(mixed(word + 1) >>> SHIFT);
    this.#put(mixed(pair + 2) >>> SHIFT);
    this.#put(mixed(triple + 3) >>> SHIFT);
    this.#before_that = this.#before;
    this.#before = word;
    const fired = this.#rules.take(word, this.#word_number);
    if (fired !== 0) this.#putRules(fired);
    this.#may_be_role = this.#is_first_in_line && this.#rules.isRole(word);
    this.#is_first_in_line = false;
    this.#word = WORD_SEED;
    this.#length = 0;
    this.#word_number++;
    this.ends[this.words++] = this.count;
  }

  #putRules(fired: number): void {
    for (let rule = 0; rule < RULE_COUNT; rule++) {
      if ((fired & (1 << rule)) === 0) continue;
      for (let place = 0; place < RULE_PLACES; place++) {
        this.#put(2 ** BUCKET_BITS + rule * RULE_PLACES + place);
      }
    }
  }
}

/** A block in one form: compatible characters made alike and small, where it is not plain ASCII. */
function normalised(text: string, from: number, to: number): string {
  const block = text.slice(from, to);
  for (let at = 0; at < block.length; at++) {
    if (block.charCodeAt(at) > 0x7f) return block.normalize("NFKC").toLowerCase();
  }
  return block;
}
