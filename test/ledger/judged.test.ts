// The facts of an answer on their way through a row's line: all of them, and nothing else that looks like them.

import { expect, test } from "vitest";
import { type Judged, judgedOf, lettersAt, lettersOf } from "../../src/ledger/judged.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import { LineReader, readRow } from "../../src/ledger/row_reader.ts";
import { ledgerRow } from "./store/rows.ts";

const ALL: Judged[] = [true, false].flatMap((refused) =>
  [true, false].flatMap((cut) =>
    [true, false, null].flatMap((json) =>
      [true, false, null].map((tools) => ({ refused, cut, json, tools })),
    ),
  ),
);

function lettersOfLine(line: string): string | null {
  const reader = new LineReader();
  expect(reader.read(line)).toBe(true);
  return lettersAt(reader.rest);
}

test("every combination comes back, from the letters and from the row", () => {
  for (const judged of ALL) {
    expect(judgedOf(lettersOf(judged))).toEqual(judged);
    const line = writeRow(ledgerRow({ judged, routing: { route: "r" } }));
    expect(lettersOfLine(line)).toBe(lettersOf(judged));
    expect(readRow(line)?.judged).toEqual(judged);
  }
});

test.each([
  [{}],
  [{ judged: "r" }],
  [{ a: ',"judged":"r' }],
  [{ a: '","judged":"r"}' }],
  [{ ',"judged":"r"}': "" }],
])("a row that nobody looked at has none, whatever its client says: tags %j", (tags) => {
  const line = writeRow(ledgerRow({ tags }));
  expect(lettersOfLine(line)).toBe(null);
  expect(readRow(line)?.judged).toBe(null);
});
