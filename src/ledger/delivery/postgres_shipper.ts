// Rows on their way into Postgres. What is not certain to have arrived is sent again: rows are known there by their ids.

import { readPostgresAddress } from "../../config/postgres_address.ts";
import { Database } from "../../postgres/database.ts";
import { type DatabaseFault, faultOf } from "../../postgres/fault.ts";
import { cleanPostgres } from "../postgres/retention.ts";
import { PostgresStore } from "../postgres/store.ts";
import type { LedgerSettings } from "../settings.ts";
import type { Store } from "../store/store.ts";
import type { Outcome, Piece } from "./pump.ts";
import { PIECE_ROWS, type Shipper, type ShipperOptions } from "./shipper.ts";

/** Connections: one writes, one deletes what is old. */
const CONNECTIONS = 2;

/** Writes rows to one database. */
export class PostgresShipper implements Shipper {
  readonly cursor: string;
  readonly shown: string;
  readonly #db: Database;
  readonly #options: ShipperOptions;
  #settings: LedgerSettings;
  /** Null until its tables are there. */
  #store: PostgresStore | null = null;
  /** Whether the database has compared what was spent with the budgets as they are. */
  #is_configured = false;
  #is_closed = false;
  is_up = false;
  rows = 0;

  /** To an address that the configuration was checked to have. */
  constructor(url: string, settings: LedgerSettings, options: ShipperOptions) {
    const address = readPostgresAddress(url);
    if ("fault" in address) throw new Error(`ledger.store ${address.fault}`);
    const { host, port, database, schema, shown } = address;
    this.cursor = `postgres ${host}:${port}/${database}/${schema}`;
    this.shown = shown;
    this.#db = new Database(address, { max: CONNECTIONS });
    this.#settings = settings;
    this.#options = options;
  }

  piece(store: Store): Piece | null {
    const next = store.cursors.nextLines(this.cursor, PIECE_ROWS);
    if (next === null) return this.#store === null ? this.#opening() : null;
    return {
      what: `rows ${next.first_seq} to ${next.last_seq}`,
      deliver: (signal) => this.#deliver(next.lines, signal),
      done: () => store.cursors.advance(this.cursor, next.last_seq),
    };
  }

  /** What is wrong with a database shows at the start, not with the first call. */
  #opening(): Piece {
    return { what: "its tables", deliver: (signal) => this.#deliver([], signal), done: () => {} };
  }

  configure(settings: LedgerSettings): void {
    this.#settings = settings;
    this.#is_configured = false;
  }

  async clean({ ledger }: LedgerSettings, now_ms: number): Promise<void> {
    if (this.#store === null || !this.is_up) return;
    await cleanPostgres(this.#db, ledger.retention_days, now_ms, () => !this.#is_closed);
  }

  async close(): Promise<void> {
    this.#is_closed = true;
    await this.#db.close();
  }

  async #deliver(lines: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const end = () => void this.#db.close();
    signal.addEventListener("abort", end);
    try {
      const store = await this.#open();
      if (lines.length > 0) await this.#write(store, lines);
      this.rows += lines.length;
      this.is_up = true;
      return { ok: true };
    } catch (error) {
      this.is_up = false;
      const { message, is_lasting } = faultOf(error);
      return { ok: false, fault: `${this.shown}: ${message}`, is_lasting, retry_after_ms: null };
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  async #open(): Promise<PostgresStore> {
    this.#store ??= await PostgresStore.open(this.#db, {
      takeAlert: this.#options.takeAlert,
    });
    if (!this.#is_configured) {
      this.#is_configured = true;
      try {
        await this.#store.configure(this.#settings, Date.now());
      } catch (error) {
        this.#is_configured = false;
        throw error;
      }
    }
    return this.#store;
  }

  /** One row that the database does not take must not keep the others from it. */
  async #write(store: PostgresStore, lines: readonly string[]): Promise<void> {
    let fault: DatabaseFault;
    try {
      await store.write(lines, Date.now());
      return;
    } catch (error) {
      fault = faultOf(error);
      if (!fault.is_of_data) throw fault;
    }
    if (lines.length === 1) {
      this.#options.log(
        `a row is not taken by ${this.shown} (${fault.message}) and stays here alone: ${lines[0]}`,
      );
      return;
    }
    const middle = lines.length >> 1;
    await this.#write(store, lines.slice(0, middle));
    await this.#write(store, lines.slice(middle));
  }
}
