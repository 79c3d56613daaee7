// A copy of an answer, to be compared with another or kept when it is over; none of one that is too long.

/** Longer answers are not compared; bytes. */
export const COMPARED_MAX_BYTES = 128 * 1024;

/** The events of one stream. */
export class AnswerCopy {
  #chunks: Uint8Array[] = [];
  #size = 0;
  readonly #max_bytes: number;

  constructor(max_bytes: number) {
    this.#max_bytes = max_bytes;
  }

  take(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size <= this.#max_bytes) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** All of it; null where that is too much. */
  bytes(): Uint8Array | null {
    return this.#size > this.#max_bytes ? null : Buffer.concat(this.#chunks);
  }
}
