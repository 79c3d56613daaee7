// The scores of spans are what they are said to be, and the quality benchmark reads its data.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readPresidio, readSentences } from "../../bench/quality/pii_data.ts";
import { countText, scoresOf, type Tallies, tallyOf } from "../../bench/quality/spans.ts";

test("a span is found if half of what both cover is shared, and exact if all is", () => {
  const tallies: Tallies = new Map();
  const label = { start: 10, end: 20, entity: "EMAIL" };
  countText(tallies, [label], [{ ...label }]);
  countText(tallies, [label], [{ ...label, end: 15 }]);
  countText(tallies, [label], [{ ...label, end: 14 }]);
  countText(tallies, [label], [{ ...label, entity: "PHONE" }]);
  countText(tallies, [], [label]);
  expect(tallyOf(tallies, "EMAIL")).toEqual({
    labelled: 4,
    found: 4,
    matched: 2,
    exact: 1,
    labelled_chars: 40,
    leaked_chars: 5 + 6,
  });
  expect(tallyOf(tallies, "PHONE")).toMatchObject({ labelled: 0, found: 1 });
});

test("one finding answers for one label only", () => {
  const tallies: Tallies = new Map();
  const label = { start: 0, end: 10, entity: "EMAIL" };
  countText(tallies, [label, label], [label]);
  expect(tallyOf(tallies, "EMAIL")).toMatchObject({ labelled: 2, found: 1, matched: 1 });
});

test("scores are shares, and their harmonic mean", () => {
  expect(scoresOf(3, 4, 6)).toEqual({ precision: 0.75, recall: 0.5, f1: 0.6 });
});

test("labels are read in UTF-16, under the names that are in use here, and parts of addresses as one", () => {
  const folder = mkdtempSync(join(tmpdir(), "venturi-quality-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "presidio"));
  mkdirSync(join(folder, "conll"));
  const full_text = "😀 a@b.io, 12 Hoog St\n Apt. 3, born on 1/2/1980";
  const masked = "😀 {{EMAIL_ADDRESS}}, {{STREET_ADDRESS}}, born on {{DATE_TIME}}";
  const span = (entity_type: string, value: string) => {
    const start_position = Array.from(full_text.slice(0, full_text.indexOf(value))).length;
    const end_position = start_position + Array.from(value).length;
    return { entity_type, entity_value: value, start_position, end_position };
  };
  const spans = [
    span("STREET_ADDRESS", "Apt. 3"),
    span("EMAIL_ADDRESS", "a@b.io"),
    span("STREET_ADDRESS", "12 Hoog St"),
    span("DATE_TIME", "1/2/1980"),
    span("PERSON", "😀"),
  ];
  writeFileSync(
    join(folder, "presidio/synth_dataset_v2.json"),
    JSON.stringify([{ full_text, masked, spans }]),
  );
  writeFileSync(join(folder, "conll/x.conll"), "Call\tO\nAda\tB-PER\n\nBye\tO\n");
  const [{ text, spans: read }] = readPresidio(folder) as [ReturnType<typeof readPresidio>[number]];
  expect(read.map(({ entity, start, end }) => [entity, text.slice(start, end)])).toEqual([
    ["EMAIL", "a@b.io"],
    ["STREET_ADDRESS", "12 Hoog St\n Apt. 3"],
    ["DATE_OF_BIRTH", "1/2/1980"],
  ]);
  expect(readSentences(folder)).toEqual(["Call Ada", "Bye"]);
});
