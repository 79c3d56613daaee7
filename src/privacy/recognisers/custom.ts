// Recognisers from the configuration: a pattern of RE2's language, whose time is linear in the text, with what else tells its values.

import { patternFault } from "../../config/patterns.ts";
import type { Found } from "../entity.ts";
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
/** What is surer than this counts as found when examples are tried. */
const EXAMPLE_THRESHOLD = 0.5;
/** The engine is given so much at a time, and values may be as long as the overlap: no search looks at a whole long text. */
const WINDOW_CHARS = 16_384;
const OVERLAP_CHARS = 1_024;
const CONTEXT_CHARS = 64;

const NAME = /^[A-Z][A-Z0-9_]{0,39}$/;

/** Finds what custom recognisers find; of any score, in no order. */
export type CustomSearch = (text: string) => readonly Found[];

/** What is wrong with a custom recogniser, in words; null for nothing. Its examples are tried. */
export function checkCustom(custom: CustomRecogniser): string | null {
  if (!NAME.test(custom.name)) return "the name must be of capitals, digits and _, and at most 40 characters";
  const fault = patternFault(custom.pattern);
  if (fault !== null) return `the pattern is not valid: ${fault}`;
  const search = customSearch(custom);
  if (search("").length > 0) return "the pattern matches the empty text";
  const finds = (text: string) => search(text).some(({ score }) => score >= EXAMPLE_THRESHOLD);
  const missed = custom.examples?.findIndex((example) => !finds(example)) ?? -1;
  if (missed >= 0) return `it finds nothing in example ${missed + 1}`;
  const mistaken = custom.counterexamples?.findIndex(finds) ?? -1;
  return mistaken >= 0 ? `it finds something in counterexample ${mistaken + 1}` : null;
}

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
  return (text) => {
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
        if (start < done || end === start) continue;
        done = end;
        if (passes !== null && !passes(text.slice(start, end).replace(/[^0-9A-Za-z]/g, ""))) continue;
        const is_near = words === null || hasWord(text, start, end, words);
        found.push({ start, end, entity: name, score: is_near ? score : score / 2 });
      }
    }
    return found;
  };
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
