import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InferenceClient, type NoAnswer } from "../../src/inference/client.ts";
import { BROKEN, FrameReader, frameOf } from "../../src/inference/frames.ts";
import { InferenceServer, type Outcome } from "../../src/inference/server.ts";
import { until } from "../until.ts";

let folder: string;
let path: string;
let client: InferenceClient;
let stops: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-client-"));
  path = join(folder, "inference.sock");
  client = new InferenceClient(path);
  stops = [];
});
afterEach(async () => {
  client.close();
  for (const stop of stops) await stop();
  rmSync(folder, { recursive: true, force: true });
});

type RawHandlers = {
  open?(socket: Bun.Socket<undefined>): void;
  data?(socket: Bun.Socket<undefined>, bytes: Buffer): void;
};

/** A server that does what a test says with every connection. */
function rawServer({ open, data }: RawHandlers) {
  const sockets = new Set<Bun.Socket<undefined>>();
  const listener = Bun.listen<undefined>({
    unix: path,
    socket: {
      open(socket) {
        sockets.add(socket);
        open?.(socket);
      },
      data(socket, bytes) {
        data?.(socket, bytes);
      },
      close: (socket) => void sockets.delete(socket),
    },
  });
  const stop = () => {
    for (const socket of sockets) socket.terminate();
    listener.stop(true);
    rmSync(path, { force: true });
  };
  stops.push(stop);
  return { sockets, stop };
}

function serve(work: () => Outcome | Promise<Outcome>): InferenceServer {
  const server = new InferenceServer({ path, queue_max: 2_000, work });
  stops.push(() => server.stop(0));
  return server;
}

const PLACE = { partition: Buffer.from("p"), embedder: "builtin" };
const QUESTION = { ...PLACE, text: "a question", limit: 4, min_similarity: 0.5 };

/** A search, and how long it took. */
async function timed(budget_ms: number) {
  const begin_ms = performance.now();
  const answer = await client.search(QUESTION, budget_ms);
  return { answer, took_ms: performance.now() - begin_ms };
}

function faultOf(answer: object): NoAnswer["fault"] | null {
  return "fault" in answer ? (answer as NoAnswer).fault : null;
}

/** How late a timer may be on a machine that is busy with other tests. */
const SLACK_MS = 150;

describe("the client, where nobody listens", () => {
  test("is told so at once, and connects when somebody does", async () => {
    const first = await timed(5_000);
    expect(first.answer).toEqual({ fault: "down" });
    expect(first.took_ms).toBeLessThan(1_000);
    client.add({ ...PLACE, id: Buffer.from("x"), text: "", model: "", tags: [], expires_ms: 1 });
    serve(() => ({ kind: "candidates", candidates: [] }));
    await until(async () => faultOf(await client.search(QUESTION, 1_000)) === null);
  });

  test("does not try to connect at every call", async () => {
    let opened = 0;
    const server = rawServer({
      open(socket) {
        opened += 1;
        socket.terminate();
      },
    });
    const end_ms = performance.now() + 400;
    let calls = 0;
    while (performance.now() < end_ms) {
      expect(faultOf(await client.search(QUESTION, 50))).not.toBeNull();
      calls += 1;
    }
    expect(calls).toBeGreaterThan(50);
    expect(opened).toBeGreaterThan(1);
    expect(opened).toBeLessThan(8);
    server.stop();
  });

  test("is down for good once it is closed", async () => {
    serve(() => new Promise(() => {}));
    const asked = client.search(QUESTION, 60_000);
    await Bun.sleep(5);
    client.close();
    expect(await asked).toEqual({ fault: "down" });
    expect(await client.search(QUESTION, 60_000)).toEqual({ fault: "down" });
  });
});

describe("the client of a server that", () => {
  test("never answers has what it may wait for, and no more", async () => {
    rawServer({});
    for (const budget_ms of [1, 15, 100]) {
      const { answer, took_ms } = await timed(budget_ms);
      expect(answer).toEqual({ fault: "slow" });
      expect(took_ms).toBeGreaterThanOrEqual(budget_ms - 1);
      expect(took_ms).toBeLessThan(budget_ms + SLACK_MS);
    }
    expect(await client.search(QUESTION, 0)).toEqual({ fault: "slow" });
    expect(await client.search(QUESTION, Number.NaN)).toEqual({ fault: "slow" });
  });

  test("never answers ends each request at its own deadline, whatever the order", async () => {
    rawServer({});
    const budgets = [300, 20, 150, 80, 20, 220];
    const ended = await Promise.all(budgets.map((budget_ms) => timed(budget_ms)));
    for (const [at, { answer, took_ms }] of ended.entries()) {
      expect(answer).toEqual({ fault: "slow" });
      expect(took_ms).toBeGreaterThanOrEqual(budgets[at]! - 1);
      expect(took_ms).toBeLessThan(budgets[at]! + SLACK_MS);
    }
  });

  test("has answered nothing for long is hardly asked any more, until it answers", async () => {
    const server = rawServer({});
    for (let call = 0; call < 20; call++) await client.search(QUESTION, 2);
    const times: number[] = [];
    for (let call = 0; call < 100; call++) times.push((await timed(20)).took_ms);
    expect(times.filter((took_ms) => took_ms > 10).length).toBeLessThan(20);
    // What people wait for is asked all the same.
    const stats = client.stats(60_000);
    server.stop();
    expect(await stats).toEqual({ fault: "down" });
    serve(() => ({ kind: "candidates", candidates: [] }));
    await until(async () => faultOf(await client.search(QUESTION, 100)) === null);
    for (let call = 0; call < 20; call++)
      expect(await client.search(QUESTION, 5_000)).toEqual({ candidates: [] });
  });

  test("is told of what is not waited for any more, and whose late answers find nobody", async () => {
    const reader = new FrameReader();
    const ids: number[] = [];
    const cancelled: number[] = [];
    rawServer({
      data(socket, bytes) {
        for (const value of reader.push(bytes)) {
          if (value === BROKEN) throw new Error("the client sends garbage");
          const { id, asked } = value as { id: number; asked: unknown };
          if (asked === "cancel") cancelled.push(id);
          else ids.push(id);
          // The first one is answered when the second one comes: too late, and twice.
          const answer = { kind: "candidates", candidates: [] };
          if (ids.length === 2)
            for (const late of [ids[0], ids[0], id]) socket.write(frameOf({ id: late, answer })!);
        }
      },
    });
    expect(await client.search(QUESTION, 10)).toEqual({ fault: "slow" });
    await until(() => cancelled.length === 1);
    expect(cancelled).toEqual(ids);
    expect(await client.search(QUESTION, 5_000)).toEqual({ candidates: [] });
    expect(new Set(ids).size).toBe(2);
  });

  test.each([
    ["garbage", Buffer.from("HTTP/1.1 200 OK\r\n\r\n")],
    ["a frame that is too long", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["something that is no answer", Buffer.from(frameOf({ id: 1, answer: { kind: "candidates" } })!)],
    [
      "an answer with nonsense in it",
      Buffer.from(frameOf({ id: 1, answer: { kind: "candidates", candidates: [5] } })!),
    ],
  ])("answers %s is broken, and left", async (_what, bytes) => {
    const server = rawServer({ data: (socket) => void socket.write(bytes) });
    const both = await Promise.all([client.search(QUESTION, 5_000), client.search(QUESTION, 5_000)]);
    expect(both).toEqual([{ fault: "broken" }, { fault: "broken" }]);
    await until(() => server.sockets.size === 0);
  });

  test("answers something else than was asked for is broken", async () => {
    serve(() => ({ kind: "done", count: 1 }));
    expect(await client.search(QUESTION, 5_000)).toEqual({ fault: "broken" });
    expect(await client.embed({ embedder: "builtin", texts: ["a"] }, 5_000)).toEqual({ fault: "broken" });
    expect(await client.stats(5_000)).toEqual({ fault: "broken" });
    expect(await client.remove({ by: "tag", tag: "t" })).toEqual({ count: 1 });
    expect(await client.block(Buffer.from("x"), 5)).toEqual({ count: 1 });
  });

  test("dies leaves nobody waiting", async () => {
    const server = rawServer({});
    const asked = Array.from({ length: 20 }, () => client.search(QUESTION, 60_000));
    await until(() => server.sockets.size === 1);
    await Bun.sleep(5);
    server.stop();
    expect((await Promise.all(asked)).map(faultOf)).toEqual(new Array(20).fill("down"));
  });

  test("does not read fills no memory: what it has not taken has a limit", { timeout: 60_000 }, async () => {
    let received = 0;
    const server = rawServer({
      open: (socket) => void socket.pause(),
      data: (_, bytes) => {
        received += bytes.length;
      },
    });
    await client.search(QUESTION, 5);
    const text = "x".repeat(100_000);
    const entry = { ...PLACE, id: Buffer.from("x"), text, model: "", tags: [], expires_ms: 1 };
    // 200 MB are to be sent.
    for (let round = 0; round < 2_000; round++) {
      client.add(entry);
      if (round % 100 === 0) await new Promise((turn) => setImmediate(turn));
    }
    expect(["full", "slow"]).toContain(faultOf(await client.search(QUESTION, 50)));
    for (const socket of server.sockets) socket.resume();
    for (let before = -1; before !== received; ) {
      before = received;
      await Bun.sleep(100);
    }
    expect(received).toBeGreaterThan(4_000_000);
    expect(received).toBeLessThan(8_000_000);
  });

  test("is asked too much at once is not asked more", async () => {
    let asked = 0;
    const server = serve(() => {
      asked += 1;
      return new Promise(() => {});
    });
    const all = Array.from({ length: 1_500 }, () => client.search(QUESTION, 2_000));
    await until(() => asked === 1_024);
    expect((await Promise.all(all.slice(1_024))).map(faultOf)).toEqual(new Array(476).fill("full"));
    expect((await Promise.all(all.slice(0, 1_024))).map(faultOf)).toEqual(new Array(1_024).fill("slow"));
    expect(server.counts.queued).toBe(1_024);
  });

  test("is asked for more than a frame holds is not asked", async () => {
    serve(() => ({ kind: "candidates", candidates: [] }));
    expect(await client.search({ ...QUESTION, text: "x".repeat(5_000_000) }, 5_000)).toEqual({
      fault: "broken",
    });
    expect(await client.search(QUESTION, 5_000)).toEqual({ candidates: [] });
  });
});

test("the client brings no addon and no model into a gateway process", async () => {
  const script = `
    await import("${join(import.meta.dirname, "../../src/inference/client.ts")}");
    await import("${join(import.meta.dirname, "../../src/inference/socket.ts")}");
    console.log(require("node:fs").readFileSync("/proc/self/maps", "utf8"));`;
  const { stdout } = Bun.spawn([process.execPath, "-e", script]);
  const maps = await new Response(stdout).text();
  expect(maps).toContain("[stack]");
  expect(maps).not.toMatch(/lmdb|hnswlib|onnx/);
});

describe("vectors", () => {
  test("arrive as they were", async () => {
    const vector = Float32Array.of(0.25, -1.5, 3);
    const other = Float32Array.of(1, 2, 3);
    const bytesOf = ({ buffer }: Float32Array) => new Uint8Array(buffer);
    serve(() => ({ kind: "vectors", vectors: [bytesOf(vector), bytesOf(other)] }));
    const answer = await client.embed({ embedder: "builtin", texts: ["a", "b"] }, 5_000);
    expect(answer).toEqual({ vectors: [vector, other] });
    expect(await client.embed({ embedder: "builtin", texts: ["a"] }, 5_000)).toEqual({ fault: "broken" });
  });
});
