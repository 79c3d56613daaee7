// The calls that a gateway process has in flight, as notes that outlive it: what a killed process was doing is read from here.
// One process writes; a note is there when its state word is, and not before. Looking over states is done with plain loads:
// an atomic one may be compiled to a write of what is there, and would fill the holes of the file.

import { copyChecked } from "./checked_copy.ts";
import { CALL_HEAD_BYTES, CALL_SLOT_BYTES } from "./layout.ts";
import type { LineBuffer } from "./line_buffer.ts";
import type { Mapping } from "./mapping.ts";

/** Longest text of a note, in bytes of UTF-8. */
export const CALL_TEXT_MAX_BYTES = CALL_SLOT_BYTES - CALL_HEAD_BYTES;

/** A state is 0 while the slot is free, else the text's length and one, and above it a check. */
const LENGTH_BITS = 10;
const LENGTH_MASK = (1 << LENGTH_BITS) - 1;
const CALL_HEAD_WORDS = CALL_HEAD_BYTES >> 2;

/** Slots that are mapped together, when the first of them is needed: 4 MiB. A power of two. */
const CHUNK_SHIFT = 12;
const CHUNK_SLOTS = 1 << CHUNK_SHIFT;

/** A call in flight. */
export interface CallNote {
  readonly slot: number;
  readonly text: string;
  readonly output_tokens: number;
}

/** The notes of one process. */
export class CallTable {
  /** The words that the states are among, and the first of them. */
  readonly #words: Int32Array;
  readonly #states: number;
  readonly #slots: number;
  readonly #map: (offset: number, length_bytes: number) => Mapping;
  readonly #chunks: (Mapping | undefined)[] = [];
  /** Slots that are free, the next one last; made from the states when this process first needs one. */
  #free: Int32Array | null = null;
  #free_count = 0;

  /**
   * @param words holds a state for each slot, from the word `states` on
   * @param map maps so many bytes of the slots from an offset on
   */
  constructor(
    words: Int32Array,
    states: number,
    slots: number,
    map: (offset: number, length_bytes: number) => Mapping,
  ) {
    this.#words = words;
    this.#states = states;
    this.#slots = slots;
    this.#map = map;
  }

  /** Notes a call; -1 if no slot is free, or if the line is longer than CALL_TEXT_MAX_BYTES. */
  begin(line: LineBuffer): number {
    const free = this.#free ?? this.#findFree();
    const { length } = line;
    if (this.#free_count === 0 || length > CALL_TEXT_MAX_BYTES) return -1;
    this.#free_count -= 1;
    const slot = free[this.#free_count]!;
    const { words } = this.#chunkOf(slot);
    const word = offsetOf(slot) >> 2;
    const check = copyChecked(line.words, 0, words, word + CALL_HEAD_WORDS, wordsOf(length), length);
    Atomics.store(words, word, 0);
    Atomics.store(this.#words, this.#states + slot, stateOf(check, length));
    return slot;
  }

  /** How many tokens of output have gone by so far. */
  progress(slot: number, output_tokens: number): void {
    if (slot >= 0) Atomics.store(this.#chunkOf(slot).words, offsetOf(slot) >> 2, output_tokens);
  }

  /** The call is over, and told of elsewhere; harmless for the slot -1. */
  end(slot: number): void {
    if (slot < 0 || Atomics.load(this.#words, this.#states + slot) === 0) return;
    Atomics.store(this.#words, this.#states + slot, 0);
    if (this.#free === null) return;
    this.#free[this.#free_count] = slot;
    this.#free_count += 1;
  }

  /** The calls in flight. Of a process that lives, those that neither came nor went meanwhile. */
  get live(): Iterable<CallNote> {
    return this.#notes();
  }

  /** Whether no slot is in use. */
  get is_empty(): boolean {
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#words[this.#states + slot] !== 0) return false;
    }
    return true;
  }

  /** Frees every slot; of a dead process only, and before its successor begins. */
  clear(): void {
    for (let slot = 0; slot < this.#slots; slot++) {
      const state = this.#states + slot;
      if (this.#words[state] !== 0) Atomics.store(this.#words, state, 0);
    }
    this.#free = null;
  }

  *#notes(): Iterable<CallNote> {
    const copy = new Int32Array(CALL_TEXT_MAX_BYTES >> 2);
    for (let slot = 0; slot < this.#slots; slot++) {
      const state = this.#words[this.#states + slot]!;
      const length = (state & LENGTH_MASK) - 1;
      if (length < 0 || length > CALL_TEXT_MAX_BYTES) continue;
      const { words } = this.#chunkOf(slot);
      const word = offsetOf(slot) >> 2;
      const check = copyChecked(words, word + CALL_HEAD_WORDS, copy, 0, wordsOf(length), length);
      if (stateOf(check, length) !== state) continue;
      const text = Buffer.from(copy.buffer, 0, length).toString("utf8");
      yield { slot, text, output_tokens: Atomics.load(words, word) };
    }
  }

  #chunkOf(slot: number): Mapping {
    const chunk = slot >> CHUNK_SHIFT;
    let mapping = this.#chunks[chunk];
    if (mapping === undefined) {
      const slots = Math.min(CHUNK_SLOTS, this.#slots - chunk * CHUNK_SLOTS);
      mapping = this.#map(chunk * CHUNK_SLOTS * CALL_SLOT_BYTES, slots * CALL_SLOT_BYTES);
      this.#chunks[chunk] = mapping;
    }
    return mapping;
  }

  #findFree(): Int32Array {
    const free = new Int32Array(this.#slots);
    this.#free_count = 0;
    for (let slot = this.#slots - 1; slot >= 0; slot--) {
      if (this.#words[this.#states + slot] !== 0) continue;
      free[this.#free_count] = slot;
      this.#free_count += 1;
    }
    this.#free = free;
    return free;
  }
}

/** Words that a text is in. What is behind it in the last of them is the same whenever it is written. */
function wordsOf(length: number): number {
  return (length + 3) >> 2;
}

/** The state of a slot with a text. */
function stateOf(check: number, length: number): number {
  return (check << LENGTH_BITS) | (length + 1);
}

/** Where a slot begins in its chunk, in bytes. */
function offsetOf(slot: number): number {
  return (slot & (CHUNK_SLOTS - 1)) * CALL_SLOT_BYTES;
}
