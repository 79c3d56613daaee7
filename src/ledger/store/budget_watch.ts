// Which budgets there are, and what of what was spent is to be told: the same wherever spending is kept.

import type { Budget } from "../budgets.ts";
import type { LedgerSettings } from "../settings.ts";
import { type Alert, alertsOf } from "./alert_book.ts";
import type { Spender, Spending } from "./spend.ts";

/** The budgets that spending is compared with. */
export class BudgetWatch {
  /** By scope, name and period. */
  #budgets: ReadonlyMap<string, Budget> = new Map();
  #shares: readonly number[] = [];

  /** Takes other budgets and shares. */
  configure({ budgets, alerts }: LedgerSettings): void {
    this.#budgets = new Map(budgets.map((budget) => [budgetKey(budget), budget]));
    this.#shares = alerts?.at ?? [];
  }

  /** Whose spending is compared. */
  get budgets(): Iterable<Budget> {
    return this.#shares.length === 0 ? [] : this.#budgets.values();
  }

  /** Whether users of a key are counted. */
  readonly countsUsers = (key: string): boolean =>
    this.#budgets.has(budgetKey({ scope: "user", name: key, period: "day" })) ||
    this.#budgets.has(budgetKey({ scope: "user", name: key, period: "month" }));

  /** Whether somebody is to be told when this one has spent a share of his budget. */
  isWatched(spender: Spender): boolean {
    return this.#shares.length > 0 && this.#budgets.has(budgetKey(spender));
  }

  /** What is to be told of what was spent, though it may have been told before. */
  alertsOf(spendings: readonly Spending[], now_ms: number): Alert[] {
    return spendings.flatMap((spending) => {
      const budget = this.#budgets.get(budgetKey(spending));
      return budget === undefined ? [] : alertsOf(spending, budget, this.#shares, now_ms);
    });
  }
}

function budgetKey({ scope, name, period }: Pick<Budget, "scope" | "name" | "period">): string {
  return `${scope}\0${name}\0${period}`;
}
