// What holds of kept answers wherever they lie: in the data folder of a host, or on a server that hosts share.

import { describe, expect, onTestFinished, test } from "vitest";
import type { CacheEntry } from "../../../src/cache/entry.ts";
import type { PurgeFilter } from "../../../src/cache/exact/purge_filter.ts";
import { PUT_SCRIPT, SharedAnswers } from "../../../src/cache/exact/shared_answers.ts";
import type { CacheKey } from "../../../src/cache/key.ts";
import { NO_USAGE } from "../../../src/dialects/usage.ts";
import { openValkey } from "../../../src/valkey/connection.ts";
import { statePlan } from "../../access/shared/hosts.ts";
import { NEEDS_SERVER, SERVER, startRedis } from "../../redis_server.ts";
import { HOUR_MS, makeEntry, makeKey, NOW_MS } from "./made.ts";
import { makeData, openCache } from "./opened.ts";
import { putAndSee, seen } from "./seen.ts";

/** Kept answers, and the faults that were told of. */
interface Kept {
  readonly faults: readonly string[];
  put(key: CacheKey, entry: CacheEntry): Promise<void>;
  get(key: CacheKey, now_ms: number): Promise<CacheEntry | null>;
  purge(filter: PurgeFilter): Promise<number>;
}

async function openEmbedded(): Promise<Kept> {
  const { cache, faults } = openCache(makeData());
  return {
    faults,
    put: (key, entry) => putAndSee(cache, key, entry),
    get: async (key, now_ms) => cache.get(key, now_ms),
    purge: async (filter) => {
      const removed = await cache.purge(filter);
      await seen(cache);
      return removed;
    },
  };
}

async function openShared(): Promise<Kept> {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const connected = Promise.withResolvers<void>();
  const valkey = await openValkey({
    plan: statePlan(`valkey://127.0.0.1:${redis.port}`),
    scripts: { put: PUT_SCRIPT },
    timeout_ms: 5_000,
    onChange: (is_up) => is_up && connected.resolve(),
  });
  onTestFinished(() => valkey.close());
  await connected.promise;
  const faults: string[] = [];
  const answers = new SharedAnswers({
    ...{ valkey, prefix: "test", secret: "all-hosts-have-this-secret" },
    onFault: (line) => void faults.push(line),
  });
  return {
    faults,
    put: async (key, entry) => void (await answers.put(key, entry, NOW_MS)),
    get: (key, now_ms) => answers.get(key, 5_000, now_ms),
    purge: (filter) => answers.purge(filter, false, NOW_MS),
  };
}

const ENGINES = [
  { name: "in a data folder", is_there: true, open: openEmbedded },
  { name: `on a server that hosts share${NEEDS_SERVER}`, is_there: SERVER !== null, open: openShared },
];
const ALL_KINDS = Object.fromEntries(Object.keys(NO_USAGE).map((kind, index) => [kind, index * 1_000_003]));

describe.each(ENGINES)("kept answers $name", ({ is_there, open }) => {
  test.skipIf(!is_there).each<[string, Partial<CacheEntry>]>([
    ["a plain answer", {}],
    ["an event stream", { kind: "events", body: Buffer.from("data: {}\n\ndata: [DONE]\n\n") }],
    ["an answer of which little is known", { usage: null, finish_reason: null, cost_nano_usd: null }],
    ["one with every kind of usage", { usage: { ...NO_USAGE, ...ALL_KINDS } }],
    ["no body, no names", { body: new Uint8Array(0), model: "", provider: "", served_model: "" }],
    ["tags and other scripts", { tags: ["team=заказ", "beta", "x=\u{1f600}"], model: "模型" }],
    ["large numbers", { cost_nano_usd: 2 ** 53 - 1, took_ms: 0.25, created_ms: 0 }],
    ["a long body", { body: Buffer.alloc(3_000_000, "abcdefg") }],
  ])("give %s back as it was put", async (_what, changes) => {
    const kept = await open();
    const entry = makeEntry(changes);
    await kept.put(makeKey(1), entry);
    const { body, ...fields } = (await kept.get(makeKey(1), NOW_MS)) ?? makeEntry();
    const { body: put_body, ...put_fields } = entry;
    expect(fields).toEqual(put_fields);
    expect(Buffer.from(body).equals(put_body)).toBe(true);
    expect(await kept.get(makeKey(2), NOW_MS)).toBeNull();
    expect(kept.faults).toEqual([]);
  });

  test.skipIf(!is_there)("have a newer answer in the place of an older one", async () => {
    const kept = await open();
    await kept.put(makeKey(1), makeEntry({ finish_reason: "length", body: Buffer.alloc(9_000) }));
    await kept.put(makeKey(1), makeEntry({ finish_reason: "stop" }));
    expect((await kept.get(makeKey(1), NOW_MS))?.finish_reason).toBe("stop");
  });

  test.skipIf(!is_there)("are given while fresh or stale, and not one millisecond longer", async () => {
    const kept = await open();
    await kept.put(makeKey(1), makeEntry());
    const { fresh_until_ms, stale_until_ms } = makeEntry();
    for (const moment of [NOW_MS, fresh_until_ms, stale_until_ms - 1])
      expect(await kept.get(makeKey(1), moment)).not.toBeNull();
    for (const moment of [stale_until_ms, stale_until_ms + HOUR_MS])
      expect(await kept.get(makeKey(1), moment)).toBeNull();
  });

  test.skipIf(!is_there)("are each tenant's and each scope's own", async () => {
    const kept = await open();
    const scopes = [{ tenant: "a" }, { tenant: "ab" }, { tenant: "a", within: "b" }, { tenant: "" }];
    for (const [index, scope] of scopes.entries())
      await kept.put(makeKey(1, scope), makeEntry({ body: Buffer.from(`answer ${index}`) }));
    for (const [index, scope] of scopes.entries())
      expect(Buffer.from((await kept.get(makeKey(1, scope), NOW_MS))!.body).toString()).toBe(
        `answer ${index}`,
      );
  });

  const SOME: readonly (readonly [key: CacheKey, changes: Partial<CacheEntry>])[] = [
    [makeKey(1, { tenant: "a" }), { model: "fast", tags: ["team=x", "beta"] }],
    [makeKey(2, { tenant: "a" }), { model: "good", tags: ["team=y"] }],
    [makeKey(3, { tenant: "ab" }), { model: "fast", served_model: "other", tags: [] }],
    [makeKey(4, { tenant: "b" }), { model: "good", created_ms: NOW_MS - HOUR_MS, tags: ["teams=x"] }],
  ];
  test.skipIf(!is_there).each<[string, PurgeFilter, number[]]>([
    ["nothing said", {}, []],
    ["all", { all: true }, [0, 1, 2, 3]],
    ["a tenant, not those whose names begin like its", { tenant: "a" }, [0, 1]],
    ["a model as clients ask for it", { model: "fast" }, [0, 2]],
    ["a model as its provider calls it", { model: "openai/other" }, [2]],
    ["a tag with its value", { tag: "team=x" }, [0]],
    ["a tag whatever its value, not one that begins like it", { tag: "team" }, [0, 1]],
    ["all that is said at once", { tenant: "a", model: "fast", tag: "beta" }, [0]],
    ["what is older", { all: true, before_ms: NOW_MS - 1_000 }, [3]],
    ["a key", { key_hex: SOME[1]![0].hex.toUpperCase() }, [1]],
    ["a key of the tenant", { tenant: "b", key_hex: SOME[3]![0].hex }, [3]],
    ["a key of another tenant", { tenant: "a", key_hex: SOME[3]![0].hex }, []],
    ["a key with a sign that means any", { key_hex: "*" }, []],
    ["half a key", { key_hex: SOME[0]![0].hex.slice(0, -2) }, []],
    ["a key of an odd length", { key_hex: SOME[0]![0].hex.slice(0, -1) }, []],
    ["a tenant with signs that mean any", { tenant: "*" }, []],
  ])("are purged by %s", async (_what, filter, expected) => {
    const kept = await open();
    for (const [key, changes] of SOME) await kept.put(key, makeEntry(changes));
    expect(await kept.purge(filter)).toBe(expected.length);
    const gone: number[] = [];
    for (const [index, [key]] of SOME.entries()) if ((await kept.get(key, NOW_MS)) === null) gone.push(index);
    expect(gone).toEqual(expected);
    expect(kept.faults).toEqual([]);
  });
});
