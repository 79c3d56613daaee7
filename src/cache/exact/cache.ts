// The exact cache: answers by their keys, in an LMDB environment that every process reads and writes by itself. Reading is a look
// into mapped memory. Writing is left to LMDB's own thread, and what cannot be written is not kept: a gateway goes on without.
//
// When others see it: each read looks at the newest state of its event turn; what was written, here or elsewhere, is seen some
// milliseconds later, when its transaction is on the disk and the turn is another.

import type { CacheEntry } from "../entry.ts";
import type { CacheKey } from "../key.ts";
import { bytesOfCard } from "./card.ts";
import { bytesOfEntry, entryOfBytes } from "./entry_bytes.ts";
import { type Environment, MOST_KEY_BYTES, messageOf, openEnvironment } from "./environment.ts";
import { FaultReport } from "./fault_report.ts";
import { type ListedAnswer, type ListingQuery, listAnswers } from "./listing.ts";
import { purgeAnswers, removeAnswer } from "./purge.ts";
import type { PurgeFilter } from "./purge_filter.ts";
import { bytesOfSecond, RecentUse } from "./recent_use.ts";
import { Refreshes } from "./refreshes.ts";
import { type StoreSize, sizeOf } from "./size.ts";
import { Writes } from "./writes.ts";

/** Longer answers are not kept: the library would not copy them out, but lend them for as long as it likes. */
const MOST_BODY_BYTES = 8 * 1024 * 1024;
/** One answer may take this part of the store. */
const MOST_PART = 1 / 8;
/** How far a store may grow above its size before nothing is put any more; its keeper removes what is above the size itself. */
const FULL_AT = 1.1;
/** How far its file may grow beyond what it was when it was opened: pages that a reader elsewhere holds back are not used again. */
const FILE_FULL_AT = 2;
const FILE_FULL_ABOVE_BYTES = 64 * 1024 * 1024;
/** How often the size is looked at, unless much is put meanwhile. */
const SIZE_EVERY_MS = 200;
const USE_EVERY_MS = 60_000;
const NOTHING = Buffer.alloc(0);

/** What an exact cache is made of. */
export interface ExactCacheOptions {
  /** How large the answers may become, all processes' together. */
  readonly max_bytes: number;
  /** Hears of faults, at most once a minute; in words for a log. */
  onFault(message: string): void;
}

/** What a cache says of itself. */
export interface ExactCacheStats extends StoreSize {
  /** Writes of this process that failed or were not tried. */
  readonly faults: number;
}

/** Opens the answers of a data folder, or says why it cannot: a damaged store is left to its keeper. */
export function openExactCache(
  data: string,
  options: ExactCacheOptions,
): ExactCache | { readonly fault: string } {
  const environment = openEnvironment(data, options.max_bytes);
  if ("fault" in environment) return environment;
  try {
    return new ExactCache(environment, options);
  } catch (error) {
    return { fault: `answers cannot be kept: their files cannot be read (${messageOf(error)})` };
  }
}

/** The exact cache as one process has it. Nothing that is called here throws or rejects; a closed cache is an empty one. */
export class ExactCache {
  readonly #environment: Environment;
  readonly #faults: FaultReport;
  readonly #writes: Writes;
  readonly #refreshes: Refreshes;
  readonly #recent = new RecentUse();
  readonly #use_timer: NodeJS.Timeout;
  #max_bytes: number;
  #most_file_bytes: number;
  #is_closed = false;
  #is_full = false;
  #looked_ms = Number.NEGATIVE_INFINITY;
  #put_since_bytes = 0;

  constructor(environment: Environment, { max_bytes, onFault }: ExactCacheOptions) {
    this.#environment = environment;
    this.#max_bytes = max_bytes;
    this.#most_file_bytes = mostFileBytes(environment, max_bytes);
    this.#faults = new FaultReport(onFault);
    this.#writes = new Writes(environment, this.#faults);
    this.#refreshes = new Refreshes(environment, this.#writes);
    this.#use_timer = setInterval(() => void this.writeUse(), USE_EVERY_MS);
    this.#use_timer.unref();
  }

  /** Writes that failed or were not tried. */
  get faults(): number {
    return this.#faults.count;
  }

  /** Takes another size. */
  resize(max_bytes: number): void {
    this.#max_bytes = max_bytes;
    this.#most_file_bytes = this.#read(0, (environment) => mostFileBytes(environment, max_bytes));
    this.#looked_ms = Number.NEGATIVE_INFINITY;
  }

  /**
   * The answer that is kept under a key, fresh or stale; its body belongs to the caller. Null where there is none.
   * @param is_used whether that is a use of it, which keeps it for longer
   */
  get(key: CacheKey, now_ms: number, is_used = true): CacheEntry | null {
    return this.#read(null, ({ answers }) => {
      const bytes = key.bytes.length > MOST_KEY_BYTES ? undefined : answers.getBinaryFast(key.bytes);
      if (bytes === undefined) return null;
      const entry = entryOfBytes(key.bytes, bytes, bytes.length);
      if (entry === null || entry.stale_until_ms <= now_ms) return null;
      if (is_used) this.#recent.note(key.bytes);
      return entry;
    });
  }

  /**
   * Keeps an answer, in place of the one that may be there: soon, or not at all. Resolves, when it is there, to whether it is.
   * The entry may be changed afterwards.
   */
  async put(key: CacheKey, entry: CacheEntry): Promise<boolean> {
    const { answers, cards } = this.#environment;
    const is_too_large =
      key.bytes.length > MOST_KEY_BYTES ||
      entry.body.length > Math.min(MOST_BODY_BYTES, this.#max_bytes * MOST_PART);
    if (this.#is_closed || is_too_large || !this.#writes.is_open) return false;
    try {
      if (this.#isFull()) {
        this.#faults.note("answers are not kept: there is no room, until old ones are removed");
        return false;
      }
      const bytes = bytesOfEntry(key.bytes, entry);
      const card = bytesOfCard(entry, bytes.length, key.bytes.length);
      this.#put_since_bytes += bytes.length;
      return await this.#writes.all(bytes.length, () => {
        void answers.put(key.bytes, bytes);
        void cards.put(key.bytes, card, entry.stale_until_ms);
      });
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  /** Removes an answer. */
  async remove(key: CacheKey): Promise<void> {
    if (this.#is_closed || key.bytes.length > MOST_KEY_BYTES) return;
    await this.#writes.all(0, () => removeAnswer(this.#environment, key.bytes));
  }

  /** Removes an answer and remembers its key as a bad one's; it may be put again all the same. */
  async block(key: CacheKey, until_ms: number): Promise<void> {
    if (this.#is_closed || key.bytes.length > MOST_KEY_BYTES) return;
    await this.#writes.all(0, () => {
      removeAnswer(this.#environment, key.bytes);
      void this.#environment.blocked.put(key.bytes, NOTHING, until_ms);
    });
  }

  /** Whether a key is remembered as a bad answer's. */
  isBlocked(key: CacheKey, now_ms: number): boolean {
    if (key.bytes.length > MOST_KEY_BYTES) return false;
    const until_ms = this.#read(undefined, ({ blocked }) => blocked.getEntry(key.bytes)?.version);
    return until_ms !== undefined && until_ms > now_ms;
  }

  /**
   * Takes the refreshing of an answer on: true for one caller of all processes, until it calls `endRefresh` or `lease_ms` are over.
   */
  async takeRefresh(key: CacheKey, lease_ms: number, now_ms = Date.now()): Promise<boolean> {
    if (this.#is_closed || key.bytes.length > MOST_KEY_BYTES) return false;
    try {
      return await this.#refreshes.take(key, lease_ms, now_ms);
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  /** Says that a refresh is over that this process took on. */
  endRefresh(key: CacheKey): void {
    if (!this.#is_closed) this.#refreshes.end(key);
  }

  /**
   * Removes the answers that a filter means, a little at a time, and resolves to how many they were. What is put meanwhile may stay;
   * a purge that could not be written to its end counts as a fault.
   */
  async purge(filter: PurgeFilter): Promise<number> {
    if (this.#is_closed) return 0;
    try {
      return await purgeAnswers(this.#environment, this.#writes, filter);
    } catch (error) {
      if (!this.#is_closed) this.#fault(error);
      return 0;
    }
  }

  /** Which answers are kept, in the order of their keys. */
  async list(query: ListingQuery): Promise<ListedAnswer[]> {
    if (this.#is_closed) return [];
    try {
      return await listAnswers(this.#environment, query);
    } catch (error) {
      if (!this.#is_closed) this.#fault(error);
      return [];
    }
  }

  /** What was learned under a key; null for nothing. */
  readNote(key: CacheKey): Buffer | null {
    return this.#read(null, ({ notes }) => notes.get(key.bytes) ?? null);
  }

  /** All that was learned, under whatever key. */
  notes(): Buffer[] {
    return this.#read([], ({ notes }) => Array.from(notes.getRange(), ({ value }) => value));
  }

  /** Writes down what was learned under a key. Resolves to whether it is written. */
  async writeNote(key: CacheKey, note: Uint8Array): Promise<boolean> {
    if (this.#is_closed) return false;
    return this.#writes.all(
      note.length,
      () => void this.#environment.notes.put(key.bytes, Buffer.from(note)),
    );
  }

  /** How many answers there are and what they take: tens of microseconds. */
  stats(): ExactCacheStats {
    const nothing: StoreSize = { entries: 0, bytes: 0, file_bytes: 0 };
    return { ...this.#read(nothing, sizeOf), faults: this.faults };
  }

  /** Writes down which answers were used of late, so that eviction spares them. It is done by itself each minute. */
  async writeUse(now_ms = Date.now()): Promise<void> {
    const keys = this.#recent.take();
    if (keys.length === 0) return;
    const second = bytesOfSecond(Math.floor(now_ms / 1000));
    await this.#writes.all(0, () => {
      for (const key of keys) void this.#environment.used.put(key, second);
    });
  }

  /** Resolves when all that was put so far is written, or has failed. */
  settled(): Promise<void> {
    return this.#writes.settled();
  }

  /** Writes what is on its way, for two seconds at most, and lets go of the files. */
  async close(): Promise<void> {
    if (this.#is_closed) return;
    clearInterval(this.#use_timer);
    await this.writeUse();
    this.#is_closed = true;
    await this.#writes.close();
  }

  #isFull(): boolean {
    const now_ms = performance.now();
    const is_new = now_ms - this.#looked_ms < SIZE_EVERY_MS;
    if (is_new && (this.#is_full || this.#put_since_bytes < this.#max_bytes / 100)) return this.#is_full;
    const { bytes, file_bytes } = sizeOf(this.#environment);
    this.#looked_ms = now_ms;
    this.#put_since_bytes = 0;
    this.#is_full = bytes > this.#max_bytes * FULL_AT || file_bytes > this.#most_file_bytes;
    return this.#is_full;
  }

  #read<T>(otherwise: T, action: (environment: Environment) => T): T {
    if (this.#is_closed) return otherwise;
    try {
      return action(this.#environment);
    } catch (error) {
      this.#fault(error);
      return otherwise;
    }
  }

  #fault(error: unknown): void {
    this.#faults.note(`answers cannot be read or written (${messageOf(error)})`);
  }
}

function mostFileBytes(environment: Environment, max_bytes: number): number {
  return sizeOf(environment).file_bytes + max_bytes * FILE_FULL_AT + FILE_FULL_ABOVE_BYTES;
}
