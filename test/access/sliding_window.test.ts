// The sliding window against a model that is slow and obvious: a list of what was admitted, and when.

import { describe, expect, test } from "vitest";
import {
  adjustIn,
  emptyAtMs,
  roomAtMs,
  slotAt,
  slotEndMs,
  takeIn,
  usedIn,
} from "../../src/access/sliding_window.ts";
import { seededRandom } from "../wire/json.cases.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 10, 26, 12, 0, 0, 123);

interface Admitted {
  readonly time_ms: number;
  readonly amount: number;
}

/** The most that any stretch of a window's length holds. */
function fullest(admitted: readonly Admitted[], window_ms: number): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const { time_ms, amount } of admitted) {
    sum += amount;
    while (admitted[first]!.time_ms <= time_ms - window_ms) sum -= admitted[first++]!.amount;
    most = Math.max(most, sum);
  }
  return most;
}

describe("a sliding window", () => {
  test.each([
    ["requests", 1, 600],
    ["tokens", 900, 200_000],
  ])(
    "of %s never holds more than its limit in any stretch of its length, and wastes at most a fiftieth of it",
    (_, most, limit) => {
      const next = seededRandom(11);
      const words = new Int32Array(80);
      const admitted: Admitted[] = [];
      let now_ms = START_MS;
      const end_ms = START_MS + 10 * MINUTE_MS;
      // Twice as much is asked for as there is, in bursts and in pauses shorter than a slot.
      const mean_gap_ms = (MINUTE_MS * ((most + 1) / 2)) / limit / 2;
      while (now_ms < end_ms) {
        const amount = 1 + Math.floor(next() * most);
        if (takeIn(words, 0, slotAt(now_ms, MINUTE_MS), amount, limit))
          admitted.push({ time_ms: now_ms, amount });
        now_ms += next() < 0.3 ? 0 : (mean_gap_ms * next() * 2) / 0.7;
      }
      expect(fullest(admitted, MINUTE_MS)).toBeLessThanOrEqual(limit);
      const settled = admitted.filter(({ time_ms }) => time_ms > START_MS + MINUTE_MS);
      const rate = settled.reduce((sum, { amount }) => sum + amount, 0) / 9;
      expect(rate).toBeGreaterThan(limit * 0.98 - most);
      expect(rate).toBeLessThanOrEqual(limit);
    },
  );

  test("agrees with a list of what was admitted, taken back and added later, over hours with gaps", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = seededRandom(seed);
      const words = new Int32Array(80);
      const held = new Map<number, number>();
      let now_ms = START_MS;
      for (let step = 0; step < 2_000; step++) {
        const slot = slotAt(now_ms, MINUTE_MS);
        const known = [...held]
          .filter(([at]) => at >= slot - 64)
          .reduce((sum, [, amount]) => sum + amount, 0);
        expect(usedIn(words, 0, slot)).toBe(known);
        const amount = 1 + Math.floor(next() * 50);
        const taken = takeIn(words, 0, slot, amount, 1_000);
        expect(taken).toBe(known + amount <= 1_000);
        if (taken) held.set(slot, (held.get(slot) ?? 0) + amount);
        if (next() < 0.4 && held.size > 0) {
          // A call of some time ago settles: it used less, or more.
          const slots = [...held.keys()].slice(-80);
          const old = slots[Math.floor(next() * slots.length)]!;
          const change = Math.floor(next() * 40) - 20;
          adjustIn(words, 0, old, slot, change);
          if (old > slot - 65) held.set(old, Math.max(0, held.get(old)! + change));
        }
        now_ms += next() < 0.02 ? next() * 3 * MINUTE_MS : next() * 900;
      }
    }
  });

  test("says when there will be room, and there is room then and not before", () => {
    const words = new Int32Array(80);
    for (let index = 0; index < 10; index++) {
      const at_ms = START_MS + index * 2_000;
      expect(takeIn(words, 0, slotAt(at_ms, MINUTE_MS), 10, 100)).toBe(true);
    }
    const now_ms = START_MS + 20_000;
    const room_ms = roomAtMs(words, 0, slotAt(now_ms, MINUTE_MS), 25, 100, MINUTE_MS);
    // The three oldest have to go.
    expect(room_ms).toBe(slotEndMs(slotAt(START_MS + 4_000, MINUTE_MS), MINUTE_MS));
    expect(takeIn(words, 0, slotAt(room_ms - 1, MINUTE_MS), 25, 100)).toBe(false);
    expect(takeIn(words, 0, slotAt(room_ms + 1, MINUTE_MS), 25, 100)).toBe(true);
    expect(roomAtMs(words, 0, slotAt(now_ms, MINUTE_MS), 101, 100, MINUTE_MS)).toBe(Number.POSITIVE_INFINITY);
  });

  test("says when it will be empty", () => {
    const words = new Int32Array(80);
    expect(emptyAtMs(words, 0, slotAt(START_MS, MINUTE_MS), MINUTE_MS)).toBe(0);
    takeIn(words, 0, slotAt(START_MS, MINUTE_MS), 1, 10);
    const empty_ms = emptyAtMs(words, 0, slotAt(START_MS + 5_000, MINUTE_MS), MINUTE_MS);
    expect(usedIn(words, 0, slotAt(empty_ms - 1, MINUTE_MS))).toBe(1);
    expect(usedIn(words, 0, slotAt(empty_ms + 1, MINUTE_MS))).toBe(0);
    expect(empty_ms - START_MS).toBeGreaterThanOrEqual(MINUTE_MS);
    expect(empty_ms - START_MS).toBeLessThan(MINUTE_MS * 1.02);
  });

  test("holds as much in one slot as a whole limit of hundreds of millions, and no more than it can count", () => {
    const words = new Int32Array(80);
    const slot = slotAt(START_MS, 86_400_000);
    expect(takeIn(words, 0, slot, 200_000_000, 2_000_000_000)).toBe(true);
    expect(takeIn(words, 0, slot, 200_000_000, 2_000_000_000)).toBe(false);
    expect(usedIn(words, 0, slot)).toBe(200_000_000);
  });
});
