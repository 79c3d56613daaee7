// Which answers are kept, page by page, as whoever looks through them gets told.

import { expect, test } from "vitest";
import type { ExactCache } from "../../../src/cache/exact/cache.ts";
import { HOUR_MS, makeEntry, makeKey, NOW_MS } from "./made.ts";
import { makeData, openCache } from "./opened.ts";
import { seen } from "./seen.ts";

const COUNT = 1_200;

/** Answers of three tenants and two models. */
async function filled(): Promise<ExactCache> {
  const { cache } = openCache(makeData());
  for (let number = 0; number < COUNT; number++) {
    const key = makeKey(number, { tenant: `tenant-${number % 3}`, within: number % 3 === 0 ? "key:a" : "" });
    void cache.put(key, makeEntry({ model: number % 2 === 0 ? "fast" : "smart", tags: ["beta"] }));
  }
  await seen(cache);
  return cache;
}

test("answers are listed page after page, each once, by tenant and model", async () => {
  const cache = await filled();
  for (const [filter, expected] of [
    [{}, COUNT],
    [{ tenant: "tenant-1" }, COUNT / 3],
    [{ model: "smart" }, COUNT / 2],
    [{ tenant: "tenant-0", model: "openai/gpt-4o-mini" }, COUNT / 3],
    [{ tenant: "tenant" }, 0],
    [{ model: "none" }, 0],
    [{ tenant: "x".repeat(5_000) }, 0],
  ] as const) {
    const keys: string[] = [];
    for (let after: string | undefined; ; after = keys.at(-1)) {
      const page = await cache.list({ ...filter, after, limit: 70 });
      expect(page.length).toBeLessThanOrEqual(70);
      keys.push(...page.map(({ key }) => key));
      if (page.length < 70) break;
    }
    expect(keys).toHaveLength(expected);
    expect(new Set(keys).size).toBe(expected);
    expect(keys).toEqual(keys.toSorted());
  }
});

test("an answer is told with whose it is, what it is of and how long it is good for", async () => {
  const cache = await filled();
  const [first] = await cache.list({ tenant: "tenant-0", model: "fast", limit: 1 });
  expect(first).toMatchObject({
    ...{
      tenant: "tenant-0",
      within: "key:a",
      model: "fast",
      served_by: "openai/gpt-4o-mini",
      tags: ["beta"],
    },
    ...{ created_s: NOW_MS / 1_000, ends_ms: NOW_MS + 2 * HOUR_MS },
  });
  expect(first!.bytes).toBeGreaterThan(0);
  await cache.purge({ key_hex: first!.key });
  const [next] = await cache.list({ tenant: "tenant-0", model: "fast", limit: 1 });
  expect(next!.key).not.toBe(first!.key);
  await cache.close();
  expect(await cache.list({ limit: 1 })).toEqual([]);
});
