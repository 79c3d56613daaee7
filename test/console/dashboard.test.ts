// The dashboard's door: who gets in, for how long, and what is refused that the page itself did not send.

import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DashboardDoor } from "../../src/console/dashboard/door.ts";
import { LoginLimit } from "../../src/console/dashboard/login_limit.ts";
import { SESSION_MS, Sessions } from "../../src/console/dashboard/sessions.ts";
import { makeFolder } from "../access/records.ts";

const TOKEN = "an-admin-token-for-tests";
const CONTENT_TOKEN = "a-content-token-for-tests";
const ORIGIN = "http://gateway.test:8080";

let folder: ReturnType<typeof makeFolder>;
let token: string | null;
let content_token: string | null;
const tokens = { token: () => token, content_token: () => content_token };
let asked: Request[];
let door: DashboardDoor;
let sessions: Sessions;

beforeEach(() => {
  folder = makeFolder();
  mkdirSync(folder.path, { recursive: true });
  token = TOKEN;
  content_token = CONTENT_TOKEN;
  asked = [];
  open();
});
afterEach(() => folder.remove());

/** As a supervisor that starts does. */
function open() {
  sessions = new Sessions(folder.path, tokens);
  door = new DashboardDoor({
    ...{ sessions, folder: folder.path, ...tokens },
    answer: async (request) => {
      asked.push(request);
      return Response.json({ seen: request.url });
    },
  });
}

interface Wish {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly cookie?: string;
  readonly from?: string;
}

/** A request as the page sends it through a gateway process; headers that are "" are left out. */
function ask(path: string, { method = "GET", headers = {}, body, cookie, from = "10.0.0.7" }: Wish = {}) {
  const all: Record<string, string> = {
    "x-venturi-ui": "1",
    "x-venturi-host": "gateway.test:8080",
    "x-venturi-from": from,
    "sec-fetch-site": "same-origin",
    ...(method === "GET" ? {} : { origin: ORIGIN }),
    ...(cookie === undefined ? {} : { cookie }),
    ...headers,
  };
  return door.answer(
    new Request(`http://admin${path}`, {
      method,
      headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "")),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

const logIn = (body: unknown, wish: Wish = {}) => ask("/ui/session", { method: "POST", body, ...wish });

function cookieOf(response: Response): string {
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

describe("the login", () => {
  test("by the token begins a session, in a cookie that no script and no other site gets", async () => {
    const response = await logIn({ token: TOKEN });
    expect(response.status).toBe(200);
    const set = response.headers.get("set-cookie")!;
    expect(set).toMatch(
      /^venturi_session_[0-9a-f]{8}=[\w-]{43}; Path=\/ui; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    expect(set).not.toContain(TOKEN);
    const secure = await logIn({ token: TOKEN }, { headers: { origin: "https://gateway.test:8080" } });
    expect(secure.headers.get("set-cookie")).toMatch(/; Secure$/);
    const cookie = cookieOf(response);
    expect(await (await ask("/ui/session", { cookie })).json()).toEqual({
      ...{ object: "session", active: true, has_token: true, may_see_content: false },
    });
    const answer = await ask("/ui/api/usage?by=key", { cookie });
    expect(await answer.json()).toEqual({ seen: "http://admin/admin/v1/usage?by=key" });
    expect(asked[0]!.headers.get("x-venturi-actor")).toBe("dashboard from 10.0.0.7");
  });

  test("with a wrong token fails, a few times a minute, and others may go on", async () => {
    for (const wrong of [TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase(), "a", "b"]) {
      const response = await logIn({ token: wrong });
      expect(response.status).toBe(401);
      expect(response.headers.get("set-cookie")).toBeNull();
    }
    const limited = await logIn({ token: TOKEN });
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(50);
    expect((await logIn({ token: TOKEN }, { from: "10.0.0.8" })).status).toBe(200);
  });

  test("without a token in the configuration is by a link alone, which is good once", async () => {
    token = null;
    for (const empty of ["", "null", TOKEN]) expect((await logIn({ token: empty })).status).not.toBe(200);
    const code = sessions.makeCode("admin", Date.now());
    const response = await logIn({ code }, { from: "10.0.0.9" });
    expect(response.status).toBe(200);
    expect((await ask("/ui/api/keys", { cookie: cookieOf(response) })).status).toBe(200);
    expect((await logIn({ code }, { from: "10.0.0.9" })).status).toBe(401);
    const late = sessions.makeCode("admin", Date.now() - 301_000);
    expect((await logIn({ code: late }, { from: "10.0.0.9" })).status).toBe(401);
  });
});

describe("a session", () => {
  test("outlives a restart, and ends by logout, by age and with another admin token", async () => {
    const cookie = cookieOf(await logIn({ token: TOKEN }));
    const secret = cookie.split("=")[1]!;
    open();
    expect((await ask("/ui/api/keys", { cookie })).status).toBe(200);
    expect(sessions.rankOf(secret, Date.now() + SESSION_MS - 1_000)).toBe("admin");
    expect(sessions.rankOf(secret, Date.now() + SESSION_MS + 1_000)).toBeNull();
    token = "another-admin-token-now";
    expect((await ask("/ui/api/keys", { cookie })).status).toBe(401);
    token = TOKEN;
    const out = await ask("/ui/session", { method: "DELETE", cookie });
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await ask("/ui/api/keys", { cookie })).status).toBe(401);
    open();
    expect((await ask("/ui/api/keys", { cookie })).status).toBe(401);
  });

  test("may see content where it was begun by who may, and ends with that token", async () => {
    const plain = cookieOf(await logIn({ token: TOKEN }));
    const higher = cookieOf(await logIn({ token: CONTENT_TOKEN }));
    const linked = cookieOf(await logIn({ code: sessions.makeCode("content", Date.now()) }));
    const mayOf = async (cookie: string) => {
      const headers = { "x-venturi-may-see-content": "yes" };
      expect((await ask("/ui/api/calls/1/content", { cookie, headers })).status).toBe(200);
      const told = (await (await ask("/ui/session", { cookie })).json()) as { may_see_content: boolean };
      expect(asked.at(-1)!.headers.has("x-venturi-may-see-content")).toBe(told.may_see_content);
      return told.may_see_content;
    };
    expect([await mayOf(plain), await mayOf(higher), await mayOf(linked)]).toEqual([false, true, true]);
    open();
    expect(await mayOf(higher)).toBe(true);
    content_token = "another-content-token-now";
    expect((await ask("/ui/api/keys", { cookie: higher })).status).toBe(401);
    expect((await ask("/ui/api/keys", { cookie: plain })).status).toBe(200);
    content_token = CONTENT_TOKEN;
    await ask("/ui/session", { method: "DELETE", cookie: higher });
    expect((await ask("/ui/api/keys", { cookie: higher })).status).toBe(401);
  });

  test("is on the disk as a hash, for its owner alone", async () => {
    const secret = cookieOf(await logIn({ token: TOKEN })).split("=")[1]!;
    const path = join(folder.path, "dashboard-sessions.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, "utf8");
    expect(text).not.toContain(secret);
    expect(text).not.toContain(TOKEN);
  });

  test("ends the streams that were opened by it", async () => {
    const told = new TransformStream<Uint8Array, Uint8Array>();
    const writer = told.writable.getWriter();
    const stream = new DashboardDoor({
      ...{ sessions, folder: folder.path, ...tokens },
      answer: async () => new Response(told.readable, { headers: { "content-type": "text/event-stream" } }),
    });
    const cookie = cookieOf(await logIn({ token: TOKEN }));
    const headers = { "x-venturi-ui": "1", cookie };
    const answer = await stream.answer(new Request("http://admin/ui/api/calls/live", { headers }));
    const reader = answer.body!.getReader();
    void writer.write(Buffer.from("one")).catch(() => {});
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("one");
    await ask("/ui/session", { method: "DELETE", cookie });
    void writer.write(Buffer.from("two")).catch(() => {});
    expect((await reader.read()).done).toBe(true);
    await expect(writer.closed).rejects.toBeDefined();
  });

  test("is one of a bounded number", () => {
    const first = sessions.begin("admin", 1_000);
    for (let number = 0; number < 100; number++) sessions.begin("admin", 1_000);
    expect(sessions.rankOf(first, 1_001)).toBeNull();
  });
});

describe("what is not the page's own", () => {
  const FOREIGN: readonly (readonly [string, Record<string, string>])[] = [
    ["another origin", { origin: "https://evil.test" }],
    ["another port of the same host", { origin: "http://gateway.test:9090" }],
    ["no origin", { origin: "" }],
    ["an origin that is none", { origin: "null" }],
    ["another site, as the browser says", { "sec-fetch-site": "cross-site" }],
    ["a form, which sends no header", { "x-venturi-ui": "" }],
  ];

  test.each(FOREIGN)("is refused a change and a login: %s", async (_, headers) => {
    const cookie = cookieOf(await logIn({ token: TOKEN }));
    const change = await ask("/ui/api/keys", { method: "POST", cookie, headers, body: { name: "mine" } });
    expect(change.status).toBe(403);
    expect((await logIn({ token: TOKEN }, { headers })).status).toBe(403);
    expect((await ask("/ui/session", { method: "DELETE", cookie, headers })).status).toBe(403);
    expect(asked).toEqual([]);
  });

  test("is refused to read, too", async () => {
    const cookie = cookieOf(await logIn({ token: TOKEN }));
    for (const headers of [
      { "x-venturi-ui": "" },
      { "sec-fetch-site": "cross-site" },
      { origin: "https://evil.test" },
    ])
      expect((await ask("/ui/api/keys", { cookie, headers: headers as Record<string, string> })).status).toBe(
        403,
      );
    expect((await ask("/ui/api/keys", { cookie: "venturi_session_00000000=x" })).status).toBe(401);
    expect(asked).toEqual([]);
  });
});

describe("the page", () => {
  test("is the same at every path, strict, and its files may be kept for ever", async () => {
    for (const path of ["/ui", "/ui/costs", "/ui/calls/01a2187a-6230-700e-9eaa-5eeeb0af317f"]) {
      const response = await ask(path, { headers: { "x-venturi-ui": "" } });
      expect(response.status).toBe(200);
      const csp = response.headers.get("content-security-policy")!;
      expect(csp).toContain("default-src 'none'");
      expect(csp).not.toMatch(/unsafe|https?:|\*/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      const html = await response.text();
      expect(html).not.toMatch(/<script(?![^>]* src=)|<style|style=|\son\w+=/);
      const files = [...html.matchAll(/"(\/ui\/assets\/[\w.-]+)"/g)].map((match) => match[1]!);
      expect(files).toHaveLength(2);
      for (const file of files) {
        const plain = await ask(file);
        expect(plain.headers.get("cache-control")).toContain("immutable");
        const packed = await ask(file, { headers: { "accept-encoding": "gzip, br" } });
        expect(packed.headers.get("content-encoding")).toBe("gzip");
        const unpacked = Bun.gunzipSync(new Uint8Array(await packed.arrayBuffer()));
        expect(Buffer.from(unpacked).toString()).toBe(await plain.text());
      }
    }
    expect((await ask("/ui/assets/none.js")).status).toBe(404);
    expect((await ask("/ui/costs", { method: "POST" })).status).toBe(405);
  });

  test("has the theme in it that its reader chose", async () => {
    expect(await (await ask("/ui", { cookie: "venturi_theme=dark" })).text()).toContain('data-theme="dark"');
    expect(await (await ask("/ui", { cookie: 'venturi_theme="><script>' })).text()).not.toContain(
      "data-theme",
    );
  });
});

test("failed logins from many addresses are bounded together, and keep out only those who have failed", () => {
  const limit = new LoginLimit();
  for (let number = 0; number < 100; number++) limit.count(`10.0.0.${number}`, 0);
  expect(limit.restMs("10.0.0.1", 1)).toBeGreaterThan(0);
  expect(limit.restMs("10.0.1.1", 1)).toBe(0);
  expect(limit.restMs("10.0.0.1", 60_001)).toBe(0);
});
