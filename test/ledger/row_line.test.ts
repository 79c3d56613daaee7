// Rows written for the ring come back as they were, and notes of calls in flight fit their slots.

import { describe, expect, test } from "vitest";
import { NO_USAGE } from "../../src/dialects/usage.ts";
import { type FlightNote, readNote, rowOfKilled, writeNote } from "../../src/ledger/flight_note.ts";
import { isMadeOf, madeOf, madeRequestId } from "../../src/ledger/request_id.ts";
import { type LedgerRow, STAGES } from "../../src/ledger/row.ts";
import { AMOUNTS, appendRow, USAGE_KINDS, writeRow } from "../../src/ledger/row_line.ts";
import { LineReader, linesIn, readNames, readRow } from "../../src/ledger/row_reader.ts";
import { LineBuffer } from "../../src/memory/line_buffer.ts";
import { randomIntegers } from "../memory/random.ts";
import { drawnRow, randomFrom } from "./store/rows.ts";

const PLAIN: LedgerRow = {
  id: "5239136f-8ca9-40a8-900b-53411c6fd9d6",
  request_id: 'mine "quoted" \\',
  time: 1_795_674_410_612,
  ...{ tenant: "acme", team: null, key: "checkout", user: null, feature: null, tags: {} },
  ...{ model: "chat", provider: "openai", served_model: "gpt-4o-mini" },
  ...{ status: 200, error: null, finish_reason: "stop", stream: false },
  usage: { ...NO_USAGE, input_tokens: 12, output_tokens: 7 },
  ...{ cost_nano_usd: 6_000, price_version: "genai-prices@0.1.8", saved_nano_usd: 0 },
  ...{
    cache: "bypass",
    similarity: null,
    redactions: {},
    routing: null,
    ...{ refusal: false, judged: null, shadow: null, replay_of: null },
    guards: {},
    timings_us: { total: 1_279 },
    trace: null,
    sampled: false,
    endpoint: "/chat/completions",
    estimated: false,
  },
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
  ...{
    cache: "semantic",
    similarity: 0.97,
    redactions: { EMAIL: 2 },
    routing: {
      route: "routes[0]",
      model: "cheap",
      split: true,
      task: "code",
      needs: ["tools"],
      complexity: "hard",
    },
    guards: { denied_words: "flag" },
    refusal: true,
    shadow: { of: "0198c0de-0000-7000-8000-000000000000", agreement: 0.25, of_refused: null },
    estimated: true,
    saved_nano_usd: 77,
  },
  timings_us: Object.fromEntries(STAGES.map((stage, index) => [stage, index * 1_000])),
  usage: Object.fromEntries(
    Object.keys(NO_USAGE).map((kind, index) => [kind, index + 1]),
  ) as unknown as LedgerRow["usage"],
  trace: {
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    parent_id: "00f067aa0ba902b7",
    is_sampled: true,
  },
  sampled: true,
  attempts: [
    { ...PLAIN.attempts[0]!, moments_us: { started: 31, connected: 40, first_byte: 400, ended: 1_279 } },
    { provider: "groq", model: "ллама", outcome: "connect" },
    {
      ...{ provider: "groq", model: "ллама", outcome: "hedge_lost" },
      moments_us: { started: 0, connected: null, first_byte: null, ended: 0 },
    },
  ],
};

const MADE: LedgerRow = { ...PLAIN, request_id: madeRequestId(PLAIN.id) };

describe("a row's line", () => {
  test.each([
    ["usual", PLAIN],
    ["full", FULL],
    ["of a request without an id of its own", MADE],
    ["of audio", { ...PLAIN, usage: { ...NO_USAGE, input_tokens: 9, input_audio_tokens: 9 } }],
    ["that was told its cost", { ...PLAIN, usage: { ...NO_USAGE, told_nano_usd: 4_000_000_000_000 } }],
    ["tried twice at one target", { ...PLAIN, attempts: [...PLAIN.attempts, ...PLAIN.attempts] }],
    ["without a cost", { ...PLAIN, cost_nano_usd: null }],
    ["without a cost and usage", { ...PLAIN, cost_nano_usd: null, usage: NO_USAGE }],
    [
      "that saved money",
      { ...PLAIN, cache: "hit", usage: NO_USAGE, cost_nano_usd: 0, saved_nano_usd: 6_000 },
    ],
    ["of a client's trace", { ...PLAIN, trace: { ...FULL.trace!, is_sampled: false } }],
    ["with one stage of the later ones", { ...PLAIN, timings_us: { admit: 3 } }],
    ["that waited", { ...PLAIN, timings_us: { total: 9, queue: 3 } }],
    ["that looked into a cache", { ...PLAIN, timings_us: { total: 9, route: 1, cache: 3, answer: 4 } }],
    ["early", { ...PLAIN, time: 0 }],
    ["late", { ...PLAIN, time: 8.64e15 }],
    [
      "empty",
      {
        ...PLAIN,
        ...{ usage: NO_USAGE, model: null, provider: null, served_model: null, attempts: [], timings_us: {} },
      },
    ],
  ])("gives the row back that is %s", (_, row) => {
    expect(readRow(writeRow(row))).toEqual(row);
    expect(writeRow(row)).not.toContain("\n");
  });

  test("gives back rows of every kind, one after another from the same buffer", () => {
    const random = randomFrom(5);
    const line = new LineBuffer();
    for (let count = 0; count < 2_000; count++) {
      const drawn = drawnRow(random, Math.floor(random() * 2e12));
      const usage = Object.fromEntries(
        USAGE_KINDS.map((kind) => [kind, random() < 0.3 ? Math.floor(random() ** 4 * 1e9) : 0]),
      ) as unknown as LedgerRow["usage"];
      const row = { ...drawn, usage, saved_nano_usd: random() < 0.5 ? 0 : Math.floor(random() * 1e14) };
      line.begin();
      appendRow(line, row);
      expect(readRow(line.toString())).toEqual(row);
    }
  });

  test("has room for all stages and kinds of usage", () => {
    expect(new Set(USAGE_KINDS)).toEqual(new Set(Object.keys(NO_USAGE)));
    const [, , , , , amounts, rest] = writeRow(FULL).split("\t");
    expect(amounts!.split(",").length).toBe(AMOUNTS.length);
    expect(JSON.parse(rest!).timings_us.length).toBe(STAGES.length);
  });

  test("that is cut or changed is no row, or another one, and never a fault", () => {
    const random = randomIntegers(3);
    const reader = new LineReader();
    const whole = writeRow(FULL);
    let rows = 0;
    for (let count = 0; count < 4_000; count++) {
      const bytes = Buffer.from(whole);
      for (let changes = random(4); changes >= 0; changes--) bytes[random(bytes.length)] = random(256);
      const from = random(3) === 0 ? random(bytes.length) : 0;
      const text = bytes.toString("utf8", from, random(3) === 0 ? random(bytes.length) : bytes.length);
      for (const line of linesIn(Buffer.from(text))) {
        const row = readRow(line);
        if (row !== null) rows += 1;
        if (!reader.read(line)) expect(row).toBe(null);
        else expect(row === null).toBe(readNames(reader.names) === null);
        for (const amount of reader.amounts) expect(amount >= 0 && amount <= 1e15).toBe(true);
      }
    }
    expect(rows).toBeGreaterThan(100);
  });

  test.each([
    ["", ""],
    ["id", ""],
    ["time", "now"],
    ["time", "-1"],
    ["time", "9000000000000000"],
    ["status", "1000"],
    ["names", "{}"],
    ["names", "[1"],
    ["amounts", "1.5"],
    ["amounts", "-1"],
    ["amounts", ",,,x"],
    ["amounts", "12345678901234567"],
    ["amounts", ",".repeat(AMOUNTS.length)],
    ["rest", ""],
    ["rest", "[]"],
  ])("that is none is none: its %s is %j", (name, value) => {
    const names = ["id", "request_id", "time", "status", "names", "amounts", "rest"];
    const fields = writeRow(PLAIN).split("\t");
    if (name === "") fields.pop();
    else fields[names.indexOf(name)] = value;
    expect(readRow(fields.join("\t"))).toBe(null);
  });

  test("whose rest cannot be read is a row without it", () => {
    const fields = writeRow(PLAIN).split("\t");
    fields[6] = "{broken}";
    expect(readRow(fields.join("\t"))).toMatchObject({ id: PLAIN.id, attempts: [], timings_us: {} });
  });
});

test("a request's id is made of a call's, or it is another's", () => {
  const { id } = PLAIN;
  const made = madeRequestId(id);
  expect([isMadeOf(made, id), madeOf(made)]).toEqual([true, id]);
  for (let at = 0; at < made.length; at++) {
    const other = `${made.slice(0, at)}z${made.slice(at + 1)}`;
    expect([isMadeOf(other, id), madeOf(other)]).toEqual([false, null]);
  }
  expect(isMadeOf(made, id.replace("-", "5"))).toBe(false);
  expect(isMadeOf(id, id)).toBe(false);
});

/** A note as text. */
function noteText(note: FlightNote): string {
  const line = new LineBuffer();
  writeNote(line, note);
  return line.toString();
}

describe("the note of a call in flight", () => {
  test("gives the row of a call whose process died, priced by what had come", () => {
    const note = { row: { ...PLAIN, status: 0 }, input_cost: 12_000, output_cost: 4_000, held: "90000" };
    const read = readNote(noteText(note))!;
    expect(read).toEqual(note);
    expect(rowOfKilled(read, 5)).toMatchObject({
      ...{ id: PLAIN.id, status: 502, error: "killed", cost_nano_usd: 32_000, estimated: true },
      usage: { input_tokens: 12, output_tokens: 7 + 5 },
    });
    expect(rowOfKilled({ ...read, input_cost: null }, 5).cost_nano_usd).toBe(null);
    const row = { ...FULL, attempts: PLAIN.attempts, sampled: false };
    const counted = { row, input_cost: null, output_cost: null, held: "0", is_answered: true };
    expect(readNote(noteText(counted))).toEqual(counted);
    expect(rowOfKilled(counted, 5)).toEqual(row);
    // The moments of its tries are what is needed least.
    const moments = FULL.attempts.filter((attempt) => attempt.moments_us !== undefined);
    const many = { ...row, sampled: true, attempts: Array.from({ length: 12 }, () => moments[0]!) };
    const { moments_us: _, ...told } = moments[0]!;
    expect(readNote(noteText({ ...counted, row: many }))!.row).toEqual({
      ...many,
      ...{ sampled: false, attempts: Array.from({ length: 12 }, () => told) },
    });
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

  test.each([
    "",
    "{}",
    writeRow(PLAIN),
    `${writeRow(PLAIN)}\t1\t1\tmuch\t`,
    `${writeRow(PLAIN)}\t1\t1\t-5\t`,
    writeRow(PLAIN).slice(0, 80),
  ])("that is none is none: %s", (text) => {
    expect(readNote(text)).toBe(null);
  });
});
