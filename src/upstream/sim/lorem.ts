// The fixed text of the `lorem` model: known sentences in an order that the request's hash chooses.
// Its length is `max_tokens` where that is given, so a test asks for exactly as many words as it needs.

import { randomFrom } from "./random.ts";

/** Words of an answer without `max_tokens`: whole sentences until at least this many. */
const DEFAULT_WORDS = 55;
/** Words that are written however large `max_tokens` is. */
const WORDS_MAX = 16_384;

const SENTENCES = [
  "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
  "Sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.",
  "Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.",
  "Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur.",
  "Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum.",
  "Curabitur pretium tincidunt lacus, nulla gravida orci a odio.",
  "Nullam varius, turpis et commodo pharetra, est eros bibendum elit, nec luctus magna felis sollicitudin mauris.",
  "Integer in mauris eu nibh euismod gravida.",
] as const;

/**
 * Sentences chosen by `seed`, the first always the same: about 60 words, or with `max_tokens` more words than that, so
 * that the limit ends it; at most 16,384 and a sentence.
 */
export function loremText(seed: number, max_tokens: number | null): string {
  const target = max_tokens === null ? DEFAULT_WORDS : Math.min(max_tokens + 1, WORDS_MAX);
  const random = randomFrom(seed);
  const chosen: string[] = [SENTENCES[0]];
  let count = SENTENCES[0].split(" ").length;
  while (count < target) {
    const sentence = SENTENCES[random(SENTENCES.length)] ?? SENTENCES[0];
    chosen.push(sentence);
    count += sentence.split(" ").length;
  }
  return chosen.join(" ");
}
