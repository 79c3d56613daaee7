// A limit over any stretch of time of a given length: amounts are kept in 64 slots of the window and one that is under way.
// What is counted never leaves before its whole window has passed, so that no stretch holds more than the limit; it leaves at
// most one slot late, so that a full window admits at least 64 of 65 parts of it.
//
// A slot is one word: the lap of the ring in which it was written, and the amount. What an earlier lap left there counts as
// nothing and is wiped by whoever sees it, as that very word: no two processes can disagree on whether that was done.

/** Slots of a ring: those of a whole window, and the one under way. */
const SLOTS = 65;
const SLOTS_OF_WINDOW = 64;
/** Bits of a word that hold the amount; above them stands the lap. */
const AMOUNT_BITS = 28;
const AMOUNT_MAX = 2 ** AMOUNT_BITS - 1;
const LAPS = 16;
/** Slots are counted from 2025 on, so that their numbers stay small. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

/** After how many windows without use a counter must begin anew, because laps would be mistaken for each other. */
export const WINDOWS_REMEMBERED = 12;

/** The number of the slot that a moment falls into. */
export function slotAt(now_ms: number, window_ms: number): number {
  return Math.floor(((now_ms - EPOCH_MS) * SLOTS_OF_WINDOW) / window_ms);
}

/** When the amounts of a slot have left the window, in milliseconds since 1970. */
export function slotEndMs(slot: number, window_ms: number): number {
  return EPOCH_MS + ((slot + SLOTS) * window_ms) / SLOTS_OF_WINDOW;
}

function lapOf(slot: number): number {
  return Math.floor(slot / SLOTS) % LAPS;
}

function amountIn(word: number, lap: number): number {
  return word >>> AMOUNT_BITS === lap ? word & AMOUNT_MAX : 0;
}

/**
 * Adds to a slot; false if it can hold no more.
 * @param is_new begin the slot's lap if it has not begun; without it, nothing happens to a slot that another lap has taken
 */
function addTo(words: Int32Array, at: number, slot: number, amount: number, is_new: boolean): boolean {
  const place = at + (slot % SLOTS);
  const lap = lapOf(slot);
  for (;;) {
    const word = Atomics.load(words, place);
    if (!is_new && word >>> AMOUNT_BITS !== lap) return false;
    const sum = Math.max(0, amountIn(word, lap) + amount);
    if (sum > AMOUNT_MAX) return false;
    const next = (lap << AMOUNT_BITS) | sum;
    if (Atomics.compareExchange(words, place, word, next) === word) return true;
  }
}

/** What the window holds at a slot, that one included. */
export function usedIn(words: Int32Array, at: number, slot: number): number {
  const newest = slot % SLOTS;
  const lap = lapOf(slot);
  let used = 0;
  for (let place = 0; place < SLOTS; place++) {
    const word = Atomics.load(words, at + place);
    if (word === 0) continue;
    // The lap that lies in the window, or, from a process whose clock is a little ahead, the one after it.
    const lap_here = place <= newest ? lap : (lap + LAPS - 1) % LAPS;
    const laps_ahead = ((word >>> AMOUNT_BITS) + LAPS - lap_here) % LAPS;
    if (laps_ahead <= 1) used += word & AMOUNT_MAX;
    else Atomics.compareExchange(words, at + place, word, 0);
  }
  return used;
}

/**
 * Takes an amount if the window has room for it. It is counted first and looked at then, so that of two takers at one moment
 * never both are let in when there is room for one.
 */
export function takeIn(words: Int32Array, at: number, slot: number, amount: number, limit: number): boolean {
  // Most refusals need no more than a look.
  if (usedIn(words, at, slot) + amount > limit) return false;
  if (!addTo(words, at, slot, amount, true)) return false;
  if (usedIn(words, at, slot) <= limit) return true;
  addTo(words, at, slot, -amount, false);
  return false;
}

/** Changes what was taken in a slot, whatever the limit; nothing if the slot has left the window by `now_slot`. */
export function adjustIn(
  words: Int32Array,
  at: number,
  slot: number,
  now_slot: number,
  amount: number,
): void {
  if (now_slot - slot < SLOTS) addTo(words, at, slot, amount, false);
}

/** When the window has room for an amount, in milliseconds since 1970; Infinity if it never has. */
export function roomAtMs(
  words: Int32Array,
  at: number,
  slot: number,
  amount: number,
  limit: number,
  window_ms: number,
): number {
  let over = usedIn(words, at, slot) + amount - limit;
  if (over <= 0) return 0;
  for (let old = slot - SLOTS_OF_WINDOW; old <= slot; old++) {
    over -= amountIn(Atomics.load(words, at + (old % SLOTS)), lapOf(old));
    if (over <= 0) return slotEndMs(old, window_ms);
  }
  return Number.POSITIVE_INFINITY;
}

/** When the window is empty again, in milliseconds since 1970; 0 if it is. */
export function emptyAtMs(words: Int32Array, at: number, slot: number, window_ms: number): number {
  for (let old = slot; old >= slot - SLOTS_OF_WINDOW; old--) {
    if (amountIn(Atomics.load(words, at + (old % SLOTS)), lapOf(old)) > 0) return slotEndMs(old, window_ms);
  }
  return 0;
}

/**
 * When what the window holds leaves it: milliseconds from now and amounts, the earliest first, gathered into some parts. Each part
 * leaves when the last of it does.
 */
export function leavingOf(
  words: Int32Array,
  at: number,
  now_ms: number,
  window_ms: number,
  parts: number,
): readonly (readonly [in_ms: number, amount: number])[] {
  const newest = slotAt(now_ms, window_ms);
  const slots_of_part = Math.ceil(SLOTS / parts);
  const leaving: (readonly [number, number])[] = [];
  let amount = 0;
  // One that a process whose clock is a little ahead has begun is among them.
  for (let slot = newest - SLOTS_OF_WINDOW; slot <= newest + 1; slot++) {
    amount += amountIn(Atomics.load(words, at + (slot % SLOTS)), lapOf(slot));
    const is_last = slot === newest + 1 || (slot - newest + SLOTS) % slots_of_part === 0;
    if (!is_last || amount === 0) continue;
    leaving.push([Math.max(0, slotEndMs(slot, window_ms) - now_ms), amount]);
    amount = 0;
  }
  return leaving;
}
