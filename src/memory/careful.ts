// Until when calls have to look before they choose a target: one word for all processes, so that calls look at nothing else while
// nothing is wrong. It is a time, so that nobody has to take it back.

import { CAREFUL_WORD } from "./layout.ts";

/** Whether calls have to look, by a clock that all processes share. */
export class CarefulMark {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at = CAREFUL_WORD) {
    this.#words = words;
    this.#at = at;
  }

  /** Whether it is up. */
  isUp(now_ms: number): boolean {
    const until_s = Atomics.load(this.#words, this.#at);
    return until_s !== 0 && ((until_s - now_ms / 1_000) | 0) > 0;
  }

  /** Keeps it up until a moment at least. */
  raise(until_ms: number): void {
    const until_s = Math.ceil(until_ms / 1_000) + 1;
    for (;;) {
      const before = Atomics.load(this.#words, this.#at);
      if (before !== 0 && ((until_s - before) | 0) <= 0) return;
      if (Atomics.compareExchange(this.#words, this.#at, before, until_s | 0) === before) return;
    }
  }
}
