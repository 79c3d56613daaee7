import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InferenceClient } from "../../src/inference/client.ts";
import type { InferenceConfig } from "../../src/inference/config.ts";
import { inferenceSocketPath } from "../../src/inference/socket.ts";
import { openVectorIndex } from "../../src/inference/vectors/vector_index.ts";
import {
  InferenceWorker,
  type InferenceWorkerOptions,
} from "../../src/supervisor/processes/inference_worker.ts";
import { isAlive } from "../chaos/processes.ts";
import { startUpstream } from "../scripted_upstream.ts";
import { until } from "../until.ts";

const CHILD = [process.execPath, join(import.meta.dirname, "inference_child.ts")];

let folder: string;
let said: string[];
let worker: InferenceWorker;
let client: InferenceClient;
let ends: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-inference-"));
  said = [];
  ends = [];
  client = new InferenceClient(inferenceSocketPath(folder) as string);
});
afterEach(async () => {
  client.close();
  await worker.stop();
  for (const end of ends) await end();
  rmSync(folder, { recursive: true, force: true });
});

function config(changes: Partial<InferenceConfig> = {}): InferenceConfig {
  return { data: folder, embedders: [{ kind: "builtin" }], max_entries: 10_000, threads: 1, ...changes };
}

function start(options: Partial<InferenceWorkerOptions> = {}, changes: Partial<InferenceConfig> = {}): void {
  worker = new InferenceWorker({ log: (line) => said.push(line), command: CHILD, ...options });
  worker.configure(config(changes));
}

const PLACE = { partition: Buffer.from("tenant/partition"), embedder: "builtin" };
const textOf = (at: number) => `how do I pay order number ${at} ${at * 7} ${at * 13}`;

function add(at: number, embedder = "builtin"): void {
  const expires_ms = Date.now() + 3_600_000;
  client.add({
    ...PLACE,
    embedder,
    id: Buffer.from(`id${at}`),
    text: textOf(at),
    model: "m",
    tags: [],
    expires_ms,
  });
}

function search(at: number, budget_ms = 15, embedder = "builtin") {
  return client.search({ ...PLACE, embedder, text: textOf(at), limit: 1, min_similarity: 0.99 }, budget_ms);
}

async function finds(at: number, embedder = "builtin"): Promise<boolean> {
  const answer = await search(at, 1_000, embedder);
  if ("fault" in answer || answer.candidates.length === 0) return false;
  return Buffer.from(answer.candidates[0]!.id).toString() === `id${at}`;
}

/** It answers, and its index is open. */
async function isUp(): Promise<boolean> {
  const stats = await client.stats(1_000);
  return !("fault" in stats) && stats.index !== null;
}

async function entries(): Promise<number> {
  const stats = await client.stats(5_000);
  return "fault" in stats ? -1 : (stats.index?.entries ?? -1);
}

describe("the inference process", () => {
  test("answers, ends when it is told to, and knows all again", async () => {
    start();
    await until(isUp);
    for (let at = 0; at < 300; at++) add(at);
    await until(async () => (await entries()) === 300);
    expect(await finds(7)).toBe(true);
    client.observe({ ...PLACE, id: Buffer.from("id7"), similarity: 0.93, is_right: true });
    // What changes something is done in its order.
    await client.remove({ by: "tag", tag: "none" });
    const { pid } = worker;
    await worker.stop();
    expect(isAlive(pid!)).toBe(false);
    expect(said).toEqual([]);
    start();
    await until(isUp);
    expect(await entries()).toBe(300);
    const found = await search(7, 5_000);
    expect(found).toMatchObject({ candidates: [{ text: textOf(7), observations: [[0.93, true]] }] });
    expect(await client.remove({ by: "model", model: "m" })).toEqual({ count: 300 });
    expect(await finds(7)).toBe(false);
  });

  test("runs as long as it is needed, and takes another configuration", async () => {
    start();
    await until(isUp);
    const { pid } = worker;
    worker.configure(config({ max_entries: 77 }));
    await until(async () => {
      const stats = await client.stats(5_000);
      return !("fault" in stats) && stats.index?.max_entries === 77;
    });
    expect(worker.pid).toBe(pid);
    worker.configure(null);
    await until(() => worker.pid === null);
    expect(isAlive(pid!)).toBe(false);
    worker.configure(config());
    // Needed again before it has ended.
    worker.configure(null);
    worker.configure(config());
    await until(isUp);
    expect(said.filter((line) => !line.includes("ended with status 0"))).toEqual([]);
  });

  test("killed again and again under load disturbs nobody, and what it knew comes back", {
    timeout: 120_000,
  }, async () => {
    start();
    await until(isUp);
    for (let at = 0; at < 200; at++) add(at);
    await until(async () => (await entries()) === 200);
    await until(() => finds(199));
    let is_over = false;
    const counts = { answered: 0, faults: 0 };
    let slowest_ms = 0;
    const load = Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let call = lane; !is_over; call += 8) {
          const begin_ms = performance.now();
          const answer = await search(call % 200);
          slowest_ms = Math.max(slowest_ms, performance.now() - begin_ms);
          if ("fault" in answer) counts.faults += 1;
          else counts.answered += 1;
          await Bun.sleep(1);
        }
      }),
    );
    for (let kill = 0; kill < 10; kill++) {
      const before = counts.answered;
      await until(() => counts.answered > before + 50, 30_000);
      const { pid } = worker;
      process.kill(pid!, "SIGKILL");
      await until(() => worker.pid !== null && worker.pid !== pid, 30_000);
    }
    const before = counts.answered;
    await until(() => counts.answered > before + 50, 30_000);
    is_over = true;
    await load;
    // Within the budget, and what the machine's other work adds.
    expect(slowest_ms).toBeLessThan(1_000);
    expect(counts.faults).toBeGreaterThan(0);
    expect(await entries()).toBe(200);
    for (let at = 0; at < 200; at += 11) expect(await finds(at)).toBe(true);
    expect(said).toHaveLength(10);
    expect(said.every((line) => line.includes("signal SIGKILL"))).toBe(true);
  });

  test("killed while it writes leaves a store that opens, with whole entries", {
    timeout: 60_000,
  }, async () => {
    start();
    let last = 0;
    for (let kill = 0; kill < 4; kill++) {
      await until(isUp);
      for (const end = last + 1_500; last < end; last++) {
        add(last);
        if (last % 50 === 0) await new Promise((turn) => setImmediate(turn));
      }
      // Somewhere in the middle of it.
      const goal = last - 1_000;
      await until(async () => (await entries()) > Math.min(goal, kill * 300 + 100));
      process.kill(worker.pid!, "SIGKILL");
      await until(async () => !(await isUp()));
    }
    await until(isUp);
    const count = await entries();
    expect(count).toBeGreaterThan(100);
    await worker.stop();
    const index = openVectorIndex({
      folder: join(folder, "cache", "vectors"),
      max_entries: 10_000,
      log: (line) => said.push(line),
    });
    if (index === null || "fault" in index) throw new Error("the index does not open");
    // Every entry that counts can be removed, which takes all of its parts.
    expect(await index.remove({ by: "model", model: "m" })).toBe(count);
    expect(index.stats().entries).toBe(0);
    await index.close();
    expect(said.filter((line) => !line.includes("SIGKILL"))).toEqual([]);
  });

  test("that hangs costs no call more than its budget, and is ended", { timeout: 60_000 }, async () => {
    start({ silent_max_ms: 4_000 });
    await until(isUp);
    const { pid } = worker;
    process.kill(pid!, "SIGSTOP");
    let slowest_ms = 0;
    while (worker.pid === pid) {
      const begin_ms = performance.now();
      const answer = await search(1);
      slowest_ms = Math.max(slowest_ms, performance.now() - begin_ms);
      if (worker.pid === pid && "candidates" in answer) throw new Error("a stopped process answers");
      await Bun.sleep(5);
    }
    expect(slowest_ms).toBeLessThan(1_000);
    await until(isUp);
    expect(said[0]).toContain("it was silent for 4 s");
  });

  test("that dies of faults of memory again and again is told not to trust what is stored", async () => {
    start({ command: [process.execPath, join(import.meta.dirname, "crashing_child.ts")] });
    await until(() => said.length === 3);
    const { pid } = worker;
    await until(() => worker.pid !== null && worker.pid !== pid);
    const last = worker.pid!;
    await Bun.sleep(600);
    expect(worker.pid).toBe(last);
    expect(said.every((line) => /signal SIG(SEGV|TRAP|ILL|ABRT)/.test(line))).toBe(true);
  });

  test.each([0x00, 0x01, 0x5a, 0xff])(
    "works again after the middle of its file was overwritten with %i",
    {
      timeout: 90_000,
    },
    async (byte) => {
      start();
      await until(isUp);
      for (let at = 0; at < 400; at++) add(at);
      await until(async () => (await entries()) === 400);
      await worker.stop();
      const path = join(folder, "cache", "vectors", "store", "data.mdb");
      const bytes = readFileSync(path);
      // Behind the two heads, which still look well.
      writeFileSync(path, bytes.fill(byte, 8_192));
      start();
      await until(async () => {
        add(1_000);
        await Bun.sleep(20);
        return (await finds(1_000)) && existsSync(join(path, "..", "..", "store.damaged"));
      }, 60_000);
    },
  );

  test("goes when its supervisor is gone", async () => {
    start();
    const child = Bun.spawn(CHILD, { ipc: () => {}, stderr: "ignore" });
    await worker.stop();
    child.disconnect();
    expect(await child.exited).toBe(0);
  });

  test("that cannot listen says why", async () => {
    const deep = join(folder, "x".repeat(90), "y".repeat(90));
    mkdirSync(deep, { recursive: true });
    start({}, { data: deep });
    await until(() => said.length > 0);
    expect(said[0]).toContain("choose a data folder with a shorter path");
  });

  test("asks providers with keys that stand nowhere to be read", async () => {
    const upstream = await startUpstream((request, reply) => {
      const { input } = request.json() as { input: string[] };
      const data = input.map((text, index) => ({ index, embedding: [1, text.length, 3] }));
      return reply.json(200, { data });
    });
    ends.push(() => upstream.stop());
    start(
      {},
      {
        embedders: [
          {
            kind: "provider",
            provider: "up",
            model: "e",
            url: `${upstream.base_url}/embeddings`,
            headers: { authorization: "Bearer secret-of-a-test" },
            timeout_ms: 5_000,
            batch_max: 8,
          },
        ],
      },
    );
    await until(isUp);
    add(1, "provider:up/e");
    await until(() => finds(1, "provider:up/e"));
    expect(upstream.requests[0]!.headers.get("authorization")).toBe("Bearer secret-of-a-test");
    // What was added was not embedded again to be found.
    expect(upstream.requests).toHaveLength(1);
    const { pid } = worker;
    for (const name of ["cmdline", "environ"]) {
      expect(readFileSync(`/proc/${pid}/${name}`, "utf8")).not.toContain("secret-of-a-test");
    }
    expect(await search(1, 1_000)).toEqual({ fault: "down" });
  });
});
