// What the ledger counts of answers: each row once, by hour and model; answers to prompts that come again against the first; no more
// models than there may be.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Judged } from "../../../src/ledger/judged.ts";
import type { LedgerRow } from "../../../src/ledger/row.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { PROMPT_BYTES, SKETCH_BITS, writeSketch } from "../../../src/ledger/sketch.ts";
import { ledgerPath, openToWrite } from "../../../src/ledger/store/open.ts";
import { qualityHours } from "../../../src/ledger/store/quality.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { ledgerRow } from "./rows.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 26, 6, 30);
let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  const db = openToWrite(ledgerPath(folder), () => {});
  if (!(db instanceof Database)) throw new Error(db.fault);
  store = new Store(db);
});
afterEach(() => {
  store.db.close();
  rmSync(folder, { recursive: true });
});

function answered(changes: Partial<LedgerRow> = {}, judged: Partial<Judged> | null = null): LedgerRow {
  const found = judged === null ? null : { refused: false, cut: false, json: null, tools: null, ...judged };
  return ledgerRow({ time: NOW_MS, judged: found, ...changes });
}

const hours = () => qualityHours(store.db, 0, Number.MAX_SAFE_INTEGER);

test("rows are counted once, what came from a cache or failed not at all", () => {
  const lines = [
    answered(),
    answered({}, { refused: true }),
    answered({}, { cut: true, json: true }),
    answered({}, { json: false, tools: true }),
    answered({}, { tools: false }),
    answered({ cache: "hit" }, { refused: true }),
    answered({ error: "upstream_error", status: 502 }, { refused: true }),
    answered({ provider: null, served_model: null }, { refused: true }),
  ].map(writeRow);
  store.write(lines, NOW_MS);
  store.write([...lines, writeRow(answered({ time: NOW_MS + HOUR_MS }))], NOW_MS);
  const length = Math.log2(21);
  expect(hours()).toEqual([
    {
      ...{ start_ms: NOW_MS - (NOW_MS % HOUR_MS), provider: "openai", model: "gpt-4o-mini" },
      counts: {
        ...{
          answers: 5,
          length_sum: expect.closeTo(5 * length),
          length_squares: expect.closeTo(5 * length ** 2),
        },
        ...{ judged: 4, refused: 1, cut: 1, json: 2, json_invalid: 1, tools: 2, tools_failed: 1 },
        ...{ compared: 0, similarity_sum: 0, similarity_squares: 0 },
      },
    },
    expect.objectContaining({ counts: expect.objectContaining({ answers: 1, judged: 0 }) }),
  ]);
});

test("a row that is there already leaves nothing, even where others of its batch are new", () => {
  const [old, fresh] = [answered({}, { refused: true }), answered({}, { refused: true })].map(writeRow);
  store.write([old!], NOW_MS);
  store.write([fresh!, old!], NOW_MS);
  expect(hours()[0]!.counts).toMatchObject({ answers: 2, judged: 2, refused: 2 });
});

test("answers are compared with the first to the same prompt, by the same model, for some weeks", () => {
  const line = (time: number, byte: number, prompt = 1, model = "m") =>
    writeSketch({
      ...{ time, provider: "p", model, prompt: Buffer.alloc(PROMPT_BYTES, prompt) },
      sketch: Buffer.alloc(SKETCH_BITS / 8, byte),
    });
  const lines = [line(NOW_MS, 0), line(NOW_MS, 0, 2), line(NOW_MS, 0xff, 1, "other")];
  expect(store.write(lines, NOW_MS)).toEqual({ written: 0, known: 0, faults: 0 });
  expect(hours()).toEqual([]);
  // The same, then one of which a quarter is otherwise; and the first once more, which says nothing.
  store.write([line(NOW_MS + 1, 0), line(NOW_MS + 2, 0b11), line(NOW_MS, 0)], NOW_MS);
  const [{ counts }] = hours() as [ReturnType<typeof hours>[number]];
  expect(counts).toMatchObject({ compared: 2, similarity_sum: expect.closeTo(1 + Math.SQRT1_2) });
  // After weeks the next one takes its place, and is compared with nothing.
  const later_ms = NOW_MS + 29 * 24 * HOUR_MS;
  store.write([line(later_ms, 0xff), line(later_ms + 1, 0xff)], later_ms);
  expect(hours().at(-1)!.counts).toMatchObject({ compared: 1, similarity_sum: 1 });
});

test("of ever new models some are counted by their names, the others together", () => {
  const lines = Array.from({ length: 1_000 }, (_, index) =>
    writeRow(answered({ served_model: `model-${index}`, id: `id-${index}` })),
  );
  for (let from = 0; from < lines.length; from += 100) store.write(lines.slice(from, from + 100), NOW_MS);
  const found = hours();
  expect(found.length).toBeLessThanOrEqual(301);
  expect(found.reduce((sum, { counts }) => sum + counts.answers, 0)).toBe(1_000);
  expect(found.find(({ model }) => model === "other")?.counts.answers).toBe(700);
});

test("what is old goes", () => {
  store.write([writeRow(answered({ time: NOW_MS - 101 * 24 * HOUR_MS })), writeRow(answered())], NOW_MS);
  expect(hours()).toHaveLength(2);
  store.quality.prune(NOW_MS);
  expect(hours()).toHaveLength(1);
});
