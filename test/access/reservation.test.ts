// Reservations: all limits or none, given back exactly, and never over a limit with several processes at once.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LimitSet, makeLimitSet } from "../../src/access/limit_set.ts";
import { previewRefusal } from "../../src/access/preview.ts";
import { type Amounts, type Refusal, Reservation } from "../../src/access/reservation.ts";
import { slotAt, usedIn } from "../../src/access/sliding_window.ts";
import type { LimitsPlan } from "../../src/config/plan.ts";
import { heldIn } from "../../src/memory/gauge.ts";
import { createState, type State } from "../../src/memory/state.ts";
import { NEEDS_SERVER, type RedisServer, SERVER, startRedis } from "../redis_server.ts";
import { seededRandom } from "../wire/json.cases.ts";
import { startHost, type TestHost } from "./shared/hosts.ts";
import { CONCURRENCY, NANO_USD, REQUESTS, stressSets, TOKENS, WINDOW_MS } from "./stress_sets.ts";

let folder = "";
let state: State;
let now_ms = Date.UTC(2026, 10, 26, 23, 59, 30);

/** What limits are kept with: this host's own counts, or parts of limits that hosts share. One table of cases, two engines. */
interface Engine {
  readonly name: string;
  readonly is_there: boolean;
  open(): Promise<void>;
  close(): Promise<void>;
}

let host: TestHost | null = null;
let redis: RedisServer | null = null;

const EMBEDDED: Engine = {
  ...{ name: "embedded", is_there: true },
  async open() {
    folder = mkdtempSync(join(tmpdir(), "venturi-reservation-"));
    state = createState(folder, { areas: 4, call_slots: 16 }, () => {});
  },
  async close() {
    rmSync(folder, { recursive: true, force: true });
  },
};

/** Counters of the test before; what the server knows of hosts stays. */
const FORGET = `for _, key in ipairs(redis.call('KEYS', 'test:{*}:${"?".repeat(32)}')) do redis.call('DEL', key) end`;

const SHARED: Engine = {
  ...{ name: `shared${NEEDS_SERVER}`, is_there: SERVER !== null },
  async open() {
    redis ??= await startRedis();
    await redis.run("EVAL", FORGET, "0");
    host = await startHost({ url: `valkey://127.0.0.1:${redis.port}`, name: "one", clock_ms: () => now_ms });
    state = host.state;
  },
  async close() {
    await host?.close();
    host = null;
  },
};

afterAll(() => redis?.stop());

const tools = () =>
  host?.tools ?? {
    counters: state.counters,
    column: 0,
    shared: null,
    now_ms: () => now_ms,
    wall_ms: () => now_ms,
  };

/** Each jump of the clock ends a lease, and the next one is a round trip away. */
const steps = () => (host === null ? 3_000 : 400);

const NONE: LimitsPlan = { windows: [], concurrency: null, nano_usd_per_day: null, nano_usd_per_month: null };

function set(name: string, limits: Partial<LimitsPlan>): LimitSet {
  return makeLimitSet("acme", "key", name, { ...NONE, ...limits })!;
}

const rpm = (limit: number) => ({ windows: [{ of: "requests" as const, window_ms: 60_000, limit }] });
const tpm = (limit: number) => ({ windows: [{ of: "tokens" as const, window_ms: 60_000, limit }] });

async function take(
  sets: readonly LimitSet[],
  amounts: Partial<Amounts> = {},
): Promise<Reservation | Refusal> {
  return host === null
    ? Reservation.take(sets, { tokens: 0, nano_usd: 0, ...amounts }, tools())
    : host.take(sets, amounts);
}

async function taken(sets: readonly LimitSet[], amounts: Partial<Amounts> = {}): Promise<Reservation> {
  const result = await take(sets, amounts);
  if (!(result instanceof Reservation)) throw new Error(`refused: ${result.of} of ${result.set.name}`);
  return result;
}

function usedOf(of_set: LimitSet, index = 0): number {
  const { counter, window_ms } = of_set.windows[index]!;
  const at = state.counters.find(counter, now_ms);
  return at < 0 ? 0 : usedIn(state.counters.words, at, slotAt(now_ms, window_ms));
}

function moneyOf(of_set: LimitSet): bigint {
  const at = state.counters.find(of_set.money[0]!.counterAt(now_ms), now_ms);
  return at < 0 ? 0n : Atomics.load(state.counters.longs, at >> 1);
}

describe.each([EMBEDDED, SHARED].filter(({ is_there }) => is_there))("reservations, $name", (engine) => {
  beforeEach(async () => {
    now_ms = Date.UTC(2026, 10, 26, 23, 59, 30);
    await engine.open();
  });
  afterEach(() => engine.close());

  // The server's clock cannot be moved, and what it said a moment ago holds for a moment.
  test.skipIf(engine === SHARED)(
    "what limits would say is what they then say, and to ask takes nothing",
    async () => {
      const random = seededRandom(7);
      const pick = (limit: number) => Math.floor(random() * limit);
      const sets = [
        set("mixed", { ...rpm(6), concurrency: 3, nano_usd_per_day: 40_000n }),
        set("tokens", { ...tpm(900), nano_usd_per_month: 400_000n }),
      ];
      const held: Reservation[] = [];
      const seen = new Set<string>();
      for (let count = 0; count < steps(); count++) {
        const amounts = { tokens: pick(400), nano_usd: pick(1_500) };
        const told = previewRefusal(sets, amounts, tools());
        expect(previewRefusal(sets, amounts, tools())).toEqual(told);
        const result = await take(sets, amounts);
        expect([told?.of, told?.set.name]).toEqual(
          result instanceof Reservation ? [undefined, undefined] : [result.of, result.set.name],
        );
        seen.add(told?.of ?? "granted");
        if (result instanceof Reservation) held.push(result);
        if (random() < 0.4) held.shift()?.settle({ tokens: pick(400), nano_usd: pick(300) });
        now_ms += pick(8_000);
      }
      expect([...seen].sort()).toEqual(["concurrency", "granted", "nano_usd", "requests", "tokens"]);
    },
  );

  describe("a reservation", () => {
    test("takes from all limits or from none: what the last of them refuses, the others have back", async () => {
      const first = set("first", { ...rpm(10), concurrency: 5, nano_usd_per_day: 1_000n });
      const second = set("second", tpm(100));
      await taken([first, second], { tokens: 80, nano_usd: 10 });
      expect(await take([first, second], { tokens: 30, nano_usd: 10 })).toMatchObject({
        of: "tokens",
        limit: 100,
      });
      expect(usedOf(first)).toBe(1);
      expect(usedOf(second)).toBe(80);
      expect(moneyOf(first)).toBe(10n);
      const at = state.counters.find(first.concurrency!.counter, now_ms);
      expect(heldIn(state.counters.words, at)).toBe(1);
    });

    test("settles once: what was not used goes back, what was used beyond it is counted", async () => {
      const one = set("one", { ...tpm(1_000), nano_usd_per_day: 1_000n, concurrency: 1 });
      const reservation = await taken([one], { tokens: 500, nano_usd: 400 });
      expect(await take([one])).toMatchObject({ of: "concurrency" });
      reservation.settle({ tokens: 120, nano_usd: 90 });
      reservation.settle({ tokens: 0, nano_usd: 0 });
      expect(usedOf(one)).toBe(120);
      expect(moneyOf(one)).toBe(90n);
      (await taken([one], { tokens: 10, nano_usd: 10 })).settle({ tokens: 900, nano_usd: 950 });
      expect(usedOf(one)).toBe(1_020);
      expect(moneyOf(one)).toBe(1_040n);
      expect(await take([one])).toMatchObject({ of: "tokens" });
    });

    test("names when to try again: when the window has room, or the day ends", async () => {
      const window = set("window", rpm(1));
      await taken([window]);
      now_ms += 20_000;
      const { retry_after_ms } = (await take([window])) as Refusal;
      expect(retry_after_ms).toBeGreaterThan(39_000);
      expect(retry_after_ms).toBeLessThan(42_000);
      now_ms += retry_after_ms! + 1;
      if (engine === SHARED) await Bun.sleep(150);
      await taken([window]);
      now_ms = Date.UTC(2026, 10, 27, 22);
      const money = set("money", { nano_usd_per_day: 5n });
      await taken([money], { nano_usd: 5 });
      expect(await take([money], { nano_usd: 1 })).toMatchObject({
        of: "nano_usd",
        retry_after_ms: 7_200_000,
      });
      expect(await take([set("small", tpm(10))], { tokens: 11 })).toMatchObject({ retry_after_ms: null });
    });

    test("counts money by the UTC day and month, and a day that comes again goes on where it was", async () => {
      const both = makeLimitSet("acme", "key", "both", {
        ...NONE,
        nano_usd_per_day: 10n,
        nano_usd_per_month: 15n,
      })!;
      await taken([both], { nano_usd: 10 });
      expect(await take([both], { nano_usd: 1 })).toMatchObject({ window: "day" });
      now_ms += 60_000;
      await taken([both], { nano_usd: 5 });
      expect(await take([both], { nano_usd: 1 })).toMatchObject({ window: "month" });
      now_ms = Date.UTC(2026, 11, 1);
      await taken([both], { nano_usd: 10 });
      // A keeper that has looked at it five days later has forgotten it, as anybody would.
      if (engine === SHARED) return;
      // The host's clock is set back.
      now_ms = Date.UTC(2026, 10, 26, 12);
      expect(await take([both], { nano_usd: 1 })).toMatchObject({ window: "day" });
    });

    test("of a billion dollars is exact to the nano-dollar", async () => {
      const rich = set("rich", { nano_usd_per_day: 10n ** 18n });
      await taken([rich], { nano_usd: 9_007_199_254_740_991 });
      for (let index = 0; index < 110; index++) await taken([rich], { nano_usd: 9_007_199_254_740_991 });
      expect(moneyOf(rich)).toBe(111n * 9_007_199_254_740_991n);
      expect(await take([rich], { nano_usd: 1 + 208_882_720_000_000 })).toMatchObject({ of: "nano_usd" });
    });

    test("takes more money while it lasts, from every budget or from none", async () => {
      const small = set("small", { nano_usd_per_day: 100n });
      const large = makeLimitSet("acme", "tenant", "acme", { ...NONE, nano_usd_per_day: 10_000n })!;
      const reservation = await taken([large, small], { nano_usd: 50 });
      expect(reservation.takeMore(50)).toBe(true);
      expect(reservation.takeMore(1)).toBe(false);
      expect(moneyOf(large)).toBe(100n);
      reservation.settle({ tokens: 0, nano_usd: 70 });
      expect(moneyOf(large)).toBe(70n);
      expect(moneyOf(small)).toBe(70n);
    });

    test("agrees with sums on paper over thousands of random takes and settlements", async () => {
      const next = seededRandom(5);
      const sets = [set("a", { ...tpm(5_000), concurrency: 8 }), set("b", { nano_usd_per_day: 1_000_000n })];
      const open: { reservation: Reservation; amounts: Amounts; time_ms: number }[] = [];
      let money = 0n;
      for (let step = 0; step < steps(); step++) {
        const amounts = { tokens: Math.floor(next() * 900), nano_usd: Math.floor(next() * 2_000) };
        const result = await take(sets, amounts);
        if (result instanceof Reservation) {
          open.push({ reservation: result, amounts, time_ms: now_ms });
          money += BigInt(amounts.nano_usd);
        }
        if (open.length > 0 && next() < 0.5) {
          const [over] = open.splice(Math.floor(next() * open.length), 1);
          const used = Math.floor(next() * 2_500);
          over!.reservation.settle({ tokens: over!.amounts.tokens, nano_usd: used });
          money += BigInt(used - over!.amounts.nano_usd);
        }
        expect(open.length).toBeLessThanOrEqual(8);
        expect(moneyOf(sets[1]!)).toBe(money);
        now_ms += next() * 3_000;
        if (now_ms > Date.UTC(2026, 10, 26, 23, 59, 59)) now_ms = Date.UTC(2026, 10, 26, 12, step % 60);
      }
    });
  });
});

test("four processes together are never granted more than any limit, and waste little of it", async () => {
  await EMBEDDED.open();
  const run_ms = 3_000;
  const children = Array.from({ length: 4 }, (_, index) =>
    Bun.spawn(
      [process.execPath, join(import.meta.dirname, "taker.ts"), folder, String(index), String(run_ms)],
      {
        stdout: "pipe",
        stderr: "inherit",
      },
    ),
  );
  const results = await Promise.all(
    children.map(
      async (child) =>
        JSON.parse(await new Response(child.stdout).text()) as {
          granted: { after_ms: number; before_ms: number; tokens: number }[];
          most_at_once: number;
          held: number;
        },
    ),
  );
  const granted = results.flatMap((result) => result.granted).sort((a, b) => a.after_ms - b.after_ms);
  const tokens = granted.reduce((sum, one) => sum + one.tokens, 0);
  expect(granted.length).toBeGreaterThan(100);
  expect(Math.max(...results.map((result) => result.most_at_once))).toBeLessThanOrEqual(CONCURRENCY);
  expect(BigInt(tokens * 10)).toBeLessThanOrEqual(NANO_USD);
  // What was surely granted in the window that begins with one of the grants.
  for (let first = 0; first < granted.length; first += 20) {
    const begin_ms = granted[first]!.after_ms;
    const inside: number[] = [];
    for (
      let index = first;
      index < granted.length && granted[index]!.after_ms < begin_ms + WINDOW_MS;
      index++
    ) {
      if (granted[index]!.before_ms < begin_ms + WINDOW_MS) inside.push(granted[index]!.tokens);
    }
    expect(inside.reduce((sum, amount) => sum + amount, 0)).toBeLessThanOrEqual(TOKENS);
    expect(inside.length).toBeLessThanOrEqual(REQUESTS);
  }
  const [sets] = [stressSets()];
  const at = state.counters.find(sets[0]!.concurrency!.counter, Date.now());
  // The dead hold what they held; their columns are emptied, and it is free.
  expect(heldIn(state.counters.words, at)).toBe(results.reduce((sum, { held }) => sum + held, 0));
  for (let index = 0; index < 4; index++) state.counters.releaseColumn(index);
  expect(heldIn(state.counters.words, at)).toBe(0);
  // Demand was far higher than the limit of tokens or of money: either was nearly used up.
  const windows = run_ms / WINDOW_MS;
  const is_money_gone = BigInt(tokens * 10) > NANO_USD - 500n;
  expect(is_money_gone || tokens > TOKENS * (windows - 1) * 0.98).toBe(true);
}, 20_000);
