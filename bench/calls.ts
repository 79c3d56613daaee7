// Plain calls against every target in turn: the measurement that several parts share.

import type { LoadOrder } from "./load_order.ts";
import { type Case, inTurn, load, orderFor, type Stage } from "./part.ts";
import { VENTURI } from "./targets.ts";

/** What is different for Venturi. */
export interface Ours {
  /** A model of its configuration that does more than relay. */
  readonly model?: string;
  /** Its answers are kept: after the warm-up the provider sees none of the calls. */
  readonly is_kept?: boolean;
}

/** CPU per call, calls per second and latencies of one row, the order changed as the row wants. */
export function measureCalls(
  stage: Stage,
  row: string,
  changes: Partial<LoadOrder>,
  { model, is_kept = false }: Ours = {},
): Promise<Case[]> {
  return inTurn(stage, row, async (target, is_warm_up) => {
    const is_ours = target.name === VENTURI.name;
    const seconds = is_warm_up ? stage.sizes.warm_seconds : stage.sizes.seconds;
    const own = is_ours && model !== undefined ? { model } : {};
    const order = orderFor(stage, target, { ...changes, ...own, seconds });
    const { result, cpu_ms, fault } = await load(stage, target, order, (calls) =>
      is_ours && is_kept ? 0 : calls,
    );
    const { p50_us, p99_us } = result.latency;
    const cpu_us = (cpu_ms * 1000) / result.calls;
    const values = { cpu_us, calls_per_s: result.calls_per_s, p50_us, p99_us };
    return { values, fault, raw: { ...result, cpu_ms } };
  });
}
