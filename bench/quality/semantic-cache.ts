// How good the semantic cache's decisions are: what share of real questions it answers and how many of those wrongly, with the guard
// and without; what the guard stops and lets through; and what verification promises and keeps. docs/semantic-cache.md explains.
// `bun bench/quality/semantic-cache.ts [--data FOLDER] [--vectors NAME=FILE]`

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { compareTexts, guard } from "../../src/cache/semantic/guard.ts";
import { guardText } from "../../src/cache/semantic/guard_text.ts";
import {
  arrive,
  arriveVerified,
  dot,
  type Neighbour,
  nearOnes,
  neighboursOf,
  type Query,
  type Served,
  seededRandom,
  shuffled,
  type Verified,
} from "./arrivals.ts";
import { type Edit, harmlessEdits, traps } from "./edits.ts";
import { builtinVectors, storedVectors, type Vectors } from "./vectors.ts";

const QUERIES = 6000;
const SEED = 1;
const SETS = ["clinc150", "banking77", "hwu64"];
const THRESHOLDS = Array.from({ length: 80 }, (_, step) => 0.6 + step / 200);
const LIMITS = [0.01, 0.02, 0.05];
/** Seeds of the orders in which texts arrive at a cache that verifies: one order's few wrong answers are chance. */
const ORDERS = [1, 2, 3];
/** What verification is asked to keep, and the threshold below which it never serves. */
const MAX_ERRORS = [0.005, 0.01, 0.02, 0.03, 0.05];
const VERIFIED_THRESHOLD = 0.75;
/** Pairs of each set, from the beginning of the file. */
const PAIRS = 4000;
const EDIT_TEXTS = 4000;
const TRAP_THRESHOLD = 0.9;

const INTENT = z.object({ text: z.string(), intent: z.string(), set: z.string() });
const PAIR = z.object({ a: z.string(), b: z.string(), same: z.boolean(), set: z.string() });
type Intent = z.infer<typeof INTENT>;
type Pair = z.infer<typeof PAIR>;

function rowsOf<Row>(row: z.ZodType<Row>, path: string): Row[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => row.parse(JSON.parse(line)));
}

function percent(share: number, digits = 1): string {
  return Number.isNaN(share) ? "–" : `${(100 * share).toFixed(digits)} %`;
}

function row(...cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

function table(title: string, ...columns: readonly string[]): void {
  console.log(`\n${title}\n`);
  row(...columns);
  row(...columns.map((_, at) => (at < 2 ? "---" : "--:")));
}

/** One set's texts and which of them are similar. */
interface TextSet {
  readonly set: string;
  readonly queries: readonly Query[];
  readonly near: readonly (readonly Neighbour[])[];
}

/** Texts out of scope have no answer in common with any other, so each is an intent of its own. */
function textSetOf(set: string, intents: readonly Intent[], vectors: Vectors): TextSet {
  const rows = shuffled(
    intents.filter(
      (intent) => intent.set === set && vectors.isHeldOut(intent) && vectors.of(intent.text) !== null,
    ),
    seededRandom(SEED),
  ).slice(0, QUERIES);
  const queries = rows.map(({ text, intent }, at) => ({
    text,
    intent: intent === "oos" ? `oos ${at}` : intent,
  }));
  return { set, queries, near: nearOnes(queries.map(({ text }) => vectors.of(text)!)) };
}

/** The texts in an order of arrival. */
function arrivalsOf(
  { queries, near }: TextSet,
  seed: number,
): { queries: Query[]; neighbours: Neighbour[][] } {
  const order = shuffled([...queries.keys()], seededRandom(seed));
  return { queries: order.map((at) => queries[at]!), neighbours: neighboursOf(near, order) };
}

/** Whether the guard lets one of the arrivals be answered with another. */
function guardOf(queries: readonly Query[]): (asked: number, kept: number) => boolean {
  const texts = queries.map(({ text }) => guardText(text));
  const verdicts = new Map<number, boolean>();
  return (asked, kept) => {
    const pair = asked * queries.length + kept;
    const known = verdicts.get(pair) ?? compareTexts(texts[asked]!, texts[kept]!).ok;
    verdicts.set(pair, known);
    return known;
  };
}

/** The most that can be served with no more than a share of wrong ones, and the threshold for it. */
function bestAt(limit: number, outcomes: readonly (Served & { readonly threshold: number })[]): string {
  const good = outcomes.filter(({ hits, wrong }) => hits > 0 && wrong <= limit * hits);
  const [best] = good.sort((one, other) => other.hits - one.hits);
  return best === undefined ? "none" : `${percent(best.hits / best.queries)} (${best.threshold.toFixed(3)})`;
}

function reportThresholds(vectors: Vectors, sets: readonly TextSet[]): void {
  table(
    `**${vectors.name}: share served with at most so many wrong (the threshold for it)**`,
    "set",
    "guard",
    "queries",
    ...LIMITS.map((limit) => `≤ ${percent(limit, 0)} wrong`),
    "0.90: served / wrong",
    "0.97: served / wrong",
  );
  for (const text_set of sets) {
    const { set } = text_set;
    const { queries, neighbours } = arrivalsOf(text_set, SEED);
    const mayShare = guardOf(queries);
    for (const [guarded, mayServe] of [["off", () => true] as const, ["on", mayShare] as const]) {
      const outcomes = THRESHOLDS.map((threshold) => ({
        threshold,
        ...arrive(queries, neighbours, threshold, mayServe),
      }));
      const at = (wanted: number): string => {
        const { hits, wrong } = arrive(queries, neighbours, wanted, mayServe);
        return `${percent(hits / queries.length)} / ${percent(wrong / hits)}`;
      };
      row(set, guarded, queries.length, ...LIMITS.map((limit) => bestAt(limit, outcomes)), at(0.9), at(0.97));
    }
  }
}

function reportVerified(vectors: Vectors, sets: readonly TextSet[]): void {
  table(
    `**${vectors.name}: verified, nothing served below ${VERIFIED_THRESHOLD}; ${ORDERS.length} orders of arrival together**`,
    "set",
    "max_error",
    "served",
    "served, last tenth",
    "wrong of served",
    "wrong of all",
    "explored",
    "explored, last tenth",
  );
  for (const text_set of sets) {
    const { set } = text_set;
    const orders = ORDERS.map((order) => {
      const arrivals = arrivalsOf(text_set, order);
      return { ...arrivals, mayShare: guardOf(arrivals.queries) };
    });
    for (const max_error of MAX_ERRORS) {
      const settings = { threshold: VERIFIED_THRESHOLD, max_error };
      const outcomes = orders.map(({ queries, neighbours, mayShare }, at) =>
        arriveVerified(queries, neighbours, settings, mayShare, seededRandom(at)),
      );
      const sum = (count: (outcome: Verified) => number): number =>
        outcomes.reduce((total, outcome) => total + count(outcome), 0);
      const queries = sum((outcome) => outcome.queries);
      const last = queries - sum(({ tenths }) => tenths[8]!.queries);
      const [hits, wrong, explored] = [
        sum(({ hits }) => hits),
        sum(({ wrong }) => wrong),
        sum(({ explored }) => explored),
      ];
      row(
        set,
        percent(max_error),
        percent(hits / queries),
        percent((hits - sum(({ tenths }) => tenths[8]!.hits)) / last),
        percent(wrong / hits, 2),
        percent(wrong / queries, 2),
        percent(explored / queries),
        percent((explored - sum(({ tenths }) => tenths[8]!.explored)) / last),
      );
    }
  }
}

/** The chance that a pair of one meaning scores higher than one of two. */
function rocAuc(scored: readonly { readonly same: boolean; readonly score: number }[]): number {
  const sorted = [...scored].sort((one, other) => one.score - other.score);
  let different = 0;
  let below = 0;
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (end < sorted.length && sorted[end]!.score === sorted[at]!.score) end += 1;
    const same = sorted.slice(at, end).filter((pair) => pair.same).length;
    below += same * (different + (end - at - same) / 2);
    different += end - at - same;
    at = end;
  }
  return below / (different * (sorted.length - different));
}

function reportPairs(vectors: Vectors, pairs: readonly Pair[]): void {
  table(
    `**${vectors.name}: pairs, the first ${PAIRS} of each set**`,
    "set",
    "pairs",
    "ROC-AUC",
    "ROC-AUC, guard",
    "0.90: same served",
    "different served",
    "0.90, guard: same",
    "different",
  );
  for (const set of new Set(pairs.map((pair) => pair.set))) {
    const scored = pairs
      .filter((pair) => pair.set === set)
      .slice(0, PAIRS)
      .flatMap(({ a, b, same }) => {
        const of_a = vectors.of(a);
        const of_b = vectors.of(b);
        if (of_a === null || of_b === null) return [];
        const score = dot(of_a, of_b);
        return [{ same, score, is_agreed: guard(a, b).ok }];
      });
    const guarded = scored.map(({ same, score, is_agreed }) => ({
      same,
      score: is_agreed ? score : score - 2,
    }));
    const served = (is_same: boolean, list: typeof guarded): string => {
      const those = list.filter(({ same }) => same === is_same);
      return percent(those.filter(({ score }) => score >= 0.9).length / those.length);
    };
    const [auc, guarded_auc] = [rocAuc(scored), rocAuc(guarded)];
    row(
      set,
      scored.length,
      Number.isNaN(auc) ? "–" : auc.toFixed(3),
      Number.isNaN(guarded_auc) ? "–" : guarded_auc.toFixed(3),
      served(true, scored),
      served(false, scored),
      served(true, guarded),
      served(false, guarded),
    );
  }
}

/** @param vectors null where vectors of edited texts cannot be had */
function reportEdits(title: string, verb: string, edits: readonly Edit[], vectors: Vectors | null): void {
  const near = `similarity ≥ ${TRAP_THRESHOLD.toFixed(2)}`;
  table(
    title,
    "edit",
    "texts",
    `the guard ${verb}`,
    ...(vectors === null ? [] : [near, `${near} and passed by the guard`]),
  );
  for (const kind of [...new Set(edits.map((edit) => edit.kind)), "all"]) {
    const own = edits.filter((edit) => kind === "all" || edit.kind === kind);
    const passed = own.map(({ before, after }) => guard(before, after).ok);
    const passes = passed.filter(Boolean).length;
    const counted = verb === "stops" ? own.length - passes : passes;
    const is_near = own.map(({ before, after }) => {
      const [one, other] = [vectors?.of(before) ?? null, vectors?.of(after) ?? null];
      return one !== null && other !== null && dot(one, other) >= TRAP_THRESHOLD;
    });
    const served = is_near.filter((near_one, at) => near_one && passed[at]).length;
    const cells =
      vectors === null
        ? []
        : [percent(is_near.filter(Boolean).length / own.length), percent(served / own.length)];
    row(kind, own.length, percent(counted / own.length), ...cells);
  }
}

function reportTime(texts: readonly string[]): void {
  const long = texts.filter((text) => text.length >= 40);
  const bodies = Array.from({ length: 2000 }, (_, at) => {
    let body = "";
    for (let i = at; body.length < 200; i += 1) body += `${long[i % long.length]!} `;
    return body.slice(0, 200);
  });
  const rounds_us = Array.from({ length: 15 }, () => {
    const began_us = process.cpuUsage().user;
    for (let at = 1; at < bodies.length; at += 1) guard(bodies[at - 1]!, bodies[at]!);
    return (process.cpuUsage().user - began_us) / (bodies.length - 1);
  });
  console.log(
    `\nThe guard takes ${rounds_us.sort((a, b) => a - b)[7]!.toFixed(1)} µs of CPU for two texts of 200 characters, both read anew.`,
  );
}

const { values } = parseArgs({ options: { data: { type: "string" }, vectors: { type: "string" } } });
const folder = values.data ?? "../shared/data/paraphrase";
const intents = rowsOf(INTENT, join(folder, "intents-dev.jsonl"));
const pairs = rowsOf(PAIR, join(folder, "pairs-dev.jsonl"));
const [name = "", path = ""] = (values.vectors ?? "").split("=");
const is_builtin = values.vectors === undefined;
const vectors = is_builtin ? await builtinVectors() : await storedVectors(name, path);

const sets = SETS.map((set) => textSetOf(set, intents, vectors));
reportThresholds(vectors, sets);
reportVerified(vectors, sets);
reportPairs(vectors, pairs);
const texts = shuffled(
  intents.filter((intent) => vectors.isHeldOut(intent)).map(({ text }) => text),
  seededRandom(SEED),
).slice(0, EDIT_TEXTS);
const embedder = is_builtin ? vectors : null;
reportEdits("**Traps**", "stops", traps(texts, seededRandom(SEED)), embedder);
reportEdits("**Harmless edits**", "lets through", harmlessEdits(texts, seededRandom(SEED)), embedder);
reportTime(texts);
