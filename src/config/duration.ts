// Times as people write them: "30d", "12h", "90m" from now, or a date. One reading for every flag and query that takes one.

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The longest duration that is understood: a hundred years. */
const DURATION_MAX_MS = 36_525 * 86_400_000;

/** The milliseconds of a duration such as `1h30m`; null if it is none. */
export function parseDuration(text: string): number | null {
  if (!/^(\d{1,9}(ms|s|m|h|d|w))+$/.test(text)) return null;
  let sum_ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|s|m|h|d|w)/g))
    sum_ms += Number(number) * UNITS_MS[unit!]!;
  return sum_ms <= DURATION_MAX_MS ? sum_ms : null;
}

/**
 * The instant that a duration or a date stands for, in milliseconds since 1970; null if it is neither. A duration counts
 * from now, forwards or backwards; a date is a day (its beginning) or has a time, in UTC where no zone is said (RFC 3339).
 */
export function parseInstant(text: string, now_ms: number, direction: "ahead" | "ago"): number | null {
  const duration_ms = parseDuration(text);
  if (duration_ms !== null) return direction === "ahead" ? now_ms + duration_ms : now_ms - duration_ms;
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)) return null;
  const has_zone = !text.includes("T") || /(Z|[+-]\d\d:\d\d)$/.test(text);
  const instant_ms = Date.parse(has_zone ? text : `${text}Z`);
  if (Number.isNaN(instant_ms)) return null;
  // The 31st of a short month must not become the first of the next.
  return new Date(Date.parse(`${text.slice(0, 10)}T00:00Z`)).toISOString().startsWith(text.slice(0, 10))
    ? instant_ms
    : null;
}
