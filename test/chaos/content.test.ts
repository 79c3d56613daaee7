// Kept content as an operator has it: by the command, through the public port with either token, over the death of processes, and
// away again.

import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { venturi } from "../cli/command.ts";
import { chat, metric, type RunOptions, Venturi } from "./harness.ts";

const running: Venturi[] = [];
const SLOW_MS = 60_000;

async function start(options: RunOptions): Promise<Venturi> {
  const gateway = new Venturi(options);
  running.push(gateway);
  await gateway.line(/listening on/, 0, SLOW_MS);
  return gateway;
}

afterEach(() => Promise.all(running.splice(0).map((gateway) => gateway.end())));

const TOKENS = { admin: "an-admin-token-for-the-test", content: "a-content-token-for-the-test" };

const CONFIG = (store: string) => `
listen: { workers: 2 }
models: { chat: { targets: [sim/echo], privacy: { mode: redact } } }
admin: { token: ${TOKENS.admin}, content_token: ${TOKENS.content} }
telemetry: { content: { store: ${store} } }`;

/** A call on a connection of its own, so that any process may get it; gives its id, or null where it broke off. */
async function ask(gateway: Venturi, text: string, extra = {}): Promise<string | null> {
  const asked = { method: "POST", body: chat("chat", text, extra), keepalive: false };
  const response = await fetch(`${gateway.url}/v1/chat/completions`, asked).catch(() => null);
  const body = await response?.text().catch(() => null);
  return body === null ? null : (response?.headers.get("x-request-id") ?? null);
}

async function kept(gateway: Venturi, calls: number): Promise<void> {
  const end_ms = performance.now() + SLOW_MS;
  while ((await metric(gateway.url, "venturi_content_calls_total", 'outcome="kept"')) < calls) {
    if (performance.now() > end_ms) throw new Error(`no ${calls} calls are kept`);
    await Bun.sleep(50);
  }
}

test(
  "it is read by the command and by the right token, as often as the audit log says, and deleted for whoever asks for that",
  async () => {
    const gateway = await start({ config: CONFIG("on") });
    const run = (...args: string[]) => venturi(gateway.folder, ...args, "--data", "data");
    const id = (await ask(gateway, "I am jo.doe@example.com", { user: "jo.doe@example.com" }))!;
    await ask(gateway, "Somebody else is here", { user: "ann" });
    await kept(gateway, 2);
    const flushed = await run("usage", "--flush");
    expect(flushed.code).toBe(0);
    const shown = await run("logs", "--request", id, "--content");
    expect([shown.code, shown.stderr]).toEqual([0, ""]);
    const row = JSON.parse(shown.stdout);
    expect(row).toMatchObject({ request_id: id, content: { object: "call.content", model: "chat" } });
    expect(JSON.stringify(row.content.request)).toContain("EMAIL_1");
    expect(row.content.answer_text).toContain("EMAIL_1");
    expect(shown.stdout).not.toContain("jo.doe");

    const url = `${gateway.url}/admin/v1/calls/${row.id}/content`;
    const asBearer = (token: string) => fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect((await asBearer(TOKENS.content)).status).toBe(200);
    const refused = await asBearer(TOKENS.admin);
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain("EMAIL_1");
    expect((await asBearer("neither-of-the-two-tokens")).status).toBe(401);
    // Nor does a header of the client's own open anything.
    const forged = { authorization: `Bearer ${TOKENS.admin}`, "x-venturi-may-see-content": "yes" };
    expect((await fetch(url, { headers: forged })).status).toBe(403);
    const audit = (await run("audit")).stdout;
    expect(audit.match(/content\.read/g)).toHaveLength(2);

    expect((await run("content")).stdout).toMatch(/store +on\nkept for +7 days\ncalls +2/);
    const deleted = await run("content", "delete", "--tenant", "default", "--user", "jo.doe@example.com");
    expect(deleted.stdout).toBe("what 1 call said is deleted\n");
    expect((await run("logs", "--request", id, "--content")).code).toBe(1);
    expect((await run("content", "--json")).stdout).toContain('"calls":1');

    gateway.writeConfig(CONFIG("off"));
    gateway.kill("SIGHUP");
    await gateway.line(/configuration reloaded/);
    await ask(gateway, "Not to be kept");
    const after = await run("content");
    expect(after.stdout).toMatch(/store +off\nkept for +7 days\ncalls +1,/);
  },
  SLOW_MS * 2,
);

test(
  "it goes on being kept when gateway processes die in the midst of it, and what was kept before stays whole",
  async () => {
    const gateway = await start({ config: CONFIG("on") });
    const history = Array.from(
      { length: 30 },
      (_, index) => `${index}: ${"what was said before ".repeat(40)}`,
    );
    const messages = history.map((content) => ({ role: "user", content }));
    for (let count = 0; count < 10; count++) await ask(gateway, "", { messages });
    await kept(gateway, 10);
    for (let round = 0; round < 3; round++) {
      const asking = Array.from({ length: 20 }, () => ask(gateway, "", { messages, stream: true }));
      for (const pid of gateway.gateways.slice(0, 1 + (round % 2))) process.kill(pid, "SIGKILL");
      await Promise.all(asking);
      await gateway.until(() => gateway.gateways.length === 2, "two gateway processes", SLOW_MS);
    }
    for (const end_ms = performance.now() + SLOW_MS; (await ask(gateway, "", { messages })) === null; )
      if (performance.now() > end_ms) throw new Error("it takes no calls");
    const before = await metric(gateway.url, "venturi_content_calls_total", 'outcome="kept"');
    for (let count = 0; count < 10; count++) expect(await ask(gateway, "", { messages })).not.toBeNull();
    await kept(gateway, before + 10);
    // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came.
    const admin = async (path: string, method = "GET"): Promise<any> => {
      const unix = join(gateway.folder, "data/admin.sock");
      return (await fetch(`http://admin/admin/v1/${path}`, { unix, method })).json();
    };
    const told = await admin("content");
    expect(told.calls).toBeGreaterThanOrEqual(before + 10);
    // One conversation, however often it was asked.
    expect(told.bytes).toBeLessThan(1_000_000);
    await admin("ledger/flush", "POST");
    for (const { id } of (await admin("calls?limit=10")).data)
      expect((await admin(`calls/${id}/content`)).request.messages).toEqual(messages);
  },
  SLOW_MS * 2,
);
