// Scores found spans against labelled ones, entity by entity: precision and recall of spans, and how many labelled characters leak.

/** A stretch of a text that is an entity. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly entity: string;
}

/** What was counted for one entity. */
export interface Tally {
  labelled: number;
  found: number;
  /** Found and labelled spans of the same entity that share half of what they cover together. */
  matched: number;
  /** Those that are the same to the character. */
  exact: number;
  labelled_chars: number;
  /** Characters of labelled spans that no finding covers, of whatever entity. */
  leaked_chars: number;
}

/** Counts by entity. */
export type Tallies = Map<string, Tally>;

/** Shares of 1; NaN where nothing was there to count. */
export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

const IOU_MIN = 0.5;

/** The counts of an entity, made when it is first asked for. */
export function tallyOf(tallies: Tallies, entity: string): Tally {
  let tally = tallies.get(entity);
  if (tally === undefined) {
    tally = { labelled: 0, found: 0, matched: 0, exact: 0, labelled_chars: 0, leaked_chars: 0 };
    tallies.set(entity, tally);
  }
  return tally;
}

/** Counts one text. Each finding matches one label at most. */
export function countText(tallies: Tallies, labelled: readonly Span[], found: readonly Span[]): void {
  for (const { entity } of found) tallyOf(tallies, entity).found++;
  const free = new Set(found);
  for (const label of labelled) {
    const tally = tallyOf(tallies, label.entity);
    tally.labelled++;
    tally.labelled_chars += label.end - label.start;
    tally.leaked_chars += leakedChars(label, found);
    const match = [...free]
      .filter((span) => span.entity === label.entity && overlap(span, label) >= IOU_MIN)
      .sort((one, other) => overlap(other, label) - overlap(one, label))[0];
    if (match === undefined) continue;
    free.delete(match);
    tally.matched++;
    if (match.start === label.start && match.end === label.end) tally.exact++;
  }
}

/** How much of what two spans cover together both cover. */
function overlap(one: Span, other: Span): number {
  const shared = Math.min(one.end, other.end) - Math.max(one.start, other.start);
  return shared <= 0 ? 0 : shared / (Math.max(one.end, other.end) - Math.min(one.start, other.start));
}

function leakedChars(label: Span, found: readonly Span[]): number {
  let leaked = 0;
  for (let at = label.start; at < label.end; at++) {
    if (!found.some(({ start, end }) => start <= at && at < end)) leaked++;
  }
  return leaked;
}

/** Precision, recall and their harmonic mean. */
export function scoresOf(right: number, found: number, labelled: number): Scores {
  const precision = right / found;
  const recall = right / labelled;
  return { precision, recall, f1: (2 * right) / (found + labelled) };
}

/** What is missed and what is found in error, in words for whoever improves what finds them. */
export function mistakes(text: string, labelled: readonly Span[], found: readonly Span[]): readonly string[] {
  const has = (spans: readonly Span[], { start, end, entity }: Span) =>
    spans.some((span) => span.entity === entity && span.start < end && start < span.end);
  const show = (kind: string, { start, end, entity }: Span) =>
    `${kind} ${entity} ${JSON.stringify(text.slice(start, end))} in ${JSON.stringify(text.slice(Math.max(0, start - 40), end + 20))}`;
  return [
    ...labelled.filter((span) => !has(found, span)).map((span) => show("missed", span)),
    ...found.filter((span) => !has(labelled, span)).map((span) => show("wrong ", span)),
  ];
}
