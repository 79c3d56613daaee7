import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { frameOf } from "../../src/inference/frames.ts";
import type { Asked } from "../../src/inference/messages.ts";
import { InferenceServer, type Outcome } from "../../src/inference/server.ts";
import { until } from "../until.ts";
import { RawSocket } from "./raw_socket.ts";

let folder: string;
let path: string;
let server: InferenceServer | null;
let sockets: RawSocket[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-server-"));
  path = join(folder, "inference.sock");
  server = null;
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.end();
  await server?.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

/** Answers at once, but texts that begin with "wait" when they are let go, and "busy" after so many milliseconds of work. */
class Worker {
  readonly begun: string[] = [];
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();

  readonly work = (asked: Asked): Outcome | Promise<Outcome> => {
    const text = asked.kind === "embed" ? asked.texts[0]! : asked.kind;
    this.begun.push(text);
    if (text === "fail") return Promise.reject(new Error("it failed"));
    if (text.startsWith("wait")) return new Promise((resolve) => this.#waiting.set(text, resolve));
    const busy_ms = text.startsWith("busy") ? Number(text.slice(5)) : 0;
    for (const end_ms = performance.now() + busy_ms; performance.now() < end_ms; );
    return { kind: "done", count: text.length };
  };

  letGo(text: string): void {
    this.#waiting.get(text)!({ kind: "done", count: 1 });
  }
}

function serve(worker: Worker, queue_max = 16): InferenceServer {
  server = new InferenceServer({ path, queue_max, work: worker.work });
  return server;
}

async function connect(): Promise<RawSocket> {
  const socket = await RawSocket.open(path);
  sockets.push(socket);
  return socket;
}

const request = (id: number, text: string, deadline_ms = Date.now() + 60_000) => ({
  id,
  deadline_ms,
  asked: { kind: "embed", embedder: "e", texts: [text] },
});

const done = (id: number, count: number) => ({ id, answer: { kind: "done", count } });

describe("the server", () => {
  test("answers several requests of one connection, those first that are done first", async () => {
    const worker = new Worker();
    serve(worker);
    const socket = await connect();
    socket.send(request(1, "wait one"), request(2, "two"), request(3, "wait three"), request(4, "four!"));
    expect(await socket.hear(2)).toEqual([done(2, 3), done(4, 5)]);
    worker.letGo("wait three");
    worker.letGo("wait one");
    expect(await socket.hear(4)).toEqual([done(2, 3), done(4, 5), done(3, 1), done(1, 1)]);
    expect(server!.counts).toEqual({ queued: 0, answered: 4, late: 0, full: 0 });
  });

  test("is closed to everyone else, and takes the place of a socket that was left behind", async () => {
    serve(new Worker());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["inference.sock"]);
    const first = server!;
    serve(new Worker());
    // The first one must not take away the second one's socket.
    await first.stop(0);
    const socket = await connect();
    socket.send(request(1, "here"));
    expect(await socket.hear(1)).toEqual([done(1, 4)]);
    await server!.stop(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("takes requests in pieces of any length", async () => {
    serve(new Worker());
    const socket = await connect();
    const frame = frameOf(request(7, "in pieces"))!;
    for (let cut = 1; cut < frame.length; cut += 7) {
      socket.write(frame.subarray(0, cut));
      // Both pieces arrive apart if the other side is given the time to read.
      await new Promise((turn) => setImmediate(turn));
      socket.write(frame.subarray(cut));
    }
    const count = Math.ceil((frame.length - 1) / 7);
    expect(await socket.hear(count)).toEqual(Array.from({ length: count }, () => done(7, 9)));
  });

  test.each([
    ["garbage", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame that is too long", Buffer.from([0xff, 0xff, 0xff, 0x7f])],
    ["a frame with nothing in it", Buffer.alloc(4)],
    ["something that is no request", Buffer.from(frameOf({ id: 1, asked: "what?" })!)],
    ["a request without an end", Buffer.from(frameOf(request(1, "x"))!).fill(0xc1, 10)],
    ["a request of no kind", Buffer.from(frameOf({ id: 1, deadline_ms: 1, asked: { kind: "rm" } })!)],
  ])("drops a connection on which %s comes, and others do not notice", async (_what, bytes) => {
    const worker = new Worker();
    serve(worker);
    const [good, bad] = [await connect(), await connect()];
    good.send(request(1, "wait"));
    await until(() => worker.begun.length === 1);
    bad.write(bytes);
    await bad.closed();
    expect(bad.heard).toEqual([]);
    good.send(request(2, "two"));
    worker.letGo("wait");
    expect(await good.hear(2)).toHaveLength(2);
    expect(good.is_closed).toBe(false);
  });

  test("half a frame and then the end leave nothing behind", async () => {
    serve(new Worker());
    const bad = await connect();
    bad.write(frameOf(request(1, "half"))!.subarray(0, 20));
    bad.end();
    const good = await connect();
    good.send(request(2, "two"));
    expect(await good.hear(1)).toEqual([done(2, 3)]);
    expect(server!.counts.answered).toBe(1);
  });

  test("does not begin what is late when its turn comes", async () => {
    const worker = new Worker();
    serve(worker);
    const socket = await connect();
    const soon_ms = Date.now() + 20;
    socket.send(request(1, "busy 60"), request(2, "late", soon_ms), request(3, "in time"));
    expect(await socket.hear(2)).toEqual([done(1, 7), done(3, 7)]);
    expect(worker.begun).toEqual(["busy 60", "in time"]);
    expect(server!.counts).toMatchObject({ answered: 2, late: 1, queued: 0 });
  });

  test("says at once that it is full, to those who want to hear it", async () => {
    const worker = new Worker();
    serve(worker, 3);
    const socket = await connect();
    socket.send(...[1, 2, 3].map((id) => request(id, `wait ${id}`)), request(4, "four"), request(0, "zero"));
    expect(await socket.hear(1)).toEqual([{ id: 4, fault: "full" }]);
    expect(server!.counts).toMatchObject({ queued: 3, full: 2 });
    worker.letGo("wait 2");
    await socket.hear(2);
    socket.send(request(5, "five"));
    expect(await socket.hear(3)).toEqual([{ id: 4, fault: "full" }, done(2, 1), done(5, 4)]);
  });

  test("does not begin what was cancelled, nor answer it", async () => {
    const worker = new Worker();
    serve(worker);
    const socket = await connect();
    socket.send(request(1, "wait"), request(2, "busy 20"), request(3, "three"), request(4, "four"));
    // The connection is read again after the busy request at the latest.
    socket.send({ id: 1, asked: "cancel" }, { id: 3, asked: "cancel" }, { id: 99, asked: "cancel" });
    await until(() => worker.begun.includes("four"));
    worker.letGo("wait");
    socket.send(request(5, "five"));
    await until(() => JSON.stringify(socket.heard).includes(JSON.stringify(done(5, 4))));
    const ids = socket.heard.map((value) => (value as { id: number }).id);
    expect(ids).not.toContain(1);
    expect(ids.filter((id) => id !== 3)).toEqual([2, 4, 5]);
    expect(server!.counts.queued).toBe(0);
  });

  test("answers what failed, and forgets what a client that has gone had asked", async () => {
    const worker = new Worker();
    serve(worker);
    const socket = await connect();
    socket.send(request(1, "fail"));
    expect(await socket.hear(1)).toEqual([{ id: 1, fault: "broken" }]);
    socket.send(request(2, "wait"), request(0, "nobody waits"));
    await until(() => worker.begun.length === 3);
    socket.end();
    const other = await connect();
    worker.letGo("wait");
    other.send(request(3, "three"));
    expect(await other.hear(1)).toEqual([done(3, 5)]);
    expect(server!.counts.queued).toBe(0);
  });

  test("cuts off a client that asks and asks, and never reads", async () => {
    const big = new Uint8Array(500_000);
    const work = () => ({ kind: "vectors", vectors: [big, big, big] }) as const;
    server = new InferenceServer({ path, queue_max: 200, work });
    const socket = await connect();
    socket.pause();
    socket.send(...Array.from({ length: 100 }, (_, at) => request(at + 1, "x")));
    await until(() => server!.counts.answered > 0 && server!.counts.queued === 0);
    const other = await connect();
    other.send(request(1, "x"));
    expect(await other.hear(1)).toHaveLength(1);
    // As many as may wait, and what the system itself takes.
    expect(server.counts.answered).toBeLessThan(12);
  });

  test("when it stops finishes what it has begun, and takes no more", async () => {
    const worker = new Worker();
    serve(worker);
    const socket = await connect();
    socket.send(request(1, "wait"));
    await until(() => worker.begun.length === 1);
    const stopping = server!.stop(10_000);
    socket.send(request(2, "two"));
    await Bun.sleep(10);
    worker.letGo("wait");
    await stopping;
    await socket.closed();
    expect(socket.heard).toEqual([done(1, 1)]);
    expect(worker.begun).toEqual(["wait"]);
  });
});
