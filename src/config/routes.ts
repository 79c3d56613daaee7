// The policy table as the Plan has it: rules in order, each a list of conditions, the cheapest to look at first.

import { type NamePattern, namePattern } from "./name_pattern.ts";
import { type NeedBits, needBits } from "./needs.ts";
import type { RouteConfig } from "./routes_schema.ts";

/** How hard a prompt looks. */
export const COMPLEXITIES = ["simple", "medium", "hard"] as const;
/** One of these classes. */
export type Complexity = (typeof COMPLEXITIES)[number];

/** The days of a week, beginning as ISO 8601's do. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** A bound of a count: `>8000`, `<=500`, `1000-8000`. */
export const BOUND = /^(?:(?:>=?|<=?)\s*\d{1,12}|\d{1,12}\s*-\s*\d{1,12})$/;
/** Hours of a day: `9-17`, `22:30-6:00`. */
export const HOURS = /^([01]?\d|2[0-4])(:[0-5]\d)?\s*-\s*([01]?\d|2[0-4])(:[0-5]\d)?$/;

const DAY_MINUTES = 24 * 60;

/** Words of a request or of its caller that a rule may look at. */
export type WordField = "model" | "task" | "tier" | "tenant" | "team" | "key";

/** A condition of a rule. */
export type Condition =
  | { readonly of: WordField | "region"; readonly patterns: readonly NamePattern[] }
  /** A tag that must be there; its value too, where that is not null. */
  | { readonly of: "tag"; readonly name: string; readonly value: NamePattern | null }
  | { readonly of: "header"; readonly name: string; readonly patterns: readonly NamePattern[] }
  /** In minutes of a day in a zone; `from` over `to` goes over midnight. Days as bits, Monday's first. */
  | {
      readonly of: "time";
      readonly from: number;
      readonly to: number;
      readonly weekdays: number;
      readonly zone: string;
    }
  | { readonly of: "needs"; readonly needs: NeedBits }
  /** Both ends are in it. */
  | { readonly of: "prompt_tokens" | "context_tokens"; readonly least: number; readonly most: number }
  | { readonly of: "complexity"; readonly classes: readonly Complexity[] };

/** One of the models that a rule gives, and its share. */
export interface ArmPlan {
  readonly model: string;
  readonly weight: number;
}

/** A rule. */
export interface RoutePlan {
  /** Unique in a Plan. */
  readonly name: string;
  /** All of them must hold. */
  readonly when: readonly Condition[];
  /** One: it always gives that. */
  readonly arms: readonly ArmPlan[];
}

/** Compiles a rule. */
export function compileRoute(config: RouteConfig, index: number): RoutePlan {
  const shares = Object.entries(config.split ?? {}).filter(([, weight]) => weight > 0);
  return {
    name: config.name ?? `routes[${index}]`,
    when: [...conditionsOf(config.when)],
    arms:
      config.use === undefined
        ? shares.map(([model, weight]) => ({ model, weight }))
        : [{ model: config.use, weight: 1 }],
  };
}

/** In the order of what they take to look at. */
function* conditionsOf(when: RouteConfig["when"]): Generator<Condition> {
  for (const of of ["model", "tier", "tenant", "team", "key", "task", "region"] as const) {
    const words = when[of];
    if (words !== undefined) yield { of, patterns: patternsOf(of === "region" ? lower(words) : words) };
  }
  for (const [name, words] of Object.entries(when.header ?? {}))
    yield { of: "header", name: name.toLowerCase(), patterns: patternsOf(words) };
  for (const tag of when.tags ?? []) {
    const equals = tag.indexOf("=");
    const name = (equals < 0 ? tag : tag.slice(0, equals)).trim();
    yield { of: "tag", name, value: equals < 0 ? null : namePattern(tag.slice(equals + 1).trim()) };
  }
  if (when.time !== undefined) yield timeOf(when.time);
  if (when.needs !== undefined) yield { of: "needs", needs: needBits(when.needs) };
  for (const of of ["prompt_tokens", "context_tokens"] as const) {
    const bound = when[of];
    if (bound !== undefined) yield { of, ...boundsOf(bound) };
  }
  if (when.complexity !== undefined) yield { of: "complexity", classes: listOf(when.complexity) };
}

function listOf<T>(one: T | readonly T[]): readonly T[] {
  return Array.isArray(one) ? (one as readonly T[]) : [one as T];
}

function lower(words: string | readonly string[]): readonly string[] {
  return listOf(words).map((word) => word.toLowerCase());
}

function patternsOf(words: string | readonly string[]): readonly NamePattern[] {
  return listOf(words).map(namePattern);
}

/** The least and the most of a bound. */
export function boundsOf(bound: string): { readonly least: number; readonly most: number } {
  const numbers = (bound.match(/\d+/g) ?? []).map(Number);
  const [first = 0, second] = numbers;
  if (second !== undefined) return { least: first, most: second };
  if (bound.startsWith(">=")) return { least: first, most: Number.POSITIVE_INFINITY };
  if (bound.startsWith(">")) return { least: first + 1, most: Number.POSITIVE_INFINITY };
  return { least: 0, most: bound.startsWith("<=") ? first : first - 1 };
}

function timeOf({ hours, weekdays, zone }: NonNullable<RouteConfig["when"]["time"]>): Condition {
  const [, from_hour = "0", from_minute = ":00", to_hour = "24", to_minute = ":00"] =
    hours === undefined ? [] : (HOURS.exec(hours) ?? []);
  const minutes = (hour: string, minute: string) => Number(hour) * 60 + Number(minute.slice(1));
  const days: readonly (typeof WEEKDAYS)[number][] = weekdays ?? WEEKDAYS;
  return {
    of: "time",
    from: minutes(from_hour, from_minute),
    to: Math.min(minutes(to_hour, to_minute), DAY_MINUTES),
    weekdays: days.reduce<number>((bits, day) => bits | (1 << WEEKDAYS.indexOf(day)), 0),
    zone,
  };
}

/** What is wrong with a time zone's name, in words; null for nothing. */
export function zoneFault(zone: string): string | null {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return null;
  } catch {
    return "is no time zone";
  }
}

/** Names that clients may ask for because rules take them, and that are no models of their own. */
export function namesOfRoutes(
  routes: readonly RoutePlan[],
  models: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, readonly RoutePlan[]> {
  const names = new Map<string, RoutePlan[]>();
  for (const route of routes) {
    for (const condition of route.when) {
      if (condition.of !== "model") continue;
      for (const { text, parts } of condition.patterns) {
        if (parts.length > 1 || models.has(text)) continue;
        names.set(text, [...(names.get(text) ?? []), route]);
      }
    }
  }
  return names;
}
