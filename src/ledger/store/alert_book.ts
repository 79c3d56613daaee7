// The alerts of budgets, recorded in the transaction that records the spending, and of shifts in how models answer; marked when they are delivered.
// So each is sent once, and once more only if the machine fails between the delivery and its mark.

import type { Database, Statement } from "bun:sqlite";
import type { Budget } from "../budgets.ts";
import type { Comparison, ModelDays } from "../quality/shift.ts";
import type { Spender, Spending } from "./spend.ts";
import { periodName, startOf } from "./windows.ts";

/** Alerts are kept for so long after the beginning of their day or month. */
export const KEPT_MS = 62 * 86_400_000;
/** The scope of alerts of shifts. */
const QUALITY = "quality";
/** A shift is told once in so long: what lasts has become usual by then. */
const SHIFT_QUIET_MS = 7 * 86_400_000;
/** Shares of a budget are compared in millionths. */
const SHARE_UNIT = 1_000_000;

/** An alert that waits for its delivery. */
export interface WaitingAlert {
  readonly id: number;
  /** The JSON text to post. */
  readonly body: string;
}

/** An alert: who has spent so much, in which day or month. */
export interface Alert extends Spender {
  readonly share: number;
  /** The JSON text to post. */
  readonly body: string;
}

/** An alert for every share of the budget that the spending has reached. */
export function alertsOf(
  spending: Spending,
  budget: Budget,
  shares: readonly number[],
  now_ms: number,
): Alert[] {
  const { scope, name, user, period, start_ms, nano_usd } = spending;
  const reached = shares.filter(
    (share) => nano_usd * BigInt(SHARE_UNIT) >= budget.nano_usd * BigInt(Math.round(share * SHARE_UNIT)),
  );
  return reached.map((share) => ({
    ...{ scope, name, user, period, start_ms, share },
    body: JSON.stringify({
      alert: "budget",
      ...{ scope, name },
      ...(user === "" ? {} : { user }),
      period,
      window: periodName(period, start_ms),
      share,
      spent_usd: Number(nano_usd) / 1e9,
      limit_usd: Number(budget.nano_usd) / 1e9,
      time: now_ms,
    }),
  }));
}

/** The table of alerts. */
export class AlertBook {
  readonly #add: Statement<unknown, [string, string, string, string, number, number, string]>;
  readonly #next: Statement<WaitingAlert, []>;
  readonly #mark: Statement<unknown, [number, number]>;
  readonly #prune: Statement<unknown, [number]>;
  readonly #shifted: Statement<{ start_ms: number }, [string, string, number]>;

  constructor(db: Database) {
    this.#add = db.query(
      "INSERT INTO alerts (scope, name, user, period, start_ms, share, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#next = db.query("SELECT id, body FROM alerts WHERE sent_ms IS NULL ORDER BY id LIMIT 1");
    this.#mark = db.query("UPDATE alerts SET sent_ms = ? WHERE id = ?");
    this.#shifted = db.query(
      `SELECT start_ms FROM alerts WHERE scope = '${QUALITY}' AND name = ? AND user = ? AND start_ms > ? LIMIT 1`,
    );
    this.#prune = db.query("DELETE FROM alerts WHERE start_ms < ?");
  }

  /** Records an alert, unless it is there already. */
  add({ scope, name, user, period, start_ms, share, body }: Alert): void {
    this.#add.run(scope, name, user, period, start_ms, share, body);
  }

  /** Records that a model answers otherwise than usual; false where that has been told of late. */
  addShift({ provider, model }: ModelDays, shift: Comparison, now_ms: number): boolean {
    const { measure, now, usual, count_now, p } = shift;
    const name = `${provider}/${model}`;
    const day_ms = startOf("day", now_ms);
    if (this.#shifted.get(name, measure, day_ms - SHIFT_QUIET_MS) !== null) return false;
    const told = {
      alert: QUALITY,
      provider,
      model,
      measure,
      now,
      usual,
      answers: count_now,
      p,
      time: now_ms,
    };
    this.#add.run(QUALITY, name, measure, "day", day_ms, 0, JSON.stringify(told));
    return true;
  }

  /** The oldest alert that waits. */
  next(): WaitingAlert | null {
    return this.#next.get();
  }

  /** An alert has been delivered. */
  markSent(id: number, now_ms: number): void {
    this.#mark.run(now_ms, id);
  }

  /** Deletes what is long over, delivered or not. */
  prune(now_ms: number): void {
    this.#prune.run(now_ms - KEPT_MS);
  }
}
