// Keys that hosts share: made on one, known on all within two seconds; known ones work while the database is away, and none is changed.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hashOf } from "../../src/access/key_record.ts";
import { keyText, readKeyText } from "../../src/access/shared/record_text.ts";
import { MIGRATIONS } from "../../src/access/shared/schema.ts";
import { readPostgresAddress } from "../../src/config/postgres_address.ts";
import { sharedLines } from "../../src/console/audit/shared_log.ts";
import { verifyAudit } from "../../src/console/audit/verify.ts";
import { Database } from "../../src/postgres/database.ts";
import { migrate } from "../../src/postgres/migrate.ts";
import { type ApiUnderTest, openApi } from "../console/admin_api.ts";
import { PostgresServer, postgres_missing } from "../postgres/server.ts";
import { makeRecord } from "./records.ts";

let server: PostgresServer;
let schemas = 0;
let url: string;
let hosts: ApiUnderTest[];

/** A host: its admin API over a data folder of its own. */
function host(at = url): ApiUnderTest {
  const made = openApi(`keys: "${at}"`);
  hosts.push(made);
  return made;
}

async function within(
  limit_ms: number,
  isSo: () => boolean | Promise<boolean>,
  what: string,
): Promise<number> {
  const begin_ms = Date.now();
  while (!(await isSo())) {
    if (Date.now() - begin_ms > limit_ms) throw new Error(`not within ${limit_ms} ms: ${what}`);
    await Bun.sleep(10);
  }
  return Date.now() - begin_ms;
}

const knows = (one: ApiUnderTest, name: string) => one.api.keys!.byName(name) !== null;

describe.skipIf(postgres_missing !== null)("shared keys", () => {
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.stop());
  beforeEach(() => {
    url = server.url(`shared_${++schemas}`);
    hosts = [];
  });
  afterEach(async () => {
    await Promise.all(hosts.map((one) => one.end()));
  });

  test("are known on every host soon after their change, by name and by secret", {
    timeout: 60_000,
  }, async () => {
    const [a, b, c] = [host(), host(), host()] as const;
    await Promise.all(hosts.map(({ api }) => api.ready));
    const { json } = await a.ask("POST", "keys", { name: "till", limits: { rpm: 5, usd_per_day: 2 } });
    for (const other of [b, c]) await within(2_000, () => knows(other, "till"), "a key that was made");
    expect(b.api.keys!.byHash(hashOf(json.key))).toMatchObject({
      name: "till",
      limits: { rpm: 5, usd_per_day: 2 },
    });
    const patched = await b.ask("PATCH", "keys/till", { limits: { rpm: 6 } });
    expect(patched.json).toMatchObject({ version: 2, limits: { rpm: 6, usd_per_day: 2 } });
    expect(a.api.keys!.byName("till")!.version).toBeLessThanOrEqual(2);
    const { json: rotated } = await c.ask("POST", "keys/till/rotate", { overlap: "0s" });
    await within(2_000, () => a.api.keys!.byHash(hashOf(rotated.key)) !== null, "a secret that is new");
    await b.ask("DELETE", "keys/till");
    for (const other of [a, c]) await within(2_000, () => !knows(other, "till"), "a key that was revoked");
    const { data } = (await c.ask("GET", "audit")).json;
    expect(data.map(({ action }: { action: string }) => action)).toEqual([
      ...["key.create", "key.update", "key.rotate", "key.revoke"],
    ]);
    expect(await verifyAudit(sharedLines(url), null)).toMatchObject({ is_intact: true, entries: 4 });
  });

  test("that two hosts make at once with one name are one", { timeout: 60_000 }, async () => {
    const all = [host(), host(), host()];
    const answers = await Promise.all(
      all.flatMap((one) => [0, 1].map(() => one.ask("POST", "keys", { name: "only" }))),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409, 409]);
  });

  test("work from the copy while the database is away, and cannot be changed; then all is as it should be", {
    timeout: 60_000,
  }, async () => {
    const [a, b] = [host(), host()] as const;
    await a.ask("POST", "keys", { name: "till" });
    await within(2_000, () => knows(b, "till"), "a key that was made");
    server.pause();
    try {
      const refused = await b.ask("POST", "keys", { name: "other" });
      expect(refused.status).toBe(503);
      expect(refused.json.error.message).toContain("Keys that are known go on working");
      expect(JSON.stringify(refused.json)).not.toContain("secret");
      expect(knows(b, "till")).toBe(true);
    } finally {
      server.resume();
    }
    await server.kill();
    expect((await a.ask("DELETE", "keys/till")).status).toBe(503);
    expect((await a.ask("GET", "keys/till")).status).toBe(200);
    await server.go();
    const again = async () => (await a.ask("POST", "keys", { name: "after" })).status === 201;
    await within(20_000, again, "a change, when it is back");
    await within(10_000, () => knows(b, "after"), "it is heard of on the other host");
    expect(knows(b, "other")).toBe(false);
  });

  test("take in those that a host has made before, but for a name that is there", {
    timeout: 60_000,
  }, async () => {
    const a = host();
    await a.ask("POST", "keys", { name: "same" });
    const own = openApi();
    const before = makeRecord({ name: "mine" }).record;
    own.api.keys!.change((writer) => {
      writer.put(before);
      writer.put(makeRecord({ name: "same" }).record);
    });
    const { SharedKeys } = await import("../../src/access/shared/shared_keys.ts");
    const said: string[] = [];
    const shared = new SharedKeys({ store: own.api.keys!, url, log: (line) => said.push(line) });
    await shared.start();
    await within(2_000, () => knows(a, "mine"), "a key that was there before");
    expect(a.api.keys!.byName("mine")).toMatchObject({ id: before.id });
    expect(said.join()).toContain("the key 'same' of this host is not shared");
    await shared.close();
    // A folder's copy is of one register, whatever address that has.
    const other = new SharedKeys({
      store: own.api.keys!,
      url: server.url("another"),
      log: (line) => said.push(line),
    });
    await other.start();
    expect(said.join()).toContain("copy of another database's");
    await expect(other.change(async () => 1)).rejects.toThrow("another database");
    await other.close();
    await own.end();
  });

  test("of tables that a newer version has made are left alone, and that is said", {
    timeout: 60_000,
  }, async () => {
    const address = readPostgresAddress(url);
    if ("fault" in address) throw new Error(address.fault);
    const db = new Database(address);
    await migrate(db, "keys", [...MIGRATIONS, "CREATE TABLE of_tomorrow (id integer)"]);
    const a = host();
    await a.api.ready;
    const { status, json } = await a.ask("POST", "keys", { name: "till" });
    expect(status).toBe(503);
    expect(json.error.message).toContain("made by a newer version of Venturi (keys 2, this program knows 1)");
    await db.close();
  });
});

test("a key's text gives the key back, and no other text is taken for one", () => {
  const { record } = makeRecord({ limits: { rpm: 5 }, team: "shop", expires_ms: 7, region: "eu" });
  expect(readKeyText(keyText(record))).toEqual(record);
  expect(readKeyText(keyText({ ...record, of_tomorrow: 1 } as never))).toMatchObject({ of_tomorrow: 1 });
  for (const text of ["", "{", "[]", "{}", "null", keyText(record).replace('"secrets":[', '"secrets":[1,')]) {
    expect(readKeyText(text)).toBe(null);
  }
});
