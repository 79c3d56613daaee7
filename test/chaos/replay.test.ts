// Calls made again as an operator does it: by the command, with another model, while keys are asked for, and when a process dies.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { venturi } from "../cli/command.ts";
import { chatChunks, chatCompletion, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";
import { chat, metric, Venturi } from "./harness.ts";

const SLOW_MS = 60_000;
const KEY = "key-of-the-application";

let upstream: ScriptedUpstream;
let gateway: Venturi;
/** What the model `slow` waits for. */
let held = Promise.withResolvers<void>();

beforeAll(async () => {
  upstream = await startUpstream(async (request, reply) => {
    const { model, stream } = request.json() as { model: string; stream?: boolean };
    if (model === "slow") await held.promise;
    const said =
      model === "stern"
        ? "I'm sorry, but I can't help with that."
        : `It is four.\n${model === "two" ? "Ask me more!" : "Farewell."}`;
    if (stream !== true) return reply.json(200, chatCompletion(said));
    for (const chunk of chatChunks(said)) await reply.sse(chunk);
    await reply.sse("[DONE]");
  });
  gateway = new Venturi({
    config: `
listen: { workers: 1 }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models:
  chat: { targets: [up/one], price: { input_per_mtok: 1, output_per_mtok: 2 } }
  other: { targets: [up/two], price: { input_per_mtok: 10, output_per_mtok: 20 } }
keys: [{ name: app, key: ${KEY}, tenant: acme, models: [chat] }]
admin: { token: an-admin-token-for-the-test, content_token: a-content-token-for-the-test }
telemetry: { content: { store: on } }`,
  });
  await gateway.line(/listening on/, 0, SLOW_MS);
}, SLOW_MS);

afterEach(() => held.resolve());
afterAll(async () => {
  await gateway.end();
  upstream.stop();
});

const run = (...args: string[]) => venturi(gateway.folder, ...args, "--data", "data");

// biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came.
async function admin(path: string, method = "GET", body?: unknown, headers = {}): Promise<any> {
  const response = await fetch(`http://admin/admin/v1/${path}`, {
    ...{ unix: join(gateway.folder, "data/admin.sock"), method, headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

/** A call of the application's; gives what the ledger calls it, once it is kept. */
async function ask(stream: boolean, text = "2+2?"): Promise<string> {
  const kept = () => metric(gateway.url, "venturi_content_calls_total", 'outcome="kept"');
  const before = await kept();
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    ...{
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: chat("chat", text, { stream }),
    },
  });
  await response.text();
  for (const end_ms = Date.now() + SLOW_MS; (await kept()) === before; await Bun.sleep(20))
    if (Date.now() > end_ms) throw new Error("the call is not kept");
  await admin("ledger/flush", "POST");
  const id = response.headers.get("x-request-id");
  return (await admin(`calls?request=${id}`)).json.data[0].id;
}

test(
  "a call is made again of another model, and what it cost, took and said is compared",
  async () => {
    const id = await ask(true);
    const made = await run("replay", id, "--model", "other", "--json");
    expect([made.code, made.stderr]).toEqual([0, ""]);
    const told = JSON.parse(made.stdout);
    expect(told).toMatchObject({ object: "replay", of: id, model: "other", state: "done", error: null });
    expect(told.before.call).toMatchObject({
      id,
      model: "chat",
      tenant: "acme",
      served_model: "one",
      stream: true,
    });
    expect(told.after.call).toMatchObject({
      ...{
        replay_of: id,
        tenant: "replay/acme",
        key: null,
        model: "other",
        served_model: "two",
        stream: true,
      },
    });
    expect(told.after.call.cost_usd).toBeCloseTo(told.before.call.cost_usd * 10, 12);
    expect(told.diff).toEqual([
      { kind: "same", text: "It is four." },
      { kind: "removed", text: "Farewell." },
      { kind: "added", text: "Ask me more!" },
    ]);
    const shown = await run("replay", id);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^call .* chat .* up\/one .*\nreplay .* chat .* up\/one /m);
    expect(shown.stdout).toContain("Both answers say the same.");
    expect(shown.stdout).not.toContain("\u001b");

    const usage = JSON.parse((await run("usage", "--by", "tenant", "--format", "json")).stdout);
    expect(usage.map(({ tenant, calls }: { tenant: string; calls: number }) => [tenant, calls])).toEqual(
      expect.arrayContaining([
        ["acme", 1],
        ["replay/acme", 2],
      ]),
    );
    const audit = (await admin("audit")).json.data;
    expect(audit.map((one: { action: string }) => one.action)).toEqual(["call.replay", "call.replay"]);
    expect(audit[0]).toMatchObject({ target: id, change: { tenant: "acme", model: "other" } });
  },
  SLOW_MS,
);

test(
  "one that cannot be made says why: no such call, no such model, no permission, no gateway",
  async () => {
    const id = await ask(false);
    expect((await run("replay", "nothing", "--model", "other")).stderr).toContain("is not kept");
    const unknown = await run("replay", id, "--model", "missing");
    expect(unknown.code).toBe(1);
    expect(unknown.stdout).toContain("failed: The model 'missing' does not exist");
    const relayed = { "x-venturi-actor": "admin token" };
    expect((await admin("replays", "POST", { id }, relayed)).json.error.code).toBe("content_not_allowed");
    expect((await admin("replays", "POST", { id, model: 7 })).status).toBe(400);
    expect((await admin("replays/nothing")).status).toBe(404);
    expect((await run("replay", id, "second")).code).toBe(2);
    const idle = await venturi(gateway.folder, "replay", id, "--data", "nowhere");
    expect(idle.code).toBe(1);
  },
  SLOW_MS,
);

test(
  "a set of calls is saved, and a model that answers as before passes where one that does not is noticed",
  async () => {
    for (const text of ["2+2?", "What are two and two?", "Add two to two.", "2+2?"]) await ask(false, text);
    const saved = await run("regress", "save", "--set", "calls.jsonl", "--since", "1h");
    expect([saved.code, saved.stderr]).toEqual([0, ""]);
    const lines = readFileSync(join(gateway.folder, "calls.jsonl"), "utf8").trim().split("\n");
    expect(saved.stdout).toContain(`${lines.length} calls are in calls.jsonl`);
    // The same question is there once, and what was made again is not.
    expect(new Set(lines.map((line) => JSON.stringify(JSON.parse(line).request))).size).toBe(lines.length);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    expect(statSync(join(gateway.folder, "calls.jsonl")).mode & 0o777).toBe(0o600);
    expect((await run("regress", "save", "--set", "calls.jsonl")).code).toBe(3);

    const same = await run("regress", "--set", "calls.jsonl", "--model", "chat", "--json");
    expect([same.code, same.stderr]).toEqual([0, ""]);
    const told = JSON.parse(same.stdout);
    expect(told).toMatchObject({ object: "regress", model: "chat", calls: lines.length, is_shifted: false });
    expect(told.lines.every((line: { similarity: number }) => line.similarity === 1)).toBe(true);
    expect(told.cost_usd).toBeGreaterThan(0);

    const stern = await run("regress", "--set", "calls.jsonl", "--model", "up/stern", "--concurrency", "2");
    expect(stern.code).toBe(1);
    expect(stern.stdout).toMatch(/refusals +0 % +100 % +at most 2 % more +SHIFTED/);
    expect(stern.stdout).toMatch(/similarity .* SHIFTED/);
    expect(stern.stdout).toContain("refused now");
    const missing = await run("regress", "--set", "calls.jsonl", "--model", "nobody", "--limit", "2");
    expect(missing.code).toBe(1);
    expect(missing.stdout).toMatch(/failed +0 % +100 % +at most 0 % +SHIFTED/);
    expect(missing.stdout).toContain("The model 'nobody' does not exist");
    const lenient = [
      "--max-refusals",
      "1",
      "--min-similarity",
      "0",
      "--max-unlike",
      "1",
      "--max-length",
      "9",
    ];
    expect((await run("regress", "--set", "calls.jsonl", "--model", "up/stern", ...lenient)).code).toBe(0);
  },
  SLOW_MS * 2,
);

test(
  "one that takes long is seen to go on, can be ended, and fails when its process dies",
  async () => {
    const id = await ask(false);
    held = Promise.withResolvers();
    const begin = async () => {
      const seen = upstream.requests.length;
      const begun = (await admin("replays", "POST", { id, model: "up/slow" })).json;
      expect(begun).toMatchObject({ object: "replay", state: "running", after: null });
      expect(begun.before.text).toContain("Farewell.");
      await upstream.waitFor(() => upstream.requests.length > seen, SLOW_MS);
      return `replays/${begun.id}`;
    };
    const ended = async (path: string) => {
      for (const end_ms = Date.now() + SLOW_MS; ; await Bun.sleep(20)) {
        const { json } = await admin(path);
        if (json.state !== "running") return json;
        if (Date.now() > end_ms) throw new Error("it does not end");
      }
    };
    const stopped = await begin();
    expect((await admin(stopped)).json.state).toBe("running");
    await admin(stopped, "DELETE");
    expect(await ended(stopped)).toMatchObject({
      state: "failed",
      after: { call: { error: "client_closed" } },
    });
    const orphaned = await begin();
    for (const pid of gateway.gateways) process.kill(pid, "SIGKILL");
    const lost = await ended(orphaned);
    expect(lost).toMatchObject({ state: "failed", after: null });
    expect(lost.error).toContain("ended before it was over");
  },
  SLOW_MS,
);
