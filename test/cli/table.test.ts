// What commands print: tables, CSV, amounts and times.

import { describe, expect, test } from "vitest";
import { parseMoment, showMoment } from "../../src/cli/moment.ts";
import { alignTable, csvLines, showCount, showUsd } from "../../src/cli/table.ts";

describe("a table", () => {
  test("has its numbers at the right, and its sum behind a rule", () => {
    const lines = alignTable(
      ["name", "calls"],
      [
        ["a", "1,000"],
        ["long name", "2"],
      ],
      ["left", "right"],
      ["total", "1,002"],
    );
    expect(lines).toEqual([
      "name       calls",
      "─────────  ─────",
      "a          1,000",
      "long name      2",
      "─────────  ─────",
      "total      1,002",
    ]);
  });

  test("is aligned by what is seen, and no name moves the cursor", () => {
    const [, , wide, hostile] = alignTable(
      ["n", "c"],
      [
        ["漢字", "1"],
        ["\u001b[2J\n\u202e", "2"],
      ],
      ["left", "right"],
    );
    expect(wide).toBe("漢字    1");
    expect(hostile).toBe("?[2J??  2");
  });
});

test("CSV quotes what needs it", () => {
  expect(csvLines([["a", 'say "hi", twice', null, 1.5, 9007199254740993n, "x\ny"]])).toEqual([
    'a,"say ""hi"", twice",,1.5,9007199254740993,"x\ny"',
  ]);
});

test.each([
  [null, "unknown"],
  [0, "$0"],
  [1234.5, "$1,234.50"],
  [12.34, "$12.34"],
  [1, "$1.00"],
  [0.5, "$0.500"],
  [0.0123456, "$0.0123"],
  [0.000123, "$0.000123"],
  [0.000000001, "$0.000000001"],
])("%s dollars are shown as %s", (value, shown) => {
  expect(showUsd(value)).toBe(shown);
});

test("counts have separators", () => expect(showCount(1_234_567)).toBe("1,234,567"));

describe("a time", () => {
  const now = Date.UTC(2026, 10, 26, 6, 30);
  test.each([
    ["7d", "2026-11-19T06:30:00Z"],
    ["24h", "2026-11-25T06:30:00Z"],
    ["30m", "2026-11-26T06:00:00Z"],
    ["90s", "2026-11-26T06:28:30Z"],
    ["2w", "2026-11-12T06:30:00Z"],
    ["2026-11-01", "2026-11-01T00:00:00Z"],
    ["2026-11-01T12:00", "2026-11-01T12:00:00Z"],
    ["2026-11-01T12:00:05.5Z", "2026-11-01T12:00:05.500Z"],
    ["2026-11-01T12:00+02:00", "2026-11-01T10:00:00Z"],
  ])("is written as %s", (text, time) => expect(parseMoment(text, now)).toBe(Date.parse(time)));

  test.each(["", "7", "d", "-7d", "7 d", "yesterday", "2026-13-01", "2026-11", "11/01/2026"])(
    "is not written as %j",
    (text) => expect(parseMoment(text, now)).toBe(null),
  );

  test("is shown to the minute", () => expect(showMoment(now)).toBe("2026-11-26 06:30"));
});
