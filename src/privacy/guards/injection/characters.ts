// What a character is to the injection score: part of a word, a sign, a gap, a word by itself, or nothing.

/** Left out, so that a word with invisible characters in it is that word. */
export const NOTHING = 0;
/** White space. */
export const GAP = 1;
/** A new line: a gap that a role's name may stand after. */
export const LINE = 2;
/** A letter. */
export const LETTER = 3;
/** A digit; all digits are alike. */
export const DIGIT = 4;
/** Punctuation and other signs. */
export const SIGN = 5;
/** A letter of a writing that has no gaps between words: each is taken for a word. */
export const IDEOGRAPH = 6;

const KINDS = kindsOfAllCodes();

/** The kind of a UTF-16 code. */
export function kindOf(code: number): number {
  return KINDS[code]!;
}

function kindsOfAllCodes(): Uint8Array {
  const kinds = new Uint8Array(0x10000).fill(LETTER);
  const mark = (first: number, last: number, kind: number) => kinds.fill(kind, first, last + 1);
  mark(0x00, 0x1f, NOTHING);
  mark(0x20, 0x7f, SIGN);
  mark(0x30, 0x39, DIGIT);
  mark(0x41, 0x5a, LETTER);
  mark(0x61, 0x7a, LETTER);
  mark(0x5f, 0x5f, LETTER);
  mark(0x80, 0xbf, SIGN);
  mark(0x2000, 0x2bff, SIGN);
  mark(0x3000, 0x303f, SIGN);
  mark(0xff00, 0xff0f, SIGN);
  mark(0x3040, 0x30ff, IDEOGRAPH);
  mark(0x3400, 0x9fff, IDEOGRAPH);
  mark(0x20, 0x20, GAP);
  mark(0x09, 0x09, GAP);
  mark(0x0a, 0x0d, LINE);
  mark(0xa0, 0xa0, GAP);
  mark(0x2000, 0x200a, GAP);
  mark(0x3000, 0x3000, GAP);
  mark(0x2028, 0x2029, LINE);
  // Soft hyphen, zero-width characters, marks of direction, invisible operators, variation selectors, byte order mark.
  mark(0xad, 0xad, NOTHING);
  mark(0x200b, 0x200f, NOTHING);
  mark(0x202a, 0x202e, NOTHING);
  mark(0x2060, 0x206f, NOTHING);
  mark(0xfe00, 0xfe0f, NOTHING);
  mark(0xfeff, 0xfeff, NOTHING);
  // High halves of the plane of tags: the low halves say what they stand for.
  mark(0xdb40, 0xdb40, NOTHING);
  return kinds;
}
