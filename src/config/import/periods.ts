// How other gateways write budgets and rates, as limits are written here: there are minutes, hours and days for counts, and UTC days
// and months for money.

import { parseDuration } from "../duration.ts";
import type { LimitsInput } from "./draft.ts";

const DAY_S = 86_400;
/** The longest time that is a month to somebody. */
const MONTH_S = 31 * DAY_S;

/** A time in seconds: `30d`, `24h`, months as `1mo` or `1M`, a number of seconds; null where it is none. */
export function secondsOf(text: string): number | null {
  const months = /^(\d{1,3})(mo|M)$/.exec(text);
  if (months !== null) return Number(months[1]) * 30 * DAY_S;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const ms = parseDuration(text);
  return ms === null ? null : ms / 1_000;
}

/** A budget of so much in such a time; null where there is no such time here. */
export function budgetOf(usd: number, period: string | null): LimitsInput | null {
  if (usd <= 0) return null;
  const seconds = period === null ? MONTH_S : secondsOf(period);
  if (seconds === DAY_S) return { usd_per_day: usd };
  return seconds !== null && seconds >= 28 * DAY_S && seconds <= MONTH_S ? { usd_per_month: usd } : null;
}

const REQUESTS: Readonly<Record<number, "rpm" | "requests_per_hour" | "requests_per_day">> = {
  60: "rpm",
  3600: "requests_per_hour",
  86400: "requests_per_day",
};
const TOKENS: Readonly<Record<number, "tpm" | "tokens_per_hour" | "tokens_per_day">> = {
  60: "tpm",
  3600: "tokens_per_hour",
  86400: "tokens_per_day",
};

/** So many requests or tokens in such a time; null where there is no such time here. */
export function rateOf(of: "requests" | "tokens", count: number, period: string | null): LimitsInput | null {
  const seconds = secondsOf(period ?? "1m") ?? 0;
  const name = (of === "requests" ? REQUESTS : TOKENS)[seconds];
  return name === undefined || count < 1 ? null : { [name]: Math.floor(count) };
}
