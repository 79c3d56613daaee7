// The store: every row once, whatever is sent again; every sum what its rows add up to; every alert once.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NO_USAGE } from "../../../src/dialects/usage.ts";
import type { Budget } from "../../../src/ledger/budgets.ts";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import type { LedgerSettings } from "../../../src/ledger/settings.ts";
import { CALL_RECORDS, type CallRecord, rowOf } from "../../../src/ledger/store/columns.ts";
import { DIMENSIONS } from "../../../src/ledger/store/groups.ts";
import { isCorruption, isPassing, ledgerPath, openToWrite } from "../../../src/ledger/store/open.ts";
import { SUM_COLUMNS } from "../../../src/ledger/store/rollups.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { LEVEL_MS, LEVELS } from "../../../src/ledger/store/windows.ts";
import { drawnRow, ledgerRow, randomFrom } from "./rows.ts";

const NOW = Date.UTC(2026, 10, 26, 6, 30);
let folder: string;
let store: Store;

function open(day_groups_max?: number): Store {
  const db = openToWrite(ledgerPath(folder), (line) => {
    throw new Error(line);
  });
  if (!(db instanceof Database)) throw new Error(db.fault);
  return new Store(db, day_groups_max);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  store = open();
});
afterEach(() => {
  store.db.close();
  rmSync(folder, { recursive: true });
});

const all = (sql: string) => store.db.query<Record<string, number>, []>(sql).all();
const one = (sql: string) => all(sql)[0]!;
const write = (...rows: readonly (LedgerRow | string)[]) =>
  store.write(
    rows.map((row) => (typeof row === "string" ? row : writeRow(row))),
    NOW,
  );

const rowsThere = (): LedgerRow[] =>
  store.db.query<CallRecord, []>(`${CALL_RECORDS} ORDER BY seq`).all().map(rowOf);

/** The sums of the rows that are there, by window and group, added up row by row. */
function slowSums(level: (typeof LEVELS)[number]): unknown[] {
  const sums = new Map<string, Record<string, number | string>>();
  for (const row of rowsThere()) {
    const start_ms = Math.floor(row.time / LEVEL_MS[level]) * LEVEL_MS[level];
    const names = Object.fromEntries(DIMENSIONS.map((name) => [name, row[name] ?? ""]));
    const key = JSON.stringify([start_ms, names]);
    const none = Object.fromEntries(SUM_COLUMNS.map((name) => [name, 0]));
    const sum = sums.get(key) ?? { start_ms, ...names, ...none };
    sums.set(key, sum);
    const more: Readonly<Record<string, number>> = {
      ...row.usage,
      ...{ calls: 1, errors: row.error === null ? 0 : 1, estimated_calls: row.estimated ? 1 : 0 },
      ...{ cost_nano_usd: row.cost_nano_usd ?? 0, unpriced_calls: row.cost_nano_usd === null ? 1 : 0 },
      saved_nano_usd: row.saved_nano_usd,
      cache_hits: ["hit", "semantic", "stale", "joined"].includes(row.cache) ? 1 : 0,
    };
    for (const name of SUM_COLUMNS) sum[name] = Number(sum[name]) + more[name]!;
  }
  const order = (sum: Record<string, number | string>) => [
    sum["start_ms"]!,
    ...DIMENSIONS.map((name) => sum[name]!),
  ];
  return [...sums.values()].sort((a, b) => {
    const other = order(b);
    const at = order(a).findIndex((value, index) => value !== other[index]);
    return at < 0 ? 0 : order(a)[at]! < other[at]! ? -1 : 1;
  });
}

function rolledUp(level: (typeof LEVELS)[number]): unknown[] {
  const names = "tenant, team, key, user, feature, model, provider, served_model";
  return all(
    `SELECT start_ms, ${names}, ${SUM_COLUMNS.join(", ")} FROM rollup_${level} JOIN groups ON id = group_id ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9`,
  );
}

describe("a row", () => {
  test("comes back as it was written", () => {
    const row = ledgerRow({
      request_id: "mine",
      tags: { env: "prod" },
      usage: { ...NO_USAGE, input_tokens: 7, told_nano_usd: 12, searches: 1, input_audio_ms: 90 },
      similarity: 0.97,
      redactions: { EMAIL: 2 },
      stream: true,
      estimated: true,
      error: "killed",
    });
    const bare = ledgerRow({
      team: null,
      key: null,
      user: null,
      feature: null,
      cost_nano_usd: null,
      attempts: [],
    });
    const made = ledgerRow({ request_id: "" });
    const named = { ...made, request_id: `req_${made.id.replaceAll("-", "")}` };
    write(row, bare, named);
    expect(rowsThere()).toEqual([row, bare, named]);
    expect(all("SELECT request_id FROM calls WHERE request_id IS NULL")).toHaveLength(1);
  });

  test("is there once, however often and in whatever batch it is sent", () => {
    const [a, b, c] = [ledgerRow(), ledgerRow(), ledgerRow()];
    expect(write(a, b, a)).toEqual({ written: 2, known: 1, faults: 0 });
    expect(write(b, c, b, a)).toEqual({ written: 1, known: 3, faults: 0 });
    expect(all("SELECT seq FROM calls ORDER BY seq")).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    // Some that are new fill statements of several, among others that are known.
    const many = Array.from({ length: 50 }, () => ledgerRow());
    expect(write(...many.slice(0, 33), "", a)).toEqual({ written: 33, known: 1, faults: 1 });
    expect(write(...many)).toEqual({ written: 17, known: 33, faults: 0 });
    for (const level of LEVELS) expect(rolledUp(level)).toEqual(slowSums(level));
    expect(one("SELECT first_seq, last_seq FROM minutes")).toEqual({ first_seq: 1, last_seq: 53 });
    expect(one("SELECT max(seq) AS n FROM calls")["n"]).toBe(53);
    for (const level of LEVELS) {
      expect(one(`SELECT sum(calls) AS n, sum(cost_nano_usd) AS cost FROM rollup_${level}`)).toEqual({
        n: 53,
        cost: 53 * 1234,
      });
    }
    expect(one("SELECT nano_usd AS n FROM spend WHERE scope = 'key' AND period = 'day'")["n"]).toBe(
      53 * 1234,
    );
  });

  test("that is none is left out, and the others of its batch are written", () => {
    const row = ledgerRow();
    const line = writeRow(row);
    const faulty = [
      ...["", "{", "null", JSON.stringify(row), line.slice(0, -1), `${line}\t`],
      line.replace(`${row.time}`, "now"),
      line.replace("[", ""),
      line.replace("1234,", "1234.5,"),
      line.replace("1234,", "-1234,"),
    ];
    expect(write(...faulty, row)).toEqual({ written: 1, known: 0, faults: faulty.length });
  });

  test("with amounts that no call can have is cut to the bounds", () => {
    write(ledgerRow({ usage: { ...NO_USAGE, input_tokens: 2 ** 53 - 1 }, cost_nano_usd: 2 ** 53 - 1 }));
    expect(rowsThere()[0]).toMatchObject({ usage: { input_tokens: 10_000_000_000 }, cost_nano_usd: 1e15 });
    expect(one("SELECT input_tokens, cost_nano_usd FROM rollup_day")).toEqual({
      input_tokens: 10_000_000_000,
      cost_nano_usd: 1e15,
    });
  });

  test("with names that are hostile is written", () => {
    const user = `a\0b\ud800${"x".repeat(5000)}`;
    expect(
      write(ledgerRow({ user }), ledgerRow({ user }), ledgerRow({ user: "'; DROP TABLE calls; --" })).written,
    ).toBe(3);
    expect(rowsThere().map((row) => row.user?.length)).toEqual([1000, 1000, 23]);
    expect(one("SELECT count(*) AS n FROM groups")["n"]).toBe(2);
  });
});

describe("sums", () => {
  test("of every size of window are what the rows add up to", () => {
    const random = randomFrom(7);
    for (let batch = 0; batch < 30; batch++) {
      const rows = Array.from({ length: 60 }, () =>
        drawnRow(random, NOW - Math.floor(random() * 3 * 86_400_000)),
      );
      // Some come twice.
      write(...rows, ...rows.slice(0, 10));
    }
    for (const level of LEVELS) {
      expect(rolledUp(level)).toEqual(slowSums(level));
      expect(rolledUp(level).length).toBeGreaterThan(100);
    }
  });

  test("of money are exact where numbers are not", () => {
    const rows = Array.from({ length: 30 }, () => ledgerRow({ cost_nano_usd: 1e15 - 1 }));
    write(...rows);
    const cost = store.db.query("SELECT cost_nano_usd FROM rollup_day").safeIntegers(true).get();
    expect(cost).toEqual({ cost_nano_usd: 30n * (10n ** 15n - 1n) });
  });

  test("go on where they stood when the ledger is opened again", () => {
    write(ledgerRow());
    store.db.close();
    store = open();
    write(ledgerRow());
    expect(all("SELECT calls FROM rollup_day")).toEqual([{ calls: 2 }]);
  });

  test("have a bound of groups in a day: users first, then models, are counted as other", () => {
    store.db.close();
    store = open(3);
    const named = Array.from({ length: 5 }, (_, i) => ledgerRow({ user: `u${i}` }));
    const many = Array.from({ length: 9 }, (_, i) => ledgerRow({ user: `v${i}`, model: `m${i}` }));
    const written = [...named, ledgerRow({ user: "u1" }), ...many];
    write(...written.slice(0, 3));
    // The number of groups is known after a restart too.
    store.db.close();
    store = open(3);
    write(...written.slice(3, 6));
    write(...written.slice(6));
    const by = (column: string) =>
      all(
        `SELECT ${column}, sum(calls) AS calls FROM rollup_day JOIN groups ON id = group_id GROUP BY 1 ORDER BY 1`,
      ).map((row) => Object.values(row).join(" "));
    expect(by("user")).toEqual(["other 11", "u0 1", "u1 2", "u2 1"]);
    expect(by("model")).toEqual(["chat 6", "m0 1", "m1 1", "other 7"]);
    for (const level of LEVELS) {
      expect(one(`SELECT sum(calls) AS n FROM rollup_${level}`)["n"]).toBe(15);
    }
    // The rows themselves know better.
    const users = (of: readonly LedgerRow[]) => of.map(({ user, model }) => `${user} ${model}`);
    expect(users(rowsThere())).toEqual(users(written));
    // Another day counts anew.
    write(ledgerRow({ user: "v8", time: NOW + 86_400_000 }));
    expect(by("user")).toContain("v8 1");
  });

  test("and groups that were not committed are forgotten with their transaction", () => {
    store.db.run("CREATE TRIGGER full BEFORE INSERT ON spend BEGIN SELECT raise(ABORT, 'full'); END");
    expect(() => write(ledgerRow({ user: "new" }))).toThrow("full");
    store.db.run("DROP TRIGGER full");
    write(ledgerRow({ user: "other one" }), ledgerRow({ user: "new" }));
    for (const level of LEVELS) expect(rolledUp(level)).toEqual(slowSums(level));
    expect(rolledUp("day")).toHaveLength(2);
  });
});

test("a batch that the disk has no room for is not written at all, and can be written when there is", () => {
  const rows = Array.from({ length: 200 }, () => ledgerRow());
  write(rows[0]!);
  const { page_count } = one("PRAGMA page_count") as { page_count: number };
  store.db.run(`PRAGMA max_page_count = ${page_count + 2}`);
  let fault: unknown = null;
  try {
    write(...rows);
  } catch (error) {
    fault = error;
  }
  expect(isPassing(fault)).toBe(true);
  expect(isCorruption(fault)).toBe(false);
  expect(one("SELECT count(*) AS n FROM calls")["n"]).toBe(1);
  store.db.run("PRAGMA max_page_count = 1000000");
  expect(write(...rows)).toEqual({ written: 199, known: 1, faults: 0 });
  for (const level of LEVELS) expect(rolledUp(level)).toEqual(slowSums(level));
});

describe("spending", () => {
  const settings = (budgets: readonly Budget[], at = [0.5, 0.8, 1]): LedgerSettings => ({
    ledger: { retention_days: 400, max_mb: 100 },
    alerts: { webhook: "http://127.0.0.1:1/", at },
    budgets,
  });
  const alerts = () =>
    store.db
      .query<{ body: string }, []>("SELECT body FROM alerts ORDER BY id")
      .all()
      .map(({ body }) => JSON.parse(body));
  const budget = (nano_usd: bigint, changes: Partial<Budget> = {}): Budget => ({
    ...{ scope: "key", name: "checkout", period: "day", nano_usd },
    ...changes,
  });
  const costs = (cost_nano_usd: number, changes = {}) => ledgerRow({ cost_nano_usd, ...changes });

  test("is counted by key, tenant, team and model, in days and months", () => {
    write(costs(5), costs(7, { time: NOW - 86_400_000 }), costs(9, { cost_nano_usd: null }));
    expect(
      all("SELECT scope, name, period, nano_usd FROM spend ORDER BY 1, 3, start_ms").map((row) =>
        Object.values(row).join(" "),
      ),
    ).toEqual([
      ...["key checkout day 7", "key checkout day 5", "key checkout month 12"],
      ...["model chat day 7", "model chat day 5", "model chat month 12"],
      ...["team acme/shop day 7", "team acme/shop day 5", "team acme/shop month 12"],
      ...["tenant acme day 7", "tenant acme day 5", "tenant acme month 12"],
    ]);
  });

  test("of a candidate is nobody's", () => {
    write(ledgerRow({ tenant: "shadow/acme", key: null, team: null, user: null, cost_nano_usd: 7 }));
    expect(all("SELECT * FROM spend")).toEqual([]);
    expect(one("SELECT sum(cost_nano_usd) AS n FROM rollup_minute")["n"]).toBe(7);
  });

  test("that reaches a share alerts once, at exactly the share", () => {
    store.configure(settings([budget(1000n)]), NOW);
    write(costs(499));
    expect(alerts()).toEqual([]);
    write(costs(1));
    expect(alerts()).toEqual([
      {
        alert: "budget",
        scope: "key",
        name: "checkout",
        period: "day",
        window: "2026-11-26",
        share: 0.5,
        spent_usd: 500 / 1e9,
        limit_usd: 1000 / 1e9,
        time: NOW,
      },
    ]);
    write(costs(100), costs(100));
    write(costs(600));
    write(costs(600));
    expect(alerts().map(({ share }) => share)).toEqual([0.5, 0.8, 1]);
    // The next day begins anew.
    write(costs(800, { time: NOW + 86_400_000 }));
    expect(
      alerts()
        .map(({ window, share }) => `${window} ${share}`)
        .slice(3),
    ).toEqual(["2026-11-27 0.5", "2026-11-27 0.8"]);
  });

  test("of each user of a key alerts by user, where the key has a budget for users", () => {
    store.configure(settings([budget(100n, { scope: "user", period: "month" })], [1]), NOW);
    write(costs(60), costs(60, { user: "u2" }), costs(100, { key: "another" }), costs(60, { user: null }));
    expect(alerts()).toEqual([]);
    write(costs(40, { user: "u2" }));
    expect(alerts()).toMatchObject([{ scope: "user", name: "checkout", user: "u2", window: "2026-11" }]);
    expect(all("SELECT DISTINCT name FROM spend WHERE scope = 'user'")).toEqual([{ name: "checkout" }]);
  });

  test("from before is compared with a budget that is new or less", () => {
    write(costs(60));
    store.configure(settings([budget(1000n)]), NOW);
    expect(alerts()).toEqual([]);
    store.configure(settings([budget(100n)]), NOW);
    store.configure(settings([budget(70n)]), NOW);
    expect(alerts().map(({ share, limit_usd }) => [share, limit_usd])).toEqual([
      [0.5, 1e-7],
      [0.8, 7e-8],
    ]);
  });

  test("is compared with budgets of tenants, teams and models too", () => {
    const of = (scope: Budget["scope"], name: string) => budget(10n, { scope, name, period: "month" });
    store.configure(settings([of("tenant", "acme"), of("team", "acme/shop"), of("model", "chat")], [1]), NOW);
    write(costs(10));
    expect(alerts().map(({ scope, name }) => `${scope} ${name}`)).toEqual([
      ...["tenant acme", "team acme/shop", "model chat"],
    ]);
  });

  test("is pruned when its day or month is long over", () => {
    write(costs(5));
    store.spend.prune(NOW + 5 * 86_400_000);
    expect(all("SELECT DISTINCT period FROM spend")).toEqual([{ period: "month" }]);
    store.spend.prune(NOW + 63 * 86_400_000);
    expect(all("SELECT * FROM spend")).toEqual([]);
  });
});
