// A network between hosts and the server that is cut and healed: the server stands in a network namespace of its own, with a cable to
// each host. Where namespaces cannot be made, the tests skip.

import { afterAll, describe, expect, test } from "vitest";
import { makeLimitSet } from "../../../src/access/limit_set.ts";
import { Reservation } from "../../../src/access/reservation.ts";
import { LOST, REACHED } from "../../../src/memory/host_facts.ts";
import { type Cable, NetworkSpace } from "../../network_space.ts";
import { NEEDS_SERVER, type RedisServer, startRedis } from "../../redis_server.ts";
import { until } from "../../until.ts";
import { startHost, type TestHost } from "./hosts.ts";

const SPACE = NEEDS_SERVER === "" ? NetworkSpace.lay(2, 0) : null;
const undone: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of undone.reverse()) await undo();
  SPACE?.takeAway();
});

const WHY = NEEDS_SERVER || (SPACE === null ? " (skipped: network namespaces cannot be made here)" : "");

describe.skipIf(WHY !== "")(`a network that is cut${WHY}`, () => {
  test("keeps the host behind it from letting more in than it had; healed, both go on together", async () => {
    const [cable, other] = SPACE!.cables as [Cable, Cable];
    const redis: RedisServer = await startRedis(["protected-mode no"], 0, SPACE!.place);
    undone.push(() => redis.stop());
    const start = async (name: string, address: string): Promise<TestHost> => {
      const host = await startHost({ url: `valkey://${address}:${redis.port}`, name, wait_ms: 100 });
      undone.push(() => host.close());
      return host;
    };
    const [one, two] = [await start("one", cable.server), await start("two", other.server)];
    const set = makeLimitSet("acme", "key", "cut", {
      windows: [{ of: "requests", window_ms: 60_000, limit: 400 }],
      ...{ concurrency: null, nano_usd_per_day: null, nano_usd_per_month: null },
    })!;
    let count = 0;
    const take = async (host: TestHost) => {
      if ((await host.take([set])) instanceof Reservation) count += 1;
      await Bun.sleep(2);
    };
    for (let tries = 0; tries < 30; tries++) await Promise.all([take(one), take(two)]);
    expect(count).toBeGreaterThan(40);
    cable.cut();
    await until(() => one.state.facts.shared === LOST, 20_000);
    expect(two.state.facts.shared).toBe(REACHED);
    // Its lease ends, and it lets nothing in; the other goes on.
    await until(async () => ((await one.take([set])) as { lack?: string }).lack === "lost", 20_000);
    const before = count;
    for (let tries = 0; tries < 20; tries++) await take(two);
    expect(count).toBeGreaterThan(before);
    cable.heal();
    await until(() => one.state.facts.shared === REACHED, 20_000);
    const end_ms = performance.now() + 10_000;
    let refused = 0;
    while (refused < 200 && performance.now() < end_ms) {
      const was = count;
      await Promise.all([take(one), take(two)]);
      if (count === was) refused += 1;
    }
    expect(count).toBeLessThanOrEqual(400);
    // What the cut-off host had taken ahead is all that may be missing, and it has told that it did not use it.
    expect(count).toBeGreaterThan(380);
  }, 60_000);
});
