// A folder of sealed files: bounded, and whole whoever dies while one is written.

import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SealedFolder } from "../../src/memory/sealed_folder.ts";
import { until } from "../gateway/harness.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-sealed-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = (changed = {}) =>
  new SealedFolder({
    ...{ folder, seal_key: Buffer.alloc(32, 1), name_key: Buffer.alloc(32, 2), ttl_ms: 60_000 },
    ...{ files_max: Number.POSITIVE_INFINITY, bytes_max: Number.POSITIVE_INFINITY },
    ...changed,
  });

test("those kept first go first, when they are too much", async () => {
  const sealed = open({ bytes_max: 3_000 });
  for (let index = 0; index < 5; index++) {
    const before = new Set(readdirSync(folder));
    expect(await sealed.keep("acme", `r${index}`, new Uint8Array(900))).toBe(null);
    const name = readdirSync(folder).find((one) => !before.has(one))!;
    utimesSync(join(folder, name), 0, Date.now() / 1000 - 50 + index);
  }
  expect(await sealed.sweep()).toBe(2);
  const found = await Promise.all([0, 1, 2, 3, 4].map((index) => sealed.find("acme", `r${index}`)));
  expect(found.map((bytes) => bytes?.length ?? null)).toEqual([null, null, 900, 900, 900]);
});

test("what a writer left that died is never taken for whole, and goes after an hour", async () => {
  const sealed = open({ ttl_ms: 1e10 });
  await sealed.keep("acme", "r", Buffer.from("whole"));
  const [name] = readdirSync(folder);
  writeFileSync(join(folder, `${name}.999.0`), "half");
  expect(await sealed.sweep()).toBe(0);
  expect(Buffer.from((await sealed.find("acme", "r"))!).toString()).toBe("whole");
  utimesSync(join(folder, `${name}.999.0`), 0, Date.now() / 1000 - 3_601);
  expect(await sealed.sweep()).toBe(1);
  expect(readdirSync(folder)).toEqual([name]);
});

test("a process that is killed while it writes leaves whole files", async () => {
  const script = `
    const { SealedFolder } = await import(${JSON.stringify(new URL("../../src/memory/sealed_folder.ts", import.meta.url).pathname)});
    const sealed = new SealedFolder({ folder: ${JSON.stringify(folder)}, seal_key: Buffer.alloc(32, 1), name_key: Buffer.alloc(32, 2),
      ttl_ms: 1e10, files_max: Infinity, bytes_max: Infinity });
    for (let at = 0; at < 100_000; at++) await sealed.keep("acme", "r" + (at % 20), Buffer.alloc(2_000_000, at % 20));
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "inherit" });
  const whole = () => readdirSync(folder).filter((name) => !name.includes("."));
  await until(() => whole().length >= 10);
  child.kill("SIGKILL");
  await child.exited;
  const sealed = open({ ttl_ms: 1e10 });
  const found = await Promise.all(Array.from({ length: 20 }, (_, at) => sealed.find("acme", `r${at}`)));
  expect(found.filter((bytes) => bytes !== null)).toHaveLength(whole().length);
  for (const [at, bytes] of found.entries())
    if (bytes !== null) expect(Buffer.compare(bytes, Buffer.alloc(2_000_000, at))).toBe(0);
  expect(whole().every((name) => statSync(join(folder, name)).size === 2_000_037)).toBe(true);
});
