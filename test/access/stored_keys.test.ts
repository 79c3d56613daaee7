import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { asksForKeys, authenticate } from "../../src/access/client_keys.ts";
import type { KeyStore } from "../../src/access/key_store.ts";
import { openStoredKeys, type StoredKeys, watchKeys } from "../../src/access/stored_keys.ts";
import { parseConfig } from "../../src/config/load.ts";
import type { Plan } from "../../src/config/plan.ts";
import { makeFolder, makeRecord, openStore } from "./records.ts";

function planOf(yaml: string): Plan {
  const loaded = parseConfig(Buffer.from(yaml), "venturi.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan;
}

const open = planOf("listen: {}");

let folder: ReturnType<typeof makeFolder>;
let store: KeyStore;
let stored: StoredKeys;

beforeEach(() => {
  folder = makeFolder();
  store = openStore(folder.path);
  stored = watchKeys(store, (line) => expect.unreachable(line));
});

afterEach(() => {
  vi.useRealTimers();
  stored.close();
  folder.remove();
});

const call = (secret: string, plan = open) =>
  authenticate(plan, stored, new Headers({ authorization: `Bearer ${secret}` }));

describe("a stored key", () => {
  test("is the caller that it stands for, the same object at every call", () => {
    const { record, secret } = makeRecord({ models: ["chat"], team: "shop", limits: { rpm: 7 } });
    store.change((writer) => writer.put(record));
    const caller = call(secret);
    expect(caller).toMatchObject({ name: "one", tenant: "acme", team: "shop", models: ["chat"], tier: null });
    expect(caller).toMatchObject({ limits: { windows: [{ of: "requests", limit: 7 }] }, per_user: null });
    expect(call(secret)).toBe(caller);
  });

  test("stays the same object when other keys change, and is another one when it changes itself", () => {
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    const caller = call(secret);
    store.change((writer) => writer.put(makeRecord({ name: "two" }).record));
    expect(call(secret)).toBe(caller);
    store.change((writer) => writer.put({ ...record, models: ["chat"], version: 2 }));
    expect(call(secret)).toMatchObject({ models: ["chat"] });
  });

  test("has the limits of its tier under the Plan of the call, where it says none", () => {
    const { record, secret } = makeRecord({ tier: "free" });
    store.change((writer) => writer.put(record));
    const few = planOf("tiers: { free: { limits: { rpm: 3 } } }");
    const more = planOf("tiers: { free: { limits: { rpm: 9 } } }");
    expect(call(secret, few)).toMatchObject({ limits: { windows: [{ limit: 3 }] } });
    expect(call(secret, more)).toMatchObject({ limits: { windows: [{ limit: 9 }] } });
    expect(call(secret)).toMatchObject({ tier: "free", limits: null });
  });

  test("makes callers need one from the moment that it is stored, and for good", () => {
    expect(asksForKeys(open, stored)).toBe(false);
    expect(authenticate(open, stored, new Headers())).toMatchObject({ name: "anonymous" });
    const { record } = makeRecord();
    store.change((writer) => writer.put(record));
    expect(authenticate(open, stored, new Headers())).toMatchObject({ code: "invalid_api_key" });
    store.change((writer) => writer.put({ ...record, revoked_ms: 1, version: 2 }));
    expect(authenticate(open, stored, new Headers())).toMatchObject({ code: "invalid_api_key" });
  });

  test("is told that it was revoked, at the very next call", () => {
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    expect(call(secret)).toMatchObject({ name: "one" });
    store.change((writer) => writer.put({ ...record, revoked_ms: Date.now(), version: 2 }));
    expect(call(secret)).toMatchObject({ status: 401, code: "invalid_api_key" });
    expect(call(secret)).toMatchObject({ message: expect.stringContaining("was revoked") });
    expect(call(`${secret}x`)).toMatchObject({ message: expect.stringContaining("Incorrect API key") });
  });

  test("ends when it expires, and a replaced secret when its overlap is over", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    const { record, secret } = makeRecord({ expires_ms: 1_010_000 });
    const newer = makeRecord();
    const secrets = [newer.record.secrets[0]!, { ...record.secrets[0]!, ends_ms: 1_005_000 }];
    store.change((writer) => writer.put({ ...record, secrets }));
    for (const each of [secret, newer.secret]) expect(call(each)).toMatchObject({ name: "one" });
    vi.setSystemTime(1_005_000);
    expect(call(secret)).toMatchObject({ message: expect.stringContaining("was replaced by another") });
    expect(call(newer.secret)).toMatchObject({ name: "one" });
    vi.setSystemTime(1_010_000);
    expect(call(newer.secret)).toMatchObject({ message: expect.stringContaining("has expired") });
  });

  test("does not stand in the way of the configuration's own keys", () => {
    const plan = planOf("keys: [{ name: configured, key: sk-configured }]");
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    expect(call("sk-configured", plan)).toMatchObject({ name: "configured" });
    expect(call(secret, plan)).toMatchObject({ name: "one" });
    expect(call("sk-other", plan)).toMatchObject({ code: "invalid_api_key" });
  });

  test("is noticed within a second even if who changed it died before it could tell", async () => {
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    expect(call(secret)).toMatchObject({ name: "one" });
    const bytes = Bun.mmap(join(folder.path, "keys", "generation"));
    const before = Buffer.from(bytes);
    store.change((writer) => writer.put({ ...record, models: ["chat"], version: 2 }));
    bytes.set(before);
    expect(call(secret)).toMatchObject({ models: ["*"] });
    await vi.waitFor(() => expect(call(secret)).toMatchObject({ models: ["chat"] }), { timeout: 2_000 });
  });
});

describe("a store that cannot be read", () => {
  test("lets nobody in, says that it is for the moment, and is told of once", async () => {
    const { record, secret } = makeRecord();
    store.change((writer) => writer.put(record));
    const told: string[] = [];
    const broken = watchKeys(
      {
        ...store,
        byHash: () => {
          throw new Error("MDB_CORRUPTED");
        },
      },
      (line) => told.push(line),
    );
    const headers = new Headers({ authorization: `Bearer ${secret}` });
    for (let round = 0; round < 3; round++)
      expect(authenticate(open, broken, headers)).toMatchObject({ status: 503, code: "unavailable" });
    expect(told).toEqual(["stored keys cannot be read: MDB_CORRUPTED"]);
  });

  test("asks for keys as long as there is one, and for none where there never was any", async () => {
    await store.close();
    rmSync(join(folder.path, "keys"), { recursive: true });
    const told: string[] = [];
    // A file where the folder should be: nothing can be opened.
    writeFileSync(join(folder.path, "keys"), "");
    expect(openStoredKeys(folder.path, (line) => told.push(line))).toBeNull();
    expect(told).toEqual([expect.stringContaining("stored keys cannot be used")]);
    rmSync(join(folder.path, "keys"));
    store = openStore(folder.path);
    await store.close();
    writeFileSync(
      join(folder.path, "keys", "data.mdb"),
      "this is no database, and never was one".repeat(500),
    );
    const sealed = openStoredKeys(folder.path, (line) => told.push(line));
    expect(told).toHaveLength(2);
    expect(authenticate(open, sealed, new Headers())).toMatchObject({ code: "invalid_api_key" });
    const headers = new Headers({ "x-api-key": "vk-any" });
    expect(authenticate(open, sealed, headers)).toMatchObject({ status: 503 });
    const plan = planOf("keys: [{ name: configured, key: sk-configured }]");
    expect(authenticate(plan, sealed, new Headers({ "x-api-key": "sk-configured" }))).toMatchObject({
      name: "configured",
    });
  });
});
