// Whether characters look drawn by chance, as those of keys are, or written by somebody.

import { isAsciiLetter, isDigit } from "./letters.ts";

/** Shorter values are not random enough to be told from words. */
const RANDOM_MIN_CHARS = 16;
const ENTROPY_MIN_BITS = 3;

/** Bits of a character, by the frequencies of characters in the text. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Whether letters and digits are mixed as chance mixes them: words that are joined by dashes, and end in a number, are not. */
export function isMixed(token: string): boolean {
  let digits = 0;
  let turns = 0;
  let was_digit = false;
  let was_letter = false;
  for (let at = 0; at < token.length; at++) {
    const code = token.charCodeAt(at);
    const is_digit = isDigit(code);
    const is_letter = isAsciiLetter(code);
    if (is_digit) digits++;
    if ((is_digit && was_letter) || (is_letter && was_digit)) turns++;
    was_digit = is_digit;
    was_letter = is_letter;
  }
  return turns >= 3 && digits >= 3 && entropy(token) >= ENTROPY_MIN_BITS;
}

/** Whether a value is of the characters that secrets are written in, and mixed. */
export function isRandom(value: string): boolean {
  return value.length >= RANDOM_MIN_CHARS && /^[A-Za-z0-9+/=_.~-]+$/.test(value) && isMixed(value);
}
