import { describe, expect, test, vi } from "vitest";
import { CounterKey } from "../../src/memory/counter_key.ts";
import type { CounterTable } from "../../src/memory/counter_table.ts";
import { COUNTER_WORDS, COUNTERS } from "../../src/memory/layout.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { temporaryFolder } from "./folder.ts";
import { randomIntegers } from "./random.ts";

const NOW_MS = Date.UTC(2026, 10, 26);
const HOUR_MS = 3_600_000;
const NEIGHBOURHOOD = 64;
/** The word of an entry's last use. */
const USED_S = 5;
const geometry = { areas: 1, call_slots: 8 };

function table(folder = temporaryFolder()): CounterTable {
  return createState(folder, geometry, () => {}).counters;
}

/** Keys with the same beginning are neighbours. */
function key(name: number, idle_ms = HOUR_MS, is_gauge = false, start = 5): CounterKey {
  return new CounterKey([start, name, 0, 0], idle_ms, is_gauge);
}

function payload(counters: CounterTable, at: number): number[] {
  return Array.from(counters.words.subarray(at, at + COUNTER_WORDS));
}

/** Lets somebody else do something once, just before or after a word is stored; gives what ends that. */
function between(words: Int32Array, at: number, when: "before" | "after", act: () => void): () => void {
  const store = Atomics.store;
  let is_done = false;
  const spy = vi.spyOn(Atomics, "store").mockImplementation(((...given: Parameters<typeof store>) => {
    const is_it = !is_done && (given[0] as unknown) === words && given[1] === at;
    is_done ||= is_it;
    if (is_it && when === "before") act();
    const stored = store(...given);
    if (is_it && when === "after") act();
    return stored;
  }) as typeof store);
  return () => {
    spy.mockRestore();
    expect(is_done).toBe(true);
  };
}

/** The id of a process that has ended. */
function deadProcess(): number {
  return Bun.spawnSync(["true"]).pid;
}

describe("the table of counters", () => {
  test("gives a new key a zeroed place on a cache line, and the same one every time", () => {
    const counters = table();
    const at = counters.at(key(1), NOW_MS);
    expect((at * 4) % 64).toBe(0);
    expect(payload(counters, at)).toEqual(new Array(COUNTER_WORDS).fill(0));
    counters.words[at] = 7;
    const same = key(1);
    for (let times = 0; times < 3; times++) expect(counters.at(same, NOW_MS)).toBe(at);
    expect(counters.find(key(1), NOW_MS)).toBe(at);
    expect(counters.words[at]).toBe(7);
    expect(counters.longs[at >> 1]).toBe(7n);
  });

  test("makes nothing when it only looks", () => {
    const counters = table();
    expect(counters.find(key(1), NOW_MS)).toBe(-1);
    expect([...counters]).toEqual([]);
    expect(counters.stats).toEqual({ live: 0, evicted: 0, full: 0 });
  });

  test("tells keys apart by each of their 128 bits", () => {
    const counters = table();
    // Not all of them fit into one neighbourhood.
    for (const word of [0, 1, 2, 3]) {
      const places = new Set<number>();
      for (let bit = -1; bit < 32; bit++) {
        const words: [number, number, number, number] = [word * 1_000, 0, 0, 0];
        if (bit >= 0) words[word]! ^= 1 << bit;
        places.add(counters.at(new CounterKey(words, HOUR_MS), NOW_MS));
      }
      expect(places.has(-1)).toBe(false);
      expect(places.size).toBe(33);
    }
  });

  test("has no room in a neighbourhood whose entries are all in use, and says so", () => {
    const counters = table();
    const keys = Array.from({ length: NEIGHBOURHOOD }, (_, name) => key(name));
    expect(new Set(keys.map((one) => counters.at(one, NOW_MS))).size).toBe(NEIGHBOURHOOD);
    expect(counters.at(key(99), NOW_MS)).toBe(-1);
    expect(counters.stats).toEqual({ live: NEIGHBOURHOOD, evicted: 0, full: 1 });
    // The last neighbour of one is the first of another.
    expect(counters.at(key(99, HOUR_MS, false, 5 + NEIGHBOURHOOD), NOW_MS)).toBeGreaterThan(0);
  });

  test("at its end goes on at its beginning", () => {
    const counters = table();
    const first = counters.at(key(1, HOUR_MS, false, -1), NOW_MS);
    const second = counters.at(key(2, HOUR_MS, false, -1), NOW_MS);
    expect(second).toBeLessThan(first);
    expect(counters.find(key(2, HOUR_MS, false, -1), NOW_MS)).toBe(second);
  });

  test("gives the place of a counter that was idle for too long to another, zeroed", () => {
    const counters = table();
    const keys = Array.from({ length: NEIGHBOURHOOD }, (_, name) => key(name));
    for (const one of keys) counters.words[counters.at(one, NOW_MS)] = 1;
    const later_ms = NOW_MS + HOUR_MS + 1_000;
    for (const one of keys.slice(1)) counters.at(one, NOW_MS + HOUR_MS);
    const at = counters.at(key(99), later_ms);
    expect(payload(counters, at)).toEqual(new Array(COUNTER_WORDS).fill(0));
    expect(counters.find(keys[0]!, later_ms)).toBe(-1);
    for (const one of keys.slice(1)) expect(counters.words[counters.find(one, later_ms)]).toBe(1);
    expect(counters.stats).toEqual({ live: NEIGHBOURHOOD, evicted: 1, full: 0 });
  });

  test("begins a counter anew that was idle for too long, for those who know it and those who do not", () => {
    const counters = table();
    for (const known of [key(1), key(2)]) {
      counters.words[counters.at(known, NOW_MS)] = 5;
      expect(counters.words[counters.at(known, NOW_MS + HOUR_MS)]).toBe(5);
      const later_ms = NOW_MS + 2 * HOUR_MS + 1_000;
      expect(counters.find(known, later_ms)).toBe(-1);
      expect(counters.words[counters.at(known, later_ms)]).toBe(0);
    }
    counters.words[counters.at(key(3), NOW_MS)] = 5;
    expect(counters.words[counters.at(key(3), NOW_MS + HOUR_MS + 1_000)]).toBe(0);
  });

  test("keeps a gauge as long as anybody holds something, however idle it is", () => {
    const counters = table();
    const gauge = key(1, HOUR_MS, true);
    const at = counters.at(gauge, NOW_MS);
    counters.words[at + 63] = 1;
    for (let name = 2; name <= NEIGHBOURHOOD; name++) counters.at(key(name), NOW_MS);
    const later_ms = NOW_MS + 100 * HOUR_MS;
    for (let name = 100; name < 200; name++) {
      // One goes, one comes: only the gauge must stay.
      counters.at(key(name, 1_000), later_ms + name * 10_000);
    }
    expect(counters.find(gauge, later_ms + 9_000_000)).toBe(at);
    expect(counters.find(key(1, HOUR_MS, true), later_ms + 9_000_000)).toBe(at);
    expect(counters.words[at + 63]).toBe(1);
    counters.words[at + 63] = 0;
    expect(counters.find(gauge, later_ms + 900 * HOUR_MS)).toBe(-1);
  });

  test("empties the column of a dead process in all gauges and in nothing else", () => {
    const counters = table();
    const gauges = Array.from({ length: 300 }, (_, name) =>
      counters.at(key(name, HOUR_MS, true, name * 200), NOW_MS),
    );
    const other = counters.at(key(1, HOUR_MS, false, 7), NOW_MS);
    for (const at of [...gauges, other]) counters.words.fill(2, at, at + COUNTER_WORDS);
    expect(counters.releaseColumn(3)).toBe(true);
    const expected = new Array(COUNTER_WORDS).fill(2);
    expect(payload(counters, other)).toEqual(expected);
    expected[3] = 0;
    for (const at of gauges) expect(payload(counters, at)).toEqual(expected);
    expect(() => counters.releaseColumn(64)).toThrow(RangeError);
  });

  test("loses nothing when the clock goes back, and is not fooled for ever by one that was ahead", () => {
    const counters = table();
    const ahead_ms = NOW_MS + 1_000 * HOUR_MS;
    const keys = Array.from({ length: NEIGHBOURHOOD }, (_, name) => key(name));
    for (const one of keys) counters.words[counters.at(one, ahead_ms)] = 1;
    expect(counters.at(key(99), NOW_MS)).toBe(-1);
    // From the time that the clock has now, an hour without use is an hour.
    expect(counters.at(key(99), NOW_MS + HOUR_MS)).toBe(-1);
    expect(counters.words[counters.find(keys[1]!, NOW_MS + HOUR_MS)]).toBe(1);
    expect(counters.at(key(99), NOW_MS + HOUR_MS + 1_000)).toBeGreaterThan(0);
    expect(counters.words[counters.find(keys[1]!, NOW_MS + HOUR_MS)]).toBe(1);
  });

  test("goes on when seconds since 1970 need more than 31 bits", () => {
    const counters = table();
    const edge_ms = 2 ** 31 * 1_000;
    const one = key(1);
    counters.words[counters.at(one, edge_ms - 1_000)] = 5;
    expect(counters.words[counters.at(one, edge_ms + 1_000)]).toBe(5);
    expect(counters.words[counters.at(one, edge_ms + 2 * HOUR_MS)]).toBe(0);
  });

  test("does what a map with times would do, whatever comes", () => {
    const counters = table();
    const random = randomIntegers(4);
    const idles_ms = [10_000, 60_000, HOUR_MS];
    const known = Array.from({ length: 90 }, (_, name) =>
      key(name, idles_ms[name % 3], name % 5 === 0, name % 7),
    );
    // When the clock goes back, a stamp may be set back to it or not: what is over lies between.
    const model = new Map<number, { count: number; used_ms: number; least_ms: number; most_ms: number }>();
    let now_ms = NOW_MS;
    let refused = 0;
    for (let step = 0; step < 30_000; step++) {
      now_ms += random(4) === 0 ? random(3) * 1_000 : 0;
      if (random(500) === 0) now_ms += random(2) === 0 ? 100_000 : -20_000;
      for (const entry of model.values()) {
        entry.least_ms = Math.min(entry.least_ms, now_ms);
        entry.most_ms = Math.max(entry.most_ms, now_ms);
      }
      const name = random(known.length);
      // Some callers know where it is, some do not.
      const one = random(2) === 0 ? known[name]! : key(name, idles_ms[name % 3], name % 5 === 0, name % 7);
      const before = model.get(name) ?? { count: 0, used_ms: 0, least_ms: 0, most_ms: now_ms };
      const idle_ms = one.idle_s * 1_000;
      const is_held = one.is_gauge && before.count !== 0;
      const may_be_over = before.most_ms - before.least_ms > idle_ms && !is_held;
      const must_be_over = now_ms - before.used_ms > idle_ms && !is_held;
      const at = random(3) === 0 ? counters.find(one, now_ms) : counters.at(one, now_ms);
      if (at < 0) {
        // Either it was only looked for, or there was no room; a counter in use is never missing.
        expect(may_be_over, `step ${step}`).toBe(true);
        model.delete(name);
        refused += 1;
        continue;
      }
      const found = counters.words[at]!;
      if (must_be_over) expect(found, `step ${step}`).toBe(0);
      else if (!may_be_over) expect(found, `step ${step}`).toBe(before.count);
      else expect([0, before.count], `step ${step}`).toContain(found);
      const count = random(3) === 0 ? 0 : found + 1;
      counters.words[at] = count;
      model.set(name, { count, used_ms: now_ms, least_ms: now_ms, most_ms: now_ms });
    }
    expect(refused).toBeGreaterThan(0);
    expect(counters.stats.evicted).toBeGreaterThan(0);
    expect(new Set(counters).size).toBe([...counters].length);
  });

  test("does not give a known place that becomes another's just before it is stamped", () => {
    const counters = table();
    const { words } = counters;
    const known = key(1);
    // Found by where it was seen, and found by its key.
    for (const [first, one] of [
      [known, known],
      [key(2), key(2)],
    ] as const) {
      const at = counters.at(first, NOW_MS);
      const entry = at - 16;
      const restore = between(words, entry + USED_S, "before", () => {
        // Evicted and written again, all of it by somebody else.
        words[entry]! += 4;
        words[entry + 2] = 77;
      });
      const again = counters.at(one, NOW_MS + 1_000);
      restore();
      expect(again).not.toBe(at);
      expect(counters.find(one, NOW_MS + 1_000)).toBe(again);
    }
  });

  test("does not evict what is stamped just after it was found idle", () => {
    const counters = table();
    const { words } = counters;
    const keys = Array.from({ length: NEIGHBOURHOOD }, (_, name) => key(name));
    const places = keys.map((one) => counters.at(one, NOW_MS));
    const later_ms = NOW_MS + 2 * HOUR_MS;
    for (const one of keys.slice(1)) counters.at(one, NOW_MS + HOUR_MS);
    for (const one of keys.slice(1)) counters.at(one, later_ms);
    words[places[0]!] = 6;
    const entry = places[0]! - 16;
    const restore = between(words, entry, "after", () => {
      words[entry + USED_S] = later_ms / 1_000;
    });
    expect(counters.at(key(99), later_ms)).toBe(-1);
    restore();
    expect(words[counters.find(keys[0]!, later_ms)]).toBe(6);
    expect(counters.stats.evicted).toBe(0);
  });

  test("is taken from a process that died with the lock, in every phase of its work", () => {
    const folder = temporaryFolder();
    const counters = table(folder);
    const { words } = counters;
    const seen = key(1);
    const at = counters.at(seen, NOW_MS);
    words[at] = 9;
    const entry = COUNTERS.first + 5 * 96;
    expect(at).toBe(entry + 16);
    const dead = deadProcess() << 9;
    // It was looking whether the first could be evicted.
    words[entry] = (words[entry]! & ~3) | 2;
    words[COUNTERS.lock] = dead;
    expect(counters.find(seen, NOW_MS)).toBe(at);
    expect(words[at]).toBe(9);
    // It was writing the second.
    words[entry + 96] = 7;
    words.fill(1, entry + 97, entry + 192);
    words[COUNTERS.lock] = dead;
    expect(counters.at(key(2), NOW_MS)).toBe(at + 96);
    expect(payload(counters, at + 96)).toEqual(new Array(COUNTER_WORDS).fill(0));
    words[COUNTERS.lock] = dead;
    expect(counters.releaseColumn(0)).toBe(true);
    expect(words[COUNTERS.lock]).toBe(0);
  });

  test("is not taken from a living process: there is no room until it lets go", async () => {
    const counters = table();
    counters.words[counters.at(key(1), NOW_MS)] = 3;
    const holder = Bun.spawn(["sleep", "20"]);
    try {
      counters.words[COUNTERS.lock] = holder.pid << 9;
      expect(counters.at(key(2), NOW_MS)).toBe(-1);
      expect(counters.releaseColumn(0)).toBe(false);
      // What is there is found without the lock.
      expect(counters.words[counters.at(key(1), NOW_MS)]).toBe(3);
      // Who was waited for in vain is not waited for again.
      const start_ms = performance.now();
      for (let times = 0; times < 100; times++) expect(counters.at(key(2), NOW_MS)).toBe(-1);
      expect(performance.now() - start_ms).toBeLessThan(2_000);
    } finally {
      holder.kill("SIGKILL");
      await holder.exited;
    }
    counters.words[COUNTERS.lock] = (holder.pid << 9) | 1;
    expect(counters.at(key(2), NOW_MS)).toBeGreaterThan(0);
  });

  test("is the same for everybody who maps the file, and after everybody has gone", () => {
    const folder = temporaryFolder();
    const counters = table(folder);
    const same = key(1);
    const at = counters.at(same, NOW_MS);
    counters.words[at] = 4;
    const mapped = openState(folder).counters;
    // A key that was seen in one table is looked for in another.
    expect(mapped.words[mapped.find(same, NOW_MS)]).toBe(4);
    Atomics.add(mapped.words, at, 1);
    expect(counters.words[at]).toBe(5);
  });
});
