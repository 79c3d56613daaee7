// Times on the command line: how long ago, or a date, or a date with a time. All of UTC.

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** What may be written, for messages. */
export const MOMENT_EXAMPLES = "7d, 24h, 30m, 2026-11-01 or 2026-11-01T12:00Z";

/** `7d` and the like before `now_ms`, or a date (its beginning), or a date and time; null where it is none of these. */
export function parseMoment(text: string, now_ms: number): number | null {
  const ago = /^(\d{1,6})([smhdw])$/.exec(text);
  if (ago !== null) return now_ms - Number(ago[1]) * UNIT_MS[ago[2]!]!;
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)) return null;
  const has_zone = /(Z|T.*[+-]\d{2}:\d{2})$/.test(text);
  const time_ms = Date.parse(text.includes("T") && !has_zone ? `${text}Z` : text);
  return Number.isNaN(time_ms) ? null : time_ms;
}

/** A time as a person reads it: `2026-11-26 06:30`. */
export function showMoment(time_ms: number): string {
  return new Date(time_ms).toISOString().slice(0, 16).replace("T", " ");
}
