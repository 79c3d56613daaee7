// How well the built-in model finds names: precision, recall and F1 by entity, the share of characters that leak, and how fast.
// `bun bench/quality/names.ts [--data ../shared/data/pii] [--weights FILE] [--scores 0.3,0.5] [--misses SET]`

import { parseArgs } from "node:util";
import { ENTITIES } from "../../src/inference/ner/chain.ts";
import { type BuiltinNer, loadBuiltinNer } from "../../src/inference/ner/ner.ts";
import { readSets, type Text, type TextSet } from "./names_data.ts";
import { countText, mistakes, type Span, scoresOf, type Tallies, tallyOf } from "./spans.ts";

const COLUMNS = [
  "set",
  "score ≥",
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
const RUNS = 5;

function share(value: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(3);
}

/** What is found, without what does not count. */
function findIn(ner: BuiltinNer, { text, spans, uncounted }: Text, score_min: number): Span[] {
  const touches = (one: Span, other: Span) => one.start < other.end && other.start < one.end;
  return ner
    .find(text, score_min)
    .filter(
      (span) =>
        spans.some((label) => touches(span, label)) || !uncounted.some((label) => touches(span, label)),
    );
}

/** The rows of a set's table. */
function rowsOf(ner: BuiltinNer, { name, texts, is_partial }: TextSet, score_min: number): string[] {
  const tallies: Tallies = new Map();
  for (const text of texts) countText(tallies, text.spans, findIn(ner, text, score_min));
  const all = { labelled: 0, found: 0, matched: 0, exact: 0, labelled_chars: 0, leaked_chars: 0 };
  for (const entity of ENTITIES) {
    const tally = tallyOf(tallies, entity);
    for (const key of Object.keys(all) as (keyof typeof all)[]) all[key] += tally[key];
  }
  return [
    ...ENTITIES.map((entity) => [entity, tallyOf(tallies, entity)] as const),
    ["all", all] as const,
  ].map(([entity, { labelled, found, matched, exact, labelled_chars, leaked_chars }]) => {
    const cells = [scoresOf(matched, found, labelled), scoresOf(exact, found, labelled)].flatMap(
      ({ precision, recall, f1 }) =>
        is_partial ? ["-", share(recall), "-"] : [share(precision), share(recall), share(f1)],
    );
    const row = [name, score_min, entity, labelled, is_partial ? "-" : found, ...cells];
    return `| ${[...row, share(leaked_chars / labelled_chars)].join(" | ")} |`;
  });
}

/** Milliseconds per 100 words, the best of a few runs over all texts of the sets, each text alone. */
function speedOf(ner: BuiltinNer, sets: readonly TextSet[]): { per_100_words_ms: number; words: number } {
  const texts = sets.flatMap((set) => set.texts.map(({ text }) => text));
  const words = texts.reduce((sum, text) => sum + text.split(/\s+/).length, 0);
  let best_ms = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const from_ms = performance.now();
    for (const text of texts) ner.find(text);
    best_ms = Math.min(best_ms, performance.now() - from_ms);
  }
  return { per_100_words_ms: (best_ms / words) * 100, words };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: "string", default: "../shared/data/pii" },
      weights: { type: "string" },
      scores: { type: "string", default: "0.2,0.5" },
      misses: { type: "string" },
    },
  });
  const ner = loadBuiltinNer(values.weights);
  if ("fault" in ner) throw new Error(ner.fault);
  const sets = readSets(values.data);
  const scores = values.scores.split(",").map(Number);
  console.log(
    `| ${COLUMNS.join(" | ")} |\n|${COLUMNS.map((_, column) => (column < 3 ? "---" : "--:")).join("|")}|`,
  );
  for (const set of sets) for (const score of scores) console.log(rowsOf(ner, set, score).join("\n"));
  const { per_100_words_ms, words } = speedOf(ner, sets);
  console.log(`\n${per_100_words_ms.toFixed(3)} ms per 100 words (${words} words, best of ${RUNS} runs)`);
  if (values.misses !== undefined) {
    const chosen = sets.filter(({ name }) => name.startsWith(values.misses!));
    for (const { texts } of chosen)
      for (const text of texts)
        console.log(mistakes(text.text, text.spans, findIn(ner, text, scores[0]!)).join("\n"));
  }
}
