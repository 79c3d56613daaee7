// The ledger's engines, as one table of cases sees them: a file of SQLite, and a schema of Postgres.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { readPostgresAddress } from "../../../src/config/postgres_address.ts";
import { postgresReader } from "../../../src/ledger/postgres/reader.ts";
import { PostgresStore } from "../../../src/ledger/postgres/store.ts";
import type { LedgerSettings } from "../../../src/ledger/settings.ts";
import type { Alert } from "../../../src/ledger/store/alert_book.ts";
import { ledgerPath, openToWrite } from "../../../src/ledger/store/open.ts";
import { type LedgerReader, readerOf } from "../../../src/ledger/store/query.ts";
import { type BatchCounts, Store } from "../../../src/ledger/store/store.ts";
import { Database as PostgresDatabase } from "../../../src/postgres/database.ts";
import { PostgresServer, postgres_missing } from "../../postgres/server.ts";

/** A ledger that is open. */
export interface OpenLedger {
  write(lines: readonly string[], now_ms: number): Promise<BatchCounts>;
  configure(settings: LedgerSettings, now_ms: number): Promise<void>;
  readonly reader: LedgerReader;
  /** Whole numbers come as numbers. */
  all(sql: string): Promise<Record<string, number>[]>;
  /** Alerts that were to be sent, in order. */
  alerts(): Record<string, unknown>[];
  /** Closes it and opens it again. */
  reopen(day_groups_max?: number): Promise<void>;
  close(): Promise<void>;
}

/** What ledgers are kept in. */
export interface Engine {
  readonly name: string;
  /** Why it cannot be tested here; null if it can. */
  readonly missing: string | null;
  /** What the engine needs for all of its ledgers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  open(day_groups_max?: number): Promise<OpenLedger>;
}

class FileLedger implements OpenLedger {
  readonly #folder = mkdtempSync(join(tmpdir(), "venturi-"));
  #store: Store;
  reader: LedgerReader;

  constructor(day_groups_max?: number) {
    this.#store = this.#open(day_groups_max);
    this.reader = readerOf(this.#store.db);
  }

  get store(): Store {
    return this.#store;
  }

  write = async (lines: readonly string[], now_ms: number) => this.#store.write(lines, now_ms);
  configure = async (settings: LedgerSettings, now_ms: number) => this.#store.configure(settings, now_ms);
  all = async (sql: string) => this.#store.db.query<Record<string, number>, []>(sql).all();

  alerts(): Record<string, unknown>[] {
    const found = this.#store.db.query<{ body: string }, []>("SELECT body FROM alerts ORDER BY id").all();
    return found.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }

  async reopen(day_groups_max?: number): Promise<void> {
    this.#store.db.close();
    this.#store = this.#open(day_groups_max);
    this.reader = readerOf(this.#store.db);
  }

  async close(): Promise<void> {
    this.#store.db.close();
    rmSync(this.#folder, { recursive: true });
  }

  #open(day_groups_max?: number): Store {
    const db = openToWrite(ledgerPath(this.#folder), (line) => {
      throw new Error(line);
    });
    if (!(db instanceof Database)) throw new Error(db.fault);
    return new Store(db, day_groups_max);
  }
}

/** A ledger in a schema of its own. */
export class SchemaLedger implements OpenLedger {
  readonly #db: PostgresDatabase;
  readonly #alerts: Alert[] = [];
  #store!: PostgresStore;
  readonly reader: LedgerReader;

  private constructor(db: PostgresDatabase) {
    this.#db = db;
    this.reader = postgresReader(db);
  }

  /** Opens one, which is made where it is not there. */
  static async open(url: string, day_groups_max?: number): Promise<SchemaLedger> {
    const address = readPostgresAddress(url);
    if ("fault" in address) throw new Error(address.fault);
    const ledger = new SchemaLedger(new PostgresDatabase(address, { max: 2 }));
    await ledger.reopen(day_groups_max);
    return ledger;
  }

  write = (lines: readonly string[], now_ms: number) => this.#store.write(lines, now_ms);
  configure = (settings: LedgerSettings, now_ms: number) => this.#store.configure(settings, now_ms);
  alerts = () => this.#alerts.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

  async all(sql: string): Promise<Record<string, number>[]> {
    // Sums of whole numbers are of a type without a bound.
    const whole = sql.replace(/sum\(\w+\)/g, "$&::bigint");
    const found = await this.#db.ask<Record<string, number | bigint>>(whole);
    return found.map(
      (record) =>
        Object.fromEntries(
          Object.entries(record).map(([name, value]) => [
            name,
            typeof value === "bigint" ? Number(value) : value,
          ]),
        ) as Record<string, number>,
    );
  }

  async reopen(day_groups_max?: number): Promise<void> {
    this.#store = await PostgresStore.open(this.#db, {
      ...(day_groups_max === undefined ? {} : { day_groups_max }),
      takeAlert: (alert) => this.#alerts.push(alert),
    });
  }

  close = () => this.#db.close();
}

let server: PostgresServer | null = null;
let schemas = 0;

/** The engines. */
export const ENGINES: readonly Engine[] = [
  {
    name: "sqlite",
    missing: null,
    start: async () => {},
    stop: async () => {},
    open: async (day_groups_max) => new FileLedger(day_groups_max),
  },
  {
    name: "postgres",
    missing: postgres_missing,
    start: async () => {
      server = await PostgresServer.start();
    },
    stop: async () => {
      await server?.stop();
      server = null;
    },
    open: (day_groups_max) => SchemaLedger.open(server!.url(`ledger_${++schemas}`), day_groups_max),
  },
];

/** Runs the same cases on every engine; those that cannot be had here are skipped. */
export function onEveryEngine(cases: (engine: Engine) => void): void {
  for (const engine of ENGINES) {
    describe.skipIf(engine.missing !== null)(`kept in ${engine.name}:`, () => {
      beforeAll(() => engine.start(), 60_000);
      afterAll(() => engine.stop());
      cases(engine);
    });
  }
}
