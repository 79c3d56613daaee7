// How far somebody is who is told of every call: the seq of the last row that he has for certain.
// A new one begins at the end of the ledger as it is; one that is there goes on where it stood.

import type { Database, Statement } from "bun:sqlite";
import type { LedgerRow } from "../row.ts";
import { CALL_RECORDS, type CallRecord, rowOf } from "./columns.ts";

/** Not somebody's: the last seq that a row was given, which is never given again. */
export const WRITTEN = "written";

/** A row with its place in the ledger. */
export interface PlacedRow {
  readonly seq: number;
  readonly row: LedgerRow;
}

/** The cursors of a ledger. */
export class Cursors {
  readonly #get: Statement<{ seq: number }, [string]>;
  readonly #set: Statement<unknown, [string, number]>;
  readonly #begin: Statement<unknown, [string]>;
  readonly #rows: Statement<CallRecord, [number, number]>;

  constructor(db: Database) {
    this.#get = db.query("SELECT seq FROM cursors WHERE name = ?");
    this.#set = db.query("INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq");
    this.#begin = db.query(
      `INSERT INTO cursors SELECT ?, seq FROM cursors WHERE name = '${WRITTEN}' ON CONFLICT DO NOTHING`,
    );
    this.#rows = db.query(`${CALL_RECORDS} WHERE seq > ? ORDER BY seq LIMIT ?`);
  }

  /** Makes the cursor if there is none. */
  begin(name: string): void {
    this.#begin.run(name);
  }

  /** The last seq that has arrived; null if there is no such cursor. */
  at(name: string): number | null {
    return this.#get.get(name)?.seq ?? null;
  }

  /** Everything up to this seq has arrived. */
  advance(name: string, seq: number): void {
    this.#set.run(name, seq);
  }

  /** The rows that come next, in order. */
  next(name: string, limit: number): PlacedRow[] {
    const seq = this.at(name);
    if (seq === null) return [];
    return this.#rows.all(seq, limit).map((record) => ({ seq: record.seq, row: rowOf(record) }));
  }
}
