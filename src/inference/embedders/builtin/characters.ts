// What BERT's uncased tokenizer makes of characters before it looks at words: control characters and accents go, letters become
// small, punctuation and ideographs stand alone.

/** What a character is to the tokenizer. */
export interface Character {
  /** Neither part of a word nor a word. Those that count for nothing, such as marks that combine with a letter, do not end one. */
  readonly is_space: boolean;
  /** A word of its own: punctuation and ideographs. */
  readonly is_word: boolean;
  /** What it adds to its word, in code units: small letters without accents; nothing where it counts for nothing. */
  readonly units: readonly number[];
}

const SPACE_PATTERN = /^[\t\n\r\p{Zs}\p{Zl}\p{Zp}]$/u;
const CONTROL_PATTERN = /^[\p{Cc}\p{Cf}\p{Co}\p{Cs}\uFFFD]$/u;
const ACCENT_PATTERN = /^\p{Mn}$/u;
/** All ASCII characters that are neither letters nor digits count as punctuation, such as `$` and `+`. */
const PUNCTUATION_PATTERN = /^[!-/:-@[-`{-~\p{P}]$/u;

/** Ranges of ideographs that stand alone. Kana and Hangul make up words as alphabets do. */
const IDEOGRAPHS: readonly (readonly [number, number])[] = [
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xf900, 0xfaff],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0x2f800, 0x2fa1f],
];

/** Characters of one code unit, worked out when they first come up. */
const known: (Character | undefined)[] = new Array(0x10000);

/** What the character of a code point is. */
export function characterOf(code_point: number): Character {
  if (code_point > 0xffff) return workOut(code_point);
  const seen = known[code_point];
  if (seen !== undefined) return seen;
  const character = workOut(code_point);
  known[code_point] = character;
  return character;
}

/**
 * Each character is taken apart by itself. The tokenizer's definition takes the whole text apart, but all that this changes is
 * the order of accents, which are dropped, and their order takes quadratic time.
 */
function workOut(code_point: number): Character {
  const text = String.fromCodePoint(code_point);
  if (SPACE_PATTERN.test(text)) return { is_space: true, is_word: false, units: [] };
  if (CONTROL_PATTERN.test(text)) return { is_space: false, is_word: false, units: [] };
  const parts = [...text.normalize("NFD")].filter((part) => !ACCENT_PATTERN.test(part));
  const small = parts.map((part) => part.toLowerCase()).join("");
  return {
    is_space: false,
    is_word: parts.some(standsAlone),
    units: Array.from({ length: small.length }, (_, at) => small.charCodeAt(at)),
  };
}

function standsAlone(part: string): boolean {
  if (PUNCTUATION_PATTERN.test(part)) return true;
  const code_point = part.codePointAt(0)!;
  return IDEOGRAPHS.some(([first, last]) => code_point >= first && code_point <= last);
}
