// Dates of birth: dates of any form, where the words around speak of a birth. Other dates are nobody's.

import { SUBJECT } from "./context.ts";
import { endsWord, goesOn, isDigit, isLetter } from "./letters.ts";
import type { NumberRule, Numbers } from "./numbers.ts";
import type { Recogniser, Scan } from "./scan.ts";

function shapes(): Record<string, number> {
  const written: Record<string, number> = {};
  for (const separator of ["/", ".", "-", " "]) {
    for (const day of [1, 2]) {
      for (const month of [1, 2]) {
        written[[day, month, 4].join(separator)] = 0;
        if (separator !== " ") written[[day, month, 2].join(separator)] = 0;
        written[[4, day, month].join(separator)] = 0;
      }
    }
  }
  written["8"] = 0;
  return written;
}

function isYear(year: number): boolean {
  return year >= 1900 && year <= 2099;
}

function isDayAndMonth(one: number, other: number): boolean {
  return one > 0 && other > 0 && Math.min(one, other) <= 12 && Math.max(one, other) <= 31;
}

/** Whether digits in groups are a date, in any order of day and month. */
function isDate(digits: string, written: string): boolean {
  const parts =
    written.length === 8 && digits.length === 8 ? compactParts(digits) : written.split(/[^0-9]/).map(Number);
  const [one = 0, other = 0, third = 0] = parts;
  if (isYear(one)) return isDayAndMonth(other, third);
  return (isYear(third) || third < 100) && isDayAndMonth(one, other);
}

function compactParts(digits: string): number[] {
  const is_year_first = isYear(Number(digits.slice(0, 4)));
  return (is_year_first ? [0, 4, 6, 8] : [0, 2, 4, 8]).flatMap((from, at, cuts) =>
    at < 3 ? [Number(digits.slice(from, cuts[at + 1]))] : [],
  );
}

/** The rule for dates of birth in digits. */
export const DATE_OF_BIRTH_RULES: readonly NumberRule[] = [
  {
    entity: "DATE_OF_BIRTH",
    shapes: shapes(),
    subjects: SUBJECT.birth,
    near: 0.9,
    check: isDate,
  },
];

/** Names of months, in lower case. */
export const MONTHS: ReadonlySet<string> = new Set(
  (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec " +
    "januar februar märz mai juni juli oktober dezember jänner janvier février mars avril juin juillet août septembre octobre novembre " +
    "décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre gennaio febbraio aprile maggio " +
    "giugno luglio settembre ottobre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro"
  ).split(" "),
);
const ORDINALS = /^(?:st|nd|rd|th|er|º|ª|\.)/;
/** What may stand between the parts of a written date. */
const LINKS = /^(?:[ ,.]|of |de |del |-){0,3}/;
const PART_MAX_CHARS = 12;
/** From a day to its year: " de septiembre de ". */
const YEAR_MAX_CHARS = 24;

/** Finds dates of birth with the name of the month: "5 March 1980", "March 5, 1980", "5. März 1980", "5 de marzo de 1980". */
export const WRITTEN_DATE_OF_BIRTH: Recogniser = {
  entities: ["DATE_OF_BIRTH"],
  takes_short: true,
  numbers: (scan, numbers) => addWritten(scan, numbers),
  // "5th", "1er"
  code(scan, start, end) {
    const { text } = scan;
    if (end - start > 4 || !/^[0-3]?[0-9](?:st|nd|rd|th|er)$/i.test(text.slice(start, end))) return;
    addDate(scan, start, end);
  },
};

function addWritten(scan: Scan, numbers: Numbers): void {
  // The day is the last group before its month, or the first behind it.
  addDay(scan, numbers, 0);
  if (numbers.count > 1) addDay(scan, numbers, numbers.count - 1);
}

function addDay(scan: Scan, numbers: Numbers, group: number): void {
  if (numbers.length(group) <= 2) addDate(scan, numbers.starts[group]!, numbers.ends[group]!);
}

/** Adds the date that a day stands in, if a month stands beside it and a year follows. */
function addDate(scan: Scan, day_start: number, day_end: number): void {
  const { text } = scan;
  if (goesOn(text, day_start) || !isYearNear(text, day_end)) return;
  const ordinal = ORDINALS.exec(text.slice(day_end, day_end + 2));
  const number_end = day_end + (ordinal?.[0].length ?? 0);
  const after = skipLinks(text, number_end);
  const month_end = wordEnd(text, after);
  if (month_end > after && MONTHS.has(text.slice(after, month_end).toLowerCase())) {
    addWithYear(scan, day_start, month_end);
    return;
  }
  let before_end = day_start;
  while (day_start - before_end < 2 && /[ .]/.test(text[before_end - 1] ?? "")) before_end--;
  let before = before_end;
  while (before_end - before < PART_MAX_CHARS && isLetter(text.charCodeAt(before - 1))) before--;
  if (before < before_end && MONTHS.has(text.slice(before, before_end).toLowerCase())) {
    addWithYear(scan, before, number_end);
  }
}

/** Whether the next digit could be a year's first: most days are told from other numbers by this alone. */
function isYearNear(text: string, end: number): boolean {
  const most = Math.min(text.length, end + YEAR_MAX_CHARS);
  for (let at = end; at < most; at++) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) return (code === 0x31 || code === 0x32) && isDigit(text.charCodeAt(at + 3));
  }
  return false;
}

function addWithYear(scan: Scan, start: number, end: number): void {
  const { text } = scan;
  const year_start = skipLinks(text, end);
  const year_end = year_start + 4;
  const year = text.slice(year_start, year_end);
  if (!/^(?:19|20)[0-9]{2}$/.test(year) || !endsWord(text, year_end)) return;
  if (scan.isNear(SUBJECT.birth, start, year_end)) scan.add("DATE_OF_BIRTH", start, year_end, 0.9);
}

function skipLinks(text: string, at: number): number {
  return at + (LINKS.exec(text.slice(at, at + 16))?.[0].length ?? 0);
}

function wordEnd(text: string, start: number): number {
  let end = start;
  while (end - start < PART_MAX_CHARS && isLetter(text.charCodeAt(end))) end++;
  return end;
}
