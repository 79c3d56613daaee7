// Text cut as models say it: words with the space before them, a few at a time, and never inside of a character.

/** The least a piece has, but for the last; characters. With the word that it ends in, a piece has about three words. */
const PIECE_CHARS = 12;
/** Where no word ends, a piece is cut at this many times its least. */
const LONGEST = 4;
/** How far a cut may be moved to keep a character and its marks together. */
const MARKS_MAX = 32;

const SPACE = 0x20;
const ZERO_WIDTH_JOINER = 0x200d;

/**
 * The pieces of a text, in order; none of an empty one. Linear.
 * @param least the least characters of a piece, to bound how many there are
 */
export function piecesOf(text: string, least: number): string[] {
  const step = Math.max(PIECE_CHARS, least);
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = cutBehind(text, start + step, start + step * LONGEST);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

/** The first place from `from` on that a piece can end at; before a space if there is one up to `limit`. */
function cutBehind(text: string, from: number, limit: number): number {
  if (from >= text.length) return text.length;
  for (let at = from; at < limit && at < text.length; at++) {
    if (text.charCodeAt(at) <= SPACE && text.charCodeAt(at - 1) > SPACE) return at;
  }
  if (limit >= text.length) return text.length;
  let at = limit;
  while (at < text.length && at < limit + MARKS_MAX && joins(text, at)) at++;
  return isInPair(text, at) ? at + 1 : at;
}

/** Whether what stands at an offset belongs to the character before it. */
function joins(text: string, at: number): boolean {
  if (isInPair(text, at) || text.charCodeAt(at - 1) === ZERO_WIDTH_JOINER) return true;
  const code = text.codePointAt(at)!;
  // Combining marks, joiners and selectors of forms, tones of skin; most of what is written is below them all.
  return code >= 0x300 && /^(?:\p{M}|\u200d|[\u{1f3fb}-\u{1f3ff}])/u.test(String.fromCodePoint(code));
}

/** Whether an offset lies within a surrogate pair. */
function isInPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
}
