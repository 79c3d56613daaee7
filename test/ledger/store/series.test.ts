// Usage over time and latency against a slow model: the rows themselves, gone through one by one.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import type { Dimension } from "../../../src/ledger/store/groups.ts";
import { quantilesOf } from "../../../src/ledger/store/latency.ts";
import { LEVEL_MS, type Level, startOf } from "../../../src/ledger/store/windows.ts";
import { type OpenLedger, onEveryEngine } from "./engines.ts";
import { drawnRow, randomFrom } from "./rows.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 6, 30, 17, 250);
const random = randomFrom(5);
const rows: LedgerRow[] = [];
for (let index = 0; index < 2_500; index++) {
  const time = Math.floor(NOW - (1 - index / 2_500) * 5 * DAY_MS);
  const timings_us = {
    total: Math.floor(random() * 1e6),
    ...(index % 3 === 0 ? { first_byte: index } : {}),
  };
  rows.push({ ...drawnRow(random, time, 6), timings_us });
}

/** By step and name: calls, errors and cost, added up row by row. */
function slowSeries(by: Dimension | null, step: Level, since_ms: number, nameOf: (row: LedgerRow) => string) {
  const sums = new Map<string, { calls: number; errors: number; cost: bigint }>();
  for (const row of rows.filter(({ time }) => time >= startOf(step, since_ms) && time < NOW)) {
    const id = `${startOf(step, row.time)} ${by === null ? "" : nameOf(row)}`;
    const sum = sums.get(id) ?? { calls: 0, errors: 0, cost: 0n };
    sums.set(id, {
      calls: sum.calls + 1,
      errors: sum.errors + (row.error === null ? 0 : 1),
      cost: sum.cost + BigInt(row.cost_nano_usd ?? 0),
    });
  }
  return sums;
}

onEveryEngine((engine) => {
  let ledger: OpenLedger;
  beforeAll(async () => {
    ledger = await engine.open();
    await ledger.write(rows.map(writeRow), NOW);
  });
  afterAll(() => ledger.close());

  describe("usage over time", () => {
    test.each([
      [null, "day", 4 * DAY_MS, 8],
      ["feature", "hour", 2 * DAY_MS, 50],
      ["key", "day", 5 * DAY_MS, 3],
      ["user", "minute", 3_600_000, 2],
    ] as const)("by %s in steps of a %s is what the rows add up to", async (by, step, back_ms, names) => {
      const since_ms = NOW - back_ms;
      const answer = await ledger.reader.series({ by, step, since_ms, until_ms: NOW, names });
      const told = answer.has_others ? answer.names.slice(0, -1) : answer.names;
      expect(told.length).toBeLessThanOrEqual(names);
      const nameOf = (row: LedgerRow) => (told.includes(row[by!]) ? (row[by!] ?? "") : "all the others");
      const slow = slowSeries(by, step, since_ms, nameOf);
      const found = new Map(
        answer.points.map(({ start_ms, name, calls, errors, cost_nano_usd }) => {
          const is_others = answer.has_others && name === answer.names.length - 1;
          const text = by === null ? "" : is_others ? "all the others" : (answer.names[name] ?? "");
          return [`${start_ms} ${text}`, { calls, errors, cost: cost_nano_usd }];
        }),
      );
      expect(found).toEqual(slow);
      expect(answer.step_ms).toBe(LEVEL_MS[step]);
      expect(answer.since_ms).toBe(startOf(step, since_ms));
    });

    test("names the dearest first, as usage does", async () => {
      const range = { since_ms: startOf("day", NOW - 3 * DAY_MS), until_ms: NOW };
      const { names } = await ledger.reader.series({ by: "key", step: "day", ...range, names: 50 });
      const usage = await ledger.reader.usage({ by: ["key"], ...range }, NOW);
      expect(names).toEqual(usage.rows.map(({ by }) => by.key));
    });

    test("of a time without calls is empty", async () => {
      const answer = await ledger.reader.series({
        by: "key",
        step: "day",
        since_ms: 0,
        until_ms: DAY_MS,
        names: 3,
      });
      expect(answer).toMatchObject({ names: [], points: [], has_others: false });
    });
  });

  describe("latency", () => {
    test("is of the newest calls, of those that have the stage", async () => {
      const since_ms = NOW - DAY_MS;
      const newest = rows.filter(({ time }) => time >= since_ms);
      const { calls, first_byte_ms, total_ms } = await ledger.reader.latency(since_ms);
      expect(calls).toBe(newest.length);
      const slow = (values: (number | undefined)[]) => {
        const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
        return sorted[Math.ceil(0.95 * sorted.length) - 1]! / 1_000;
      };
      expect(first_byte_ms!.p95).toBe(slow(newest.map(({ timings_us }) => timings_us.first_byte)));
      expect(total_ms!.p95).toBe(slow(newest.map(({ timings_us }) => timings_us.total)));
    });

    test("is of a bounded number of calls, and of none where there are none", async () => {
      expect((await ledger.reader.latency(0)).calls).toBe(2_000);
      expect(await ledger.reader.latency(NOW)).toEqual({ calls: 0, first_byte_ms: null, total_ms: null });
    });
  });
});

test("quantiles take the nearest rank", () => {
  expect(quantilesOf([3_000, null, 1_000, 2_000])).toEqual({ p50: 2, p95: 3, p99: 3 });
  expect(quantilesOf([null])).toBeNull();
});
