// Rows written for the ring come back as they were, and notes of calls in flight fit their slots.

import { describe, expect, test } from "vitest";
import { NO_USAGE } from "../../src/dialects/usage.ts";
import { noteText, readNote, rowOfKilled } from "../../src/ledger/flight_note.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { readRow } from "../../src/ledger/row_text.ts";
import { writeRow } from "../../src/ledger/row_writer.ts";

const PLAIN: LedgerRow = {
  id: "5239136f-8ca9-40a8-900b-53411c6fd9d6",
  request_id: 'mine "quoted" \\',
  time: 1_795_674_410_612,
  ...{ tenant: "acme", team: null, key: "checkout", user: null, feature: null, tags: {} },
  ...{ model: "chat", provider: "openai", served_model: "gpt-4o-mini" },
  ...{ status: 200, error: null, finish_reason: "stop", stream: false },
  usage: { ...NO_USAGE, input_tokens: 12, output_tokens: 7 },
  ...{ cost_nano_usd: 6_000, price_version: "genai-prices@0.1.8" },
  ...{ cache: "bypass", similarity: null, redactions: {}, timings_us: { total: 1_279 }, estimated: false },
  attempts: [{ provider: "openai", model: "gpt-4o-mini", outcome: "ok" }],
};

const FULL: LedgerRow = {
  ...PLAIN,
  ...{
    team: "shop",
    user: 'ann "the" \\ user\n',
    feature: "search 🔎",
    tags: { beta: "", "region\u0001": "eu" },
  },
  ...{ error: "upstream_error", finish_reason: null, stream: true, cost_nano_usd: null, price_version: null },
  ...{ cache: "semantic", similarity: 0.97, redactions: { EMAIL: 2 }, estimated: true },
  usage: Object.fromEntries(
    Object.keys(NO_USAGE).map((kind, index) => [kind, index + 1]),
  ) as unknown as LedgerRow["usage"],
  attempts: [...PLAIN.attempts, { provider: "groq", model: "ллама", outcome: "connect" }],
};

test.each([
  ["usual", PLAIN],
  ["full", FULL],
  [
    "empty",
    {
      ...PLAIN,
      usage: NO_USAGE,
      model: null,
      provider: null,
      served_model: null,
      attempts: [],
      timings_us: {},
    },
  ],
])("a row that is %s comes back as it was", (_, row) => {
  expect(readRow(writeRow(row))).toEqual(row);
  expect(JSON.parse(writeRow(row))).toMatchObject({ id: row.id });
});

describe("the note of a call in flight", () => {
  test("gives the row of a call whose process died, priced by what had come", () => {
    const note = { row: { ...PLAIN, status: 0 }, input_cost: 12_000, output_cost: 4_000, held: "90000" };
    const read = readNote(noteText(note))!;
    expect(read).toEqual(note);
    expect(rowOfKilled(read, 5)).toMatchObject({
      ...{ id: PLAIN.id, status: 502, error: "killed", cost_nano_usd: 32_000, estimated: true },
      usage: { input_tokens: 12, output_tokens: 5 },
    });
    expect(rowOfKilled({ ...read, input_cost: null }, 5).cost_nano_usd).toBe(null);
  });

  test("always fits its slot, and keeps who pays", () => {
    const long = "ü".repeat(128);
    const row: LedgerRow = {
      ...FULL,
      ...{ tenant: long, team: long, key: long, user: long, feature: long, request_id: "r".repeat(128) },
      tags: Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`${index}${long}`, long])),
    };
    const text = noteText({ row, input_cost: 1, output_cost: 1, held: "1" });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(992);
    expect(readNote(text)!.row).toMatchObject({ id: row.id, tenant: long, key: long });
  });

  test.each(["", "{}", "[1]", '{"row":5}', '{"row":{"id":"x"}}', "{"])("that is none is none: %s", (text) => {
    expect(readNote(text)).toBe(null);
  });
});
