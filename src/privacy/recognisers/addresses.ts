// Street addresses: a number beside the words that name a street in English, French, German, Dutch, Spanish, Italian, Portuguese,
// Polish, Hungarian and the Nordic languages, post boxes, and what follows them up to the post code.

import { SUBJECT } from "./context.ts";
import { MONTHS } from "./dates.ts";
import { endsWord, goesOn, isAlnum, isDigit, isLetter, isUpper } from "./letters.ts";
import type { Numbers } from "./numbers.ts";
import type { Recogniser, Scan } from "./scan.ts";
import {
  ASKING,
  BOXES,
  COUNTED,
  ENDINGS,
  FIRST_WITH_NUMBER,
  FIRST_WORDS,
  LAST_WITH_NUMBER,
  LAST_WORDS,
  LINKS,
  LOWER_BEFORE,
  UNITS,
  WEAK_FIRST_WORDS,
  WEAK_LAST_WORDS,
} from "./street_words.ts";
import { wordSet } from "./word_map.ts";

const NUMBER_MAX_DIGITS = 5;
const NAME_WORDS_MAX = 5;
const WORD_MAX = 24;
const ABBREVIATION_MAX = 4;
const SPACE = 0x20;
const COMMA = 0x2c;
const DOT = 0x2e;
const NEWLINE = 0x0a;

/** How sure it is, with and without words around that speak of an address. */
const SURE = 0.9;
const LIKELY = 0.75;
const UNSURE = 0.6;
/** What stands before an address that has a line or a field of its own. */
const OPENS = new Set(Array.from(':\n"', (sign) => sign.charCodeAt(0)));
const DOUBTFUL = 0.3;

/** Words in small letters that may be a street's beside a number. */
const BEHIND_NUMBER = wordSet(FIRST_WORDS);
const BEFORE_NUMBER = wordSet(LOWER_BEFORE);

/** Finds street addresses. */
export const STREET_ADDRESS: Recogniser = {
  entities: ["STREET_ADDRESS"],
  takes_short: true,
  numbers(scan, numbers) {
    for (let group = 0; group < numbers.count; group++) {
      if (numbers.length(group) > NUMBER_MAX_DIGITS) continue;
      const start = numbers.starts[group]!;
      const end = numbers.ends[group]!;
      if (!mayNameBehind(scan.text, end) && !mayNameBefore(scan.text, start)) continue;
      if (isAlone(numbers, group)) addAddress(scan, start, end, firstNumber(numbers, group));
    }
  },
  // "221B Baker Street"
  code(scan, start, end) {
    if (/^[0-9]{1,4}[a-z]$/i.test(scan.text.slice(start, Math.min(end, start + 6))))
      addAddress(scan, start, end, start);
  },
};

/** Whether the word behind a number may name a street: most numbers are told from houses by this and the next alone. */
function mayNameBehind(text: string, end: number): boolean {
  let at = end;
  while (at - end < 2 && (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === COMMA)) at++;
  const code = text.charCodeAt(at);
  if (at === end || isDigit(code) || isUpperLike(code)) return at > end;
  return isLetter(code) && BEHIND_NUMBER.find(text, at, nameEnd(text, at)) === true;
}

/** Whether the word before a number may be a street's, or a post box. */
function mayNameBefore(text: string, start: number): boolean {
  let end = start;
  while (start - end < 3 && isGap(text.charCodeAt(end - 1))) end--;
  if (end === start) return false;
  let at = end;
  while (end - at < WORD_MAX && isName(text.charCodeAt(at - 1))) at--;
  return (
    isUpperLike(text.charCodeAt(at)) ||
    (isLetter(text.charCodeAt(at)) && BEFORE_NUMBER.find(text, at, end) === true)
  );
}

function isGap(code: number): boolean {
  return code === SPACE || code === COMMA || code === DOT;
}

/** Whether a group is a number by itself: beside spaces, not dashes or dots. */
function isAlone(numbers: Numbers, group: number): boolean {
  return numbers.begins(group) && (numbers.finishes(group) || numbers.separator(group) === 0x2f);
}

/** Where the number before starts, if there is one: "975 3968 Bay Street". */
function firstNumber(numbers: Numbers, group: number): number {
  const has_other =
    group > 0 && numbers.separator(group - 1) === SPACE && numbers.length(group - 1) <= NUMBER_MAX_DIGITS;
  return numbers.starts[has_other ? group - 1 : group]!;
}

function addAddress(scan: Scan, start: number, end: number, first: number): void {
  const { text } = scan;
  if (goesOn(text, start)) return;
  const street_end = streetBehind(text, end);
  if (street_end > 0) {
    const tail = readTail(scan, first, street_end);
    scan.add("STREET_ADDRESS", first, tail.end, scoreBehind(scan, first, end, street_end));
    return;
  }
  const street_start = streetBefore(text, start);
  // "Via Twitter 2014" is seldom a house; "Via Roma 1903" may be one.
  if (street_start >= 0 && !(isYear(text, start, end) && !isUpper(text.charCodeAt(street_start)))) {
    const number_end = isLetter(text.charCodeAt(end)) && endsWord(text, end + 1) ? end + 1 : end;
    const tail = readTail(scan, street_start, number_end);
    const is_weak = WEAK_FIRST_WORDS.has(text.slice(street_start, nameEnd(text, street_start)));
    const score = tail.is_named ? SURE : is_weak ? DOUBTFUL : LIKELY;
    scan.add("STREET_ADDRESS", numberBefore(text, street_start), tail.end, score);
    return;
  }
  if (!addNamedStreet(scan, start, end)) addUnknownStreet(scan, first, end);
}

/**
 * "I live at Møllebakken 35", "Unter den Linden 77, 10117 Berlin": any name with a number behind, where the words before ask for
 * an address, or a post code and a city follow; whether it is one.
 */
function addNamedStreet(scan: Scan, start: number, end: number): boolean {
  const { text } = scan;
  if (
    text.charCodeAt(start - 1) !== SPACE ||
    !isLetter(text.charCodeAt(start - 2)) ||
    isYear(text, start, end)
  ) {
    return false;
  }
  let street_start = -1;
  let at = start - 1;
  let word = "";
  for (let count = 0; count < NAME_WORDS_MAX; count++) {
    let word_start = at;
    while (at - word_start < WORD_MAX && isName(text.charCodeAt(word_start - 1))) word_start--;
    word = text.slice(word_start, at).toLowerCase();
    const is_capital = isUpperLike(text.charCodeAt(word_start)) && word !== "";
    if (count === 0 && (!is_capital || isCounted(word))) return false;
    if (!is_capital && !LINKS.has(word)) break;
    if (is_capital) street_start = word_start;
    at = word_start - 1;
    word = "";
    if (text.charCodeAt(at) !== SPACE) break;
  }
  const tail = readTail(scan, street_start, end);
  const is_asked =
    word === "" ? OPENS.has(text.charCodeAt(lastVisible(text, street_start))) : ASKING.has(word);
  const is_named = is_asked && (scan.context(street_start, end).nearest & SUBJECT.address) !== 0;
  if (!is_named && !tail.has_city) return false;
  scan.add("STREET_ADDRESS", street_start, tail.end, tail.has_city ? LIKELY : UNSURE);
  return true;
}

/** Where the last character before a place is that is no space. */
function lastVisible(text: string, start: number): number {
  let at = start - 1;
  while (start - at < 3 && text.charCodeAt(at) === SPACE) at--;
  return at;
}

/** A name that no word calls a street's is one if a number stands on both of its sides, or a flat behind, and words around agree. */
function addUnknownStreet(scan: Scan, first: number, end: number): void {
  const { text } = scan;
  let name_end = isUpperLike(text.charCodeAt(end + 1)) ? nameAfter(text, end) : 0;
  if (name_end === 0) return;
  if (isCounted(text.slice(end + 1, nameEnd(text, end + 1)))) return;
  const number_start = text.charCodeAt(name_end) === SPACE ? name_end + 1 : name_end;
  const has_number = number_start > name_end && isDigit(text.charCodeAt(number_start));
  if (has_number) name_end = nameEnd(text, number_start);
  const tail = readTail(scan, first, name_end);
  if (tail.has_unit) scan.add("STREET_ADDRESS", first, tail.end, tail.is_named ? SURE : LIKELY);
  else if (tail.is_named && (has_number || tail.has_code))
    scan.add("STREET_ADDRESS", first, tail.end, LIKELY);
}

/** Whether a word with a capital goes with numbers, and is no street's: a month, "Part 7". */
function isCounted(word: string): boolean {
  const lower = word.toLowerCase();
  return MONTHS.has(lower) || COUNTED.has(lower);
}

function isYear(text: string, start: number, end: number): boolean {
  return end - start === 4 && (text.startsWith("19", start) || text.startsWith("20", start));
}

function isUpperLike(code: number): boolean {
  return isUpper(code) || code >= 0xc0;
}

/** Where the number starts that stands before a street's name; the name's start if there is none. */
function numberBefore(text: string, street_start: number): number {
  if (text.charCodeAt(street_start - 1) !== SPACE) return street_start;
  let start = street_start - 1;
  while (street_start - start <= NUMBER_MAX_DIGITS + 1 && isDigit(text.charCodeAt(start - 1))) start--;
  return start === street_start - 1 || goesOn(text, start) ? street_start : start;
}

/** Where the street's name ends that follows a number; 0 if none does. */
function streetBehind(text: string, end: number): number {
  let at = end;
  for (let count = 0; count < NAME_WORDS_MAX; count++) {
    const start = wordAfter(text, at);
    if (start === 0) return 0;
    const word_end = nameEnd(text, start);
    const word = text.slice(start, word_end).toLowerCase();
    if (count === 0 && FIRST_WORDS.has(word)) return nameAfter(text, word_end);
    if (count > 0 && LAST_WORDS.has(word))
      return text.charCodeAt(word_end) === DOT && word.length <= 4 ? word_end + 1 : word_end;
    const code = text.charCodeAt(start);
    // "2nd" may be a street's name, "2" is another number.
    if (isDigit(code) ? isDigit(text.charCodeAt(word_end - 1)) : !isUpperLike(code) && !LINKS.has(word))
      return 0;
    at = text.charCodeAt(word_end) === DOT ? word_end + 1 : word_end;
  }
  return 0;
}

/** How sure it is that a number and a street's name are an address: less where both may be other words. */
function scoreBehind(scan: Scan, start: number, number_end: number, street_end: number): number {
  const { text } = scan;
  const name = text.slice(number_end, street_end).trim();
  const last = name
    .slice(name.lastIndexOf(" ") + 1)
    .replace(".", "")
    .toLowerCase();
  if (scan.isNear(SUBJECT.address, start, street_end)) return SURE;
  if (!WEAK_LAST_WORDS.has(last)) return LIKELY;
  return isUpper(name.charCodeAt(name.lastIndexOf(" ") + 1)) ? UNSURE : DOUBTFUL;
}

/** Where the name ends that follows a street's first word: words with capitals, and the links between them; 0 for no name. */
function nameAfter(text: string, from: number): number {
  let end = 0;
  let at = text.charCodeAt(from) === DOT ? from + 1 : from;
  for (let count = 0; count < NAME_WORDS_MAX; count++) {
    const start = wordAfter(text, at);
    if (start === 0) break;
    const word_end = nameEnd(text, start);
    const is_link = LINKS.has(text.slice(start, word_end).toLowerCase());
    const code = text.charCodeAt(start);
    if (!is_link && !isUpperLike(code)) break;
    if (!is_link) end = word_end;
    at = text.charCodeAt(word_end) === 0x27 ? word_end + 1 : word_end;
  }
  return end;
}

/** Where the street's name starts that a number follows; -1 if there is none. */
function streetBefore(text: string, start: number): number {
  let at = start;
  let is_ended = false;
  for (let count = 0; count < NAME_WORDS_MAX; count++) {
    let end = at;
    while (at - end < 3 && isGap(text.charCodeAt(end - 1))) end--;
    if (end === at) return -1;
    let word_start = end;
    while (end - word_start < WORD_MAX && isName(text.charCodeAt(word_start - 1))) word_start--;
    if (word_start === end || isName(text.charCodeAt(word_start - 1))) return -1;
    const word = text.slice(word_start, end).toLowerCase();
    // "Avda. Rio Nalon" is one name, "Plaza, Monday" and "end. Monday" are not.
    if (count > 0 && isStop(text, end, at, end - word_start)) return -1;
    if (count === 0 && BOXES.has(word)) return boxStart(text, word_start);
    if (count === 0 && word.length > 5 && isUpperLike(text.charCodeAt(word_start)) && ENDINGS.test(word))
      return word_start;
    if (count === 0 && LAST_WITH_NUMBER.has(word)) is_ended = true;
    else if (FIRST_WITH_NUMBER.has(word) && count > 0) return word_start;
    const is_capital = isUpperLike(text.charCodeAt(word_start));
    if (is_ended && count > 0) return is_capital ? word_start : -1;
    if (!is_capital && !LINKS.has(word) && !is_ended) return -1;
    at = word_start;
  }
  return -1;
}

/** Whether a comma, or a full stop that is not an abbreviation's, stands behind a word of so many letters. */
function isStop(text: string, from: number, to: number, letters: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA || (code === DOT && letters > ABBREVIATION_MAX)) return true;
  }
  return false;
}

/** "P.O. Box 211", "PO Box 211", "PSC 3294, Box 9168". */
function boxStart(text: string, start: number): number {
  const before = text.slice(Math.max(0, start - 20), start);
  const prefix = /(?:p\.? ?o\.? |psc [0-9]{1,5}, ?|unit [0-9]{1,5},? )$/i.exec(before);
  if (prefix !== null) return start - prefix[0].length;
  return text.slice(start, start + 3).toLowerCase() === "box" ||
    text.slice(start, start + 2).toLowerCase() === "bp"
    ? -1
    : start;
}

const TOKENS_MAX = 10;
const GAP_MAX = 12;

/** What follows a street. */
interface Tail {
  /** Behind its flat, its post code, or its city where the words around speak of an address. */
  readonly end: number;
  readonly has_unit: boolean;
  readonly has_code: boolean;
  /** Whether a city follows the code. */
  readonly has_city: boolean;
  /** Whether the words around speak of an address. */
  readonly is_named: boolean;
}

function readTail(scan: Scan, start: number, street_end: number): Tail {
  const { text } = scan;
  const is_named = scan.isNear(SUBJECT.address, start, street_end);
  let has_unit = false;
  let has_code = false;
  let awaits_city = false;
  let has_city = false;
  let end = street_end;
  let at = street_end;
  for (let count = 0; count < TOKENS_MAX; count++) {
    const token_start = tokenAfter(text, at);
    if (token_start < 0) break;
    let token_end = nameEnd(text, token_start);
    if (token_end === token_start) break;
    const token = text.slice(token_start, token_end);
    const is_capital = isUpperLike(text.charCodeAt(token_start));
    const is_link = count > 0 && LINKS.has(token.toLowerCase());
    if (UNITS.has(token.toLowerCase())) {
      const number_start = wordAfter(text, text.charCodeAt(token_end) === DOT ? token_end + 1 : token_end);
      if (number_start === 0 || !isAlnum(text.charCodeAt(number_start))) break;
      token_end = nameEnd(text, number_start);
      end = token_end;
      has_unit = true;
      awaits_city = isUpperLike(text.charCodeAt(token_end + 1));
    } else if (isPostCode(token)) {
      end = token_end;
      has_code = true;
      // "50667 Köln": behind a comma, a code stands before its city.
      awaits_city = isDigit(text.charCodeAt(token_start)) && isBroken(text, at, token_start);
    } else if (!is_capital && !is_link) break;
    else if (is_capital && (awaits_city || ((is_named || has_unit) && isBroken(text, at, token_start)))) {
      end = token_end;
      has_city ||= awaits_city && has_code;
      // "San" is not all of a city's name.
      awaits_city = !has_code && isUpperLike(text.charCodeAt(token_end + 1));
    }
    at = token_end;
  }
  return { end, has_unit, has_code, has_city, is_named };
}

/** Whether a comma or a line break stands between. */
function isBroken(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === NEWLINE) return true;
  }
  return false;
}

/** Four to six digits, five and four, the halves of British and Canadian codes, states and "APO". */
function isPostCode(token: string): boolean {
  return /^(?:[0-9]{4,6}|[0-9]{5}-[0-9]{4}|[A-Z]{1,2}[0-9][A-Z0-9]?|[0-9][A-Z][A-Z0-9])$/.test(token);
}

/** Where the next word of a name starts, behind spaces; 0 if there is none on this line. */
function wordAfter(text: string, from: number): number {
  let at = from;
  while (at - from < 2 && (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === COMMA)) at++;
  return at > from && isName(text.charCodeAt(at)) ? at : text.charCodeAt(from - 1) === 0x27 ? from : 0;
}

/** Where the next token of an address starts, behind spaces, commas, line breaks and the signs of a quotation; -1 if too far. */
function tokenAfter(text: string, from: number): number {
  let at = from;
  let breaks = 0;
  for (; at - from < GAP_MAX; at++) {
    const code = text.charCodeAt(at);
    if (code === NEWLINE) breaks++;
    else if (code !== SPACE && code !== COMMA && code !== 0x3e && code !== DOT) break;
    if (breaks > 2) return -1;
    // A full stop and a space end a sentence.
    if (code === DOT && at - from > 0) return -1;
    if (code === DOT && text.charCodeAt(at + 1) === SPACE && !isDigit(text.charCodeAt(at - 1))) return -1;
  }
  return at > from && at - from < GAP_MAX ? at : -1;
}

function isName(code: number): boolean {
  return isAlnum(code) || isLetter(code) || code === 0x2d;
}

function nameEnd(text: string, start: number): number {
  let end = start;
  while (end - start < WORD_MAX && isName(text.charCodeAt(end))) end++;
  return end;
}
