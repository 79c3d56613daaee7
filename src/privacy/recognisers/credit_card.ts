// Numbers of payment cards: Luhn and the ranges of the brands; without a brand, only where the words around speak of a card.

import { isLuhn } from "./checksums.ts";
import { SUBJECT } from "./context.ts";
import type { NumberRule } from "./numbers.ts";

/** First digits, from and to, and the lengths of numbers, by ISO/IEC 7812 as the brands publish them. */
const BRANDS: readonly (readonly [from: string, to: string, lengths: string])[] = [
  ["4", "4", "13 16 19"],
  ["51", "55", "16"],
  ["2221", "2720", "16"],
  ["34", "34", "15"],
  ["37", "37", "15"],
  ["6011", "6011", "16 19"],
  ["644", "659", "16 19"],
  ["3528", "3589", "16 19"],
  ["300", "305", "14"],
  ["36", "36", "14"],
  ["38", "39", "14"],
  ["62", "62", "16 17 18 19"],
  ["81", "82", "16"],
  ["60", "60", "16"],
  ["508", "508", "16"],
  ["2200", "2204", "16"],
  ["9792", "9792", "16"],
  ["5018", "5020", "13 14 15 16 17 18 19"],
  ["5038", "5038", "13 14 15 16 17 18 19"],
  ["6304", "6304", "13 14 15 16 17 18 19"],
  ["6759", "6763", "13 14 15 16 17 18 19"],
];

/** For the first four digits, the lengths of the brands that own them: a bit for each. */
const LENGTHS_OF = new Uint32Array(10_000);
for (const [from, to, lengths] of BRANDS) {
  const bits = lengths.split(" ").reduce((sum, length) => sum | (1 << Number(length)), 0);
  const first = Number(from.padEnd(4, "0"));
  const last = Number(to.padEnd(4, "9"));
  for (let prefix = first; prefix <= last; prefix++) LENGTHS_OF[prefix]! |= bits;
}

function hasBrand(digits: string): boolean {
  return ((LENGTHS_OF[Number(digits.slice(0, 4))]! >> digits.length) & 1) === 1;
}

/** Whether there are more than two different digits: 0000 0000 0000 0000 has a right check digit as well. */
function isVaried(digits: string): boolean {
  let seen = 0;
  for (let at = 0; at < digits.length; at++) seen |= 1 << (digits.charCodeAt(at) - 0x30);
  const without_one = seen & (seen - 1);
  return (without_one & (without_one - 1)) !== 0;
}

const GROUPED = [
  "4 4 4 4",
  "4-4-4-4",
  "4.4.4.4",
  "4 6 5",
  "4-6-5",
  "4 6 4",
  "4-6-4",
  "4 4 4 4 3",
  "4-4-4-4-3",
];

/** Cards of a known brand. Of 13 digits there are many numbers of other kinds, so those need context. */
const BRANDED: NumberRule = {
  entity: "CREDIT_CARD",
  shapes: {
    ...Object.fromEntries(["14", "15", "16", "17", "18", "19"].map((shape) => [shape, 0.75])),
    ...Object.fromEntries(GROUPED.map((shape) => [shape, 0.92])),
    "13": 0.3,
  },
  subjects: SUBJECT.card,
  near: 0.99,
  check: (digits) => isLuhn(digits) && hasBrand(digits) && isVaried(digits),
};

/** Cards of other brands, and of those that have gone: JCB and Maestro had shorter numbers. */
const UNBRANDED: NumberRule = {
  entity: "CREDIT_CARD",
  shapes: Object.fromEntries(
    ["12", "13", "14", "15", "16", "17", "18", "19", ...GROUPED].map((shape) => [shape, 0.1]),
  ),
  subjects: SUBJECT.card,
  near: 0.9,
  check: (digits) => isLuhn(digits) && isVaried(digits),
};

/** Rules for CREDIT_CARD. */
export const CREDIT_CARD_RULES: readonly NumberRule[] = [BRANDED, UNBRANDED];
