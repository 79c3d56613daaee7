// Recognisers from the configuration: a pattern of RE2's language, whose time is linear in the text, with what else tells its values.

import type { Found } from "../entity.ts";
import type { Steps } from "../steps.ts";
import { CHECKSUMS, type Checksum } from "./checksums.ts";
import { isLetter } from "./letters.ts";

/** A recogniser that the configuration adds. */
export interface CustomRecogniser {
  /** What it finds, as placeholders name it: capitals, digits and "_". */
  readonly name: string;
  /** In RE2's language. */
  readonly pattern: string;
  /** What the letters and digits of a value must pass. */
  readonly checksum?: Checksum | undefined;
  /** Words of which one must stand near for a value to count fully. */
  readonly context?: readonly string[] | undefined;
  /** How sure it is, from 0 to 1; without its context half as much. */
  readonly score?: number | undefined;
  /** Texts in which it must find something. */
  readonly examples?: readonly string[] | undefined;
  /** Texts in which it must find nothing. */
  readonly counterexamples?: readonly string[] | undefined;
}

/** How sure a recogniser is that does not say so. */
const SCORE = 0.8;
/** The engine is given so much at a time, and values may be as long as the overlap: no search looks at a whole long text. */
const WINDOW_CHARS = 16_384;
const OVERLAP_CHARS = 1_024;
const CONTEXT_CHARS = 64;

/** Finds what custom recognisers find, in steps; of any score, in no order. */
export type CustomSearch = (text: string) => Steps<readonly Found[]>;

/** Makes the search of a custom recogniser that is without fault. */
export function customSearch({
  name,
  pattern,
  checksum,
  context,
  score = SCORE,
}: CustomRecogniser): CustomSearch {
  const { RE2JS } = require("re2js") as typeof import("re2js");
  const compiled = RE2JS.compile(pattern);
  const passes = checksum === undefined ? null : CHECKSUMS[checksum];
  const words = context === undefined ? null : new Set(context.map((word) => word.toLowerCase()));
  return function* (text) {
    const found: Found[] = [];
    let done = 0;
    for (
      let from = 0;
      from === 0 || from + OVERLAP_CHARS < text.length;
      from += WINDOW_CHARS - OVERLAP_CHARS
    ) {
      const matcher = compiled.matcher(text.slice(from, from + WINDOW_CHARS));
      while (matcher.find()) {
        const start = from + matcher.start();
        const end = from + matcher.end();
        if (start < done || end === start || isCut(text, from, start, end)) continue;
        done = end;
        if (passes !== null && !passes(text.slice(start, end).replace(/[^0-9A-Za-z]/g, ""))) continue;
        const is_near = words === null || hasWord(text, start, end, words);
        found.push({ start, end, entity: name, score: is_near ? score : score / 2 });
      }
      yield;
    }
    return found;
  };
}

/** Whether a match begins or ends where its window is cut: the window before or behind has it whole. */
function isCut(text: string, from: number, start: number, end: number): boolean {
  return (from > 0 && start === from) || (end === from + WINDOW_CHARS && end < text.length);
}

/** Whether one of the words stands before or behind a place. */
function hasWord(text: string, start: number, end: number, words: ReadonlySet<string>): boolean {
  const around = [
    text.slice(Math.max(0, start - CONTEXT_CHARS), start),
    text.slice(end, end + CONTEXT_CHARS),
  ];
  for (const part of around) {
    let word = "";
    for (const char of `${part.toLowerCase()} `) {
      if (isLetter(char.charCodeAt(0)) || (char >= "0" && char <= "9")) word += char;
      else if (words.has(word)) return true;
      else word = "";
    }
  }
  return false;
}
