// Of findings that overlap only one can stand: the surest, and of those alike the longest.

import type { Found } from "../entity.ts";

/** Findings in order and without overlaps. */
export function withoutOverlaps(found: Found[]): readonly Found[] {
  if (found.length < 2) return found;
  found.sort((one, other) => one.start - other.start || other.end - one.end);
  const kept: Found[] = [];
  let from = 0;
  while (from < found.length) {
    let to = from + 1;
    let { end } = found[from]!;
    for (; to < found.length && found[to]!.start < end; to++) end = Math.max(end, found[to]!.end);
    if (to === from + 1) kept.push(found[from]!);
    else kept.push(...best(found.slice(from, to)));
    from = to;
  }
  return kept;
}

/** The best of findings that hang together. */
function best(found: readonly Found[]): readonly Found[] {
  const ranked = [...found].sort(
    (one, other) => other.score - one.score || other.end - other.start - (one.end - one.start),
  );
  const kept: Found[] = [];
  for (const candidate of ranked) {
    const place = placeOf(kept, candidate.start);
    const before = kept[place - 1];
    const after = kept[place];
    const overlaps =
      (before !== undefined && before.end > candidate.start) ||
      (after !== undefined && after.start < candidate.end);
    if (!overlaps) kept.splice(place, 0, candidate);
  }
  return kept;
}

/** How many of the kept start before or at a place. */
function placeOf(kept: readonly Found[], start: number): number {
  let low = 0;
  let high = kept.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (kept[middle]!.start <= start) low = middle + 1;
    else high = middle;
  }
  return low;
}
