// How long calls took of late: quantiles of the newest rows, which know the durations of their stages.

import type { Database } from "bun:sqlite";
import { STAGES } from "../row.ts";

/** The newest rows that are looked at: enough for a p99, few enough to be read at every look. */
export const ROWS_MAX = 2_000;

/** Quantiles in milliseconds (nearest rank). */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How long the newest calls took; null where none had such a duration. */
export interface Latency {
  /** Calls that were looked at. */
  readonly calls: number;
  /** From asking the provider to the first byte of its answer. */
  readonly first_byte_ms: Quantiles | null;
  /** From the call's arrival to its end. */
  readonly total_ms: Quantiles | null;
}

const at = (stage: (typeof STAGES)[number]) => `rest ->> '$.timings_us[${STAGES.indexOf(stage)}]'`;

/** The latency of the newest calls since a time. */
export function recentLatency(db: Database, since_ms: number): Latency {
  const rows = db
    .query<{ first_byte: number | null; total: number | null }, [number, number]>(
      `SELECT first_byte, total FROM
         (SELECT time, ${at("first_byte")} AS first_byte, ${at("total")} AS total FROM calls ORDER BY seq DESC LIMIT ?)
       WHERE time >= ?`,
    )
    .all(ROWS_MAX, since_ms);
  return {
    calls: rows.length,
    first_byte_ms: quantilesOf(rows.map(({ first_byte }) => first_byte)),
    total_ms: quantilesOf(rows.map(({ total }) => total)),
  };
}

/** Quantiles of durations in microseconds; null of none. */
export function quantilesOf(durations_us: readonly (number | null)[]): Quantiles | null {
  const sorted = durations_us.filter((duration) => duration !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]! / 1_000;
  return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99) };
}
