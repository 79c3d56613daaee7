// What a month will have cost at its end: what it has cost so far, and for the rest a straight line through the sums of the days
// before today (least squares). It follows growth and decline; of weekdays and of what is planned it knows nothing.

const DAY_MS = 86_400_000;
/** Days that the line goes through, at most. */
export const FITTED_DAYS = 28;
/** Days without which there is no line: their mean is taken instead. */
const LINE_MIN_DAYS = 4;

/** What a day cost. */
export interface DaySum {
  readonly start_ms: number;
  readonly usd: number;
}

/** A forecast, in dollars. */
export interface Forecast {
  /** The month until now. */
  readonly spent_usd: number;
  /** At its end. */
  readonly expected_usd: number;
  /** Half of the width of the band about it: twice the spread of days about the line, over the days that are left. */
  readonly spread_usd: number;
  /** How it was made, in words. */
  readonly method: string;
  /** What each day that is left is expected to cost, today among them. */
  readonly days: readonly DaySum[];
}

/**
 * Forecasts a month's cost.
 * @param days sums of days (UTC) in order of time, today's part among them; days without calls may be left out
 * @param month_ms the beginning of the month that `now_ms` is in
 */
export function forecastMonth(days: readonly DaySum[], month_ms: number, now_ms: number): Forecast {
  const today_ms = Math.floor(now_ms / DAY_MS) * DAY_MS;
  const date = new Date(month_ms);
  const end_ms = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  const spent_usd = sum(days.filter(({ start_ms }) => start_ms >= month_ms).map(({ usd }) => usd));
  const today_usd = days.find(({ start_ms }) => start_ms === today_ms)?.usd ?? 0;
  const line = lineOf(wholeDays(days, today_ms));
  const left: DaySum[] = [];
  for (let start_ms = today_ms; start_ms < end_ms; start_ms += DAY_MS) {
    const usd = Math.max(0, line.at((start_ms - today_ms) / DAY_MS));
    // What today has cost already is not taken back.
    left.push({ start_ms, usd: start_ms === today_ms ? Math.max(today_usd, usd) : usd });
  }
  return {
    spent_usd,
    expected_usd: spent_usd - today_usd + sum(left.map(({ usd }) => usd)),
    spread_usd: 2 * line.spread * Math.sqrt(left.length),
    method: line.method,
    days: left,
  };
}

/** The days before today from the first one with calls on, those without calls as 0. */
function wholeDays(days: readonly DaySum[], today_ms: number): number[] {
  const before = days.filter(({ start_ms, usd }) => start_ms < today_ms && usd > 0);
  if (before.length === 0) return [];
  const by_start = new Map(before.map(({ start_ms, usd }) => [start_ms, usd]));
  const first_ms = Math.max(before[0]!.start_ms, today_ms - FITTED_DAYS * DAY_MS);
  const length = (today_ms - first_ms) / DAY_MS;
  return Array.from({ length }, (_, index) => by_start.get(first_ms + index * DAY_MS) ?? 0);
}

interface Line {
  /** What a day costs, so many days from today. */
  at(days: number): number;
  /** The standard deviation of days about it. */
  readonly spread: number;
  readonly method: string;
}

function lineOf(sums: readonly number[]): Line {
  const count = sums.length;
  if (count === 0)
    return {
      at: () => 0,
      spread: 0,
      method: "There is no whole day yet to go by: only what today has cost is counted.",
    };
  const mean = sum(sums) / count;
  const middle = (count - 1) / 2;
  const is_line = count >= LINE_MIN_DAYS;
  const across = sum(sums.map((_, index) => (index - middle) ** 2));
  const slope = is_line ? sum(sums.map((usd, index) => (index - middle) * (usd - mean))) / across : 0;
  const at = (index: number) => mean + slope * (index - middle);
  const residuals = sum(sums.map((usd, index) => (usd - at(index)) ** 2));
  const freedom = count - (is_line ? 2 : 1);
  return {
    at: (days) => at(count + days),
    spread: freedom > 0 ? Math.sqrt(residuals / freedom) : 0,
    method: is_line
      ? `A straight line through the sums of the last ${count} whole days (least squares), continued to the month's end.`
      : `The mean of the last ${count === 1 ? "whole day" : `${count} whole days`}; a line takes ${LINE_MIN_DAYS}.`,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
