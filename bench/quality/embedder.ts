// How well the built-in embedder serves a cache, by the protocol of docs/semantic-cache.md without its guard: queries of one set
// arrive one after another; the nearest cached query at or above the threshold is a hit, wrong when its intent differs; a miss
// is cached. `bun bench/quality/embedder.ts ../shared/data/paraphrase`

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import {
  type BuiltinEmbedder,
  loadBuiltinEmbedder,
  similarity,
} from "../../src/inference/embedders/builtin/embedder.ts";
import { type IntentText, isHeldOut, isHeldOutIntent } from "./held_out.ts";

const QUERIES = 6000;
const THRESHOLDS = Array.from({ length: 79 }, (_, step) => 0.6 + step / 200);
const LIMITS = [0.01, 0.02, 0.05];
const SETS = ["clinc150", "banking77", "hwu64"];

interface Served {
  readonly threshold: number;
  readonly served: number;
  readonly wrong: number;
}

const INTENT = z.object({ text: z.string(), intent: z.string(), set: z.string() });
const PAIR = z.object({ a: z.string(), b: z.string(), same: z.boolean(), set: z.string() });
type Pair = z.infer<typeof PAIR>;

function linesOf<Row>(row: z.ZodType<Row>, path: string): Row[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => row.parse(JSON.parse(line)));
}

/** The rows in an order that depends on nothing but their number. */
function shuffled<Row>(rows: readonly Row[]): Row[] {
  const order = [...rows];
  let state = 1;
  for (let at = order.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

/** What a cache would have served at each threshold. Texts out of scope have no answer in common with any other. */
function serve(embedder: BuiltinEmbedder, rows: readonly IntentText[]): Served[] {
  const vectors = rows.map(({ text }) => embedder.embed(text));
  const nearness = vectors.map((vector, at) =>
    Float32Array.from({ length: at }, (_, before) => similarity(vector, vectors[before]!)),
  );
  return THRESHOLDS.map((threshold) => {
    const cached: number[] = [];
    let served = 0;
    let wrong = 0;
    nearness.forEach((near, query) => {
      let best = -1;
      for (const entry of cached) if (best < 0 || near[entry]! > near[best]!) best = entry;
      if (best < 0 || near[best]! < threshold) {
        cached.push(query);
        return;
      }
      served++;
      const { intent } = rows[query]!;
      if (intent === "oos" || intent !== rows[best]!.intent) wrong++;
    });
    return { threshold, served, wrong };
  });
}

function reportIntents(title: string, embedder: BuiltinEmbedder, rows: readonly IntentText[]): void {
  for (const set of SETS) {
    const queries = shuffled(rows.filter((row) => row.set === set)).slice(0, QUERIES);
    const table = serve(embedder, queries);
    const cells = LIMITS.map((limit) => {
      const good = table.filter(({ served, wrong }) => served > 0 && wrong <= limit * served);
      const best = good.reduce((a, b) => (b.served > a.served ? b : a), {
        threshold: 1,
        served: 0,
        wrong: 0,
      });
      return `${percent(best.served / queries.length)} at ${best.threshold.toFixed(3)}`;
    });
    console.log(`| ${[title, set, queries.length, ...cells].join(" | ")} |`);
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** The chance that a pair that means the same is nearer than one that does not. */
function rocAuc(embedder: BuiltinEmbedder, pairs: readonly Pair[]): number {
  const scored = pairs
    .map(({ a, b, same }) => ({ same, score: similarity(embedder.embed(a), embedder.embed(b)) }))
    .sort((one, other) => one.score - other.score);
  let different = 0;
  let below = 0;
  for (let at = 0; at < scored.length; ) {
    let end = at;
    while (end < scored.length && scored[end]!.score === scored[at]!.score) end++;
    const group = scored.slice(at, end);
    const same = group.filter((pair) => pair.same).length;
    below += same * (different + (group.length - same) / 2);
    different += group.length - same;
    at = end;
  }
  return below / (different * (scored.length - different));
}

/** The fastest of some rounds: what else the machine does only adds. */
function reportTime(embedder: BuiltinEmbedder, texts: readonly string[]): void {
  const words = texts.slice(0, 10_000).join(" ").split(" ");
  for (const tokens of [16, 64, 256]) {
    const samples = Array.from({ length: 200 }, (_, at) =>
      textOf(embedder, tokens, words.slice(at * tokens)),
    );
    const rounds_us = Array.from({ length: 21 }, () => {
      const began_ms = performance.now();
      for (const sample of samples) embedder.embed(sample);
      return (1000 * (performance.now() - began_ms)) / samples.length;
    });
    console.log(`embed ${tokens} tokens: ${Math.min(...rounds_us).toFixed(1)} µs`);
  }
}

/** The first words that make up so many tokens. */
function textOf(embedder: BuiltinEmbedder, tokens: number, words: readonly string[]): string {
  let taken = tokens;
  while (embedder.tokens(words.slice(0, taken).join(" ")).length > tokens) taken--;
  return words.slice(0, taken).join(" ");
}

const folder = process.argv[2] ?? "../shared/data/paraphrase";
const began_ms = performance.now();
const embedder = loadBuiltinEmbedder();
if ("fault" in embedder) throw new Error(embedder.fault);
console.log(
  `${embedder.name}: ${embedder.dims} dimensions, loaded in ${(performance.now() - began_ms).toFixed(1)} ms\n`,
);
const intents = linesOf(INTENT, join(folder, "intents-dev.jsonl"));
reportTime(
  embedder,
  intents.map(({ text }) => text),
);
console.log("\n| texts | set | queries | served at 1 % wrong | 2 % | 5 % |\n|---|---|--:|--:|--:|--:|");
reportIntents("all", embedder, intents);
reportIntents("held out", embedder, intents.filter(isHeldOut));
reportIntents("intents held out", embedder, intents.filter(isHeldOutIntent));
const pairs = linesOf(PAIR, join(folder, "pairs-dev.jsonl"));
for (const set of ["qqp", "mrpc"]) {
  console.log(
    `${set} ROC-AUC: ${rocAuc(
      embedder,
      pairs.filter((pair) => pair.set === set),
    ).toFixed(4)}`,
  );
}
