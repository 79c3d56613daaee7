// What is deleted of a ledger in Postgres, and when: rows, and rollups of minutes and hours, by age. Every host tries; one at a time
// does it, in steps that others do not wait long for.

import type { Database } from "../../postgres/database.ts";
import { KEPT_MS as ALERTS_KEPT_MS } from "../store/alert_book.ts";
import { PERIODS, KEPT_MS as SPEND_KEPT_MS } from "../store/spend.ts";
import { keptSince } from "../store/windows.ts";

/** Rows of one step. */
const STEP_ROWS = 5_000;
const DAY_MS = 86_400_000;

/** Deletes what is too old. `mayGoOn` is asked before each step. It throws `DatabaseFault`. */
export async function cleanPostgres(
  db: Database,
  retention_days: number,
  now_ms: number,
  mayGoOn: () => boolean,
): Promise<void> {
  const steps: [text: string, ...values: (number | string)[]][] = [
    [
      'DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE "time" < ? ORDER BY "time" LIMIT ?)',
      ...[now_ms - retention_days * DAY_MS, STEP_ROWS],
    ],
    ...(["minute", "hour"] as const).map((level): [string, ...number[]] => [
      `DELETE FROM rollup_${level} WHERE (start_ms, group_id) IN
         (SELECT start_ms, group_id FROM rollup_${level} WHERE start_ms < ? ORDER BY start_ms LIMIT ?)`,
      ...[keptSince(level, now_ms), STEP_ROWS],
    ]),
    ...PERIODS.map((period): [string, ...(number | string)[]] => [
      `DELETE FROM spend WHERE (scope, period, start_ms, digest) IN
         (SELECT scope, period, start_ms, digest FROM spend WHERE period = ? AND start_ms < ? LIMIT ?)`,
      ...[period, now_ms - SPEND_KEPT_MS[period], STEP_ROWS],
    ]),
    [
      `DELETE FROM alerts WHERE (scope, period, start_ms, digest, share) IN
         (SELECT scope, period, start_ms, digest, share FROM alerts WHERE start_ms < ? LIMIT ?)`,
      ...[now_ms - ALERTS_KEPT_MS, STEP_ROWS],
    ],
  ];
  for (const [text, ...values] of steps) {
    while (mayGoOn()) {
      const deleted = await db.transact(async (tx) => {
        if (!(await tx.tryLock("clean"))) return 0;
        const [found] = await tx.ask(
          `WITH gone AS (${text} RETURNING 1) SELECT count(*) AS count FROM gone`,
          ...values,
        );
        return Number(found?.["count"]);
      });
      if (deleted < STEP_ROWS) break;
    }
  }
}
