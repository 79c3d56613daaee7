// What has to rest, and until when, for all processes: a name's hash has one of two places, and a rest that finds none free takes
// that of the one that ends sooner. So any number of names can rest, and what is forgotten too early is asked once too often.

import { CarefulMark } from "./careful.ts";
import { REST_PLACES, RESTING_WORD, RESTS_WORD } from "./layout.ts";
import type { Mapping } from "./mapping.ts";

/** Words of a place: the hash of the name (0: nobody's), and the millisecond in which the rest ends, modulo 2^32. */
const NAME = 0;
const END = 1;
const PLACE_WORDS = 2;
/** No rest is longer, in milliseconds: a time that is farther away is an old one that has come round. */
const REST_MAX_MS = 3_600_000;

/** The rests. */
export class RestTable {
  readonly #words: Int32Array;
  readonly #resting: CarefulMark;

  constructor({ words }: Mapping) {
    this.#words = words;
    this.#resting = new CarefulMark(words, RESTING_WORD);
  }

  /** Whether anything can be resting at all: one load. */
  isAnyResting(now_ms: number): boolean {
    return this.#resting.isUp(now_ms);
  }

  /** How long a name has to rest, in milliseconds; 0: not at all. */
  leftMs(name: string, now_ms: number): number {
    const [hash, one, other] = placesOf(name);
    const at = this.#holds(one, hash) ? one : this.#holds(other, hash) ? other : -1;
    return at < 0 ? 0 : this.#left(at, now_ms);
  }

  /** A name has to rest from now on. */
  rest(name: string, for_ms: number, now_ms: number): void {
    const words = this.#words;
    const [hash, one, other] = placesOf(name);
    const rest_ms = Math.min(for_ms, REST_MAX_MS);
    let at = this.#holds(other, hash) ? other : one;
    if (!this.#holds(at, hash) && this.#left(other, now_ms) < this.#left(one, now_ms)) at = other;
    this.#resting.raise(now_ms + rest_ms);
    // Nobody's while it is written.
    Atomics.store(words, at + NAME, 0);
    Atomics.store(words, at + END, (now_ms + rest_ms) | 0);
    Atomics.store(words, at + NAME, hash);
  }

  /** A name need not rest any more. */
  wake(name: string): void {
    const [hash, one, other] = placesOf(name);
    for (const at of [one, other]) Atomics.compareExchange(this.#words, at + NAME, hash, 0);
  }

  #holds(at: number, hash: number): boolean {
    return Atomics.load(this.#words, at + NAME) === hash;
  }

  #left(at: number, now_ms: number): number {
    if (Atomics.load(this.#words, at + NAME) === 0) return 0;
    const left_ms = (Atomics.load(this.#words, at + END) - (now_ms | 0)) | 0;
    return left_ms > 0 && left_ms <= REST_MAX_MS ? left_ms : 0;
  }
}

/** A name's hash, and where it may lie. */
function placesOf(name: string): readonly [hash: number, one: number, other: number] {
  const hash = Bun.hash.xxHash32(name) | 0 || 1;
  const place = (bits: number) => RESTS_WORD + (bits & (REST_PLACES - 1)) * PLACE_WORDS;
  return [hash, place(hash >>> 4), place(Math.imul(hash, 0x9e3779b1) >>> 12)];
}
