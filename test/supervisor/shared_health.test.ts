// What hosts tell each other of targets: one failure is enough where another host has seen many, and nothing else is taken over.

import { describe, expect, onTestFinished, test } from "vitest";
import { HEALTH_SCRIPT, SharedHealth } from "../../src/supervisor/shared_health.ts";
import { openValkey } from "../../src/valkey/connection.ts";
import { statePlan } from "../access/shared/hosts.ts";
import { planOf } from "../gateway/harness.ts";
import { testBooks } from "../gateway/test_books.ts";
import { NEEDS_SERVER, type RedisServer, SERVER, startRedis } from "../redis_server.ts";

const plan = planOf("models: { chat: { targets: [sim/echo, sim/lorem] } }");
const [target, other] = plan.models.get("chat")!.targets;

async function startHost(redis: RedisServer, host: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const valkey = await openValkey({
    plan: statePlan(`valkey://127.0.0.1:${redis.port}`),
    scripts: { health: HEALTH_SCRIPT },
    timeout_ms: 1_000,
    onChange: (is_up) => is_up && resolve(),
  });
  await promise;
  const kept = testBooks();
  const { health } = kept.books;
  const shared = new SharedHealth({ valkey, prefix: "test", host, plan: () => plan, health });
  onTestFinished(() => {
    shared.stop();
    valkey.close();
    kept.dispose();
  });
  const fail = () => health.of(target!).count(target!.breaker, true, 0, 0, "500");
  const isOpen = () => health.of(target!).look(target!.breaker) !== "free";
  return { shared, health, fail, isOpen, redis };
}

describe.skipIf(SERVER === null)(`health that hosts share${NEEDS_SERVER}`, () => {
  async function startServer(): Promise<RedisServer> {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    return redis;
  }

  test("a breaker that opened elsewhere opens here with the first failure, and a success forgets that", async () => {
    const redis = await startServer();
    const [one, two] = [await startHost(redis, "one"), await startHost(redis, "two")];
    for (let failure = 0; failure < target!.breaker!.failures; failure++) one.fail();
    expect(one.isOpen()).toBe(true);
    await one.shared.tell();
    await two.shared.tell();
    // It is another's failure so far.
    expect(two.isOpen()).toBe(false);
    two.fail();
    expect(two.isOpen()).toBe(true);
    const three = await startHost(redis, "three");
    await three.shared.tell();
    three.health.of(target!).count(target!.breaker, false, 0, 0, "ok");
    // The same opening is heeded once.
    await three.shared.tell();
    three.fail();
    expect(three.isOpen()).toBe(false);
  });

  test("how fast a target is, is believed while nothing was measured here", async () => {
    const redis = await startServer();
    const [one, two] = [await startHost(redis, "one"), await startHost(redis, "two")];
    one.health.of(target!).observe(120, false);
    two.health.of(other!).observe(7, true);
    await one.shared.tell();
    await two.shared.tell();
    await one.shared.tell();
    expect(two.health.of(target!).averageMs(false)).toBeCloseTo(120);
    expect(one.health.of(other!).averageMs(true)).toBeCloseTo(7);
    expect(two.health.of(other!).averageMs(true)).toBeCloseTo(7);
    expect(two.health.of(target!).averageMs(true)).toBe(0);
  });

  test("what nobody understands, and what is old, changes nothing", async () => {
    const redis = await startServer();
    const one = await startHost(redis, "one");
    await redis.run(
      "HSET",
      "test:{all}:health",
      "a",
      "9999999999999 {[",
      "b",
      "nonsense",
      "c",
      `9999999999999 {"x":[1]}`,
    );
    await redis.run("HSET", "test:{all}:health", "old", `1 {}`);
    await one.shared.tell();
    expect(one.isOpen()).toBe(false);
    expect(await redis.run("HEXISTS", "test:{all}:health", "old")).toBe(0);
    expect(await redis.run("HEXISTS", "test:{all}:health", "b")).toBe(0);
    redis.pause();
    const told = one.shared.tell();
    redis.resume();
    await told;
  });
});
