// Start-time fair queueing (Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996): every flow that waits has a start tag,
// the smallest is served, and a flow that is served moves on by what the service costs it, the less the heavier it is. A flow that
// comes back from nothing starts at the present virtual time: nobody saves up turns, and nobody is punished for what he had while
// nobody else wanted it. Tags are words in shared memory that come round, so all processes serve by the same ones.

/** How far a flow of weight 1 moves on. */
const STEP = 2 ** 20;
const STEP_MAX = 2 ** 28;

/** What serving one call costs a flow of this weight; the tags of two flows differ by no more than the larger of theirs. */
export function stepOf(weight: number): number {
  return Math.max(1, Math.min(STEP_MAX, Math.round(STEP / weight)));
}

/** How far a tag is before another; negative: behind it. */
export function ahead(tag: number, other: number): number {
  return (tag - other) | 0;
}

/**
 * Where a flow starts: behind what it was served last, and not in the past.
 * @param finish where its last service ended
 * @param now the virtual time: the start of what was served last, of all flows
 */
export function startTag(finish: number, now: number, step: number): number {
  const lead = ahead(finish, now);
  // More than a step ahead it cannot be: that is a word which has come round since.
  return lead > 0 && lead <= step ? finish : now;
}

/** Serves a flow: moves its finish on, and the time to its start. Both are places in `words`. */
export function serve(words: Int32Array, finish_at: number, now_at: number, step: number): void {
  for (;;) {
    const finish = Atomics.load(words, finish_at);
    const start = startTag(finish, Atomics.load(words, now_at), step);
    if (Atomics.compareExchange(words, finish_at, finish, (start + step) | 0) !== finish) continue;
    advance(words, now_at, start);
    return;
  }
}

/** Moves the time on to a moment, unless it is there already. */
function advance(words: Int32Array, now_at: number, start: number): void {
  for (;;) {
    const now = Atomics.load(words, now_at);
    if (ahead(start, now) <= 0 || Atomics.compareExchange(words, now_at, now, start) === now) return;
  }
}
