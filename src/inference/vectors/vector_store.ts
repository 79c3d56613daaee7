// The entries of the semantic cache on the disk: an LMDB environment that belongs to the inference process alone. Entries
// have numbers, which are never used twice.

import {
  type Entry,
  type PartitionRecord,
  readEntry,
  readPartition,
  readVector,
  type StoredVector,
  vectorBytes,
} from "./entry.ts";
import { type Environment, type Page, Shelf, type ShelfKey } from "./shelf.ts";
import { endOf, idKey, partitionKey, partitionName, vectorKey } from "./store_keys.ts";

/** Numbers that are set aside at once for what is added next. */
const NUMBERS_BLOCK = 65_536;
/** Numbers end here: graphs know vectors by 32 bits. Who opens a store that is near the end begins a new one. */
const NUMBERS_MAX = 2 ** 32 - 1;
const NUMBERS_FULL = NUMBERS_MAX - 2 ** 28;
/** The key of the first number that is not set aside. */
const NEXT_NUMBER = 0;
/** The version of all that is stored. */
const VERSION = 1;
const VERSION_KEY = 1;
/** Writes that wait for the disk; with more, nothing is added. */
const PENDING_MAX = 20_000;
/** How often at most failing writes are told of, and how long nothing is added after one. */
const FAULT_EVERY_MS = 60_000;
const FAULT_REST_MS = 10_000;
/** Ids that are remembered as bad. */
const BLOCKED_MAX = 100_000;

const BINARY = { keyEncoding: "binary", encoding: "msgpack" } as const;

/** What LMDB says of files that it cannot make sense of. */
const DAMAGES = /^MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|PANIC|BAD_TXN|BAD_DBI|INCOMPATIBLE)/;

/** Whether a message of LMDB's says that what is stored is damaged. */
export function isDamage(message: string): boolean {
  return DAMAGES.test(message);
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a store has to tell. */
export interface StoreHooks {
  /** What is stored was found to be damaged. */
  onDamage(): void;
  log(line: string): void;
}

/** A stored vector of a partition, with its entry's number. */
export interface NumberedVector extends StoredVector {
  readonly number: number;
}

/** A partition as it lies in the store. */
export interface StoredPartition {
  readonly key: Buffer;
  readonly name: Buffer;
  readonly record: PartitionRecord;
}

/** The stored entries. What is written is read back at once, and committed some milliseconds later. */
export class VectorStore {
  /** Where graphs are kept. */
  readonly graphs: string;
  /** Told of entries that could not be written. */
  onLost: (number: number, entry: Entry) => void = () => {};
  readonly #root: Environment;
  readonly #hooks: StoreHooks;
  readonly #marks: Shelf<number>;
  readonly #entries: Shelf<number>;
  readonly #vectors: Shelf<Buffer>;
  readonly #ids: Shelf<Buffer>;
  readonly #partitions: Shelf<Buffer>;
  readonly #blocked: Shelf<Buffer>;
  #next_number = 0;
  /** Numbers below are set aside. */
  #numbers_end = 0;
  #told_ms = -FAULT_EVERY_MS;
  #rest_until_ms = 0;
  #is_damaged = false;

  constructor(root: Environment, graphs: string, told: StoreHooks) {
    this.#root = root;
    this.#hooks = told;
    this.graphs = graphs;
    const hooks = { onFault: (error: unknown) => this.#tellFault(error) };
    const numbered = { keyEncoding: "uint32", encoding: "msgpack" } as const;
    this.#marks = new Shelf(root, "marks", numbered, hooks);
    const onLost = (number: ShelfKey, value: unknown) => {
      const entry = readEntry(value);
      if (typeof number === "number" && entry !== null) this.onLost(number, entry);
    };
    this.#entries = new Shelf(root, "entries", numbered, { ...hooks, onLost });
    this.#vectors = new Shelf(root, "vectors", { keyEncoding: "binary", encoding: "binary" }, hooks);
    this.#ids = new Shelf(root, "ids", BINARY, hooks);
    this.#partitions = new Shelf(root, "partitions", BINARY, hooks);
    this.#blocked = new Shelf(root, "blocked", BINARY, hooks);
  }

  /** Whether it is of this version, and has numbers left. A new one is marked. */
  isUsable(): boolean {
    const version = this.#marks.get(VERSION_KEY);
    if (version === undefined) this.#marks.putNow(VERSION_KEY, VERSION);
    else if (version !== VERSION) return false;
    const next = this.#marks.get(NEXT_NUMBER) ?? 1;
    if (typeof next !== "number" || next >= NUMBERS_FULL) return false;
    this.#next_number = next;
    this.#numbers_end = next;
    return true;
  }

  /** How many entries are committed. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether as much as may be waits for the disk, or the disk has just taken nothing. */
  get is_full(): boolean {
    if (performance.now() < this.#rest_until_ms) return true;
    return this.#entries.pending + this.#vectors.pending > PENDING_MAX;
  }

  /** Whether everything is committed. */
  get is_settled(): boolean {
    return this.#vectors.pending === 0 && this.#partitions.pending === 0;
  }

  /** Resolves when what was written so far is committed: what goes through many entries sees only that. */
  async committed(): Promise<void> {
    await this.#root.committed;
  }

  /** A number that no entry and no partition has had; null when there are no more, until the next start. */
  takeNumber(): number | null {
    if (this.#next_number === this.#numbers_end) {
      if (this.#numbers_end + NUMBERS_BLOCK > NUMBERS_MAX) return null;
      this.#marks.putNow(NEXT_NUMBER, this.#numbers_end + NUMBERS_BLOCK);
      this.#numbers_end += NUMBERS_BLOCK;
    }
    return this.#next_number++;
  }

  /** The entry of a number. */
  entry(number: number): Entry | null {
    return readEntry(this.#entries.get(number));
  }

  /** The vector of an entry. */
  vector(partition: number, number: number, dims: number): StoredVector | null {
    const bytes = this.#vectors.get(vectorKey(partition, number));
    return bytes instanceof Uint8Array ? readVector(bytes, dims) : null;
  }

  /** The number of the entry with this id in a partition. */
  numberOf(partition: number, id: Uint8Array): number | null {
    const number = this.#ids.get(idKey(id, partition));
    return typeof number === "number" ? number : null;
  }

  put(number: number, entry: Entry, packed: Int8Array): void {
    const { partition, id, expires_ms } = entry;
    this.#entries.put(number, entry);
    this.#vectors.put(vectorKey(partition, number), vectorBytes({ expires_ms, packed }));
    this.#ids.put(idKey(id, partition), number);
  }

  /** Writes an entry again whose vector, id and expiry are the same. */
  update(number: number, entry: Entry): void {
    this.#entries.put(number, entry);
  }

  /** Removes an entry; `entry` is what is stored of it, if it can be read. */
  remove(number: number, partition: number, entry: Entry | null): void {
    this.#entries.remove(number);
    this.#vectors.remove(vectorKey(partition, number));
    // The id may stand for a newer entry.
    if (entry !== null && this.numberOf(partition, entry.id) === number) {
      this.#ids.remove(idKey(entry.id, partition));
    }
  }

  /** The numbers of all committed entries with an id, whatever their partition. */
  numbersOf(id: Uint8Array): number[] {
    const numbers: number[] = [];
    // Anything behind an id and four bytes is longer than what is looked for.
    for (let after: Buffer | null = Buffer.from(id); after !== null; ) {
      const page: Page<Buffer> = this.#ids.page(after, endOf(id), 100);
      for (const { key, value } of page.rows) {
        if (key.length === id.length + 4 && typeof value === "number") numbers.push(value);
      }
      after = page.next;
    }
    return numbers;
  }

  partition(name: Uint8Array, embedder: string): PartitionRecord | null {
    return readPartition(this.#partitions.get(partitionKey(name, embedder)));
  }

  putPartition(name: Uint8Array, embedder: string, record: PartitionRecord): void {
    this.#partitions.put(partitionKey(name, embedder), record);
  }

  /** Some of the committed partitions whose names begin so, whatever their embedder; goes on behind `after`. */
  partitionsUnder(
    prefix: Uint8Array,
    after: Buffer | null,
  ): { readonly partitions: readonly StoredPartition[]; readonly next: Buffer | null } {
    const first = prefix.length === 0 ? null : Buffer.from(prefix);
    const page = this.#partitions.page(after ?? first, endOf(prefix), 100);
    const partitions: StoredPartition[] = [];
    for (const { key, value } of page.rows) {
      const name = partitionName(key);
      const record = readPartition(value);
      if (name !== null && record !== null) partitions.push({ key, name, record });
    }
    return { partitions, next: page.next };
  }

  /** Removes the record of a partition, by its key; its entries are removed one by one. */
  removePartition(key: Buffer): void {
    this.#partitions.remove(key);
  }

  /** Some vectors of a partition in the order of their numbers, behind `after`, with the number to go on behind; null at the end. */
  vectors(
    { number, dims }: PartitionRecord,
    after: number,
    limit: number,
  ): { readonly vectors: readonly NumberedVector[]; readonly next: number | null } {
    const page = this.#vectors.page(vectorKey(number, after), vectorKey(number + 1, 0), limit);
    const vectors: NumberedVector[] = [];
    for (const { key, value } of page.rows) {
      const stored = value instanceof Uint8Array ? readVector(value, dims) : null;
      if (stored !== null && key.length === 8) vectors.push({ ...stored, number: key.readUInt32BE(4) });
    }
    return { vectors, next: page.next?.readUInt32BE(4) ?? null };
  }

  /** Some committed entries in the order of their numbers, which is that of their age; null for what is no entry. */
  entries(
    after: number,
    limit: number,
  ): { readonly entries: ReadonlyMap<number, Entry | null>; readonly next: number | null } {
    const { rows, next } = this.#entries.page(after, null, limit);
    return { entries: new Map(rows.map(({ key, value }) => [key, readEntry(value)])), next };
  }

  /** Remembers an id as bad until then; false when there are too many of them. */
  block(id: Uint8Array, until_ms: number): boolean {
    if (this.#blocked.size >= BLOCKED_MAX) return false;
    this.#blocked.put(Buffer.from(id), until_ms);
    return true;
  }

  isBlocked(id: Uint8Array, now_ms: number): boolean {
    const until_ms = this.#blocked.get(Buffer.from(id));
    return typeof until_ms === "number" && until_ms > now_ms;
  }

  /** Forgets some of the bad ids whose time is over; goes on behind `after`. */
  sweepBlocked(after: Buffer | null, now_ms: number): Buffer | null {
    const { rows, next } = this.#blocked.page(after, null, 200);
    for (const { key, value } of rows) {
      if (typeof value !== "number" || value <= now_ms) this.#blocked.remove(key);
    }
    return next;
  }

  /** Waits for all writes and closes. */
  async close(): Promise<void> {
    await this.#root.flushed;
    await this.#root.close();
  }

  #tellFault(error: unknown): void {
    const now_ms = performance.now();
    const message = messageOf(error);
    this.#rest_until_ms = now_ms + FAULT_REST_MS;
    if (now_ms - this.#told_ms >= FAULT_EVERY_MS) {
      this.#told_ms = now_ms;
      this.#hooks.log(`the semantic cache cannot be read or written (${message})`);
    }
    if (!isDamage(message) || this.#is_damaged) return;
    this.#is_damaged = true;
    this.#hooks.onDamage();
  }
}
