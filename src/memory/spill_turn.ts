// Which spill file a gateway process appends to, and whether it is doing so right now: one word that both sides change by
// compare-and-swap. A file whose number lies below is never appended to again.

/** The file's number, and in the lowest bit whether it is being appended to. */
const APPENDING = 1;
const NEXT_FILE = 2;

/** The word of one area. */
export class SpillTurn {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** The file that is, or will be, appended to. */
  get file(): number {
    return Atomics.load(this.#words, this.#at) >> 1;
  }

  /** The producer's: the number of the file to append to. The consumer leaves it alone until `end`. */
  begin(): number {
    return Atomics.or(this.#words, this.#at, APPENDING) >> 1;
  }

  /** The producer's: the append is over. */
  end(is_file_full: boolean): void {
    const word = Atomics.load(this.#words, this.#at) & ~APPENDING;
    Atomics.store(this.#words, this.#at, is_file_full ? word + NEXT_FILE : word);
  }

  /** The consumer's: lets the producer go on to the next file, unless it is just appending. */
  seal(): void {
    const word = Atomics.load(this.#words, this.#at);
    if ((word & APPENDING) === 0) Atomics.compareExchange(this.#words, this.#at, word, word + NEXT_FILE);
  }

  /** A new producer, or none: the last one is dead, and nothing will be appended to files up to this number. */
  startAfter(file: number): void {
    Atomics.store(this.#words, this.#at, (Math.max(file, this.file) + 1) << 1);
  }
}
