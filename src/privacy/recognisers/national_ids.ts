// National numbers of people and companies. Those of digits alone are rules by shape; those with letters are looked at as words.

import { isMod11_10, isVerhoeff } from "./checksums.ts";
import { SUBJECT } from "./context.ts";
import { endsWord, goesOn, isAsciiLetter } from "./letters.ts";
import {
  isCnpj,
  isCodiceFiscale,
  isCpf,
  isDni,
  isItin,
  isNhs,
  isNino,
  isNir,
  isPan,
  isResidentId,
  isSin,
  isSsn,
  isSteuerIdForm,
} from "./national_checks.ts";
import type { NumberRule, Numbers } from "./numbers.ts";
import type { Recogniser, Scan } from "./scan.ts";

/** Rules for the national numbers that are digits alone. What a check digit finds by chance one time in ten needs context. */
export const NATIONAL_RULES: readonly NumberRule[] = [
  {
    entity: "US_SSN",
    shapes: { "3-2-4": 0.85, "3 2 4": 0.6, "3.2.4": 0.4, "9": 0.1 },
    subjects: SUBJECT.ssn,
    near: 0.97,
    is_doubtful: true,
    check: isSsn,
  },
  {
    entity: "US_ITIN",
    shapes: { "3-2-4": 0.8, "3 2 4": 0.6, "9": 0.1 },
    subjects: SUBJECT.tax | SUBJECT.ssn,
    near: 0.95,
    is_doubtful: true,
    check: isItin,
  },
  {
    entity: "UK_NHS",
    shapes: { "3 3 4": 0.4, "3-3-4": 0.3, "10": 0.2 },
    subjects: SUBJECT.health | SUBJECT.medical,
    near: 0.97,
    check: isNhs,
  },
  {
    entity: "CA_SIN",
    shapes: { "3 3 3": 0.4, "3-3-3": 0.4, "9": 0.1 },
    subjects: SUBJECT.sin,
    near: 0.97,
    check: isSin,
  },
  {
    entity: "DE_TAX_ID",
    shapes: { "11": 0.3, "2 3 3 3": 0.75 },
    subjects: SUBJECT.tax,
    near: 0.97,
    check: (digits) => isMod11_10(digits) && isSteuerIdForm(digits),
  },
  {
    entity: "FR_NIR",
    shapes: { "15": 0.85, "13 2": 0.9, "1 2 2 2 3 3 2": 0.98, "1-2-2-2-3-3-2": 0.98 },
    subjects: SUBJECT.nir,
    near: 0.99,
    check: isNir,
  },
  {
    entity: "IN_AADHAAR",
    shapes: { "4 4 4": 0.7, "4-4-4": 0.6, "12": 0.3 },
    subjects: SUBJECT.aadhaar,
    near: 0.97,
    check: (digits) => digits >= "2" && isVerhoeff(digits),
  },
  {
    entity: "BR_CPF",
    shapes: { "3.3.3-2": 0.97, "9-2": 0.7, "11": 0.4 },
    subjects: SUBJECT.brazil,
    near: 0.98,
    check: isCpf,
  },
  {
    entity: "BR_CNPJ",
    shapes: { "2.3.3/4-2": 0.98, "8/4-2": 0.9, "14": 0.45 },
    subjects: SUBJECT.brazil,
    near: 0.98,
    check: isCnpj,
  },
  {
    entity: "CN_RESIDENT_ID",
    shapes: { "18": 0.95, "6 8 4": 0.95 },
    subjects: SUBJECT.identity,
    near: 0.99,
    check: isResidentId,
  },
];

/** A word with letters that is a national number. */
interface CodeRule {
  readonly entity: string;
  readonly length: number;
  readonly check: (value: string) => boolean;
  readonly score: number;
  readonly subjects: number;
}

const CODE_RULES: readonly CodeRule[] = [
  {
    entity: "UK_NINO",
    length: 9,
    check: isNino,
    score: 0.85,
    subjects: SUBJECT.nino,
  },
  {
    entity: "ES_DNI",
    length: 9,
    check: (value) => /^\d{8}[A-Z]$/.test(value) && isDni(value),
    score: 0.8,
    subjects: SUBJECT.identity,
  },
  {
    entity: "ES_NIE",
    length: 9,
    check: (value) => /^[XYZ]\d{7}[A-Z]$/.test(value) && isDni(value),
    score: 0.9,
    subjects: SUBJECT.identity,
  },
  {
    entity: "IT_CODICE_FISCALE",
    length: 16,
    check: isCodiceFiscale,
    score: 0.97,
    subjects: SUBJECT.tax,
  },
  {
    entity: "IN_PAN",
    length: 10,
    check: isPan,
    score: 0.75,
    subjects: SUBJECT.pan | SUBJECT.tax,
  },
  {
    entity: "CN_RESIDENT_ID",
    length: 18,
    check: isResidentId,
    score: 0.97,
    subjects: SUBJECT.identity,
  },
  {
    entity: "FR_NIR",
    length: 15,
    check: isNir,
    score: 0.9,
    subjects: SUBJECT.nir,
  },
  {
    entity: "BR_CNPJ",
    length: 14,
    check: (value) => /^[A-Z0-9]{12}\d{2}$/.test(value) && isCnpj(value),
    score: 0.3,
    subjects: SUBJECT.brazil,
  },
];

/** Lower case is as good where the words around say what it is. */
const LOWER_CASE_LOSS = 0.35;

/** Finds the national numbers with letters in them. */
export const NATIONAL_CODES: Recogniser = {
  entities: [...new Set(CODE_RULES.map((rule) => rule.entity))],
  code(scan, start, end) {
    if (end - start < 9 || end - start > 18 || goesOn(scan.text, start) || !endsWord(scan.text, end)) return;
    tryCode(scan, scan.text.slice(start, end), start, end);
  },
  numbers(scan, numbers) {
    trySpacedNino(scan, numbers);
    tryDashedDni(scan, numbers);
    tryDashedNie(scan, numbers);
    tryCorsican(scan, numbers);
  },
};

function tryCode(scan: Scan, written: string, start: number, end: number): void {
  const value = written.toUpperCase();
  for (const rule of CODE_RULES) {
    if (rule.length !== value.length || !rule.check(value)) continue;
    const is_near = scan.isNear(rule.subjects, start, end);
    const loss = value === written ? 0 : LOWER_CASE_LOSS;
    scan.add(rule.entity, start, end, is_near ? 0.98 : rule.score - loss);
  }
}

const SPACE = 0x20;
const DASH = 0x2d;

function isJoint(code: number): boolean {
  return code === SPACE || code === DASH;
}

/** "AB 12 34 56 C", and "AB 123456 C". */
function trySpacedNino(scan: Scan, numbers: Numbers): void {
  const { text } = scan;
  const end = numbers.end;
  const start = numbers.starts[0]! - 3;
  if (start < 0 || !isJoint(text.charCodeAt(start + 2)) || end - start < 9 || end - start > 12) return;
  const last = isJoint(text.charCodeAt(end)) ? end + 2 : end + 1;
  if (!isAsciiLetter(text.charCodeAt(start)) || !isAsciiLetter(text.charCodeAt(start + 1))) return;
  if (!isAsciiLetter(text.charCodeAt(last - 1)) || goesOn(text, start) || !endsWord(text, last)) return;
  tryCode(scan, text.slice(start, last).replace(/[ -]/g, ""), start, last);
}

/** "12345678-Z" and "12345678 Z", and with dots between thousands. */
function tryDashedDni(scan: Scan, numbers: Numbers): void {
  const { text } = scan;
  const start = numbers.starts[0]!;
  const end = numbers.end;
  if (numbers.count > 3 || !numbers.begins(0) || !isJoint(text.charCodeAt(end))) return;
  if (!isAsciiLetter(text.charCodeAt(end + 1)) || !endsWord(text, end + 2)) return;
  const digits = numbers.digits(0, numbers.count - 1);
  if (digits.length === 8) tryCode(scan, digits + text[end + 1], start, end + 2);
}

/** "X-1234567-L". */
function tryDashedNie(scan: Scan, numbers: Numbers): void {
  const { text } = scan;
  const start = numbers.starts[0]! - 2;
  const end = numbers.ends[0]!;
  if (start < 0 || numbers.length(0) !== 7 || !isJoint(text.charCodeAt(start + 1)) || goesOn(text, start))
    return;
  const last = isJoint(text.charCodeAt(end)) ? end + 2 : end + 1;
  if (!isAsciiLetter(text.charCodeAt(last - 1)) || !endsWord(text, last)) return;
  tryCode(scan, text[start] + numbers.digits(0, 0) + text[last - 1], start, last);
}

/** The French number with spaces, of those who were born in Corsica: "1 84 05 2A 123 456 42". */
function tryCorsican(scan: Scan, numbers: Numbers): void {
  const { text } = scan;
  const start = numbers.starts[0]!;
  if (numbers.length(0) !== 1 || (text.charCodeAt(start + 9) | 0x20) > 0x62 || !numbers.begins(0)) return;
  const written = text.slice(start, start + 21);
  if (!/^\d \d\d \d\d 2[AB] \d{3} \d{3} \d\d$/i.test(written) || !endsWord(text, start + 21)) return;
  tryCode(scan, written.replace(/ /g, ""), start, start + 21);
}
