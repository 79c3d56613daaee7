// Numbers and times as people read them.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** Shown where nothing is known. */
export const NOTHING = "–";

/** A count with its thousands told apart. */
export function count(number: number): string {
  return whole.format(number);
}

/** A large count in few characters, such as 1.2M. */
export function shortCount(number: number): string {
  return number < 10_000 ? whole.format(number) : compact.format(number);
}

/** Dollars: cents, and of small amounts more digits, always as many, so that they stand below each other. */
export function usd(dollars: number | null): string {
  if (dollars === null) return NOTHING;
  const size = Math.abs(dollars);
  return dollarsWith(dollars, size === 0 || size >= 0.995 ? 2 : size >= 0.01 ? 4 : 6);
}

/** Dollars that somebody has set: no more digits than were meant. */
export function setUsd(dollars: number): string {
  return dollarsWith(dollars, 2, 6);
}

function dollarsWith(dollars: number, least: number, most = least): string {
  const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
  return `${dollars < 0 ? "−" : ""}$${Math.abs(dollars).toLocaleString("en-US", digits)}`;
}

/** A duration in milliseconds, in the unit that suits it. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 1) return `${Math.round(ms * 1_000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/** A share of 1 in percent. */
export function percent(share: number | null): string {
  if (share === null || Number.isNaN(share)) return NOTHING;
  const value = share * 100;
  return `${value === 0 || value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)} %`;
}

/** A rate by second. */
export function rate(per_s: number): string {
  if (per_s === 0) return "0";
  return per_s < 10 ? per_s.toFixed(1) : shortCount(per_s);
}

/** Bytes. */
export function bytes(number: number): string {
  if (number < 1_000) return `${number} B`;
  if (number < 1e6) return `${(number / 1e3).toFixed(1)} kB`;
  return number < 1e9 ? `${(number / 1e6).toFixed(1)} MB` : `${(number / 1e9).toFixed(2)} GB`;
}

/** The time of day of an instant, in the reader's zone. */
export function timeOfDay(instant: number | string): string {
  return new Date(instant).toLocaleTimeString("en-GB");
}

/** Day and time of an instant, in the reader's zone. */
export function dayAndTime(instant: number | string): string {
  const date = new Date(instant);
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${timeOfDay(instant)}`;
}

/** A day of UTC, such as `Nov 26`: the days that money is counted by. */
export function utcDay(instant: number | string): string {
  return new Date(instant).toLocaleDateString("en-US", { timeZone: "UTC", month: "short", day: "numeric" });
}
