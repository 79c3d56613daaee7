// The words of a text, as models for names are given them: each keeps its place, because the models' own tokens have none.

/** A word: letters and digits in a row, one ideograph, or one sign. Offsets are those of JavaScript strings. */
export interface Word {
  readonly start: number;
  readonly end: number;
  /** Whether a blank, or nothing, stands before it. */
  readonly is_apart: boolean;
  /** Whether it is on another line than the word before. */
  readonly is_on_new_line: boolean;
  /** Whether it is a sign, of which no name is made alone. */
  readonly is_sign: boolean;
}

/** Words that are longer are cut: nobody is called so. */
const WORD_MAX_CHARS = 64;
/** One class of characters each, so that it never goes back. */
const WORD =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}])[\p{L}\p{M}\p{N}])+|[^\s]/gu;
const LINE_END = /[\n\r\u2028\u2029]/;
const SIGN = /^[^\p{L}\p{M}\p{N}]/u;

/** The words of a text, in order. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let last = 0;
  for (const { 0: found, index } of text.matchAll(WORD)) {
    const is_on_new_line = LINE_END.test(text.slice(last, index));
    const is_sign = SIGN.test(found);
    const end = index + found.length;
    for (let start = index; start < end; ) {
      const part_end = start + Math.min(end - start, WORD_MAX_CHARS);
      const is_first = start === index;
      words.push({
        start,
        end: part_end,
        is_apart: is_first && (index === 0 || index > last),
        is_on_new_line: is_first && is_on_new_line,
        is_sign,
      });
      start = part_end;
    }
    last = end;
  }
  return words;
}
