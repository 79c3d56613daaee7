// A set of vectors that is searched by looking at each of them: nothing to build, nothing missed, and for some ten thousand
// vectors faster than a graph.

import type { Nearest } from "./nearest.ts";
import { SCAN_BATCH, type VectorMemory } from "./vector_memory.ts";

const FIRST_CAPACITY = 4;

/** Vectors by their entries' numbers. */
export class ExactSet {
  readonly #memory: VectorMemory;
  /** Of every vector, side by side: the entry's number, the vector's address, its length, when it expires. */
  #numbers = new Uint32Array(FIRST_CAPACITY);
  #addresses = new Uint32Array(FIRST_CAPACITY);
  #lengths = new Float32Array(FIRST_CAPACITY);
  #expiries_ms = new Float64Array(FIRST_CAPACITY);
  readonly #places = new Map<number, number>();

  constructor(memory: VectorMemory) {
    this.#memory = memory;
  }

  get size(): number {
    return this.#places.size;
  }

  has(number: number): boolean {
    return this.#places.has(number);
  }

  /** Numbers in the order in which they were added, as far as nothing was removed. */
  numbers(): IterableIterator<number> {
    return this.#places.keys();
  }

  /** Adds a packed vector under a number that is not there yet; false when there is no memory. */
  add(number: number, packed: Int8Array, expires_ms: number): boolean {
    const address = this.#memory.add(packed);
    if (address === null) return false;
    const at = this.size;
    if (at === this.#numbers.length) this.#grow();
    this.#numbers[at] = number;
    this.#addresses[at] = address;
    this.#lengths[at] = this.#memory.lengthAt(address);
    this.#expiries_ms[at] = expires_ms;
    this.#places.set(number, at);
    return true;
  }

  /** The packed vector of a number, copied. */
  vector(number: number): Int8Array | null {
    const at = this.#places.get(number);
    return at === undefined ? null : this.#memory.at(this.#addresses[at]!);
  }

  /** Whether it was there. */
  remove(number: number): boolean {
    const at = this.#places.get(number);
    if (at === undefined) return false;
    this.#memory.remove(this.#addresses[at]!);
    this.#places.delete(number);
    // The last one takes its place.
    const last = this.size;
    if (at !== last) {
      this.#numbers[at] = this.#numbers[last]!;
      this.#addresses[at] = this.#addresses[last]!;
      this.#lengths[at] = this.#lengths[last]!;
      this.#expiries_ms[at] = this.#expiries_ms[last]!;
      this.#places.set(this.#numbers[at]!, at);
    }
    return true;
  }

  /**
   * Offers the vectors that have not expired, the query being set in the memory.
   * @param scan_max so many at most are looked at, the newest
   */
  search(nearest: Nearest, now_ms: number, scan_max: number): void {
    const { size } = this;
    const factor = 1 / this.#memory.query_length;
    const lengths = this.#lengths;
    for (let from = Math.max(0, size - scan_max); from < size; from += SCAN_BATCH) {
      const scores = this.#memory.scan(this.#addresses.subarray(from, Math.min(from + SCAN_BATCH, size)));
      for (let index = 0; index < scores.length; index++) {
        const similarity = (scores[index]! * factor) / lengths[from + index]!;
        if (similarity <= nearest.floor || this.#expiries_ms[from + index]! <= now_ms) continue;
        nearest.offer(this.#numbers[from + index]!, similarity);
      }
    }
  }

  /** Forgets all vectors. */
  clear(): void {
    for (const at of this.#places.values()) this.#memory.remove(this.#addresses[at]!);
    this.#places.clear();
  }

  #grow(): void {
    const capacity = this.#numbers.length * 2;
    const [numbers, addresses] = [new Uint32Array(capacity), new Uint32Array(capacity)];
    const [lengths, expiries_ms] = [new Float32Array(capacity), new Float64Array(capacity)];
    numbers.set(this.#numbers);
    addresses.set(this.#addresses);
    lengths.set(this.#lengths);
    expiries_ms.set(this.#expiries_ms);
    this.#numbers = numbers;
    this.#addresses = addresses;
    this.#lengths = lengths;
    this.#expiries_ms = expiries_ms;
  }
}
