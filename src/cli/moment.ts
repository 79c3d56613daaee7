// Times on the command line: how long ago, or a date, or a date with a time. All of UTC.

import { parseInstant } from "../config/duration.ts";

/** What may be written, for messages. */
export const MOMENT_EXAMPLES = "7d, 24h, 30m, 2026-11-01 or 2026-11-01T12:00Z";

/** `7d` and the like before `now_ms`, or a date (its beginning), or a date and time; null where it is none of these. */
export function parseMoment(text: string, now_ms: number): number | null {
  return parseInstant(text, now_ms, "ago");
}

/** A time as a person reads it: `2026-11-26 06:30`. */
export function showMoment(time_ms: number): string {
  return new Date(time_ms).toISOString().slice(0, 16).replace("T", " ");
}

/** A stretch of time that a command looks at. */
export interface TimeRange {
  readonly since_ms: number;
  readonly until_ms: number;
}

/** The range of `--since` and `--until`, the latter by default now; in words what is wrong with them. */
export function readRange(
  { since, until }: { readonly since?: string | undefined; readonly until?: string | undefined },
  since_default: string,
  now_ms: number,
): TimeRange | string {
  const since_ms = parseMoment(since ?? since_default, now_ms);
  const until_ms = until === undefined ? now_ms : parseMoment(until, now_ms);
  if (since_ms === null) return `--since must be a time such as ${MOMENT_EXAMPLES}, not "${since}"`;
  if (until_ms === null) return `--until must be a time such as ${MOMENT_EXAMPLES}, not "${until}"`;
  if (until_ms < since_ms) return "--until must not be before --since";
  return { since_ms, until_ms };
}
