// How fast a model speaks and where it breaks off: at once and to the end, except for `slow` and `cut`.
// Waits are bounded as a whole, so that the longest text of `slow` still ends.

import type { AnswerPart } from "./answer.ts";
import type { SimModel } from "./models.ts";

/** `slow` before each word, in milliseconds; less where the whole would take longer than `SLOW_TOTAL_MS`. */
export const SLOW_WORD_MS = 50;
/** A whole answer of `slow`, in milliseconds. */
const SLOW_TOTAL_MS = 30_000;
/** Words of a stream that `cut` tells before it breaks. */
export const CUT_WORDS = 5;

/** The silence before each of `tokens` words, in milliseconds. */
export function wordWait(model: SimModel, tokens: number): number {
  return model === "slow" ? Math.min(SLOW_WORD_MS, SLOW_TOTAL_MS / Math.max(1, tokens)) : 0;
}

/** The silence before a plain answer of `tokens` words, in milliseconds: the same as its stream would take. */
export function plainWait(model: SimModel, tokens: number): number {
  return wordWait(model, tokens) * Math.max(1, tokens);
}

/** A stream up to where its model breaks it off: `cut` after the opening and at most five words, always before its end. */
export function* untilCut(
  parts: Iterable<AnswerPart>,
  opening_parts: number,
  tokens: number,
): Generator<AnswerPart> {
  let left = opening_parts + Math.min(CUT_WORDS, tokens);
  for (const part of parts) {
    if (left-- <= 0) return;
    yield part;
  }
}
