// An answer that tells the operator's prompt: a run of words that stands there word by word. Case and marks do not count.

import { type OutputGuardPlan, REMOVED } from "../guard.ts";
import type { Finding, TextGuard } from "./text_guards.ts";

/** A word as it is compared, and where it stands. */
interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** One class of characters, so that it never goes back. */
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
/** Between words that are compared; no word has it. */
const GAP = " ";

/**
 * A guard of the answer to one request.
 * @param promptOf the texts of its system messages; asked when there is the first text to be judged
 */
export function makeLeakGuard(
  plan: Extract<OutputGuardPlan, { guard: "prompt_leak" }>,
  promptOf: () => readonly string[],
): TextGuard {
  const { guard, action, min_words } = plan;
  let prompt: Prompt | null = null;
  const read = () => {
    prompt ??= new Prompt(promptOf(), min_words);
    return prompt;
  };
  return {
    action,
    find: (text) => read().find(text, (span) => ({ ...span, guard, action, replacement: REMOVED })),
    openFrom: (text) => read().openFrom(text),
  };
}

/** A prompt, by its runs of words. */
class Prompt {
  readonly #min_words: number;
  /** Runs of as many words as make a finding, and of two. */
  readonly #runs = new Set<string>();
  readonly #pairs = new Set<string>();
  readonly #words = new Set<string>();

  constructor(texts: readonly string[], min_words: number) {
    this.#min_words = min_words;
    for (const text of texts) {
      const words = wordsOf(text);
      for (let at = 0; at < words.length; at++) {
        this.#words.add(words[at]!.text);
        if (at > 0) this.#pairs.add(runOf(words, at - 1, 2));
        if (at + min_words <= words.length) this.#runs.add(runOf(words, at, min_words));
      }
    }
  }

  find(
    text: string,
    findingOf: (span: { readonly start: number; readonly end: number }) => Finding,
  ): Finding[] {
    if (this.#runs.size === 0) return [];
    const words = wordsOf(text);
    const found: Finding[] = [];
    let start = -1;
    let last = -1;
    for (let at = 0; at + this.#min_words <= words.length; at++) {
      // Words that are no neighbours in the prompt end a run soon, and most are none.
      if (!this.#pairs.has(runOf(words, at, 2)) || !this.#runs.has(runOf(words, at, this.#min_words)))
        continue;
      if (start >= 0 && at <= last + 1) last = at + this.#min_words - 1;
      else {
        if (start >= 0) found.push(findingOf({ start: words[start]!.start, end: words[last]!.end }));
        start = at;
        last = at + this.#min_words - 1;
      }
    }
    if (start >= 0) found.push(findingOf({ start: words[start]!.start, end: words[last]!.end }));
    return found;
  }

  /** Where a run may have begun that what comes next could complete. */
  openFrom(text: string): number {
    if (this.#runs.size === 0) return text.length;
    const words = wordsOf(text);
    let at = words.length - 1;
    if (at < 0 || !this.#words.has(words[at]!.text)) return text.length;
    const first = Math.max(0, words.length - this.#min_words + 1);
    while (at > first && this.#pairs.has(runOf(words, at - 1, 2))) at--;
    return words[at]!.start;
  }
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const { 0: word, index } of text.matchAll(WORD)) {
    words.push({ text: word.toLowerCase(), start: index, end: index + word.length });
  }
  return words;
}

function runOf(words: readonly Word[], first: number, count: number): string {
  let run = words[first]!.text;
  for (let at = first + 1; at < first + count; at++) run += GAP + words[at]!.text;
  return run;
}
