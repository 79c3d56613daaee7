// Budgets: how much money a key, each user of a key, a team, a tenant or a model may use in a day or month.
// They are enforced where calls are admitted; here they are what spending is compared with, to alert somebody in time.

import { nanoOf } from "../config/limits.ts";
import type { LimitsConfig, ResolvedConfig } from "../config/schema.ts";
import type { Period } from "./store/windows.ts";

/** What a budget is of; `user` is each user of a key. */
export type BudgetScope = "key" | "user" | "team" | "tenant" | "model";

/** A budget. */
export interface Budget {
  readonly scope: BudgetScope;
  /** The key's name, of `user` too; `tenant/team`; the tenant's name; the model's as clients ask for it. */
  readonly name: string;
  readonly period: Period;
  readonly nano_usd: bigint;
}

/** The budgets of limits. */
export function budgetsOfLimits(
  scope: BudgetScope,
  name: string,
  limits: LimitsConfig | undefined,
): Budget[] {
  const budgets: Budget[] = [];
  const add = (period: Period, nano_usd: bigint | null) => {
    if (nano_usd !== null) budgets.push({ scope, name, period, nano_usd });
  };
  add("day", nanoOf(limits?.usd_per_day));
  add("month", nanoOf(limits?.usd_per_month));
  return budgets;
}

/** The budgets of a configuration. */
export function budgetsOf(config: ResolvedConfig): Budget[] {
  const named = (scope: BudgetScope, all: Readonly<Record<string, { limits?: LimitsConfig | undefined }>>) =>
    Object.entries(all).flatMap(([name, { limits }]) => budgetsOfLimits(scope, name, limits));
  return [
    ...config.keys.flatMap(({ name, limits, tier, per_user }) => [
      // As the Plan has it: a tier's limits hold where the key says nothing.
      ...budgetsOfLimits(
        "key",
        name,
        limits ?? (tier === undefined ? undefined : config.tiers[tier]?.limits),
      ),
      ...budgetsOfLimits("user", name, per_user),
    ]),
    ...named("tenant", config.tenants),
    ...named("team", config.teams),
    ...named("model", config.models),
  ];
}
