// What limits would say of a call if it came now: looked at, and nothing taken. What a reservation takes it finds by the same counters.

import { heldIn } from "../memory/gauge.ts";
import { type LimitSet, periodEndMs } from "./limit_set.ts";
import { type Amounts, type Refusal, type ReservationTools, windowName } from "./reservation.ts";
import { roomAtMs, slotAt, usedIn } from "./sliding_window.ts";

/** The refusal that a reservation of this would meet at this moment; null where it would be granted. */
export function previewRefusal(
  sets: readonly LimitSet[],
  amounts: Amounts,
  tools: ReservationTools,
): Refusal | null {
  for (const set of sets) {
    const refusal = refusalOf(set, amounts, tools);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refusalOf(set: LimitSet, { tokens, nano_usd }: Amounts, tools: ReservationTools): Refusal | null {
  const { counters, shared } = tools;
  const wall_ms = tools.wall_ms();
  const now_ms = tools.now_ms();
  for (const { of, limit, window_ms, counter } of set.windows) {
    const amount = of === "requests" ? 1 : tokens;
    const at = counters.find(counter, wall_ms);
    const slot = slotAt(now_ms, window_ms);
    const used = at < 0 ? 0 : usedIn(counters.words, at, slot) + (shared?.elsewhere(at) ?? 0);
    if (used + amount <= limit) continue;
    const room_ms = at < 0 ? now_ms : roomAtMs(counters.words, at, slot, amount, limit, window_ms);
    const retry_after_ms = amount > limit ? null : Math.max(1, room_ms - now_ms);
    return { set, of, limit, window: windowName(window_ms), retry_after_ms, per_second: null };
  }
  if (set.concurrency !== null) {
    const { limit, counter } = set.concurrency;
    const at = counters.find(counter, wall_ms);
    if (at >= 0 && heldIn(counters.words, at) + (shared?.elsewhere(at) ?? 0) >= limit)
      return { set, of: "concurrency", limit, window: "", retry_after_ms: null, per_second: null };
  }
  for (const { period, nano_usd: limit, counterAt } of set.money) {
    const at = counters.find(counterAt(wall_ms), wall_ms);
    const own = at < 0 ? 0n : Atomics.load(counters.longs, at >> 1);
    const used = at < 0 || shared === null ? own : own + shared.elsewhereOfMoney(at);
    if (used < limit && used + BigInt(nano_usd) <= limit) continue;
    return {
      set,
      of: "nano_usd",
      limit,
      window: period,
      retry_after_ms: periodEndMs(period, wall_ms) - wall_ms,
      per_second: null,
    };
  }
  return null;
}
