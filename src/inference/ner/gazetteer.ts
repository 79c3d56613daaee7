// Lists of names and places that the model knows, as a table of hashes: which lists a word or a few words in a row stand in.

/** First names of people. The lists are bits, for a word can stand in several. */
export const FIRST_NAME = 1;
/** Surnames. */
export const SURNAME = 2;
/** Cities. */
export const CITY = 4;
/** Countries and their regions. */
export const COUNTRY = 8;
/** Companies, and words that are part of the names of organizations. */
export const COMPANY_WORD = 16;
/** Nationalities and languages. */
export const NATIONALITY = 32;
/** Places with few people: their names are often words of other kinds. */
export const TOWN = 64;
/** Words that are written small most of the time. */
export const COMMON = 128;

/** Words in a row that are looked up together. */
export const PHRASE_MAX = 4;

/** A table by open addressing: hashes of words and phrases, 0 where free, and the lists that each stands in. */
export class Gazetteer {
  readonly #hashes: Int32Array;
  readonly #lists: Uint8Array;
  readonly #mask: number;

  /** @param hashes of a power of two, not all taken: a look-up ends at a free slot */
  constructor(hashes: Int32Array, lists: Uint8Array) {
    this.#hashes = hashes;
    this.#lists = lists;
    this.#mask = hashes.length - 1;
  }

  /** The lists that what has this hash stands in; 0 for none. */
  lists(hash: number): number {
    for (let slot = slotOf(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const taken = this.#hashes[slot]!;
      if (taken === hash) return this.#lists[slot]!;
      if (taken === 0) return 0;
    }
  }
}

/** Where the search for a hash begins, before it is cut to the size of the table. */
export function slotOf(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 8;
}

/** The hash of a phrase and one more word. */
export function hashOfPhrase(phrase: number, word: number): number {
  return Math.imul(Math.imul(phrase, 31) ^ word, 0x85ebca6b) ^ (word >>> 13);
}
