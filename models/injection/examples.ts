// What the injection score learns from: the labelled texts and the project's own sentences, for each source.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { InjectionSource } from "../../src/privacy/guards/injection/injection.ts";
import { pick, randomNumbers } from "../ner/random.ts";
import { fill, type Pattern, readPatterns } from "./sentences.ts";

/** A labelled text. */
export interface Example {
  readonly text: string;
  readonly is_attack: boolean;
  readonly set: string;
  /** From 0 to 4; near copies are in one. */
  readonly fold: number;
  /** How much it counts in training. */
  readonly weight: number;
  /** Only some words of it, nobody says which, are the attack. */
  readonly is_hidden: boolean;
}

/** A row of samples-dev.jsonl, as far as it is looked at. */
interface Row {
  readonly text: string;
  readonly label: "injection" | "jailbreak" | "benign";
  readonly set: string;
  readonly family?: string;
  readonly direct?: boolean;
}

/** Into how many parts the data is cut. */
export const FOLDS = 5;
const SENTENCES_OF_PATTERN = 12;
/** How often a labelled document is taken with an attack put into it. */
const PLANTED = 12;
/** How much sentences of this project's own count. */
const OWN_ATTACK = 0.5;
const OWN_HARMLESS = 1;
/** Long texts to measure by. */
const LONG_CODES = 20_000;
const LONG_TEXTS_OF_FOLD = 20;
/** Sets of requests that have documents in them. */
const REQUESTS: ReadonlySet<string> = new Set(["arena-hard", "self-instruct", "alpaca-seed"]);

/** The rows of a file of labelled texts as examples of a source; all of them count one. */
export function readRows(path: string): { readonly user: Example[]; readonly tool: Example[] } {
  const rows = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
  const user: Example[] = [];
  const tool: Example[] = [];
  for (const { text, label, set, family, direct } of rows) {
    const is_attack = label !== "benign";
    const example = { text, is_attack, set, fold: foldOf(family ?? plain(text)), weight: 1, is_hidden: set === "bipia" };
    // An attack inside data is told apart by where it stands: as a user's request many of them are harmless.
    if (set !== "bipia") user.push(example);
    if (is_attack ? direct === false : set === "bipia-context") tool.push({ ...example, weight: is_attack ? 1 : 6 });
    else if (is_attack) tool.push({ ...example, weight: 0.4 });
    else {
      const body = bodyOf(text, set);
      if (body !== "") tool.push({ ...example, text: body, set: `${set}-body` });
    }
  }
  return { user, tool };
}

/** The project's own sentences as examples of a source, attacks on it put into the harmless documents too. */
export function ownExamples(source: InjectionSource, documents: readonly Example[]): Example[] {
  const random = randomNumbers(source === "user" ? 71 : 72);
  const patterns = readPatterns();
  const examples: Example[] = [];
  for (const pattern of patterns) {
    const is_attack = pattern.kind.endsWith("attack");
    const weight = is_attack ? OWN_ATTACK : OWN_HARMLESS;
    const is_of_source = pattern.kind.startsWith(source);
    // What attacks as a user attacks as a tool too, and what is harmless in a document is so in a request.
    const is_fit = source === "user" ? pattern.kind !== "tool attack" : pattern.kind !== "user harmless";
    if (!is_fit) continue;
    const texts = new Set<string>();
    for (let time = 0; time < SENTENCES_OF_PATTERN; time++) texts.add(fill(pattern, random));
    const set = is_of_source ? `own-${is_attack ? "attack" : "harmless"}` : "own-other";
    for (const text of texts) examples.push({ text, is_attack, set, fold: foldOf(pattern.line), weight, is_hidden: false });
  }
  if (source === "tool") examples.push(...planted(patterns, documents, random));
  return examples;
}

/**
 * Long texts, each joined from many harmless ones of a fold, as they are and with one attack in the middle: to measure by, not to
 * learn from.
 */
export function longTexts(source: InjectionSource, rows: readonly Example[]): Example[] {
  const random = randomNumbers(73);
  const texts: Example[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const parts = rows.filter(
      (row) => row.fold === fold && !row.is_attack && (source === "user" || !REQUESTS.has(row.set.replace("-body", ""))),
    );
    const attacks = rows.filter((row) => row.fold === fold && row.is_attack && row.weight === 1);
    for (let time = 0; time < LONG_TEXTS_OF_FOLD; time++) {
      let [text, before] = ["", ""];
      while (text.length < LONG_CODES) {
        text += `${pick(parts, random).text}\n\n`;
        if (text.length < LONG_CODES / 2) before = text;
      }
      const attacked = `${before}${pick(attacks, random).text}\n\n${text.slice(before.length)}`;
      const long = { set: "own-long", fold, weight: 0, is_hidden: false };
      texts.push({ ...long, text, is_attack: false }, { ...long, text: attacked, is_attack: true });
    }
  }
  return texts;
}

/** Attacks inside documents; both are of one fold. */
function planted(
  patterns: readonly Pattern[],
  documents: readonly Example[],
  random: () => number,
): Example[] {
  const examples: Example[] = [];
  const hosts = documents.filter(({ set }) => set === "bipia-context" || set === "arena-hard-body");
  for (const host of hosts) {
    const fitting = patterns.filter(
      ({ kind, line }) => kind.endsWith("attack") && foldOf(line) === host.fold,
    );
    const lines = host.text.split("\n");
    for (let time = 0; time < PLANTED; time++) {
      const attack = fill(pick(fitting, random), random);
      const at = Math.floor(random() * (lines.length + 1));
      const text = [...lines.slice(0, at), attack, ...lines.slice(at)].join("\n");
      examples.push({ text, is_attack: true, set: "own-planted", fold: host.fold, weight: OWN_ATTACK, is_hidden: true });
    }
  }
  return examples;
}

/** What a harmless request says besides what it asks for: something like a document. */
function bodyOf(text: string, set: string): string {
  if (set === "gsm8k") return text.split(/(?<=[.!?]) +/).slice(0, -1).join(" ");
  return REQUESTS.has(set) ? text.split("\n").slice(1, -1).join("\n").trim() : "";
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}]+/gu, " ");
}

function foldOf(key: string): number {
  return createHash("sha256").update(key).digest().readUInt32LE(0) % FOLDS;
}
