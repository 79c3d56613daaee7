import { truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { HOUR_MS, makeEntry, makeKey, NOW_MS } from "./made.ts";
import { makeData, openCache, openKeeper } from "./opened.ts";
import { nextSnapshot, putAndSee, seen } from "./seen.ts";

const MIB = 1024 * 1024;

describe("the keeper of the answers", () => {
  test("removes what is past its time, and nothing else", async () => {
    const data = makeData();
    const { cache } = openCache(data);
    const { keeper, lines } = openKeeper(data);
    for (let number = 0; number < 2_000; number++) {
      cache.put(makeKey(number), makeEntry({ stale_until_ms: NOW_MS + (number % 2 === 0 ? 0 : 1) }));
    }
    await cache.block(makeKey(1), NOW_MS);
    await cache.block(makeKey(3), NOW_MS + 1);
    await cache.takeRefresh(makeKey(5), 1000, NOW_MS - 1000);
    await cache.takeRefresh(makeKey(7), 1001, NOW_MS - 1000);
    await seen(cache);
    await keeper.tidy(NOW_MS);
    await seen(cache);
    // Two of the good ones were blocked, and so removed.
    expect(cache.stats().entries).toBe(998);
    for (let number = 0; number < 2_000; number++) {
      const is_good = number % 2 === 1 && number !== 1 && number !== 3;
      expect(cache.get(makeKey(number), NOW_MS - 1) !== null).toBe(is_good);
    }
    // Had they not been removed, they would still hold at an earlier moment.
    expect(cache.isBlocked(makeKey(1), NOW_MS - 1)).toBe(false);
    expect(cache.isBlocked(makeKey(3), NOW_MS)).toBe(true);
    expect(await cache.takeRefresh(makeKey(5), 1000, NOW_MS - 1000)).toBe(true);
    expect(await cache.takeRefresh(makeKey(7), 1000, NOW_MS - 1000)).toBe(false);
    expect(lines).toEqual([]);
  });

  test("does not remove an answer that is put anew while it looks", async () => {
    const data = makeData();
    const { cache } = openCache(data);
    const { keeper } = openKeeper(data);
    const old = makeEntry({ stale_until_ms: NOW_MS });
    for (let number = 0; number < 3_000; number++) cache.put(makeKey(number), old);
    await seen(cache);
    const tidied = keeper.tidy(NOW_MS);
    for (let number = 0; number < 3_000; number += 10) cache.put(makeKey(number), makeEntry());
    await tidied;
    await seen(cache);
    expect(cache.stats().entries).toBe(300);
    for (let number = 0; number < 3_000; number += 10)
      expect(cache.get(makeKey(number), NOW_MS)).not.toBeNull();
  });

  test.each([
    ["long", 20_000, 1_500],
    ["short", 300, 20_000],
  ])(
    "makes room among %s answers, and those that were used lately stay far more often",
    async (_what, bytes, count) => {
      const data = makeData();
      const { cache, faults } = openCache(data, 100 * MIB);
      const { keeper, lines } = openKeeper(data, 100 * MIB);
      const body = Buffer.alloc(bytes, "answer ");
      for (let number = 0; number < count; number++) {
        cache.put(makeKey(number), makeEntry({ body, created_ms: NOW_MS }));
        if (number % 500 === 499) await cache.settled();
      }
      await seen(cache);
      const is_used = (number: number) => number % 4 === 0;
      for (let number = 0; number < count; number++) if (is_used(number)) cache.get(makeKey(number), NOW_MS);
      await cache.writeUse(NOW_MS + HOUR_MS);
      await seen(cache);
      const size = cache.stats().bytes * 0.6;
      keeper.resize(size);
      await keeper.evict();
      await seen(cache);
      const { bytes: left_bytes, entries } = cache.stats();
      expect(left_bytes).toBeLessThanOrEqual(size * 1.05);
      expect(entries).toBeGreaterThan(count / 5);
      let kept_used = 0;
      let kept_unused = 0;
      for (let number = 0; number < count; number++) {
        if (cache.get(makeKey(number), NOW_MS) === null) continue;
        if (is_used(number)) kept_used++;
        else kept_unused++;
      }
      expect(kept_used + kept_unused).toBe(entries);
      expect(kept_used / (count / 4)).toBeGreaterThan(0.95);
      expect(kept_unused / ((count * 3) / 4)).toBeLessThan(0.6);
      expect([...faults, ...lines]).toEqual([]);
    },
  );

  test("leaves a store alone that is not too large", async () => {
    const data = makeData();
    const { cache } = openCache(data);
    const { keeper } = openKeeper(data);
    for (let number = 0; number < 500; number++) cache.put(makeKey(number), makeEntry());
    await seen(cache);
    await keeper.evict();
    await keeper.tidy(NOW_MS);
    await seen(cache);
    expect(cache.stats().entries).toBe(500);
  });

  test("keeps a store at its size by itself, however much is put", { timeout: 60_000 }, async () => {
    const data = makeData();
    const size = 4 * MIB;
    const { cache } = openCache(data, size);
    openKeeper(data, size);
    let number = 0;
    let most = 0;
    const ends_ms = performance.now() + 6_000;
    while (performance.now() < ends_ms) {
      for (let more = 0; more < 40; more++)
        cache.put(makeKey(number++), makeEntry({ body: Buffer.alloc(3_000) }));
      await seen(cache);
      most = Math.max(most, cache.stats().bytes);
    }
    expect(number * 3_000).toBeGreaterThan(2 * size);
    expect(most).toBeLessThan(size * 1.2);
    // Room was made again and again: the newest are there, or were until the store was full.
    await vi.waitFor(() => expect(cache.stats().bytes).toBeLessThanOrEqual(size * 1.05), 5_000);
    // What was put in one and the same second is of one age: while the last room is being made, the newest may be among what goes.
    await vi.waitFor(async () => {
      await putAndSee(cache, makeKey(-1), makeEntry());
      expect(cache.get(makeKey(-1), NOW_MS)).not.toBeNull();
    }, 5_000);
  });

  test("drops a file that is far larger than it may be now, because it never becomes smaller", async () => {
    const data = makeData();
    const { keeper } = openKeeper(data, 400 * MIB);
    await putAndSee(keeper.cache, makeKey(1), makeEntry());
    await keeper.close();
    const { keeper: same, lines: quiet } = openKeeper(data, 4 * MIB);
    expect(same.cache.get(makeKey(1), NOW_MS)).not.toBeNull();
    await same.close();
    // The library takes a file that is longer than what it uses of it.
    truncateSync(join(data, "cache", "answers", "data.mdb"), 300 * MIB);
    const { keeper: anew, lines } = openKeeper(data, 4 * MIB);
    expect(anew.cache.stats().entries).toBe(0);
    expect(quiet).toEqual([]);
    expect(lines).toEqual([expect.stringContaining(`file has ${300 * MIB} bytes`)]);
  });

  test("leaves a store usable that was made smaller while it is open", async () => {
    const data = makeData();
    const { cache } = openCache(data, 200 * MIB);
    const { keeper } = openKeeper(data, 200 * MIB);
    const body = Buffer.alloc(100_000);
    for (let number = 0; number < 1_000; number++) {
      cache.put(makeKey(number), makeEntry({ body }));
      if (number % 100 === 99) await cache.settled();
    }
    await seen(cache);
    expect(cache.stats().file_bytes).toBeGreaterThan(95 * MIB);
    cache.resize(4 * MIB);
    keeper.resize(4 * MIB);
    await keeper.evict();
    await nextSnapshot();
    await putAndSee(cache, makeKey(-1), makeEntry());
    expect(cache.get(makeKey(-1), NOW_MS)).not.toBeNull();
    expect(cache.stats().bytes).toBeLessThan(4 * MIB);
  });

  test("forgets the use of answers that are gone", async () => {
    const data = makeData();
    const { cache } = openCache(data);
    const { keeper } = openKeeper(data);
    for (let number = 0; number < 500; number++) cache.put(makeKey(number), makeEntry());
    await seen(cache);
    const before = cache.stats().bytes;
    for (let number = 0; number < 500; number++) cache.get(makeKey(number), NOW_MS);
    await cache.purge({ all: true });
    // Use that is written down late, as another process does.
    await cache.writeUse(NOW_MS);
    await nextSnapshot();
    await keeper.tidy(NOW_MS);
    await nextSnapshot();
    expect(before).toBeGreaterThan(100_000);
    expect(cache.stats().bytes).toBe(4096);
  });

  test("works on nothing any more once it is closed", async () => {
    const { keeper, lines } = openKeeper(makeData());
    const working = [keeper.tidy(NOW_MS), keeper.evict()];
    await keeper.close();
    await Promise.all(working);
    await keeper.tidy(NOW_MS);
    await keeper.evict();
    await keeper.close();
    expect(await keeper.cache.purge({ all: true })).toBe(0);
    expect(lines).toEqual([]);
  });
});
