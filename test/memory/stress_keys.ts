// What the processes of the stress test and the test itself agree on.

import { CounterKey } from "../../src/memory/counter_key.ts";

const HOUR_MS = 3_600_000;

/** Counters that everybody uses all the time. */
export const HOT_KEYS = 20;
/** Counters in their neighbourhood that come and go, more than there is room for. */
export const CHURN_KEYS = 300;
/** Counters that all processes make, one after another. */
export const FRESH_KEYS = 20_000;
/** What one counter admits. */
export const ADMIT_MAX = 5_000;

/** Words of a process' notes: events whose push has returned; the number of a call before which all are over. */
export const NOTE_PUSHED = 0;
export const NOTE_CALL = 16;

/** What a process has done. */
export interface Tally {
  readonly hot: number[];
  readonly fresh: number[];
  admitted: number;
  refused: number;
  pushed: number;
}

/** Time that passes fifty times as fast as the host's, so that counters become idle while the test runs. */
export function nowMs(): number {
  return Date.now() * 50;
}

export function hotKey(name: number): CounterKey {
  return new CounterKey([name & 3, name, 1, 1], 1_000 * HOUR_MS);
}

export function churnKey(name: number): CounterKey {
  return new CounterKey([name & 3, name, 2, 2], 1_000);
}

export function freshKey(name: number): CounterKey {
  return new CounterKey([200 + ((Math.imul(name, 0x9e3779b1) >>> 7) % 60_000), name, 3, 3], 1_000 * HOUR_MS);
}

export function gaugeKey(): CounterKey {
  return new CounterKey([30_000, 0, 4, 4], HOUR_MS, true);
}

export function admissionKey(): CounterKey {
  return new CounterKey([40_000, 0, 5, 5], 1_000 * HOUR_MS);
}
