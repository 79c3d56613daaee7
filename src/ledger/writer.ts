// The ledger's writer: rows in, in the order in which they come; then whoever is told of them; and now and then what is old out.
// A disk that fails is waited for, because the rows are still where they came from; a file that is damaged is replaced.

import { resolve } from "node:path";
import { isPostgres } from "../config/stores_schema.ts";
import type { LedgerStoreStatus } from "../memory/host_facts.ts";
import { BillingFile, cursorsOf, webhookPiece } from "./delivery/billing.ts";
import { type Patience, Pump, USUAL_PATIENCE } from "./delivery/pump.ts";
import { makeShipper, type Shipper, STORE_PATIENCE } from "./delivery/shipper.ts";
import { postJson } from "./delivery/webhook.ts";
import { qualityReport, shiftText } from "./quality/report.ts";
import type { LedgerSettings } from "./settings.ts";
import { WRITTEN } from "./store/cursors.ts";
import { isCorruption, isPassing, ledgerPath, openToWrite, setAside } from "./store/open.ts";
import { Retention } from "./store/retention.ts";
import { type BatchCounts, Store } from "./store/store.ts";
import { startOf } from "./store/windows.ts";

/** How often it is looked for what is too old or too much. */
const CLEAN_EVERY_MS = 60_000;
/** How often it is told how the store beyond the data folder does. */
const STATUS_EVERY_MS = 1_000;
/** How long somebody waits who wants all rows in that store, and how often it is looked whether they are. */
const FLUSH_MS = 10_000;
const FLUSH_LOOK_MS = 20;
/** How long a disk that failed is left alone. */
const DISK_RETRY_MS = 1000;
/** Rows of a transaction at most. */
const BATCH_ROWS = 10_000;

/** What a writer is made of. */
export interface WriterOptions {
  /** The data folder. */
  readonly folder: string;
  readonly settings: LedgerSettings;
  log(line: string): void;
  /** Hears, every hour, of what models answer otherwise than usual: how much that is, and in words what is new of it. */
  onShifts?(count: number, news: readonly string[]): void;
  readonly patience?: Patience;
  /** How the store beyond the data folder does, now and then; null without one. */
  onStatus?(status: LedgerStoreStatus | null): void;
}

/** Writes a ledger. One of them at a time has its file. */
export class Writer {
  readonly #path: string;
  readonly #log: (line: string) => void;
  readonly #onShifts: NonNullable<WriterOptions["onShifts"]>;
  readonly #billing_file: BillingFile;
  readonly #pumps: readonly Pump[];
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #onStatus: (status: LedgerStoreStatus | null) => void;
  #settings: LedgerSettings;
  #store: Store;
  #retention: Retention;
  /** Batches, one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  #cleaning: Promise<void> | null = null;
  /** Brings rows to where they go beyond this folder; null where they stay. */
  #shipper: Shipper | null = null;
  /** `ledger.store` that it is of. */
  #shipped_to = "sqlite";
  /** Shippers are made and ended one after another. */
  #changing: Promise<void> = Promise.resolve();
  #is_closed = false;
  #is_held_back = false;
  /** The hour in which it was looked for shifts last. */
  #looked_ms = 0;

  /** Opens the ledger of a folder, or says why it cannot. */
  static open(options: WriterOptions): Writer | { readonly fault: string } {
    const db = openToWrite(ledgerPath(options.folder), options.log);
    return "fault" in db ? db : new Writer(options, new Store(db));
  }

  private constructor(
    {
      folder,
      settings,
      log,
      patience = USUAL_PATIENCE,
      onStatus = () => {},
      onShifts = () => {},
    }: WriterOptions,
    store: Store,
  ) {
    this.#path = ledgerPath(folder);
    this.#log = log;
    this.#onShifts = onShifts;
    this.#settings = settings;
    this.#store = store;
    this.#retention = new Retention(store.db);
    this.#billing_file = new BillingFile(resolve(folder));
    const billing = () => this.#settings.ledger.billing;
    this.#pumps = [
      new Pump({
        name: "billing file",
        is_drained: true,
        next: () => this.#billing_file.piece(this.#store, billing()),
        ...{ log, patience },
      }),
      new Pump({
        name: "billing webhook",
        next: () => webhookPiece(this.#store, billing()),
        ...{ log, patience },
      }),
      new Pump({ name: "alert", next: () => this.#nextAlert(), ...{ log, patience } }),
      new Pump({
        name: "ledger store",
        next: () => this.#shipper?.piece(this.#store) ?? null,
        is_drained: true,
        ...{ log, patience: STORE_PATIENCE },
      }),
    ];
    this.#onStatus = onStatus;
    this.configure(settings);
    this.#timers = [
      setInterval(() => this.clean(), CLEAN_EVERY_MS),
      setInterval(() => this.#tellStatus(), STATUS_EVERY_MS),
    ];
  }

  /** Writes rows from their lines; resolves when they are on the disk. It waits for a disk that fails. */
  write(lines: readonly string[]): Promise<BatchCounts> {
    const written = this.#turn.then(async () => {
      let counts: BatchCounts = { written: 0, known: 0, faults: 0 };
      for (let from = 0; from < lines.length; from += BATCH_ROWS) {
        counts = sum(counts, await this.#writeBatch(lines.slice(from, from + BATCH_ROWS)));
      }
      if (counts.faults > 0)
        this.#log(`${counts.faults} of ${lines.length} lines are no rows and were left out`);
      for (const pump of this.#pumps) pump.wake();
      // Or whoever is told of them would wait for as long as rows come without a pause.
      await new Promise((next) => setImmediate(next));
      return counts;
    });
    this.#turn = written.catch(() => {});
    return written;
  }

  /** Takes other settings: at once, for what is not delivered yet too. */
  configure(settings: LedgerSettings): void {
    this.#settings = settings;
    this.#applySettings();
    this.#changing = this.#changing
      .then(() => this.#changeShipper(settings.ledger.store))
      .catch((error: unknown) => this.#log(`rows cannot be sent to their store: ${messageOf(error)}`));
    for (const pump of this.#pumps) pump.hurry();
  }

  /** Resolves when what is written until now is in the store beyond the data folder too, or when that takes too long; gives whether it is. */
  async flush(limit_ms = FLUSH_MS): Promise<boolean> {
    await this.#turn;
    await this.#changing;
    const last = this.#store.cursors.at(WRITTEN) ?? 0;
    const end_ms = Date.now() + limit_ms;
    for (const pump of this.#pumps) pump.hurry();
    for (;;) {
      if (this.#shipper === null || (this.#store.cursors.at(this.#shipper.cursor) ?? 0) >= last) return true;
      if (Date.now() >= end_ms || this.#is_closed) return false;
      await new Promise((next) => setTimeout(next, FLUSH_LOOK_MS));
    }
  }

  /** Deletes what is too old or too much, a little at a time. Resolves when nothing of it is left. */
  clean(): Promise<void> {
    this.#cleaning ??= this.#clean()
      .catch((error: unknown) => this.#log(`cannot clean up: ${messageOf(error)}`))
      .finally(() => {
        this.#cleaning = null;
      });
    return this.#cleaning;
  }

  /** Writes what was given to it, tells what can be told soon, and closes the file. */
  async close(): Promise<void> {
    this.#is_closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#turn;
    await this.#cleaning;
    await this.#changing;
    await Promise.all(this.#pumps.map((pump) => pump.stop()));
    this.#tellStatus();
    await this.#shipper?.close();
    this.#billing_file.close();
    try {
      this.#store.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      // The log stays beside the file, and is read with it.
      this.#log(`the log could not be copied into the ledger: ${messageOf(error)}`);
    }
    this.#store.db.close();
  }

  async #writeBatch(lines: readonly string[]): Promise<BatchCounts> {
    for (let failures = 0; ; failures++) {
      try {
        return this.#store.write(lines, Date.now());
      } catch (error) {
        if (isCorruption(error)) this.#replace(messageOf(error));
        else if (!isPassing(error)) return this.#writeHalves(lines, messageOf(error));
        // A minute's failures are told once.
        else if (failures % 60 === 0) {
          this.#log(`rows cannot be written (${messageOf(error)}); they wait, and are tried every second`);
        }
        await new Promise((wake) => setTimeout(wake, DISK_RETRY_MS));
      }
    }
  }

  /** One row that cannot be written must not keep the others from it. */
  async #writeHalves(lines: readonly string[], why: string): Promise<BatchCounts> {
    if (lines.length === 1) {
      this.#log(`this row cannot be written (${why}): ${lines[0]}`);
      return { written: 0, known: 0, faults: 1 };
    }
    const middle = lines.length >> 1;
    const first = await this.#writeBatch(lines.slice(0, middle));
    return sum(first, await this.#writeBatch(lines.slice(middle)));
  }

  /** Sets a damaged file aside and begins a new one. */
  #replace(why: string): void {
    this.#store.db.close();
    setAside(this.#path, why, this.#log);
    const db = openToWrite(this.#path, this.#log);
    if ("fault" in db) {
      this.#log(db.fault);
      return;
    }
    this.#store = new Store(db);
    this.#retention = new Retention(db);
    this.#applySettings();
  }

  #applySettings(): void {
    for (const name of cursorsOf(this.#settings.ledger.billing)) this.#store.cursors.begin(name);
    if (this.#shipper !== null) this.#store.cursors.beginAtFirst(this.#shipper.cursor);
    // What all hosts have spent is compared where all of it is.
    const { alerts } = this.#settings;
    const own = { ...this.#settings, alerts: isPostgres(this.#settings.ledger.store) ? null : alerts };
    this.#store.configure(own, Date.now());
  }

  /** Has the shipper that the settings ask for. */
  async #changeShipper(store: string): Promise<void> {
    if (this.#is_closed || this.#shipped_to === store) return this.#shipper?.configure(this.#settings);
    const before = this.#shipper;
    this.#shipper = null;
    this.#shipped_to = store;
    await before?.close();
    const next = await makeShipper(this.#settings, {
      log: this.#log,
      // In the host's own file it waits for its delivery, whatever becomes of the transaction that it was told in.
      takeAlert: (alert) => {
        this.#store.alerts.add(alert);
        for (const pump of this.#pumps) pump.wake();
      },
    });
    if (next !== null) this.#store.cursors.beginAtFirst(next.cursor);
    this.#shipper = next;
    for (const pump of this.#pumps) pump.hurry();
  }

  #tellStatus(): void {
    this.#onStatus(this.#shipper === null ? null : this.#statusOf(this.#shipper));
  }

  #statusOf({ is_up, rows, cursor }: Shipper): LedgerStoreStatus {
    const { rows: waiting, since_ms } = this.#store.cursors.waiting(cursor);
    return { is_up, rows, waiting, oldest_s: Math.floor((since_ms ?? 0) / 1_000) };
  }

  #nextAlert() {
    const { alerts } = this.#settings;
    if (alerts === null || alerts === undefined) return null;
    const alert = this.#store.alerts.next();
    if (alert === null) return null;
    return {
      what: `alert ${alert.id}`,
      deliver: (signal: AbortSignal) => postJson(alerts.webhook, alert.body, signal),
      done: () => this.#store.alerts.markSent(alert.id, Date.now()),
    };
  }

  /** Tells, once an hour, of models that answer otherwise than they used to. */
  #lookForShifts(now_ms: number): void {
    const hour_ms = startOf("hour", now_ms);
    if (hour_ms === this.#looked_ms || !this.#settings.watches_quality) return;
    this.#looked_ms = hour_ms;
    const news: string[] = [];
    let count = 0;
    for (const model of qualityReport(this.#store.db, now_ms).models) {
      for (const shift of model.comparisons.filter(({ is_shift }) => is_shift)) {
        count += 1;
        if (!this.#store.alerts.addShift(model, shift, now_ms)) continue;
        news.push(shiftText(`${model.provider}/${model.model}`, shift));
      }
    }
    this.#onShifts(count, news);
    for (const pump of this.#pumps) pump.wake();
  }

  async #clean(): Promise<void> {
    const now_ms = Date.now();
    this.#store.spend.prune(now_ms);
    this.#store.alerts.prune(now_ms);
    this.#store.quality.prune(now_ms);
    this.#lookForShifts(now_ms);
    const { billing, retention_days, max_mb } = this.#settings.ledger;
    if (this.#shipper !== null) {
      await this.#shipper
        .clean(this.#settings, now_ms)
        .catch((error: unknown) => this.#log(`cannot clean up ${this.#shipper?.shown}: ${messageOf(error)}`));
    }
    const cursors = [...cursorsOf(billing), ...(this.#shipper === null ? [] : [this.#shipper.cursor])];
    const told = cursors.map((name) => this.#store.cursors.at(name) ?? 0);
    const rules = { retention_days, max_mb, told_seq: Math.min(Number.MAX_SAFE_INTEGER, ...told) };
    while (!this.#is_closed && this.#retention.step(rules, now_ms)) {
      // Rows that wait to be written come first.
      await new Promise((next) => setImmediate(next));
    }
    const was_held_back = this.#is_held_back;
    this.#is_held_back = this.#retention.isHeldBack(rules, now_ms);
    if (this.#is_held_back && !was_held_back) {
      this.#log(
        "old rows are kept beyond their time or size, because not everybody who is told of them has them yet",
      );
    }
  }
}

function sum(a: BatchCounts, b: BatchCounts): BatchCounts {
  return { written: a.written + b.written, known: a.known + b.known, faults: a.faults + b.faults };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
