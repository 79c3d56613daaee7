// What the ledger's writer needs of a configuration, and nothing else of it: plain data that goes to its thread.

import type { ResolvedConfig } from "../config/schema.ts";
import { type Budget, budgetsOf } from "./budgets.ts";

/** The settings of the ledger's writer. */
export interface LedgerSettings {
  readonly ledger: ResolvedConfig["ledger"];
  readonly alerts: ResolvedConfig["alerts"] | null;
  readonly budgets: readonly Budget[];
  /** Whether it is looked for shifts in how models answer. */
  readonly watches_quality: boolean;
  /** The collector that rows go to where `ledger.store` says so. */
  readonly otlp: NonNullable<ResolvedConfig["telemetry"]["otlp"]> | null;
}

/** The settings of a configuration; `more` are budgets that it does not have, such as those of keys made by command. */
export function ledgerSettings(config: ResolvedConfig, more: readonly Budget[] = []): LedgerSettings {
  const { answers_per_s, similarity } = config.telemetry.quality;
  return {
    ...{ ledger: config.ledger, alerts: config.alerts ?? null, otlp: config.telemetry.otlp ?? null },
    budgets: [...budgetsOf(config), ...more],
    watches_quality: answers_per_s > 0 || similarity,
  };
}
