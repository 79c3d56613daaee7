// The supervisor's hand on the ledger: rows go to a thread that writes them, and a promise says when they are on the disk.
// A thread that dies is started again and given once more what it had not written yet; rows that it had are known by their ids.

import { type Level, say } from "../../config/say.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import type { Budget } from "../../ledger/budgets.ts";
import { type LedgerSettings, ledgerSettings } from "../../ledger/settings.ts";
import type { Order, Report } from "../../ledger/writer_thread.ts";
import type { LedgerStoreStatus } from "../../memory/host_facts.ts";
import { threadUrl } from "../../program/parts.ts";

/** How long a thread that died is left before it is started again. */
const RESTART_MS = 1000;

/** What a ledger's writer is started with. */
export interface LedgerWriterOptions {
  /** The data folder. */
  readonly folder: string;
  readonly config: ResolvedConfig;
  /** Budgets that the configuration does not have, asked for at the start and at every `configure`. */
  budgets?(): readonly Budget[];
  /** How the store beyond the data folder does; null without one. */
  onStatus?(status: LedgerStoreStatus | null): void;
  /** Where events are told to a person; by default standard error. */
  log?(line: string, level?: Level): void;
  /** Hears how much models answer otherwise than usual. */
  onShifts?(count: number): void;
}

/** Writes the ledger. */
export interface LedgerWriter {
  /** Opens the ledger, which the first write does too; in words, why it cannot be. */
  open(): Promise<string | null>;
  /**
   * Resolves when these rows, a line each (`ledger/row_line.ts`), are committed and on the disk. A row whose id is there already
   * is left out; a line that is no row is told of and left out. It rejects only where the ledger could not be opened or is closed.
   */
  write(lines: Uint8Array): Promise<void>;
  /** Resolves when what was written until now is where the configuration wants rows, or after ten seconds in which it was not. */
  flush(): Promise<void>;
  /** Takes another configuration. */
  configure(config: ResolvedConfig): void;
  /** Writes what was given to it and closes the ledger. Safe to call twice. */
  close(): Promise<void>;
}

interface Batch {
  readonly lines: Uint8Array;
  resolve(): void;
  reject(error: Error): void;
}

/** The writer of a folder's ledger, in a thread of its own from its opening on. */
export function startLedgerWriter(options: LedgerWriterOptions): LedgerWriter {
  return new ThreadWriter(options);
}

class ThreadWriter implements LedgerWriter {
  readonly #opened: Promise<string | null>;
  readonly #options: LedgerWriterOptions;
  readonly #tellOpened: (fault: string | null) => void;
  /** By number, in order. */
  readonly #batches = new Map<number, Batch>();
  readonly #flushes = new Map<number, () => void>();
  #last_batch = 0;
  #settings: LedgerSettings;
  #thread: Worker | null = null;
  #fault: string | null = null;
  #closing: { readonly promise: Promise<void>; resolve(): void } | null = null;

  constructor(options: LedgerWriterOptions) {
    this.#options = options;
    this.#settings = ledgerSettings(options.config, options.budgets?.());
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#opened = promise;
    this.#tellOpened = resolve;
  }

  open(): Promise<string | null> {
    if (this.#thread === null && this.#closing === null) this.#start();
    return this.#opened;
  }

  write(lines: Uint8Array): Promise<void> {
    if (lines.length === 0) return Promise.resolve();
    if (this.#fault !== null) return Promise.reject(new Error(this.#fault));
    if (this.#closing !== null) return Promise.reject(new Error("the ledger is closed"));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    void this.open();
    this.#last_batch += 1;
    this.#batches.set(this.#last_batch, { lines, resolve, reject });
    this.#order({ kind: "write", batch: this.#last_batch, lines });
    return promise;
  }

  flush(): Promise<void> {
    if (this.#thread === null || this.#closing !== null || this.#fault !== null) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last_batch += 1;
    this.#flushes.set(this.#last_batch, resolve);
    this.#order({ kind: "flush", flush: this.#last_batch });
    return promise;
  }

  configure(config: ResolvedConfig): void {
    this.#settings = ledgerSettings(config, this.#options.budgets?.());
    if (this.#closing === null) this.#order({ kind: "configure", settings: this.#settings });
  }

  close(): Promise<void> {
    if (this.#closing === null) {
      this.#closing = Promise.withResolvers<void>();
      if (this.#fault === null && this.#thread !== null) this.#order({ kind: "close" });
      else this.#end();
    }
    return this.#closing.promise;
  }

  #start(): void {
    const thread = new Worker(threadUrl("ledger/writer_thread.ts"));
    thread.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#log(`the ledger's thread failed: ${event.message}`);
    };
    thread.addEventListener("close", () => this.#restart(thread));
    this.#thread = thread;
    this.#order({ kind: "open", folder: this.#options.folder, settings: this.#settings });
    for (const [batch, { lines }] of this.#batches) this.#order({ kind: "write", batch, lines });
    if (this.#closing !== null) this.#order({ kind: "close" });
  }

  /** A thread has ended: unless it was told to, there is another one soon. */
  #restart(thread: Worker): void {
    if (thread !== this.#thread || this.#fault !== null) return;
    this.#log("the ledger's thread has died; it is started again");
    for (const resolve of this.#flushes.values()) resolve();
    this.#flushes.clear();
    setTimeout(() => this.#start(), RESTART_MS);
  }

  #order(order: Order): void {
    this.#thread?.postMessage(order);
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case "opened":
        if (report.fault !== null) this.#refuse(report.fault);
        this.#tellOpened(report.fault);
        return;
      case "written":
        this.#batches.get(report.batch)?.resolve();
        this.#batches.delete(report.batch);
        return;
      case "flushed":
        this.#flushes.get(report.flush)?.();
        this.#flushes.delete(report.flush);
        return;
      case "status":
        this.#options.onStatus?.(report.status);
        return;
      case "log":
        this.#log(report.line);
        return;
      case "shifts":
        this.#options.onShifts?.(report.count);
        for (const line of report.news) (this.#options.log ?? say)(`quality: ${line}`, "warn");
        return;
      case "closed":
        this.#end();
        return;
    }
  }

  /** The ledger cannot be opened: what was to be written to it is told so. */
  #refuse(fault: string): void {
    this.#fault = fault;
    for (const { reject } of this.#batches.values()) reject(new Error(fault));
    this.#batches.clear();
    if (this.#closing !== null) this.#end();
  }

  #end(): void {
    this.#fault ??= "the ledger is closed";
    for (const resolve of this.#flushes.values()) resolve();
    this.#closing?.resolve();
    this.#thread?.terminate();
  }

  #log(line: string): void {
    (this.#options.log ?? say)(`ledger: ${line}`);
  }
}
