// Retention: what is too old or too much goes, a step at a time; what nobody may lose stays.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { ledgerPath, openToWrite } from "../../../src/ledger/store/open.ts";
import { Retention, type RetentionRules, usedBytes } from "../../../src/ledger/store/retention.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { ledgerRow } from "./rows.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 6, 30);
const RULES: RetentionRules = { retention_days: 30, max_mb: 1000, told_seq: Number.MAX_SAFE_INTEGER };
let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  const db = openToWrite(ledgerPath(folder), () => {});
  if (!(db instanceof Database)) throw new Error(db.fault);
  store = new Store(db);
});
afterEach(() => {
  store.db.close();
  rmSync(folder, { recursive: true });
});

const number = (sql: string) => store.db.query<{ n: number }, []>(sql).get()!.n;
const rows = () => number("SELECT count(*) AS n FROM calls");

function write(count: number, time: (index: number) => number): void {
  store.write(
    Array.from({ length: count }, (_, index) => writeRow(ledgerRow({ time: time(index) }))),
    NOW,
  );
}

/** Cleans up to the end; gives how many steps it took. */
function clean(rules: RetentionRules, now_ms = NOW): number {
  const retention = new Retention(store.db);
  let steps = 0;
  while (retention.step(rules, now_ms)) steps += 1;
  return steps;
}

describe("retention", () => {
  test("by age deletes rows that are older than their days, in small steps, and no others", () => {
    write(1300, (index) => NOW - 30 * DAY_MS + (index < 1200 ? -1 - index : index));
    expect(clean(RULES)).toBeGreaterThanOrEqual(3);
    expect(rows()).toBe(100);
    expect(number("SELECT min(time) AS n FROM calls")).toBeGreaterThanOrEqual(NOW - 30 * DAY_MS);
    expect(clean(RULES)).toBe(0);
    expect(number("SELECT min(start_ms) AS n FROM minutes")).toBe(NOW - 30 * DAY_MS);
  });

  test("by age finds old rows among newer ones, and leaves those", () => {
    // Spilled rows come late, and a clock may have been wrong.
    write(600, (index) => (index % 3 === 0 ? NOW : NOW - (31 + (index % 7)) * DAY_MS));
    write(2, () => NOW + 400 * DAY_MS);
    write(5, () => NOW - 50 * DAY_MS);
    clean(RULES);
    expect(rows()).toBe(202);
    expect(number("SELECT min(time) AS n FROM calls")).toBe(NOW);
    expect(number("SELECT count(*) AS n FROM minutes")).toBe(2);
  });

  test("leaves the sums of days for ever, those of hours for months, those of minutes for days", () => {
    for (const days of [1, 20, 200]) write(1, () => NOW - days * DAY_MS);
    clean({ ...RULES, retention_days: 10 });
    expect(rows()).toBe(1);
    const kept = ["minute", "hour", "day"].map((level) =>
      number(`SELECT sum(calls) AS n FROM rollup_${level}`),
    );
    expect(kept).toEqual([1, 2, 3]);
  });

  test("by size deletes the oldest rows until the file is small enough, and the file shrinks", () => {
    write(25_000, (index) => NOW - DAY_MS + index);
    expect(usedBytes(store.db)).toBeGreaterThan(8e6);
    clean({ ...RULES, max_mb: 8 });
    expect(usedBytes(store.db)).toBeLessThanOrEqual(8e6);
    expect(usedBytes(store.db)).toBeGreaterThan(7e6);
    expect(number("SELECT max(seq) AS n FROM calls")).toBe(25_000);
    expect(number("SELECT max(seq) - min(seq) + 1 AS n FROM calls")).toBe(rows());
    const lost = "SELECT count(*) AS n FROM minutes WHERE last_seq < (SELECT min(seq) FROM calls)";
    expect(number(lost)).toBe(0);
    expect(number("SELECT sum(calls) AS n FROM rollup_day")).toBe(25_000);
    store.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(statSync(ledgerPath(folder)).size).toBeLessThan(10e6);
  });

  test("by size leaves the newest 10,000 rows, because they may be sent again", () => {
    write(12_000, (index) => NOW - DAY_MS + index);
    clean({ ...RULES, max_mb: 1 });
    expect(rows()).toBe(10_000);
    expect(number("SELECT min(seq) AS n FROM calls")).toBe(2001);
  });

  test("waits for those who have not been told of a row", () => {
    write(700, () => NOW - 40 * DAY_MS);
    const retention = new Retention(store.db);
    const rules = { ...RULES, told_seq: 600 };
    clean(rules);
    expect(rows()).toBe(100);
    expect(retention.isHeldBack(rules, NOW)).toBe(true);
    clean(RULES);
    expect(rows()).toBe(0);
    expect(retention.isHeldBack(RULES, NOW)).toBe(false);
  });

  test("never gives a row the place of one that is gone", () => {
    write(5, () => NOW - 40 * DAY_MS);
    clean(RULES);
    expect(rows()).toBe(0);
    write(1, () => NOW);
    expect(number("SELECT seq AS n FROM calls")).toBe(6);
  });
});
