// All that one gateway process has counted: its series, and how many calls and sockets it has at the moment.
// Series are only ever added while somebody counts; a reader sees those whose names are there.

import { SERIES_BLOCK_BYTES, SERIES_BYTES, SERIES_HEADER_BYTES, SERIES_MAX } from "./layout.ts";
import { type Mapping, ownMemory } from "./mapping.ts";
import { SeriesRecord } from "./series.ts";

/** Words at the block's beginning: how many series there are, calls in flight, whether the process answers calls, open sockets. */
const COUNT = 0;
const IN_FLIGHT = 1;
const IN_SERVICE = 2;
const SOCKETS = 3;
/** More series than this are begun anew when nobody counts: names that clients made up must not fill the block for ever. */
const KEPT_MAX = SERIES_MAX / 2;

/** The series of one process. */
export class SeriesBlock {
  readonly #mapping: Mapping;
  readonly #offset: number;

  constructor(mapping: Mapping, offset: number) {
    this.#mapping = mapping;
    this.#offset = offset;
  }

  /** A block that only this process has. */
  static own(): SeriesBlock {
    return new SeriesBlock(ownMemory(SERIES_BLOCK_BYTES), 0);
  }

  /** Calls in flight; of a dead process, those that it had. */
  get in_flight(): number {
    return this.#mapping.words[(this.#offset >> 2) + IN_FLIGHT]!;
  }

  set in_flight(calls: number) {
    Atomics.store(this.#mapping.words, (this.#offset >> 2) + IN_FLIGHT, calls);
  }

  /** Clients' open WebSockets; of a dead process, those that it had. */
  get sockets(): number {
    return this.#mapping.words[(this.#offset >> 2) + SOCKETS]!;
  }

  set sockets(open: number) {
    Atomics.store(this.#mapping.words, (this.#offset >> 2) + SOCKETS, open);
  }

  /** Whether the process answers calls, or did when it died. */
  get is_in_service(): boolean {
    return this.#mapping.words[(this.#offset >> 2) + IN_SERVICE] !== 0;
  }

  set is_in_service(is_it: boolean) {
    Atomics.store(this.#mapping.words, (this.#offset >> 2) + IN_SERVICE, is_it ? 1 : 0);
  }

  /** The series that there are. */
  get records(): readonly SeriesRecord[] {
    return Array.from(
      { length: this.count },
      (_, index) => new SeriesRecord(this.#mapping, this.#recordAt(index)),
    );
  }

  /** The writer's: a new series; null if there are too many, or if the name is too long. */
  append(name: string): SeriesRecord | null {
    const count = this.count;
    if (count >= SERIES_MAX) return null;
    const offset = this.#recordAt(count);
    // Somebody may have died in the middle of it.
    this.#mapping.words.fill(0, offset >> 2, (offset + SERIES_BYTES) >> 2);
    if (!SeriesRecord.write(this.#mapping, offset, name)) return null;
    Atomics.store(this.#mapping.words, (this.#offset >> 2) + COUNT, count + 1);
    return new SeriesRecord(this.#mapping, offset);
  }

  /** Of a dead process, before its successor: what it had in flight is over; counts are kept if they leave room for others. */
  reset(): void {
    if (this.in_flight !== 0) this.in_flight = 0;
    if (this.sockets !== 0) this.sockets = 0;
    if (this.is_in_service) this.is_in_service = false;
    if (this.count > KEPT_MAX) Atomics.store(this.#mapping.words, (this.#offset >> 2) + COUNT, 0);
  }

  /** How many series there are. */
  get count(): number {
    // A plain load: an atomic one may be compiled to a write, and would fill the file's holes with blocks that nobody uses.
    const count = this.#mapping.words[(this.#offset >> 2) + COUNT]!;
    return Math.max(0, Math.min(count, SERIES_MAX));
  }

  #recordAt(index: number): number {
    return this.#offset + SERIES_HEADER_BYTES + index * SERIES_BYTES;
  }
}
