// A process of its own that uses the exact cache: `FOLDER put FROM TO`, `FOLDER get FROM TO`, `FOLDER lease COUNT`, `FOLDER hold`
// or `FOLDER endless SEED`.

import { openExactCache } from "../../../src/cache/exact/cache.ts";
import { bodyOf } from "./checked_body.ts";
import { makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { seen } from "./seen.ts";

const [folder = "", what = "", first = "0", last = "0"] = process.argv.slice(2);
const onFault = (message: string) => console.error(message);
const cache = openExactCache(folder, { max_bytes: SIZE_BYTES, onFault });
if ("fault" in cache) throw new Error(cache.fault);

switch (what) {
  case "put": {
    for (let number = Number(first); number < Number(last); number++)
      cache.put(makeKey(number), makeEntry({ body: bodyOf(number) }));
    await cache.settled();
    console.log("put");
    break;
  }
  case "get": {
    let found = 0;
    for (let number = Number(first); number < Number(last); number++) {
      if (cache.get(makeKey(number), NOW_MS) !== null) found++;
    }
    console.log(String(found));
    break;
  }
  case "lease": {
    // All of them begin at once.
    console.log("ready");
    for await (const _ of console) break;
    const taken: number[] = [];
    for (let number = 0; number < Number(first); number++) {
      if (await cache.takeRefresh(makeKey(number), 60_000)) taken.push(number);
    }
    console.log(JSON.stringify(taken));
    break;
  }
  case "hold": {
    console.log(String(await cache.takeRefresh(makeKey(1), 1_000, NOW_MS)));
    setTimeout(() => process.exit(3), 60_000);
    await new Promise(() => {});
    break;
  }
  case "endless": {
    console.log("writing");
    for (let number = Number(first); ; number++) {
      cache.put(makeKey(number % 3_000), makeEntry({ body: bodyOf(number) }));
      if (number % 7 === 0) void cache.remove(makeKey((number * 31) % 3_000));
      if (number % 50 === 0) await seen(cache);
    }
  }
}
await cache.close();
process.exit(0);
