// Writes to the store: handed to LMDB's own thread, so that the event loop never waits for a disk or for another process's
// transaction. They may fail, late or never end; whoever asks for one hears of it as `false` and goes on without.

import { type Environment, messageOf } from "./environment.ts";
import type { FaultReport } from "./fault_report.ts";

/** What may be on its way to the disk; more is not taken on. */
const MOST_PENDING_BYTES = 64 * 1024 * 1024;
const MOST_PENDING_WRITES = 10_000;
/** After a write that failed no other is tried for so long: the library aborts all that is in one transaction, and says so aloud. */
const PAUSE_MS = 1000;
/** A closing store waits so long for its writes. */
const CLOSE_WITHIN_MS = 2000;

/** The writes of one process. */
export class Writes {
  readonly #environment: Environment;
  readonly #faults: FaultReport;
  readonly #pending = new Set<Promise<boolean>>();
  #pending_bytes = 0;
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

  /** Counted where too much is on its way already. */
  get is_behind(): boolean {
    return this.#pending_bytes > MOST_PENDING_BYTES || this.#pending.size >= MOST_PENDING_WRITES;
  }

  /** All of `action`'s changes in one transaction. Resolves to whether they are written, and never rejects. */
  all(bytes: number, action: () => void): Promise<boolean> {
    return this.start(bytes, () => this.#environment.root.batch(action));
  }

  /** Starts a write that says by itself whether its condition held. Resolves to that, or to false where it failed. */
  start(bytes: number, begin: () => Promise<boolean>): Promise<boolean> {
    if (!this.is_open) return Promise.resolve(false);
    if (this.is_behind) {
      this.#faults.note("answers are not written as fast as they come, or not at all any more");
      return Promise.resolve(false);
    }
    let begun: Promise<boolean>;
    try {
      begun = begin();
    } catch (error) {
      this.#fail(error);
      return Promise.resolve(false);
    }
    const ended = begun
      .catch((error: unknown) => {
        this.#fail(error);
        return false;
      })
      .finally(() => {
        this.#pending.delete(ended);
        this.#pending_bytes -= bytes;
      });
    this.#pending.add(ended);
    this.#pending_bytes += bytes;
    return ended;
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
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

  #fail(error: unknown): void {
    this.#paused_until_ms = performance.now() + PAUSE_MS;
    const cause = error instanceof Error && "commitError" in error ? error.commitError : null;
    // The library says what happened in a second promise, that nobody else holds.
    if (cause instanceof Promise) cause.catch((why: unknown) => this.#note(why));
    else this.#note(error);
  }

  #note(error: unknown): void {
    this.#faults.note(`answers cannot be written (${messageOf(error)})`);
  }
}
