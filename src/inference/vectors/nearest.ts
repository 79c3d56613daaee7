// The few best of many: a list that is kept in order while it is filled.

/** An entry that was found. */
export interface Found {
  /** The entry's number. */
  readonly number: number;
  /** The cosine of the two vectors. */
  readonly similarity: number;
}

/** The `limit` most similar that are offered, best first. */
export class Nearest {
  readonly #limit: number;
  readonly #found: Found[] = [];
  /** What an offer must be above to be taken. */
  floor: number;

  constructor(limit: number, min_similarity: number) {
    this.#limit = limit;
    this.floor = min_similarity - Number.EPSILON;
  }

  get found(): readonly Found[] {
    return this.#found;
  }

  /** Takes an entry if it is one of the best; of two alike the first stays ahead. */
  offer(number: number, similarity: number): void {
    if (!(similarity > this.floor)) return;
    const at = this.#found.findLastIndex((found) => found.similarity >= similarity) + 1;
    this.#found.splice(at, 0, { number, similarity });
    if (this.#found.length > this.#limit) this.#found.pop();
    if (this.#found.length === this.#limit) this.floor = Math.max(this.floor, this.#found.at(-1)!.similarity);
  }
}
