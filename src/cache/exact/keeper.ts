// The keeper of the answers: one process, the supervisor, removes what is too old and what is too much, in the background and a
// little at a time. It also repairs: a damaged store is put aside when it opens one.

import { ExactCache, type ExactCacheOptions } from "./cache.ts";
import { cardOfBytes } from "./card.ts";
import {
  type Database,
  type Environment,
  messageOf,
  openEnvironment,
  repairEnvironment,
} from "./environment.ts";
import { FaultReport } from "./fault_report.ts";
import { removeAnswer } from "./purge.ts";
import { secondOfBytes } from "./recent_use.ts";
import { Sample } from "./sample.ts";
import { sizeOf } from "./size.ts";
import { walk } from "./walk.ts";
import { Writes } from "./writes.ts";

/** How often the size is looked at. */
const LOOK_EVERY_MS = 1000;
/** How often all is looked through for what is too old. */
const TIDY_EVERY_MS = 10 * 60_000;
/** Where eviction leads to, as a part of the size. */
const EVICT_TO = 0.9;
/** Pages give room back only as they empty: above this part of the size one eviction follows another at once. */
const EVICT_AGAIN_AT = 1.05;
const MOST_ROUNDS = 20;

/** What a keeper is made of. */
export interface CacheKeeperOptions extends Omit<ExactCacheOptions, "onFault"> {
  /** Hears of repairs and faults, in words for a log. */
  log(line: string): void;
  /** Whether no other process uses the answers yet: only then what is damaged can be told from what is being written. By default so. */
  readonly is_alone?: boolean;
}

/** Opens the answers of a data folder as their keeper, or says why it cannot. What is damaged is put aside, and that is logged. */
export function openCacheKeeper(
  data: string,
  options: CacheKeeperOptions,
): CacheKeeper | { readonly fault: string } {
  const environment =
    (options.is_alone ?? true)
      ? repairEnvironment(data, options.max_bytes, (line) => options.log(line))
      : openEnvironment(data, options.max_bytes);
  if ("fault" in environment) return environment;
  try {
    return new CacheKeeper(environment, options);
  } catch (error) {
    return { fault: `answers cannot be kept: their files cannot be read (${messageOf(error)})` };
  }
}

/** Keeps a store small and tidy. Nothing that is called here throws or rejects. */
export class CacheKeeper {
  /** The answers, for purges and figures. */
  readonly cache: ExactCache;
  readonly #environment: Environment;
  readonly #faults: FaultReport;
  readonly #writes: Writes;
  readonly #timer: NodeJS.Timeout;
  #max_bytes: number;
  #is_closed = false;
  /** Work is done one after another. */
  #turn: Promise<void> = Promise.resolve();
  #is_working = false;
  #tidied_ms = performance.now();
  /** Bytes after the last eviction: free room within pages is used up first, and so it is no reason for another. */
  #evicted_to_bytes = 0;

  constructor(environment: Environment, { max_bytes, log }: CacheKeeperOptions) {
    this.#environment = environment;
    this.#max_bytes = max_bytes;
    this.cache = new ExactCache(environment, { max_bytes, onFault: (message) => log(message) });
    this.#faults = new FaultReport((message) => log(message));
    this.#writes = new Writes(environment, this.#faults);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Takes another size; a smaller one is kept soon. */
  resize(max_bytes: number): void {
    this.#max_bytes = max_bytes;
    this.cache.resize(max_bytes);
  }

  /** Removes all that is past its time: answers, bad answers' keys, leases; and what is known of answers that are gone. */
  tidy(now_ms = Date.now()): Promise<void> {
    return this.#work(async () => {
      this.#tidied_ms = performance.now();
      await this.#removeOld(this.#environment.cards, now_ms, (key) => removeAnswer(this.#environment, key));
      for (const database of [this.#environment.blocked, this.#environment.refreshes]) {
        await this.#removeOld(database, now_ms, (key) => void database.remove(key));
      }
      await this.#removeOrphans();
    });
  }

  /** Removes the longest unused answers, if there are too many: as many as make the store nine tenths of its size. */
  evict(): Promise<void> {
    return this.#work(async () => {
      for (let round = 0; round < MOST_ROUNDS && this.#isTooLarge(); round++) {
        const { bytes } = sizeOf(this.#environment);
        const removed = await this.#evictPart(1 - (EVICT_TO * this.#max_bytes) / bytes);
        this.#evicted_to_bytes = sizeOf(this.#environment).bytes;
        if (removed === 0 || this.#is_closed || !this.#writes.is_open) break;
      }
    });
  }

  /** Ends what it is at, and closes the store. */
  async close(): Promise<void> {
    if (this.#is_closed) return;
    this.#is_closed = true;
    clearInterval(this.#timer);
    await this.#turn;
    await this.cache.close();
  }

  #look(): void {
    if (this.#is_working) return;
    if (performance.now() - this.#tidied_ms >= TIDY_EVERY_MS) void this.tidy();
    void this.evict();
  }

  #isTooLarge(): boolean {
    const { bytes } = sizeOf(this.#environment);
    // Once it is smaller, growing is a reason again.
    this.#evicted_to_bytes = Math.min(this.#evicted_to_bytes, bytes);
    const is_grown = bytes > this.#max_bytes && bytes > this.#evicted_to_bytes;
    return is_grown || bytes > this.#max_bytes * EVICT_AGAIN_AT;
  }

  #work(action: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#is_closed) return;
      this.#is_working = true;
      try {
        // A reader that was killed holds old pages back until it is looked for.
        this.#environment.root.readerCheck();
        await action();
      } catch (error) {
        this.#faults.note(`the kept answers cannot be tidied (${messageOf(error)})`);
      } finally {
        this.#is_working = false;
      }
    });
    return this.#turn;
  }

  /** Removes records whose version is past; not one that was put anew meanwhile, because its version is another. */
  async #removeOld(database: Database, now_ms: number, remove: (key: Buffer) => void): Promise<void> {
    let old: { readonly key: Buffer; readonly version: number }[] = [];
    await walk(
      database,
      {},
      ({ key, version }) => {
        if (version <= now_ms) old.push({ key, version });
      },
      async () => {
        const found = old;
        old = [];
        if (this.#is_closed) return false;
        if (found.length === 0) return true;
        return this.#writes.all(0, () => {
          for (const { key, version } of found) {
            // A transaction that fails is told of as a whole.
            database.ifVersion(key, version, () => remove(key)).catch(() => {});
          }
        });
      },
    );
  }

  async #removeOrphans(): Promise<void> {
    const { used, cards } = this.#environment;
    let orphans: Buffer[] = [];
    await walk(
      used,
      {},
      ({ key }) => {
        if (!cards.doesExist(key)) orphans.push(key);
      },
      () => {
        const found = orphans;
        orphans = [];
        return this.#remove(found, (key) => void used.remove(key));
      },
    );
  }

  /** Removes about this part of all answers, by size, of those that are longest unused. Says how many. */
  async #evictPart(part: number): Promise<number> {
    const sample = new Sample();
    await this.#walkAnswers((_key, used_s, bytes) => sample.show(used_s, bytes), []);
    const since_s = sample.unusedSince(part);
    let left_bytes = part * sample.bytes;
    let removed = 0;
    const evicted: Buffer[] = [];
    await this.#walkAnswers((key, used_s, bytes) => {
      if (used_s > since_s || left_bytes <= 0) return;
      left_bytes -= bytes;
      removed++;
      evicted.push(key);
    }, evicted);
    return removed;
  }

  /** Shows every answer, and removes after each slice those that are among `unwanted` by then. */
  async #walkAnswers(
    visit: (key: Buffer, used_s: number, bytes: number) => void,
    unwanted: Buffer[],
  ): Promise<void> {
    const { cards, used } = this.#environment;
    await walk(
      cards,
      {},
      ({ key, value }) => {
        const card = cardOfBytes(value);
        // One whose card cannot be read goes first; it has a page at least.
        if (card === null) visit(key, 0, 4096);
        else visit(key, Math.max(card.created_s, secondOfBytes(used.get(key))), card.bytes);
      },
      () => this.#remove(unwanted.splice(0), (key) => removeAnswer(this.#environment, key)),
    );
  }

  /** Says whether to go on. */
  async #remove(keys: readonly Buffer[], remove: (key: Buffer) => void): Promise<boolean> {
    if (this.#is_closed) return false;
    if (keys.length === 0) return true;
    return this.#writes.all(0, () => {
      for (const key of keys) remove(key);
    });
  }
}
