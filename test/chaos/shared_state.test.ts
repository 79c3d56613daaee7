// Three gateways on one machine that share their limits, under load, while processes are killed, the server is stopped, and all that it
// knew is lost: what reaches the provider is never more than the limit, and all goes on by itself.

import { afterAll, describe, expect, test } from "vitest";
import { NEEDS_SERVER, type RedisServer, SERVER, startRedis } from "../redis_server.ts";
import { until } from "../until.ts";
import { chat, metric, Venturi } from "./harness.ts";

const LIMIT = 900;
const KEY = "shared-key-0123456789";

const undone: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of undone.reverse()) await undo();
});

/** A provider that counts what arrives. */
function startUpstream() {
  let arrived = 0;
  const server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    async fetch(request) {
      arrived += 1;
      await request.text();
      const message = { role: "assistant", content: "well" };
      const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
      return Response.json({
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage,
      });
    },
  });
  undone.push(() => server.stop(true));
  return { base_url: `http://127.0.0.1:${server.port}/v1`, arrived: () => arrived };
}

function config(base_url: string, state: string, rpm = LIMIT): string {
  return `
listen: { workers: 1 }
${state}
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models: { chat: { targets: [up/m], retries: { attempts: 0 }, price: { input_per_mtok: 1, output_per_mtok: 2 } } }
keys: [{ name: k, key: ${KEY}, tenant: acme, models: ["*"], limits: { rpm: ${rpm}, usd_per_day: 50 } }]
`;
}

/** Starts gateways, one after the other. */
async function start(count: number, text: string): Promise<Venturi[]> {
  const hosts: Venturi[] = [];
  for (let one = 0; one < count; one++) {
    const host = new Venturi({ config: text, args: ["--config", "venturi.yaml"] });
    undone.push(() => host.end());
    hosts.push(await host.ready());
  }
  return hosts;
}

interface Load {
  /** Answers by their status. */
  readonly counts: Map<number, number>;
  readonly rejected: string[];
  stop(): Promise<void>;
}

/** Calls hosts until it is stopped, some at once on each, with a pause after each. */
function press(hosts: readonly Venturi[], at_once: number, pause_ms: number): Load {
  let is_over = false;
  const counts = new Map<number, number>();
  const rejected: string[] = [];
  const client = async ({ url }: Venturi) => {
    while (!is_over) {
      try {
        const answer = await fetch(`${url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${KEY}` },
          body: chat("chat"),
        });
        await answer.text();
        counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
        if (answer.status === 503) rejected.push(answer.headers.get("x-venturi-state") ?? "");
      } catch {
        counts.set(0, (counts.get(0) ?? 0) + 1);
        await Bun.sleep(20);
      }
      if (pause_ms > 0) await Bun.sleep(pause_ms);
    }
  };
  const running = hosts.flatMap((host) => Array.from({ length: at_once }, () => client(host)));
  return {
    ...{ counts, rejected },
    stop: async () => {
      is_over = true;
      await Promise.all(running);
    },
  };
}

/** Resolves when a gateway answers anything. */
async function untilAnswers({ url }: Venturi): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const answer = await fetch(`${url}/health/live`, { keepalive: false }).catch(() => null);
    if (answer !== null) return;
    await Bun.sleep(20);
  }
}

describe.skipIf(SERVER === null)(`gateways that share their state${NEEDS_SERVER}`, () => {
  async function server(): Promise<RedisServer> {
    const redis = await startRedis();
    undone.push(() => redis.stop());
    return redis;
  }

  test("let no more through than the limit, whatever dies, stops or forgets", async () => {
    const redis = await server();
    const upstream = startUpstream();
    const state = `state: { url: "valkey://127.0.0.1:${redis.port}", lease_ms: 800 }\non_state_loss: reject`;
    const hosts = await start(3, config(upstream.base_url, state));
    const [one, two] = hosts as [Venturi, Venturi];
    const began_ms = performance.now();
    const load = press(hosts, 3, 60);
    const answered = () => load.counts.get(200) ?? 0;
    const untilMore = () => {
      const before = answered();
      return until(() => answered() >= before + 25, 20_000);
    };
    await untilMore();
    // A gateway process dies; its supervisor starts another one.
    process.kill(one.gateways[0]!, "SIGKILL");
    await one.line(/another starts/);
    await untilAnswers(one);
    await untilMore();
    // The server stops: calls are rejected and say why, as soon as leases have ended.
    redis.pause();
    await until(() => load.rejected.length > 5, 20_000);
    expect(new Set(load.rejected)).toEqual(new Set(["rejected"]));
    await one.line(/shared state cannot be used/);
    expect(await metric(one.url, "venturi_state_up")).toBe(0);
    redis.resume();
    await untilMore();
    // A whole host dies without a word.
    for (const pid of two.gateways) process.kill(pid, "SIGKILL");
    two.kill("SIGKILL");
    await untilMore();
    // All that the server knew is lost.
    await redis.restart();
    await untilMore();
    await until(() => one.lines.some((line) => /shared state is reached; hosts/.test(line)), 20_000);
    await load.stop();
    // What is left of the limit is asked for until nothing is.
    const rest = press([hosts[0]!, hosts[2]!], 4, 0);
    await until(() => (rest.counts.get(429) ?? 0) > 2_000 || performance.now() - began_ms > 45_000, 20_000);
    await rest.stop();
    // All of it happened within one minute.
    expect(performance.now() - began_ms).toBeLessThan(59_000);
    expect(upstream.arrived()).toBeLessThanOrEqual(LIMIT);
    expect(upstream.arrived()).toBeGreaterThan(LIMIT * 0.8);
    expect(await metric(one.url, "venturi_state_up")).toBe(1);
    expect(await metric(one.url, "venturi_state_losses_total")).toBeGreaterThanOrEqual(2);
  }, 90_000);

  test("go on by themselves without the server, where that is wished, and say so", async () => {
    const redis = await server();
    const upstream = startUpstream();
    const state = `state: { url: "valkey://127.0.0.1:${redis.port}", lease_ms: 500 }`;
    const [host] = await start(1, config(upstream.base_url, state, 100_000));
    const load = press([host!], 1, 5);
    await until(() => (load.counts.get(200) ?? 0) > 10, 20_000);
    await redis.kill();
    await host!.line(/shared state cannot be used/);
    await Bun.sleep(600);
    const alone = await fetch(`${host!.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: chat("chat"),
    });
    expect([alone.status, alone.headers.get("x-venturi-state")]).toEqual([200, "local"]);
    await load.stop();
    expect([...load.counts.keys()]).toEqual([200]);
    expect(await metric(host!.url, "venturi_state_calls_total", 'outcome="local"')).toBeGreaterThan(0);
  }, 60_000);

  test("of a newer schema are not started, and told why", async () => {
    const redis = await server();
    await redis.run("SET", "venturi:{all}:schema", "7");
    const host = new Venturi({
      config: config("http://127.0.0.1:1/v1", `state: "valkey://127.0.0.1:${redis.port}"`),
      args: ["--config", "venturi.yaml"],
    });
    undone.push(() => host.end());
    const exit = await host.exited;
    expect(exit.code).toBe(1);
    expect(host.lines.join("\n")).toMatch(
      /cannot start: the state at valkey:.* newer version \(schema 7; this one knows 1\)/,
    );
  }, 40_000);
});
