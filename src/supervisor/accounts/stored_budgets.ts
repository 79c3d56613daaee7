// The budgets of stored keys, which the configuration does not know of: what spending is compared with, to alert in time.

import { compileKey } from "../../access/key_record.ts";
import type { KeyStore } from "../../access/key_store.ts";
import type { ClientKey, Plan } from "../../config/plan.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import { type Budget, budgetsOfLimits } from "../../ledger/budgets.ts";

/** The callers that stored keys stand for, one for each key that is not revoked. */
export function storedCallers(keys: KeyStore | null, plan: Plan): readonly ClientKey[] {
  const records = [...(keys?.list() ?? [])].filter(({ revoked_ms }) => revoked_ms === null);
  return records.flatMap((record) =>
    record.secrets.slice(0, 1).map((secret) => compileKey(record, secret, plan)),
  );
}

/** The budgets of all stored keys that are not revoked. */
export function storedBudgets(keys: KeyStore | null, config: ResolvedConfig): readonly Budget[] {
  const budgets: Budget[] = [];
  for (const { name, tier, limits, per_user, revoked_ms } of keys?.list() ?? []) {
    if (revoked_ms !== null) continue;
    const own = limits ?? (tier === null ? undefined : config.tiers[tier]?.limits);
    budgets.push(...budgetsOfLimits("key", name, own));
    budgets.push(...budgetsOfLimits("user", name, per_user ?? undefined));
  }
  return budgets;
}
