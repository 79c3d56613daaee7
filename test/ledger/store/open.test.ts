// Opening the ledger: its versions, and what happens to a file that is damaged or from another time.

import { Database } from "bun:sqlite";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isMadeOf } from "../../../src/ledger/request_id.ts";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { CALL_COLUMNS } from "../../../src/ledger/store/columns.ts";
import { openToRead, openToWrite } from "../../../src/ledger/store/open.ts";
import { readerOf } from "../../../src/ledger/store/query.ts";
import { SUM_COLUMNS } from "../../../src/ledger/store/rollups.ts";
import { MIGRATIONS, migrate, versionOf } from "../../../src/ledger/store/schema.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { drawnRow, ledgerRow, randomFrom } from "./rows.ts";

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

/** Sums of version 1. */
const FIRST_SUMS = SUM_COLUMNS.filter((name) => name !== "saved_nano_usd" && name !== "cache_hits");

/** A row as version 1 wrote it. */
function insertFirst(db: Database, row: LedgerRow): void {
  const { saved_nano_usd: _, guards: __, routing: ___, refusal: ____, shadow: _____, ...more } = row;
  const {
    trace: ______,
    sampled: _______,
    endpoint: ________,
    replay_of: _________,
    judged: __________,
    ...old
  } = more;
  const { usage, id, request_id, ...rest } = old;
  const json = (value: object) => (Object.keys(value).length === 0 ? null : JSON.stringify(value));
  const { tags, attempts, redactions, timings_us, stream, estimated } = row;
  const values: Record<string, string | number | null> = {
    ...(rest as Omit<
      typeof rest,
      "tags" | "attempts" | "redactions" | "timings_us" | "stream" | "estimated"
    >),
    ...usage,
    id,
    request_id: isMadeOf(request_id, id) ? null : request_id,
    stream: stream ? 1 : 0,
    estimated: estimated ? 1 : 0,
    ...{
      tags: json(tags),
      attempts: json(attempts),
      redactions: json(redactions),
      timings_us: json(timings_us),
    },
  };
  const names = Object.keys(values);
  db.query(`INSERT INTO calls (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`).run(
    ...Object.values(values),
  );
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
    expect(columns("calls")).toEqual(CALL_COLUMNS);
    for (const level of ["minute", "hour", "day"]) {
      expect(new Set(columns(`rollup_${level}`))).toEqual(new Set(["start_ms", "group_id", ...SUM_COLUMNS]));
    }
    db.close();
  });
});

describe("a ledger of another version", () => {
  test("that is older is brought forward step by step, and keeps its rows", () => {
    const db = open();
    new Store(db).write([writeRow(ledgerRow())], 0);
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

  test("that is of version 1 has the same rows, sums and places afterwards", async () => {
    const random = randomFrom(9);
    const rows = Array.from({ length: 300 }, (_, index) =>
      drawnRow(random, 1_795_000_000_000 + index * 7_000),
    );
    const special: LedgerRow[] = [
      ledgerRow({ request_id: "mine", tags: { env: "prod" }, redactions: { EMAIL: 2 }, similarity: 0.5 }),
      ledgerRow({ attempts: [{ provider: "x", model: "y", outcome: "503" }], stream: true, timings_us: {} }),
      ledgerRow({ user: null, cost_nano_usd: null, attempts: [], finish_reason: null, cache: "bypass" }),
      ledgerRow({ timings_us: { total: 5, first_byte: 3 }, estimated: true, price_version: null }),
    ];
    const all = [...rows, ...special].map((row) => ({ ...row, saved_nano_usd: 0 }));
    const db = new Database(path, { create: true, readwrite: true });
    migrate(db, MIGRATIONS.slice(0, 1));
    db.transaction(() => {
      for (const row of all) insertFirst(db, row);
    })();
    db.run("DELETE FROM calls WHERE seq = 304");
    db.run("INSERT INTO cursors VALUES ('billing_file', 17)");
    db.run(`INSERT INTO rollup_day (start_ms, group_id, ${FIRST_SUMS.join(", ")})
      VALUES (0, 1, ${FIRST_SUMS.map((_, index) => index + 1).join(", ")})`);
    db.close();
    const brought = open();
    expect(versionOf(brought)).toBe(MIGRATIONS.length);
    const store = new Store(brought);
    expect(store.cursors.at("billing_file")).toBe(17);
    expect((await readerOf(brought).calls({ limit: 1000 })).map(({ row }) => row)).toEqual(
      all.slice(0, -1).toReversed(),
    );
    const failed = all.filter(({ error, user }) => error !== null && user === "user1");
    const filters = { error: "upstream_error", user: "user1" };
    // Sums are as they were: what is found by them is not there.
    expect(
      (await readerOf(brought).calls({ limit: 1000, after_seq: 0, filters })).map(({ row }) => row),
    ).toEqual(failed);
    const sums = brought.query<Record<string, number>, []>("SELECT * FROM rollup_day").get()!;
    expect(FIRST_SUMS.map((name) => sums[name])).toEqual(FIRST_SUMS.map((_, index) => index + 1));
    expect([sums["saved_nano_usd"], sums["cache_hits"]]).toEqual([0, 0]);
    // A row that is there is known, and the next one has a place behind all that ever were.
    expect(store.write([all[3]!, ledgerRow()].map(writeRow), 0)).toEqual({ written: 1, known: 1, faults: 0 });
    expect(await readerOf(brought).lastSeq()).toBe(305);
    const integrity = brought.query("PRAGMA integrity_check").get();
    expect(integrity).toEqual({ integrity_check: "ok" });
    brought.close();
    expect(said).toEqual([`${path} is brought from format 1 to 4: a minute for five million calls`]);
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
    new Store(db).write([writeRow(ledgerRow())], 0);
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
      Array.from({ length: 300 }, () => writeRow(ledgerRow())),
      0,
    );
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const fresh = open();
    expect(rowsOf(fresh)).toBe(0);
    expect(new Store(fresh).write([writeRow(ledgerRow())], 0).written).toBe(1);
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
