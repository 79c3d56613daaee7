// Numbers that only the words around tell: bank accounts, passports, driving licences, medical records.

import { isAba } from "./checksums.ts";
import { SUBJECT } from "./context.ts";
import { endsWord, goesOn, isAlnum, isDigit } from "./letters.ts";
import { isOneDigit } from "./national_checks.ts";
import type { NumberRule } from "./numbers.ts";
import type { Recogniser, Scan } from "./scan.ts";

/** Shapes that nothing is said about without context. */
function contextShapes(...shapes: readonly string[]): Record<string, number> {
  return Object.fromEntries(shapes.map((shape) => [shape, 0]));
}

const isVaried = (digits: string) => !isOneDigit(digits);

/** Rules for the numbers of digits alone. */
export const ACCOUNT_RULES: readonly NumberRule[] = [
  {
    entity: "BANK_ACCOUNT",
    shapes: contextShapes(
      ...["6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "20"],
      ...[
        "4 4",
        "4 4 2",
        "4 4 4",
        "4-4-4",
        "4 4 2 10",
        "3-6",
        "3 3 3",
        "4 4 4 4",
        "4 4 4 4 4",
        "3-6-1",
        "5-1",
        "6-1",
        "5-2",
        "2 8",
      ],
    ),
    subjects: SUBJECT.account,
    near: 0.7,
    by_nearest: true,
    check: isVaried,
  },
  {
    entity: "BANK_ACCOUNT",
    shapes: contextShapes("2-2-2", "2 2 2", "6", "8", "3 3 2"),
    subjects: SUBJECT.routing,
    near: 0.75,
    by_nearest: true,
  },
  {
    entity: "BANK_ACCOUNT",
    shapes: contextShapes("9"),
    subjects: SUBJECT.routing,
    near: 0.9,
    check: isAba,
  },
  {
    entity: "PASSPORT",
    shapes: contextShapes("7", "8", "9", "10", "2 7"),
    subjects: SUBJECT.passport,
    near: 0.85,
    by_nearest: true,
    check: isVaried,
  },
  {
    entity: "DRIVING_LICENCE",
    shapes: contextShapes(
      "5",
      "6",
      "7",
      "8",
      "9",
      "10",
      "11",
      "12",
      "4-2-4",
      "3-3-3",
      "3 3 3",
      "3-2-4",
      "4-3-4",
      "2-3-4",
      "3-3-4",
    ),
    subjects: SUBJECT.licence,
    near: 0.9,
    by_nearest: true,
    check: isVaried,
  },
  {
    entity: "MEDICAL_RECORD",
    shapes: contextShapes(
      "5",
      "6",
      "7",
      "8",
      "9",
      "10",
      "11",
      "12",
      "3-3-3",
      "2-2-2",
      "3-2-4",
      "3-3",
      "3-4",
      "4-4",
    ),
    subjects: SUBJECT.medical,
    near: 0.85,
    by_nearest: true,
    check: isVaried,
  },
];

/** Numbers with letters by their context: how long they are, and how many digits they have at least. */
const CODES = [
  { entity: "PASSPORT", subject: SUBJECT.passport, min: 7, max: 10, digits: 3, score: 0.9 },
  { entity: "DRIVING_LICENCE", subject: SUBJECT.licence, min: 5, max: 20, digits: 4, score: 0.9 },
  { entity: "MEDICAL_RECORD", subject: SUBJECT.medical, min: 5, max: 16, digits: 4, score: 0.85 },
  { entity: "BANK_ACCOUNT", subject: SUBJECT.account, min: 8, max: 24, digits: 6, score: 0.6 },
] as const;

/** Codes with fewer digits are words. */
const DIGITS_MIN = 3;
const CODE_MAX = 20;

/** Finds numbers with letters in them by the words around. */
export const CONTEXT_CODES: Recogniser = {
  entities: CODES.map((code) => code.entity),
  code(scan, start, end) {
    const { text } = scan;
    if (end - start > CODE_MAX || hasLower(text, start, end) || goesOn(text, start)) return;
    const [from, to] = widen(text, start, end);
    if (!endsWord(text, to) || hasLower(text, from, to)) return;
    const written = text.slice(from, to);
    addLicence(scan, written, from, to);
    const digits = countDigits(written);
    if (digits < DIGITS_MIN) return;
    const { nearest } = scan.context(from, to);
    for (const { entity, subject, min, max, digits: least, score } of CODES) {
      if ((nearest & subject) === 0 || written.length < min || written.length > max || digits < least)
        continue;
      scan.add(entity, from, to, score);
    }
  },
  numbers(scan, numbers) {
    // "MRN-1234567" and "D123-4567-8901": a letter that stands before belongs to the number.
    const { text } = scan;
    const start = numbers.starts[0]!;
    if (text.charCodeAt(start - 1) !== 0x2d || numbers.length(0) < 5) return;
    const [from, to] = widen(text, start, numbers.ends[0]!);
    const written = text.slice(from, to);
    if (from === start || to - from > CODE_MAX || !endsWord(text, to) || hasLower(text, from, to)) return;
    if ((scan.context(from, to).all & SUBJECT.medical) !== 0 || written.startsWith("MRN")) {
      scan.add("MEDICAL_RECORD", from, to, 0.85);
    }
  },
};

function hasLower(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) >= 0x61) return true;
  return false;
}

function countDigits(text: string): number {
  let digits = 0;
  for (let at = 0; at < text.length; at++) if (isDigit(text.charCodeAt(at))) digits++;
  return digits;
}

/** The British licence tells the name and the day of birth: MORGA657054SM9IJ. */
function addLicence(scan: Scan, written: string, start: number, end: number): void {
  if (written.length !== 16 || !/^[A-Z9]{5}\d[0156]\d[0-3]\d{2}[A-Z9]{2}[A-Z0-9]{3}$/.test(written)) return;
  if (!/^[A-Z]{2}/.test(written)) return;
  scan.add("DRIVING_LICENCE", start, end, 0.8);
}

const DASH = 0x2d;
const WIDEN_MAX = 16;

/** Takes in what is joined to a word by dashes. */
function widen(text: string, start: number, end: number): [number, number] {
  let from = start;
  let to = end;
  while (start - from < WIDEN_MAX && isJoined(text, from - 1)) from--;
  while (to - end < WIDEN_MAX && isJoined(text, to)) to++;
  if (text.charCodeAt(from) === DASH) from++;
  if (text.charCodeAt(to - 1) === DASH) to--;
  return [from, to];
}

function isJoined(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (
    isAlnum(code) || (code === DASH && (isAlnum(text.charCodeAt(at - 1)) || isDigit(text.charCodeAt(at + 1))))
  );
}
