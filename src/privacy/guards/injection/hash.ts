// Hashes of the injection score's features: of words and of runs of characters.

/** What a word's hash begins with. */
export const WORD_SEED = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

/** The hash of a word with one more code. */
export function withCode(hash: number, code: number): number {
  return Math.imul(hash ^ code, PRIME);
}

/** The hash of a whole word, in the form in which the scanner sees it. */
export function wordHash(word: string): number {
  let hash = WORD_SEED;
  const form = word.normalize("NFKC").toLowerCase();
  for (let at = 0; at < form.length; at++) hash = withCode(hash, form.charCodeAt(at));
  return hash;
}

/** Spreads a hash over all its bits. */
export function mixed(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return half ^ (half >>> 13);
}
