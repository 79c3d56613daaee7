// How much of two texts is the same: the overlap of their words, counted as often as they stand there (Dice, "Measures of the Amount of
// Ecologic Association Between Species", 1945; the F1 of words by which SQuAD compares answers, Rajpurkar and others, 2016).

/** Of longer texts the beginning is compared. */
const COMPARED_MAX_CHARS = 16 * 1024;
/** Words: letters and digits together; signs of scripts without spaces by themselves. */
const WORDS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}]+/gu;

/** From 0 (no word in common) to 1 (the same words as often); two texts without words agree. */
export function agreementOf(one: string, other: string): number {
  const [words, others] = [wordsOf(one), wordsOf(other)];
  if (words.length + others.length === 0) return 1;
  const left = new Map<string, number>();
  for (const word of words) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of others) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    common += 1;
  }
  return (2 * common) / (words.length + others.length);
}

function wordsOf(text: string): readonly string[] {
  return text.slice(0, COMPARED_MAX_CHARS).normalize("NFKC").toLowerCase().match(WORDS) ?? [];
}
