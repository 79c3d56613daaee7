// How far somebody is who is told of every call: the seq of the last row that he has for certain.
// A new one begins at the end of the ledger as it is; one that is there goes on where it stood.

import type { Database, Statement } from "bun:sqlite";
import type { LedgerRow } from "../row.ts";
import { CALL_RECORDS, type CallRecord, lineOf, rowOf } from "./columns.ts";

/** Not somebody's: the last seq that a row was given, which is never given again. */
export const WRITTEN = "written";

/** A row with its place in the ledger. */
export interface PlacedRow {
  readonly seq: number;
  readonly row: LedgerRow;
}

/** Lines of rows that follow each other. */
export interface Lines {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly lines: readonly string[];
}

/** The cursors of a ledger. */
export class Cursors {
  readonly #get: Statement<{ seq: number }, [string]>;
  readonly #set: Statement<unknown, [string, number]>;
  readonly #begin_at_first: Statement<unknown, [string]>;
  readonly #begin: Statement<unknown, [string]>;
  readonly #rows: Statement<CallRecord, [number, number]>;

  constructor(db: Database) {
    this.#get = db.query("SELECT seq FROM cursors WHERE name = ?");
    this.#set = db.query("INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq");
    this.#begin = db.query(
      `INSERT INTO cursors SELECT ?, seq FROM cursors WHERE name = '${WRITTEN}' ON CONFLICT DO NOTHING`,
    );
    this.#begin_at_first = db.query("INSERT INTO cursors VALUES (?, 0) ON CONFLICT DO NOTHING");
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

  /** Makes the cursor at the beginning of the ledger, if there is none: rows that are there already come too. */
  beginAtFirst(name: string): void {
    this.#begin_at_first.run(name);
  }

  /** The lines of the rows that come next, in order; null without any. */
  nextLines(name: string, limit: number): Lines | null {
    const seq = this.at(name);
    const records = seq === null ? [] : this.#rows.all(seq, limit);
    const [first] = records;
    if (first === undefined) return null;
    return { first_seq: first.seq, last_seq: records.at(-1)!.seq, lines: records.map(lineOf) };
  }

  /** Rows behind a cursor, and when the first of them was made: milliseconds since 1970, null without any. */
  waiting(name: string): { readonly rows: number; readonly since_ms: number | null } {
    const seq = this.at(name) ?? 0;
    const since_ms = this.#rows.all(seq, 1)[0]?.["time"];
    const rows = typeof since_ms === "number" ? Math.max(0, (this.at(WRITTEN) ?? 0) - seq) : 0;
    return { rows, since_ms: typeof since_ms === "number" ? since_ms : null };
  }

  /** The rows that come next, in order. */
  next(name: string, limit: number): PlacedRow[] {
    const seq = this.at(name);
    if (seq === null) return [];
    return this.#rows.all(seq, limit).map((record) => ({ seq: record.seq, row: rowOf(record) }));
  }
}
