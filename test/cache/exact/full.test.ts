import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openExactCache } from "../../../src/cache/exact/cache.ts";
import { makeEntry, makeKey, NOW_MS, SIZE_BYTES } from "./made.ts";
import { makeData, openCache, openKeeper } from "./opened.ts";
import { putAndSee, seen } from "./seen.ts";

const MIB = 1024 * 1024;
const body = Buffer.alloc(10_000, "answer ");

test("a full store takes no more, gives what it has, and takes again when its keeper made room", async () => {
  const data = makeData();
  const { cache, faults } = openCache(data, 2 * MIB);
  let number = 0;
  while (cache.faults === 0) {
    cache.put(makeKey(number++), makeEntry({ body }));
    if (number % 20 === 0) await seen(cache);
    expect(number).toBeLessThan(2_000);
  }
  await seen(cache);
  const { bytes, entries } = cache.stats();
  expect(bytes).toBeGreaterThan(2 * MIB);
  expect(bytes).toBeLessThan(2 * MIB * 1.1 + 2 * MIB * 0.1 + 20 * 12_288);
  expect(faults).toEqual(["answers are not kept: there is no room, until old ones are removed"]);
  for (let known = 0; known < entries; known++) expect(cache.get(makeKey(known), NOW_MS)).not.toBeNull();
  cache.put(makeKey(-1), makeEntry());
  await seen(cache);
  expect(cache.get(makeKey(-1), NOW_MS)).toBeNull();
  expect(faults).toHaveLength(1);
  const { keeper } = openKeeper(data, 2 * MIB);
  await keeper.evict();
  // It looks at the size anew after a while.
  await new Promise((next) => setTimeout(next, 250));
  await putAndSee(cache, makeKey(-1), makeEntry());
  expect(cache.get(makeKey(-1), NOW_MS)).not.toBeNull();
  expect(cache.stats().bytes).toBeLessThan(2 * MIB);
});

/** A disk of four megabytes, if the test may make one. */
function makeDisk(): string | null {
  const path = makeData();
  if (Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path]).exitCode !== 0) return null;
  onTestFinished(() => void Bun.spawnSync(["umount", "-l", path]));
  return path;
}

/** Writes until nothing more fits. */
function fillDisk(path: string): void {
  for (const size of [65_536, 4096]) {
    try {
      for (;;) writeFileSync(join(path, "filling"), Buffer.alloc(size), { flag: "a" });
    } catch {
      // It is full.
    }
  }
}

const can_mount = process.getuid?.() === 0 && Bun.spawnSync(["sh", "-c", "command -v mount"]).exitCode === 0;

describe.skipIf(!can_mount)("on a full disk (needs to mount one)", () => {
  test("puts fail quietly, what is there is given, and nothing is left unhandled", {
    timeout: 60_000,
  }, async ({ skip }) => {
    const disk = makeDisk();
    if (disk === null) return skip("no disk can be mounted");
    const script = resolve(import.meta.dirname, "full_process.ts");
    const child = Bun.spawn([process.execPath, script, disk], { stdout: "pipe", stderr: "pipe" });
    const [said, cried] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect({ code: await child.exited, cried: cried.includes("UNHANDLED") }).toEqual({
      code: 0,
      cried: false,
    });
    expect(JSON.parse(said.trim().split("\n").at(-1)!)).toEqual({
      faults: [expect.stringMatching(/^answers cannot be written \(.+\)$/)],
      is_given: true,
      is_refused: true,
      is_put_again: true,
    });
  });

  test("a store cannot be opened, and that is said", async ({ skip }) => {
    const disk = makeDisk();
    if (disk === null) return skip("no disk can be mounted");
    fillDisk(disk);
    const opened = openExactCache(disk, { max_bytes: SIZE_BYTES, onFault: () => {} });
    expect(opened).toEqual({ fault: expect.stringContaining("cannot be opened") });
    rmSync(join(disk, "filling"));
    const { cache } = openCache(disk);
    await putAndSee(cache, makeKey(1), makeEntry());
    expect(cache.get(makeKey(1), NOW_MS)).not.toBeNull();
    await cache.close();
  });

  test("that may only be read is said to be so", async ({ skip }) => {
    const disk = makeDisk();
    if (disk === null) return skip("no disk can be mounted");
    mkdirSync(join(disk, "cache"));
    expect(Bun.spawnSync(["mount", "-o", "remount,ro", disk]).exitCode).toBe(0);
    const opened = openExactCache(disk, { max_bytes: SIZE_BYTES, onFault: () => {} });
    expect(opened).toEqual({ fault: expect.stringContaining("cannot be opened") });
  });
});
