// Explaining a call: what is told of it, that it is told to who may call alone, and that nothing comes of it.

import { expect, test } from "vitest";
import { chatCompletion } from "../../scripted_upstream.ts";
import { errorOf, rig } from "../harness.ts";

const room = rig();

async function gateway() {
  let asked = 0;
  const upstream = await room.upstream((_request, reply) => {
    asked += 1;
    return reply.json(200, chatCompletion("Hello"));
  });
  const made = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none], region: eu }
  far: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none], region: us }
models:
  chat:
    targets: [up/small, { provider: up, model: text, capabilities: { vision: false } }, far/large]
    price: { input_per_mtok: 1, output_per_mtok: 2 }
    deadline_ms: 5000
    cache: { exact: {} }
    privacy: { mode: redact, entities: [EMAIL] }
    guards: { input: [{ guard: denied_words, words: [forbidden] }] }
  candidate: { targets: [up/candidate] }
tiers: { free: {} }
keys:
  - { name: acme, key: key-acme, tenant: acme, limits: { rpm: 2, tpm: 100000 } }
  - { name: free, key: key-free, tier: free, region: eu }
routes:
  - { name: paid, when: { model: auto, tier: free, needs: [vision] }, use: candidate }
  - { name: others, when: { model: auto, tenant: somebody-else, header: { x-secret: hidden } }, use: candidate }
  - { name: test, when: { model: auto, task: test }, split: { chat: 75, candidate: 25 } }
  - { name: rest, when: { model: auto }, use: chat }
`);
  const explain = async (body: unknown, headers: Record<string, string> = {}, query = "") => {
    const response = await made.fetch(`/v1/explain${query}`, {
      method: "POST",
      headers: { authorization: "Bearer key-acme", ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: a test looks into it as a client would.
    return { status: response.status, text, json: JSON.parse(text) as any };
  };
  return { made, explain, asked: () => asked };
}

const call = (content: unknown, rest: object = {}) => ({
  model: "auto",
  messages: [{ role: "user", content }],
  ...rest,
});

test("tells the rules, the model, the targets, the cost and what is left", async () => {
  const { explain } = await gateway();
  const { json } = await explain(call("Explain why, and compare.", { max_tokens: 1_000 }));
  expect(json).toMatchObject({
    ...{ object: "explanation", endpoint: "/v1/chat/completions", refused: null },
    key: { name: "acme", tenant: "acme", tier: null },
    request: { model: "auto", needs: [], complexity: { class: "medium", points: { reasoning: 3 } } },
    routing: {
      rules: [
        { name: "paid", holds: false, why: "tier is not given, and must be free" },
        { name: "others", holds: false, why: 'it is for other tenants than "acme"' },
        { name: "test", holds: false, why: "task is not given, and must be test" },
        { name: "rest", holds: true, why: null },
      ],
      ...{ route: "rest", model: "chat", split: null },
    },
    model: { name: "chat", strategy: "priority" },
    cache: { state: "miss", age_s: null },
    privacy: { mode: "redact", redactions: {} },
    guards: { input: ["denied_words"], found: {} },
    deadlines: { deadline_ms: 5000 },
  });
  expect(json.targets.map(({ model, place }: { model: string; place: number }) => [model, place])).toEqual([
    ["small", 1],
    ["text", 2],
    ["large", 3],
  ]);
  // At least the two tokens a thousand of the answer.
  expect(Number(json.cost_usd.least)).toBeGreaterThanOrEqual(0.002);
  expect(json.limits).toMatchObject([
    { scope: "key", of: "requests", limit: 2, remaining: 2 },
    { scope: "key", of: "tokens", limit: 100_000, remaining: 100_000 },
  ]);
});

test("tells why targets are left out", async () => {
  const { explain } = await gateway();
  const image = call([{ type: "image_url", image_url: { url: "https://a/b.png" } }]);
  const { json } = await explain(image, { "x-venturi-region": "eu" });
  expect(json.targets.map(({ model, place, why }: Record<string, unknown>) => [model, place, why])).toEqual([
    ["small", 1, null],
    ["text", null, "it takes no images"],
    ["large", null, "the request may not leave eu, and the target is in us"],
  ]);
  const nowhere = await explain(image, { "x-venturi-region": "asia" });
  expect(nowhere.json.refused).toMatchObject({ stage: "route", status: 400, code: "content_blocked" });
  expect(nowhere.json.targets.every(({ place }: { place: number | null }) => place === null)).toBe(true);
});

test("tells which targets are failing, and which have nothing left", async () => {
  const upstream = await room.upstream((request, reply) => {
    const is_busy = request.body.includes("busy");
    return reply.json(is_busy ? 429 : 500, { error: { message: "no" } }, { "retry-after": "50" });
  });
  const made = room.gateway(`
providers:
  busy: { kind: openai, base_url: "${upstream.base_url}", api_keys: [one, two] }
  ill: { kind: openai, base_url: "${upstream.base_url}", api_keys: [one] }
models: { chat: { targets: [busy/busy, ill/ill, sim/echo], retries: { attempts: 0 } } }
`);
  const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hi" }] });
  const ask = (path: string) => made.fetch(path, { method: "POST", body });
  // A breaker opens at five failures in a row.
  for (let count = 0; count < 5; count++) await (await ask("/v1/chat/completions")).text();
  const { targets } = (await (await ask("/v1/explain")).json()) as { targets: Record<string, unknown>[] };
  expect(targets).toMatchObject([
    { provider: "busy", place: 1, is_saturated: true, keys: { all: 2, resting: 2 } },
    {
      provider: "sim",
      place: 2,
      is_saturated: false,
      keys: { all: 1, resting: 0 },
      health: { state: "closed" },
    },
    { provider: "ill", place: null, health: { state: "open", failures_in_row: 5 } },
  ]);
  expect(targets[2]!["why"]).toMatch(/^its breaker is open: its calls failed/);
});

test("tells the arm of a split, and that it is the one that the call then gets", async () => {
  const { explain, made } = await gateway();
  for (let index = 0; index < 12; index++) {
    const headers = {
      "x-venturi-task": "test",
      "x-venturi-session": `s${index}`,
      authorization: "Bearer key-free",
    };
    const { json } = await explain(call("Hi"), headers);
    expect(json.routing.split).toEqual({ shares: { chat: 0.75, candidate: 0.25 }, sticky_by: "session" });
    const response = await made.fetch("/v1/chat/completions", {
      method: "POST",
      headers,
      body: JSON.stringify(call("Hi")),
    });
    expect(response.headers.get("x-venturi-model")).toBe(json.targets[0].model);
  }
});

test("tells what would be refused, and where", async () => {
  const { explain, made } = await gateway();
  const { json: guarded } = await explain(call("this is forbidden"));
  expect(guarded.refused).toMatchObject({ stage: "guards", status: 400, code: "content_blocked" });
  expect(guarded.guards.found).toEqual({ denied_words: "block" });
  expect((await explain(call("Hi", { model: "nothing" }))).json.refused).toMatchObject({
    stage: "route",
    code: "model_not_found",
  });
  expect((await explain({ model: "auto" })).json.refused).toMatchObject({
    stage: "route",
    param: "messages",
  });
  const deadline = await explain(call("Hi"), { "x-venturi-deadline-ms": "soon" });
  expect(deadline.json.refused).toMatchObject({ stage: "deadline", code: "invalid_value" });
  for (let count = 0; count < 2; count++)
    await made.fetch("/v1/chat/completions", {
      method: "POST",
      headers: { authorization: "Bearer key-acme" },
      body: JSON.stringify(call(`Hi ${count}`)),
    });
  const { json } = await explain(call("something else"));
  expect(json.refused).toMatchObject({ stage: "limits", status: 429, code: "rate_limit_exceeded" });
  // What is kept is given all the same; it is kept a moment after it was given.
  let kept = (await explain(call("Hi 1"))).json;
  for (let tries = 0; tries < 500 && kept.cache.state === "miss"; tries++)
    kept = (await explain(call("Hi 1"))).json;
  expect(kept).toMatchObject({ refused: null, cache: { state: "hit" } });
});

test("tells kinds of personal data and how many, and never values", async () => {
  const { explain } = await gateway();
  const { json, text } = await explain(call("Write to jo@example.com and to ann@example.com"));
  expect(json.privacy).toEqual({ mode: "redact", redactions: { EMAIL: 2 } });
  expect(text).not.toContain("example.com");
});

test("tells nothing of other callers, and of what headers must be", async () => {
  const { explain } = await gateway();
  const { text } = await explain(call("Hi"));
  expect(text).not.toContain("somebody-else");
  expect(text).not.toContain("hidden");
});

test("takes a call of another endpoint, by its own body or wrapped", async () => {
  const { explain } = await gateway();
  const messages = { model: "auto", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] };
  const by_query = await explain(messages, {}, "?endpoint=/v1/messages");
  const wrapped = await explain({ endpoint: "/v1/messages", body: messages });
  expect(by_query.json).toMatchObject({ endpoint: "/v1/messages", routing: { route: "rest" } });
  expect(wrapped.json).toMatchObject({ endpoint: "/v1/messages", request: { max_tokens: 9 } });
  const gemini = {
    endpoint: "/v1beta/models/auto:generateContent",
    body: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
  };
  expect((await explain(gemini)).json).toMatchObject({ request: { model: "auto" }, model: { name: "chat" } });
});

test("what is no call, and who may not call, is refused as ever", async () => {
  const { explain, made } = await gateway();
  expect((await explain([])).status).toBe(400);
  expect(errorOf((await explain({ endpoint: "/v1/files", body: {} })).text).param).toBe("endpoint");
  expect((await explain({ endpoint: 7, body: {} })).status).toBe(400);
  expect((await explain(call("Hi"), { authorization: "Bearer nobody" })).status).toBe(401);
  expect((await made.fetch("/v1/explain", { headers: { authorization: "Bearer key-acme" } })).status).toBe(
    405,
  );
});

test("nothing comes of it: nothing is asked, taken, kept or written down", async () => {
  const { explain, made, asked } = await gateway();
  for (let count = 0; count < 5; count++)
    await explain(call("Write to jo@example.com"), { "x-venturi-session": "s" });
  expect([asked(), made.kept.rows().length, made.gateway.calls.size]).toEqual([0, 0, 0]);
  const { json } = await explain(call("Hi"));
  expect(json.limits.map(({ used }: { used: number }) => used)).toEqual([0, 0]);
});
