// Whether a word is another one with a single typing error.

/** Shorter words have too many neighbours that are words as well. */
const LENGTH_MIN = 6;

/** Whether one letter was left out, added, mistaken, or changed places with the next; never the first one. Words of six letters or more. */
export function isOneEdit(one: string, other: string): boolean {
  if (one.length > other.length) return isOneEdit(other, one);
  if (one.length < LENGTH_MIN - 1 || other.length < LENGTH_MIN || other.length - one.length > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  if (start === 0 || (start === one.length && start === other.length)) return false;
  let end = 0;
  while (end < one.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const left = one.length - start - end;
  if (one.length < other.length) return left === 0;
  const is_swap = left === 2 && one[start] === other[start + 1] && one[start + 1] === other[start];
  return left === 1 || is_swap;
}
