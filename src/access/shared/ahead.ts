// All parts that a call will find too small, asked for at once: it would ask for one after the other else, and wait as often.

import { heldIn } from "../../memory/gauge.ts";
import type { LimitSet } from "../limit_set.ts";
import type { Amounts, ReservationTools } from "../reservation.ts";
import { slotAt, usedIn } from "../sliding_window.ts";
import { askForMoney, askForPlaces, askForWindow } from "./ask.ts";

/** Asks for what is missing of all limits of a call; nothing is taken. */
export function askAhead(sets: readonly LimitSet[], amounts: Amounts, tools: ReservationTools): void {
  const { counters, shared } = tools;
  if (shared === null) return;
  const wall_ms = tools.wall_ms();
  for (const { windows, concurrency, money } of sets) {
    for (const { of, limit, window_ms, counter } of windows) {
      const amount = of === "requests" ? 1 : amounts.tokens;
      const at = counters.at(counter, wall_ms);
      if (at < 0 || amount > limit) continue;
      const used = usedIn(counters.words, at, slotAt(tools.now_ms(), window_ms));
      if (used + amount > shared.limitOf(at, limit))
        shared.lack(at, counter, askForWindow(counter, limit, window_ms), amount);
    }
    if (concurrency !== null) {
      const { limit, counter } = concurrency;
      const at = counters.at(counter, wall_ms);
      if (at >= 0 && heldIn(counters.words, at) >= shared.limitOf(at, limit))
        shared.lack(at, counter, askForPlaces(counter, limit), 1);
    }
    for (const { nano_usd: limit, counterAt } of money) {
      const counter = counterAt(wall_ms);
      const at = counters.at(counter, wall_ms);
      if (at < 0 || BigInt(amounts.nano_usd) > limit) continue;
      const used = Atomics.load(counters.longs, at >> 1);
      const ask = askForMoney(counter, limit);
      if (
        used + BigInt(amounts.nano_usd) > shared.moneyLimitOf(at, limit) ||
        used >= shared.moneyLimitOf(at, limit)
      )
        shared.lack(at, counter, ask, Math.max(1, amounts.nano_usd) / ask.unit);
    }
  }
}
