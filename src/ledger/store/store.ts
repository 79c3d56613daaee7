// The store: rows go in here, each once, and with them everything that is counted by them, in one transaction.
// A row whose id is there already changes nothing: whoever is not sure that a row arrived sends it again.

import type { Database, Statement } from "bun:sqlite";
import type { Budget } from "../budgets.ts";
import type { LedgerRow } from "../row.ts";
import { readRow } from "../row_text.ts";
import type { LedgerSettings } from "../settings.ts";
import { AlertBook } from "./alert_book.ts";
import { CALL_COLUMNS, type ColumnValue, valuesOf } from "./columns.ts";
import { Cursors } from "./cursors.ts";
import { DAY_GROUPS_MAX, Groups, kindOf } from "./groups.ts";
import { BatchSums, Rollups } from "./rollups.ts";
import { Spend, type Spending } from "./spend.ts";
import { periodStart } from "./windows.ts";

/** What became of a batch. */
export interface BatchCounts {
  readonly written: number;
  /** Rows that were there already. */
  readonly known: number;
  /** Texts that are no rows. */
  readonly faults: number;
}

/** Rows of a batch with the same names and day. */
interface Kind {
  readonly row: LedgerRow;
  readonly group: number;
  nano_usd: bigint;
}

/** The ledger's tables, to be written. */
export class Store {
  readonly db: Database;
  readonly cursors: Cursors;
  readonly alerts: AlertBook;
  readonly spend: Spend;
  readonly #insert: Statement<unknown, ColumnValue[]>;
  readonly #groups: Groups;
  readonly #rollups: Rollups;
  /** By scope, name and period. */
  #budgets: ReadonlyMap<string, Budget> = new Map();
  #shares: readonly number[] = [];

  constructor(db: Database, day_groups_max = DAY_GROUPS_MAX) {
    this.db = db;
    this.cursors = new Cursors(db);
    this.alerts = new AlertBook(db);
    this.spend = new Spend(db);
    this.#groups = new Groups(db, day_groups_max);
    this.#rollups = new Rollups(db);
    const marks = CALL_COLUMNS.map(() => "?").join(", ");
    this.#insert = db.query(
      `INSERT INTO calls (${CALL_COLUMNS.join(", ")}) VALUES (${marks}) ON CONFLICT (id) DO NOTHING`,
    );
  }

  /** Takes other budgets and shares, and compares what has been spent with them. */
  configure({ budgets, alerts }: LedgerSettings, now_ms: number): void {
    this.#budgets = new Map(budgets.map((budget) => [budgetKey(budget), budget]));
    this.#shares = alerts?.at ?? [];
    this.#transact(() => {
      for (const { scope, name, period } of budgets) {
        this.#compare(this.spend.of(scope, name, period, periodStart(period, now_ms)), now_ms);
      }
    });
  }

  /** Writes the rows of these texts and commits them: when it returns, they are on the disk. It throws what SQLite throws. */
  write(texts: readonly string[], now_ms: number): BatchCounts {
    let written = 0;
    let faults = 0;
    this.#transact(() => {
      const sums = new BatchSums();
      const kinds = new Map<string, Kind>();
      for (const text of texts) {
        const row = readRow(text);
        if (row === null) {
          faults += 1;
          continue;
        }
        if (this.#insert.run(...valuesOf(row)).changes === 0) continue;
        written += 1;
        // Most rows of a batch are like others of it: names are looked up once.
        const name = kindOf(row);
        let kind = kinds.get(name);
        if (kind === undefined) {
          kind = { row, group: this.#groups.groupOf(row), nano_usd: 0n };
          kinds.set(name, kind);
        }
        if (row.cost_nano_usd !== null && row.cost_nano_usd > 0) kind.nano_usd += BigInt(row.cost_nano_usd);
        sums.add(row, kind.group);
      }
      this.#rollups.add(sums);
      this.#compare(this.spend.add(kinds.values(), this.#countsUsers), now_ms);
    });
    return { written, known: texts.length - written - faults, faults };
  }

  readonly #countsUsers = (key: string): boolean =>
    this.#budgets.has(budgetKey({ scope: "user", name: key, period: "day" })) ||
    this.#budgets.has(budgetKey({ scope: "user", name: key, period: "month" }));

  #compare(spendings: readonly Spending[], now_ms: number): void {
    if (this.#shares.length === 0) return;
    for (const spending of spendings) {
      const budget = this.#budgets.get(budgetKey(spending));
      if (budget !== undefined) this.alerts.compare(spending, budget, this.#shares, now_ms);
    }
  }

  #transact(work: () => void): void {
    try {
      this.db.transaction(work).immediate();
    } catch (error) {
      this.#groups.forget();
      throw error;
    }
  }
}

function budgetKey({ scope, name, period }: Pick<Budget, "scope" | "name" | "period">): string {
  return `${scope}\0${name}\0${period}`;
}
