// Texts with the names in them: those of the corpora, cut from their files, and those that are generated.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Surroundings } from "../../src/inference/ner/features.ts";
import {
  CITY,
  COMMON,
  COMPANY_WORD,
  COUNTRY,
  FIRST_NAME,
  type Gazetteer,
  SURNAME,
} from "../../src/inference/ner/gazetteer.ts";
import { Tokens } from "../../src/inference/ner/tokens.ts";
import type { Names } from "./names.ts";

/** A stretch of a text that is a name: `entity` counts as in the chain's `ENTITIES`. */
export interface Label {
  readonly start: number;
  readonly end: number;
  readonly entity: number;
}

/** A text for training. */
export interface Example {
  readonly text: string;
  readonly labels: readonly Label[];
  /** Made from a template: the names in it were drawn from lists, and knowing them teaches nothing. */
  readonly is_generated: boolean;
}

const ENTITY_OF: Readonly<Record<string, number>> = {
  person: 0,
  PER: 0,
  location: 1,
  LOC: 1,
  place: 1,
  corporation: 2,
  group: 2,
  organization: 2,
  ORG: 2,
};

/** A sentence of a corpus: tokens and their tags. */
export type Sentence = readonly (readonly [string, string])[];

/** The sentences of a file in the CoNLL format. */
export function readConll(path: string): Sentence[] {
  return readFileSync(path, "utf8")
    .split(/\n\s*\n/)
    .map((block) =>
      block
        .split("\n")
        .filter((line) => line.includes("\t"))
        .map((line): [string, string] => {
          const at = line.lastIndexOf("\t");
          return [line.slice(0, at), line.slice(at + 1).trim()];
        }),
    )
    .filter((sentence) => sentence.length > 0);
}

/**
 * A sentence as a text with labels. What begins with `@` or `#` is no name: handles and hashtags are for others to find, and the
 * corpora do not agree on them.
 */
export function exampleOf(sentence: Sentence): Example {
  let text = "";
  const labels: { start: number; end: number; entity: number }[] = [];
  let before = "O";
  let is_handle = false;
  for (const [token, tag] of sentence) {
    const is_glued =
      /^[,.!?;:)\]%]$|^['’](s|m|re|ve|ll|d)$|^n't$/.test(token) || /[([]$/.test(text) || text.endsWith("@");
    if (text !== "" && !is_glued) text += " ";
    const start = text.length;
    text += token;
    is_handle = /^[@#]/.test(token) || (is_handle && is_glued && text.at(start - 1) === "@");
    const entity = ENTITY_OF[tag.slice(2)];
    const is_name = tag !== "O" && entity !== undefined && !is_handle;
    const last = labels.at(-1);
    const goes_on = is_name && before.slice(2) === tag.slice(2) && tag.startsWith("I-");
    if (is_name && goes_on && last !== undefined) last.end = text.length;
    else if (is_name) labels.push({ start, end: text.length, entity });
    before = is_handle ? "O" : tag;
  }
  return { text, labels, is_generated: false };
}

/** Every fourth template of presidio-research is for evaluation. */
export function isHeldOut(template_id: number): boolean {
  return template_id % 4 === 3;
}

/** The corpora that the model learns from. */
export function readCorpora(pii: string): Example[] {
  return ["wnut17-train", "btc-b", "btc-e", "btc-f"].flatMap((name) =>
    readConll(join(pii, "conll", `${name}.conll`)).map(exampleOf),
  );
}

/** What begins with a capital for other reasons than that it is a name. */
const NO_NAMES: ReadonlySet<string> = new Set([
  ..."April May June August Christian Will Mark Art Bill Rose Hope Grace Summer Autumn Dollar".split(" "),
]);

/**
 * School exercises in sums, which are about people with first names: those that stand in the lists, written with a capital, are
 * taken for names. Texts where a list says two things are left out.
 */
export function readExercises(injection: string, names: Names): Example[] {
  const first = new Set([...names.first, ...names.locales.flatMap((locale) => locale.first)]);
  const places = new Set([
    ...names.cities.slice(0, 2000).map(({ name }) => name),
    ...names.countries,
    ...names.regions,
  ]);
  const examples: Example[] = [];
  for (const line of readFileSync(join(injection, "samples-dev.jsonl"), "utf8").split("\n")) {
    if (!line.includes('"gsm8k"')) continue;
    const text = String(JSON.parse(line).text);
    const labels: Label[] = [];
    let is_clear = true;
    for (const { 0: word, index } of text.matchAll(/\p{Lu}\p{L}+/gu)) {
      const begins = index === 0 || /[.!?]\s+$/.test(text.slice(0, index));
      const is_small_elsewhere = text.includes(` ${word.toLowerCase()} `);
      if (NO_NAMES.has(word) || is_small_elsewhere) continue;
      if (first.has(word)) labels.push({ start: index, end: index + word.length, entity: 0 });
      else if (!begins || places.has(word)) is_clear = false;
    }
    if (is_clear) examples.push({ text, labels, is_generated: false });
  }
  return examples;
}

/** Requests that people make of assistants, and lines of prompts, code among them: those that no list says a name of. */
export function readRequests(data: string, gazetteer: Gazetteer): string[] {
  const requests = jsonLines(join(data, "paraphrase/intents-dev.jsonl"))
    .filter(({ set }) => set === "clinc150" || set === "banking77")
    .map(({ text }) => String(text));
  const prompts = jsonLines(join(data, "injection/samples-dev.jsonl"))
    .filter(({ set, label }) => label === "benign" && PROMPT_SETS.includes(String(set)))
    .flatMap(({ text }) => String(text).split("\n"))
    .map((line) => line.trim().slice(0, 600))
    .filter((line) => line.length > 12);
  return [...requests, ...new Set(prompts)].filter((text) => !mayName(text, gazetteer));
}

const PROMPT_SETS = [
  "arena-hard",
  "mitre-frr",
  "awesome-prompts",
  "self-instruct",
  "vicuna_bench",
  "mt_bench",
  "bfcl",
];
const NAMING = FIRST_NAME | SURNAME | CITY | COUNTRY | COMPANY_WORD;

/** Whether some word or phrase stands in a list of names, and not among the common words. */
function mayName(text: string, gazetteer: Gazetteer): boolean {
  const tokens = new Tokens();
  const around = new Surroundings();
  for (let at = 0; at < text.length; ) {
    at = tokens.fill(text, at);
    around.fill(tokens, gazetteer);
    for (let token = 0; token < tokens.count; token++) {
      const is_listed = (around.lists[token]! & NAMING) !== 0 && (around.lists[token]! & COMMON) === 0;
      if (is_listed || (around.begins_phrase[token]! & NAMING) !== 0) return true;
    }
  }
  return false;
}

function jsonLines(path: string): Record<string, unknown>[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The texts of requests, whatever they name. */
export function readAllRequests(data: string): string[] {
  return jsonLines(join(data, "paraphrase/intents-dev.jsonl"))
    .filter(({ set }) => set === "clinc150" || set === "banking77")
    .map(({ text }) => String(text));
}
