// The table of rows, to be written: several to a statement while all of them are new, one by one where some may be there already.

import type { Database, Statement } from "bun:sqlite";
import type { LineReader, Names } from "../row_reader.ts";
import { CALL_COLUMNS, type ColumnValue } from "./columns.ts";
import type { Placed } from "./groups.ts";
import { sqliteCode } from "./open.ts";

/** Rows of a statement. */
const ROWS = 16;

/** Whether an error means that a row is there already. */
export function isKnownRow(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_CONSTRAINT_UNIQUE";
}

/** The table of rows. */
export class Rows {
  readonly #insert_many: Statement<unknown, ColumnValue[]>;
  readonly #insert_new: Statement<unknown, ColumnValue[]>;
  readonly #insert: Statement<unknown, ColumnValue[]>;
  /** Values that wait for their statement to be full. */
  #values: ColumnValue[] = [];

  constructor(db: Database) {
    const marks = `(${CALL_COLUMNS.map(() => "?").join(", ")})`;
    const into = `INSERT INTO calls (${CALL_COLUMNS.join(", ")}) VALUES ${marks}`;
    this.#insert_many = db.query(`${into}${`, ${marks}`.repeat(ROWS - 1)}`);
    this.#insert_new = db.query(into);
    this.#insert = db.query(`${into} ON CONFLICT (id) DO NOTHING`);
  }

  /** Adds a row that is new, or throws what `isKnownRow` knows: at once or with one of the next. */
  addNew(row: LineReader, placed: Placed, names: Names, seq: number): void {
    this.#take(row, placed, names, seq);
    if (this.#values.length < ROWS * CALL_COLUMNS.length) return;
    this.#insert_many.run(...this.#values);
    this.#values = [];
  }

  /** Adds those that wait. */
  flush(): void {
    const values = this.#values;
    this.#values = [];
    for (let at = 0; at < values.length; at += CALL_COLUMNS.length) {
      this.#insert_new.run(...values.slice(at, at + CALL_COLUMNS.length));
    }
  }

  /** Forgets those that wait. */
  forget(): void {
    this.#values = [];
  }

  /** Adds a row, unless its id is there; gives whether it was new. Nothing waits. */
  add(row: LineReader, placed: Placed, names: Names, seq: number): boolean {
    this.#take(row, placed, names, seq);
    const values = this.#values;
    this.#values = [];
    return this.#insert.run(...values).changes > 0;
  }

  /** In the order of the columns. */
  #take(row: LineReader, { group, own_names }: Placed, { error, cache }: Names, seq: number): void {
    const { id, request_id, time, status, amounts_text, rest } = row;
    const cached = cache === "bypass" ? null : cache;
    this.#values.push(seq, id, request_id, time, group, own_names, status, error, cached, amounts_text, rest);
  }
}
