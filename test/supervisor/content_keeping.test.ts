// The keeping of content: what is too old goes, the oldest where it is too much, also while nothing is added.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contentPath } from "../../src/content/file.ts";
import { ContentStore, type WholeCall } from "../../src/content/store.ts";
import { keyFor } from "../../src/privacy/key.ts";
import { ContentKeeping } from "../../src/supervisor/content_keeping.ts";
import { configOf } from "../console/admin_api.ts";
import { randomIntegers } from "../memory/random.ts";

const KEY = Buffer.alloc(32, 5);
const DAY_MS = 86_400_000;

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "venturi-keeping-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function keepingOf(content: string): { keeping: ContentKeeping; said: string[] } {
  const said: string[] = [];
  const config = configOf(
    `data: ${data}\nprivacy: { key: "${KEY.toString("hex")}" }\ntelemetry: { content: ${content} }`,
  );
  return {
    keeping: new ContentKeeping(
      () => config,
      (line) => said.push(line),
    ),
    said,
  };
}

function store(): ContentStore {
  const opened = ContentStore.open(data, {
    seal: keyFor(KEY, "content seal"),
    name: keyFor(KEY, "content name"),
  });
  if (!(opened instanceof ContentStore)) throw new Error(opened.fault);
  return opened;
}

const random = randomIntegers(3);

/** A call so many days old, with so many bytes that no other has. */
function callOf(days: number, bytes = 100): WholeCall {
  const noise = Buffer.from(Uint8Array.from({ length: bytes / 2 }, () => random(256))).toString("hex");
  return {
    ...{
      id: `call-of-${days}-days`,
      tenant: "acme",
      user: null,
      left_out: null,
      is_stream: false,
      choices: 1,
    },
    ...{ time_ms: Date.now() - days * DAY_MS, expires_ms: Date.now() + DAY_MS, answer: null },
    ...{ endpoint: "/chat/completions", format: "chat", model: "chat", key: "k" },
    request: Buffer.from(JSON.stringify({ prompt: noise })),
  };
}

/** Keeps calls, sweeps, and gives the ages of those that are left. */
async function leftOf(calls: readonly WholeCall[], content: string): Promise<number[]> {
  const own = store();
  own.keep(calls);
  const { keeping, said } = keepingOf(content);
  await keeping.sweep();
  await keeping.close();
  const left = calls.filter(({ id }) => own.find(id) !== null).map(({ id }) => Number(id.split("-")[2]));
  own.close();
  expect(said).toEqual([]);
  return left;
}

test("removes what is older than it may be, whether anything is still added or not", async () => {
  const calls = [0, 1, 6.9, 7.1, 30].map((days) => callOf(days));
  expect(await leftOf(calls, "{ store: off }")).toEqual([0, 1, 6.9]);
  expect(await leftOf(calls.slice(0, 3), "{ store: on, retention_days: 0.5 }")).toEqual([0]);
});

test("removes the oldest where there is more than may be", async () => {
  const calls = Array.from({ length: 150 }, (_, index) => callOf(150 - index, 20_000));
  const left = await leftOf(calls, "{ store: on, retention_days: 365, max_mb: 1 }");
  // The oldest hundred go together.
  expect(left).toEqual(calls.slice(100).map(({ id }) => Number(id.split("-")[2])));
  expect(Bun.file(contentPath(data)).size).toBeLessThan(1_200_000);
});

test("makes no file where nothing was ever kept", async () => {
  const { keeping } = keepingOf("{ store: off }");
  await keeping.sweep();
  await keeping.close();
  expect(existsSync(contentPath(data))).toBe(false);
});
