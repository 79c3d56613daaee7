// A process that uses the exact cache on a disk until it is full, and then on: `DISK`. It says at the end what it saw.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openExactCache } from "../../../src/cache/exact/cache.ts";
import { makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { putAndSee, seen } from "./seen.ts";

const [disk = ""] = process.argv.slice(2);
process.on("unhandledRejection", (error) => console.error("UNHANDLED", error));
process.on("uncaughtException", (error) => console.error("UNHANDLED", error));

const faults: string[] = [];
// Something that can be taken away again.
writeFileSync(join(disk, "other"), Buffer.alloc(500_000));
const cache = openExactCache(disk, { max_bytes: SIZE_BYTES, onFault: (message) => faults.push(message) });
if ("fault" in cache) throw new Error(cache.fault);

const body = Buffer.alloc(20_000, "answer ");
let number = 0;
while (cache.faults === 0 && number < 2_000) await putAndSee(cache, makeKey(number++), makeEntry({ body }));
// Many at once, of all kinds, after the pause that follows a fault; they fail together.
await new Promise((next) => setTimeout(next, 1_100));
for (let more = 0; more < 50; more++) cache.put(makeKey(5_000 + more), makeEntry({ body }));
const refresh = cache.takeRefresh(makeKey(1), 1_000);
void cache.block(makeKey(2), NOW_MS + 1);
await seen(cache);
await refresh;
const is_given = Array.from({ length: number - 2 }, (_, known) => cache.get(makeKey(known), NOW_MS)).every(
  (entry) => entry !== null && Buffer.from(entry.body).equals(body),
);
const is_refused =
  cache.get(makeKey(number - 1), NOW_MS) === null && cache.get(makeKey(5_049), NOW_MS) === null;
rmSync(join(disk, "other"));
await new Promise((next) => setTimeout(next, 1_100));
await putAndSee(cache, makeKey(-1), makeEntry());
const is_put_again = cache.get(makeKey(-1), NOW_MS) !== null;
await cache.close();
console.log(JSON.stringify({ faults, is_given, is_refused, is_put_again }));
process.exit(0);
