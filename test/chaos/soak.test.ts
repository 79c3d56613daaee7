// Clients that read slowly, stop reading, or vanish, for as long as one likes: memory stays level and no socket is left over.
// `VENTURI_SOAK_S` says how long the load lasts.

import type { Socket } from "bun";
import { afterEach, expect, test } from "vitest";
import { type Reply, type ScriptedUpstream, type SeenRequest, startUpstream } from "../scripted_upstream.ts";
import { seededRandom } from "./flaky_upstream.ts";
import { chat, metric, Venturi } from "./harness.ts";
import { residentBytes, socketsOf } from "./processes.ts";

const SOAK_S = Number(process.env["VENTURI_SOAK_S"] ?? 10);
/** The first part of the load, in which pools fill and code is compiled; not measured. */
const WARM_UP_S = Math.max(4, SOAK_S / 6);
const LANES = 32;
const MIB = 1024 * 1024;

let venturi: Venturi | null = null;
let upstream: ScriptedUpstream | null = null;

afterEach(async () => {
  await venturi?.end();
  upstream?.stop();
});

const EVENT = { choices: [{ index: 0, delta: { content: "x".repeat(8 * 1024) }, finish_reason: null }] };
const LAST_EVENT = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const LARGE = {
  choices: [{ message: { role: "assistant", content: "y".repeat(2 * MIB) }, finish_reason: "stop" }],
};

/** Answers large, and no faster than it is read: 2 MiB at once or as a stream, or never. */
async function answer(request: SeenRequest, reply: Reply): Promise<void> {
  const { model, stream } = request.json() as { model: string; stream?: boolean };
  if (model === "hang") {
    await reply.never();
  } else if (stream !== true) {
    await reply.json(200, LARGE);
  } else {
    let is_gone = false;
    void request.aborted.then(() => {
      is_gone = true;
    });
    for (let event = 0; event < 256 && !is_gone; event++) await reply.sse(EVENT);
    await reply.sse(LAST_EVENT);
    await reply.sse("[DONE]");
  }
}

/** A client that decides itself when it reads. */
class Client {
  received_bytes = 0;
  readonly closed = Promise.withResolvers<void>();
  readonly begun = Promise.withResolvers<void>();
  #socket: Socket<undefined> | null = null;
  #tail = "";
  readonly #whole = Promise.withResolvers<void>();

  static async open(port: number): Promise<Client> {
    const client = new Client();
    client.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, bytes) => client.#take(bytes),
        error() {},
        close: () => client.closed.resolve(),
      },
    });
    return client;
  }

  send(body: string, share = 1): void {
    const bytes = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    this.#socket!.write(bytes.slice(0, Math.ceil(bytes.length * share)));
  }

  pause(): void {
    this.#socket!.pause();
  }

  resume(): void {
    this.#socket!.resume();
  }

  vanish(): void {
    this.#socket!.terminate();
  }

  /** Resolves when the gateway has closed the connection behind its answer. */
  async whole(): Promise<boolean> {
    await this.closed.promise;
    return this.#tail.endsWith("0\r\n\r\n") || this.#tail.endsWith("}");
  }

  #take(bytes: Uint8Array): void {
    this.received_bytes += bytes.length;
    this.#tail = (this.#tail + Buffer.from(bytes.subarray(-8)).toString("latin1")).slice(-8);
    this.begun.resolve();
    this.#whole.resolve();
  }
}

/** What a client may do; gives whether its answer was what it should be. */
type Behaviour = (port: number, random: () => number) => Promise<boolean>;

const waitShort = (random: () => number) => Bun.sleep(random() * 60);
const within = (promise: Promise<void>, limit_ms: number) => Promise.race([promise, Bun.sleep(limit_ms)]);

/** Asks, and goes away some time later without a word. */
function vanishing(body: string): Behaviour {
  return async (port, random) => {
    const client = await Client.open(port);
    client.send(body);
    await waitShort(random);
    client.vanish();
    return true;
  };
}

/** Asks, sees the beginning, reads no more for a while, and then goes away or reads the rest. */
function stalling(body: string): Behaviour {
  return async (port, random) => {
    const client = await Client.open(port);
    client.send(body);
    await within(client.begun.promise, 2_000);
    client.pause();
    await Bun.sleep(200 + random() * 1_000);
    if (random() < 0.5) {
      client.vanish();
      return true;
    }
    client.resume();
    return client.whole();
  };
}

/** Reads a little at a time. */
function sipping(body: string): Behaviour {
  return async (port, random) => {
    const client = await Client.open(port);
    client.send(body);
    for (let sip = 0; sip < 20; sip++) {
      client.pause();
      await waitShort(random);
      client.resume();
      await within(client.closed.promise, 5);
    }
    return client.whole();
  };
}

/** Goes away in the middle of its request. */
const halfAsking: Behaviour = async (port, random) => {
  const client = await Client.open(port);
  client.send(chat("up/large"), random());
  await waitShort(random);
  client.vanish();
  return true;
};

const LOREM = chat("sim/lorem", "much", { stream: true, max_tokens: 20_000 });
const BEHAVIOURS: readonly Behaviour[] = [
  vanishing(chat("up/hang")),
  vanishing(chat("up/hang", "x", { stream: true })),
  vanishing(chat("up/large")),
  vanishing(chat("up/large", "x", { stream: true })),
  vanishing(chat("sim/slow", "x", { stream: true })),
  vanishing(LOREM),
  stalling(chat("up/large")),
  stalling(chat("up/large", "x", { stream: true })),
  stalling(LOREM),
  sipping(chat("up/large", "x", { stream: true })),
  sipping(LOREM),
  halfAsking,
];

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

test(
  `${SOAK_S} s of slow and vanishing clients leave no memory and no socket behind`,
  async () => {
    upstream = await startUpstream(answer);
    venturi = await new Venturi({
      args: ["--workers", "2"],
      config: `providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }\n`,
      // The engine's own bound, half of ours: the level of the memory is reached in half the time.
      env: { BUN_JSC_largeHeapSize: String(32 * MIB) },
    }).ready();
    const { port, url, gateways } = venturi;
    const sockets = () => gateways.reduce((sum, pid) => sum + socketsOf(pid).size, 0);
    const memory = () => gateways.reduce((sum, pid) => sum + residentBytes(pid), 0);
    await metric(url, "venturi_calls_in_flight");
    const sockets_before = sockets();

    const began_ms = performance.now();
    const elapsed_s = () => (performance.now() - began_ms) / 1000;
    const samples: number[] = [];
    const counts = { calls: 0, bad: 0, sockets_most: 0 };
    const sampling = setInterval(() => {
      counts.sockets_most = Math.max(counts.sockets_most, sockets());
      if (elapsed_s() > WARM_UP_S && elapsed_s() < SOAK_S) samples.push(memory());
    }, 250);
    const lane = async (_: unknown, number: number) => {
      const random = seededRandom(number);
      while (elapsed_s() < SOAK_S) {
        const behave = BEHAVIOURS[Math.floor(random() * BEHAVIOURS.length)]!;
        counts.calls += 1;
        if (!(await behave(port, random))) counts.bad += 1;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    clearInterval(sampling);

    expect(venturi.gateways.toSorted()).toEqual(gateways.toSorted());
    expect(counts.bad).toBe(0);
    let in_flight = Number.NaN;
    for (let look = 0; look < 50 && in_flight !== 0; look++) {
      in_flight = await metric(url, "venturi_calls_in_flight");
      await Bun.sleep(100);
    }
    expect(in_flight).toBe(0);
    // With the upstream's end its idle connections go; what is left is what was there before the first call.
    upstream.stop();
    await venturi.until(
      () => sockets() <= sockets_before,
      `${sockets_before} sockets, but ${sockets()}`,
      5_000,
    );

    const quarter = Math.ceil(samples.length / 4);
    const start = median(samples.slice(0, quarter));
    const end = median(samples.slice(-quarter));
    console.log(
      `${counts.calls} calls in ${SOAK_S} s; memory of two processes ${mib(start)} after ${WARM_UP_S.toFixed(0)} s, ${mib(end)} at the end, ` +
        `${mib(Math.max(...samples))} at most; sockets ${sockets_before} before, ${counts.sockets_most} at most, ${sockets()} after`,
    );
    expect(end).toBeLessThan(start * 1.3 + 24 * MIB);
  },
  SOAK_S * 1000 + 30_000,
);

test("clients that never read hold their upstreams back, and cost little memory", async () => {
  let sent_bytes = 0;
  upstream = await startUpstream(async (request, reply) => {
    let is_gone = false;
    void request.aborted.then(() => {
      is_gone = true;
    });
    // 256 MiB, if anybody took them.
    for (let event = 0; event < 32 * 1024 && !is_gone; event++) {
      await reply.sse(EVENT);
      sent_bytes += 8 * 1024;
    }
  });
  venturi = await new Venturi({
    args: ["--workers", "1"],
    config: `providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }\n`,
  }).ready();
  const [pid] = venturi.gateways;
  const before = residentBytes(pid!);
  const clients = await Promise.all(Array.from({ length: 8 }, () => Client.open(venturi!.port)));
  for (const client of clients) {
    client.pause();
    client.send(chat("up/m", "x", { stream: true }));
  }
  let last_bytes = -1;
  await venturi.until(() => upstream!.requests.length === 8, "requests");
  for (let look = 0; look < 20 && last_bytes !== sent_bytes; look++) {
    last_bytes = sent_bytes;
    await Bun.sleep(500);
  }
  expect(last_bytes).toBe(sent_bytes);
  expect(sent_bytes).toBeGreaterThan(MIB);
  // The sockets' buffers on both sides, of the kernel, hold most of it: how large they grow is the kernel's to say.
  expect(sent_bytes / 8).toBeLessThan(32 * MIB);
  expect(residentBytes(pid!) - before).toBeLessThan(48 * MIB);
  for (const client of clients) client.vanish();
  await Promise.all(upstream.requests.map((request) => request.aborted));
});

const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
