// How many of the calls of the last half minute failed: eleven slots of three seconds, of which the newest is under way.
// A slot's word holds the lap of the ring that it was written in and a count, so that what an earlier lap left there counts as nothing.

const SLOT_MS = 3_000;
const SLOTS = 11;
/** Bits of a word that hold the count; above them stands the lap: it comes round after a day and a half. */
const COUNT_BITS = 20;
const COUNT_MAX = 2 ** COUNT_BITS - 1;
const LAP_MASK = 0xfff;

/** How long what is counted stays, in milliseconds. */
export const WINDOW_MS = SLOT_MS * (SLOTS - 1);
/** Words of a window: a ring of calls, then one of failures. */
export const WINDOW_WORDS = 2 * SLOTS;

/** What a window holds. */
export interface WindowCounts {
  readonly calls: number;
  readonly failures: number;
}

/** Counts a call that has ended. */
export function countIn(words: Int32Array, at: number, now_ms: number, has_failed: boolean): void {
  const slot = Math.floor(now_ms / SLOT_MS);
  countOne(words, at, slot);
  if (has_failed) countOne(words, at + SLOTS, slot);
}

/** What was counted in the window that ends now. */
export function countsOf(words: Int32Array, at: number, now_ms: number): WindowCounts {
  const newest = Math.floor(now_ms / SLOT_MS);
  let calls = 0;
  let failures = 0;
  for (let slot = newest - SLOTS + 1; slot <= newest; slot++) {
    calls += countAt(words, at, slot);
    failures += countAt(words, at + SLOTS, slot);
  }
  return { calls, failures };
}

/** Begins anew. What somebody counts at this very moment may stay. */
export function emptyWindow(words: Int32Array, at: number): void {
  for (let index = 0; index < WINDOW_WORDS; index++) Atomics.store(words, at + index, 0);
}

function countOne(words: Int32Array, at: number, slot: number): void {
  const place = at + (slot % SLOTS);
  const lap = lapOf(slot);
  for (;;) {
    const word = Atomics.load(words, place);
    const count = word >>> COUNT_BITS === lap ? word & COUNT_MAX : 0;
    if (count === COUNT_MAX) return;
    const next = (lap << COUNT_BITS) | (count + 1);
    if (Atomics.compareExchange(words, place, word, next) === word) return;
  }
}

function countAt(words: Int32Array, at: number, slot: number): number {
  const word = Atomics.load(words, at + (slot % SLOTS));
  return word >>> COUNT_BITS === lapOf(slot) ? word & COUNT_MAX : 0;
}

function lapOf(slot: number): number {
  return Math.floor(slot / SLOTS) & LAP_MASK;
}
