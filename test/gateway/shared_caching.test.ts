// Answers that hosts share: asked once, given by all; sealed, by tenant, purged everywhere; and never waited for too long.

import { describe, expect, onTestFinished, test } from "vitest";
import type { CacheEntry } from "../../src/cache/entry.ts";
import { openExactCache } from "../../src/cache/exact/cache.ts";
import { PUT_SCRIPT, SharedAnswers } from "../../src/cache/exact/shared_answers.ts";
import { CacheKey } from "../../src/cache/key.ts";
import { openValkey, type Valkey } from "../../src/valkey/connection.ts";
import { statePlan } from "../access/shared/hosts.ts";
import { HOUR_MS, makeEntry } from "../cache/exact/made.ts";
import { NEEDS_SERVER, type RedisServer, SERVER, startRedis } from "../redis_server.ts";
import { chatCompletion } from "../scripted_upstream.ts";
import { rig } from "./harness.ts";

const room = rig();
const SECRET = "all-hosts-have-this-secret";

/** An answer of this moment. */
function madeEntry(changes: Partial<CacheEntry> = {}): CacheEntry {
  const now_ms = Date.now();
  const times = { created_ms: now_ms, fresh_until_ms: now_ms + HOUR_MS, stale_until_ms: now_ms + HOUR_MS };
  return makeEntry({ ...times, model: "gpt", ...changes });
}

/** Resolves when something has come to be that has to be asked for. */
async function untilAsked(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await isSo()) return;
    await Bun.sleep(10);
  }
  throw new Error("it has not come to be");
}

describe.skipIf(SERVER === null)(`answers that hosts share${NEEDS_SERVER}`, () => {
  async function startServer(lines: readonly string[] = []): Promise<RedisServer> {
    const redis = await startRedis(lines);
    onTestFinished(() => redis.stop());
    return redis;
  }

  async function connect(redis: RedisServer): Promise<Valkey> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const valkey = await openValkey({
      plan: statePlan(`valkey://127.0.0.1:${redis.port}`),
      scripts: { put: PUT_SCRIPT },
      timeout_ms: 1_000,
      onChange: (is_up) => is_up && resolve(),
    });
    onTestFinished(() => valkey.close());
    await promise;
    return valkey;
  }

  async function sharing(redis: RedisServer, secret = SECRET) {
    const said: string[] = [];
    const valkey = await connect(redis);
    const answers = new SharedAnswers({
      ...{ valkey, prefix: "test", secret },
      onFault: (line) => void said.push(line),
    });
    return { answers, said, valkey };
  }

  const keyOf = (tenant: string, byte: number) =>
    new CacheKey({ tenant, within: "" }, new Uint8Array(32).fill(byte));

  async function twoGateways(redis: RedisServer, secret = SECRET) {
    let asked = 0;
    const upstream = await room.upstream(async (_request, reply) => {
      asked += 1;
      await reply.json(200, chatCompletion(`answer ${asked}`));
    });
    const config = `
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/gpt], cache: { exact: { ttl_s: 60 } } } }
state: { url: "valkey://127.0.0.1:${redis.port}", secret: "${secret}" }
state_budget_ms: 300
`;
    return { one: room.gateway(config), two: room.gateway(config), asked: () => asked };
  }

  test("what one host has asked for, another gives", async () => {
    const redis = await startServer();
    const { one, two, asked } = await twoGateways(redis);
    const first = await one.chat();
    expect(first.headers.get("x-venturi-cache")).toBe("miss");
    const body = await first.text();
    await untilAsked(async () => (await redis.run("DBSIZE")) === 1);
    const second = await two.chat();
    expect(second.headers.get("x-venturi-cache")).toBe("hit");
    expect(await second.text()).toBe(body);
    expect(asked()).toBe(1);
    // It has it itself from now on.
    await redis.kill();
    await untilAsked(async () => (await two.chat()).headers.get("x-venturi-cache") === "hit");
    expect(two.kept.state.facts.sharedCount("cache_hits")).toBe(1);
  });

  test("only-if-cached finds what another host has; a refresh does not look", async () => {
    const redis = await startServer();
    const { one, two, asked } = await twoGateways(redis);
    await (await one.chat()).text();
    await untilAsked(async () => (await redis.run("DBSIZE")) === 1);
    const fresh = await two.chat({}, { headers: { "x-venturi-cache": "refresh" } });
    expect(fresh.headers.get("x-venturi-cache")).toBe("miss");
    expect(asked()).toBe(2);
    const other = await two.chat({ seed: 2 }, { headers: { "x-venturi-cache": "only" } });
    expect(other.status).toBe(504);
  });

  test("a server that hangs costs a call no more than its budget, and the next ones nothing", async () => {
    const redis = await startServer();
    const { one, two, asked } = await twoGateways(redis);
    await (await one.chat()).text();
    redis.pause();
    for (const seed of [1, 2, 3]) expect((await two.chat({ seed })).status).toBe(200);
    expect(asked()).toBe(4);
    redis.resume();
    expect(two.kept.said.join()).toContain("not shared for a moment");
  });

  test("nothing of an answer lies open, and another secret opens nothing", async () => {
    const redis = await startServer();
    const { answers, valkey } = await sharing(redis);
    const key = keyOf("acme", 1);
    const entry = madeEntry({ body: Buffer.from("the words of an answer") });
    expect(await answers.put(key, entry)).toBe(true);
    const [name] = (await redis.run("KEYS", "test:a:*")) as string[];
    const raw = Buffer.from((await valkey.bytes("GET", [name!])) as Uint8Array);
    expect(raw.includes("words")).toBe(false);
    expect(raw.includes("gpt")).toBe(false);
    expect(Buffer.from((await answers.get(key, 1_000))!.body).toString()).toBe("the words of an answer");
    expect(await answers.get(keyOf("other", 1), 1_000)).toBeNull();
    const stranger = await sharing(redis, "another-secret-altogether");
    expect(await stranger.answers.get(key, 1_000)).toBeNull();
    // An answer under another key is none, even if somebody has moved it there.
    const moved = keyOf("other", 1);
    await redis.run("RENAME", name!, `test:a:${moved.hex}`);
    expect(await answers.get(moved, 1_000)).toBeNull();
    expect(Number(await redis.run("PTTL", `test:a:${moved.hex}`))).toBeGreaterThan(0);
  });

  test("a purge removes what its filter means, and other hosts hear of it", async () => {
    const redis = await startServer();
    const { answers } = await sharing(redis);
    const { answers: elsewhere } = await sharing(redis);
    const put = (tenant: string, byte: number, more: Parameters<typeof madeEntry>[0] = {}) =>
      answers.put(keyOf(tenant, byte), madeEntry(more));
    await put("acme", 1, { tags: ["team=a"] });
    await put("acme", 2, { tags: ["team=b"] });
    await put("acme", 3, { model: "other" });
    await put("acmesia", 4);
    expect(await answers.purge({ tag: "team=a" }, false)).toBe(1);
    expect(await answers.purge({ model: "other" }, false)).toBe(1);
    expect(await answers.purge({ tenant: "acme" }, false)).toBe(1);
    expect(await answers.purge({ key_hex: keyOf("acmesia", 4).hex }, true)).toBe(1);
    const heard = await elsewhere.purges();
    expect(heard.map(({ filter }) => filter)).toEqual([
      { tag: "team=a" },
      { model: "other" },
      { tenant: "acme" },
      { key_hex: keyOf("acmesia", 4).hex },
    ]);
    expect(heard.at(-1)!.is_bad).toBe(true);
    expect(await elsewhere.purges()).toEqual([]);
    await redis.run("XADD", "test:{all}:purges", "*", "purge", "[nonsense");
    expect(await elsewhere.purges()).toEqual([]);
  });

  test("a purge of another host leaves what was made after it", async () => {
    const folder = room.gateway("providers: {}").kept.folder;
    const cache = openExactCache(folder, { max_bytes: 8 * 1024 * 1024, onFault: () => {} });
    if ("fault" in cache) throw new Error(cache.fault);
    const now_ms = Date.now();
    await cache.put(keyOf("acme", 1), madeEntry({ created_ms: now_ms - 60_000 }));
    await cache.put(keyOf("acme", 2), madeEntry({ created_ms: now_ms + 60_000 }));
    expect(await cache.purge({ tenant: "acme", before_ms: now_ms })).toBe(1);
    expect(cache.get(keyOf("acme", 2), now_ms)).not.toBeNull();
    await cache.close();
  });

  test("answers are not put into a server whose memory is filling up: limits need the rest", async () => {
    const redis = await startServer(["maxmemory 3mb", "maxmemory-policy noeviction"]);
    const { answers } = await sharing(redis);
    let [kept, refused] = [0, 0];
    for (let byte = 0; byte < 60; byte++) {
      const is_kept = await answers.put(keyOf("acme", byte), madeEntry({ body: new Uint8Array(100_000) }));
      if (is_kept) kept += 1;
      else refused += 1;
    }
    expect(kept).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
    // There is room for what matters.
    expect(await redis.run("SET", "counter", "x".repeat(10_000))).toBe("OK");
  });
});
