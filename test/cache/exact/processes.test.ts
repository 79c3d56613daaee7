import { resolve } from "node:path";
import { expect, test } from "vitest";
import { lmdbTreeFault } from "../../../src/memory/lmdb_tree.ts";
import { bodyOf, isWhole } from "./checked_body.ts";
import { makeEntry, makeKey, NOW_MS } from "./made.ts";
import { makeData, openCache, openKeeper } from "./opened.ts";
import { nextSnapshot, seen } from "./seen.ts";

const PROCESS = resolve(import.meta.dirname, "answering_process.ts");

function start(folder: string, ...what: (string | number)[]) {
  return Bun.spawn([process.execPath, PROCESS, folder, ...what.map(String)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
}

async function firstLine(child: { readonly stdout: ReadableStream<Uint8Array> }): Promise<string> {
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return Buffer.from(value ?? [])
    .toString()
    .trim();
}

test("a process sees what another wrote, while both have it open", async () => {
  const data = makeData();
  const { cache } = openCache(data);
  expect(cache.get(makeKey(1), NOW_MS)).toBeNull();
  const writer = start(data, "put", 0, 300);
  expect(await firstLine(writer)).toBe("put");
  await nextSnapshot();
  for (let number = 0; number < 300; number++) {
    expect(Buffer.from(cache.get(makeKey(number), NOW_MS)!.body).equals(bodyOf(number))).toBe(true);
  }
  expect(await writer.exited).toBe(0);
  for (let number = 300; number < 400; number++) cache.put(makeKey(number), makeEntry());
  await seen(cache);
  expect(await firstLine(start(data, "get", 0, 500))).toBe("400");
});

test("of four processes one at a time refreshes an answer", { timeout: 60_000 }, async () => {
  const data = makeData();
  const keys = 150;
  const processes = Array.from({ length: 4 }, () => start(data, "lease", keys));
  await Promise.all(processes.map(async (child) => expect(await firstLine(child)).toBe("ready")));
  for (const { stdin } of processes) {
    stdin.write("go\n");
    await stdin.flush();
  }
  const taken = await Promise.all(
    processes.map(async (child): Promise<number[]> => JSON.parse(await firstLine(child))),
  );
  expect(taken.flat().toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: keys }, (_, number) => number),
  );
  await Promise.all(processes.map((child) => child.exited));
});

test("the refresh of a process that was killed is another's when its lease is over", async () => {
  const data = makeData();
  const { cache } = openCache(data);
  const holder = start(data, "hold");
  expect(await firstLine(holder)).toBe("true");
  holder.kill("SIGKILL");
  await holder.exited;
  await nextSnapshot();
  expect(await cache.takeRefresh(makeKey(1), 1_000, NOW_MS + 999)).toBe(false);
  cache.endRefresh(makeKey(1));
  expect(await cache.takeRefresh(makeKey(1), 1_000, NOW_MS + 999)).toBe(false);
  expect(await cache.takeRefresh(makeKey(1), 1_000, NOW_MS + 1_000)).toBe(true);
});

test("killed fifty times in the middle of writing, a store opens and all that it gives is whole", {
  timeout: 120_000,
}, async () => {
  const data = makeData();
  const { cache, faults } = openCache(data);
  let most = 0;
  for (let round = 0; round < 50; round++) {
    const writer = start(data, "endless", round * 1_000);
    expect(await firstLine(writer)).toBe("writing");
    // In the middle of whatever it is at by then, which is another thing each time.
    const before = cache.stats().bytes;
    while (round % 2 === 0 && cache.stats().bytes === before) await nextSnapshot();
    await new Promise((next) => setTimeout(next, (round * 13) % 60));
    writer.kill("SIGKILL");
    await writer.exited;
    await nextSnapshot();
    let found = 0;
    for (let number = 0; number < 3_000; number++) {
      const entry = cache.get(makeKey(number), NOW_MS);
      if (entry === null) continue;
      found++;
      expect(isWhole(entry.body)).toBe(true);
    }
    most = Math.max(most, found);
    expect(found).toBe(cache.stats().entries);
    cache.put(makeKey(5_000), makeEntry({ body: Buffer.from(`round ${round}`) }));
    await seen(cache);
    expect(Buffer.from(cache.get(makeKey(5_000), NOW_MS)!.body).toString()).toBe(`round ${round}`);
    await cache.remove(makeKey(5_000));
  }
  expect(most).toBeGreaterThan(100);
  expect(faults).toEqual([]);
  await cache.close();
  expect(lmdbTreeFault(`${data}/cache/answers/data.mdb`)).toBeNull();
  const { keeper, lines } = openKeeper(data);
  await keeper.tidy(NOW_MS);
  expect(keeper.cache.stats().entries).toBeGreaterThan(100);
  expect(lines).toEqual([]);
});
