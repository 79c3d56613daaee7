import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openExactCache } from "../../../src/cache/exact/cache.ts";
import { CacheKey, HASH_BYTES } from "../../../src/cache/key.ts";
import { randomIntegers } from "../../memory/random.ts";
import { HOUR_MS, makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { makeData, openCache } from "./opened.ts";
import { putAndSee, seen } from "./seen.ts";

describe("the exact cache", () => {
  test("gives a body that stays as it is, whatever is read or changed afterwards", async () => {
    const { cache } = openCache(makeData());
    const given = Buffer.from("the first answer");
    cache.put(makeKey(1), makeEntry({ body: given }));
    given.fill("x");
    await putAndSee(cache, makeKey(2), makeEntry({ body: Buffer.from("another, longer answer") }));
    const first = cache.get(makeKey(1), NOW_MS);
    cache.get(makeKey(2), NOW_MS);
    await cache.remove(makeKey(1));
    expect(Buffer.from(first!.body).toString()).toBe("the first answer");
  });

  test("puts an answer in the place of an older one, and removes it", async () => {
    const { cache } = openCache(makeData());
    await putAndSee(cache, makeKey(1), makeEntry({ finish_reason: "length", body: Buffer.alloc(9_000) }));
    await putAndSee(cache, makeKey(1), makeEntry({ finish_reason: "stop" }));
    expect(cache.get(makeKey(1), NOW_MS)?.finish_reason).toBe("stop");
    expect(cache.stats().entries).toBe(1);
    await cache.remove(makeKey(1));
    await seen(cache);
    expect(cache.get(makeKey(1), NOW_MS)).toBeNull();
    expect(cache.stats()).toMatchObject({ entries: 0, faults: 0 });
  });

  test("remembers bad answers' keys for a while, and removes the answers", async () => {
    const { cache } = openCache(makeData());
    await putAndSee(cache, makeKey(1), makeEntry());
    await cache.block(makeKey(1), NOW_MS + HOUR_MS);
    await seen(cache);
    expect(cache.get(makeKey(1), NOW_MS)).toBeNull();
    expect(cache.isBlocked(makeKey(1), NOW_MS)).toBe(true);
    expect(cache.isBlocked(makeKey(2), NOW_MS)).toBe(false);
    expect(cache.isBlocked(makeKey(1), NOW_MS + HOUR_MS)).toBe(false);
    await putAndSee(cache, makeKey(1), makeEntry());
    expect(cache.get(makeKey(1), NOW_MS)).not.toBeNull();
    expect(cache.isBlocked(makeKey(1), NOW_MS)).toBe(true);
  });

  test("lets one caller refresh an answer, until it is done or its time is over", async () => {
    const { cache } = openCache(makeData());
    const takeAll = (count: number, now_ms: number) =>
      Promise.all(Array.from({ length: count }, () => cache.takeRefresh(makeKey(1), 1000, now_ms)));
    const countOf = (taken: readonly boolean[]) => taken.filter((is_mine) => is_mine).length;
    expect(countOf(await takeAll(20, NOW_MS))).toBe(1);
    await seen(cache);
    expect(countOf(await takeAll(20, NOW_MS + 999))).toBe(0);
    expect(countOf(await takeAll(20, NOW_MS + 1000))).toBe(1);
    cache.endRefresh(makeKey(1));
    await seen(cache);
    expect(countOf(await takeAll(20, NOW_MS + 1001))).toBe(1);
    expect(await cache.takeRefresh(makeKey(2), 1000, NOW_MS)).toBe(true);
  });

  test("keeps nobody out of its folder but others", () => {
    const data = makeData();
    openCache(data);
    expect(statSync(join(data, "cache", "answers")).mode & 0o777).toBe(0o700);
    expect(existsSync(join(data, "cache", "answers", "data.mdb"))).toBe(true);
  });

  test("does not keep what is too long to be kept", async () => {
    const { cache, faults } = openCache(makeData(), 1024 * 1024);
    const long_names = makeKey(1, { tenant: "t".repeat(1000), within: "w".repeat(1000) });
    for (const key of [long_names, makeKey(1)]) {
      await putAndSee(
        cache,
        key,
        makeEntry({ body: key === long_names ? Buffer.alloc(1) : Buffer.alloc(200_000) }),
      );
      expect(cache.get(key, NOW_MS)).toBeNull();
    }
    await cache.remove(long_names);
    await cache.block(long_names, NOW_MS + 1);
    expect(cache.isBlocked(long_names, NOW_MS)).toBe(false);
    expect(await cache.takeRefresh(long_names, 1000)).toBe(false);
    expect(await cache.purge({ key_hex: long_names.hex })).toBe(0);
    expect(faults).toEqual([]);
  });

  test("is empty and quiet once it is closed, and everything is there when it is opened again", async () => {
    const data = makeData();
    const { cache, faults } = openCache(data);
    cache.put(makeKey(1), makeEntry());
    await cache.close();
    await cache.close();
    cache.put(makeKey(2), makeEntry());
    cache.endRefresh(makeKey(1));
    await cache.remove(makeKey(1));
    await cache.block(makeKey(1), NOW_MS + 1);
    expect(cache.get(makeKey(1), NOW_MS)).toBeNull();
    expect(cache.isBlocked(makeKey(1), NOW_MS)).toBe(false);
    expect(await cache.takeRefresh(makeKey(1), 1000)).toBe(false);
    expect(await cache.purge({ all: true })).toBe(0);
    expect(cache.stats()).toEqual({ entries: 0, bytes: 0, file_bytes: 0, faults: 0 });
    expect(faults).toEqual([]);
    expect(openCache(data).cache.get(makeKey(1), NOW_MS)).not.toBeNull();
  });

  test("says what an opened folder cannot be", () => {
    expect(openExactCache("/proc/none", { max_bytes: SIZE_BYTES, onFault: () => {} })).toEqual({
      fault: expect.stringContaining("answers cannot be kept: /proc/none/cache/answers cannot be opened"),
    });
  });
});

describe("tenants", () => {
  const pieces = [
    "",
    "a",
    "b",
    "\0",
    "\u0001",
    "é",
    "e\u0301",
    "\u{1f600}",
    "key:",
    "0",
    "\ud800",
    "ÿ",
    "long".repeat(60),
  ];

  test("never see each other's answers, whatever they are called", async () => {
    const random = randomIntegers(7);
    const name = () => Array.from({ length: random(4) }, () => pieces[random(pieces.length)]).join("");
    const { cache } = openCache(makeData());
    // Few hashes, so that all tenants ask the same.
    const hashes = [0, 1, 255].map((byte) => Buffer.alloc(HASH_BYTES, byte));
    const owned = new Map<string, { key: CacheKey; owner: string }>();
    for (let round = 0; round < 600; round++) {
      const scope = { tenant: name(), within: name() };
      const which = random(hashes.length);
      // What is the same text once it is written is the same tenant.
      const owner = JSON.stringify([
        Buffer.from(scope.tenant).toString(),
        Buffer.from(scope.within).toString(),
        which,
      ]);
      const key = new CacheKey(scope, hashes[which]!);
      owned.set(owner, { key, owner });
      cache.put(key, makeEntry({ body: Buffer.from(owner) }));
    }
    await seen(cache);
    expect(cache.stats().entries).toBe(owned.size);
    for (const { key, owner } of owned.values()) {
      expect(Buffer.from(cache.get(key, NOW_MS)!.body).toString()).toBe(owner);
    }
    // One of them goes, and nobody else's with it.
    const victims = [...owned.values()].filter((_, index) => index % 40 === 0);
    for (const { owner } of victims) {
      const tenant: string = JSON.parse(owner)[0];
      const own = [...owned.values()].filter((other) => JSON.parse(other.owner)[0] === tenant);
      expect(await cache.purge({ tenant })).toBe(own.length);
      for (const gone of own) owned.delete(gone.owner);
    }
    await seen(cache);
    expect(cache.stats().entries).toBe(owned.size);
    for (const { key } of owned.values()) expect(cache.get(key, NOW_MS)).not.toBeNull();
  });
});
