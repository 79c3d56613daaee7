// The name of a counter: 128 bits, and where it was last seen, so that whoever keeps the key finds the counter with two loads.

/** Longest time without use that an entry can be kept for, in seconds. */
const IDLE_MAX_S = 2 ** 30;

/** Kept by whoever counts, as long as it counts. */
export class CounterKey {
  readonly words: readonly [number, number, number, number];
  /** After so many seconds without use the counter means nothing any more. */
  readonly idle_s: number;
  readonly is_gauge: boolean;
  /** Of the table alone: in which one the entry was seen, where, and in which state. */
  seen_in: object | null = null;
  seen_at = 0;
  seen_state = 0;

  /**
   * @param words 128 bits that no other counter has, evenly spread
   * @param idle_ms after how long without use the counter begins anew and its place may go to another
   * @param is_gauge whether it has a column for each process, which is emptied when that process dies
   */
  constructor(words: readonly [number, number, number, number], idle_ms: number, is_gauge = false) {
    this.words = [words[0] | 0, words[1] | 0, words[2] | 0, words[3] | 0];
    this.idle_s = Math.min(Math.ceil(idle_ms / 1000), IDLE_MAX_S);
    this.is_gauge = is_gauge;
  }
}
