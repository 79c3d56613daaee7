// Phone numbers. International ones are validated by Google's tables (libphonenumber); national ones too, where their grouping tells
// the country. What the words around call a phone number is taken as it is written: local numbers have no form of their own.

import { type Context, SUBJECT } from "./context.ts";
import { goesOn, isAlnum, isWord } from "./letters.ts";
import { isOneDigit } from "./national_checks.ts";
import type { Numbers } from "./numbers.ts";
import type { Recogniser, Scan } from "./scan.ts";

type Library = typeof import("libphonenumber-js/core");
type Country = import("libphonenumber-js/core").CountryCode;

/** ITU-T E.164: no number is longer. Shorter ones than this are not personal: emergency calls, short codes. */
const DIGITS_MAX = 15;
const DIGITS_MIN = 7;
/** In Greenland and on some islands they have six digits: "84 23 30", if it is called a phone number. */
const DIGITS_MIN_NAMED = 6;

/**
 * Validations of one text: each takes about 10 µs. Behind these, a text is a list of numbers, and what has the form of
 * a phone number is taken for one.
 */
const VALIDATIONS_MAX = 256;

/** Where numbers that are grouped so come from; digits that the first group must begin with. */
const NATIONAL_SHAPES = new Map<string, readonly [begin: string, country: Country, score: number]>([
  ["3-3-4", ["", "US", 0.75]],
  ["3.3.4", ["", "US", 0.7]],
  ["3 3-4", ["", "US", 0.7]],
  ["3 3 4", ["", "US", 0.55]],
  ["(3) 3-4", ["", "US", 0.85]],
  ["(3)3-4", ["", "US", 0.85]],
  ["(3) 3 4", ["", "US", 0.8]],
  ["1-3-3-4", ["1", "US", 0.85]],
  ["1 3-3-4", ["1", "US", 0.8]],
  ["1 (3) 3-4", ["1", "US", 0.9]],
  ["2 2 2 2 2", ["0", "FR", 0.85]],
  ["2.2.2.2.2", ["0", "FR", 0.85]],
  ["2-2-2-2-2", ["0", "FR", 0.8]],
  ["5 6", ["0", "GB", 0.75]],
  ["5 3 3", ["0", "GB", 0.75]],
  ["3 4 4", ["0", "GB", 0.75]],
  ["4 3 4", ["0", "GB", 0.75]],
  ["(3) 4 4", ["0", "GB", 0.85]],
  ["4 7", ["0", "DE", 0.6]],
  ["4-7", ["0", "DE", 0.6]],
  ["4/7", ["0", "DE", 0.75]],
  ["4 8", ["0", "DE", 0.6]],
  ["4/8", ["0", "DE", 0.75]],
  ["3 8", ["0", "DE", 0.6]],
  ["3/8", ["0", "DE", 0.75]],
  ["3 7", ["0", "DE", 0.55]],
  ["3/7", ["0", "DE", 0.7]],
  ["5/6", ["0", "DE", 0.7]],
  ["4 3 2 2", ["0", "TR", 0.6]],
  ["3 3 2 2", ["0", "CH", 0.75]],
  ["4 2 2 2", ["0", "BE", 0.7]],
  ["4 3 3", ["0", "AU", 0.65]],
  ["(2) 4 4", ["0", "AU", 0.75]],
  ["(2) 5-4", ["", "BR", 0.85]],
  ["(2) 4-4", ["", "BR", 0.8]],
  ["2 5-4", ["", "BR", 0.7]],
  ["3-4-4", ["0", "JP", 0.75]],
  ["2-4-4", ["0", "JP", 0.7]],
]);

const NO_COUNTRY = /^\(?\+\(?0/;

/** What may stand behind a number: an extension. */
const EXTENSION = /^ ?(?:x|ext\.?|extension|durchwahl|poste|int\.?) ?[0-9]{1,6}/i;
const EXTENSION_MAX_CHARS = 20;

const PLUS = 0x2b;
const OPENING = 0x28;
const SPACE = 0x20;

/** Makes what finds phone numbers. The library and its tables (80 KB) are loaded here. */
export function phoneRecogniser(): Recogniser {
  const library: Library = require("libphonenumber-js/core");
  const metadata: import("libphonenumber-js/core").MetadataJson = require("libphonenumber-js/min/metadata");

  const validity = (scan: Scan, written: string, country?: Country): "valid" | "possible" | "wrong" => {
    scan.validations++;
    if (scan.validations > VALIDATIONS_MAX) return "possible";
    // No country's code begins with a zero, as counters do that are filled up with them. The library takes 50 µs to find that out.
    if (NO_COUNTRY.test(written)) return "wrong";
    const number =
      country === undefined
        ? library.default(written, metadata)
        : library.default(written, country, metadata);
    if (number === undefined) return "wrong";
    return number.isValid() ? "valid" : number.isPossible() ? "possible" : "wrong";
  };

  const internationalSureness = (scan: Scan, { start, end }: Candidate, is_named: boolean): number => {
    // "+49 (0)151": the zero is dialled within the country only.
    const written = scan.text
      .slice(start, end)
      .replace("(0)", "")
      .replace(/^\(?00/, "+");
    const has_plus = scan.text[start] === "+";
    const verdict = validity(scan, written);
    if (verdict === "valid") return has_plus || is_named ? 0.97 : 0.8;
    return is_named ? 0.85 : verdict === "possible" && has_plus ? 0.7 : 0.2;
  };

  /** How sure it is where the words around do not call it a phone number, or not from near. */
  const nationalSureness = (scan: Scan, { digits, shape }: Candidate, context: Context): number => {
    const is_spoken_of = (context.all & (SUBJECT.phone | SUBJECT.call)) !== 0;
    const national = NATIONAL_SHAPES.get(shape);
    if (national === undefined) return (context.all & SUBJECT.phone) !== 0 && isGrouped(shape) ? 0.5 : 0;
    const [begin, country, score] = national;
    if (!digits.startsWith(begin) || validity(scan, digits, country) !== "valid")
      return is_spoken_of ? 0.5 : 0;
    return is_spoken_of ? 0.9 : context.is_otherwise ? score / 2 : score;
  };

  /** How sure it is that groups are a phone number. */
  const sureness = (scan: Scan, candidate: Candidate): number => {
    const { start, end, digits, shape } = candidate;
    const context = scan.context(start, end);
    const is_called = (context.nearest & SUBJECT.call) !== 0 && isDialled(shape, digits);
    const is_named = (context.nearest & SUBJECT.phone) !== 0 || is_called;
    if (candidate.is_international) return internationalSureness(scan, candidate, is_named);
    if (digits.length < DIGITS_MIN)
      return (context.nearest & SUBJECT.phone) !== 0 && isGrouped(shape) ? 0.6 : 0;
    return is_named ? 0.85 : nationalSureness(scan, candidate, context);
  };

  return {
    entities: ["PHONE"],
    numbers(scan, numbers) {
      if (numbers.count === 1 && numbers.length(0) < DIGITS_MIN_NAMED) return;
      let group = 0;
      while (group < numbers.count) {
        const candidate = candidateAt(scan.text, numbers, group);
        if (candidate === null) {
          group++;
          continue;
        }
        const score = sureness(scan, candidate);
        scan.add("PHONE", candidate.start, candidate.end, score);
        group = score >= 0.5 ? candidate.last + 1 : group + 1;
      }
    },
  };
}

function isGrouped(shape: string): boolean {
  return shape.length > 2;
}

/** "Call 42" and `"text": "1234567"` are no numbers to call: in one group, it takes as many digits as with an area. */
function isDialled(shape: string, digits: string): boolean {
  return (
    isGrouped(shape) ||
    (shape === "10" && !digits.startsWith("1")) ||
    (shape === "11" && digits.startsWith("0"))
  );
}

/** Groups that may be one phone number. */
interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly last: number;
  readonly digits: string;
  readonly shape: string;
  readonly is_international: boolean;
}

/** The groups from `first` on that may be one number; null where none can begin or end. */
function candidateAt(text: string, numbers: Numbers, first: number): Candidate | null {
  const begin = numbers.starts[first]!;
  const before = text.charCodeAt(begin - 1);
  let start = begin;
  if (before === OPENING || before === PLUS) start--;
  if (before === OPENING && text.charCodeAt(begin - 2) === PLUS) start--;
  const is_opened = start < begin;
  if (!is_opened && !numbers.begins(first)) return null;
  if (is_opened && goesOn(text, start)) return null;
  const has_plus = text.charCodeAt(start) === PLUS;
  const last = lastGroup(text, numbers, first, has_plus);
  const digits = numbers.digits(first, last);
  if (digits.length < DIGITS_MIN_NAMED || digits.length > DIGITS_MAX || isOneDigit(digits)) return null;
  // "(" belongs to the number if its ")" does.
  const group_end = numbers.ends[last]!;
  const inside = text.slice(begin, group_end);
  if (before === OPENING && !inside.includes(")")) start = begin;
  else if (inside.lastIndexOf("(") > inside.lastIndexOf(")")) return null;
  const end = numberEnd(text, group_end);
  if (end === 0) return null;
  const shape = shapeOf(text, numbers, first, last, start < begin);
  if (!has_plus && isOtherwise(shape)) return null;
  const is_international = has_plus || (digits.startsWith("00") && digits.length > 10);
  return { start, end, last, digits, shape, is_international };
}

/** The last group that goes with the first. After dashes or dots a space ends a number that is long enough. */
function lastGroup(text: string, numbers: Numbers, first: number, has_plus: boolean): number {
  let last = first;
  let digits = numbers.length(first);
  let is_dashed = false;
  while (last + 1 < numbers.count) {
    const gap = text.slice(numbers.ends[last], numbers.starts[last + 1]);
    // Groups of one digit are a table's, but for "+33 1 …" and "+49 (0)30 …".
    const is_area = has_plus && last === first;
    if (numbers.length(last + 1) === 1 && !is_area && !/[()]/.test(gap)) break;
    if (gap.includes("+") || digits + numbers.length(last + 1) > DIGITS_MAX) break;
    if (is_dashed && digits >= DIGITS_MIN && gap.charCodeAt(0) === SPACE) break;
    if (gap === "-" || gap === ".") is_dashed ||= !has_plus || digits > 3;
    digits += numbers.length(last + 1);
    last++;
  }
  return last;
}

/** Where a number ends, with its extension; 0 if a word goes on there. */
function numberEnd(text: string, end: number): number {
  const code = text.charCodeAt(end);
  if (!isWord(code) && code !== SPACE) return end;
  const extension = EXTENSION.exec(text.slice(end, end + EXTENSION_MAX_CHARS));
  if (extension !== null && !isAlnum(text.charCodeAt(end + extension[0].length)))
    return end + extension[0].length;
  return isWord(code) ? 0 : end;
}

/** The lengths of the groups and what stands between: "(3) 3-4". */
function shapeOf(text: string, numbers: Numbers, first: number, last: number, is_opened: boolean): string {
  let shape = is_opened ? "(" : "";
  for (let group = first; group <= last; group++) {
    shape += numbers.length(group);
    if (group < last) shape += text.slice(numbers.ends[group], numbers.starts[group + 1]);
  }
  return shape;
}

/** Dates, addresses of networks and decimal fractions are not phone numbers, whatever stands around. */
function isOtherwise(shape: string): boolean {
  return /^(?:[12]([/.-])[12]\1[24]|4([/.-])[12]\2[12]( .*)?|[123]\.[123]\.[123]\.[123]|\d+\.\d+)$/.test(
    shape,
  );
}
