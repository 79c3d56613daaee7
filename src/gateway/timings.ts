// What a call's stages and tries took, as its row has it, and whether the moments of its tries are kept.

import type { AttemptRow, Moments, Timings } from "../ledger/row.ts";
import { isSampled } from "../ledger/trace.ts";
import type { Call } from "./call.ts";
import type { CallEnd } from "./call_row.ts";
import type { Tried } from "./one_try.ts";

/** The stages of a call until now. Every call's has the same shape: those that did not take place are told by the writer as missing. */
export function timingsOf(call: Call): Timings {
  const { arrived_ms, authenticated_ms, body_ms, scanned_ms, routed_ms, asked_ms } = call;
  const { connected_ms, first_byte_ms, overhead_us, queued_first_ms } = call;
  const now_ms = performance.now();
  const judged_ms = judgedMs(call);
  return {
    total: microseconds(arrived_ms, now_ms),
    auth: microseconds(arrived_ms, authenticated_ms),
    body: microseconds(authenticated_ms, body_ms),
    scan: microseconds(body_ms, scanned_ms),
    connect: microseconds(asked_ms, connected_ms),
    first_byte: microseconds(connected_ms, first_byte_ms),
    overhead: overhead_us === null ? undefined : Math.round(overhead_us),
    queue: call.queued_ms > 0 ? Math.round(call.queued_ms * 1_000) : undefined,
    route: microseconds(scanned_ms || authenticated_ms, routed_ms),
    privacy: microseconds(routed_ms, call.redacted_ms),
    guards: microseconds(call.redacted_ms || routed_ms, call.guarded_ms),
    cache: microseconds(judged_ms, call.looked_ms),
    admit: microseconds((call.looked_ms || judged_ms) + queued_first_ms, asked_ms),
    answer: microseconds(first_byte_ms, now_ms),
  };
}

/** When all had been looked at that may keep a request from being answered. */
export function judgedMs({ guarded_ms, redacted_ms, routed_ms }: Call): number {
  return guarded_ms || redacted_ms || routed_ms;
}

/** From one moment to another, where both have come. */
function microseconds(start_ms: number, end_ms: number): number | undefined {
  return start_ms > 0 && end_ms >= start_ms ? Math.round((end_ms - start_ms) * 1_000) : undefined;
}

/**
 * Whether the trace of a call is kept whole: what failed, was slow, was tried more than once, or is kept by its client, always;
 * of all others a share.
 */
export function isKept(call: Call, { status, code }: CallEnd, { total }: Timings): boolean {
  // It is under way yet.
  if (total === undefined) return false;
  const { sample, slow_us } = call.plan.telemetry;
  const { trace } = call;
  const is_notable = code !== null || status >= 400 || total > slow_us || call.tries.length > 1;
  if (is_notable || trace?.is_sampled === true) return true;
  // The last digits of an id are those of the trace that is made of it.
  return sample > 0 && isSampled(trace?.trace_id ?? call.ledger_id, sample);
}

/** The tries with their moments. */
export function triesOf({ tries, arrived_ms }: Call, { total = 0 }: Timings): readonly AttemptRow[] {
  return tries.map(({ provider, model, outcome, times, ended_ms }): AttemptRow => {
    if (times === null || times.started_ms === 0) return { provider, model, outcome };
    const ended = ended_ms > 0 ? Math.round((ended_ms - arrived_ms) * 1_000) : total;
    return { provider, model, outcome, moments_us: momentsOf(times, arrived_ms, ended) };
  });
}

function momentsOf(times: NonNullable<Tried["times"]>, arrived_ms: number, ended: number): Moments {
  const after = (moment_ms: number) => Math.max(0, Math.round((moment_ms - arrived_ms) * 1_000));
  const started = after(times.started_ms);
  return {
    started,
    connected: times.connected_ms > 0 ? after(times.connected_ms) : null,
    first_byte: times.first_byte_ms > 0 ? after(times.first_byte_ms) : null,
    ended: Math.max(started, ended),
  };
}
