// How well personal data is found: precision, recall and F1 by entity, and the share of its characters that leak.
// `bun bench/quality/pii.ts [--data ../shared/data/pii] [--misses]`

import { parseArgs } from "node:util";
import { makeRecogniser } from "../../src/privacy/recognisers/recognisers.ts";
import { readPresidio, readSentences } from "./pii_data.ts";
import { countText, mistakes, scoresOf, type Tallies, tallyOf } from "./spans.ts";

const COLUMNS = [
  "entity",
  "labelled",
  "found",
  "precision",
  "recall",
  "F1",
  "exact P",
  "exact R",
  "exact F1",
  "leaked",
];

function share(value: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(3);
}

/** The counts as a table in Markdown, most frequent first. */
function table(tallies: Tallies): string {
  const rows = [...tallies]
    .sort(([, one], [, other]) => other.labelled - one.labelled || other.found - one.found)
    .map(([entity, { labelled, found, matched, exact, labelled_chars, leaked_chars }]) => {
      const by_half = scoresOf(matched, found, labelled);
      const by_char = scoresOf(exact, found, labelled);
      const shares = [by_half, by_char].flatMap(({ precision, recall, f1 }) => [precision, recall, f1]);
      return [entity, labelled, found, ...shares.map(share), share(leaked_chars / labelled_chars)];
    });
  const ruler = COLUMNS.map((_, column) => (column === 0 ? "---" : "--:"));
  return [COLUMNS, ruler, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: "string", default: "../shared/data/pii" },
      misses: { type: "boolean", default: false },
    },
  });
  const recognise = makeRecogniser();
  const tallies: Tallies = new Map();
  const lines: string[] = [];
  for (const { text, spans } of readPresidio(values.data)) {
    const found = recognise(text);
    countText(tallies, spans, found);
    lines.push(...mistakes(text, spans, found));
  }
  console.log(`presidio-research, synth_dataset_v2 (1,500 sentences)\n\n${table(tallies)}\n`);
  const alarms: Tallies = new Map();
  const sentences = readSentences(values.data);
  for (const sentence of sentences) {
    for (const span of recognise(sentence)) {
      tallyOf(alarms, span.entity).found++;
      lines.push(...mistakes(sentence, [], [span]));
    }
  }
  console.log(
    `found in ${sentences.length} sentences of tweets, comments, news and encyclopedia (no labels):\n`,
  );
  for (const [entity, { found }] of alarms) console.log(`  ${entity.padEnd(20)} ${found}`);
  if (values.misses) console.log(`\n${lines.join("\n")}`);
}
