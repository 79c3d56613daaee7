// Whom to evict: a sample of all answers says how long ago one must have been used last to be among the part that has to go.

/** Answers that are remembered of however many. */
const MOST_ANSWERS = 4096;

interface Seen {
  readonly used_s: number;
  readonly bytes: number;
}

/** A fair sample of answers (each that was shown is as likely in it as any other), and how much all of them are. */
export class Sample {
  /** Bytes of all that were shown. */
  bytes = 0;
  #shown = 0;
  readonly #seen: Seen[] = [];

  /** Shows an answer: when it was last used, in seconds since 1970, and its size. */
  show(used_s: number, bytes: number): void {
    this.bytes += bytes;
    this.#shown++;
    if (this.#seen.length < MOST_ANSWERS) {
      this.#seen.push({ used_s, bytes });
      return;
    }
    const place = Math.floor(Math.random() * this.#shown);
    if (place < MOST_ANSWERS) this.#seen[place] = { used_s, bytes };
  }

  /** The moment since which the longest unused answers, as many as make up this part of all bytes, were not used. */
  unusedSince(part: number): number {
    const by_use = this.#seen.toSorted((one, other) => one.used_s - other.used_s);
    let left = part * by_use.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { used_s, bytes } of by_use) {
      left -= bytes;
      if (left <= 0) return used_s;
    }
    return Number.POSITIVE_INFINITY;
  }
}
