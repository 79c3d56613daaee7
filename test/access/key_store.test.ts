import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashOf } from "../../src/access/key_record.ts";
import { hasStoredKeys, isThereKeyStore, type KeyStore, openKeyStore } from "../../src/access/key_store.ts";
import { makeFolder, makeRecord, openStore } from "./records.ts";

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

describe("a store of keys", () => {
  test("is empty at first, and nobody else may look into its folder", () => {
    expect(store.isEmpty()).toBe(true);
    expect(hasStoredKeys(folder.path)).toBe(false);
    expect(statSync(join(folder.path, "keys")).mode & 0o777).toBe(0o700);
  });

  test("finds a key by id, name and secret, as it was put", () => {
    const { record, secret } = makeRecord({ limits: { rpm: 5, usd_per_day: 0.25 }, team: "shop" });
    store.change((writer) => writer.put(record));
    for (const found of [store.byId(record.id), store.byName("one"), store.byHash(hashOf(secret))]) {
      expect(found).toMatchObject({ name: "one", team: "shop", limits: { rpm: 5, usd_per_day: 0.25 } });
      expect(Buffer.from(found!.secrets[0]!.hash)).toEqual(Buffer.from(hashOf(secret)));
    }
    expect(store.byName("two")).toBeNull();
    expect(store.byId("key_00000000000000000000")).toBeNull();
    expect(store.byHash(hashOf("vk-other"))).toBeNull();
    expect(hasStoredKeys(folder.path)).toBe(true);
  });

  test("finds no key any more by a name that it had, or by a secret that was taken from it", () => {
    const { record, secret } = makeRecord();
    const { secrets } = makeRecord().record;
    store.change((writer) => writer.put(record));
    store.change((writer) => writer.put({ ...record, name: "renamed", secrets }));
    expect(store.byName("one")).toBeNull();
    expect(store.byName("renamed")?.id).toBe(record.id);
    expect(store.byHash(hashOf(secret))).toBeNull();
    expect(store.byHash(secrets[0]!.hash)?.id).toBe(record.id);
  });

  test("of a newer version is not opened", () => {
    store.change((writer) => writer.setMark("format", "2"));
    expect(openKeyStore(folder.path)).toMatchObject({
      fault: expect.stringMatching(/newer version.*format is 2/),
    });
  });

  test("lets the name of a revoked key be given to another", () => {
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    store.change((writer) => writer.put({ ...record, revoked_ms: 1 }));
    expect(store.byName("one")).toBeNull();
    const { record: next } = makeRecord();
    store.change((writer) => writer.put(next));
    store.change((writer) => writer.put({ ...record, revoked_ms: 2 }));
    expect(store.byName("one")?.id).toBe(next.id);
    expect(store.byHash(hashOf(secret))?.revoked_ms).toBe(2);
  });

  test("lists keys in the order in which they were made, page by page", () => {
    const ids = ["03", "01", "02"].map((end) => `key_0000000000000000${end}00`);
    for (const id of ids) store.change((writer) => writer.put(makeRecord({ id, name: id }).record));
    const listed = [...store.list()].map(({ id }) => id);
    expect(listed).toEqual(ids.toSorted());
    expect([...store.list(listed[0])].map(({ id }) => id)).toEqual(listed.slice(1));
  });

  test("changes nothing at all when a change throws in its middle", () => {
    const before = store.generation.current();
    expect(() =>
      store.change((writer) => {
        writer.put(makeRecord().record);
        writer.setMark("m", "1");
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(store.isEmpty()).toBe(true);
    expect(store.byName("one")).toBeNull();
    expect(store.mark("m")).toBeNull();
    expect(store.generation.current()).toBe(before);
  });

  test("counts its changes up for whoever else has it open", async () => {
    const other = openStore(folder.path);
    const before = other.generation.current();
    store.change((writer) => writer.put(makeRecord().record));
    expect(other.generation.current()).toBe(before + 1);
    other.refresh();
    expect(other.byName("one")).not.toBeNull();
    await other.close();
    expect(store.byName("one")).not.toBeNull();
  });

  test("says why it cannot be opened, and a folder that never had one is not made by asking", () => {
    const elsewhere = join(folder.path, "none");
    expect(isThereKeyStore(elsewhere)).toBe(false);
    expect(hasStoredKeys(elsewhere)).toBe(false);
    expect(existsSync(elsewhere)).toBe(false);
    expect(() => openStore("/proc/none")).toThrow("stored keys cannot be used: /proc/none/keys");
  });

  test("keeps nothing from which a secret could be read", () => {
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    for (const name of readdirSync(join(folder.path, "keys"))) {
      const bytes = readFileSync(join(folder.path, "keys", name));
      expect(bytes.includes(secret)).toBe(false);
      expect(bytes.includes(secret.slice(3))).toBe(false);
      expect(bytes.includes(Buffer.from(secret.slice(3), "base64url"))).toBe(false);
    }
  });

  test("can be changed again after a process was killed in the middle of a change, of which nothing is left", async () => {
    const module = resolve(import.meta.dirname, "../../src/access/key_store.ts");
    const script = `
      import { openKeyStore } from ${JSON.stringify(module)};
      const store = openKeyStore(process.argv[1]);
      store.change((writer) => {
        writer.setMark("half", "done");
        process.stdout.write("in the middle");
        for (;;) Bun.sleepSync(1_000);
      });`;
    const killed = Bun.spawn([process.execPath, "-e", script, folder.path], { stdout: "pipe" });
    const said = await killed.stdout.getReader().read();
    expect(Buffer.from(said.value!).toString()).toBe("in the middle");
    killed.kill("SIGKILL");
    await killed.exited;
    store.change((writer) => writer.setMark("next", "done"));
    expect([store.mark("half"), store.mark("next")]).toEqual([null, "done"]);
  });

  test("takes the changes of two processes at once, none of them lost", async () => {
    const script = `
      import { openKeyStore } from ${JSON.stringify(resolve(import.meta.dirname, "../../src/access/key_store.ts"))};
      const store = openKeyStore(process.argv[1]);
      for (let round = 0; round < 100; round++)
        store.change((writer) => writer.setMark("count", String(Number(store.mark("count") ?? 0) + 1)));
      process.exit(0);`;
    const run = () =>
      Bun.spawn([process.execPath, "-e", script, folder.path], { stdout: "inherit", stderr: "inherit" });
    expect(await Promise.all([run(), run()].map(({ exited }) => exited))).toEqual([0, 0]);
    store.refresh();
    expect(store.mark("count")).toBe("200");
  });
});
