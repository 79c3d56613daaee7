import { expect, test } from "vitest";
import type { RestTable } from "../../src/memory/rest_table.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";

const NOW_MS = Date.UTC(2026, 10, 26);

function tables(): readonly [RestTable, RestTable] {
  const folder = temporaryFolder();
  return [createState(folder, { areas: 1, call_slots: 8 }, () => {}).rests, openState(folder).rests];
}

test("what rests, rests for all, until its time or until it is woken", () => {
  const [one, other] = tables();
  expect([other.isAnyResting(NOW_MS), other.leftMs("key", NOW_MS)]).toEqual([false, 0]);
  one.rest("key", 1_500, NOW_MS);
  expect([other.isAnyResting(NOW_MS), other.leftMs("key", NOW_MS + 500)]).toEqual([true, 1_000]);
  expect(other.leftMs("another", NOW_MS)).toBe(0);
  expect(other.leftMs("key", NOW_MS + 1_500)).toBe(0);
  one.rest("key", 60_000, NOW_MS);
  other.wake("key");
  expect(one.leftMs("key", NOW_MS)).toBe(0);
  expect(one.isAnyResting(NOW_MS + 120_000)).toBe(false);
});

test("any number can rest: those that end soonest give way, and what comes round after weeks is no rest", () => {
  const [one] = tables();
  for (let index = 0; index < 1_000; index++) one.rest(`long ${index}`, 600_000, NOW_MS);
  for (let index = 0; index < 4_000; index++) one.rest(`short ${index}`, 1_000, NOW_MS);
  expect(one.leftMs("short 3999", NOW_MS)).toBe(1_000);
  const kept = Array.from({ length: 1_000 }, (_, index) => one.leftMs(`long ${index}`, NOW_MS)).filter(
    (left_ms) => left_ms > 0,
  );
  expect(kept.length).toBeGreaterThan(700);
  for (const weeks of [1, 4, 7, 8]) expect(one.leftMs("long 1", NOW_MS + weeks * 604_800_000)).toBe(0);
});
