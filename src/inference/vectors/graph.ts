// A graph of near neighbours (HNSW) over many vectors, known by their entries' numbers. What is removed is only marked, so that
// a graph with many marks is made anew from what is stored.

import type { Hnswlib } from "./hnswlib.ts";
import type { Nearest } from "./nearest.ts";

const SPACE = "ip";
const LINKS = 16;
/** How many neighbours are looked at when a vector is put in, and when one is searched for. */
const WIDTH_ADD = 100;
const WIDTH_SEARCH = 64;
const SEED = 7;
const FIRST_CAPACITY = 16_384;

type Native = InstanceType<Hnswlib["HierarchicalNSW"]>;

/** A graph of vectors of length 1. */
export class Graph {
  readonly #native: Native;
  #size: number;
  #marked = 0;

  private constructor(native: Native, size: number) {
    this.#native = native;
    this.#size = size;
    native.setEf(WIDTH_SEARCH);
  }

  static make(addon: Hnswlib, dims: number): Graph {
    const native = new addon.HierarchicalNSW(SPACE, dims);
    native.initIndex({ maxElements: FIRST_CAPACITY, m: LINKS, efConstruction: WIDTH_ADD, randomSeed: SEED });
    return new Graph(native, 0);
  }

  /** Reads a graph that was written; only from a file that is known to be whole. */
  static async read(addon: Hnswlib, dims: number, path: string): Promise<Graph | null> {
    try {
      const native = new addon.HierarchicalNSW(SPACE, dims);
      await native.readIndex(path);
      return native.getNumDimensions() === dims ? new Graph(native, native.getCurrentCount()) : null;
    } catch {
      return null;
    }
  }

  /** Vectors in it, those that are marked as removed too. */
  get size(): number {
    return this.#size;
  }

  /** How many of them are marked as removed. */
  get marked(): number {
    return this.#marked;
  }

  /** The numbers of all vectors in it, marked or not. */
  numbers(): Uint32Array {
    return Uint32Array.from(this.#native.getIdsList());
  }

  /** Puts a vector in under a number that was never in it. */
  add(number: number, vector: number[]): void {
    const capacity = this.#native.getMaxElements();
    if (this.#size === capacity) this.#native.resizeIndex(capacity * 2);
    this.#native.addPoint(vector, number);
    this.#size += 1;
  }

  /** Marks a number as removed; false if it is not in the graph, or marked already. */
  remove(number: number): boolean {
    try {
      this.#native.markDelete(number);
    } catch {
      return false;
    }
    this.#marked += 1;
    return true;
  }

  /** Marks what a graph that was read should not have, whether it was marked before it was written or not. */
  removeAll(numbers: Iterable<number>): void {
    for (const number of numbers) if (!this.remove(number)) this.#marked += 1;
  }

  /** Offers what is found near a query of length 1; `limit` at most. */
  search(nearest: Nearest, query: number[], limit: number): void {
    if (this.#size === this.#marked) return;
    const { neighbors, distances } = this.#native.searchKnn(query, Math.min(limit, this.#size));
    for (const [at, number] of neighbors.entries()) nearest.offer(number, 1 - distances[at]!);
  }

  /** Writes it to a file in another thread; meanwhile nothing may be added. */
  async write(path: string): Promise<void> {
    await this.#native.writeIndex(path);
  }
}
