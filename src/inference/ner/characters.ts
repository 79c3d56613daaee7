// What characters are to the name finder, and what letters are like without case and accents.

/** Space between words, and control characters. */
export const SPACE = 1;
/** Capitals. */
export const UPPER = 2;
/** Small letters. */
export const LOWER = 3;
/** Letters without case, such as ideographs and kana. */
export const UNCASED = 4;
/** Digits of any script. */
export const DIGIT = 5;
/** Counts for nothing: marks that combine with a letter, joiners, variation selectors. */
export const MARK = 6;
/** All that is a token by itself. */
export const SYMBOL = 7;
/** Ends of lines. */
export const LINE_END = 8;

const LINE_END_PATTERN = /^[\n\r\u2028\u2029]$/;
const SPACE_PATTERN = /^[\s\p{Zs}\p{Cc}]$/u;
const UPPER_PATTERN = /^[\p{Lu}\p{Lt}]$/u;
const LOWER_PATTERN = /^\p{Ll}$/u;
const LETTER_PATTERN = /^\p{L}$/u;
const DIGIT_PATTERN = /^\p{N}$/u;
const MARK_PATTERN = /^[\p{M}\p{Cf}]$/u;

/** Characters of one code unit, worked out when they first come up; 0 before. */
const kinds = new Uint8Array(0x10000);
const folds = new Uint16Array(0x10000);

/** The kind of a code point. */
export function kindOf(code_point: number): number {
  if (code_point > 0xffff) return workOutKind(String.fromCodePoint(code_point));
  const kind = kinds[code_point]!;
  return kind === 0 ? workOut(code_point) : kind;
}

/** A code unit as it counts in a word: a small letter without accents. Only for units whose kind was asked for. */
export function foldOf(unit: number): number {
  return folds[unit]!;
}

/** A text as its words are hashed. */
export function fold(text: string): string {
  let folded = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (kindOf(unit) !== MARK) folded += String.fromCharCode(foldOf(unit));
  }
  return folded;
}

function workOut(unit: number): number {
  const text = String.fromCharCode(unit);
  const kind = workOutKind(text);
  kinds[unit] = kind;
  const small = text.normalize("NFD").charAt(0).toLowerCase();
  folds[unit] = small.length === 1 ? small.charCodeAt(0) : unit;
  return kind;
}

function workOutKind(text: string): number {
  if (LINE_END_PATTERN.test(text)) return LINE_END;
  if (SPACE_PATTERN.test(text)) return SPACE;
  if (UPPER_PATTERN.test(text)) return UPPER;
  if (LOWER_PATTERN.test(text)) return LOWER;
  if (LETTER_PATTERN.test(text)) return UNCASED;
  if (DIGIT_PATTERN.test(text)) return DIGIT;
  if (MARK_PATTERN.test(text)) return MARK;
  return SYMBOL;
}
