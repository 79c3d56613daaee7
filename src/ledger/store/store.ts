// The store: rows go in here, each once, and with them everything that is counted by them, in one transaction.
// A row whose id is there already changes nothing: whoever is not sure that a row arrived sends it again.

import type { Database, Statement } from "bun:sqlite";
import { LineReader, readNames } from "../row_reader.ts";
import type { LedgerSettings } from "../settings.ts";
import { readSketch } from "../sketch.ts";
import { AlertBook } from "./alert_book.ts";
import { Batch, Kind } from "./batch.ts";
import { BudgetWatch } from "./budget_watch.ts";
import { Cursors, WRITTEN } from "./cursors.ts";
import { DAY_GROUPS_MAX, Groups, groupTable } from "./groups.ts";
import { Quality } from "./quality.ts";
import { Rollups } from "./rollups.ts";
import { isKnownRow, Rows } from "./rows.ts";
import { Spend, type Spending } from "./spend.ts";
import { periodStart } from "./windows.ts";

/** What became of a batch. */
export interface BatchCounts {
  readonly written: number;
  /** Rows that were there already. */
  readonly known: number;
  /** Lines that are no rows. */
  readonly faults: number;
}

/** The ledger's tables, to be written. */
export class Store {
  readonly db: Database;
  readonly cursors: Cursors;
  readonly alerts: AlertBook;
  readonly spend: Spend;
  readonly quality: Quality;
  readonly #rows: Rows;
  readonly #mark_minute: Statement<unknown, [number, number, number]>;
  readonly #reader = new LineReader();
  readonly #groups: Groups;
  readonly #rollups: Rollups;
  readonly #watch = new BudgetWatch();

  constructor(db: Database, day_groups_max = DAY_GROUPS_MAX) {
    this.db = db;
    this.cursors = new Cursors(db);
    this.alerts = new AlertBook(db);
    this.spend = new Spend(db);
    this.quality = new Quality(db);
    this.#groups = new Groups(groupTable(db), day_groups_max);
    this.#rollups = new Rollups(db);
    this.#rows = new Rows(db);
    this.#mark_minute = db.query(
      "INSERT INTO minutes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq",
    );
  }

  /** Takes other budgets and shares, and compares what has been spent with them. */
  configure(settings: LedgerSettings, now_ms: number): void {
    this.#watch.configure(settings);
    this.#transact(() => {
      for (const { scope, name, period } of this.#watch.budgets) {
        this.#compare(this.spend.of(scope, name, period, periodStart(period, now_ms)), now_ms);
      }
    });
  }

  /** Writes the rows of these lines and commits them: when it returns, they are on the disk. It throws what SQLite throws. */
  write(lines: readonly string[], now_ms: number): BatchCounts {
    try {
      return this.#write(lines, now_ms, true);
    } catch (error) {
      if (!isKnownRow(error)) throw error;
      return this.#write(lines, now_ms, false);
    }
  }

  /** `are_new`: as if no row were there; that one is shows in an error. */
  #write(lines: readonly string[], now_ms: number, are_new: boolean): BatchCounts {
    const row = this.#reader;
    let written = 0;
    let faults = 0;
    let sketches = 0;
    this.#transact(() => {
      const batch = new Batch();
      let seq = this.cursors.at(WRITTEN) ?? 0;
      for (const line of lines) {
        const kind = row.read(line) ? batch.kindOf(row, this.#makeKind) : null;
        if (kind === null) {
          const sketch = readSketch(line);
          if (sketch === null) faults += 1;
          else {
            this.quality.compare(sketch);
            sketches += 1;
          }
          continue;
        }
        if (are_new) this.#rows.addNew(row, kind.placed, kind.names, seq + 1);
        else if (!this.#rows.add(row, kind.placed, kind.names, seq + 1)) continue;
        written += 1;
        seq += 1;
        batch.count(row, kind, seq);
        this.quality.count(row, kind.names);
      }
      this.quality.flush();
      if (written === 0) return;
      this.#rows.flush();
      this.cursors.advance(WRITTEN, seq);
      for (const { start_ms, first_seq, last_seq } of batch.minutes) {
        this.#mark_minute.run(start_ms, first_seq, last_seq);
      }
      this.#rollups.add(batch.windows);
      const spenders = this.spend.add(batch.kinds, this.#watch.countsUsers);
      const watched = spenders.filter((spender) => this.#watch.isWatched(spender));
      this.#compare(
        watched.map((spender) => this.spend.by(spender)),
        now_ms,
      );
    });
    return { written, known: lines.length - written - faults - sketches, faults };
  }

  readonly #makeKind = (text: string, day_ms: number): Kind | null => {
    const names = readNames(text);
    return names === null ? null : new Kind(text, names, day_ms, this.#groups.groupOf(names, day_ms));
  };

  #compare(spendings: readonly Spending[], now_ms: number): void {
    for (const alert of this.#watch.alertsOf(spendings, now_ms)) this.alerts.add(alert);
  }

  #transact(work: () => void): void {
    try {
      this.db.transaction(work).immediate();
    } catch (error) {
      this.#groups.forget();
      this.#rows.forget();
      this.quality.forget();
      throw error;
    }
  }
}
