// One of the processes of `contention.ts`: says that it is ready, and does the same over and over for as long as it is told.

import { Reservation } from "../src/access/reservation.ts";
import type { CacheEntry } from "../src/cache/entry.ts";
import { openExactCache } from "../src/cache/exact/cache.ts";
import { CacheKey, HASH_BYTES } from "../src/cache/key.ts";
import { openState } from "../src/memory/state.ts";
import type { Done } from "./contention.ts";
import { sixCounters } from "./six_counters.ts";

/** What is done. */
export const CONTENDED = ["reserve, one key", "reserve, a key each", "read a kept answer"] as const;
export type Contended = (typeof CONTENDED)[number];

/** Kept answers, and the bytes of each. */
const ANSWERS = 500;
const ANSWER_BYTES = 1_000;
const CACHE = { max_bytes: 64 * 1024 * 1024, onFault: (message: string) => console.error(message) };
const DAY_MS = 86_400_000;
const BATCH = 100;
const WARM_UP = 20_000;

function keyOf(answer: number): CacheKey {
  const hash = Buffer.alloc(HASH_BYTES);
  hash.writeUInt32BE(answer);
  return new CacheKey({ tenant: "acme", within: "" }, hash);
}

/** Keeps the answers that are read. */
export async function fillAnswers(folder: string): Promise<void> {
  const cache = openExactCache(folder, CACHE);
  if ("fault" in cache) throw new Error(cache.fault);
  const now_ms = Date.now();
  for (let answer = 0; answer < ANSWERS; answer++) {
    const entry: CacheEntry = {
      kind: "whole",
      body: new Uint8Array(ANSWER_BYTES).fill(0x61),
      ...{ usage: null, finish_reason: "stop", cost_nano_usd: 1, took_ms: 1, tags: [] },
      ...{ model: "chat", provider: "bench", served_model: "model" },
      ...{ created_ms: now_ms, fresh_until_ms: now_ms + DAY_MS, stale_until_ms: now_ms + DAY_MS },
    };
    await cache.put(keyOf(answer), entry);
  }
  await cache.close();
}

/** The operation of a process; false: it was refused. */
function operationOf(what: Contended, folder: string, index: number): () => boolean {
  if (what === "read a kept answer") {
    const cache = openExactCache(folder, CACHE);
    if ("fault" in cache) throw new Error(cache.fault);
    const keys = Array.from({ length: ANSWERS }, (_, answer) => keyOf(answer));
    const now_ms = Date.now();
    let next = index;
    return () => {
      next = (next + 1) % ANSWERS;
      if (cache.get(keys[next]!, now_ms) === null) throw new Error("an answer is not there");
      return true;
    };
  }
  const { counters } = openState(folder);
  const tools = { counters, column: index, shared: null, now_ms: Date.now, wall_ms: Date.now };
  const sets = [sixCounters(what === "reserve, one key" ? "shared" : `own-${index}`)];
  return () => {
    const taken = Reservation.take(sets, { tokens: 10, nano_usd: 600_000 }, tools);
    // The limits themselves are never reached.
    if (!(taken instanceof Reservation)) return false;
    taken.settle({ tokens: 7, nano_usd: 400_000 });
    return true;
  };
}

/** Does it for so many seconds. */
async function work(operate: () => boolean, seconds: number): Promise<Done> {
  const cpu = process.cpuUsage();
  let operations = 0;
  let refused = 0;
  let longest_us = 0;
  for (const end_ms = performance.now() + seconds * 1_000; performance.now() < end_ms; ) {
    const begin_ms = performance.now();
    for (let count = 0; count < BATCH; count++) if (!operate()) refused += 1;
    operations += BATCH;
    longest_us = Math.max(longest_us, ((performance.now() - begin_ms) * 1_000) / BATCH);
    // What a read transaction holds is let go between turns of the event loop, as in a gateway.
    if (operations % (10 * BATCH) === 0) await new Promise((next) => setImmediate(next));
  }
  const { user, system } = process.cpuUsage(cpu);
  return { operations, refused, cpu_us: user + system, longest_us };
}

if (import.meta.main) {
  const [what = "", folder = "", index = "", seconds = ""] = process.argv.slice(2);
  const operate = operationOf(what as Contended, folder, Number(index));
  for (let count = 0; count < WARM_UP; count++) operate();
  process.on("message", () => {
    void work(operate, Number(seconds)).then((done) => process.send!(done, () => process.exit(0)));
  });
  process.send!("ready");
}
