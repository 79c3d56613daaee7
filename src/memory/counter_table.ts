// The table of counters that all processes share: open addressing within a bounded neighbourhood, read without a lock.
// Who reads stamps the entry first and looks at its state then; who evicts changes the state first and looks at the stamp then:
// one of the two always sees the other. docs/memory.md goes through the races.

import type { CounterKey } from "./counter_key.ts";
import { AREAS_MAX, COUNTER_ENTRY_WORDS, COUNTER_HEAD_WORDS, COUNTERS, type TablePlaces } from "./layout.ts";
import { SpinLock } from "./lock.ts";
import type { Mapping } from "./mapping.ts";

/** How many entries are looked at for a key. */
const NEIGHBOURHOOD = 64;

/** Fields of an entry, in words. The state's are its phase and, above, how often the entry was written. */
const KEY = 1;
const USED_S = 5;
const IDLE_S = 6;
const IS_GAUGE = 7;

/** Never used: no key that is looked for lies behind it. No entry ever becomes so again. */
const EMPTY = 0;
const LIVE = 1;
/** Somebody with the lock looks whether it can be evicted; key and counts are as they were. */
const TESTED = 2;
/** Nobody's: somebody with the lock may be writing it. */
const FREE = 3;
const PHASE_MASK = 3;
const WRITTEN_ONCE = 4;

const MISSING = -1;
/** Found by nobody who reads without the lock: it may be there nevertheless. */
const UNSURE = -2;

/** What the table is doing, over all processes since the file was made. */
export interface CounterStats {
  readonly live: number;
  /** Entries whose counters meant nothing any more, and that were taken for others or begun anew. */
  readonly evicted: number;
  /** Lookups that got no entry. */
  readonly full: number;
}

/** The counters. One object per process. */
export class CounterTable {
  /** The whole file: entries are given as indexes into this. */
  readonly words: Int32Array;
  /** The same in long words: their index is half as large. */
  readonly longs: BigInt64Array;
  readonly #places: TablePlaces;
  readonly #first: number;
  readonly #mask: number;
  readonly #lock: SpinLock;

  constructor({ words, longs }: Mapping, places = COUNTERS) {
    this.words = words;
    this.longs = longs;
    this.#places = places;
    this.#first = places.first;
    this.#mask = places.entries - 1;
    this.#lock = new SpinLock(words, places.lock);
  }

  /**
   * Index into `words` of a counter's 80 words, aligned to a cache line, all zero when new or when it has been
   * idle for longer than its key says; -1 when there is no room. It is to be used at once, not to be kept.
   */
  at(key: CounterKey, now_ms: number): number {
    const now_s = (now_ms / 1000) | 0;
    if (key.seen_in === this && this.#touch(key.seen_at, key.seen_state, key.idle_s, now_s)) {
      return key.seen_at + COUNTER_HEAD_WORDS;
    }
    return this.#look(key, now_s, true);
  }

  /** The same without making it: -1 where there is none, or one that has been idle for too long. */
  find(key: CounterKey, now_ms: number): number {
    const now_s = (now_ms / 1000) | 0;
    if (key.seen_in === this && this.#touch(key.seen_at, key.seen_state, key.idle_s, now_s)) {
      return key.seen_at + COUNTER_HEAD_WORDS;
    }
    return this.#look(key, now_s, false);
  }

  /** Indexes into `words` of all that is counted, in no particular order. */
  *[Symbol.iterator](): Iterator<number> {
    const { used_bits } = this.#places;
    for (let index = 0; index < this.#bitmap_words; index++) {
      for (const entry of this.#marked(used_bits, index)) {
        if (phaseOf(Atomics.load(this.words, entry)) === LIVE) yield entry + COUNTER_HEAD_WORDS;
      }
    }
  }

  /**
   * What is counted, but for gauges, as it can be put into another table: each entry's place in this one and its words. Of what changes
   * meanwhile it is the words before or after.
   */
  *entries(): Iterable<{ readonly place: number; readonly words: Int32Array }> {
    for (const at of this) {
      const entry = at - COUNTER_HEAD_WORDS;
      const state = Atomics.load(this.words, entry);
      const words = this.words.slice(entry, entry + COUNTER_ENTRY_WORDS);
      const is_same = Atomics.load(this.words, entry) === state && phaseOf(state) === LIVE;
      if (is_same && words[IS_GAUGE] === 0)
        yield { place: (entry - this.#first) / COUNTER_ENTRY_WORDS, words };
    }
  }

  /** Puts an entry of another table into this one, which nobody uses yet. */
  place(place: number, words: Int32Array): void {
    const entry = this.#first + place * COUNTER_ENTRY_WORDS;
    this.words.set(words, entry);
    this.#mark(this.#places.used_bits, entry);
  }

  get stats(): CounterStats {
    let live = 0;
    for (const _ of this) live += 1;
    return {
      live,
      evicted: Atomics.load(this.words, this.#places.evicted),
      full: Atomics.load(this.words, this.#places.evicted + 1),
    };
  }

  /** Frees the lock when nobody lives who could hold it. */
  resetLock(): void {
    Atomics.store(this.words, this.#places.lock, 0);
  }

  get #bitmap_words(): number {
    return this.#places.entries / 32;
  }

  /**
   * Empties the column of a process that is dead in all gauges, before another one gets its index.
   * False if a stopped process stood in the way: to be tried again.
   */
  releaseColumn(process_index: number): boolean {
    if (!(process_index >= 0 && process_index < AREAS_MAX)) throw new RangeError("there is no such column");
    // Taken at least once, so that what the dead left of it is put in order; and never for long.
    const { gauge_bits } = this.#places;
    for (let index = 0; index < this.#bitmap_words; index++) {
      if (index > 0 && Atomics.load(this.words, gauge_bits + index) === 0) continue;
      if (!this.#lock.take()) return false;
      for (const entry of this.#marked(gauge_bits, index)) {
        if (phaseOf(Atomics.load(this.words, entry)) === EMPTY) continue;
        const column = entry + COUNTER_HEAD_WORDS + process_index;
        if (this.words[entry + IS_GAUGE] !== 0) Atomics.store(this.words, column, 0);
      }
      this.#lock.release();
    }
    return true;
  }

  /** Stamps an entry as used and tells whether it is still what it was seen as; not if it has been idle for too long. */
  #touch(entry: number, state: number, idle_s: number, now_s: number): boolean {
    // What has become another's is not stamped in its place.
    if (Atomics.load(this.words, entry) !== state) return false;
    const used_s = Atomics.load(this.words, entry + USED_S);
    if (used_s !== now_s) {
      if (((now_s - used_s) | 0) > idle_s) return false;
      Atomics.store(this.words, entry + USED_S, now_s);
    }
    return Atomics.load(this.words, entry) === state;
  }

  #look(key: CounterKey, now_s: number, is_made: boolean): number {
    let entry = this.#search(key, now_s);
    if (entry === UNSURE || (entry === MISSING && is_made)) {
      if (this.#lock.take()) {
        try {
          entry = this.#searchAlone(key, now_s, is_made);
        } finally {
          this.#lock.release();
        }
      } else {
        entry = MISSING;
      }
      if (is_made && entry === MISSING) Atomics.add(this.words, this.#places.evicted + 1, 1);
    }
    return entry < 0 ? -1 : entry + COUNTER_HEAD_WORDS;
  }

  /** Looks for a key without the lock. */
  #search(key: CounterKey, now_s: number): number {
    let otherwise = MISSING;
    for (let step = 0; step < NEIGHBOURHOOD; step++) {
      const entry = this.#entryNear(key, step);
      const state = Atomics.load(this.words, entry);
      if (state === EMPTY) break;
      if (phaseOf(state) !== LIVE) {
        otherwise = UNSURE;
      } else if (this.#hasKey(entry, key)) {
        return this.#touch(entry, state, key.idle_s, now_s) ? this.#remember(key, entry, state) : UNSURE;
      }
    }
    return otherwise;
  }

  /** The same with the lock: nobody else makes, evicts or moves entries meanwhile; others may use them. */
  #searchAlone(key: CounterKey, now_s: number, is_made: boolean): number {
    let place = MISSING;
    for (let step = 0; step < NEIGHBOURHOOD; step++) {
      const entry = this.#entryNear(key, step);
      const state = this.#repaired(entry);
      const phase = phaseOf(state);
      if (phase === LIVE && this.#hasKey(entry, key)) {
        if (this.#touch(entry, state, key.idle_s, now_s)) return this.#remember(key, entry, state);
        if (this.#evict(entry, state, now_s)) return is_made ? this.#write(key, entry, now_s) : MISSING;
        // A gauge that is held.
        Atomics.store(this.words, entry + USED_S, now_s);
        return this.#remember(key, entry, state);
      }
      if (is_made && place < 0 && (phase !== LIVE || this.#evict(entry, state, now_s))) place = entry;
      if (phase === EMPTY) break;
    }
    return place < 0 ? MISSING : this.#write(key, place, now_s);
  }

  /** The state of an entry, after whatever somebody who died with the lock left half done: it had changed nothing yet. */
  #repaired(entry: number): number {
    const state = Atomics.load(this.words, entry);
    if (phaseOf(state) !== TESTED) return state;
    const live = (state & ~PHASE_MASK) | LIVE;
    Atomics.store(this.words, entry, live);
    return live;
  }

  /** Frees a live entry if it has been idle for too long and nobody is about to use it. */
  #evict(entry: number, state: number, now_s: number): boolean {
    if (!this.#isIdle(entry, now_s)) return false;
    Atomics.store(this.words, entry, (state & ~PHASE_MASK) | TESTED);
    const is_over = this.#isIdle(entry, now_s) && !this.#isHeld(entry);
    Atomics.store(this.words, entry, is_over ? (state & ~PHASE_MASK) | FREE : state);
    if (is_over) Atomics.add(this.words, this.#places.evicted, 1);
    return is_over;
  }

  #isIdle(entry: number, now_s: number): boolean {
    const used_s = Atomics.load(this.words, entry + USED_S);
    const age_s = (now_s - used_s) | 0;
    // The clock was set back: the time begins to run from here.
    if (age_s < 0) Atomics.compareExchange(this.words, entry + USED_S, used_s, now_s);
    return age_s > this.words[entry + IDLE_S]!;
  }

  #isHeld(entry: number): boolean {
    if (this.words[entry + IS_GAUGE] === 0) return false;
    for (let column = 0; column < AREAS_MAX; column++) {
      if (Atomics.load(this.words, entry + COUNTER_HEAD_WORDS + column) !== 0) return true;
    }
    return false;
  }

  /** Makes an entry that is empty or free a key's. It is nobody's until all of it is there. */
  #write(key: CounterKey, entry: number, now_s: number): number {
    const { words } = this;
    const written = (Atomics.load(words, entry) & ~PHASE_MASK) + WRITTEN_ONCE;
    // Marked first: what is marked and was never written is passed over, what is written and unmarked would be missed.
    this.#mark(this.#places.used_bits, entry);
    if (key.is_gauge) this.#mark(this.#places.gauge_bits, entry);
    Atomics.store(words, entry, written | FREE);
    words.fill(0, entry + COUNTER_HEAD_WORDS, entry + COUNTER_ENTRY_WORDS);
    for (let index = 0; index < 4; index++) words[entry + KEY + index] = key.words[index]!;
    words[entry + USED_S] = now_s;
    words[entry + IDLE_S] = key.idle_s;
    words[entry + IS_GAUGE] = key.is_gauge ? 1 : 0;
    Atomics.store(words, entry, written | LIVE);
    return this.#remember(key, entry, written | LIVE);
  }

  #hasKey(entry: number, key: CounterKey): boolean {
    const { words } = this;
    return (
      Atomics.load(words, entry + KEY) === key.words[0] &&
      Atomics.load(words, entry + KEY + 1) === key.words[1] &&
      Atomics.load(words, entry + KEY + 2) === key.words[2] &&
      Atomics.load(words, entry + KEY + 3) === key.words[3]
    );
  }

  #remember(key: CounterKey, entry: number, state: number): number {
    key.seen_in = this;
    key.seen_at = entry;
    key.seen_state = state;
    return entry;
  }

  /** The entries that a word of a bitmap marks. */
  *#marked(bitmap: number, index: number): Iterable<number> {
    for (let bits = Atomics.load(this.words, bitmap + index); bits !== 0; bits &= bits - 1) {
      yield this.#first + (index * 32 + 31 - Math.clz32(bits & -bits)) * COUNTER_ENTRY_WORDS;
    }
  }

  #entryNear(key: CounterKey, step: number): number {
    return this.#first + ((key.words[0] + step) & this.#mask) * COUNTER_ENTRY_WORDS;
  }

  #mark(bitmap: number, entry: number): void {
    const index = (entry - this.#first) / COUNTER_ENTRY_WORDS;
    Atomics.or(this.words, bitmap + (index >> 5), 1 << (index & 31));
  }
}

function phaseOf(state: number): number {
  return state & PHASE_MASK;
}
