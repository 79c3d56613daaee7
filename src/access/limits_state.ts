// How far every limit is used up at the moment: for whoever runs the gateway.

import type { ClientKey, Plan } from "../config/plan.ts";
import { heldIn } from "../memory/gauge.ts";
import type { LimitSet } from "./limit_set.ts";
import { limitsOfCaller, limitsOfModel, limitsOfProviderKey } from "./limits.ts";
import type { ReservationTools } from "./reservation.ts";
import { emptyAtMs, slotAt, usedIn } from "./sliding_window.ts";

/** The state of one limit. Money is in US dollars. */
export interface LimitState {
  readonly scope: string;
  readonly name: string;
  readonly of: "requests" | "tokens" | "concurrency" | "usd";
  /** Of windows their length in seconds, of money the period. */
  readonly window: number | "day" | "month" | null;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Seconds until nothing is used any more, unless more is; null where time changes nothing. */
  readonly reset_s: number | null;
}

/** The state of all limits of a Plan and of keys besides it; users' limits are made when they call, and not told. */
export function limitsState(
  plan: Plan,
  stored: readonly ClientKey[],
  tools: ReservationTools,
): readonly LimitState[] {
  const sets = new Map<string, LimitSet>();
  const add = (set: LimitSet | null) => {
    if (set !== null) sets.set(`${set.scope}\n${set.name}`, set);
  };
  for (const key of [...plan.keys, ...stored]) for (const set of limitsOfCaller(plan, key)) add(set);
  for (const model of plan.models.values()) add(limitsOfModel(plan, model));
  for (const provider of plan.providers.values()) {
    for (const key of provider.keys) add(limitsOfProviderKey(provider, key));
  }
  return [...sets.values()].flatMap((set) => statesOf(set, tools));
}

/** The state of the limits of one scope. */
export function statesOf(set: LimitSet, tools: ReservationTools): LimitState[] {
  const { counters, shared } = tools;
  const wall_ms = tools.wall_ms();
  const now_ms = tools.now_ms();
  const { scope, name } = set;
  const states: LimitState[] = [];
  const add = (
    of: LimitState["of"],
    window: LimitState["window"],
    limit: number,
    used: number,
    reset_s: number | null,
  ) => {
    states.push({ scope, name, of, window, limit, used, remaining: Math.max(0, limit - used), reset_s });
  };
  for (const { of, limit, window_ms, counter } of set.windows) {
    const at = counters.find(counter, wall_ms);
    const slot = slotAt(now_ms, window_ms);
    const used = at < 0 ? 0 : usedIn(counters.words, at, slot) + (shared?.elsewhere(at) ?? 0);
    const empty_ms = at < 0 ? 0 : emptyAtMs(counters.words, at, slot, window_ms);
    add(of, window_ms / 1_000, limit, used, Math.max(0, Math.ceil((empty_ms - now_ms) / 1_000)));
  }
  if (set.concurrency !== null) {
    const at = counters.find(set.concurrency.counter, wall_ms);
    const held = at < 0 ? 0 : heldIn(counters.words, at) + (shared?.elsewhere(at) ?? 0);
    add("concurrency", null, set.concurrency.limit, held, null);
  }
  for (const { period, nano_usd, counterAt } of set.money) {
    const at = counters.find(counterAt(wall_ms), wall_ms);
    const own = at < 0 ? 0n : Atomics.load(counters.longs, at >> 1);
    const used = at < 0 || shared === null ? own : own + shared.elsewhereOfMoney(at);
    add("usd", period, Number(nano_usd) / 1e9, Number(used) / 1e9, null);
  }
  return states;
}
