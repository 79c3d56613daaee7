// The partitions in memory: loaded when they are used, dropped when they are not, those that are large with a graph, which is built
// and written in the background.

import type { PartitionRecord, Place } from "./entry.ts";
import { readGraph, removeGraph, writeGraph } from "./graph_file.ts";
import type { Hnswlib } from "./hnswlib.ts";
import { Pace } from "./pace.ts";
import { Partition, type PartitionLimits } from "./partition.ts";
import { VectorMemory } from "./vector_memory.ts";
import type { VectorStore } from "./vector_store.ts";

/** Partitions in memory; of more, those that were not used for longest are dropped, but for those with a graph. */
const LOADED_MAX = 20_000;
/** So many vectors are loaded before the first search is answered: about a millisecond. */
const FIRST_LOAD = 512;
const LOAD_PAGE = 256;
/** Vectors that are moved to a graph before another graph has its turn. */
const TIDY_PORTION = 4_096;

/** What partitions are made with. */
export interface PartitionsOptions {
  readonly store: VectorStore;
  /** Null: there are no graphs. */
  readonly addon: Hnswlib | null;
  readonly limits: PartitionLimits;
  log(line: string): void;
}

/** What partitions there are in memory. */
export interface PartitionsStats {
  readonly partitions_loaded: number;
  /** Their vectors, and how many of them have a graph. */
  readonly vectors_loaded: number;
  readonly graphs: number;
  /** What vectors have outside of graphs. */
  readonly memory_bytes: number;
  /** Whether vectors are compared with SIMD instructions. */
  readonly is_fast: boolean;
}

/** Partitions by their names. */
export class Partitions {
  readonly #store: VectorStore;
  readonly #addon: Hnswlib | null;
  readonly #limits: PartitionLimits;
  readonly #log: (line: string) => void;
  readonly #loading: Pace;
  readonly #building: Pace;
  /** By the number of dimensions. */
  readonly #memories = new Map<number, VectorMemory>();
  /** By name, those that were used last at the end. */
  readonly #by_name = new Map<string, Partition>();
  readonly #by_number = new Map<number, Partition>();
  /** Those that wait for their turn to be tidied. */
  readonly #untidy = new Set<Partition>();

  constructor({ store, addon, limits, log }: PartitionsOptions) {
    this.#store = store;
    this.#addon = addon;
    this.#limits = limits;
    this.#log = log;
    this.#loading = new Pace(log);
    this.#building = new Pace(log);
  }

  /** The work in the background. */
  get paces(): readonly Pace[] {
    return [this.#loading, this.#building];
  }

  get stats(): PartitionsStats {
    const partitions = [...this.#by_name.values()];
    const memories = [...this.#memories.values()];
    return {
      partitions_loaded: partitions.length,
      vectors_loaded: partitions.reduce((total, { size }) => total + size, 0),
      graphs: partitions.filter(({ has_graph }) => has_graph).length,
      memory_bytes: memories.reduce((total, { size_bytes }) => total + size_bytes, 0),
      is_fast: memories.every(({ is_fast }) => is_fast),
    };
  }

  /** The partition of this number, if it is in memory. */
  byNumber(number: number): Partition | undefined {
    return this.#by_number.get(number);
  }

  /** The partition of a place, loaded or about to be; null if there is none. */
  open({ partition: name, space }: Place, dims: number): Partition | null {
    const key = keyOf(name, space);
    const loaded = this.#by_name.get(key);
    if (loaded !== undefined && loaded.dims === dims) {
      this.#by_name.delete(key);
      this.#by_name.set(key, loaded);
      return loaded;
    }
    const record = this.#store.partition(name, space);
    // Vectors of another size are of another model, whatever it is called.
    if (record === null || record.dims !== dims) return null;
    return this.#load(key, record.number, dims);
  }

  /** Makes the partition of a place, which has none or one of other dimensions; null when there are no more numbers. */
  begin(
    { partition: name, space }: Place,
    dims: number,
  ): { readonly partition: Partition; readonly replaced: PartitionRecord | null } | null {
    const number = this.#store.takeNumber();
    if (number === null) return null;
    const replaced = this.#store.partition(name, space);
    this.#store.putPartition(name, space, { number, dims });
    const partition = this.#keep(keyOf(name, space), number, dims);
    partition.complete();
    return { partition, replaced };
  }

  #keep(key: string, number: number, dims: number): Partition {
    let memory = this.#memories.get(dims);
    if (memory === undefined) {
      memory = new VectorMemory(dims);
      this.#memories.set(dims, memory);
    }
    const partition = new Partition(number, memory, this.#addon, this.#limits);
    const before = this.#by_name.get(key);
    if (before !== undefined) this.#drop(key, before);
    this.#by_name.set(key, partition);
    this.#by_number.set(number, partition);
    if (this.#by_name.size > LOADED_MAX) this.dropUnused();
    return partition;
  }

  #drop(key: string, partition: Partition): void {
    partition.clear();
    this.#by_name.delete(key);
    this.#by_number.delete(partition.number);
  }

  /** Drops partitions that were not used for long; not while some of them may not be on the disk yet. */
  dropUnused(): void {
    if (!this.#store.is_settled) return;
    for (const [key, partition] of this.#by_name) {
      if (this.#by_name.size <= LOADED_MAX) return;
      if (!partition.has_graph && partition.is_complete) this.#drop(key, partition);
    }
  }

  /** Loads a partition: what is small at once, the rest in the background. */
  #load(key: string, number: number, dims: number): Partition {
    const partition = this.#keep(key, number, dims);
    const { vectors, next } = this.#store.vectors({ number, dims }, 0, FIRST_LOAD);
    for (const stored of vectors) partition.load(stored.number, stored.packed, stored.expires_ms);
    if (next === null) partition.complete();
    else this.#loading.begin(() => this.#loadRest(partition));
    return partition;
  }

  async #loadRest(partition: Partition): Promise<void> {
    const { number, dims } = partition;
    const isThere = () => this.#by_number.get(number) === partition && !this.#loading.is_stopped;
    if (this.#addon !== null) {
      const graph = await readGraph(this.#store.graphs, number, this.#addon, dims);
      if (graph !== null && isThere()) partition.adopt(graph);
    }
    for (let after: number | null = 0; after !== null && isThere(); ) {
      const page: ReturnType<VectorStore["vectors"]> = this.#store.vectors(
        { number, dims },
        after,
        LOAD_PAGE,
      );
      for (const stored of page.vectors) partition.load(stored.number, stored.packed, stored.expires_ms);
      after = page.next;
      if (this.#loading.is_over) await this.#loading.rest();
    }
    if (!isThere()) return;
    partition.complete();
    this.tidyInTurn(partition);
  }

  /** Sees to it that vectors get into the graph, if there are too many beside it. */
  tidyInTurn(partition: Partition): void {
    if (!partition.is_untidy || this.#untidy.has(partition) || this.#building.is_stopped) return;
    this.#untidy.add(partition);
    this.#building.begin(() =>
      this.#tidy(partition).finally(() => {
        this.#untidy.delete(partition);
        this.tidyInTurn(partition);
      }),
    );
  }

  /** Moves some vectors to the graph, and writes the graph when all are moved and it has grown much. */
  async #tidy(partition: Partition): Promise<void> {
    const isThere = () => this.#by_number.get(partition.number) === partition && !this.#building.is_stopped;
    for (let moved = 0; moved < TIDY_PORTION && isThere() && partition.moveOne(); moved++) {
      if (this.#building.is_over) await this.#building.rest();
    }
    if (!partition.is_untidy && isThere() && partition.isUnsaved(false)) await this.#saveGraph(partition);
  }

  async #saveGraph(partition: Partition): Promise<void> {
    try {
      await partition.save((graph) => writeGraph(this.#store.graphs, partition.number, graph));
    } catch (error) {
      this.#log(`a graph cannot be written (${error instanceof Error ? error.message : String(error)})`);
    }
  }

  /** An entry is gone. */
  remove(partition_number: number, number: number): void {
    const partition = this.#by_number.get(partition_number);
    partition?.remove(number);
    if (partition?.is_worn) this.#renew(partition);
  }

  /** Writes the graphs that have changed, all work being stopped. */
  async saveGraphs(): Promise<void> {
    for (const partition of this.#by_name.values()) {
      if (partition.isUnsaved(true)) await this.#saveGraph(partition);
    }
  }

  /** A graph with many marks is thrown away, and the partition loaded again. */
  #renew(partition: Partition): void {
    partition.clear();
    removeGraph(this.#store.graphs, partition.number);
    this.#loading.begin(() => this.#loadRest(partition));
  }
}

function keyOf(name: Uint8Array, space: string): string {
  return `${Buffer.from(name.buffer, name.byteOffset, name.length).toString("latin1")}\n${space}`;
}
