import { appendFileSync, readFileSync, statSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KeyStore } from "../../src/access/key_store.ts";
import { openLine } from "../../src/console/audit/line.ts";
import { appendAudit, auditLines, auditPath, rememberedHead } from "../../src/console/audit/log.ts";
import { verifyAudit } from "../../src/console/audit/verify.ts";
import { makeFolder, openStore } from "../access/records.ts";

let folder: ReturnType<typeof makeFolder>;
let store: KeyStore;

beforeEach(() => {
  folder = makeFolder();
  store = openStore(folder.path);
});

afterEach(async () => {
  await store.close();
  folder.remove();
});

function record(target: string, change: Record<string, unknown> = {}): void {
  const event = { actor: "test", action: "key.update", target, change };
  store.change((writer) => appendAudit(folder.path, writer, event));
}

const path = () => auditPath(folder.path);
const lines = () => readFileSync(path(), "utf8").split("\n").slice(0, -1);
const write = (changed: readonly string[]) =>
  writeFileSync(path(), changed.map((line) => `${line}\n`).join(""));
const verify = (remembered = rememberedHead(store)) => verifyAudit(auditLines(folder.path), remembered);

function recordFive(): void {
  for (const name of ["a", "b", "c", "d", "e"]) record(name, { note: { from: null, to: name } });
}

describe("an audit log", () => {
  test("has a line for each event, each sealed behind the one before it", async () => {
    recordFive();
    const entries = lines().map((line) => openLine(line)!);
    expect(entries.map(({ seq, target }) => `${seq}${target}`)).toEqual(["1a", "2b", "3c", "4d", "5e"]);
    expect(entries[0]!.prev).toBe("0".repeat(64));
    for (let index = 1; index < 5; index++) expect(entries[index]!.prev).toBe(entries[index - 1]!.hash);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(await verify()).toEqual({ is_intact: true, entries: 5, notes: [] });
  });

  test("that was never begun is intact", async () => {
    expect(await verify()).toEqual({ is_intact: true, entries: 0, notes: [] });
  });

  test("goes on behind lines longer than it looks at first, and they come back whole", async () => {
    record("long", { note: "ü".repeat(100_000) });
    record("next");
    expect(lines().map((line) => openLine(line)?.seq)).toEqual([1, 2]);
    expect(await verify()).toMatchObject({ is_intact: true, entries: 2 });
  });

  test("is not written where the change it belongs to is given up", async () => {
    record("a");
    expect(() =>
      store.change((writer) => {
        appendAudit(folder.path, writer, { actor: "test", action: "x", target: "y", change: {} });
        throw new Error("given up");
      }),
    ).toThrow("given up");
    // The line is there, because it has to be before the change; the store has not been told of it.
    expect(rememberedHead(store)).toMatchObject({ seq: 1 });
    record("b");
    expect(await verify()).toMatchObject({ is_intact: true, entries: 3 });
  });
});

describe("an audit log that was tampered with is told by its line:", () => {
  beforeEach(recordFive);

  test("a changed letter", async () => {
    write(lines().map((line) => line.replace('"target":"c"', '"target":"x"')));
    expect(await verify()).toEqual({ is_intact: false, line: 3, fault: expect.stringContaining("no entry") });
  });

  test("a changed space", async () => {
    write(lines().map((line, index) => (index === 1 ? line.replace('"seq":2', '"seq": 2') : line)));
    expect(await verify()).toMatchObject({ is_intact: false, line: 2 });
  });

  test("a removed line", async () => {
    write(lines().toSpliced(2, 1));
    const fault = "entry 3 is missing before entry 4";
    expect(await verify()).toEqual({ is_intact: false, line: 3, fault });
  });

  test("removed first lines", async () => {
    write(lines().slice(2));
    const fault = "entries 1 to 2 are missing before entry 3";
    expect(await verify()).toEqual({ is_intact: false, line: 1, fault });
  });

  test("two lines in each other's place", async () => {
    const [a, b, c, d, e] = lines();
    write([a!, c!, b!, d!, e!]);
    expect(await verify()).toEqual({ is_intact: false, line: 2, fault: "entry 2 is missing before entry 3" });
    write([a!, b!, b!, c!, d!, e!]);
    expect(await verify()).toEqual({
      is_intact: false,
      line: 3,
      fault: "entry 2 stands where entry 3 should",
    });
  });

  test("removed last lines", async () => {
    write(lines().slice(0, 3));
    const fault = "the end is missing: entry 5 was written, the last here is 3";
    expect(await verify()).toEqual({ is_intact: false, line: 3, fault });
    unlinkSync(path());
    expect(await verify()).toMatchObject({ is_intact: false, line: 0 });
  });

  test("a last line that was cut", async () => {
    truncateSync(path(), statSync(path()).size - 20);
    expect(await verify()).toMatchObject({
      is_intact: false,
      fault: expect.stringContaining("the end is missing"),
    });
  });

  test("all of it written anew with hashes that fit", async () => {
    const other = makeFolder();
    const other_store = openStore(other.path);
    for (const target of ["a", "b", "x", "d", "e"]) {
      const event = { actor: "test", action: "key.update", target, change: {} };
      other_store.change((writer) => appendAudit(other.path, writer, event));
    }
    writeFileSync(path(), readFileSync(auditPath(other.path)));
    await other_store.close();
    other.remove();
    const fault = "entry 5 is not the one that was written";
    expect(await verify()).toEqual({ is_intact: false, line: 5, fault });
  });

  test("what is put in between, even before a line that says it was a repair", async () => {
    const [a, ...rest] = lines();
    write([a!, "something else", ...rest]);
    expect(await verify()).toMatchObject({ is_intact: false, line: 2 });
  });

  test("whose end cannot be compared is said to be so", async () => {
    write(lines().slice(0, 3));
    expect(await verify(null)).toEqual({
      is_intact: true,
      entries: 3,
      notes: [expect.stringContaining("cannot be told")],
    });
  });
});

describe("after a crash in the middle of a line", () => {
  test("that is told, and the next entry records it and goes on", async () => {
    record("a");
    const torn = '{"seq":2,"time":"2026-01-01T00:00:00.000Z","actor":"té';
    appendFileSync(path(), Buffer.from(torn).subarray(0, -1));
    expect(await verify()).toEqual({
      is_intact: true,
      entries: 1,
      notes: [expect.stringContaining("line 2 is unfinished")],
    });
    record("b");
    expect(lines()).toHaveLength(4);
    const [repair, next] = lines()
      .slice(2)
      .map((line) => openLine(line)!);
    expect(repair).toMatchObject({ seq: 2, action: "audit.repair", change: { bytes: torn.length } });
    expect(next).toMatchObject({ seq: 3, target: "b" });
    expect(await verify()).toEqual({
      is_intact: true,
      entries: 3,
      notes: [expect.stringContaining("line 2 was left unfinished by a crash")],
    });
  });

  test("that was the very first, the log begins behind it", async () => {
    writeFileSync(path(), '{"seq":1,');
    record("a");
    expect(await verify()).toMatchObject({ is_intact: true, entries: 2 });
  });

  test("that lacks nothing but its end is an entry like any other", async () => {
    record("a");
    record("b");
    truncateSync(path(), statSync(path()).size - 1);
    record("c");
    expect(lines()).toHaveLength(3);
    expect(await verify()).toEqual({ is_intact: true, entries: 3, notes: [] });
  });

  test("a line that is changed after it was recorded as unfinished is told", async () => {
    record("a");
    appendFileSync(path(), "torn");
    record("b");
    write(lines().map((line) => (line === "torn" ? "tom" : line)));
    expect(await verify()).toMatchObject({ is_intact: false, line: 2 });
  });
});

test("two processes that write at once leave one chain", async () => {
  const source = (name: string) => JSON.stringify(resolve(import.meta.dirname, "../../src", name));
  const script = `
    import { openKeyStore } from ${source("access/key_store.ts")};
    import { appendAudit } from ${source("console/audit/log.ts")};
    const [folder, who] = process.argv.slice(1);
    const store = openKeyStore(folder);
    for (let turn = 0; turn < 50; turn++)
      store.change((writer) =>
        appendAudit(folder, writer, { actor: who, action: "x", target: String(turn), change: {} }));
    process.exit(0);`;
  const run = (who: string) =>
    Bun.spawn([process.execPath, "-e", script, folder.path, who], { stderr: "inherit" }).exited;
  expect(await Promise.all([run("one"), run("two")])).toEqual([0, 0]);
  store.refresh();
  expect(await verify()).toEqual({ is_intact: true, entries: 100, notes: [] });
  const who = lines().map((line) => openLine(line)!.actor);
  expect(who.filter((name) => name === "one")).toHaveLength(50);
});
