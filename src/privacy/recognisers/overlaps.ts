// Of findings that overlap only one can stand: the surest, and of those alike the longest. What another of the same entity covers
// besides stands too: of two addresses that run into each other neither is lost.

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
    const rest = beside(candidate, before, after);
    if (rest !== null) kept.splice(place, 0, rest);
  }
  return kept;
}

/** What of a finding neither of its neighbours covers; null for nothing, and where one of another entity covers a part. */
function beside(candidate: Found, before: Found | undefined, after: Found | undefined): Found | null {
  let { start, end } = candidate;
  for (const other of [before, after]) {
    if (other === undefined || other.end <= start || other.start >= end) continue;
    if (other.entity !== candidate.entity) return null;
    if (other === before) start = other.end;
    else end = other.start;
  }
  if (start >= end) return null;
  return start === candidate.start && end === candidate.end ? candidate : { ...candidate, start, end };
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
