// Writes to the store: handed to LMDB's own thread, so that the event loop never waits for a disk or for another process's
// transaction. What comes while one transaction is on its way goes into the next. They may fail, be late or never end; whoever asks
// for one hears of it as `false` and goes on without.

import { type Environment, messageOf } from "./environment.ts";
import type { FaultReport } from "./fault_report.ts";

/** What may wait for the disk; more is not taken on. */
const MOST_PENDING_BYTES = 64 * 1024 * 1024;
const MOST_PENDING_WRITES = 10_000;
/** Writes of a transaction at most: the event loop hands them over in one go. */
const MOST_TOGETHER = 500;
/** After a write that failed no other is tried for so long: the library says aloud what happened each time. */
const PAUSE_MS = 1000;
/** A closing store waits so long for its writes. */
const CLOSE_WITHIN_MS = 2000;

interface Write {
  readonly bytes: number;
  readonly action: () => void;
  readonly end: (is_written: boolean) => void;
}

/** The writes of one process. */
export class Writes {
  readonly #environment: Environment;
  readonly #faults: FaultReport;
  readonly #waiting: Write[] = [];
  /** The conditional ones, which go on their own. */
  readonly #conditional = new Set<Promise<boolean>>();
  #pending_bytes = 0;
  #writing: Promise<void> | null = null;
  #paused_until_ms = 0;
  #is_closed = false;

  constructor(environment: Environment, faults: FaultReport) {
    this.#environment = environment;
    this.#faults = faults;
  }

  /** Whether a write would be tried now. */
  get is_open(): boolean {
    return !this.#is_closed && performance.now() >= this.#paused_until_ms;
  }

  /** All of `action`'s changes in one transaction. Resolves to whether they are written, and never rejects. */
  all(bytes: number, action: () => void): Promise<boolean> {
    if (!this.#hasRoom()) return Promise.resolve(false);
    this.#pending_bytes += bytes;
    const written = new Promise<boolean>((end) => this.#waiting.push({ bytes, action, end }));
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return written;
  }

  /** A write that says by itself whether its condition held. Resolves to that, or to false where it failed. */
  conditional(begin: () => Promise<boolean>): Promise<boolean> {
    if (!this.#hasRoom()) return Promise.resolve(false);
    const ended = this.#outcomeOf(begin).finally(() => this.#conditional.delete(ended));
    this.#conditional.add(ended);
    return ended;
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    await Promise.all(this.#conditional);
  }

  /** Takes no more, waits for what is on its way, though not for ever, and closes the environment. */
  async close(): Promise<void> {
    if (this.#is_closed) return;
    this.#is_closed = true;
    const closed = this.settled()
      .then(() => this.#environment.root.close())
      .catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_WITHIN_MS);
    });
    await Promise.race([closed, late]);
    clearTimeout(timer);
  }

  #hasRoom(): boolean {
    if (!this.is_open) return false;
    const waiting = this.#waiting.length + this.#conditional.size;
    if (this.#pending_bytes <= MOST_PENDING_BYTES && waiting < MOST_PENDING_WRITES) return true;
    this.#faults.note("answers are not written as fast as they come, or not at all any more");
    return false;
  }

  /** One transaction after another, until nothing waits. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What else comes in this turn goes along.
      await new Promise((next) => setImmediate(next));
      const writes = this.#waiting.splice(0, MOST_TOGETHER);
      const is_written = await this.#outcomeOf(() =>
        this.#environment.root.batch(() => {
          for (const { action } of writes) action();
        }),
      );
      for (const { bytes, end } of writes) {
        this.#pending_bytes -= bytes;
        end(is_written);
      }
    }
  }

  async #outcomeOf(begin: () => Promise<boolean>): Promise<boolean> {
    try {
      return await begin();
    } catch (error) {
      this.#paused_until_ms = performance.now() + PAUSE_MS;
      this.#faults.note(`answers cannot be written (${messageOf(await causeOf(error))})`);
      return false;
    }
  }
}

/** The library says what happened in a second promise, that nobody else holds. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error && "commitError" in error ? error.commitError : null;
  return cause instanceof Promise ? cause.catch((why: unknown) => why) : error;
}
