// The limits of one scope (a key, a user, a team, a tenant, a model, a provider's key), each with the counter that it is about.
// Made once for a scope of a Plan; what changes with the day is the counter of its money.

import type { LimitsPlan } from "../config/plan.ts";
import type { CounterKey } from "../memory/counter_key.ts";
import { counterKey, type Scope } from "./counter_key.ts";
import { WINDOWS_REMEMBERED } from "./sliding_window.ts";

const DAY_MS = 86_400_000;
/** A concurrency that nobody has used for this long is nobody's. */
const GAUGE_IDLE_MS = DAY_MS;
/** Money of a day and of a month is looked at for a while after their end. */
const DAY_IDLE_MS = 3 * DAY_MS;
const MONTH_IDLE_MS = 40 * DAY_MS;

/** A limit of requests or tokens in any stretch of time. */
export interface WindowLimit {
  readonly of: "requests" | "tokens";
  readonly window_ms: number;
  readonly limit: number;
  readonly counter: CounterKey;
}

/** A limit of money in a UTC day or month. */
export interface MoneyLimit {
  readonly period: "day" | "month";
  readonly nano_usd: bigint;
  /** The counter of the period that a moment lies in. */
  counterAt(wall_ms: number): CounterKey;
}

/** The limits of one scope. */
export interface LimitSet {
  readonly scope: Scope;
  /** Whom they are about, as a person calls it. */
  readonly name: string;
  readonly windows: readonly WindowLimit[];
  readonly concurrency: { readonly limit: number; readonly counter: CounterKey } | null;
  readonly money: readonly MoneyLimit[];
}

/** The UTC day (`2026-11-26`) or month (`2026-11`) of a moment. */
export function periodOf(period: "day" | "month", wall_ms: number): string {
  return new Date(wall_ms).toISOString().slice(0, period === "day" ? 10 : 7);
}

/** When the period of a moment ends, in milliseconds since 1970. */
export function periodEndMs(period: "day" | "month", wall_ms: number): number {
  const date = new Date(wall_ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return period === "day" ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1);
}

/** The counter of a scope's money in the period that a moment lies in. */
export function moneyCounter(
  tenant: string,
  scope: Scope,
  name: string,
  period: "day" | "month",
  wall_ms: number,
): CounterKey {
  const idle_ms = period === "day" ? DAY_IDLE_MS : MONTH_IDLE_MS;
  const window = periodOf(period, wall_ms);
  return counterKey({ tenant, scope, name, dimension: "nano_usd", window }, idle_ms);
}

function moneyLimit(
  tenant: string,
  scope: Scope,
  name: string,
  period: "day" | "month",
  nano_usd: bigint,
): MoneyLimit {
  let until_ms = 0;
  let from_ms = 0;
  let counter: CounterKey | null = null;
  return {
    period,
    nano_usd,
    counterAt: (wall_ms) => {
      if (counter === null || wall_ms >= until_ms || wall_ms < from_ms) {
        counter = moneyCounter(tenant, scope, name, period, wall_ms);
        from_ms = wall_ms;
        until_ms = periodEndMs(period, wall_ms);
      }
      return counter;
    },
  };
}

/**
 * The limits of a scope with their counters; null where it has none.
 * @param tenant whose they are, or ALL_TENANTS
 */
export function makeLimitSet(
  tenant: string,
  scope: Scope,
  name: string,
  limits: LimitsPlan | null | undefined,
): LimitSet | null {
  if (limits === null || limits === undefined) return null;
  const windows = limits.windows.map((window): WindowLimit => {
    const { of, window_ms, limit } = window;
    const named = { tenant, scope, name, dimension: of, window: String(window_ms) };
    return { of, window_ms, limit, counter: counterKey(named, window_ms * WINDOWS_REMEMBERED) };
  });
  const gauge = { tenant, scope, name, dimension: "concurrency" as const, window: "" };
  const { concurrency, nano_usd_per_day, nano_usd_per_month } = limits;
  const money: MoneyLimit[] = [];
  if (nano_usd_per_day !== null) money.push(moneyLimit(tenant, scope, name, "day", nano_usd_per_day));
  if (nano_usd_per_month !== null) money.push(moneyLimit(tenant, scope, name, "month", nano_usd_per_month));
  return {
    scope,
    name,
    windows,
    concurrency:
      concurrency === null ? null : { limit: concurrency, counter: counterKey(gauge, GAUGE_IDLE_MS) },
    money,
  };
}

/**
 * Which part of a call's limits is meant: all of it; the place that a session has among the calls at once; what each of its answers uses;
 * or what something costs that nobody asks for, and that is counted when it is there.
 */
export type LimitPart = "all" | "place" | "use" | "cost";

/** That part of some limits. A place is to be had only where there is money left as well. */
export function partOf(sets: readonly LimitSet[], part: LimitPart): readonly LimitSet[] {
  if (part === "all" || sets.length === 0) return sets;
  return sets.map((set) => ({
    ...set,
    concurrency: part === "place" ? set.concurrency : null,
    windows:
      part === "use" ? set.windows : set.windows.filter(({ of }) => part === "cost" && of === "tokens"),
  }));
}
