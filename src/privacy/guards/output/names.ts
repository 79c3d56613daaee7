// Names in an answer that its request does not have. A model looks at sentences, because a name cannot be told from the words before it
// alone: of a stream, a sentence is held back until it is whole.

import type { Found } from "../../entity.ts";
import type { GuardAction } from "../guard.ts";
import type { TextGuard } from "./text_guards.ts";

/** What a model finds. */
export const NAMES: readonly string[] = ["PERSON", "LOCATION", "ORGANIZATION"];

/** Finds names in a text at once; null where it cannot, or has no time to. */
export type FindNames = (text: string) => readonly Found[] | null;

/** From how sure on a name counts: in an answer a word that is taken out in vain is missed. */
const SCORE_MIN = 0.5;
/** A sentence that is longer is judged in parts, with the last words of each held back. */
const SENTENCE_MAX_CHARS = 192;
const HELD_CHARS = 48;
/** Ends of sentences, and of lines. */
const SENTENCE_END = /[.!?\n\u3002\uff01\uff1f]/;

/** A guard of names of these kinds. */
export function makeNameGuard(
  action: GuardAction,
  entities: readonly string[],
  findNames: FindNames,
): TextGuard {
  const guard = "personal_data";
  const enforces = action === "redact" || action === "block";
  return {
    action,
    find(text, isAsked, from) {
      const begin = sentenceOf(text, from);
      const names = findNames(text.slice(begin));
      // What cannot be judged does not pass: whoever asks takes this for a reason to block.
      if (names === null && enforces) throw new Error("there is no time for the names of a text");
      return (names ?? [])
        .map((name) => ({ ...name, start: begin + name.start, end: begin + name.end }))
        .filter(({ entity, score }) => score >= SCORE_MIN && entities.includes(entity))
        .filter(({ start, end }) => !isAsked(text.slice(start, end)))
        .map(({ start, end, entity }) => ({ start, end, guard, action, replacement: `[${entity}]` }));
    },
    openFrom: openSentence,
  };
}

/** Where the sentence begins that a place is in. */
function sentenceOf(text: string, place: number): number {
  let begin = place;
  while (begin > 0 && !SENTENCE_END.test(text[begin - 1]!)) begin--;
  return begin;
}

/** Where the sentence begins that is not whole yet; where it is too long, its last words. */
function openSentence(text: string, from: number): number {
  for (let at = text.length - 1; at >= from; at--) if (SENTENCE_END.test(text[at]!)) return at + 1;
  if (text.length - from <= SENTENCE_MAX_CHARS) return from;
  const blank = text.lastIndexOf(" ", text.length - HELD_CHARS);
  return blank < from ? text.length - HELD_CHARS : blank + 1;
}
