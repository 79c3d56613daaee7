// What is left of a provider's key by its own word, over several processes, in whatever order answers come.

import { expect, test } from "vitest";
import { LearnedLimits, type ToldAmounts } from "../../src/access/learned_limits.ts";
import type { ToldKind } from "../../src/access/told_limits.ts";
import type { ProviderKey, ProviderPlan } from "../../src/config/plan.ts";
import { CounterTable } from "../../src/memory/counter_table.ts";
import { SERIES_OFFSET } from "../../src/memory/layout.ts";
import { ownMemory } from "../../src/memory/mapping.ts";
import { randomIntegers } from "../memory/random.ts";

const key: ProviderKey = {
  name: "up#0",
  headers: [["authorization", "Bearer one"]],
  pass_headers: [],
  signing: null,
};
const provider = { name: "up", keys: [key] } as unknown as ProviderPlan;
const NOTHING_KEPT: ReadonlySet<ToldKind> = new Set();
const ONE: ToldAmounts = { requests: 1, tokens: 100, input_tokens: 60, output_tokens: 40 };

/** As many processes as are wanted, on one table and one clock. */
function processes(count: number) {
  const clock = { now_ms: Date.UTC(2026, 0, 1) };
  const counters = new CounterTable(ownMemory(SERIES_OFFSET));
  const tools = { counters, now_ms: () => clock.now_ms, wall_ms: () => clock.now_ms };
  return { clock, all: Array.from({ length: count }, () => new LearnedLimits(tools)) };
}

const take = (one: LearnedLimits, amounts = ONE, kept = NOTHING_KEPT) =>
  one.take(provider, key, "m", { told: () => amounts }, kept);
const answer = (remaining: number, limit = 10, reset = "30s") =>
  [
    ["x-ratelimit-limit-requests", String(limit)],
    ["x-ratelimit-remaining-requests", String(remaining)],
    ["x-ratelimit-reset-requests", reset],
  ] as const;
const markOf = (taken: ReturnType<typeof take>) => {
  if ("wait_ms" in taken) throw new Error(`there is nothing left for ${taken.wait_ms} ms`);
  return taken.mark;
};

test("one process knows what another has heard, and what a third has sent since", () => {
  const { all, clock } = processes(3);
  all[0]!.learn(provider, key, "m", answer(2), markOf(take(all[0]!)));
  expect(all[1]!.left(provider, key, "m", NOTHING_KEPT)).toEqual({ share: 0.2, wait_ms: 0 });
  expect("mark" in take(all[1]!)).toBe(true);
  expect("mark" in take(all[2]!)).toBe(true);
  expect(take(all[0]!)).toEqual({ wait_ms: 30_000 });
  expect(all[2]!.left(provider, key, "m", NOTHING_KEPT)).toEqual({ share: 0, wait_ms: 30_000 });
  // Another model and another key are others.
  expect(all[0]!.left(provider, key, "other", NOTHING_KEPT).share).toBe(1);
  const second = { ...key, headers: [["authorization", "Bearer two"]] as const };
  expect(all[0]!.left(provider, second, "m", NOTHING_KEPT).share).toBe(1);
  clock.now_ms += 30_001;
  expect("mark" in take(all[0]!)).toBe(true);
});

test("an answer that was overtaken by a later one changes nothing", () => {
  const { all } = processes(1);
  const one = all[0]!;
  one.learn(provider, key, "m", answer(9), markOf(take(one)));
  const early = markOf(take(one));
  const late = markOf(take(one));
  one.learn(provider, key, "m", answer(7), late);
  one.learn(provider, key, "m", answer(8), early);
  expect(one.left(provider, key, "m", NOTHING_KEPT).share).toBe(0.7);
});

test("where the configuration sets a limit, a key rests only while nothing at all is left", () => {
  const { all } = processes(1);
  const one = all[0]!;
  const kept: ReadonlySet<ToldKind> = new Set(["requests"]);
  one.learn(provider, key, "m", answer(1), markOf(take(one)));
  expect("mark" in take(one, ONE, kept)).toBe(true);
  expect("mark" in take(one, ONE, kept)).toBe(true);
  one.learn(provider, key, "m", answer(0), markOf(take(one, ONE, kept)));
  expect(take(one, ONE, kept)).toEqual({ wait_ms: 30_000 });
});

test("who has heard nothing for long asks again, and what is larger than the limit is the provider's to refuse", () => {
  const { all, clock } = processes(1);
  const one = all[0]!;
  one.learn(provider, key, "m", answer(1, 1, "1s"), markOf(take(one)));
  expect("mark" in take(one, { ...ONE, requests: 5 })).toBe(true);
  expect("wait_ms" in take(one)).toBe(true);
  clock.now_ms += 61_002;
  for (let number = 0; number < 5; number++) expect("mark" in take(one)).toBe(true);
});

test("a provider that counts is never sent more than it has, whoever sends and however answers are delayed", () => {
  const draw = randomIntegers(7);
  const { all, clock } = processes(4);
  const LIMIT = 20;
  const WINDOW_MS = 10_000;
  let window_end_ms = clock.now_ms + WINDOW_MS;
  let left = LIMIT;
  let refused = 0;
  let sent = 0;
  const under_way: { due_ms: number; come: () => void }[] = [];
  // Before the first answer nothing is known: one call goes ahead.
  markOf(take(all[0]!));
  all[0]!.learn(provider, key, "m", answer(--left, LIMIT, `${WINDOW_MS}ms`), null);
  for (let step = 0; step < 20_000; step++) {
    clock.now_ms += draw(20);
    if (clock.now_ms >= window_end_ms) {
      left = LIMIT;
      window_end_ms = clock.now_ms + WINDOW_MS;
    }
    for (const one of under_way.filter(({ due_ms }) => due_ms <= clock.now_ms)) {
      one.come();
      under_way.splice(under_way.indexOf(one), 1);
    }
    const process = all[draw(all.length)]!;
    const taken = take(process);
    if ("wait_ms" in taken) continue;
    sent += 1;
    if (left === 0) refused += 1;
    else left -= 1;
    const fields = answer(left, LIMIT, `${window_end_ms - clock.now_ms}ms`);
    under_way.push({
      due_ms: clock.now_ms + draw(2_000),
      come: () => process.learn(provider, key, "m", fields, taken.mark),
    });
  }
  expect(sent).toBeGreaterThan(300);
  expect(refused).toBe(0);
});
