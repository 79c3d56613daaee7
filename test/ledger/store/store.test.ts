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
import { readRow } from "../../../src/ledger/row_reader.ts";
import type { LedgerSettings } from "../../../src/ledger/settings.ts";
import { DIMENSIONS } from "../../../src/ledger/store/groups.ts";
import { isCorruption, isPassing, ledgerPath, openToWrite } from "../../../src/ledger/store/open.ts";
import { SUM_COLUMNS } from "../../../src/ledger/store/rollups.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { LEVEL_MS, LEVELS } from "../../../src/ledger/store/windows.ts";
import { type OpenLedger, onEveryEngine } from "./engines.ts";
import { drawnRow, ledgerRow, randomFrom } from "./rows.ts";

const NOW = Date.UTC(2026, 10, 26, 6, 30);
/** The sums of the rows that are there, by window and group, added up row by row. */
function slowSums(rows: readonly LedgerRow[], level: (typeof LEVELS)[number]): unknown[] {
  const sums = new Map<string, Record<string, number | string>>();
  for (const row of rows) {
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

onEveryEngine((engine) => {
  let ledger: OpenLedger;
  beforeEach(async () => {
    ledger = await engine.open();
  });
  afterEach(() => ledger.close());

  const all = (sql: string) => ledger.all(sql);
  const one = async (sql: string) => (await all(sql))[0]!;
  const write = (...rows: readonly (LedgerRow | string)[]) =>
    ledger.write(
      rows.map((row) => (typeof row === "string" ? row : writeRow(row))),
      NOW,
    );
  const rowsThere = async (): Promise<LedgerRow[]> =>
    (await ledger.reader.calls({ after_seq: 0, limit: 100_000 })).map(({ row }) => row);

  function rolledUp(level: (typeof LEVELS)[number]): Promise<unknown[]> {
    const names = DIMENSIONS.map((name) => `"${name}"`).join(", ");
    return all(
      `SELECT start_ms, ${names}, ${SUM_COLUMNS.join(", ")} FROM rollup_${level} JOIN groups ON id = group_id ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9`,
    );
  }

  describe("a row", () => {
    test("comes back as it was written", async () => {
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
      await write(row, bare, named);
      expect(await rowsThere()).toEqual([row, bare, named]);
      expect(await all("SELECT request_id FROM calls WHERE request_id IS NULL")).toHaveLength(1);
    });

    test("is there once, however often and in whatever batch it is sent", async () => {
      const [a, b, c] = [ledgerRow(), ledgerRow(), ledgerRow()];
      expect(await write(a, b, a)).toEqual({ written: 2, known: 1, faults: 0 });
      expect(await write(b, c, b, a)).toEqual({ written: 1, known: 3, faults: 0 });
      expect((await rowsThere()).map(({ id }) => id)).toEqual([a, b, c].map(({ id }) => id));
      // Some that are new fill statements of several, among others that are known.
      const many = Array.from({ length: 50 }, () => ledgerRow());
      expect(await write(...many.slice(0, 33), "", a)).toEqual({ written: 33, known: 1, faults: 1 });
      expect(await write(...many)).toEqual({ written: 17, known: 33, faults: 0 });
      for (const level of LEVELS) expect(await rolledUp(level)).toEqual(slowSums(await rowsThere(), level));
      expect(await rowsThere()).toHaveLength(53);
      for (const level of LEVELS) {
        expect(await one(`SELECT sum(calls) AS n, sum(cost_nano_usd) AS cost FROM rollup_${level}`)).toEqual({
          n: 53,
          cost: 53 * 1234,
        });
      }
      expect((await one("SELECT nano_usd AS n FROM spend WHERE scope = 'key' AND period = 'day'"))["n"]).toBe(
        53 * 1234,
      );
    });

    test("that is none is left out, and the others of its batch are written", async () => {
      const row = ledgerRow();
      const line = writeRow(row);
      const faulty = [
        ...["", "{", "null", JSON.stringify(row), line.slice(0, -1), `${line}\t`],
        line.replace(`${row.time}`, "now"),
        line.replace("[", ""),
        line.replace("1234,", "1234.5,"),
        line.replace("1234,", "-1234,"),
      ];
      expect(await write(...faulty, row)).toEqual({ written: 1, known: 0, faults: faulty.length });
    });

    test("with amounts that no call can have is cut to the bounds", async () => {
      await write(
        ledgerRow({ usage: { ...NO_USAGE, input_tokens: 2 ** 53 - 1 }, cost_nano_usd: 2 ** 53 - 1 }),
      );
      expect((await rowsThere())[0]).toMatchObject({
        usage: { input_tokens: 10_000_000_000 },
        cost_nano_usd: 1e15,
      });
      expect(await one("SELECT input_tokens, cost_nano_usd FROM rollup_day")).toEqual({
        input_tokens: 10_000_000_000,
        cost_nano_usd: 1e15,
      });
    });

    test("with names that are hostile is written", async () => {
      const user = `a\0b\ud800${"x".repeat(5000)}`;
      const rows = [ledgerRow({ user }), ledgerRow({ user }), ledgerRow({ user: "'; DROP TABLE calls; --" })];
      expect((await write(...rows)).written).toBe(3);
      expect((await rowsThere()).map((row) => row.user?.length)).toEqual([1000, 1000, 23]);
      expect((await one("SELECT count(*) AS n FROM groups"))["n"]).toBe(2);
    });
  });

  describe("sums", () => {
    test("of every size of window are what the rows add up to", async () => {
      const random = randomFrom(7);
      for (let batch = 0; batch < 30; batch++) {
        const rows = Array.from({ length: 60 }, () =>
          drawnRow(random, NOW - Math.floor(random() * 3 * 86_400_000)),
        );
        // Some come twice.
        await write(...rows, ...rows.slice(0, 10));
      }
      for (const level of LEVELS) {
        expect(await rolledUp(level)).toEqual(slowSums(await rowsThere(), level));
        expect((await rolledUp(level)).length).toBeGreaterThan(100);
      }
    });

    test("of money are exact where numbers are not", async () => {
      const rows = Array.from({ length: 30 }, () => ledgerRow({ cost_nano_usd: 1e15 - 1 }));
      await write(...rows);
      const [sum] = (await ledger.reader.usage({ by: [], since_ms: 0, until_ms: NOW + 60_000 }, NOW)).rows;
      expect(sum?.cost_nano_usd).toBe(30n * (10n ** 15n - 1n));
    });

    test("go on where they stood when the ledger is opened again", async () => {
      await write(ledgerRow());
      await ledger.reopen();
      await write(ledgerRow());
      expect(await all("SELECT calls FROM rollup_day")).toEqual([{ calls: 2 }]);
    });

    test("have a bound of groups in a day: users first, then models, are counted as other", async () => {
      await ledger.reopen(3);
      const named = Array.from({ length: 5 }, (_, i) => ledgerRow({ user: `u${i}` }));
      const many = Array.from({ length: 9 }, (_, i) => ledgerRow({ user: `v${i}`, model: `m${i}` }));
      const written = [...named, ledgerRow({ user: "u1" }), ...many];
      await write(...written.slice(0, 3));
      // The number of groups is known after a restart too.
      await ledger.reopen(3);
      await write(...written.slice(3, 6));
      await write(...written.slice(6));
      const by = async (column: string) =>
        (
          await all(
            `SELECT "${column}", sum(calls) AS calls FROM rollup_day JOIN groups ON id = group_id GROUP BY 1 ORDER BY 1`,
          )
        ).map((row) => Object.values(row).join(" "));
      expect(await by("user")).toEqual(["other 11", "u0 1", "u1 2", "u2 1"]);
      expect(await by("model")).toEqual(["chat 6", "m0 1", "m1 1", "other 7"]);
      for (const level of LEVELS) {
        expect((await one(`SELECT sum(calls) AS n FROM rollup_${level}`))["n"]).toBe(15);
      }
      // The rows themselves know better.
      const users = (of: readonly LedgerRow[]) => of.map(({ user, model }) => `${user} ${model}`);
      expect(users(await rowsThere())).toEqual(users(written));
      // Another day counts anew.
      await write(ledgerRow({ user: "v8", time: NOW + 86_400_000 }));
      expect(await by("user")).toContain("v8 1");
    });

    test("and groups that were not committed are forgotten with their transaction", async () => {
      await all("ALTER TABLE spend RENAME TO gone");
      await expect(write(ledgerRow({ user: "new" }))).rejects.toThrow();
      await all("ALTER TABLE gone RENAME TO spend");
      await write(ledgerRow({ user: "other one" }), ledgerRow({ user: "new" }));
      for (const level of LEVELS) expect(await rolledUp(level)).toEqual(slowSums(await rowsThere(), level));
      expect(await rolledUp("day")).toHaveLength(2);
    });
  });

  describe("spending", () => {
    const settings = (budgets: readonly Budget[], at = [0.5, 0.8, 1]): LedgerSettings => ({
      ledger: { store: "sqlite", retention_days: 400, max_mb: 100 },
      alerts: { webhook: "http://127.0.0.1:1/", at },
      budgets,
      watches_quality: false,
      otlp: null,
    });
    const alerts = () => ledger.alerts();
    const budget = (nano_usd: bigint, changes: Partial<Budget> = {}): Budget => ({
      ...{ scope: "key", name: "checkout", period: "day", nano_usd },
      ...changes,
    });
    const costs = (cost_nano_usd: number, changes = {}) => ledgerRow({ cost_nano_usd, ...changes });

    test("is counted by key, tenant, team and model, in days and months", async () => {
      await write(costs(5), costs(7, { time: NOW - 86_400_000 }), costs(9, { cost_nano_usd: null }));
      expect(
        (await all("SELECT scope, name, period, nano_usd FROM spend ORDER BY 1, 3, start_ms")).map((row) =>
          Object.values(row).join(" "),
        ),
      ).toEqual([
        ...["key checkout day 7", "key checkout day 5", "key checkout month 12"],
        ...["model chat day 7", "model chat day 5", "model chat month 12"],
        ...["team acme/shop day 7", "team acme/shop day 5", "team acme/shop month 12"],
        ...["tenant acme day 7", "tenant acme day 5", "tenant acme month 12"],
      ]);
    });

    test("of a candidate is nobody's", async () => {
      await write(ledgerRow({ tenant: "shadow/acme", key: null, team: null, user: null, cost_nano_usd: 7 }));
      expect(await all("SELECT * FROM spend")).toEqual([]);
      expect((await one("SELECT sum(cost_nano_usd) AS n FROM rollup_minute"))["n"]).toBe(7);
    });

    test("that reaches a share alerts once, at exactly the share", async () => {
      await ledger.configure(settings([budget(1000n)]), NOW);
      await write(costs(499));
      expect(alerts()).toEqual([]);
      await write(costs(1));
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
      await write(costs(100), costs(100));
      await write(costs(600));
      await write(costs(600));
      expect(alerts().map(({ share }) => share)).toEqual([0.5, 0.8, 1]);
      // The next day begins anew.
      await write(costs(800, { time: NOW + 86_400_000 }));
      expect(
        alerts()
          .map(({ window, share }) => `${window} ${share}`)
          .slice(3),
      ).toEqual(["2026-11-27 0.5", "2026-11-27 0.8"]);
    });

    test("of each user of a key alerts by user, where the key has a budget for users", async () => {
      await ledger.configure(settings([budget(100n, { scope: "user", period: "month" })], [1]), NOW);
      await write(
        costs(60),
        costs(60, { user: "u2" }),
        costs(100, { key: "another" }),
        costs(60, { user: null }),
      );
      expect(alerts()).toEqual([]);
      await write(costs(40, { user: "u2" }));
      expect(alerts()).toMatchObject([{ scope: "user", name: "checkout", user: "u2", window: "2026-11" }]);
      expect(await all("SELECT DISTINCT name FROM spend WHERE scope = 'user'")).toEqual([
        { name: "checkout" },
      ]);
    });

    test("from before is compared with a budget that is new or less", async () => {
      await write(costs(60));
      await ledger.configure(settings([budget(1000n)]), NOW);
      expect(alerts()).toEqual([]);
      await ledger.configure(settings([budget(100n)]), NOW);
      await ledger.configure(settings([budget(70n)]), NOW);
      expect(alerts().map(({ share, limit_usd }) => [share, limit_usd])).toEqual([
        [0.5, 1e-7],
        [0.8, 7e-8],
      ]);
    });

    test("is compared with budgets of tenants, teams and models too", async () => {
      const of = (scope: Budget["scope"], name: string) => budget(10n, { scope, name, period: "month" });
      await ledger.configure(
        settings([of("tenant", "acme"), of("team", "acme/shop"), of("model", "chat")], [1]),
        NOW,
      );
      await write(costs(10));
      expect(alerts().map(({ scope, name }) => `${scope} ${name}`)).toEqual([
        ...["tenant acme", "team acme/shop", "model chat"],
      ]);
    });
  });
});

describe("a file", () => {
  let folder: string;
  let store: Store;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "venturi-"));
    const db = openToWrite(ledgerPath(folder), (line) => {
      throw new Error(line);
    });
    if (!(db instanceof Database)) throw new Error(db.fault);
    store = new Store(db);
  });
  afterEach(() => {
    store.db.close();
    rmSync(folder, { recursive: true });
  });
  const one = (sql: string) => store.db.query<Record<string, number>, []>(sql).get()!;
  const write = (...rows: readonly LedgerRow[]) => store.write(rows.map(writeRow), NOW);

  test("numbers its rows without a gap, and knows where those of a minute are", () => {
    const rows = Array.from({ length: 53 }, () => ledgerRow());
    write(...rows.slice(0, 20));
    write(...rows.slice(10));
    expect(one("SELECT first_seq, last_seq FROM minutes")).toEqual({ first_seq: 1, last_seq: 53 });
    expect(one("SELECT max(seq) AS n, count(*) AS count FROM calls")).toEqual({ n: 53, count: 53 });
  });

  test("that has no room for a batch writes nothing of it, and all of it when there is", () => {
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
    for (const level of LEVELS) {
      expect(one(`SELECT sum(calls) AS n FROM rollup_${level}`)["n"]).toBe(200);
    }
  });

  test("gives its lines back as they were written, to be sent on", () => {
    const random = randomFrom(21);
    const rows = Array.from({ length: 200 }, (_, index) => drawnRow(random, NOW + index));
    const special = [
      ledgerRow({ request_id: "mine", error: "killed", cache: "bypass", cost_nano_usd: null }),
      ledgerRow({ user: "tab\tand\nline", feature: "é\u{1F600}" }),
      ledgerRow({ team: null, key: null, user: null, feature: null, attempts: [] }),
    ];
    const few = new Store(store.db, 2);
    few.write([...rows, ...special].map(writeRow), NOW);
    few.cursors.beginAtFirst("somebody");
    const sent = few.cursors.nextLines("somebody", 1_000)!;
    expect([sent.first_seq, sent.last_seq]).toEqual([1, 203]);
    expect(sent.lines.map(readRow)).toEqual([...rows, ...special]);
    expect(few.cursors.waiting("somebody")).toEqual({ rows: 203, since_ms: rows[0]!.time });
    few.cursors.advance("somebody", 203);
    expect(few.cursors.nextLines("somebody", 1_000)).toBe(null);
    expect(few.cursors.waiting("somebody")).toEqual({ rows: 0, since_ms: null });
  });

  test("forgets what was spent when its day or month is long over", () => {
    const periods = () => store.db.query("SELECT DISTINCT period FROM spend").all();
    write(ledgerRow({ cost_nano_usd: 5 }));
    store.spend.prune(NOW + 5 * 86_400_000);
    expect(periods()).toEqual([{ period: "month" }]);
    store.spend.prune(NOW + 63 * 86_400_000);
    expect(periods()).toEqual([]);
  });
});
