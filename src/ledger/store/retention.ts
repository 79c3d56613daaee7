// What is deleted, and when: rows by age and by the size of the file, rollups of minutes and hours by age.
// It goes in small steps, each a transaction of its own, so that rows never wait long to be written.

import type { Database } from "bun:sqlite";
import { keptSince, LEVEL_MS, type Level } from "./windows.ts";

/** Rows that a step deletes at most, and pages that it gives back to the file system. */
const STEP_ROWS = 500;
const STEP_PAGES = 256;
/** Minutes whose rows a step looks at. */
const STEP_MINUTES = 100;
/** The newest rows stay whatever the size: a row that is sent again after a crash must still be known. */
const NEWEST_ROWS = 10_000;
/** Over its size, the ledger is cut to this share of it, so that it is not cut again at once. */
const CUT_SHARE = 0.95;
const DAY_MS = 86_400_000;

/** What is kept. */
export interface RetentionRules {
  readonly retention_days: number;
  readonly max_mb: number;
  /** Rows after this seq stay: somebody has not been told of them yet. */
  readonly told_seq: number;
}

/** Bytes of the file that are in use. */
export function usedBytes(db: Database): number {
  const pragma = (name: string): number =>
    db.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
  return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
}

/** The rules, applied a step at a time. */
export class Retention {
  readonly #db: Database;
  #is_cutting = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Deletes a little of what is too much; gives whether there may be more of it. */
  step(rules: RetentionRules, now_ms: number): boolean {
    return (
      this.#oldRows(rules, now_ms) ||
      this.#rowsOverSize(rules) ||
      this.#oldRollups("minute", now_ms) ||
      this.#oldRollups("hour", now_ms) ||
      this.#freePages()
    );
  }

  /** Whether rows that should go are kept because somebody has not been told of them. */
  isHeldBack({ retention_days, max_mb, told_seq }: RetentionRules, now_ms: number): boolean {
    const oldest = this.#db
      .query<{ time: number }, [number]>("SELECT time FROM calls WHERE seq > ? ORDER BY seq LIMIT 1")
      .get(told_seq);
    if (oldest === null) return false;
    if (oldest.time < now_ms - retention_days * DAY_MS) return true;
    return told_seq < this.#newestSeq() - NEWEST_ROWS && usedBytes(this.#db) > max_mb * 1e6;
  }

  #newestSeq(): number {
    return this.#db.query<{ seq: number | null }, []>("SELECT max(seq) AS seq FROM calls").get()?.seq ?? 0;
  }

  /** Rows that are too old, where the oldest minutes are, and then what is known of these minutes. */
  #oldRows({ retention_days, told_seq }: RetentionRules, now_ms: number): boolean {
    const before_ms = now_ms - retention_days * DAY_MS;
    const { first_seq, last_seq, newest_ms } = this.#db
      .query<Record<"first_seq" | "last_seq" | "newest_ms", number | null>, [number, number, number]>(
        `SELECT min(first_seq) AS first_seq, max(last_seq) AS last_seq, max(start_ms) AS newest_ms FROM
           (SELECT * FROM minutes WHERE start_ms < ? AND first_seq <= ? ORDER BY start_ms LIMIT ?)`,
      )
      .get(before_ms, told_seq, STEP_MINUTES)!;
    if (first_seq === null || last_seq === null || newest_ms === null) return false;
    // Rows of other times lie among them.
    const rows = this.#db
      .query<unknown, [number, number, number, number]>(
        "DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE seq BETWEEN ? AND ? AND time < ? ORDER BY seq LIMIT ?)",
      )
      .run(first_seq, Math.min(last_seq, told_seq), before_ms, STEP_ROWS);
    if (rows.changes > 0) return true;
    const minutes = this.#db
      .query<unknown, [number, number]>("DELETE FROM minutes WHERE start_ms <= ? AND last_seq <= ?")
      .run(Math.min(newest_ms, before_ms - LEVEL_MS.minute), told_seq);
    return minutes.changes > 0;
  }

  #rowsOverSize({ max_mb, told_seq }: RetentionRules): boolean {
    const used_bytes = usedBytes(this.#db);
    const max_bytes = max_mb * 1e6;
    const was_cutting = this.#is_cutting;
    this.#is_cutting = used_bytes > max_bytes * (this.#is_cutting ? CUT_SHARE : 1);
    if (was_cutting && !this.#is_cutting) this.#emptyMinutes();
    if (!this.#is_cutting) return false;
    const { changes } = this.#db
      .query<unknown, [number, number]>(
        "DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE seq <= ? ORDER BY seq LIMIT ?)",
      )
      .run(Math.min(told_seq, this.#newestSeq() - NEWEST_ROWS), STEP_ROWS);
    return changes > 0;
  }

  /** What is known of minutes whose rows are all gone. */
  #emptyMinutes(): void {
    this.#db.run("DELETE FROM minutes WHERE last_seq < (SELECT coalesce(min(seq), 0) FROM calls)");
  }

  #oldRollups(level: Level, now_ms: number): boolean {
    const { changes } = this.#db
      .query<unknown, [number, number]>(
        `DELETE FROM rollup_${level} WHERE (start_ms, group_id) IN (SELECT start_ms, group_id FROM rollup_${level} WHERE start_ms < ? LIMIT ?)`,
      )
      .run(keptSince(level, now_ms), STEP_ROWS);
    return changes > 0;
  }

  /** Free pages go back to the file system, but for what the next rows will need. */
  #freePages(): boolean {
    const free =
      this.#db.query<{ freelist_count: number }, []>("PRAGMA freelist_count").get()?.freelist_count ?? 0;
    if (free <= STEP_PAGES) return false;
    // It frees a page for each row that it gives.
    this.#db.query(`PRAGMA incremental_vacuum(${STEP_PAGES})`).all();
    return true;
  }
}
