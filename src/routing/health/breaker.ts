// A circuit breaker in one shared word: its phase, and until when that lasts, so that every change is one compare-and-swap and no
// two processes ever disagree on who may probe. (Nygard, "Release It!", "Circuit Breaker".)

import type { BreakerPlan } from "../../config/plan.ts";

/** Calls go through. The word's time says when it closed, for the slow start; 0 is a breaker that never was open. */
export const CLOSED = 0;
/** Calls pass it by until the word's time; then one of them probes. */
export const OPEN = 1;
/** Somebody probes. When the word's time has come and nothing was heard of the probe, the next call may. */
export const PROBING = 2;
/** Open because of a drill: it closes with the drill. */
export const DRILLED = 3;

/** A phase. */
export type Phase = typeof CLOSED | typeof OPEN | typeof PROBING | typeof DRILLED;

/** How long a prober may take before another call may probe as well, in milliseconds. */
export const PROBE_LEASE_MS = 30_000;

/** Times are counted in units of 64 ms with 30 bits: they come round after two years. */
const UNIT_MS = 64;
const PHASE_MASK = 3;

/** The word of a phase until (or since) a moment. */
export function breakerWord(phase: Phase, at_ms: number): number {
  return (Math.ceil(at_ms / UNIT_MS) << 2) | phase;
}

/** The word of a phase whose time has come. */
export function dueWord(phase: Phase, now_ms: number): number {
  return breakerWord(phase, now_ms - UNIT_MS);
}

/** Its phase. */
export function phaseOf(word: number): Phase {
  return (word & PHASE_MASK) as Phase;
}

/** How far the word's time lies in the future, in milliseconds; below 0, how long ago it was. */
export function leftMs(word: number, now_ms: number): number {
  const now = Math.floor(now_ms / UNIT_MS) << 2;
  return (((word & ~PHASE_MASK) - now) >> 2) * UNIT_MS;
}

/** Whether failures are enough to open. */
export function isEnough(
  plan: BreakerPlan,
  in_row: number,
  { calls, failures }: { readonly calls: number; readonly failures: number },
): boolean {
  return in_row >= plan.failures || (calls >= plan.min_calls && failures >= calls * plan.share);
}

/** How long to rest after so many openings without a recovery in between, in milliseconds: twice as long each time. */
export function restMs(plan: BreakerPlan, openings: number): number {
  return Math.min(plan.rest_ms * 2 ** Math.max(0, Math.min(openings, 30) - 1), plan.rest_max_ms);
}

/** The share of its calls that a target gets: grows while it starts slowly, from a tenth to 1. */
export function startShare(plan: BreakerPlan, word: number, now_ms: number): number {
  if (word === 0 || phaseOf(word) !== CLOSED || plan.slow_start_ms === 0) return 1;
  const since_ms = -leftMs(word, now_ms);
  // What lies in the future was written by a process whose clock reading is a little later; what is long ago is over.
  return since_ms >= plan.slow_start_ms ? 1 : Math.max(0.1, since_ms / plan.slow_start_ms);
}
