// Opening the ledger: its versions, and what happens to a file that is damaged or from another time.

import { Database } from "bun:sqlite";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CALL_COLUMNS } from "../../../src/ledger/store/columns.ts";
import { openToRead, openToWrite } from "../../../src/ledger/store/open.ts";
import { SUM_COLUMNS } from "../../../src/ledger/store/rollups.ts";
import { MIGRATIONS, migrate, versionOf } from "../../../src/ledger/store/schema.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { ledgerRow } from "./rows.ts";

let folder: string;
let path: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  path = join(folder, "ledger.sqlite");
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(): Database {
  const db = openToWrite(path, (line) => said.push(line));
  if (!(db instanceof Database)) throw new Error(db.fault);
  return db;
}

const rowsOf = (db: Database) => db.query<{ n: number }, []>("SELECT count(*) AS n FROM calls").get()!.n;

describe("a new ledger", () => {
  test("has the newest version, keeps every commit, and is for nobody else's eyes", () => {
    const db = open();
    const pragma = (name: string) => Object.values(db.query(`PRAGMA ${name}`).get() as object)[0];
    expect(versionOf(db)).toBe(MIGRATIONS.length);
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("auto_vacuum")]).toEqual(["wal", 2, 2]);
    expect(statSync(path).mode & 0o077).toBe(0);
    db.close();
    expect(said).toEqual([]);
  });

  test("has a column for everything that is written", () => {
    const db = open();
    const columns = (table: string) =>
      db
        .query<{ name: string }, []>(`PRAGMA table_info(${table})`)
        .all()
        .map(({ name }) => name);
    expect(columns("calls")).toEqual(["seq", ...CALL_COLUMNS]);
    for (const level of ["minute", "hour", "day"]) {
      expect(columns(`rollup_${level}`)).toEqual(["start_ms", "group_id", ...SUM_COLUMNS]);
    }
    db.close();
  });
});

describe("a ledger of another version", () => {
  test("that is older is brought forward step by step, and keeps its rows", () => {
    const db = open();
    new Store(db).write([JSON.stringify(ledgerRow())], 0);
    const later = [
      ...MIGRATIONS,
      "ALTER TABLE calls ADD COLUMN a TEXT",
      "ALTER TABLE calls ADD COLUMN b TEXT",
    ];
    expect(migrate(db, later)).toBe(null);
    expect(versionOf(db)).toBe(later.length);
    expect(db.query("SELECT a, b FROM calls").all()).toEqual([{ a: null, b: null }]);
    // And once more, nothing is left to do.
    expect(migrate(db, later)).toBe(null);
    db.close();
  });

  test("is not changed by a step that fails", () => {
    const db = open();
    const broken = [...MIGRATIONS, "ALTER TABLE calls ADD COLUMN a TEXT; SELECT nonsense FROM nowhere"];
    expect(() => migrate(db, broken)).toThrow();
    expect(versionOf(db)).toBe(MIGRATIONS.length);
    expect(() => db.query("SELECT a FROM calls")).toThrow();
    db.close();
  });

  test("that is newer is refused, to write and to read, and left as it is", () => {
    const db = open();
    new Store(db).write([JSON.stringify(ledgerRow())], 0);
    db.run("PRAGMA user_version = 99");
    db.close();
    const fault = `${path}: it was written by a newer version of Venturi (its format is 99, this program knows ${MIGRATIONS.length}); run that version, or use another data folder`;
    expect(openToWrite(path, (line) => said.push(line))).toEqual({ fault });
    expect(openToRead(path)).toEqual({ fault });
    expect(said).toEqual([]);
    const again = new Database(path);
    expect([versionOf(again), rowsOf(again)]).toEqual([99, 1]);
    again.close();
  });
});

describe("a file that is damaged", () => {
  test.each([
    ["is no database", () => Buffer.from("this is no database at all".repeat(300))],
    [
      "has pages that are overwritten",
      (bytes: Buffer) => {
        bytes.fill(0xa5, 4096, bytes.length);
        return bytes;
      },
    ],
  ])("because it %s is set aside, said aloud, and a new one begun", (_, damage) => {
    const db = open();
    new Store(db).write(
      Array.from({ length: 300 }, () => JSON.stringify(ledgerRow())),
      0,
    );
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const fresh = open();
    expect(rowsOf(fresh)).toBe(0);
    expect(new Store(fresh).write([JSON.stringify(ledgerRow())], 0).written).toBe(1);
    fresh.close();
    const aside = readdirSync(folder).filter((name) => /^ledger\.sqlite\.damaged-\d{8}T\d{9}Z$/.test(name));
    expect(aside).toHaveLength(1);
    expect(readFileSync(join(folder, aside[0]!)).equals(damaged)).toBe(true);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("THE LEDGER IS DAMAGED");
    expect(said[0]).toContain(aside[0]!);
  });

  test("is told in words to who wants to read it", () => {
    writeFileSync(path, "no database".repeat(1000));
    const opened = openToRead(path);
    expect("fault" in opened && opened.fault).toMatch(/cannot be read: .*not a database/);
  });
});

test("a folder that cannot be written is told in words", () => {
  writeFileSync(join(folder, "file"), "");
  const opened = openToWrite(join(folder, "file", "ledger.sqlite"), () => {});
  expect("fault" in opened && opened.fault).toContain("cannot be opened");
});
