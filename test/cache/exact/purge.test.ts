import { describe, expect, test } from "vitest";
import type { ExactCache } from "../../../src/cache/exact/cache.ts";
import type { PurgeFilter } from "../../../src/cache/exact/purge_filter.ts";
import { makeEntry, makeKey, NOW_MS } from "./made.ts";
import { makeData, openCache } from "./opened.ts";
import { putAndSee, seen } from "./seen.ts";

const TENANTS = ["shop", "shop2", "sho", "ÿ", "\u{10ffff}"];
const MODELS = ["fast", "smart"];
const TAGS = [[], ["team=a", "beta"], ["team=b"], ["team"], ["teams=a", "x=team"]];

/** One answer of each tenant, model and set of tags, with its number. */
const ALL = TENANTS.flatMap((tenant) =>
  MODELS.flatMap((model) => TAGS.map((tags) => ({ tenant, model, tags }))),
).map((answer, number) => ({
  ...answer,
  number,
  key: makeKey(number, { tenant: answer.tenant, within: "key:a" }),
}));

async function fill(cache: ExactCache): Promise<void> {
  for (const { key, model, tags } of ALL) {
    cache.put(
      key,
      makeEntry({ model, tags, served_model: `${model}-1`, provider: model === "fast" ? "openai" : "acme" }),
    );
  }
  await seen(cache);
}

function left(cache: ExactCache): number[] {
  return ALL.filter(({ key }) => cache.get(key, NOW_MS) !== null).map(({ number }) => number);
}

describe("a purge", () => {
  test.each<[string, PurgeFilter, (answer: (typeof ALL)[number]) => boolean]>([
    ["a tenant", { tenant: "shop" }, ({ tenant }) => tenant === "shop"],
    ["a tenant of high bytes", { tenant: "ÿ" }, ({ tenant }) => tenant === "ÿ"],
    ["a tenant that has nothing", { tenant: "s" }, () => false],
    ["a tenant with a name too long for any", { tenant: "s".repeat(5000) }, () => false],
    ["a model", { model: "fast" }, ({ model }) => model === "fast"],
    ["a provider's model", { model: "acme/smart-1" }, ({ model }) => model === "smart"],
    ["a tag with its value", { tag: "team=a" }, ({ tags }) => tags.includes("team=a")],
    [
      "a tag by its name",
      { tag: "team" },
      ({ tags }) => tags.some((tag) => tag === "team" || tag.startsWith("team=")),
    ],
    ["a tag that nothing has", { tag: "tea" }, () => false],
    [
      "all that is given",
      { tenant: "sho", model: "smart", tag: "beta" },
      ({ tenant, model, tags }) => tenant === "sho" && model === "smart" && tags.includes("beta"),
    ],
    ["a key", { key_hex: ALL[7]!.key.hex }, ({ number }) => number === 7],
    ["a key in capitals", { key_hex: ALL[7]!.key.hex.toUpperCase() }, ({ number }) => number === 7],
    ["a key of another tenant", { key_hex: ALL[7]!.key.hex, tenant: "shop2" }, () => false],
    ["a key that is none", { key_hex: "zz" }, () => false],
    ["half a key", { key_hex: ALL[7]!.key.hex.slice(0, 20) }, () => false],
    ["an empty key", { key_hex: "" }, () => false],
    ["nothing", {}, () => false],
    ["all", { all: true }, () => true],
  ])("of %s removes exactly what it means", async (_what, filter, isMeant) => {
    const { cache, faults } = openCache(makeData());
    await fill(cache);
    const meant = ALL.filter(isMeant);
    expect(await cache.purge(filter)).toBe(meant.length);
    await seen(cache);
    expect(left(cache)).toEqual(ALL.filter((answer) => !isMeant(answer)).map(({ number }) => number));
    expect(cache.stats().entries).toBe(ALL.length - meant.length);
    expect(await cache.purge(filter)).toBe(0);
    expect(faults).toEqual([]);
  });

  test("goes on while answers are put, and nothing of others is lost", async () => {
    const { cache, faults } = openCache(makeData());
    const mine = (number: number) => makeKey(number, { tenant: "mine" });
    for (let number = 0; number < 5_000; number++) cache.put(makeKey(number), makeEntry());
    await seen(cache);
    const purged = cache.purge({ tenant: "shop" });
    for (let number = 0; number < 500; number++) {
      cache.put(mine(number), makeEntry());
      if (number % 50 === 0) await new Promise((next) => setImmediate(next));
    }
    expect(await purged).toBe(5_000);
    await seen(cache);
    expect(cache.stats().entries).toBe(500);
    for (let number = 0; number < 500; number++) expect(cache.get(mine(number), NOW_MS)).not.toBeNull();
    expect(faults).toEqual([]);
  });

  test("does not keep the event loop for long, however much there is", async () => {
    const { cache } = openCache(makeData());
    for (let number = 0; number < 9_000; number++) cache.put(makeKey(number), makeEntry());
    await seen(cache);
    let turns = 0;
    let is_over = false;
    const purged = cache.purge({ model: "fast" }).finally(() => {
      is_over = true;
    });
    while (!is_over) {
      turns++;
      await new Promise((next) => setImmediate(next));
    }
    expect(await purged).toBe(9_000);
    // Slices have 500 answers at most, and turns lie between them.
    expect(turns).toBeGreaterThan(18);
  });

  test("that ends with the store says what it removed until then", async () => {
    const { cache, faults } = openCache(makeData());
    for (let number = 0; number < 3_000; number++) cache.put(makeKey(number), makeEntry());
    await putAndSee(cache, makeKey(3_000), makeEntry());
    const purged = cache.purge({ all: true });
    await cache.close();
    expect(await purged).toBeLessThan(3_001);
    expect(faults).toEqual([]);
  });
});
