// What a character is, and where words end. Words are of ASCII, Latin, Greek and Cyrillic letters: scripts that are written without
// spaces end a word, so that a number in the midst of Chinese text stands alone.

/** Whether it is an ASCII digit. */
export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Whether it is an ASCII letter. */
export function isAsciiLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Whether it is a capital ASCII letter. */
export function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

/** Whether it is an ASCII digit or letter. */
export function isAlnum(code: number): boolean {
  return isDigit(code) || isAsciiLetter(code);
}

/** Whether it is a character of tokens: an ASCII digit or letter, "-" or "_". */
export function isToken(code: number): boolean {
  return isAlnum(code) || code === 0x2d || code === 0x5f;
}

/** Whether it is a hexadecimal digit. */
export function isHex(code: number): boolean {
  const lower = code | 0x20;
  return isDigit(code) || (lower >= 0x61 && lower <= 0x66);
}

/** Whether it is a letter of a script that is written with spaces between words. */
export function isLetter(code: number): boolean {
  if (code < 0x80) return isAsciiLetter(code);
  return code >= 0xc0 && code <= 0x52f && code !== 0xd7 && code !== 0xf7;
}

/** Whether it goes on a word or an identifier. NaN, as `charCodeAt` gives outside of a text, does not. */
export function isWord(code: number): boolean {
  return isDigit(code) || code === 0x5f || isLetter(code);
}

const BACKSLASH = 0x5c;
const ESCAPED = new Set(Array.from("nrtbf", (letter) => letter.charCodeAt(0)));

/** Whether the letter at `at` is the last of an escape such as \n, as JSON and code within a text have them. */
export function isEscape(text: string, at: number): boolean {
  return ESCAPED.has(text.charCodeAt(at)) && text.charCodeAt(at - 1) === BACKSLASH;
}

/** Whether a word that begins at `at` would go on one before it. */
export function goesOn(text: string, at: number): boolean {
  return isWord(text.charCodeAt(at - 1)) && !isEscape(text, at - 1);
}

/** Whether a word ends at `end`. */
export function endsWord(text: string, end: number): boolean {
  return !isWord(text.charCodeAt(end));
}
