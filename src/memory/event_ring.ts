// A ring of events from a gateway process to the supervisor: one writes, one reads, neither waits for the other.
// An event is there when the tail has moved past it; a process killed before that has written nothing.

import { copyChecked } from "./checked_copy.ts";
import { AREA_HEAD_WORD, AREA_TAIL_WORD, RING_BYTES } from "./layout.ts";
import type { LineBuffer } from "./line_buffer.ts";
import type { Mapping } from "./mapping.ts";

/** Longest event, in bytes of UTF-8. */
export const EVENT_MAX_BYTES = 64 * 1024;

/** A record: its length, a check, its line, and what line ends bring it to a multiple of eight bytes. */
const RECORD_HEAD_BYTES = 8;
const RECORD_HEAD_WORDS = RECORD_HEAD_BYTES / 4;
/** In place of a length: the next record is at the ring's beginning. */
const GOES_ROUND = -1;
const OFFSET_MASK = RING_BYTES - 1;

/** Events that were read, and the room that they take. */
export interface EventBatch {
  /** A line each, with line ends behind it: at least one. */
  readonly lines: Uint8Array<ArrayBuffer>;
  /** Gives the room back; to be called when the events are durable elsewhere. Until then they are read again. */
  release(): void;
}

/** Positions are counted on and on, and wrap with their 32 bits; where they are in the ring is their lower bits. */
export class EventRing {
  readonly #words: Int32Array;
  /** The area's first words: where the two ends are. */
  readonly #ends: Int32Array;
  /** Where the consumer was when the producer last looked. */
  #head_seen: number;

  /**
   * @param ends the area's first words
   * @param ring the ring's memory
   */
  constructor(ends: Int32Array, { words }: Pick<Mapping, "words">) {
    this.#words = words;
    this.#ends = ends;
    this.#head_seen = Atomics.load(ends, AREA_HEAD_WORD);
  }

  /** The producer's: appends an event, a line that has ended; false when there is no room, or when it is too long to be one. */
  push({ words, length }: LineBuffer): boolean {
    if (length > EVENT_MAX_BYTES) return false;
    const size = sizeOf(length);
    let tail = aligned(Atomics.load(this.#ends, AREA_TAIL_WORD));
    const to_end = RING_BYTES - (tail & OFFSET_MASK);
    const skipped = to_end < size ? to_end : 0;
    if (!this.#hasRoom(tail, size + skipped)) return false;
    if (skipped > 0) {
      this.#words[wordAt(tail)] = GOES_ROUND;
      tail = (tail + skipped) | 0;
    }
    const word = wordAt(tail);
    const body = word + RECORD_HEAD_WORDS;
    this.#words[word] = length;
    this.#words[word + 1] = copyChecked(words, 0, this.#words, body, bodyWords(length), seedOf(tail, length));
    Atomics.store(this.#ends, AREA_TAIL_WORD, (tail + size) | 0);
    return true;
  }

  /** The consumer's: up to so many events, the oldest first, that have not been released. */
  read(max: number): EventBatch {
    const head = Atomics.load(this.#ends, AREA_HEAD_WORD);
    const tail = Atomics.load(this.#ends, AREA_TAIL_WORD);
    let room = 0;
    this.#walk(head, tail, max, (_, length) => {
      room += bodyWords(length);
    });
    const lines = new Int32Array(room);
    let filled = 0;
    let is_whole = true;
    let end = this.#walk(head, tail, max, (at, length) => {
      const words = bodyWords(length);
      const word = wordAt(at);
      const body = word + RECORD_HEAD_WORDS;
      const check = copyChecked(this.#words, body, lines, filled, words, seedOf(at, length));
      is_whole &&= check === this.#words[word + 1];
      if (is_whole) filled += words;
    });
    // After a power cut some pages of the ring may be older than its tail: what cannot be read is passed over.
    if (!is_whole) end = tail;
    // Nothing but what cannot be read: no reader will come to give its room back.
    if (filled === 0 && end !== head) Atomics.store(this.#ends, AREA_HEAD_WORD, end);
    return { lines: new Uint8Array(lines.buffer, 0, filled * 4), release: () => this.#release(end) };
  }

  /** Events that were not released. */
  get waiting(): number {
    let events = 0;
    const head = Atomics.load(this.#ends, AREA_HEAD_WORD);
    this.#walk(head, Atomics.load(this.#ends, AREA_TAIL_WORD), Number.POSITIVE_INFINITY, () => {
      events += 1;
    });
    return events;
  }

  /** Bytes that events take that were not released. */
  get waiting_bytes(): number {
    const bytes = (Atomics.load(this.#ends, AREA_TAIL_WORD) - Atomics.load(this.#ends, AREA_HEAD_WORD)) | 0;
    // After a power cut the two may have nothing to do with each other: whoever reads sets them right.
    return bytes < 0 ? RING_BYTES : bytes;
  }

  /** Goes over records, by their lengths, from a position to the tail; gives the position behind the last one. */
  #walk(from: number, tail: number, max: number, visit: (at: number, length: number) => void): number {
    let at = from === tail ? tail : aligned(from);
    for (let events = 0; at !== tail && events < max; events++) {
      if (this.#words[wordAt(at)] === GOES_ROUND) at = (at + RING_BYTES - (at & OFFSET_MASK)) | 0;
      const length = this.#words[wordAt(at)]!;
      if (!isRecord(at, length, tail)) return tail;
      visit(at, length);
      at = (at + sizeOf(length)) | 0;
    }
    return at;
  }

  #release(end: number): void {
    const head = Atomics.load(this.#ends, AREA_HEAD_WORD);
    // Batches may be released twice, or in another order than they were read.
    if (((end - head) | 0) > 0) Atomics.store(this.#ends, AREA_HEAD_WORD, end);
  }

  #hasRoom(tail: number, bytes: number): boolean {
    if (fits(tail, this.#head_seen, bytes)) return true;
    this.#head_seen = Atomics.load(this.#ends, AREA_HEAD_WORD);
    return fits(tail, this.#head_seen, bytes);
  }
}

/** Whether a record can be there, by its length. */
function isRecord(at: number, length: number, tail: number): boolean {
  const unread = (tail - at) | 0;
  if (length < 0 || length > EVENT_MAX_BYTES) return false;
  const size = sizeOf(length);
  return unread <= RING_BYTES && size <= unread && (at & OFFSET_MASK) + size <= RING_BYTES;
}

function wordAt(position: number): number {
  return (position & OFFSET_MASK) >> 2;
}

/** Words of a line with the line ends behind it. */
function bodyWords(length: number): number {
  return ((length + 8) & ~7) >> 2;
}

function sizeOf(length: number): number {
  return RECORD_HEAD_BYTES + bodyWords(length) * 4;
}

/** The position is part of the check, so that what an earlier round left in the same place is not taken for a record. */
function seedOf(position: number, length: number): number {
  return Math.imul(position, 31) ^ length;
}

/** Positions always are, unless a power cut has left something else. */
function aligned(position: number): number {
  return (position + 7) & ~7;
}

/** Whether so many bytes are free. A tail that is out of all relation to the head leaves no room, until the consumer has caught up. */
function fits(tail: number, head: number, bytes: number): boolean {
  const used = (tail - head) | 0;
  return used >= 0 && used + bytes <= RING_BYTES;
}
