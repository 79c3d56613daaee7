// Windows of time, all of UTC: minutes, hours and days of rollups, days and months of budgets.
// A range of time is covered by the fewest windows: whole days in its middle, hours and minutes at its ends.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A size of rollup. */
export type Level = "minute" | "hour" | "day";

/** Every size, from the smallest, each a whole number of the one before it. */
export const LEVELS: readonly Level[] = ["minute", "hour", "day"];

/** How long a window is. */
export const LEVEL_MS: Readonly<Record<Level, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** How long rollups are kept. */
export const KEPT_MS: Readonly<Record<Level, number>> = {
  minute: 8 * DAY_MS,
  hour: 100 * DAY_MS,
  day: Number.POSITIVE_INFINITY,
};

/** The beginning of the window that a time is in. */
export function startOf(level: Level, time_ms: number): number {
  const length_ms = LEVEL_MS[level];
  return Math.floor(time_ms / length_ms) * length_ms;
}

/** The time before which rollups of a size are deleted: whole days, so that a day is there in all its minutes or in none. */
export function keptSince(level: Level, now_ms: number): number {
  return startOf("day", now_ms - KEPT_MS[level]);
}

/** What a budget is for. */
export type Period = "day" | "month";

/** The beginning of the day or month that a time is in. */
export function periodStart(period: Period, time_ms: number): number {
  if (period === "day") return startOf("day", time_ms);
  const date = new Date(time_ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

/** How a day or month is written: `2026-11-26`, `2026-11`. */
export function periodName(period: Period, start_ms: number): string {
  return new Date(start_ms).toISOString().slice(0, period === "day" ? 10 : 7);
}

/** Windows of one size that follow each other. */
export interface Span {
  readonly level: Level;
  readonly since_ms: number;
  readonly until_ms: number;
}

/** The spans that cover a range, in order of time, and the range that they cover. */
export interface Cover {
  readonly spans: readonly Span[];
  readonly since_ms: number;
  readonly until_ms: number;
}

/**
 * Covers a range, which begins with the window that `since_ms` is in and ends with the one that `until_ms` is in: minutes, or
 * what is still kept of the time there. `now_ms` says what is kept.
 */
export function coverRange(since_ms: number, until_ms: number, now_ms: number): Cover {
  const since = outward(since_ms, now_ms, false);
  const until = Math.max(since, outward(until_ms, now_ms, true));
  const spans: Span[] = [];
  const cover = (level: Level, from: number, to: number): void => {
    if (from >= to) return;
    const below = LEVELS[LEVELS.indexOf(level) - 1];
    const first = Math.ceil(from / LEVEL_MS[level]) * LEVEL_MS[level];
    const last = startOf(level, to);
    if (below === undefined) spans.push({ level, since_ms: from, until_ms: to });
    else if (first >= last) cover(below, from, to);
    else {
      cover(below, from, first);
      spans.push({ level, since_ms: first, until_ms: last });
      cover(below, last, to);
    }
  };
  cover("day", since, until);
  return { spans, since_ms: since, until_ms: until };
}

/** A time rounded to the smallest windows that are certainly kept of it. */
function outward(time_ms: number, now_ms: number, is_end: boolean): number {
  const level = LEVELS.find((found) => time_ms >= keptSince(found, now_ms) + LEVEL_MS["day"]) ?? "day";
  const start = startOf(level, time_ms);
  return is_end && start < time_ms ? start + LEVEL_MS[level] : start;
}
