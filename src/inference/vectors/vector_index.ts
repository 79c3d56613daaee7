// The index of the semantic cache: entries in partitions that never see each other, in memory as far as they are used, on the
// disk all of them. Requests are answered at once from what is loaded; everything long happens in the background.

import {
  CANDIDATES_MAX,
  type Candidate,
  type Entry,
  type Filter,
  KEY_MAX_BYTES,
  type NewEntry,
  OBSERVATIONS_MAX,
  type Observation,
  type PartitionRecord,
  type Place,
  TAGS_MAX,
  TEXT_MAX,
} from "./entry.ts";
import type { EntryIndex } from "./entry_index.ts";
import { sweepGraphs } from "./graph_file.ts";
import { type Hnswlib, hnswlib } from "./hnswlib.ts";
import { Nearest } from "./nearest.ts";
import { openVectorStore } from "./open_store.ts";
import { Pace } from "./pace.ts";
import { PARTITION_LIMITS, type Partition, type PartitionLimits } from "./partition.ts";
import { Partitions, type PartitionsStats } from "./partitions.ts";
import { DIMS_MAX, packVector } from "./vector_memory.ts";
import type { VectorStore } from "./vector_store.ts";

/** Address space for an entry in the file: several times what one has in the middle. */
const MAP_BYTES_PER_ENTRY = 16 * 1024;
const MAP_MIN_BYTES = 256 * 1024 * 1024;
/** When there are too many entries, this share of them goes. */
const EVICT_SHARE = 0.01;
/** How far above the limit the number of entries may get before nothing is added. */
const OVER_SHARE = 0.05;
const OVER_MIN = 100;
/** Numbers of entries that were found lately; when they are too old for this, they count as not used. */
const USED_MAX = 100_000;
/** So many more are looked for than are wanted: some in a graph may have expired. */
const SPARE = 16;
/** Entries that are gone through before it is looked whether something else waits. */
const PAGE = 256;
/** How often some of the entries are looked through for those that have expired, and how many. */
const SWEEP_EVERY_MS = 1_000;
const SWEEP_PAGES = 8;

/** How an index is opened. */
export interface IndexOptions {
  /** A folder of its own. */
  readonly folder: string;
  readonly max_entries: number;
  /** Whether what is stored is not to be trusted. */
  readonly is_distrusted?: boolean;
  readonly limits?: PartitionLimits;
  /** The addon for graphs; null: there is none. */
  readonly addon?: Hnswlib | null;
  /** What is stored was found to be damaged: the next process that opens it begins anew. */
  onDamage?(): void;
  log(line: string): void;
}

/** What an index holds. */
export interface IndexStats extends PartitionsStats {
  readonly entries: number;
  readonly max_entries: number;
  readonly is_working: boolean;
  readonly added: number;
  readonly removed: number;
  readonly evicted: number;
  readonly expired: number;
  readonly refused: number;
  /** Why there are no graphs; null if there are. */
  readonly no_graphs: string | null;
}

/** Opens the index in a folder; null while another process has it; or says why it cannot be opened. */
export function openVectorIndex(options: IndexOptions): VectorIndex | null | { readonly fault: string } {
  const store = openVectorStore(options.folder, {
    map_bytes: Math.max(MAP_MIN_BYTES, options.max_entries * MAP_BYTES_PER_ENTRY),
    is_distrusted: options.is_distrusted ?? false,
    onDamage: () => options.onDamage?.(),
    log: options.log,
  });
  return store === null || "fault" in store ? store : new VectorIndex(store, options);
}

/** Entries by partition, found by the similarity of their vectors. */
export class VectorIndex implements EntryIndex {
  readonly #store: VectorStore;
  readonly #no_graphs: string | null;
  readonly #partitions: Partitions;
  /** Entries are removed beside partitions being loaded and graphs being built. */
  readonly #chores: Pace;
  readonly #used = new Set<number>();
  readonly #sweep_timer: ReturnType<typeof setInterval>;
  #max_entries: number;
  #size: number;
  #is_evicting = false;
  #sweep_after = 0;
  #blocked_after: Buffer | null = null;
  #counts = { added: 0, removed: 0, evicted: 0, expired: 0, refused: 0 };

  constructor(store: VectorStore, { max_entries, limits, addon, log }: IndexOptions) {
    this.#store = store;
    const found = addon === undefined ? hnswlib : addon;
    const usable = found !== null && !("fault" in found) ? found : null;
    this.#no_graphs = found === null ? "there is no addon" : "fault" in found ? found.fault : null;
    this.#partitions = new Partitions({ store, addon: usable, limits: limits ?? PARTITION_LIMITS, log });
    this.#chores = new Pace(log);
    this.#max_entries = max_entries;
    this.#size = store.size;
    store.onLost = (number, { partition }) => {
      this.#partitions.remove(partition, number);
      this.#size = Math.max(0, this.#size - 1);
    };
    this.#sweep_timer = setInterval(() => this.#sweepInTurn(), SWEEP_EVERY_MS);
    this.#sweep_timer.unref();
    this.#chores.begin(() => this.#sweepPartitions());
  }

  /** Takes another limit. */
  limit(max_entries: number): void {
    this.#max_entries = max_entries;
    this.#evictInTurn();
  }

  /**
   * The entries of a partition whose vectors are at least so similar, the most similar first.
   * While a large partition is still being loaded, only what is there is searched.
   */
  search(
    place: Place,
    vector: Float32Array,
    limit: number,
    min_similarity: number,
    now_ms: number,
  ): Candidate[] {
    const partition = this.#partitions.open(place, vector.length);
    if (partition === null) return [];
    const wanted = Math.max(0, Math.min(limit, CANDIDATES_MAX));
    const nearest = new Nearest(wanted + SPARE, min_similarity);
    partition.search(nearest, vector, wanted + SPARE, now_ms);
    const candidates: Candidate[] = [];
    for (const { number, similarity } of nearest.found) {
      if (candidates.length >= wanted) break;
      const entry = this.#store.entry(number);
      if (entry === null || entry.partition !== partition.number) partition.remove(number);
      else if (entry.expires_ms > now_ms) {
        candidates.push(candidateOf(entry, similarity));
        this.#use(number);
      }
    }
    return candidates;
  }

  /** Adds an entry in place of the one with its id, whose verdicts it inherits if its text is the same; false if it is not added. */
  add(entry: NewEntry, vector: Float32Array, now_ms: number): boolean {
    const is_added = this.#isAcceptable(entry, vector, now_ms) && this.#add(entry, vector, now_ms);
    if (is_added) this.#counts.added += 1;
    else this.#counts.refused += 1;
    return is_added;
  }

  /** Appends a verdict to an entry; false if there is no such entry. */
  observe(place: Place, id: Uint8Array, observation: Observation): boolean {
    const record = this.#store.partition(place.partition, place.space);
    const number = record === null ? null : this.#store.numberOf(record.number, id);
    const entry = number === null ? null : this.#store.entry(number);
    if (number === null || entry === null) return false;
    const observations = [...entry.observations.slice(1 - OBSERVATIONS_MAX), observation];
    this.#store.update(number, { ...entry, observations });
    return true;
  }

  /** Removes entries; resolves to how many when it has gone through all that were there. */
  async remove(filter: Filter): Promise<number> {
    await this.#store.committed();
    switch (filter.by) {
      case "id":
        return this.#removeNumbers(this.#store.numbersOf(filter.id));
      case "partition":
        return this.#chores.run(() =>
          this.#removePartitions(filter.partition, (name) => name.equals(filter.partition)),
        );
      case "prefix":
        return this.#chores.run(() => this.#removePartitions(filter.prefix, () => true));
      case "model":
        return this.#chores.run(() => this.#removeWhere(({ model }) => model === filter.model));
      case "tag":
        return this.#chores.run(() => this.#removeWhere(({ tags }) => tags.includes(filter.tag)));
    }
  }

  /** Lets no entry with this id be added until then, and removes those that there are; false when too many ids are blocked. */
  async block(id: Uint8Array, until_ms: number): Promise<boolean> {
    const is_possible = id.length > 0 && id.length <= KEY_MAX_BYTES;
    if (!is_possible || !this.#store.block(id, until_ms)) return false;
    await this.remove({ by: "id", id });
    return true;
  }

  stats(): IndexStats {
    return {
      entries: this.#size,
      max_entries: this.#max_entries,
      ...this.#partitions.stats,
      is_working: this.#paces.some(({ is_busy }) => is_busy),
      ...this.#counts,
      no_graphs: this.#no_graphs,
    };
  }

  /** Resolves when all that is long and was begun is done. */
  async settled(): Promise<void> {
    while (this.#paces.some(({ is_busy }) => is_busy)) {
      await Promise.all(this.#paces.map((pace) => pace.run(async () => {})));
    }
  }

  /** Ends the work in the background, writes graphs that have changed, and closes. */
  async close(): Promise<void> {
    clearInterval(this.#sweep_timer);
    await Promise.all(this.#paces.map((pace) => pace.stop()));
    await this.#partitions.saveGraphs();
    await this.#store.close();
  }

  get #paces(): readonly Pace[] {
    return [...this.#partitions.paces, this.#chores];
  }

  #isAcceptable(
    { partition, id, text, tags, expires_ms }: NewEntry,
    vector: Float32Array,
    now_ms: number,
  ): boolean {
    const limit = this.#max_entries + Math.max(OVER_MIN, this.#max_entries * OVER_SHARE);
    return (
      partition.length > 0 &&
      partition.length <= KEY_MAX_BYTES &&
      id.length > 0 &&
      id.length <= KEY_MAX_BYTES &&
      text.length <= TEXT_MAX &&
      tags.length <= TAGS_MAX &&
      vector.length <= DIMS_MAX &&
      expires_ms > now_ms &&
      this.#size < limit &&
      !this.#store.is_full &&
      !this.#store.isBlocked(id, now_ms)
    );
  }

  #add(
    { id, text, model, tags, expires_ms, ...place }: NewEntry,
    vector: Float32Array,
    now_ms: number,
  ): boolean {
    const packed = packVector(vector);
    const partition = packed === null ? null : this.#partitionFor(place, vector.length);
    if (packed === null || partition === null) return false;
    const old_number = this.#store.numberOf(partition.number, id);
    const old = old_number === null ? null : this.#store.entry(old_number);
    if (old_number !== null) this.#removeEntry(old_number, partition.number, old);
    const number = this.#store.takeNumber();
    if (number === null || !partition.add(number, packed, expires_ms)) return false;
    const observations = old?.text === text ? old.observations : [];
    const entry = { id, text, model, tags, expires_ms, observations };
    this.#store.put(number, { ...entry, partition: partition.number, created_ms: now_ms }, packed);
    this.#size += 1;
    if (this.#size > this.#max_entries) this.#evictInTurn();
    this.#partitions.tidyInTurn(partition);
    return true;
  }

  /** The partition of a place, made where there is none. */
  #partitionFor(place: Place, dims: number): Partition | null {
    const there = this.#partitions.open(place, dims);
    const begun = there === null ? this.#partitions.begin(place, dims) : null;
    const replaced = begun?.replaced ?? null;
    if (replaced !== null) this.#chores.begin(() => this.#emptyPartition(replaced));
    return there ?? begun?.partition ?? null;
  }

  #removeEntry(number: number, partition_number: number, entry: Entry | null): void {
    this.#store.remove(number, partition_number, entry);
    this.#used.delete(number);
    this.#size = Math.max(0, this.#size - 1);
    this.#partitions.remove(partition_number, number);
  }

  #removeNumbers(numbers: readonly number[]): number {
    let removed = 0;
    for (const number of numbers) {
      const entry = this.#store.entry(number);
      if (entry === null) continue;
      this.#removeEntry(number, entry.partition, entry);
      removed += 1;
    }
    this.#counts.removed += removed;
    return removed;
  }

  async #removePartitions(prefix: Uint8Array, isMeant: (name: Buffer) => boolean): Promise<number> {
    let removed = 0;
    for (let after: Buffer | null | undefined; after !== null; ) {
      const page: ReturnType<VectorStore["partitionsUnder"]> = this.#store.partitionsUnder(
        prefix,
        after ?? null,
      );
      for (const { name, record } of page.partitions) {
        if (isMeant(name)) removed += await this.#emptyPartition(record);
      }
      after = page.next;
    }
    return removed;
  }

  /** Removes all entries that a partition has so far. */
  async #emptyPartition(record: PartitionRecord): Promise<number> {
    await this.#store.committed();
    let removed = 0;
    for (let after: number | null = 0; after !== null && !this.#chores.is_stopped; ) {
      const page: ReturnType<VectorStore["vectors"]> = this.#store.vectors(record, after, PAGE);
      removed += this.#removeNumbers(page.vectors.map((stored) => stored.number));
      after = page.next;
      if (this.#chores.is_over) await this.#chores.rest();
    }
    return removed;
  }

  async #removeWhere(isMeant: (entry: Entry) => boolean): Promise<number> {
    let removed = 0;
    for (let after: number | null = 0; after !== null && !this.#chores.is_stopped; ) {
      const page: ReturnType<VectorStore["entries"]> = this.#store.entries(after, PAGE);
      const meant = [...page.entries].filter(([, entry]) => entry !== null && isMeant(entry));
      removed += this.#removeNumbers(meant.map(([number]) => number));
      after = page.next;
      if (this.#chores.is_over) await this.#chores.rest();
    }
    return removed;
  }

  #use(number: number): void {
    this.#used.delete(number);
    this.#used.add(number);
    if (this.#used.size > USED_MAX) this.#used.delete(this.#used.values().next().value!);
  }

  #evictInTurn(): void {
    if (this.#is_evicting || this.#size <= this.#max_entries) return;
    this.#is_evicting = true;
    this.#chores.begin(() =>
      this.#evict().finally(() => {
        this.#is_evicting = false;
      }),
    );
  }

  /** Removes the oldest entries; one that was found since is made young again, once. */
  async #evict(): Promise<void> {
    await this.#store.committed();
    const goal = Math.floor(this.#max_entries * (1 - EVICT_SHARE));
    for (let after: number | null = 0; after !== null && this.#size > goal && !this.#chores.is_stopped; ) {
      const page: ReturnType<VectorStore["entries"]> = this.#store.entries(after, 64);
      for (const [number, entry] of page.entries) {
        if (this.#size <= goal) break;
        if (entry !== null && this.#used.has(number) && this.#rejuvenate(number, entry)) continue;
        this.#removeEntry(number, entry?.partition ?? 0, entry);
        this.#counts.evicted += 1;
      }
      after = page.next;
      if (this.#chores.is_over) await this.#chores.rest();
    }
  }

  /** Gives an entry a new number, as if it had just been added. */
  #rejuvenate(number: number, entry: Entry): boolean {
    const partition = this.#partitions.byNumber(entry.partition);
    const stored = partition && this.#store.vector(entry.partition, number, partition.dims);
    const fresh = stored ? this.#store.takeNumber() : null;
    if (!partition || !stored || fresh === null) return false;
    this.#removeEntry(number, entry.partition, entry);
    if (!partition.add(fresh, stored.packed, entry.expires_ms)) return true;
    this.#store.put(fresh, entry, stored.packed);
    this.#size += 1;
    return true;
  }

  #sweepInTurn(): void {
    if (!this.#chores.is_busy) this.#chores.begin(() => this.#sweep());
  }

  /** Looks through some of what is stored for what has expired. */
  async #sweep(): Promise<void> {
    const now_ms = Date.now();
    this.#partitions.dropUnused();
    this.#blocked_after = this.#store.sweepBlocked(this.#blocked_after, now_ms);
    for (let page = 0; page < SWEEP_PAGES && !this.#chores.is_stopped; page++) {
      const { entries, next } = this.#store.entries(this.#sweep_after, PAGE);
      for (const [number, entry] of entries) {
        if (entry !== null && entry.expires_ms > now_ms) continue;
        this.#removeEntry(number, entry?.partition ?? 0, entry);
        this.#counts.expired += 1;
      }
      this.#sweep_after = next ?? 0;
      if (next === null) return this.#sweepPartitions();
      await this.#chores.rest();
    }
  }

  /** Forgets partitions without entries, and graphs without partitions. */
  async #sweepPartitions(): Promise<void> {
    const numbers = new Set<number>();
    for (let after: Buffer | null | undefined; after !== null && !this.#chores.is_stopped; ) {
      const page: ReturnType<VectorStore["partitionsUnder"]> = this.#store.partitionsUnder(
        new Uint8Array(),
        after ?? null,
      );
      for (const { key, record } of page.partitions) {
        const is_empty = this.#store.vectors(record, 0, 1).vectors.length === 0;
        if (is_empty && this.#partitions.byNumber(record.number) === undefined)
          this.#store.removePartition(key);
        else numbers.add(record.number);
      }
      after = page.next;
      if (this.#chores.is_over) await this.#chores.rest();
    }
    if (this.#chores.is_stopped) return;
    const isThere = (number: number) =>
      numbers.has(number) || this.#partitions.byNumber(number) !== undefined;
    sweepGraphs(this.#store.graphs, isThere);
  }
}

function candidateOf(entry: Entry, similarity: number): Candidate {
  const { id, text, observations, created_ms, expires_ms } = entry;
  // Rounding can make it a little more than there is.
  return { id, text, similarity: Math.min(1, similarity), observations, created_ms, expires_ms };
}
