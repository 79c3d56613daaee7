// A ring of events from a gateway process to the supervisor: one writes, one reads, neither waits for the other.
// An event is there when the tail has moved past it; a process killed before that has written nothing.

import { AREA_HEAD_WORD, AREA_TAIL_WORD, RING_BYTES } from "./layout.ts";
import type { Mapping } from "./mapping.ts";

/** Longest event, in bytes of UTF-8. */
export const EVENT_MAX_BYTES = 64 * 1024;

/** A record: its length, a checksum, its text, and what brings it to a multiple of eight bytes. */
const RECORD_HEAD_BYTES = 8;
/** In place of a length: the next record is at the ring's beginning. */
const GOES_ROUND = -1;
const OFFSET_MASK = RING_BYTES - 1;

/** Events that were read, and the room that they take. */
export interface EventBatch {
  readonly texts: readonly string[];
  /** Gives the room back; to be called when the events are durable elsewhere. Until then they are read again. */
  release(): void;
}

/** Positions are counted on and on, and wrap with their 32 bits; where they are in the ring is their lower bits. */
export class EventRing {
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  /** The area's first words: where the two ends are. */
  readonly #ends: Int32Array;
  /** Where the consumer was when the producer last looked. */
  #head_seen: number;

  /**
   * @param ends the area's first words
   * @param ring the ring's bytes
   */
  constructor(ends: Int32Array, { bytes, words }: Mapping) {
    this.#bytes = bytes;
    this.#words = words;
    this.#ends = ends;
    this.#head_seen = Atomics.load(ends, AREA_HEAD_WORD);
  }

  /** The producer's: appends an event; false when there is no room, or when it is too long to be one. */
  push(text: string): boolean {
    const length = Buffer.byteLength(text);
    if (length > EVENT_MAX_BYTES) return false;
    const size = sizeOf(length);
    let tail = aligned(Atomics.load(this.#ends, AREA_TAIL_WORD));
    const to_end = RING_BYTES - (tail & OFFSET_MASK);
    const skipped = to_end < size ? to_end : 0;
    if (!this.#hasRoom(tail, size + skipped)) return false;
    if (skipped > 0) {
      this.#words[this.#wordAt(tail)] = GOES_ROUND;
      tail = (tail + skipped) | 0;
    }
    const word = this.#wordAt(tail);
    this.#bytes.write(text, (tail & OFFSET_MASK) + RECORD_HEAD_BYTES, length);
    this.#words[word] = length;
    this.#words[word + 1] = this.#checkAt(tail, length);
    Atomics.store(this.#ends, AREA_TAIL_WORD, (tail + size) | 0);
    return true;
  }

  /** The consumer's: up to so many events, the oldest first, that have not been released. */
  read(max: number): EventBatch {
    const texts: string[] = [];
    const head = Atomics.load(this.#ends, AREA_HEAD_WORD);
    const end = this.#walk(head, max, (start, length) => {
      texts.push(this.#bytes.toString("utf8", start, start + length));
    });
    // Nothing but what cannot be read: no reader will come to give its room back.
    if (texts.length === 0 && end !== head) Atomics.store(this.#ends, AREA_HEAD_WORD, end);
    return { texts, release: () => this.#release(end) };
  }

  /** Events that were not released. */
  get waiting(): number {
    let events = 0;
    this.#walk(Atomics.load(this.#ends, AREA_HEAD_WORD), Number.POSITIVE_INFINITY, () => {
      events += 1;
    });
    return events;
  }

  /** Goes over records from a position; gives the position behind the last one. */
  #walk(from: number, max: number, visit: (start: number, length: number) => void): number {
    const tail = Atomics.load(this.#ends, AREA_TAIL_WORD);
    let at = from === tail ? tail : aligned(from);
    for (let events = 0; at !== tail && events < max; events++) {
      if (this.#words[this.#wordAt(at)] === GOES_ROUND) at = (at + RING_BYTES - (at & OFFSET_MASK)) | 0;
      const length = this.#words[this.#wordAt(at)]!;
      // After a power cut some pages of the ring may be older than its tail: what cannot be read is passed over.
      if (!this.#isRecord(at, length, tail)) return tail;
      visit((at & OFFSET_MASK) + RECORD_HEAD_BYTES, length);
      at = (at + sizeOf(length)) | 0;
    }
    return at;
  }

  #isRecord(at: number, length: number, tail: number): boolean {
    const offset = at & OFFSET_MASK;
    const unread = (tail - at) | 0;
    if (length < 0 || length > EVENT_MAX_BYTES) return false;
    if (unread > RING_BYTES || sizeOf(length) > unread || offset + sizeOf(length) > RING_BYTES) return false;
    return this.#words[this.#wordAt(at) + 1] === this.#checkAt(at, length);
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

  #wordAt(position: number): number {
    return (position & OFFSET_MASK) >> 2;
  }

  /** The position is part of it, so that what an earlier round left in the same place is not taken for a record. */
  #checkAt(position: number, length: number): number {
    const start = (position & OFFSET_MASK) + RECORD_HEAD_BYTES;
    const text = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
    return Bun.hash.xxHash32(text, position >>> 0) | 0;
  }
}

function sizeOf(length: number): number {
  return (RECORD_HEAD_BYTES + length + 7) & ~7;
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
