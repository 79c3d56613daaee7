// The nearest known word to one that is unknown.
// A suggestion is made only where a slip of the fingers explains the difference; a wrong guess is worse than none.

/** Longer words are not compared: the work grows with the square of the length. */
const MAX_LENGTH = 128;

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}

/** The candidate that `word` most likely meant, or null. Case does not count; the first of equals wins. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null;
  const wanted = word.toLowerCase();
  let best: string | null = null;
  let best_distance = Math.min(3, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    // A difference in length is a lower bound of the distance.
    if (Math.abs(candidate.length - word.length) >= best_distance) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}
