// A copy of an answer that is to be compared with another when it is over; none of one that is too long.

/** Longer answers are not compared; bytes. */
export const COPY_MAX_BYTES = 128 * 1024;

/** The events of one stream. */
export class AnswerCopy {
  #chunks: Uint8Array[] = [];
  #size = 0;

  take(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size <= COPY_MAX_BYTES) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** All of it; null where that is too much. */
  bytes(): Uint8Array | null {
    return this.#size > COPY_MAX_BYTES ? null : Buffer.concat(this.#chunks);
  }
}
