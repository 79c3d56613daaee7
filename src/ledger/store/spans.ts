// Where rows are that somebody asks for: the sums of days and hours tell when there were such calls, and the table of minutes
// where rows of a time lie. So rare rows are found among millions without an index that every row would have to be written to.

import type { Database } from "bun:sqlite";
import type { ColumnValue } from "./columns.ts";
import { keptSince, LEVEL_MS, startOf } from "./windows.ts";

/** Rows that follow each other, both ends included. */
export interface Span {
  readonly first_seq: number;
  readonly last_seq: number;
}

/** What rows are looked for. */
export interface Wanted {
  /** Groups that they are in, as a condition on `groups`; null for all. */
  readonly groups: { readonly where: string; readonly values: readonly ColumnValue[] } | null;
  /** Only calls with an error. */
  readonly has_failed: boolean;
  readonly since_ms: number;
  readonly until_ms: number;
}

/**
 * Spans that have all the rows that are wanted, among others; none of them overlaps with another, and the newest comes first.
 * They are looked for as they are asked for: a day more each time.
 */
export function* spansSince(db: Database, wanted: Wanted, now_ms = Date.now()): Generator<Span> {
  const windows = windowsOf(db, wanted);
  let open: Span[] = [];
  for (const day_ms of windows("day", wanted.since_ms, wanted.until_ms)) {
    const until_ms = day_ms + LEVEL_MS.day;
    // Sums of hours are kept for months; of older days, the whole day is looked at.
    const has_hours = day_ms >= keptSince("hour", now_ms) + LEVEL_MS.day;
    const hours = has_hours
      ? windows("hour", Math.max(day_ms, wanted.since_ms), Math.min(until_ms, wanted.until_ms))
      : [day_ms];
    const length_ms = has_hours ? LEVEL_MS.hour : LEVEL_MS.day;
    for (const start_ms of hours) {
      const span = rowsBetween(
        db,
        Math.max(start_ms, startOf("minute", wanted.since_ms)),
        start_ms + length_ms,
      );
      if (span !== null) open.push(span);
    }
    open = merged(open);
    // Rows of earlier days may lie among those of this one, but not behind the last of them.
    const earlier_seq = lastBefore(db, day_ms);
    for (const { first_seq, last_seq } of open) {
      if (last_seq > earlier_seq) yield { first_seq: Math.max(first_seq, earlier_seq + 1), last_seq };
    }
    open = open
      .filter(({ first_seq }) => first_seq <= earlier_seq)
      .map(({ first_seq, last_seq }) => ({ first_seq, last_seq: Math.min(last_seq, earlier_seq) }));
  }
  yield* open;
}

/** Looks up windows with calls that are wanted, within a time, the newest first. */
function windowsOf(db: Database, { groups, has_failed }: Wanted) {
  const of_groups = groups === null ? "" : `AND group_id IN (SELECT id FROM groups WHERE ${groups.where})`;
  const failed = has_failed ? "AND errors > 0" : "";
  return (level: "day" | "hour", since_ms: number, until_ms: number): number[] =>
    db
      .query<{ start_ms: number }, ColumnValue[]>(
        `SELECT DISTINCT start_ms FROM rollup_${level} WHERE start_ms >= ? AND start_ms < ? ${of_groups} ${failed} ORDER BY start_ms DESC`,
      )
      .all(startOf(level, since_ms), until_ms, ...(groups?.values ?? []))
      .map(({ start_ms }) => start_ms);
}

/** Where the rows of a time are. */
function rowsBetween(db: Database, since_ms: number, until_ms: number): Span | null {
  const { first_seq, last_seq } = db
    .query<{ first_seq: number | null; last_seq: number | null }, [number, number]>(
      "SELECT min(first_seq) AS first_seq, max(last_seq) AS last_seq FROM minutes WHERE start_ms >= ? AND start_ms < ?",
    )
    .get(since_ms, until_ms)!;
  return first_seq === null || last_seq === null ? null : { first_seq, last_seq };
}

/** The last row of all times before one; 0 for none. */
function lastBefore(db: Database, time_ms: number): number {
  return (
    db
      .query<{ seq: number | null }, [number]>("SELECT max(last_seq) AS seq FROM minutes WHERE start_ms < ?")
      .get(time_ms)?.seq ?? 0
  );
}

/** The same rows in spans that do not overlap, the newest first. */
function merged(spans: readonly Span[]): Span[] {
  const whole: Span[] = [];
  for (const span of spans.toSorted((a, b) => b.last_seq - a.last_seq)) {
    const newer = whole.at(-1);
    if (newer === undefined || span.last_seq < newer.first_seq - 1) whole.push(span);
    else if (span.first_seq < newer.first_seq)
      whole[whole.length - 1] = { ...newer, first_seq: span.first_seq };
  }
  return whole;
}
