// The admin API as it is reached over the public port of a gateway that runs, and who is let through to it.

import { afterEach, describe, expect, test } from "vitest";
import { chat, type RunOptions, Venturi } from "../chaos/harness.ts";

const TOKEN = "an-admin-token-for-tests";
const CONFIG = `admin: { token: ${TOKEN} }\ntiers: { free: { limits: { rpm: 2 } } }\n`;

const running: Venturi[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((gateway) => gateway.end()));
});

async function start(options: RunOptions): Promise<Venturi> {
  const gateway = new Venturi(options);
  running.push(gateway);
  return gateway.ready();
}

async function ask(
  gateway: Venturi,
  method: string,
  path: string,
  body?: object,
  token: string | null = TOKEN,
) {
  const response = await fetch(`${gateway.url}/admin/v1/${path}`, {
    method,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came.
  return { status: response.status, headers: response.headers, json: (await response.json()) as any };
}

function call(gateway: Venturi, key: string, host = gateway.url): Promise<Response> {
  const headers = { authorization: `Bearer ${key}` };
  return fetch(`${host}/v1/chat/completions`, { method: "POST", headers, body: chat("sim/echo") });
}

describe("the admin API on the public port", () => {
  test("is there for whoever has the token, and for nobody else", async () => {
    const gateway = await start({ config: CONFIG, args: ["--workers", "2"] });
    for (const token of [null, "", TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase()]) {
      const { status, json } = await ask(gateway, "GET", "keys", undefined, token);
      expect(status).toBe(401);
      expect(json.error).toMatchObject({ type: "authentication_error", code: "invalid_api_key" });
    }
    expect((await ask(gateway, "GET", "audit")).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    const described = await fetch(`${gateway.url}/openapi.json`);
    expect(described.status).toBe(200);
    expect(await described.json()).toMatchObject({ openapi: "3.1.0", info: { title: "Venturi" } });
    const created = await ask(gateway, "POST", "keys", { name: "till", tier: "free" });
    expect(created.status).toBe(201);
    expect(created.headers.get("cache-control")).toBe("no-store");
    expect((await call(gateway, created.json.key)).status).toBe(200);
    // A client's key is no admin's.
    expect((await ask(gateway, "GET", "keys", undefined, created.json.key)).status).toBe(401);
    const { json, headers } = await ask(gateway, "GET", "keys/till");
    expect(json).toMatchObject({ name: "till", tier: "free", state: "active" });
    expect(headers.get("etag")).toBe('"1"');
    const { data } = (await ask(gateway, "GET", "audit")).json;
    expect(data).toMatchObject([{ actor: "admin token from 127.0.0.1", action: "key.create" }]);
  });

  test("refuses in its own words what is wrong, and a client cannot say who it is", async () => {
    const gateway = await start({ config: CONFIG });
    const refused = await ask(gateway, "POST", "keys", { name: "a", limits: { rpm: -1 } });
    expect(refused).toMatchObject({ status: 400, json: { error: { param: "limits.rpm" } } });
    expect((await ask(gateway, "PUT", "keys")).headers.get("content-type")).toBe("application/json");
    expect((await ask(gateway, "GET", "none")).status).toBe(404);
    const large = await ask(gateway, "POST", "keys", { name: "a", note: "x".repeat(1024 * 1024) });
    expect(large).toMatchObject({ status: 413, json: { error: { code: "body_too_large" } } });
    await fetch(`${gateway.url}/admin/v1/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "x-venturi-actor": "somebody else" },
      body: JSON.stringify({ name: "b" }),
    });
    expect((await ask(gateway, "GET", "audit")).json.data[0].actor).toBe("admin token from 127.0.0.1");
  });

  test("is not there without a token in the configuration, until one is put in", async () => {
    const gateway = await start({ config: "listen: { workers: 1 }\n" });
    expect((await ask(gateway, "GET", "keys")).status).toBe(404);
    gateway.writeConfig(CONFIG);
    await gateway.line(/configuration reloaded/);
    expect((await ask(gateway, "GET", "keys")).status).toBe(200);
  });

  test("tells usage and calls, masks the configuration, and has what waits written", async () => {
    const gateway = await start({ config: CONFIG, args: ["--workers", "2"] });
    const { json } = await ask(gateway, "POST", "keys", { name: "till" });
    for (let count = 0; count < 5; count++) await (await call(gateway, json.key)).text();
    expect(await ask(gateway, "POST", "ledger/flush")).toMatchObject({
      status: 200,
      json: { flushed: true },
    });
    const usage = await ask(gateway, "GET", "usage?by=key,model&since=1d");
    expect(usage.json.data).toMatchObject([{ key: "till", model: "sim/echo", calls: 5, errors: 0 }]);
    expect((await ask(gateway, "GET", "usage")).json.data).toMatchObject([{ calls: 5 }]);
    expect((await ask(gateway, "GET", "usage?by=colour")).json.error.param).toBe("by");
    const page = await ask(gateway, "GET", "calls?key=till&status=200&limit=3");
    expect(page.json.data).toHaveLength(3);
    expect(page.json.data[0]).toMatchObject({ key: "till", status: 200, served_model: "echo" });
    const rest = await ask(gateway, "GET", `calls?key=till&limit=3&before=${page.json.next}`);
    expect(rest.json).toMatchObject({ has_more: false, next: null });
    expect(rest.json.data).toHaveLength(2);
    expect((await ask(gateway, "GET", "calls?key=nobody")).json.data).toEqual([]);
    expect(JSON.stringify((await ask(gateway, "GET", "config")).json)).not.toContain(TOKEN);
  });
});

describe("the dashboard on the public port", () => {
  const page = { "x-venturi-ui": "1" };

  test("logs in by the token and passes on what is asked then, also after a restart", async () => {
    const gateway = await start({ config: CONFIG, args: ["--workers", "2"] });
    const html = await fetch(`${gateway.url}/ui/costs`);
    expect(html.headers.get("content-security-policy")).toContain("default-src 'none'");
    const [script] = /\/ui\/assets\/page[\w.-]+/.exec(await html.text())!;
    const packed = await fetch(`${gateway.url}${script}`);
    expect(packed.headers.get("cache-control")).toContain("immutable");
    expect(await packed.text()).toContain("Venturi");
    const login = await fetch(`${gateway.url}/ui/session`, {
      ...{ method: "POST", headers: { ...page, origin: gateway.url } },
      body: JSON.stringify({ token: TOKEN }),
    });
    const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
    const made = await fetch(`${gateway.url}/ui/api/keys`, {
      ...{ method: "POST", headers: { ...page, cookie, origin: gateway.url } },
      body: JSON.stringify({ name: "by-page" }),
    });
    expect(made.status).toBe(201);
    expect((await fetch(`${gateway.url}/ui/api/keys`, { headers: page })).status).toBe(401);
    const foreign = await fetch(`${gateway.url}/ui/api/keys/by-page`, {
      ...{ method: "DELETE", headers: { ...page, cookie, origin: "http://elsewhere.test" } },
    });
    expect(foreign.status).toBe(403);
    const { data } = (await ask(gateway, "GET", "audit")).json;
    expect(data).toMatchObject([{ actor: "dashboard from 127.0.0.1", action: "key.create" }]);
    gateway.kill("SIGTERM");
    await gateway.exited;
    const again = await start({ config: CONFIG, args: ["--data", `${gateway.folder}/data`] });
    expect((await fetch(`${again.url}/ui/api/keys`, { headers: { ...page, cookie } })).status).toBe(200);
  });

  test("without a token is for this machine alone, and a command prints the way in", async () => {
    const gateway = await start({});
    const command = new Venturi({ command: ["ui", "--data", `${gateway.folder}/data`] });
    running.push(command);
    expect((await command.exited).code).toBe(0);
    const [, code] = /^http:\/\/127\.0\.0\.1:\d+\/ui#code=([\w-]+)\n$/.exec(command.output)!;
    const logIn = () =>
      fetch(`${gateway.url}/ui/session`, {
        ...{ method: "POST", headers: { ...page, origin: gateway.url } },
        body: JSON.stringify({ code }),
      });
    expect((await logIn()).status).toBe(200);
    expect((await logIn()).status).toBe(401);
    const open = await start({
      ...{ config: "keys: [{ name: a, key: sk-some-key-here }]\n", args: ["--host", "0.0.0.0"] },
    });
    expect((await fetch(`${open.url}/ui`)).status).toBe(404);
  });
});

describe("a gateway that others than this machine can reach", () => {
  test("may start without keys where the admin API can make one, and lets nobody in until then", async () => {
    const gateway = await start({ config: CONFIG, args: ["--host", "0.0.0.0"] });
    expect((await call(gateway, "any")).status).toBe(401);
    const { json } = await ask(gateway, "POST", "keys", { name: "first" });
    expect((await call(gateway, json.key)).status).toBe(200);
    // Its counts are for the admin too.
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await fetch(`${gateway.url}/metrics`, { headers })).status).toBe(200);
  });

  test("may start with stored keys alone, and is refused without any", async () => {
    const refused = new Venturi({ args: ["--host", "0.0.0.0"] });
    running.push(refused);
    expect(await refused.exited).toMatchObject({ code: 1 });
    expect(refused.lines).toEqual([
      expect.stringContaining("without client keys the gateway listens on loopback only"),
    ]);
    const local = await start({});
    const socket = `${local.folder}/data/admin.sock`;
    const made = await fetch("http://admin/admin/v1/keys", {
      method: "POST",
      body: '{"name":"a"}',
      unix: socket,
    });
    const { key } = (await made.json()) as { key: string };
    local.kill("SIGTERM");
    await local.exited;
    const open = await start({ args: ["--host", "0.0.0.0", "--data", `${local.folder}/data`] });
    expect((await call(open, key)).status).toBe(200);
    expect((await call(open, "any")).status).toBe(401);
  });
});
