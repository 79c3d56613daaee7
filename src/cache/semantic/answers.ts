// Whether two answers say the same, as far as words tell: for the verdicts that verified caching learns from.

import { contradict } from "./guard.ts";
import { GUARDED_LENGTH_MAX, type GuardText, guardText } from "./guard_text.ts";

/** Says whether two answers to similar questions are interchangeable. Another one, such as a model, can take its place. */
export interface AnswerComparator {
  /** @param a,b the answers' texts */
  compare(a: string, b: string): boolean | Promise<boolean>;
}

/** Compares by words; takes some ten microseconds. */
export const WORD_COMPARATOR: AnswerComparator = { compare: compareAnswers };

/** Answers with no more marks than this are one statement, in which every number counts. */
const SHORT_MARKS_MAX = 24;
/** How much of their words two statements, and two longer texts, must share (F1). */
const SHORT_OVERLAP_MIN = 0.6;
const LONG_OVERLAP_MIN = 0.5;

/**
 * Whether two answers are interchangeable: equal but for case, spaces and punctuation, or with enough of the same words. Short ones must
 * also agree in every number, date and unit and in what they deny; of longer ones the same is asked by share, because lists and
 * examples vary. In doubt they differ: that costs a question to the model, the reverse a wrong answer. Of long answers, the
 * first `GUARDED_LENGTH_MAX` characters are compared.
 */
export function compareAnswers(a: string, b: string): boolean {
  const one = a.trim();
  const other = b.trim();
  if (one === other) return true;
  if (one === "" || other === "") return false;
  const of_a = guardText(one.slice(0, GUARDED_LENGTH_MAX));
  const of_b = guardText(other.slice(0, GUARDED_LENGTH_MAX));
  if (of_a.marks.length + of_b.marks.length === 0) return of_a.bare === of_b.bare;
  const is_short = Math.min(of_a.marks.length, of_b.marks.length) <= SHORT_MARKS_MAX;
  const words = overlap(keysOf(of_a, WORDS), keysOf(of_b, WORDS));
  const facts = overlap(keysOf(of_a, FACTS), keysOf(of_b, FACTS));
  if (!is_short) return words >= LONG_OVERLAP_MIN && facts >= LONG_OVERLAP_MIN;
  return (
    words >= SHORT_OVERLAP_MIN && facts === 1 && denials(of_a) === denials(of_b) && !contradict(of_a, of_b)
  );
}

const WORDS: ReadonlySet<string> = new Set(["word", "entity", "scope"]);
const FACTS: ReadonlySet<string> = new Set(["number", "date", "unit"]);

function keysOf({ marks }: GuardText, kinds: ReadonlySet<string>): Set<string> {
  return new Set(marks.filter(({ kind }) => kinds.has(kind)).map(({ key }) => key));
}

/** Twice what both have, by what they have together; 1 where neither has anything. */
function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size + other.size === 0) return 1;
  let shared = 0;
  for (const key of one) if (other.has(key)) shared += 1;
  return (2 * shared) / (one.size + other.size);
}

function denials({ marks }: GuardText): number {
  return marks.filter(({ kind }) => kind === "negation").length;
}
