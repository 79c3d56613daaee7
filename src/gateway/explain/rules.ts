// What the policy table says of a request, rule by rule: why each does not hold, and what the first gives that does.

import { needNames } from "../../config/needs.ts";
import type { Condition, RoutePlan } from "../../config/routes.ts";
import { WEEKDAYS } from "../../config/routes.ts";
import { chooseRoute, type RouteSubject, unmetCondition } from "../../routing/policy.ts";
import { localTime } from "../../routing/time_of_day.ts";

/** A rule, as far as it was read. */
export interface RuleReport {
  readonly name: string;
  readonly holds: boolean;
  /** Which condition does not hold, and what is so instead; null where all hold. */
  readonly why: string | null;
}

/** What the table decided. */
export interface RoutingReport {
  /** As far as the table was read: up to the rule that holds. */
  readonly rules: readonly RuleReport[];
  /** Null: no rule holds. */
  readonly route: string | null;
  /** The model that it gives. */
  readonly model: string | null;
  /** The shares of a test, and what a caller is told apart by. */
  readonly split: { readonly shares: Readonly<Record<string, number>>; readonly sticky_by: string } | null;
}

/** Reads the table for a request. */
export function reportRules(routes: readonly RoutePlan[], subject: RouteSubject): RoutingReport {
  const choice = chooseRoute(routes, subject);
  const end = choice === null ? routes.length : routes.indexOf(choice.route) + 1;
  const rules = routes.slice(0, end).map((route): RuleReport => {
    const unmet = unmetCondition(route, subject);
    return {
      name: route.name,
      holds: unmet === null,
      why: unmet === null ? null : unmetText(unmet, subject),
    };
  });
  if (choice === null) return { rules, route: null, model: null, split: null };
  const { route, arm } = choice;
  const total = route.arms.reduce((sum, { weight }) => sum + weight, 0);
  const shares = Object.fromEntries(route.arms.map(({ model, weight }) => [model, weight / total]));
  const split = route.arms.length === 1 ? null : { shares, sticky_by: subject.sticky_by };
  return { rules, route: route.name, model: arm.model, split };
}

/** What is so in place of a condition. What rules say of other callers, and of what headers hold, is nobody's business. */
function unmetText(condition: Condition, subject: RouteSubject): string {
  switch (condition.of) {
    case "tenant":
    case "team":
    case "key":
      return `it is for other ${condition.of}s than ${shown(subject[condition.of])}`;
    case "header": {
      const is_there = subject.header(condition.name) !== null;
      return is_there ? `the header ${condition.name} is another` : `there is no header ${condition.name}`;
    }
    case "tag": {
      const value = condition.value === null ? "" : `=${condition.value.text}`;
      return `the tag ${condition.name}${value} is not among ${shownTags(subject.tags)}`;
    }
    case "time": {
      const { weekday, minute } = localTime(condition.zone, subject.time_ms);
      return `it is ${WEEKDAYS[weekday]} ${clock(minute)} in ${condition.zone}, and must be ${timeText(condition)}`;
    }
    case "needs":
      return `the request needs ${listText(needNames(subject.needs ?? 0))}, and must need ${listText(needNames(condition.needs))}`;
    case "prompt_tokens":
    case "context_tokens": {
      const tokens = subject[condition.of];
      const most = condition.most === Number.POSITIVE_INFINITY ? "or more" : `to ${condition.most}`;
      return `${condition.of} is ${tokens ?? "not known"}, and must be ${condition.least} ${most}`;
    }
    case "complexity":
      return `the prompt looks ${subject.complexity ?? "like nothing that can be read"}, and must look ${condition.classes.join(" or ")}`;
    default: {
      const wanted = condition.patterns.map(({ text }) => text).join(" or ");
      return `${condition.of} is ${shown(subject[condition.of])}, and must be ${wanted}`;
    }
  }
}

function shown(word: string | null): string {
  return word === null ? "not given" : JSON.stringify(word.slice(0, 200));
}

function shownTags(tags: RouteSubject["tags"]): string {
  const all = Object.entries(tags).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  return all.length === 0 ? "the request's, which has none" : `the request's: ${all.join(", ")}`;
}

function listText(names: readonly string[]): string {
  return names.length === 0 ? "nothing of the kind" : names.join(", ");
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

function timeText({ from, to, weekdays }: Extract<Condition, { readonly of: "time" }>): string {
  const days = WEEKDAYS.filter((_, index) => (weekdays & (1 << index)) !== 0);
  const hours = `${clock(from)} to ${clock(to)}`;
  return days.length === WEEKDAYS.length ? hours : `${days.join(", ")} ${hours}`;
}
