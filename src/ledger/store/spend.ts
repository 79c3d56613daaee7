// Money by who spent it, in days and months: what budgets are compared with. Changed in the transaction that writes the rows.
// Users are counted for keys that have a budget for each user, from when they have it; the others always, so that a budget
// that is made in the middle of a month knows its beginning.

import type { Database, Statement } from "bun:sqlite";
import type { BudgetScope } from "../budgets.ts";
import type { Names } from "../row_reader.ts";
import type { Money } from "./money.ts";
import { type Period, periodStart } from "./windows.ts";

/** How long spending of a day and of a month is kept after its beginning. */
const KEPT_MS: Readonly<Record<Period, number>> = { day: 3 * 86_400_000, month: 62 * 86_400_000 };
const PERIODS: readonly Period[] = ["day", "month"];

/** What somebody has spent in a day or month. */
export interface Spending {
  readonly scope: BudgetScope;
  readonly name: string;
  /** Of the scope `user`; else empty. */
  readonly user: string;
  readonly period: Period;
  readonly start_ms: number;
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
  readonly #add: Statement<{ nano_usd: bigint }, [string, string, string, string, number, bigint]>;
  readonly #of: Statement<{ user: string; nano_usd: bigint }, [string, string, string, number]>;
  readonly #prune: Statement<unknown, [string, number]>;

  constructor(db: Database) {
    this.#add = db.query<{ nano_usd: bigint }, [string, string, string, string, number, bigint]>(
      "INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET nano_usd = nano_usd + excluded.nano_usd RETURNING nano_usd",
    );
    this.#of = db.query<{ user: string; nano_usd: bigint }, [string, string, string, number]>(
      "SELECT user, nano_usd FROM spend WHERE scope = ? AND name = ? AND period = ? AND start_ms = ?",
    );
    this.#add.safeIntegers(true);
    this.#of.safeIntegers(true);
    this.#prune = db.query("DELETE FROM spend WHERE period = ? AND start_ms < ?");
  }

  /**
   * Adds what a batch cost, by its names and days; gives what everybody in it has spent now. `counts_users` says of which keys
   * users are counted.
   */
  add(costs: Iterable<CostOfNames>, counts_users: (key: string) => boolean): Spending[] {
    const batch = new Map<string, Omit<Spending, "nano_usd"> & { nano_usd: bigint }>();
    const count = ({ day_ms, cost }: CostOfNames, scope: BudgetScope, name: string | null, user = "") => {
      if (name === null) return;
      for (const period of PERIODS) {
        const start_ms = periodStart(period, day_ms);
        const key = [scope, name, user, period, start_ms].join("\0");
        let one = batch.get(key);
        if (one === undefined) {
          one = { scope, name, user, period, start_ms, nano_usd: 0n };
          batch.set(key, one);
        }
        one.nano_usd += cost.total;
      }
    };
    for (const cost of costs) {
      if (cost.cost.is_zero) continue;
      const { tenant, team, key, user, model } = cost.names;
      count(cost, "key", key);
      count(cost, "tenant", tenant);
      count(cost, "team", team === null ? null : `${tenant}/${team}`);
      count(cost, "model", model);
      if (user !== null && key !== null && counts_users(key)) count(cost, "user", key, user);
    }
    return [...batch.values()].map((one) => {
      const { scope, name, user, period, start_ms, nano_usd } = one;
      return { ...one, nano_usd: this.#add.get(scope, name, user, period, start_ms, nano_usd)!.nano_usd };
    });
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
