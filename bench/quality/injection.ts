// How well the injection score tells attacks from harmless texts: detection at one false alarm in a hundred, by set, and how fast it is.
// Held out: trained anew without each fifth of the texts, or with `--weights` the shipped ones on a file that they did not learn from.
// `bun bench/quality/injection.ts [--data ../shared/data/injection/samples-dev.jsonl] [--weights FILE] [--transfer]`

import { parseArgs } from "node:util";
import { type Example, longTexts, ownExamples, readRows } from "../../models/injection/examples.ts";
import { learn, type Seen, see, sumOf } from "../../models/injection/learner.ts";
import { crossValidated, isMeasure, type Judged, thresholdOf } from "../../models/injection/validation.ts";
import {
  type InjectionScorer,
  type InjectionSource,
  loadInjectionScorer,
} from "../../src/privacy/guards/injection/injection.ts";

const SOURCES: readonly InjectionSource[] = ["user", "tool"];
const SPEED_RUNS = 3;
/** Sets that are left out together when it is measured how far learning carries. */
const KINS: readonly (readonly [string, RegExp])[] = [
  ["cyberseceval, all languages", /^cyberseceval/],
  ["garak, all", /^garak/],
  ["bipia", /^bipia$/],
];

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/data/injection/samples-dev.jsonl" },
    weights: { type: "string" },
    transfer: { type: "boolean", default: false },
  },
});

const rows = readRows(values.data);

function isOwn({ set }: Example): boolean {
  return set.startsWith("own-");
}

/** The share of pairs of an attack and a harmless text in which the attack weighs more. */
function areaUnderCurve(judged: readonly Judged[]): number {
  const sorted = [...judged].sort((one, other) => one.sum - other.sum);
  const attacks = sorted.filter(({ example }) => example.is_attack).length;
  let harmless = 0;
  let pairs = 0;
  for (let at = 0; at < sorted.length; ) {
    let after = at;
    let [equal_attacks, equal_harmless] = [0, 0];
    while (after < sorted.length && sorted[after]!.sum === sorted[at]!.sum) {
      if (sorted[after]!.example.is_attack) equal_attacks++;
      else equal_harmless++;
      after++;
    }
    pairs += equal_attacks * (harmless + equal_harmless / 2);
    harmless += equal_harmless;
    at = after;
  }
  return pairs / (attacks * harmless);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** Prints the tables of a source. */
function print(source: InjectionSource, judged: readonly Judged[], threshold: number): void {
  const rated = judged.filter(({ example }) => !isOwn(example));
  const attacks = rated.filter(({ example }) => example.is_attack && example.weight === 1);
  const measures = rated.filter(({ example }) => isMeasure(source, example));
  const caught = attacks.filter(({ sum }) => sum > threshold).length;
  const area = areaUnderCurve([...attacks, ...measures]).toFixed(4);
  console.log(
    `\n${source}: ${percent(caught, attacks.length)} of ${attacks.length} attacks found, ROC-AUC ${area}\n`,
  );
  console.log("| set | kind | texts | above the threshold |\n|---|---|--:|--:|");
  const sets = new Map<string, Judged[]>();
  for (const one of judged) {
    const { is_attack, set } = one.example;
    const key = `${set} | ${is_attack ? "attack" : "harmless"}`;
    sets.set(key, [...(sets.get(key) ?? []), one]);
  }
  for (const [key, list] of [...sets].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const above = list.filter(({ sum }) => sum > threshold).length;
    console.log(`| ${key} | ${list.length} | ${above} (${percent(above, list.length)}) |`);
  }
}

function printSpeed(scorer: InjectionScorer): void {
  const texts = rows.user.map(({ text }) => text);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  for (const source of SOURCES) {
    let best_ms = Number.POSITIVE_INFINITY;
    for (let run = 0; run < SPEED_RUNS; run++) {
      const from_ms = performance.now();
      for (const text of texts) scorer.score(text, source);
      best_ms = Math.min(best_ms, performance.now() - from_ms);
    }
    console.log(
      `\n${source}: ${(bytes / 1000 / best_ms).toFixed(1)} MB/s, each text alone, best of ${SPEED_RUNS}`,
    );
  }
}

/** What of an attack's kind is found if nothing of that kind was learned from. */
function printTransfer(source: InjectionSource, examples: readonly Seen[]): void {
  for (const [name, pattern] of KINS) {
    const others = examples.filter(({ example }) => !pattern.test(example.set));
    const left_out = examples.filter(({ example }) => pattern.test(example.set) && example.weight === 1);
    if (left_out.length === 0) continue;
    // Two folds are left out, so that the harmless texts of the threshold were not learned from.
    const learned = learn(
      others.filter(({ example }) => example.fold > 1),
      source,
    );
    const unseen = others.filter(({ example }) => example.fold <= 1);
    const judged = unseen.map((seen) => ({ example: seen.example, sum: sumOf(seen, learned) }));
    const threshold = thresholdOf(source, judged);
    const found = left_out.filter((seen) => sumOf(seen, learned) > threshold).length;
    console.log(`| ${source} | ${name} | ${left_out.length} | ${percent(found, left_out.length)} |`);
  }
}

const scorer = loadInjectionScorer(values.weights);
if (values.weights !== undefined) {
  if ("fault" in scorer) throw new Error(scorer.fault);
  for (const source of SOURCES) {
    print(
      source,
      rows[source].map((example) => ({ example, sum: scorer.score(example.text, source) })),
      0.5,
    );
  }
} else {
  for (const source of SOURCES) {
    const own = [...ownExamples(source, rows[source]), ...longTexts(source, rows[source])];
    const examples = [...rows[source], ...own].map(see);
    const judged = crossValidated(examples, source);
    print(source, judged, thresholdOf(source, judged));
    if (!values.transfer) continue;
    console.log("\n| source | left out | texts | found |\n|---|---|--:|--:|");
    printTransfer(source, examples);
  }
}
if (!("fault" in scorer)) printSpeed(scorer);
