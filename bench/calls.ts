// Plain calls against every target in turn: the measurement that several parts share.

import type { LoadOrder } from "./load_order.ts";
import { type Case, inTurn, load, orderFor, type Stage } from "./part.ts";

/** CPU per call, calls per second and latencies of one row, the order changed as the row wants. */
export function measureCalls(stage: Stage, row: string, changes: Partial<LoadOrder>): Promise<Case[]> {
  return inTurn(stage, row, async (target, is_warm_up) => {
    const seconds = is_warm_up ? stage.sizes.warm_seconds : stage.sizes.seconds;
    const order = orderFor(stage, target, { ...changes, seconds });
    const { result, cpu_ms, fault } = await load(stage, target, order);
    const { p50_us, p99_us } = result.latency;
    const cpu_us = (cpu_ms * 1000) / result.calls;
    const values = { cpu_us, calls_per_s: result.calls_per_s, p50_us, p99_us };
    return { values, fault, raw: { ...result, cpu_ms } };
  });
}
