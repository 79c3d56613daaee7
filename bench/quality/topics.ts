// How well requests about a denied topic are told from others by the built-in embedder, on data that nobody here wrote.
// `bun bench/quality/topics.ts ../shared/data/paraphrase`
//
// Intents that the embedder never saw (held_out.ts) are topics, each denied by a few of its texts. Its other texts should be found;
// texts of the set's other intents, which are about the same kind of thing, of the other sets, and questions about anything should not.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { loadBuiltinEmbedder } from "../../src/inference/embedders/builtin/embedder.ts";
import { nearness, piecesOf, type TopicVectors, topicOf } from "../../src/privacy/guards/input/topics.ts";
import { isHeldOutIntent } from "./held_out.ts";

const SETS = ["clinc150", "banking77", "hwu64"];
const EXAMPLES = [3, 5, 10];
/** So often is each topic denied by other examples, and so many harmless texts are judged each time. */
const DRAWS = 3;
const HARMLESS = 500;
const THRESHOLDS = [0.4, 0.45, 0.5, 0.55, 0.6, 0.65];
/** Sentences of a long message, one of which is about the topic or none. */
const SENTENCES = 8;

const ROW = z.object({ text: z.string(), intent: z.string(), set: z.string() });
type Row = z.infer<typeof ROW>;

/** How near texts were to the topics, by what they were. */
interface Scores {
  readonly denied: number[];
  /** Of the same set. */
  readonly near: number[];
  /** Of other sets. */
  readonly far: number[];
  /** Questions of people about anything. */
  readonly any: number[];
}

const folder = process.argv[2] ?? "../shared/data/paraphrase";
const embedder = loadBuiltinEmbedder();
if ("fault" in embedder) throw new Error(embedder.fault);
const rows = readFileSync(join(folder, "intents-dev.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => ROW.parse(JSON.parse(line)))
  .filter(({ intent }) => intent !== "oos");
const PAIR = z.object({ a: z.string(), set: z.string() });
const questions = readFileSync(join(folder, "pairs-dev.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => PAIR.parse(JSON.parse(line)))
  .filter(({ set }) => set === "qqp")
  .map(({ a }) => a);
const vectors = new Map<string, Float32Array>();

function vectorOf(text: string): Float32Array {
  let vector = vectors.get(text);
  if (vector === undefined) {
    vector = (embedder as Exclude<typeof embedder, { fault: string }>).embed(text);
    vectors.set(text, vector);
  }
  return vector;
}

let state = 1;
/** Some of the items, in an order that depends on nothing but what was drawn before. */
function draw<Item>(items: readonly Item[], count = items.length): Item[] {
  const order = [...items];
  for (let at = 0; at < Math.min(count, order.length); at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = at + Math.floor((state / 2 ** 32) * (order.length - at));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order.slice(0, count);
}

/** A topic made of the first of some texts. */
function topicBy(texts: readonly string[], count: number): TopicVectors {
  const examples = texts.slice(0, count);
  return topicOf({ name: "topic", examples, threshold: 0 }, examples.map(vectorOf))!;
}

/** How near a message comes to a topic, as the guard judges it: by the nearest of its pieces. */
function score(topic: TopicVectors, message: string): number {
  return Math.max(...piecesOf([message])!.map((piece) => nearness(topic, vectorOf(piece))));
}

/** @param broad how many intents make up a topic */
function scoresOf(set: string, examples: number, broad: number, long: boolean): Scores {
  const own = rows.filter((row) => row.set === set);
  const others = rows.filter((row) => row.set !== set);
  const intents = [...new Set(own.filter(isHeldOutIntent).map(({ intent }) => intent))];
  const scores: Scores = { denied: [], near: [], far: [], any: [] };
  const texts = (some: readonly Row[]) => some.map(({ text }) => text);
  const message = (sentences: readonly string[]) =>
    sentences.map((text) => text.replace(/[.!?]*$/, ".")).join(" ");
  for (let round = 0; round < (broad === 1 ? intents.length : 10) * DRAWS; round++) {
    const chosen = broad === 1 ? [intents[round % intents.length]!] : draw(intents, broad);
    const per_intent = chosen.map((intent) => draw(texts(own.filter((row) => row.intent === intent))));
    const topic = topicBy(
      per_intent.flatMap((some) => some.slice(0, examples)),
      examples * broad,
    );
    const harmless = own.filter(({ intent }) => !chosen.includes(intent));
    const denied = draw(
      per_intent.flatMap((some) => some.slice(examples)),
      100,
    );
    const near = texts(draw(harmless, HARMLESS));
    const far = texts(draw(others, HARMLESS));
    const around = () => texts(draw(harmless, SENTENCES - 1));
    const inLong = (text: string) => message(draw([...around(), text]));
    for (const text of denied) scores.denied.push(score(topic, long ? inLong(text) : text));
    for (const text of long ? near.slice(0, 100) : near)
      scores.near.push(score(topic, long ? inLong(text) : text));
    if (long) continue;
    for (const text of far) scores.far.push(score(topic, text));
    for (const text of draw(questions, HARMLESS)) scores.any.push(score(topic, text));
  }
  return scores;
}

/** The score that so large a share of the texts is above. */
function above(scores: readonly number[], share: number): number {
  const sorted = [...scores].sort((a, b) => b - a);
  return sorted[Math.floor(share * sorted.length)] ?? 1;
}

function share(scores: readonly number[], threshold: number): string {
  const percent = (100 * scores.filter((one) => one > threshold).length) / scores.length;
  return scores.length === 0 ? "–" : `${percent.toFixed(1)} %`;
}

function reportRecall(title: string, set: string, { denied, near, far, any }: Scores): void {
  const cell = (harmless: readonly number[], part: number) => {
    const threshold = above(harmless, part);
    return harmless.length === 0 ? "–" : `${share(denied, threshold)} (${threshold.toFixed(2)})`;
  };
  const cells = [near, far, any].flatMap((harmless) => [cell(harmless, 0.01), cell(harmless, 0.05)]);
  console.log(`| ${[title, set, ...cells].join(" | ")} |`);
}

const by_set = new Map<string, Scores>();
console.log(
  "**Found, and the threshold for it**\n\n| a topic is | set | at 1 % of the set's others | at 5 % | at 1 % of other sets | at 5 % | at 1 % of questions about anything | at 5 % |",
);
console.log("| --- | --- | --: | --: | --: | --: | --: | --: |");
for (const examples of EXAMPLES) {
  for (const set of SETS) {
    const scores = scoresOf(set, examples, 1, false);
    by_set.set(`${examples} ${set}`, scores);
    reportRecall(`one intent, ${examples} examples`, set, scores);
  }
}
for (const set of SETS) reportRecall("three intents, 3 examples each", set, scoresOf(set, 3, 3, false));
const long = new Map(SETS.map((set) => [set, scoresOf(set, 5, 1, true)]));
for (const set of SETS)
  reportRecall(`one intent, 5 examples, in ${SENTENCES} sentences`, set, long.get(set)!);

console.log(
  "\n**At a threshold, with 5 examples: found / false alarms in the set / in other sets / in questions about anything**\n",
);
console.log(`| set | ${THRESHOLDS.join(" | ")} |\n| --- |${THRESHOLDS.map(() => " --: |").join("")}`);
for (const set of SETS) {
  const { denied, near, far, any } = by_set.get(`5 ${set}`)!;
  const cells = THRESHOLDS.map((one) => [denied, near, far, any].map((some) => share(some, one)).join(" / "));
  console.log(`| ${set} | ${cells.join(" | ")} |`);
}
for (const set of SETS) {
  const { denied, near } = long.get(set)!;
  const cells = THRESHOLDS.map((one) => `${share(denied, one)} / ${share(near, one)} / – / –`);
  console.log(`| ${set}, ${SENTENCES} sentences | ${cells.join(" | ")} |`);
}

/** Of ten topics, by the best of some rounds: what else the machine does only adds. */
const ten = Array.from({ length: 10 }, () => topicBy(draw(questions, 5), 5));
for (const sentences of [1, 8, 64]) {
  const messages = Array.from({ length: 50 }, () => draw(questions, sentences).join(" "));
  const rounds_us = Array.from({ length: 9 }, () => {
    const began_ms = performance.now();
    for (const text of messages) {
      const pieces = piecesOf([text])!.map((piece) => embedder.embed(piece));
      for (const topic of ten) for (const piece of pieces) nearness(topic, piece);
    }
    return (1000 * (performance.now() - began_ms)) / messages.length;
  });
  console.log(
    `\n${sentences} sentences beside 10 topics of 5 examples: ${Math.min(...rounds_us).toFixed(0)} µs`,
  );
}
