// A partition in memory: a set that is scanned, and with many vectors a graph before it. What is new is always in the set; work
// in the background moves it to the graph. Everything here can be made anew from what is stored.

import { normalised } from "../embedders/embedder.ts";
import { ExactSet } from "./exact_set.ts";
import { Graph } from "./graph.ts";
import type { Hnswlib } from "./hnswlib.ts";
import type { Nearest } from "./nearest.ts";
import { unpackVector, type VectorMemory } from "./vector_memory.ts";

/** From what sizes on a partition is arranged in which way. */
export interface PartitionLimits {
  /** With more vectors a graph is made: to scan them all would take longer than a search in the graph. */
  readonly graph_from: number;
  /** With more vectors beside the graph they are moved into it. */
  readonly tail_max: number;
  /** Of more vectors that are not in a graph yet, the newest are scanned. */
  readonly scan_max: number;
}

/**
 * Where each way wins (bench/quality/vector_index.ts). A vector of 256 numbers takes about 0.3 KB in the set and 1.2 KB in a graph:
 * a million of them in one partition 1.3 GB, and 0.3 GB more while they are being moved.
 */
export const PARTITION_LIMITS: PartitionLimits = { graph_from: 20_000, tail_max: 4_000, scan_max: 100_000 };

/** A graph with this share of marks, and so many, is made anew. */
const MARKED_SHARE = 0.3;
const MARKED_MIN = 500;

/** The vectors of one partition. */
export class Partition {
  readonly number: number;
  readonly dims: number;
  readonly #memory: VectorMemory;
  readonly #addon: Hnswlib | null;
  readonly #limits: PartitionLimits;
  readonly #set: ExactSet;
  #graph: Graph | null = null;
  /** Numbers that the graph as it was read has, and the store has not been seen to have. */
  #unseen: Set<number> | null = null;
  /** How many vectors the graph on the disk lacks. */
  #unsaved = 0;
  /** Whether all that is stored is in it. */
  is_complete = false;

  constructor(number: number, memory: VectorMemory, addon: Hnswlib | null, limits: PartitionLimits) {
    this.number = number;
    this.dims = memory.dims;
    this.#memory = memory;
    this.#addon = addon;
    this.#limits = limits;
    this.#set = new ExactSet(memory);
  }

  /** Vectors in it. */
  get size(): number {
    const graph = this.#graph;
    return this.#set.size + (graph === null ? 0 : graph.size - graph.marked - (this.#unseen?.size ?? 0));
  }

  get has_graph(): boolean {
    return this.#graph !== null;
  }

  /** Whether vectors wait to be moved to the graph. */
  get is_untidy(): boolean {
    const limit = this.#graph === null ? this.#limits.graph_from : this.#limits.tail_max;
    return this.#addon !== null && this.is_complete && this.#set.size > limit;
  }

  /** Whether the graph is marked so much that it should be made anew. */
  get is_worn(): boolean {
    const { marked, size } = this.#graph ?? { marked: 0, size: 0 };
    return this.is_complete && marked > MARKED_MIN && marked > size * MARKED_SHARE;
  }

  /** Whether the graph on the disk lacks so much that it should be written again; `is_any`: anything at all. */
  isUnsaved(is_any: boolean): boolean {
    const size = this.#graph?.size ?? 0;
    return size > 0 && this.is_complete && this.#unsaved > (is_any ? 0 : size / 4);
  }

  /** Adds a vector under a number that was never there; false when there is no memory. */
  add(number: number, packed: Int8Array, expires_ms: number): boolean {
    return this.#set.add(number, packed, expires_ms);
  }

  /** Takes a vector that is stored, if it is not there yet. */
  load(number: number, packed: Int8Array, expires_ms: number): boolean {
    if (this.#unseen?.delete(number)) return true;
    return this.#set.has(number) || this.#set.add(number, packed, expires_ms);
  }

  remove(number: number): void {
    if (this.#set.remove(number)) return;
    this.#unseen?.delete(number);
    this.#graph?.remove(number);
  }

  /** Offers what is near the query and has not expired, as far as that is known here. */
  search(nearest: Nearest, query: Float32Array, limit: number, now_ms: number): void {
    if (!this.#memory.setQuery(query)) return;
    this.#graph?.search(nearest, Array.from(normalised(query) ?? []), limit);
    const scan_max = this.#addon === null ? Number.POSITIVE_INFINITY : this.#limits.scan_max;
    this.#set.search(nearest, now_ms, scan_max);
  }

  /** Takes a graph that was read from the disk, before all that is stored is loaded. */
  adopt(graph: Graph): void {
    this.#graph = graph;
    this.#unseen = new Set(graph.numbers());
    // What was loaded already will be again.
    for (const number of this.#unseen) this.#set.remove(number);
  }

  /** All that is stored was loaded: what the graph has besides is marked as removed. */
  complete(): void {
    this.#graph?.removeAll(this.#unseen ?? []);
    this.#unseen = null;
    this.is_complete = true;
  }

  /** Moves the oldest vector of the set to the graph; false when none can be. */
  moveOne(): boolean {
    const { value: number, done } = this.#set.numbers().next();
    if (this.#addon === null || !this.is_complete || done) return false;
    const packed = this.#set.vector(number);
    if (packed === null) return false;
    this.#graph ??= Graph.make(this.#addon, this.dims);
    this.#graph.add(number, unpackVector(packed));
    this.#set.remove(number);
    this.#unsaved += 1;
    return true;
  }

  /** Forgets the graph and everything else: all is to be loaded again. */
  clear(): void {
    this.#set.clear();
    // What the addon holds is more than the engine knows of, and would wait for its next collection.
    if (this.#graph !== null) setTimeout(() => Bun.gc(false), 0);
    this.#graph = null;
    this.#unseen = null;
    this.#unsaved = 0;
    this.is_complete = false;
  }

  /** Writes the graph by this function; nothing is moved meanwhile. */
  async save(write: (graph: Graph) => Promise<void>): Promise<void> {
    if (this.#graph === null) return;
    this.#unsaved = 0;
    await write(this.#graph);
  }
}
