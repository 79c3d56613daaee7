// Where rows are that somebody asks for: the sums of days and hours tell when there were such calls, and the table of minutes
// where rows of a time lie. So rare rows are found among millions without an index that every row would have to be written to.

import type { Database } from "bun:sqlite";
import { keptSince, LEVEL_MS, startOf } from "./windows.ts";

/** Rows that follow each other, both ends included. */
export interface Span {
  readonly first_seq: number;
  readonly last_seq: number;
}

/** What rows are looked for. */
export interface Wanted {
  /** Groups that they are in; null for all. */
  readonly groups: readonly number[] | null;
  /** Only calls with an error. */
  readonly has_failed: boolean;
  /** Only calls that a cache answered. */
  readonly has_hit: boolean;
  readonly since_ms: number;
  readonly until_ms: number;
}

/**
 * Spans that have all the rows that are wanted, among others; none of them overlaps with another, and the newest comes first.
 * They are looked for as they are asked for: a day more each time.
 */
export function* spansOf(db: Database, wanted: Wanted, now_ms = Date.now()): Generator<Span> {
  const since_ms = startOf("minute", wanted.since_ms);
  const { until_ms } = wanted;
  if (wanted.groups === null && !wanted.has_failed && !wanted.has_hit) {
    const span = rowsBetween(db, since_ms, until_ms);
    if (span !== null) yield span;
    return;
  }
  const hasCalls = windowsWith(db, wanted);
  const lastBefore = lastByDay(db);
  let open: Span[] = [];
  for (let day_ms = dayBefore(db, until_ms); day_ms !== null; day_ms = dayBefore(db, day_ms)) {
    if (day_ms + LEVEL_MS.day <= since_ms) break;
    if (!hasCalls("day", day_ms)) continue;
    for (const [from_ms, to_ms] of partsOf(day_ms, hasCalls, now_ms)) {
      const span = rowsBetween(db, Math.max(from_ms, since_ms), Math.min(to_ms, until_ms));
      if (span !== null) open.push(span);
    }
    open = merged(open);
    // Rows of earlier days may lie among those of this one, but not behind the last of them.
    const earlier_seq = lastBefore(day_ms);
    for (const { first_seq, last_seq } of open) {
      if (last_seq > earlier_seq) yield { first_seq: Math.max(first_seq, earlier_seq + 1), last_seq };
    }
    open = open
      .filter(({ first_seq }) => first_seq <= earlier_seq)
      .map(({ first_seq, last_seq }) => ({ first_seq, last_seq: Math.min(last_seq, earlier_seq) }));
  }
  yield* open;
}

type HasCalls = (level: "day" | "hour", start_ms: number) => boolean;

/** Tells whether a window has calls that are wanted. */
function windowsWith(db: Database, { groups, has_failed, has_hit }: Wanted): HasCalls {
  const of_groups = groups === null ? "" : `AND group_id IN (${groups.join(", ")})`;
  const came = `${has_failed ? "AND errors > 0" : ""} ${has_hit ? "AND cache_hits > 0" : ""}`;
  // Not kept for later: hardly ever are the same groups asked for again.
  const query = (level: string) =>
    db.prepare<unknown, [number]>(
      `SELECT 1 FROM rollup_${level} WHERE start_ms = ? ${of_groups} ${came} LIMIT 1`,
    );
  const queries = { day: query("day"), hour: query("hour") };
  return (level, start_ms) => queries[level].get(start_ms) !== null;
}

/** The hours of a day that have calls, the newest first. Sums of hours are kept for months; of older days, the whole is looked at. */
function partsOf(day_ms: number, hasCalls: HasCalls, now_ms: number): (readonly [number, number])[] {
  const day_end_ms = day_ms + LEVEL_MS.day;
  if (day_ms < keptSince("hour", now_ms) + LEVEL_MS.day) return [[day_ms, day_end_ms]];
  const parts: (readonly [number, number])[] = [];
  for (let hour_ms = day_end_ms - LEVEL_MS.hour; hour_ms >= day_ms; hour_ms -= LEVEL_MS.hour) {
    if (hasCalls("hour", hour_ms)) parts.push([hour_ms, hour_ms + LEVEL_MS.hour]);
  }
  return parts;
}

/** The last day before a time that has any calls. */
function dayBefore(db: Database, time_ms: number): number | null {
  const query = db.query<{ start_ms: number | null }, [number]>(
    "SELECT max(start_ms) AS start_ms FROM rollup_day WHERE start_ms < ?",
  );
  return query.get(time_ms)?.start_ms ?? null;
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

/** Tells the last row of all days before one; 0 for none. */
function lastByDay(db: Database): (day_ms: number) => number {
  const days = db
    .query<{ day_ms: number; last_seq: number }, []>(
      `SELECT start_ms / ${LEVEL_MS.day} * ${LEVEL_MS.day} AS day_ms, max(last_seq) AS last_seq FROM minutes GROUP BY 1`,
    )
    .all();
  return (before_ms) =>
    days.reduce((last, { day_ms, last_seq }) => (day_ms < before_ms ? Math.max(last, last_seq) : last), 0);
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
