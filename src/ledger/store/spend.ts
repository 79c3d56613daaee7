// Money by who spent it, in days and months: what budgets are compared with. Changed in the transaction that writes the rows.
// Users are counted for keys that have a budget for each user, from when they have it; the others always, so that a budget
// that is made in the middle of a month knows its beginning.

import type { Database, Statement } from "bun:sqlite";
import type { BudgetScope } from "../budgets.ts";
import { isNobodys } from "../row.ts";
import type { Names } from "../row_reader.ts";
import { Money } from "./money.ts";
import { type Period, periodStart } from "./windows.ts";

/** How long spending of a day and of a month is kept after its beginning. */
export const KEPT_MS: Readonly<Record<Period, number>> = { day: 3 * 86_400_000, month: 62 * 86_400_000 };
/** The periods that spending is counted in. */
export const PERIODS: readonly Period[] = ["day", "month"];

/** Who spends, in a day or month. */
export interface Spender {
  readonly scope: BudgetScope;
  readonly name: string;
  /** Of the scope `user`; else empty. */
  readonly user: string;
  readonly period: Period;
  readonly start_ms: number;
}

/** What somebody has spent in a day or month. */
export interface Spending extends Spender {
  readonly nano_usd: bigint;
}

/** What rows of a day cost that have the same names. */
export interface CostOfNames {
  readonly names: Names;
  readonly day_ms: number;
  readonly cost: Money;
}

/** The table of spending. */
export class Spend {
  readonly #add: Statement<unknown, [string, string, string, string, number, number | bigint]>;
  readonly #by: Statement<{ nano_usd: bigint }, [string, string, string, string, number]>;
  readonly #of: Statement<{ user: string; nano_usd: bigint }, [string, string, string, number]>;
  readonly #prune: Statement<unknown, [string, number]>;

  constructor(db: Database) {
    this.#add = db.query(
      "INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET nano_usd = nano_usd + excluded.nano_usd",
    );
    this.#by = db.query(
      "SELECT nano_usd FROM spend WHERE scope = ? AND name = ? AND user = ? AND period = ? AND start_ms = ?",
    );
    this.#of = db.query<{ user: string; nano_usd: bigint }, [string, string, string, number]>(
      "SELECT user, nano_usd FROM spend WHERE scope = ? AND name = ? AND period = ? AND start_ms = ?",
    );
    this.#by.safeIntegers(true);
    this.#of.safeIntegers(true);
    this.#prune = db.query("DELETE FROM spend WHERE period = ? AND start_ms < ?");
  }

  /**
   * Adds what a batch cost, by its names and days; gives who has spent more than before, and when. `counts_users` says of which
   * keys users are counted.
   */
  add(costs: Iterable<CostOfNames>, counts_users: (key: string) => boolean): Spender[] {
    const spenders: Spender[] = [];
    for (const { spender, cost } of spendersOf(costs, counts_users)) {
      const { scope, name, user, period, start_ms } = spender;
      this.#add.run(scope, name, user, period, start_ms, cost.sum);
      spenders.push(spender);
    }
    return spenders;
  }

  /** What one of those who spend has spent. */
  by(spender: Spender): Spending {
    const { scope, name, user, period, start_ms } = spender;
    const nano_usd = this.#by.get(scope, name, user, period, start_ms)?.nano_usd ?? 0n;
    return { ...spender, nano_usd };
  }

  /** What was spent in the day or month that began then; of the scope `user`, by each user of the key. */
  of(scope: BudgetScope, name: string, period: Period, start_ms: number): Spending[] {
    return this.#of
      .all(scope, name, period, start_ms)
      .map(({ user, nano_usd }) => ({ scope, name, user, period, start_ms, nano_usd }));
  }

  /** Deletes what is long over. */
  prune(now_ms: number): void {
    for (const period of PERIODS) this.#prune.run(period, now_ms - KEPT_MS[period]);
  }
}

interface DayCost {
  readonly scope: BudgetScope;
  readonly name: string;
  readonly user: string;
  readonly day_ms: number;
  readonly cost: Money;
}

/** What somebody spends more in a day or month. */
export interface Expense {
  readonly spender: Spender;
  readonly cost: Money;
}

/** What a batch costs whom, in days and months; each spender once. `counts_users` says of which keys users are counted. */
export function spendersOf(
  costs: Iterable<CostOfNames>,
  counts_users: (key: string) => boolean,
): Iterable<Expense> {
  const found = new Map<string, Expense>();
  for (const { scope, name, user, day_ms, cost } of dayCosts(costs, counts_users)) {
    for (const period of PERIODS) {
      const start_ms = periodStart(period, day_ms);
      const id = `${scope}\0${name}\0${user}\0${period}${start_ms}`;
      const one = found.get(id) ?? { spender: { scope, name, user, period, start_ms }, cost: new Money() };
      found.set(id, one);
      one.cost.addAll(cost);
    }
  }
  return found.values();
}

/** What a batch cost, by everybody in it and day. */
function dayCosts(costs: Iterable<CostOfNames>, counts_users: (key: string) => boolean): Iterable<DayCost> {
  const found = new Map<string, DayCost>();
  for (const { names, day_ms, cost } of costs) {
    // What candidates and replays cost is under nobody's budget.
    if (cost.is_zero || isNobodys(names.tenant)) continue;
    const count = (scope: BudgetScope, name: string, user: string) => {
      const id = `${scope}\0${name}\0${user}\0${day_ms}`;
      let one = found.get(id);
      if (one === undefined) {
        one = { scope, name, user, day_ms, cost: new Money() };
        found.set(id, one);
      }
      one.cost.addAll(cost);
    };
    const { tenant, team, key, user, model } = names;
    count("tenant", tenant, "");
    if (key !== null) count("key", key, "");
    if (team !== null) count("team", `${tenant}/${team}`, "");
    if (model !== null) count("model", model, "");
    if (user !== null && key !== null && counts_users(key)) count("user", key, user);
  }
  return found.values();
}
