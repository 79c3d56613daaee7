// How hard a prompt looks: points for what hard prompts have, counted in one pass over a bounded part of what was asked last. It is a
// heuristic, and an open one: every point has a name, and `explain` shows them all.

import type { Complexity } from "../config/routes.ts";
import { lastTurn } from "../dialects/last_turn.ts";
import type { OpenAIRequest } from "../dialects/openai/request.ts";

/** What was counted in a prompt. */
export interface PromptFeatures {
  /** Of what was asked last. */
  readonly asked_bytes: number;
  /** Of the whole request. */
  readonly request_bytes: number;
  /** Words of analysis: why, compare, prove, design. */
  readonly reasoning_words: number;
  readonly math_words: number;
  readonly code_words: number;
  /** A code fence, or brackets and semicolons as thick as in code. */
  readonly has_code: boolean;
  /** Words that bind the answer: must, exactly, without. */
  readonly constraint_words: number;
  /** Words of chores: translate, summarize, hello. */
  readonly chore_words: number;
  readonly list_items: number;
  readonly questions: number;
  readonly has_tools: boolean;
}

/** How hard a prompt looks, and why. */
export interface ComplexityResult {
  readonly class: Complexity;
  readonly score: number;
  /** What gave points, and how many. */
  readonly points: Readonly<Record<string, number>>;
  readonly features: PromptFeatures;
}

/** From these scores on. */
const MEDIUM_SCORE = 2;
const HARD_SCORE = 5;

/** Of what was asked last so many bytes are read: half of them its beginning, half its end. */
const WINDOW_BYTES = 4 * 1024;

/** Judges a request. It takes a few microseconds, for the longest prompts some tens. */
export function judgeComplexity(request: OpenAIRequest): ComplexityResult {
  const features = featuresOf(request);
  const points = pointsOf(features);
  const score = Object.values(points).reduce((sum, count) => sum + count, 0);
  return { class: classOf(score), score, points, features };
}

function classOf(score: number): Complexity {
  if (score >= HARD_SCORE) return "hard";
  return score >= MEDIUM_SCORE ? "medium" : "simple";
}

/** The points of features; those that give none are left out. */
function pointsOf(features: PromptFeatures): Readonly<Record<string, number>> {
  const { asked_bytes, request_bytes, reasoning_words, math_words, code_words, has_code } = features;
  const { constraint_words, chore_words, list_items, questions, has_tools } = features;
  const all: Readonly<Record<string, number>> = {
    length: steps(asked_bytes, [240, 1_000, 3_200]),
    context: steps(request_bytes, [32_768]),
    reasoning: Math.min(reasoning_words, 3),
    math: steps(math_words, [1, 2]),
    code: has_code ? 2 : steps(code_words, [1, 3]),
    constraints: steps(constraint_words, [2, 5]),
    list: steps(list_items, [3]),
    questions: steps(questions, [3]),
    tools: has_tools ? 1 : 0,
    chore: chore_words > 0 ? -1 : 0,
  };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
}

/** How many of the steps a value has reached. */
function steps(value: number, least: readonly number[]): number {
  return least.filter((step) => value >= step).length;
}

const REASONING = 1;
const MATH = 2;
const CODE = 3;
const CONSTRAINT = 4;
const CHORE = 5;

/** Words by what they tell, in lower case; in English, German, French and Spanish. */
const WORDS: readonly (readonly [kind: number, words: string])[] = [
  [
    REASONING,
    `why explain analyze analyse analysis compare contrast evaluate justify design architecture optimize optimise
     debug refactor diagnose investigate infer deduce plan strategy tradeoff tradeoffs implications critique reason
     reasoning assess derive prove step steps warum erkläre vergleiche analysiere bewerte begründe entwirf plane
     pourquoi explique comparez analysez évalue justifie démontre conçois explica compara analiza evalúa demuestra
     justifica diseña razona`,
  ],
  [
    MATH,
    `theorem lemma proof integral derivative equation equations matrix polynomial probability eigenvalue modulo
     inequality combinatorics variance regression solve beweis gleichung wahrscheinlichkeit théorème équation
     probabilité teorema ecuación probabilidad`,
  ],
  [
    CODE,
    `function class def return import const async await select struct public static void null undefined exception
     traceback compile regex sql python javascript typescript java rust golang kubernetes docker api algorithm
     recursion mutex deadlock thread refactor bug stacktrace`,
  ],
  [
    CONSTRAINT,
    `must should exactly least without only never always ensure constraint constraints requirement requirements
     unless except muss genau ohne niemals immer doit exactement sans jamais toujours debe exactamente sin nunca`,
  ],
  [
    CHORE,
    `translate translation summarize summarise summary rewrite rephrase classify extract hello hi hey thanks thank
     proofread spell sentiment übersetze zusammenfassung hallo danke traduis traduire résume bonjour merci traduce
     resume hola gracias`,
  ],
];

const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
/** Longer runs of letters are no words: keys, base64. */
const WORD_MAX_BYTES = 32;

/** FNV-1a (Fowler, Noll, Vo) of a word's bytes, capitals of ASCII as small letters. */
function hashOf(word: string): number {
  let hash = HASH_START;
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, HASH_PRIME);
  return hash;
}

const KINDS: ReadonlyMap<number, number> = new Map(
  WORDS.flatMap(([kind, words]) => words.split(/\s+/).map((word) => [hashOf(word), kind] as const)),
);

/** What a byte is to this count. */
const LETTER = 1;
const BRACKET = 2;
const CLASSES = new Uint8Array(256).fill(LETTER, 0x41, 0x5b).fill(LETTER, 0x61, 0x7b).fill(LETTER, 0x80);
for (const bracket of Buffer.from("{};()=<>[]")) CLASSES[bracket] = BRACKET;

const BACKSLASH = 0x5c;
const LOWER_N = 0x6e;
const LOWER_U = 0x75;
const NEWLINE = 0x0a;
const QUESTION = 0x3f;
const BACKTICK = 0x60;
const DASH = 0x2d;
const STAR = 0x2a;
const ZERO = 0x30;
const NINE = 0x39;
/** Of a text: below it is prose with a formula in it. */
const CODE_SHARE = 0.05;
const CODE_MIN_BRACKETS = 12;

class Counts {
  readonly words = new Uint32Array(CHORE + 1);
  brackets = 0;
  fences = 0;
  list_items = 0;
  questions = 0;
  bytes = 0;

  /** Counts a stretch of the inside of a JSON string, its escapes as what they stand for. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    let hash = HASH_START;
    let length = 0;
    let is_line_start = true;
    let ticks = 0;
    for (let at = start; at < end; at++) {
      let byte = bytes[at]!;
      if (byte === BACKSLASH && at + 1 < end) {
        const escaped = bytes[++at]!;
        if (escaped === LOWER_U) at += 4;
        byte = escaped === LOWER_N ? NEWLINE : 0;
      }
      const kind = CLASSES[byte]!;
      if (kind === LETTER) {
        hash = Math.imul(hash ^ (byte < 0x5b ? byte | 0x20 : byte), HASH_PRIME);
        length += 1;
        is_line_start = false;
        continue;
      }
      if (length > 0) {
        if (length <= WORD_MAX_BYTES) this.#word(hash);
        hash = HASH_START;
        length = 0;
      }
      ticks = byte === BACKTICK ? ticks + 1 : 0;
      if (ticks === 3) this.fences += 1;
      if (kind === BRACKET) this.brackets += 1;
      else if (byte === QUESTION) this.questions += 1;
      else if (is_line_start && (byte === DASH || byte === STAR || (byte >= ZERO && byte <= NINE)))
        this.list_items += 1;
      if (byte === NEWLINE) is_line_start = true;
      else if (byte !== 0x20) is_line_start = false;
    }
    if (length > 0 && length <= WORD_MAX_BYTES) this.#word(hash);
  }

  #word(hash: number): void {
    const kind = KINDS.get(hash);
    if (kind !== undefined) this.words[kind] = this.words[kind]! + 1;
  }
}

/** Counts the features of a request. */
function featuresOf(request: OpenAIRequest): PromptFeatures {
  const { bytes, scan } = request;
  const { start, end } = lastTurn(request) ?? { start: 0, end: 0 };
  const counts = new Counts();
  if (end - start <= WINDOW_BYTES) counts.add(bytes, start, end);
  else {
    counts.add(bytes, start, start + WINDOW_BYTES / 2);
    counts.add(bytes, end - WINDOW_BYTES / 2, end);
  }
  const { words, brackets, fences, list_items, questions } = counts;
  const is_thick = brackets >= CODE_MIN_BRACKETS && brackets >= counts.bytes * CODE_SHARE;
  const tools = scan.find("tools") ?? scan.find("functions");
  return {
    asked_bytes: end - start,
    request_bytes: bytes.length,
    reasoning_words: words[REASONING]!,
    math_words: words[MATH]!,
    code_words: words[CODE]!,
    has_code: fences > 0 || is_thick,
    constraint_words: words[CONSTRAINT]!,
    chore_words: words[CHORE]!,
    list_items,
    questions,
    has_tools: tools !== null && tools.kind === "array" && tools.end - tools.start > 2,
  };
}
