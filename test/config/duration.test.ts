import { describe, expect, test } from "vitest";
import { parseDuration, parseInstant } from "../../src/config/duration.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

describe("a duration", () => {
  test.each([
    ["500ms", 500],
    ["0s", 0],
    ["90m", 5_400_000],
    ["12h", 43_200_000],
    ["1h30m", 5_400_000],
    ["30d", 2_592_000_000],
    ["2w", 1_209_600_000],
    ["", null],
    ["5", null],
    ["5 d", null],
    ["-5d", null],
    ["1.5h", null],
    ["5y", null],
    ["999999999w", null],
  ])("%j is %j milliseconds", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});

describe("an instant", () => {
  test.each([
    ["1d", "ahead", "2026-03-02T12:00:00.000Z"],
    ["1d", "ago", "2026-02-28T12:00:00.000Z"],
    ["2030-01-31", "ahead", "2030-01-31T00:00:00.000Z"],
    ["2028-02-29", "ago", "2028-02-29T00:00:00.000Z"],
    ["2030-01-31T10:30Z", "ago", "2030-01-31T10:30:00.000Z"],
    ["2030-01-31T10:30", "ago", "2030-01-31T10:30:00.000Z"],
    ["2030-01-31T10:30:15.25+02:00", "ago", "2030-01-31T08:30:15.250Z"],
  ] as const)("%j %s is %s", (text, direction, expected) => {
    expect(new Date(parseInstant(text, NOW_MS, direction)!).toISOString()).toBe(expected);
  });

  test.each(["", "tomorrow", "2027-02-29", "2030-13-01", "2030-1-1", "2030-01-31T10", "2030-01-31T25:00Z"])(
    "%j is none",
    (text) => {
      expect(parseInstant(text, NOW_MS, "ahead")).toBeNull();
    },
  );
});
