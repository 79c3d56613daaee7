// The benchmark of the ledger, as small as it can be, so that it does not rot; and its rows, which must be a month of calls.

import { expect, test } from "vitest";
import { MEASURES } from "../../bench/figures.ts";
import { ledger } from "../../bench/ledger.ts";
import { monthOfRows } from "../../bench/ledger_rows.ts";
import { USUAL_SIZES } from "../../bench/part.ts";
import { readRow } from "../../src/ledger/row_reader.ts";

test("the ledger is filled and asked without a fault", { timeout: 60_000 }, async () => {
  const said: string[] = [];
  const cases = await ledger.run({ ...USUAL_SIZES, calls: 12_000, rounds: 2 }, (line) => said.push(line));
  // Among so few rows there may be none of what is rare.
  const faulty = cases.filter(
    ({ row, fault }) =>
      fault !== null && !(fault === "nothing was found" && /rare|failed|last five minutes/.test(row)),
  );
  expect(faulty).toEqual([]);
  expect(cases.length).toBeGreaterThan(5);
  const names = new Set(cases.flatMap(({ values }) => Object.keys(values)));
  expect(Object.keys(MEASURES)).toEqual(expect.arrayContaining([...names]));
  expect(cases[0]!.values["rows"]).toEqual([12_000]);
  expect(Object.keys(USUAL_SIZES)).toEqual(expect.arrayContaining(Object.keys(ledger.usual)));
});

test("its rows are calls of 30 days in the order of their time, each with an id of its own", () => {
  const end_ms = Date.UTC(2026, 10, 26);
  const rows = [...monthOfRows(3000, 1000, end_ms)].flat().map((text) => readRow(text)!);
  const times = rows.map(({ time }) => time);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBe(end_ms - 30 * 86_400_000);
  expect(end_ms - times.at(-1)!).toBeLessThan(3_600_000);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(3000);
  const ids = rows.map(({ id }) => id);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
    true,
  );
});
