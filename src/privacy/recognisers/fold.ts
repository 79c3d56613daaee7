// Reads digits, letters and signs of other shapes as their ASCII ones: full-width and other scripts' digits, typographic dashes
// and spaces. One UTF-16 unit becomes one unit, so that a place in the folded text is the same place in the text.

import { isAlnum, isDigit } from "./letters.ts";

const SPACE = 0x20;
const DASH = 0x2d;

/** What each UTF-16 unit is read as; 0 for itself. */
export const FOLDS = new Uint16Array(0x10000);

/** The zero of each script whose digits people and phones write numbers with. */
const ZEROS = [
  0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0e50,
  0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810,
];
const DASHES = [0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xfe58, 0xfe63];
const SPACES = [0x00a0, 0x202f, 0x205f, 0x3000];
/** Marks without a width. They are read as spaces: iOS puts some around each phone number that is copied. */
const HIDDEN = [0x00ad, 0xfeff];
const SPACE_RANGES = [
  [0x2000, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
] as const;

for (const zero of ZEROS) for (let digit = 0; digit < 10; digit++) FOLDS[zero + digit] = 0x30 + digit;
for (let code = 0xff01; code <= 0xff5e; code++) FOLDS[code] = code - 0xfee0;
for (const code of DASHES) FOLDS[code] = 0x2d;
for (const code of [...SPACES, ...HIDDEN]) FOLDS[code] = 0x20;
for (const [from, to] of SPACE_RANGES) FOLDS.fill(0x20, from, to + 1);

/**
 * Whether it matters how the unit at a place is read: a digit or letter always does, a dash or space only beside a digit, and
 * most of those that texts are full of stand between words.
 */
export function isToBeFolded(text: string, at: number): boolean {
  const folded = FOLDS[text.charCodeAt(at)]!;
  return (
    isAlnum(folded) || isDigit(text.charCodeAt(at - 1)) || isDigit(text.charCodeAt(at + 1)) || isSign(folded)
  );
}

/** Full-width signs are few, and hold addresses and keys together. */
function isSign(folded: number): boolean {
  return folded !== SPACE && folded !== DASH;
}

/** The text with every unit as it is read; of the same length. */
export function fold(text: string): string {
  const units = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    units[at] = FOLDS[code] || code;
  }
  return Buffer.from(units.buffer).toString("utf16le");
}
