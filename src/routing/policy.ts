// The policy table: the first rule whose conditions all hold for a request says which model it goes to. What a condition asks about
// is worked out when it is asked, so that a table that looks at names alone never looks into a prompt.

import { isMeant, type NamePattern } from "../config/name_pattern.ts";
import type { NeedBits } from "../config/needs.ts";
import type { ArmPlan, Complexity, Condition, RoutePlan, WordField } from "../config/routes.ts";
import { inAffinityOrder } from "./affinity.ts";
import { holdsRegion } from "./region.ts";
import { localTime } from "./time_of_day.ts";

/** A request as rules see it. What is null is not there, or nobody can tell; no condition on it holds. */
export interface RouteSubject extends Readonly<Record<WordField, string | null>> {
  readonly region: string | null;
  readonly tags: Readonly<Record<string, string>>;
  header(name: string): string | null;
  readonly needs: NeedBits | null;
  readonly prompt_tokens: number | null;
  /** The prompt's, and those that the answer may have. */
  readonly context_tokens: number | null;
  readonly complexity: Complexity | null;
  /** When it came, in milliseconds since 1970. */
  readonly time_ms: number;
  /** Who always gets the same of what is split. */
  readonly caller: string;
  /** What callers are told apart by. */
  readonly sticky_by: string;
}

/** What a table decided. */
export interface RouteChoice {
  readonly route: RoutePlan;
  readonly arm: ArmPlan;
}

/** The first rule that holds for a request, and the model that it gives; null where none does. */
export function chooseRoute(routes: readonly RoutePlan[], subject: RouteSubject): RouteChoice | null {
  for (const route of routes)
    if (unmetCondition(route, subject) === null) return { route, arm: armOf(route, subject) };
  return null;
}

/** The first condition of a rule that does not hold for a request; null where all do. */
export function unmetCondition(route: RoutePlan, subject: RouteSubject): Condition | null {
  for (const condition of route.when) if (!holds(condition, subject)) return condition;
  return null;
}

/** The model that a rule gives to a caller: the same at every call, and to all callers by their shares. */
export function armOf({ name, arms }: RoutePlan, subject: RouteSubject): ArmPlan {
  if (arms.length === 1) return arms[0]!;
  // Each rule draws for itself: who is in one test's smaller arm is in another's as anybody is.
  const affinity = JSON.stringify([name, subject.caller]);
  return inAffinityOrder(
    arms,
    affinity,
    ({ model }) => model,
    ({ weight }) => weight,
  )[0]!;
}

function holds(condition: Condition, subject: RouteSubject): boolean {
  switch (condition.of) {
    case "region": {
      const { region } = subject;
      return (
        region !== null &&
        condition.patterns.some((one) => isMeant(one, region) || holdsRegion(one.text, region))
      );
    }
    case "tag":
      return holdsTag(subject.tags, condition.name, condition.value);
    case "header":
      return isAnyMeant(condition.patterns, subject.header(condition.name));
    case "time":
      return isWithin(condition, subject.time_ms);
    case "needs": {
      const { needs } = subject;
      return needs !== null && (needs & condition.needs) === condition.needs;
    }
    case "prompt_tokens":
    case "context_tokens": {
      const count = subject[condition.of];
      return count !== null && count >= condition.least && count <= condition.most;
    }
    case "complexity": {
      const { complexity } = subject;
      return complexity !== null && condition.classes.includes(complexity);
    }
    default:
      return isAnyMeant(condition.patterns, subject[condition.of]);
  }
}

function isAnyMeant(patterns: readonly NamePattern[], name: string | null): boolean {
  if (name === null) return false;
  for (const pattern of patterns) if (isMeant(pattern, name)) return true;
  return false;
}

function holdsTag(tags: RouteSubject["tags"], name: string, value: NamePattern | null): boolean {
  if (!Object.hasOwn(tags, name)) return false;
  return value === null || isMeant(value, tags[name]!);
}

/** Over midnight, what comes after it belongs to the day before. */
function isWithin(
  { from, to, weekdays, zone }: Extract<Condition, { readonly of: "time" }>,
  time_ms: number,
): boolean {
  const { weekday, minute } = localTime(zone, time_ms);
  const isOn = (day: number) => (weekdays & (1 << day)) !== 0;
  if (from < to) return isOn(weekday) && minute >= from && minute < to;
  return (minute >= from && isOn(weekday)) || (minute < to && isOn((weekday + 6) % 7));
}
