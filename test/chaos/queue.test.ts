// A saturated provider behind two gateway processes: it is never asked for more than its places at once, tiers get their shares of it,
// and a process that is killed with places and with calls that wait takes neither with it.

import { afterEach, expect, test } from "vitest";
import { chatCompletion, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";
import { chat, Venturi } from "./harness.ts";

const PLACES = 4;
const LATENCY_MS = 40;

let venturi: Venturi | null = null;
let upstream: ScriptedUpstream | null = null;

afterEach(async () => {
  await venturi?.end();
  venturi = null;
  upstream?.stop();
  upstream = null;
});

/** A provider that knows how many calls it has at once; one whose caller is gone is no call any more. */
async function startCounting() {
  let at_once = 0;
  let most = 0;
  upstream = await startUpstream(async (request, reply) => {
    at_once += 1;
    most = Math.max(most, at_once);
    await Promise.race([Bun.sleep(LATENCY_MS), request.aborted]);
    at_once -= 1;
    await reply.json(200, chatCompletion("hello"));
  });
  return { base_url: upstream.base_url, most: () => most };
}

const configFor = (base_url: string) => `
listen: { workers: 2 }
providers:
  up: { kind: openai, base_url: "${base_url}", api_keys: [none], limits: { concurrency: ${PLACES} }, queue: { max: 200 } }
models: { m: { targets: [up/a], retries: { attempts: 0 } } }
tiers: { paid: { weight: 4 }, free: { weight: 1 } }
keys:
  - { name: paid, key: paid-key, tenant: acme, tier: paid }
  - { name: free, key: free-key, tenant: trial, tier: free }
`;

/** Callers of one key that call again and again; what they were told, by status, 0 where the connection was cut. */
function press(
  gateway: Venturi,
  key: string,
  callers: number,
  isOver: () => boolean,
): Promise<Map<number, number>> {
  const told = new Map<number, number>();
  const one = async () => {
    while (!isOver()) {
      const status = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, connection: "close" },
        body: chat("m", "hello"),
      }).then(
        async (response) => {
          await response.text();
          return response.status;
        },
        () => 0,
      );
      told.set(status, (told.get(status) ?? 0) + 1);
    }
  };
  return Promise.all(Array.from({ length: callers }, one)).then(() => told);
}

async function waiting(gateway: Venturi): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith("venturi_queue_length{"));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("tiers share a provider by weight over two processes, which together keep to its places", async () => {
  const provider = await startCounting();
  venturi = await new Venturi({ config: configFor(provider.base_url) }).ready();
  const end_ms = performance.now() + 4_000;
  const isOver = () => performance.now() > end_ms;
  const [paid, free] = await Promise.all([
    press(venturi, "paid-key", 24, isOver),
    press(venturi, "free-key", 24, isOver),
  ]);
  expect(provider.most()).toBe(PLACES);
  expect([...paid.keys()]).toEqual([200]);
  expect([...free.keys()]).toEqual([200]);
  const share = paid.get(200)! / (paid.get(200)! + free.get(200)!);
  // What ends behind the time is served as the rest runs dry: the simulation is exact, here it is about all of it together.
  expect(share).toBeGreaterThan(0.7);
  expect(share).toBeLessThan(0.88);
  expect(await waiting(venturi)).toBe(0);
}, 60_000);

test("a process that is killed gives its places back, and those that wait elsewhere go on", async () => {
  const provider = await startCounting();
  venturi = await new Venturi({ config: configFor(provider.base_url) }).ready();
  let is_over = false;
  const pressing = [
    press(venturi, "paid-key", 16, () => is_over),
    press(venturi, "free-key", 16, () => is_over),
  ];
  const gateway = venturi;
  await gateway.until(() => upstream!.requests.length > 100, "a hundred calls");
  const [victim] = gateway.gateways;
  process.kill(victim!, "SIGKILL");
  await gateway.until(
    () => gateway.gateways.length === 2 && !gateway.gateways.includes(victim!),
    "a successor",
  );
  const before = upstream!.requests.length;
  // All places are in use again, which takes more calls than the dead one could have held.
  await gateway.until(() => upstream!.requests.length > before + 200, "two hundred calls more", 20_000);
  is_over = true;
  const told = await Promise.all(pressing);
  expect(provider.most()).toBe(PLACES);
  for (const statuses of told) {
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 0)).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(0);
  }
  expect(await waiting(gateway)).toBe(0);
  // Nothing of what the dead one held is held any more: as many as there are places are let through at once.
  const statuses = await Promise.all(Array.from({ length: PLACES }, () => press1(gateway)));
  expect(statuses).toEqual(Array.from({ length: PLACES }, () => 200));
}, 60_000);

const press1 = async (gateway: Venturi): Promise<number> => {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer paid-key" },
    body: chat("m", "hello"),
  });
  await response.text();
  return response.headers.get("server-timing")!.includes("queue") ? 1 : response.status;
};
