// What time it is somewhere: the day of the week and the minute of the day. Zones are asked once in a quarter of an hour, because no
// zone's clock is set between two quarters.

/** A moment of a week in a zone. */
export interface LocalTime {
  /** 0 is Monday. */
  readonly weekday: number;
  /** Of the day. */
  readonly minute: number;
}

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const DAY_MINUTES = 24 * 60;
/** The first of January 1970 was a Thursday. */
const FIRST_WEEKDAY = 3;
const WEEK_DAYS = 7;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  quarter: number;
  offset_ms: number;
}

/** Zones that were asked for; configurations alone name them. */
const zones = new Map<string, Zone>();
const ZONES_MAX = 1_000;

/** The time in a zone (IANA), which there must be, at a moment in milliseconds since 1970. */
export function localTime(zone: string, time_ms: number): LocalTime {
  const minutes = Math.floor((time_ms + offsetMs(zone, time_ms)) / MINUTE_MS);
  const day = Math.floor(minutes / DAY_MINUTES);
  const weekday = (((day + FIRST_WEEKDAY) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS;
  return { weekday, minute: minutes - day * DAY_MINUTES };
}

function offsetMs(name: string, time_ms: number): number {
  const quarter = Math.floor(time_ms / QUARTER_MS);
  let zone = zones.get(name);
  if (zone === undefined) {
    if (zones.size >= ZONES_MAX) zones.clear();
    zone = { format: formatOf(name), quarter: Number.NaN, offset_ms: 0 };
    zones.set(name, zone);
  }
  if (zone.quarter !== quarter) {
    zone.quarter = quarter;
    zone.offset_ms = wallMs(zone.format, time_ms) - Math.floor(time_ms / 1_000) * 1_000;
  }
  return zone.offset_ms;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
}

/** What clocks show in a zone, as if that were UTC. */
function wallMs(format: Intl.DateTimeFormat, time_ms: number): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(time_ms)) shown[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
