// Numbers as they are written: "1,000", "1000", "1k" and "one thousand" are one value.

import type { Token } from "./scanner.ts";

const SMALL = new Map<string, number>();
for (const [
  index,
  word,
] of `zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen`
  .split(/\s+/)
  .entries()) {
  SMALL.set(word, index);
}
const TENS = new Map<string, number>();
for (const [index, word] of "twenty thirty forty fifty sixty seventy eighty ninety".split(" ").entries()) {
  TENS.set(word, 20 + 10 * index);
}
TENS.set("fourty", 40);
const ORDINALS = new Map<string, number>();
for (const [
  index,
  word,
] of `first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth`
  .split(/\s+/)
  .entries()) {
  ORDINALS.set(word, index + 1);
}
ORDINALS.set("thirtieth", 30);
const SCALES = new Map([
  ["hundred", 100],
  ["thousand", 1e3],
  ["k", 1e3],
  ["dozen", 12],
  ["million", 1e6],
  ["mn", 1e6],
  ["billion", 1e9],
  ["bn", 1e9],
  ["trillion", 1e12],
]);
/** Scales that are words: they count without a number before them ("a hundred"), and after a space. */
const WORD_SCALES = new Set(["hundred", "thousand", "dozen", "million", "billion", "trillion"]);
/** More digits than this are an identifier, such as a card's or a phone's, of which every digit counts. */
const VALUE_DIGITS_MAX = 15;

const NUMBER_WORDS = new Set([...SMALL.keys(), ...TENS.keys(), ...ORDINALS.keys(), ...WORD_SCALES]);

/** Whether a number can begin with the word. */
export function isNumberWord(text: string): boolean {
  return NUMBER_WORDS.has(text);
}

/** A number that was read. */
export interface ReadNumber {
  /** Its value in decimal digits, or its digits where they are an identifier. */
  readonly value: string;
  readonly is_ordinal: boolean;
  /** The word "one" by itself, which is as often an article. */
  readonly is_article: boolean;
  /** Index of the first token after it. */
  readonly next: number;
}

/** The value of digits as they were scanned; `007` and the like keep their zeros. */
function decimalOf(digits: string): string {
  const is_identifier =
    /^-?0\d/.test(digits) || digits.length > VALUE_DIGITS_MAX || /[:.].*[:.]/.test(digits);
  return is_identifier || digits.includes(":") ? digits : String(Number(digits));
}

/** The number that begins at `at`, or null where none does. */
export function readNumber(tokens: readonly Token[], at: number): ReadNumber | null {
  const token = tokens[at]!;
  if (token.kind === "number") return readDigits(tokens, at);
  return token.kind === "word" ? readWords(tokens, at) : null;
}

function readDigits(tokens: readonly Token[], at: number): ReadNumber {
  const value = decimalOf(tokens[at]!.text);
  const next = tokens[at + 1];
  const plain = { value, is_ordinal: false, is_article: false, next: at + 1 };
  if (next?.kind !== "word") return plain;
  if (next.is_glued && /^(?:st|nd|rd|th)$/.test(next.text))
    return { ...plain, is_ordinal: true, next: at + 2 };
  const is_million = next.is_glued && next.text === "m" && next.is_capital;
  const scale = is_million ? 1e6 : SCALES.get(next.text);
  if (scale === undefined || !(WORD_SCALES.has(next.text) || next.is_glued || next.text.length === 2))
    return plain;
  return { ...plain, value: String(Number((Number(value) * scale).toPrecision(15))), next: at + 2 };
}

/** "two hundred and five", "twenty-five", "ninety nine point five", "twenty first". */
function readWords(tokens: readonly Token[], at: number): ReadNumber | null {
  let total = 0;
  let group: number | null = null;
  /** The largest value that may still be added to the group: after "twenty" a digit, after "five" nothing. */
  let room = 1e3;
  let i = at;
  let is_ordinal = false;
  for (; i < tokens.length && !is_ordinal; i += 1) {
    const { kind, text } = tokens[i]!;
    if (kind !== "word") break;
    const small = SMALL.get(text) ?? TENS.get(text);
    const ordinal = ORDINALS.get(text);
    const scale: number | undefined = WORD_SCALES.has(text) ? SCALES.get(text) : undefined;
    if (small !== undefined || ordinal !== undefined) {
      const added = small ?? ordinal!;
      if (added >= room || (group !== null && added === 0)) break;
      group = (group ?? 0) + added;
      room = TENS.has(text) ? 10 : 0;
      is_ordinal = ordinal !== undefined;
    } else if (scale !== undefined) {
      if (scale === 100) {
        if (group !== null && group > 99) break;
        group = (group ?? 1) * 100;
        room = 100;
      } else {
        total = total + (group ?? 1) * scale;
        group = null;
        room = 1e3;
      }
    } else if (
      !(text === "and" && i > at && WORD_SCALES.has(tokens[i - 1]!.text) && isValue(tokens[i + 1]))
    ) {
      break;
    }
  }
  if (i === at) return null;
  const value = String(total + (group ?? 0));
  const is_article = i === at + 1 && tokens[at]!.text === "one";
  const fraction = is_ordinal ? null : readFraction(tokens, i);
  if (fraction !== null) return { ...fraction, value: `${value}.${fraction.value}` };
  return { value, is_ordinal, is_article, next: i };
}

function isValue(token: Token | undefined): boolean {
  return (
    token?.kind === "word" && (SMALL.has(token.text) || TENS.has(token.text) || ORDINALS.has(token.text))
  );
}

/** "point five two". */
function readFraction(tokens: readonly Token[], at: number): ReadNumber | null {
  if (tokens[at]?.text !== "point") return null;
  let digits = "";
  let i = at + 1;
  for (; (SMALL.get(tokens[i]?.text ?? "") ?? 10) < 10; i += 1) digits += String(SMALL.get(tokens[i]!.text));
  return digits === "" ? null : { value: digits, is_ordinal: false, is_article: false, next: i };
}
