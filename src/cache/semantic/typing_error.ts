// Whether a word is another one with a single typing error.

/** Shorter words have too many neighbours that are words as well. */
const LENGTH_MIN = 6;
/** Of this length on, words that differ only by a swap or a doubled letter are one word, whether it is known or not. */
const SURE_LENGTH_MIN = 7;

/** How one word became another. */
type Edit = "swapped" | "doubled" | "other";

/** The one edit between two words: a letter left out, added, mistaken, or swapped with the next, never the first one; or null. */
function editBetween(one: string, other: string): Edit | null {
  if (one.length > other.length) return editBetween(other, one);
  if (one.length < LENGTH_MIN - 1 || other.length < LENGTH_MIN || other.length - one.length > 1) return null;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  if (start === 0 || (start === one.length && start === other.length)) return null;
  let end = 0;
  while (end < one.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const left = one.length - start - end;
  if (one.length < other.length) {
    if (left > 0) return null;
    return other[start] === other[start - 1] ? "doubled" : "other";
  }
  if (left === 2 && one[start] === other[start + 1] && one[start + 1] === other[start]) return "swapped";
  return left === 1 ? "other" : null;
}

/** Whether a word that nobody knows is one that is known, with a single typing error. Words of six letters or more. */
export function isMisspelling(unknown: string, known: string): boolean {
  return editBetween(unknown, known) !== null;
}

/** Whether two words are one and the same with two letters swapped or one doubled, so that no dictionary is needed to tell. */
export function areOneWord(one: string, other: string): boolean {
  if (Math.min(one.length, other.length) < SURE_LENGTH_MIN) return false;
  const edit = editBetween(one, other);
  return edit === "swapped" || edit === "doubled";
}
