// Questions to the ledger against a slow model: the rows themselves, gone through one by one.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { DIMENSIONS, type Dimension } from "../../../src/ledger/store/groups.ts";
import { openLedgerReader, usdOf } from "../../../src/ledger/store/query.ts";
import { type OpenLedger, onEveryEngine } from "./engines.ts";
import { drawnRow, ledgerRow, randomFrom } from "./rows.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 6, 30, 17, 250);
const random = randomFrom(3);
/** In the order in which they were written. */
const rows: LedgerRow[] = [];
for (let index = 0; index < 3000; index++) {
  rows.push(drawnRow(random, Math.floor(NOW - (1 - index / 3000) * 6 * DAY_MS - random() * 3_600_000), 3));
}

/** What usage says, added up row by row. */
function slowUsage(by: readonly Dimension[], since_ms: number, until_ms: number): Map<string, unknown> {
  const found = new Map<string, Record<string, number | bigint>>();
  for (const row of rows.filter(({ time }) => time >= since_ms && time < until_ms)) {
    const name = JSON.stringify(by.map((field) => row[field]));
    const sum = found.get(name) ?? {
      ...{ calls: 0, errors: 0, input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 },
      ...{ reasoning_tokens: 0, cost_nano_usd: 0n, unpriced_calls: 0, estimated_calls: 0 },
      ...{ cache_hits: 0, saved_nano_usd: 0n },
    };
    const add = (key: string, amount: number) => {
      sum[key] = (sum[key] as number) + amount;
    };
    add("calls", 1);
    add("errors", row.error === null ? 0 : 1);
    for (const kind of [
      "input_tokens",
      "cached_input_tokens",
      "output_tokens",
      "reasoning_tokens",
    ] as const) {
      add(kind, row.usage[kind]);
    }
    sum["cost_nano_usd"] = (sum["cost_nano_usd"] as bigint) + BigInt(row.cost_nano_usd ?? 0);
    sum["saved_nano_usd"] = (sum["saved_nano_usd"] as bigint) + BigInt(row.saved_nano_usd);
    add("cache_hits", row.cache === "hit" ? 1 : 0);
    add("unpriced_calls", row.cost_nano_usd === null ? 1 : 0);
    add("estimated_calls", row.estimated ? 1 : 0);
    found.set(name, sum);
  }
  return found;
}

onEveryEngine((engine) => {
  let ledger: OpenLedger;
  beforeAll(async () => {
    ledger = await engine.open();
    for (let from = 0; from < rows.length; from += 500)
      await ledger.write(rows.slice(from, from + 500).map(writeRow), NOW);
  });
  afterAll(() => ledger.close());

  describe("usage", () => {
    test("is exact over any range and by any fields", async () => {
      let rows_seen = 0;
      for (let round = 0; round < (engine.name === "sqlite" ? 150 : 40); round++) {
        const since_ms = Math.floor(NOW - random() * 7 * DAY_MS);
        const until_ms = Math.floor(since_ms + random() * random() * (NOW - since_ms));
        const by = DIMENSIONS.filter(() => random() < 0.25);
        const answer = await ledger.reader.usage({ by, since_ms, until_ms }, NOW);
        expect(since_ms - answer.since_ms).toBeLessThan(60_000);
        expect(answer.until_ms - until_ms).toBeLessThan(60_000);
        const found = new Map(
          answer.rows.map(({ by: names, ...sums }) => [
            JSON.stringify(by.map((field) => names[field])),
            sums,
          ]),
        );
        expect(found).toEqual(slowUsage(by, answer.since_ms, answer.until_ms));
        expect(found.size).toBe(answer.rows.length);
        rows_seen += found.size;
      }
      expect(rows_seen).toBeGreaterThan(100);
    });

    test("names the dearest first, and of a range without calls nothing", async () => {
      const { rows: by_key } = await ledger.reader.usage({ by: ["key"], since_ms: 0, until_ms: NOW }, NOW);
      const costs = by_key.map(({ cost_nano_usd }) => cost_nano_usd);
      expect(costs).toEqual(costs.toSorted((a, b) => Number(b - a)));
      const long_ago = { by: [], since_ms: 0, until_ms: NOW - 30 * DAY_MS };
      expect((await ledger.reader.usage(long_ago, NOW)).rows).toEqual([]);
    });

    test("whose price is not known costs no dollars, not 0", async () => {
      const [row] = (await ledger.reader.usage({ by: [], since_ms: 0, until_ms: NOW }, NOW)).rows;
      expect(usdOf(row!)).toBe(Number(row!.cost_nano_usd) / 1e9);
      expect(usdOf({ ...row!, unpriced_calls: row!.calls, cost_nano_usd: 0n })).toBe(null);
      expect(usdOf({ ...row!, calls: 0, unpriced_calls: 0, cost_nano_usd: 0n })).toBe(0);
    });
  });

  describe("calls", () => {
    test("come newest first, page by page, every one once", async () => {
      const seen: string[] = [];
      for (let before_seq: number | undefined; ; ) {
        const page = await ledger.reader.calls({ before_seq, limit: 700 });
        if (page.length === 0) break;
        seen.push(...page.map(({ row }) => row.id));
        before_seq = page.at(-1)!.seq;
      }
      expect(seen).toEqual(rows.map(({ id }) => id).toReversed());
      expect(await ledger.reader.lastSeq()).toBe(rows.length);
    });

    test("come as they were written, and after one that is known, the oldest first", async () => {
      const found = await ledger.reader.calls({ after_seq: 2990, limit: 100 });
      expect(found.map(({ row }) => row)).toEqual(rows.slice(2990));
    });

    test.each([
      { since_ms: NOW - DAY_MS },
      { since_ms: NOW - 7 * DAY_MS },
      { since_ms: NOW - 2 * DAY_MS, until_ms: NOW - DAY_MS },
      { filters: { key: "key1", status: 500 } },
      { since_ms: NOW - 3 * DAY_MS, filters: { model: "model0", error: "upstream_error" } },
      { filters: { tenant: "nobody" } },
    ])("are found by $filters since $since_ms until $until_ms", async (query) => {
      const expected = rows.filter(
        (row) =>
          row.time >= (query.since_ms ?? 0) &&
          row.time < (query.until_ms ?? NOW) &&
          Object.entries(query.filters ?? {}).every(
            ([name, value]) => row[name as keyof LedgerRow] === value,
          ),
      );
      const found = await ledger.reader.calls({ ...query, limit: 5000 });
      expect(found.map(({ row }) => row.id)).toEqual(expected.map(({ id }) => id).toReversed());
      expect(await ledger.reader.calls({ ...query, limit: 3 })).toEqual(found.slice(0, 3));
    });

    test("are found by any filters, as going through all of them would", { timeout: 90_000 }, async () => {
      const fields = [
        ...(["tenant", "key", "user", "feature", "model", "served_model"] as const),
        ...(["status", "error", "cache"] as const),
      ];
      let found_rows = 0;
      for (let round = 0; round < (engine.name === "sqlite" ? 200 : 40); round++) {
        const like = rows[Math.floor(random() * rows.length)]!;
        const filters = Object.fromEntries(
          fields.filter((name) => random() < 0.3 && like[name] !== null).map((name) => [name, like[name]!]),
        );
        const since_ms = random() < 0.5 ? undefined : Math.floor(NOW - random() * 7 * DAY_MS);
        const until_ms = random() < 0.7 ? undefined : Math.floor(NOW - random() * 5 * DAY_MS);
        const before_seq = random() < 0.7 ? undefined : Math.ceil(random() * rows.length);
        const limit = random() < 0.5 ? 10_000 : 1 + Math.floor(random() * 9);
        const expected = rows.filter(
          (row, index) =>
            row.time >= (since_ms ?? 0) &&
            row.time < (until_ms ?? NOW) &&
            index + 1 < (before_seq ?? Number.POSITIVE_INFINITY) &&
            Object.entries(filters).every(([name, value]) => row[name as keyof LedgerRow] === value),
        );
        const found = await ledger.reader.calls({ filters, since_ms, until_ms, before_seq, limit });
        expect(found.map(({ row }) => row)).toEqual(expected.toReversed().slice(0, limit));
        found_rows += found.length;
      }
      expect(found_rows).toBeGreaterThan(1_000);
    });

    test("are found by names that count as other, and where sums of hours are no more", async () => {
      const small = await engine.open(2);
      const days = [300, 200, 20, 3, 2, 1, 0];
      const written = days.flatMap((day) =>
        Array.from({ length: 12 }, (_, index) =>
          // Some have taken so long that rows of the next day were written before.
          ledgerRow({
            user: `u${index % 6}`,
            model: `m${index % 3}`,
            time: NOW - (day + (index === 7 ? 1 : 0)) * DAY_MS,
          }),
        ),
      );
      for (let from = 0; from < written.length; from += 5)
        await small.write(written.slice(from, from + 5).map(writeRow), NOW);
      await small.all(`DELETE FROM rollup_hour WHERE start_ms < ${NOW - 100 * DAY_MS}`);
      const users = async (filters: Record<string, string>, limit = 1000) =>
        (await small.reader.calls({ filters, limit })).map(({ row }) => row.id);
      for (const user of ["u0", "u1", "u2", "u3", "u4", "u5", "other"]) {
        for (const model of ["m0", "m1", "m2"]) {
          const ids = (of: readonly LedgerRow[]) => of.map(({ id }) => id).toReversed();
          expect(await users({ user })).toEqual(ids(written.filter((row) => row.user === user)));
          expect(await users({ user, model })).toEqual(
            ids(written.filter((row) => row.user === user && row.model === model)),
          );
          expect(await users({ model }, 9)).toEqual(
            ids(written.filter((row) => row.model === model)).slice(0, 9),
          );
        }
      }
      const folded = await small.all(`SELECT 1 AS n FROM groups WHERE "user" = 'other'`);
      expect(folded.length).toBeGreaterThan(0);
      await small.close();
    });

    test("are found by the client's request id, every call of it, and by their own", async () => {
      const made = ledgerRow({ id: crypto.randomUUID() });
      const request_id = `req_${made.id.replaceAll("-", "")}`;
      const twice = [ledgerRow({ request_id: "again" }), ledgerRow({ request_id: "again" })];
      await ledger.write(
        [{ ...made, request_id }, ...twice].map((row) => writeRow(row)),
        NOW,
      );
      const ids = async (query: { request_id?: string; id?: string }) =>
        (await ledger.reader.calls({ ...query, limit: 9 })).map(({ row }) => row.id);
      expect(await ids({ request_id })).toEqual([made.id]);
      expect(await ids({ request_id: made.id })).toEqual([made.id]);
      expect(await ids({ id: made.id })).toEqual([made.id]);
      expect(await ids({ request_id: "again" })).toEqual([twice[1]!.id, twice[0]!.id]);
      expect(await ids({ request_id: "nothing" })).toEqual([]);
    });
  });
});

test("a folder without a ledger is told in words", () => {
  expect(openLedgerReader("/nowhere")).toEqual({
    fault: `there is no ledger at ${join("/nowhere", "ledger.sqlite")}`,
  });
});
