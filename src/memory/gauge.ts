// How many there are at once, over all processes: a column for each process, so that what a dead one held can be taken away.

/** Processes that may hold something at once. */
export const COLUMNS = 64;

/** What all processes hold together. */
export function heldIn(words: Int32Array, at: number): number {
  let held = 0;
  for (let column = 0; column < COLUMNS; column++) held += Atomics.load(words, at + column);
  return held;
}

/** Takes one if there is room, counted first and looked at then: of two takers of the last place never both are let in. */
export function takeOne(words: Int32Array, at: number, column: number, limit: number): boolean {
  Atomics.add(words, at + column, 1);
  if (heldIn(words, at) <= limit) return true;
  Atomics.sub(words, at + column, 1);
  return false;
}

/** Gives one back. */
export function giveOne(words: Int32Array, at: number, column: number): void {
  Atomics.sub(words, at + column, 1);
}
