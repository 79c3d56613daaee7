// Limits that several hosts share: the sum of what they admit never exceeds a limit, whatever happens to hosts and server.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type LimitSet, makeLimitSet } from "../../../src/access/limit_set.ts";
import { Reservation } from "../../../src/access/reservation.ts";
import type { LimitsPlan } from "../../../src/config/plan.ts";
import { NEEDS_SERVER, type RedisServer, SERVER, startRedis } from "../../redis_server.ts";
import { seededRandom } from "../../wire/json.cases.ts";
import { type HostOptions, startHost, type TestHost } from "./hosts.ts";

const NONE: LimitsPlan = { windows: [], concurrency: null, nano_usd_per_day: null, nano_usd_per_month: null };
const WINDOW_MS = 1_000;

const set = (name: string, limits: Partial<LimitsPlan>): LimitSet =>
  makeLimitSet("acme", "key", name, { ...NONE, ...limits })!;
const requests = (limit: number, window_ms = WINDOW_MS) => ({
  windows: [{ of: "requests" as const, window_ms, limit }],
});

describe.skipIf(SERVER === null)(`hosts that share limits${NEEDS_SERVER}`, () => {
  let redis: RedisServer;
  const hosts: TestHost[] = [];

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.close()));
    await redis.run("FLUSHALL");
  });

  async function start(name: string, more: Partial<HostOptions> = {}): Promise<TestHost> {
    const host = await startHost({ url: `valkey://127.0.0.1:${redis.port}`, name, ...more });
    hosts.push(host);
    return host;
  }

  /** How many of so many tries a host is granted. */
  async function granted(host: TestHost, sets: readonly LimitSet[], tries: number): Promise<number> {
    let count = 0;
    for (let one = 0; one < tries; one++) if ((await host.take(sets)) instanceof Reservation) count += 1;
    return count;
  }

  test("what one has used the others have not: a limit is all of theirs, to the last request", async () => {
    const [one, two, three] = [await start("one"), await start("two"), await start("three")];
    const sets = [set("last", requests(10, 60_000))];
    expect(await granted(one, sets, 4)).toBe(4);
    expect(await granted(two, sets, 3)).toBe(3);
    // What others took ahead comes back when they do not use it.
    let third = 0;
    for (let tries = 0; third < 3 && tries < 200; tries++) {
      third += await granted(three, sets, 1);
      if (third < 3) await Bun.sleep(20);
    }
    expect(third).toBe(3);
    for (const host of [one, two, three]) expect(await granted(host, sets, 3)).toBe(0);
  });

  /** Takes and settles on a host until a moment, at random; tells what it was granted and how much it held at most. */
  async function press(
    host: TestHost,
    sets: readonly LimitSet[],
    end_ms: number,
    random: () => number,
    tally: Tally,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    while (performance.now() < end_ms && !tally.dead.has(host.name)) {
      const amounts = { tokens: 1 + Math.floor(random() * 50), nano_usd: 1 + Math.floor(random() * 500) };
      const after_ms = performance.now();
      const taken = await host.take(sets, amounts);
      // Who is dead lets nobody in.
      if (tally.dead.has(host.name)) return;
      if (taken instanceof Reservation) {
        tally.granted.push({ after_ms, before_ms: performance.now(), tokens: amounts.tokens, host: host.name });
        tally.nano_usd += amounts.nano_usd;
        tally.held += 1;
        tally.held_most = Math.max(tally.held_most, tally.held);
        const call = Bun.sleep(random() * 15).then(() => {
          tally.held -= 1;
          if (!tally.dead.has(host.name)) taken.settle(amounts);
          running.delete(call);
        });
        running.add(call);
      } else {
        await Bun.sleep(2);
      }
      if (running.size > 6) await Promise.race(running);
    }
    await Promise.all(running);
  }

  interface Tally {
    readonly granted: {
      readonly after_ms: number;
      readonly before_ms: number;
      readonly tokens: number;
      readonly host: string;
    }[];
    readonly dead: Set<string>;
    nano_usd: number;
    held: number;
    held_most: number;
  }
  const newTally = (): Tally => ({ granted: [], dead: new Set(), nano_usd: 0, held: 0, held_most: 0 });

  /** The most that was surely let in within one window. */
  function mostInWindow({ granted: all }: Tally, weigh: (one: Tally["granted"][number]) => number): number {
    const sorted = [...all].sort((a, b) => a.before_ms - b.before_ms);
    let most = 0;
    for (const [index, first] of sorted.entries()) {
      let sum = 0;
      for (let at = index; at < sorted.length && sorted[at]!.before_ms < first.after_ms + WINDOW_MS; at++)
        if (sorted[at]!.after_ms >= first.after_ms) sum += weigh(sorted[at]!);
      most = Math.max(most, sum);
    }
    return most;
  }

  const LIMITS = {
    windows: [
      { of: "requests" as const, window_ms: WINDOW_MS, limit: 300 },
      { of: "tokens" as const, window_ms: WINDOW_MS, limit: 6_000 },
    ],
    concurrency: 9,
    nano_usd_per_month: 260_000n,
  };

  test("under load the sum never exceeds any limit, and all of each is used", async () => {
    const three = await Promise.all(["one", "two", "three"].map((name) => start(name)));
    const sets = [set("load", LIMITS)];
    const tally = newTally();
    const random = seededRandom(11);
    const end_ms = performance.now() + 3_500;
    await Promise.all(three.map((host) => press(host, sets, end_ms, random, tally)));
    const most = mostInWindow(tally, () => 1);
    const tokens = mostInWindow(tally, (one) => one.tokens);
    expect(most).toBeLessThanOrEqual(300);
    expect(tokens).toBeLessThanOrEqual(6_000);
    expect(tally.held_most).toBeLessThanOrEqual(9);
    expect(tally.nano_usd).toBeLessThanOrEqual(260_000);
    // It is a limit that is reached, not a lease.
    expect(Math.max(most / 300, tokens / 6_000)).toBeGreaterThan(0.8);
    expect(new Set(tally.granted.map(({ host }) => host)).size).toBe(3);
    console.log(most, tokens, tally.held_most, tally.nano_usd, tally.granted.length);
  });
});
