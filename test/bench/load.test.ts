// The instrument itself: the two loops of the generator against servers whose behaviour is known, and the provider's script.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Generator, type Provider, startGenerator, startProvider } from "../../bench/actors.ts";
import { schedule } from "../../bench/load_open.ts";
import { type LoadOrder, PLAIN_ORDER } from "../../bench/load_order.ts";
import { PLAIN_SCRIPT } from "../../bench/upstream.ts";

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

interface Server {
  readonly port: number;
  /** The bodies of the calls that came. */
  readonly bodies: string[];
  stop(): void;
}

/** Answers each read as one call; the reply to it may be later, another one, or a closed connection (null). */
function serve(reply: (send: (answer: string | null) => void) => void): Server {
  const bodies: string[] = [];
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        bodies.push(bytes.toString().split("\r\n\r\n")[1]!);
        reply((answer) => (answer === null ? socket.terminate() : socket.write(answer)));
      },
    },
  });
  return { port: listener.port, bodies, stop: () => listener.stop(true) };
}

/** A server that stops for a moment, once, and then answers what has come in the meantime. */
function stallingServer(after_ms: number, stall_ms: number): Server {
  let stalled_from_ms = 0;
  return serve((send) => {
    const now_ms = performance.now();
    stalled_from_ms ||= now_ms + after_ms;
    const is_stalled = now_ms >= stalled_from_ms && now_ms < stalled_from_ms + stall_ms;
    if (is_stalled) setTimeout(() => send(ANSWER), stalled_from_ms + stall_ms - now_ms);
    else send(ANSWER);
  });
}

let generator: Generator;
let provider: Provider;
beforeAll(async () => {
  [generator, provider] = await Promise.all([startGenerator(null), startProvider(null)]);
});
afterAll(() => Promise.all([generator.stop(), provider.stop()]));

const order = (changes: Partial<LoadOrder> & { port: number }): LoadOrder => ({
  ...PLAIN_ORDER,
  connections: 2,
  seconds: 0.3,
  ...changes,
});

describe("the load generator", () => {
  test("shows in the open loop a stall that the closed loop hides (coordinated omission)", async () => {
    const run = async (changes: Partial<LoadOrder>) => {
      const server = stallingServer(400, 300);
      const result = await generator.run(order({ seconds: 1, ...changes, port: server.port }));
      server.stop();
      expect(result.errors).toBe(0);
      return result;
    };
    const closed = await run({ connections: 1 });
    const open = await run({ loop: "open", rate: 300, arrivals: "constant", connections: 500 });
    // In the closed loop one call of thousands waits; of callers who come by the clock, more than a third does.
    expect(closed.latency.max_us).toBeGreaterThan(250_000);
    expect(closed.latency.p99_us).toBeLessThan(50_000);
    expect(open.latency.p99_us).toBeGreaterThan(200_000);
    expect(open.latency.p75_us).toBeGreaterThan(30_000);
    expect([open.asked_per_s, Math.round(open.calls_per_s / 100)]).toEqual([300, 3]);
  });

  test("counts the latency of a call that had to wait for a connection from when it should have been sent", async () => {
    const server = serve((send) => setTimeout(() => send(ANSWER), 50));
    const shape = { loop: "open", rate: 100, arrivals: "constant", connections: 1, seconds: 0.25 } as const;
    const result = await generator.run(order({ ...shape, port: server.port }));
    server.stop();
    // 20 calls a second are answered of 100 that come: the last waits for all before it.
    expect(result.latency.max_us).toBeGreaterThan(600_000);
  });

  test("sends a body of its own with every call", async () => {
    const server = serve((send) => send(ANSWER));
    const { calls, errors } = await generator.run(order({ port: server.port, calls: 200 }));
    server.stop();
    expect([calls, errors, server.bodies.length]).toEqual([200, 0, 200]);
    expect(new Set(server.bodies).size).toBe(200);
    for (const body of server.bodies) expect(body.length).toBe(1024);
    expect(JSON.parse(server.bodies[7]!)).toMatchObject({ model: "bench/bench", stream: false });
  });

  test.each([
    ["another status", ANSWER.replace("200", "502"), "status 502 instead of 200"],
    ["no whole JSON", ANSWER.replace("{}", "{ "), 'the answer ends with "{ "'],
    ["a closed connection", null, "the connection was closed in a call"],
  ])("calls %s an error", async (_, answer, fault) => {
    const server = serve((send) => send(answer));
    const result = await generator.run(order({ port: server.port }));
    server.stop();
    expect([result.errors, result.calls, result.fault]).toEqual([2, 2, fault]);
  });

  test("says so when nobody listens", async () => {
    const server = serve(() => {});
    server.stop();
    await expect(generator.run(order({ port: server.port }))).rejects.toThrow(/connect/i);
  });

  test("follows a schedule that is the same every time", () => {
    const poisson = schedule({ rate: 1000, seconds: 2, arrivals: "poisson" });
    expect(schedule({ rate: 1000, seconds: 2, arrivals: "poisson" })).toEqual(poisson);
    expect(poisson.length).toBeGreaterThan(1_850);
    expect(poisson.length).toBeLessThan(2_150);
    const gaps = Array.from(poisson.subarray(1), (at, index) => at - poisson[index]!);
    // Of exponential gaps, the share 1 - 1/e is shorter than the mean.
    expect(gaps.filter((gap) => gap < 1).length / gaps.length).toBeCloseTo(1 - 1 / Math.E, 1);
    expect(schedule({ rate: 1000, seconds: 1, arrivals: "constant" })).toHaveLength(999);
  });
});

describe("the provider of the benchmarks", () => {
  test("counts the calls, and waits as long as its script says", async () => {
    await provider.play({ ...PLAIN_SCRIPT, latency_ms: 60 });
    const before = await provider.counts();
    const result = await generator.run(order({ port: provider.port, body_kb: 100 }));
    const after = await provider.counts();
    expect(result.errors).toBe(0);
    expect(after.calls - before.calls).toBe(result.calls);
    expect(after.request_bytes - before.request_bytes).toBeGreaterThan(result.calls * 102_400);
    expect(result.latency.p50_us).toBeGreaterThan(60_000);
    expect(result.latency.p50_us).toBeLessThan(120_000);
  });

  test.each([0, 10])("streams chunks %i ms apart", async (interval_ms) => {
    await provider.play({ ...PLAIN_SCRIPT, answer: "as_asked", chunks: 20, interval_ms });
    const before = await provider.counts();
    const shape = { is_stream: true, events: 22, calls: 6, connections: 3 };
    const result = await generator.run(order({ ...shape, port: provider.port }));
    const after = await provider.counts();
    expect([result.calls, result.errors, result.events]).toEqual([6, 0, 6 * 22]);
    expect(after.chunks - before.chunks).toBe(6 * 20);
    expect(result.first_event.p50_us).toBeLessThan(result.latency.p50_us);
    if (interval_ms > 0) expect(result.latency.p50_us).toBeGreaterThan(19 * interval_ms * 1000);
  });

  test("holds streams open until they are left, and lets clients leave", async () => {
    await provider.play({ ...PLAIN_SCRIPT, answer: "stream", chunks: 100, is_held: true });
    const shape = { loop: "hold", is_stream: true, connections: 20 } as const;
    const held = await generator.hold(order({ ...shape, port: provider.port }));
    expect((await provider.counts()).connections).toBe(20);
    const { left, errors } = await held.release();
    expect([left, errors]).toEqual([20, 0]);
    await provider.play({ ...PLAIN_SCRIPT, answer: "stream", chunks: 1000, interval_ms: 1 });
    const leaving = { is_stream: true, leave_after_events: 3, calls: 10 };
    const result = await generator.run(order({ ...leaving, port: provider.port }));
    expect([result.calls, result.left, result.errors]).toEqual([10, 10, 0]);
  });
});
