// Handing calls to the thread that keeps them: what it cannot take is let go and counted, and a stop waits for what it has taken.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ContentKeeper } from "../../src/content/keeper.ts";
import type { ContentCall } from "../../src/content/record.ts";
import { ContentStore } from "../../src/content/store.ts";
import { until } from "../gateway/harness.ts";
import { randomIntegers } from "../memory/random.ts";

const MAX_BYTES = 1024 ** 3;
const KEYS = { seal: Buffer.alloc(32, 1), name: Buffer.alloc(32, 2) };

function callOf(id: string, bytes = 1_000): ContentCall {
  return {
    ...{ id, tenant: "acme", user: null, time_ms: Date.now(), expires_ms: Date.now() + 60_000 },
    ...{ endpoint: "/chat/completions", format: "chat", model: "chat", key: "checkout" },
    ...{ is_stream: false, choices: 1, request: Buffer.alloc(bytes, "x"), answer: null, left_out: "none" },
  };
}

function makeKeeper(folder: string) {
  const counts = { kept: 0, dropped: 0, said: [] as string[] };
  const keeper = new ContentKeeper({
    ...{ folder, keys: KEYS },
    onKept: (calls) => {
      counts.kept += calls;
    },
    onDropped: (calls) => {
      counts.dropped += calls;
    },
    log: (line) => counts.said.push(line),
  });
  return { keeper, counts };
}

test("what is taken is kept by the time that it is closed; what comes later, or is too much, is let go", async () => {
  const folder = mkdtempSync(join(tmpdir(), "venturi-keeper-"));
  const { keeper, counts } = makeKeeper(folder);
  for (let count = 0; count < 20; count++) keeper.keep(callOf(`call-${count}`), MAX_BYTES);
  // All in one turn: nothing can have been written in between.
  keeper.keep(callOf("large", 32 * 1024 * 1024), MAX_BYTES);
  expect(counts).toEqual({ kept: 0, dropped: 1, said: [] });
  await keeper.close();
  expect(counts).toEqual({ kept: 20, dropped: 1, said: [] });
  keeper.keep(callOf("late"), MAX_BYTES);
  expect(counts.dropped).toBe(2);
  const store = ContentStore.open(folder, KEYS) as ContentStore;
  expect(store.stats().calls).toBe(20);
  store.close();
  rmSync(folder, { recursive: true });
});

test("where nothing can be written, that is counted, and told once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "venturi-keeper-"));
  writeFileSync(join(folder, "content.sqlite"), "no database ".repeat(1_000));
  const { keeper, counts } = makeKeeper(folder);
  for (let count = 1; count <= 3; count++) {
    keeper.keep(callOf(`call-${count}`), MAX_BYTES);
    await until(() => counts.dropped === count);
  }
  expect(counts.kept).toBe(0);
  expect(counts.said).toHaveLength(1);
  expect(counts.said[0]).toContain("content.sqlite");
  await keeper.close();
  rmSync(folder, { recursive: true });
});

test("the store does not grow beyond what it may have: the oldest make room", async () => {
  const folder = mkdtempSync(join(tmpdir(), "venturi-keeper-"));
  const { keeper, counts } = makeKeeper(folder);
  const random = randomIntegers(9);
  for (let count = 0; count < 200; count++) {
    const noise = Buffer.from(Uint8Array.from({ length: 5_000 }, () => random(256)));
    keeper.keep({ ...callOf(`call-${count}`), request: noise }, 300_000);
    if (count % 10 === 9) await until(() => counts.kept > count);
  }
  await keeper.close();
  const store = ContentStore.open(folder, KEYS) as ContentStore;
  expect(store.bytes).toBeLessThan(500_000);
  expect(store.find("call-0")).toBeNull();
  expect(store.find("call-199")).not.toBeNull();
  store.close();
  rmSync(folder, { recursive: true });
});
