import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { hashOf } from "../../src/access/key_record.ts";
import { PostgresServer, postgres_missing } from "../postgres/server.ts";
import { type ApiUnderTest, openApi } from "./admin_api.ts";

/** Keys of a data folder alone, and keys that hosts share. */
const ENGINES = [
  {
    name: "kept in a data folder:",
    ...{ missing: null, is_shared: false },
    start: async () => {},
    stop: async () => {},
    yaml: (list: string | null) => (list === null ? null : `{ tiers: { paid: {} }, keys: [${list}] }`),
  },
  {
    name: "kept in postgres:",
    ...{ missing: postgres_missing, is_shared: true },
    start: async () => {
      server = await PostgresServer.start();
    },
    stop: async () => {
      await server?.stop();
    },
    yaml: (list: string | null) =>
      `{ tiers: { paid: {} }, keys: { store: "${server!.url(`keys_${++schemas}`)}", list: [${list ?? ""}] } }`,
  },
];
let server: PostgresServer | null = null;
let schemas = 0;

describe.each(ENGINES)("$name", (engine) => {
  describe.skipIf(engine.missing !== null)("", () => {
    let under: ApiUnderTest;

    beforeAll(() => engine.start(), 60_000);
    afterAll(() => engine.stop());
    beforeEach(() => {
      under = openApi(engine.yaml("{ name: configured, key: sk-configured }"));
    });
    afterEach(() => under.end());

    const ask: ApiUnderTest["ask"] = (...args) => under.ask(...args);
    const create = (fields: object = {}) => ask("POST", "keys", { name: "checkout", ...fields });

    describe("creating a key", () => {
      test("shows its secret this once, and all its settings", async () => {
        const { status, json, headers } = await create({
          ...{
            tenant: "acme",
            team: "shop",
            tier: "paid",
            models: ["chat", "openai/*"],
            note: "for the till",
          },
          ...{ limits: { rpm: 600, usd_per_day: 20.5 }, per_user: { concurrency: 4 }, expires: "2099-01-31" },
        });
        expect(status).toBe(201);
        expect(json.key).toMatch(/^vk-[A-Za-z0-9_-]{43}$/);
        expect(json).toMatchObject({
          ...{
            object: "key",
            name: "checkout",
            tenant: "acme",
            team: "shop",
            tier: "paid",
            note: "for the till",
          },
          ...{
            models: ["chat", "openai/*"],
            limits: { rpm: 600, usd_per_day: 20.5 },
            per_user: { concurrency: 4 },
          },
          ...{ expires: "2099-01-31T00:00:00.000Z", revoked: null, state: "active", version: 1 },
        });
        expect(json.secrets).toEqual([{ created: json.created, ends: null }]);
        expect(headers.get("cache-control")).toBe("no-store");
        expect(headers.get("location")).toBe(`/admin/v1/keys/${json.id}`);
        const shown = await ask("GET", `keys/${json.id}`);
        expect(shown.json).toEqual({ ...json, key: undefined, first: undefined });
      });

      test("takes what is left out, or null, from the configuration's own defaults", async () => {
        const { json } = await create({ team: null, expires: null, limits: {} });
        expect(json).toMatchObject({
          tenant: "default",
          team: null,
          tier: null,
          models: ["*"],
          limits: null,
        });
        expect(json).toMatchObject({ expires: null, per_user: null });
      });

      test("counts a duration from now", async () => {
        const { json } = await create({ expires: "1h30m" });
        expect(Date.parse(json.expires) - Date.parse(json.created)).toBe(5_400_000);
      });

      test.each([
        [{ name: undefined }, "name", "missing_required_parameter"],
        [{ name: "" }, "name", "invalid_value"],
        [{ name: "a\nb" }, "name", "invalid_value"],
        [{ name: "key_0123456789abcdef0123" }, "name", "invalid_value"],
        [{ name: 7 }, "name", "invalid_type"],
        [{ limits: { rpm: 0 } }, "limits.rpm", "invalid_value"],
        [{ limits: { rpm: "many" } }, "limits.rpm", "invalid_type"],
        [{ limits: { rps: 5 } }, "limits.rps", "invalid_value"],
        [{ models: [] }, "models", "invalid_value"],
        [{ models: ["chat", ""] }, "models[1]", "invalid_value"],
        [{ models: null }, "models", "invalid_value"],
        [{ tier: "gold" }, "tier", "invalid_value"],
        [{ expires: "soon" }, "expires", "invalid_value"],
        [{ expires: "2020-01-01" }, "expires", "invalid_value"],
        [{ expires: "2099-02-30" }, "expires", "invalid_value"],
        [{ key: "sk-chosen" }, "key", "invalid_value"],
        [{ name: "configured" }, "name", "conflict"],
      ])("refuses %j by naming %s", async (fields, param, code) => {
        const { status, json } = await create(fields);
        expect(json.error).toMatchObject({ param, code, type: "invalid_request_error" });
        expect(status).toBe(code === "conflict" ? 409 : 400);
        expect((await ask("GET", "keys")).json.data).toEqual([]);
        expect((await ask("GET", "audit")).json.data).toEqual([]);
      });

      test.each([
        ["not json", "invalid_json"],
        ['["a"]', "invalid_type"],
        ["null", "invalid_type"],
      ])("refuses the body %s", async (body, code) => {
        expect((await ask("POST", "keys", body)).json.error.code).toBe(code);
      });

      test("refuses a name that another has, until that one is revoked", async () => {
        const first = await create();
        expect(await create()).toMatchObject({
          status: 409,
          json: { error: { code: "conflict", param: "name" } },
        });
        await ask("DELETE", "keys/checkout");
        const second = await create();
        expect(second.status).toBe(201);
        expect((await ask("GET", "keys/checkout")).json.id).toBe(second.json.id);
        expect((await ask("GET", `keys/${first.json.id}`)).json.state).toBe("revoked");
      });

      test("gives only one of two operators at once the name", async () => {
        const answers = await Promise.all([create(), create()]);
        expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
      });

      test("says when it is the first of all", async () => {
        expect((await create()).json.first).toBe(false);
        const bare = openApi(engine.yaml(null));
        expect((await bare.ask("POST", "keys", { name: "a" })).json.first).toBe(true);
        expect((await bare.ask("POST", "keys", { name: "b" })).json.first).toBe(false);
        await bare.end();
      });
    });

    describe("changing a key", () => {
      test("leaves what is left out, takes back what is null, and merges limits", async () => {
        await create({ team: "shop", limits: { rpm: 5, tpm: 9 }, expires: "2099-01-31" });
        const { json } = await ask("PATCH", "keys/checkout", { limits: { rpm: 7, tpm: null }, team: null });
        expect(json).toMatchObject({ limits: { rpm: 7 }, team: null, expires: "2099-01-31T00:00:00.000Z" });
        expect(json.limits).toEqual({ rpm: 7 });
        expect(json.version).toBe(2);
        expect((await ask("PATCH", "keys/checkout", { limits: null, expires: null })).json).toMatchObject({
          limits: null,
          expires: null,
        });
      });

      test("can change the name, by which it is found from then on", async () => {
        await create();
        await create({ name: "other" });
        expect((await ask("PATCH", "keys/checkout", { name: "other" })).status).toBe(409);
        expect((await ask("PATCH", "keys/checkout", { name: "till" })).status).toBe(200);
        expect((await ask("GET", "keys/checkout")).status).toBe(404);
        expect((await ask("GET", "keys/till")).json.name).toBe("till");
      });

      test("happens only at the version that was seen, said in the body or as If-Match", async () => {
        await create();
        await ask("PATCH", "keys/checkout", { note: "by somebody else" });
        const stale = { status: 412, json: { error: { code: "version_mismatch", param: "version" } } };
        expect(await ask("PATCH", "keys/checkout", { note: "x", version: 1 })).toMatchObject(stale);
        expect(await ask("PATCH", "keys/checkout", { note: "x" }, { "if-match": '"1"' })).toMatchObject(
          stale,
        );
        const { status, headers } = await ask("PATCH", "keys/checkout", { note: "x" }, { "if-match": '"2"' });
        expect([status, headers.get("etag")]).toEqual([200, '"3"']);
        expect((await ask("PATCH", "keys/checkout", { note: "y", version: "three" })).status).toBe(400);
      });

      test("that changes nothing is not recorded", async () => {
        await create({ note: "same" });
        expect((await ask("PATCH", "keys/checkout", { note: "same" })).json.version).toBe(1);
        expect((await ask("GET", "audit")).json.data).toHaveLength(1);
      });

      test("is refused of a key that was revoked, and of none", async () => {
        await create();
        const { json } = await ask("DELETE", "keys/checkout");
        expect((await ask("PATCH", `keys/${json.id}`, { note: "x" })).status).toBe(409);
        expect((await ask("POST", `keys/${json.id}/rotate`)).status).toBe(409);
        expect((await ask("PATCH", "keys/nobody", { note: "x" })).status).toBe(404);
      });

      // A change of shared keys is told when it was made, and when it was copied.
      test.skipIf(engine.is_shared)(
        "is told to whoever keeps budgets, once for all that come together",
        async () => {
          await create();
          await ask("PATCH", "keys/checkout", { note: "x" });
          await vi.waitFor(() => expect(under.changes.count).toBe(1));
          await ask("GET", "keys");
          await ask("PATCH", "keys/checkout", { tier: "gold" });
          await ask("DELETE", "keys/checkout");
          await vi.waitFor(() => expect(under.changes.count).toBe(2));
        },
      );
    });

    describe("rotating a key", () => {
      test("adds a secret and lets the one before it end", async () => {
        const first = await create();
        const { json } = await ask("POST", "keys/checkout/rotate", { overlap: "2h" });
        expect(json.key).not.toBe(first.json.key);
        expect(json).toMatchObject({ id: first.json.id, name: "checkout", version: 2 });
        const [newest, before] = json.secrets;
        expect(newest.ends).toBeNull();
        expect(Date.parse(before.ends) - Date.parse(newest.created)).toBe(7_200_000);
        const store = under.api.keys!;
        for (const secret of [first.json.key, json.key])
          expect(store.byHash(hashOf(secret))?.id).toBe(first.json.id);
      });

      test("takes a day where no overlap is said, and never makes an earlier end later", async () => {
        await create();
        await ask("POST", "keys/checkout/rotate", { overlap: "1m" });
        const { json } = await ask("POST", "keys/checkout/rotate");
        const ends = json.secrets.map(
          (secret: { ends: string | null }) => secret.ends && Date.parse(secret.ends),
        );
        const now_ms = Date.parse(json.secrets[0].created);
        expect(ends[1]).toBe(now_ms + 86_400_000);
        expect(ends[2]).toBeLessThanOrEqual(now_ms + 60_000);
      });

      test("without an overlap ends the one before it at once, and what has ended goes with the next", async () => {
        const first = await create();
        const { json } = await ask("POST", "keys/checkout/rotate", { overlap: "0s" });
        expect(json.secrets).toHaveLength(1);
        expect(under.api.keys!.byHash(hashOf(first.json.key))?.secrets).toHaveLength(2);
        await ask("POST", "keys/checkout/rotate", { overlap: "0s" });
        expect(under.api.keys!.byHash(hashOf(first.json.key))).toBeNull();
      });

      test("has a bound", async () => {
        await create();
        for (let turn = 0; turn < 7; turn++)
          expect((await ask("POST", "keys/checkout/rotate")).status).toBe(200);
        expect((await ask("POST", "keys/checkout/rotate")).json.error.message).toContain("8 secrets");
      });

      test.each([
        [{ overlap: "soon" }, "overlap"],
        [{ overlap: 5 }, "overlap"],
        [{ overlaps: "1h" }, "overlaps"],
      ])("refuses %j", async (body, param) => {
        await create();
        expect(await ask("POST", "keys/checkout/rotate", body)).toMatchObject({
          status: 400,
          json: { error: { param } },
        });
      });
    });

    describe("keys", () => {
      test("are listed page by page, by state and tenant, without a secret", async () => {
        for (const name of ["a", "b", "c"]) await create({ name, tenant: name === "c" ? "other" : "acme" });
        await ask("DELETE", "keys/b");
        const all = await ask("GET", "keys");
        expect(all.json).toMatchObject({ object: "list", has_more: false });
        expect(JSON.stringify(all.json)).not.toContain("vk-");
        const names = (answer: { json: { data: { name: string }[] } }) =>
          answer.json.data.map(({ name }) => name);
        expect(names(await ask("GET", "keys?state=active")).toSorted()).toEqual(["a", "c"]);
        expect(names(await ask("GET", "keys?tenant=other"))).toEqual(["c"]);
        const page = await ask("GET", "keys?limit=2");
        expect(page.json.has_more).toBe(true);
        const rest = await ask("GET", `keys?after=${page.json.data[1].id}`);
        expect([...names(page), ...names(rest)].toSorted()).toEqual(["a", "b", "c"]);
        expect((await ask("GET", "keys?limit=0")).json.error.param).toBe("limit");
        expect((await ask("GET", "keys?page=1")).json.error.param).toBe("page");
      });

      test("are revoked once, and for good", async () => {
        await create();
        const first = await ask("DELETE", "keys/checkout");
        expect(first.json).toMatchObject({ state: "revoked", version: 2, secrets: [] });
        expect((await ask("DELETE", `keys/${first.json.id}`)).json).toEqual(first.json);
        expect((await ask("GET", "audit")).json.data).toHaveLength(2);
        expect((await ask("DELETE", "keys/checkout")).status).toBe(404);
      });

      test("leave no secret, and no hash of one in words, in any file", async () => {
        const { json } = await create();
        const rotated = await ask("POST", "keys/checkout/rotate");
        await ask("DELETE", "keys/checkout");
        const hashes = [json.key, rotated.json.key].map((secret) =>
          Buffer.from(hashOf(secret)).toString("hex"),
        );
        const files = readdirSync(under.folder, { recursive: true, encoding: "utf8" })
          .map((name) => join(under.folder, name))
          .filter((path) => statSync(path).isFile());
        expect(files.length).toBeGreaterThan(2);
        for (const path of files) {
          const bytes = readFileSync(path);
          for (const text of [json.key, rotated.json.key, ...hashes]) {
            expect(bytes.includes(text), path).toBe(false);
            expect(bytes.includes(text.slice(3)), path).toBe(false);
          }
        }
      });

      test("have their changes recorded, by whom and with what was before", async () => {
        await create({ limits: { rpm: 5 } });
        await ask(
          "PATCH",
          "keys/checkout",
          { limits: { rpm: 6 }, note: "x" },
          { "x-venturi-actor": "admin token" },
        );
        await ask("DELETE", "keys/checkout");
        const { data } = (await ask("GET", "audit")).json;
        expect(data).toMatchObject([
          {
            seq: 1,
            actor: expect.stringMatching(/^socket uid 7/),
            action: "key.create",
            change: { name: "checkout", limits: { rpm: 5 } },
          },
          {
            ...{ seq: 2, actor: expect.stringMatching(/^admin token/), action: "key.update" },
            change: { limits: { from: { rpm: 5 }, to: { rpm: 6 } }, note: { from: null, to: "x" } },
          },
          { seq: 3, action: "key.revoke" },
        ]);
        expect((await ask("GET", "audit?limit=1")).json.data).toMatchObject([{ seq: 3 }]);
        expect((await ask("GET", "audit?since=2099-01-01")).json.data).toEqual([]);
        expect((await ask("GET", "audit?since=yesterday")).json.error.param).toBe("since");
      });
    });
  });
});

test("keys are not changed where the change cannot be recorded", async () => {
  const under = openApi();
  mkdirSync(join(under.folder, "audit.ndjson"));
  expect((await under.ask("POST", "keys", { name: "checkout" })).status).toBe(500);
  expect((await under.ask("GET", "keys")).json.data).toEqual([]);
  await under.end();
});
