import { existsSync, lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openAdminApi, startAdmin } from "../../src/console/admin.ts";
import { maskedConfig } from "../../src/console/masked_config.ts";
import { makeFolder } from "../access/records.ts";
import { configOf, openApi } from "./admin_api.ts";

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const SECRET = "s3cr3t-that-nobody-may-see";

describe("the configuration that is shown", () => {
  test("has the conditions of rules, but for what header fields must be", () => {
    const config = configOf(`
models: { chat: { targets: [sim/echo] } }
routes: [{ when: { key: till, prompt_tokens: ">200", header: { x-secret: "s-e-c-r-e-t" } }, use: chat }]`);
    expect(maskedConfig(config)).toMatchObject({
      routes: [{ when: { key: "till", prompt_tokens: ">200", header: { "x-secret": "***" } }, use: "chat" }],
    });
  });

  test("has everything but its secrets", () => {
    const config = configOf(`
providers:
  openai: { kind: openai, api_keys: ["${SECRET}-1", "${SECRET}-2"], headers: { x-cost: "${SECRET}" } }
  onprem: { kind: openai, base_url: "https://llm.internal/v1?sig=${SECRET}", auth: { header: x-team, value: "${SECRET}" },
            proxy: "http://user:${SECRET}@proxy.internal:3128" }
  local:  { kind: openai, base_url: "http://127.0.0.1:9001/v1", api_keys: [none] }
models: { chat: { targets: [openai/gpt-4o-mini] } }
keys: [{ name: checkout, key: "${SECRET}-key", tenant: acme, limits: { rpm: 5, tokens_per_day: 9 } }]
admin: { token: "${SECRET}-admin" }
ledger: { billing: { webhook: "https://hooks.example.com/services/${SECRET}" } }
alerts: { webhook: "https://hooks.example.com/services/T0/${SECRET}" }`);
    const text = JSON.stringify(maskedConfig(config));
    expect(text).not.toContain(SECRET);
    expect(JSON.parse(text)).toMatchObject({
      providers: {
        openai: { kind: "openai", api_keys: ["***", "***"], headers: { "x-cost": "***" } },
        onprem: {
          base_url: "https://llm.internal/v1?***",
          auth: { header: "x-team", value: "***" },
          proxy: "http://***@proxy.internal:3128/",
        },
        local: { base_url: "http://127.0.0.1:9001/v1", api_keys: ["none"] },
      },
      models: { chat: { targets: ["openai/gpt-4o-mini"] } },
      keys: [{ name: "checkout", key: "***", tenant: "acme", limits: { rpm: 5, tokens_per_day: 9 } }],
      admin: { token: "***" },
      alerts: { webhook: "https://hooks.example.com/services/T0/***" },
    });
  });
});

describe("the admin API", () => {
  test("knows its paths and methods", async () => {
    const under = openApi();
    endings.push(under.end);
    expect((await under.ask("GET", "config")).json).toMatchObject({ data: "./data" });
    expect((await under.ask("GET", "limits")).json).toEqual({ counters: 3 });
    expect(await under.ask("GET", "nothing")).toMatchObject({
      status: 404,
      json: { error: { code: "not_found", type: "invalid_request_error" } },
    });
    expect((await under.ask("GET", "keys/a/b/c")).status).toBe(404);
    expect((await under.ask("GET", "keys/%E0%A4%A")).status).toBe(404);
    expect(await under.ask("PUT", "keys")).toMatchObject({
      status: 405,
      json: { error: { message: "/admin/v1/keys takes GET, POST, not PUT." } },
    });
    expect((await under.ask("POST", "keys", " ".repeat(1024 * 1024 + 1))).status).toBe(413);
  });

  test("says of what there is nothing to ask about", async () => {
    const under = openApi(null);
    endings.push(under.end);
    expect((await under.ask("GET", "config")).status).toBe(503);
    expect((await under.ask("GET", "usage")).json.error.message).toContain("there is no ledger");
  });

  test("goes on without keys where their store is damaged, and says so", async () => {
    const folder = makeFolder();
    endings.push(folder.remove);
    const { mkdirSync } = await import("node:fs");
    mkdirSync(join(folder.path, "keys"));
    writeFileSync(join(folder.path, "keys", "data.mdb"), "no database");
    const told: string[] = [];
    const hooks = {
      ...{
        config: () => null,
        limitsState: null,
        flushLedger: null,
        caches: null,
        live: null,
        drills: null,
        gateway: null,
        onKeysChange: () => {},
      },
      log: (line: string) => told.push(line),
    };
    const api = openAdminApi({ folder: folder.path, hooks }, "test");
    expect(api.keys).toBeNull();
    expect(told).toEqual([expect.stringContaining("is damaged (it is no LMDB environment)")]);
    for (const [method, path] of [
      ["GET", "keys"],
      ["POST", "keys"],
      ["DELETE", "keys/a"],
      ["POST", "keys/a/rotate"],
    ]) {
      const response = await api.answer(new Request(`http://admin/admin/v1/${path}`, { method: method! }));
      expect(response.status).toBe(503);
    }
    expect((await api.answer(new Request("http://admin/admin/v1/audit"))).status).toBe(200);
  });
});

describe("the admin socket", () => {
  function hooks(told: string[]) {
    return {
      ...{
        config: () => null,
        limitsState: null,
        flushLedger: null,
        caches: null,
        live: null,
        drills: null,
        gateway: null,
        onKeysChange: () => {},
      },
      log: (line: string) => told.push(line),
    };
  }

  test("is the owner's alone, takes the place of one that was left behind, and is gone after the stop", async () => {
    const folder = makeFolder();
    endings.push(folder.remove);
    const told: string[] = [];
    const path = join(folder.path, "admin.sock");
    const left_behind = Bun.listen({ unix: join(folder.path, "x.sock"), socket: { data() {} } });
    const { renameSync } = await import("node:fs");
    renameSync(join(folder.path, "x.sock"), path);
    left_behind.stop(true);
    expect(existsSync(path)).toBe(true);
    const admin = startAdmin({ folder: folder.path, hooks: hooks(told) });
    await admin.listen(false);
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    const answer = await fetch("http://admin/admin/v1/keys", { unix: path });
    expect(await answer.json()).toMatchObject({ object: "list", data: [] });
    await admin.stop();
    expect(existsSync(path)).toBe(false);
    expect(told).toEqual([]);
  });

  test("of a gateway that has a key of the same name in its configuration is opened with a warning", async () => {
    const folder = makeFolder();
    endings.push(folder.remove);
    const config = configOf("keys: [{ name: till, key: sk-till }, { name: other, key: sk-other }]");
    const told: string[] = [];
    const before = openAdminApi({ folder: folder.path, hooks: hooks(told) }, "test");
    const body = JSON.stringify({ name: "till" });
    await before.answer(new Request("http://admin/admin/v1/keys", { method: "POST", body }));
    await before.close();
    const admin = startAdmin({ folder: folder.path, hooks: { ...hooks(told), config: () => config } });
    await admin.listen(false);
    endings.push(admin.stop);
    expect(told).toEqual(["the key 'till' is in the configuration and stored: they count as one"]);
  });

  test("of a gateway that runs is not taken from it by another one", async () => {
    const folder = makeFolder();
    endings.push(folder.remove);
    const told: string[] = [];
    const first = startAdmin({ folder: folder.path, hooks: hooks(told) });
    await first.listen(false);
    endings.push(first.stop);
    const second = startAdmin({ folder: folder.path, hooks: hooks(told) });
    await second.listen(false);
    expect(told).toEqual([expect.stringContaining("another gateway has")]);
    await second.stop();
    const path = join(folder.path, "admin.sock");
    expect((await fetch("http://admin/admin/v1/keys", { unix: path })).status).toBe(200);
  });

  test("that would have too long a path is told of, and the rest works", async () => {
    const folder = makeFolder();
    endings.push(folder.remove);
    const told: string[] = [];
    const deep = join(folder.path, "x".repeat(120));
    const admin = startAdmin({ folder: deep, hooks: hooks(told) });
    await admin.listen(false);
    endings.push(admin.stop);
    expect(told).toEqual([
      expect.stringMatching(/admin\.sock has \d+ bytes, and a socket's path at most 10/),
    ]);
    expect(admin.keys?.isEmpty()).toBe(true);
  });
});
