// The policy table in a gateway: every endpoint that reads a model goes through it, and answers, lists and rows say what it did.

import { expect, test } from "vitest";
import { chatCompletion } from "../scripted_upstream.ts";
import { errorOf, planOf, rig, until } from "./harness.ts";
import { startRealtime } from "./realtime/realtime_upstream.ts";
import { openSocket } from "./websocket/socket_client.ts";

const room = rig();

async function gateway() {
  const asked: string[] = [];
  const upstream = await room.upstream((request, reply) => {
    const body = request.body.toString("latin1");
    asked.push(
      /"model":\s*"([^"]+)"/.exec(body)?.[1] ?? /name="model"\r\n\r\n(\S+)/.exec(body)?.[1] ?? "none",
    );
    return reply.json(200, chatCompletion("Hello"));
  });
  const made = room.gateway(configOf(upstream.base_url));
  const ask = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const response = await made.fetch(path, {
      method: "POST",
      headers: { authorization: "Bearer key-paid", "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      route: response.headers.get("x-venturi-route"),
      text,
      model: asked.at(-1),
    };
  };
  return { made, asked, ask };
}

const configOf = (base_url: string) => `
providers: { up: { kind: openai, base_url: "${base_url}", api_keys: [none] } }
models:
  cheap: { targets: [up/cheap] }
  big: { targets: [up/big] }
tiers: { paid: {}, free: {} }
keys:
  - { name: paid, key: key-paid, tier: paid }
  - { name: free, key: key-free, tier: free, models: [cheap] }
  - { name: asking, key: key-asking, models: [auto] }
  - { name: other, key: key-other, models: [nothing] }
routes:
  - { name: coding, when: { model: auto, task: code }, use: big }
  - { when: { model: auto, tier: paid, needs: [vision] }, use: big }
  - { name: test, when: { model: auto, task: test }, split: { cheap: 50, big: 50 } }
  - { name: old, when: { model: "gpt-*" }, use: cheap }
  - { name: auto, when: { model: auto, header: { x-open: "yes" } }, use: cheap }
  - { name: embed, when: { model: auto, task: embed }, use: up/embedder }
`;

const MESSAGES = [{ role: "user", content: "Hi" }];
const OPEN = { "x-open": "yes" };

test("the first rule that holds decides, and the answer names it", async () => {
  const { made, ask } = await gateway();
  const chat = (body: object, headers: Record<string, string>) =>
    ask("/v1/chat/completions", { model: "auto", messages: MESSAGES, ...body }, headers);
  expect(await chat({}, { "x-venturi-task": "code" })).toMatchObject({
    status: 200,
    route: "coding",
    model: "big",
  });
  expect(await chat({}, OPEN)).toMatchObject({ status: 200, route: "auto", model: "cheap" });
  const image = [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://a/b.png" } }] }];
  expect(await chat({ messages: image }, OPEN)).toMatchObject({ route: "routes[1]", model: "big" });
  // What a rule takes goes through it though a model of the name could be there; what none takes goes as ever.
  expect(await chat({ model: "gpt-4" }, {})).toMatchObject({ route: "old", model: "cheap" });
  expect(await chat({ model: "big" }, {})).toMatchObject({ status: 200, route: null, model: "big" });
  await until(() => made.kept.rows().length === 5);
  const rows = made.kept.rows();
  expect(rows.map(({ model }) => model)).toEqual(["auto", "auto", "auto", "gpt-4", "big"]);
  expect(rows.map(({ routing }) => routing)).toEqual([
    { route: "coding", model: "big", tier: "paid", task: "code" },
    { route: "auto", model: "cheap", tier: "paid", needs: [] },
    { route: "routes[1]", model: "big", tier: "paid", needs: ["vision"] },
    { route: "old", model: "cheap", tier: "paid" },
    { tier: "paid" },
  ]);
});

test("every endpoint that reads a model goes through the table", async () => {
  const { ask, made, asked } = await gateway();
  const code = { "x-venturi-task": "code" };
  for (const [path, body] of [
    ["/v1/chat/completions", { model: "auto", messages: MESSAGES }],
    ["/v1/completions", { model: "auto", prompt: "Hi" }],
    ["/v1/responses", { model: "auto", input: "Hi" }],
    ["/v1/messages", { model: "auto", max_tokens: 9, messages: MESSAGES }],
    ["/v1/messages/count_tokens", { model: "auto", messages: MESSAGES }],
    ["/v1beta/models/auto:generateContent", { contents: [{ role: "user", parts: [{ text: "Hi" }] }] }],
    ["/v1/embeddings", { model: "auto", input: "Hi" }],
    ["/v1/moderations", { model: "auto", input: "Hi" }],
    ["/v1/rerank", { model: "auto", query: "Hi", documents: ["a"] }],
    ["/v1/images/generations", { model: "auto", prompt: "Hi" }],
  ] as const)
    expect([path, (await ask(path, body, code)).route]).toEqual([path, "coding"]);
  expect(new Set(asked)).toEqual(new Set(["big"]));
  const form = new FormData();
  form.set("model", "auto");
  form.set("file", new File(["abc"], "a.wav"));
  const upload = await made.fetch("/v1/audio/transcriptions", {
    method: "POST",
    headers: { authorization: "Bearer key-paid", ...code },
    body: form,
  });
  expect([upload.headers.get("x-venturi-route"), asked.at(-1)]).toEqual(["coding", "big"]);
});

test("so do calls of a socket", async () => {
  const { made, asked } = await gateway();
  const headers = { authorization: "Bearer key-paid", "x-venturi-task": "code" };
  const socket = await openSocket(made.port, { options: { headers } });
  room.after(() => socket.socket.terminate());
  socket.socket.send(JSON.stringify({ id: "a", body: { model: "auto", messages: MESSAGES, stream: false } }));
  await until(() => asked.length === 1);
  expect(asked).toEqual(["big"]);
  await until(() => made.kept.rows().length === 1);
  expect(made.kept.rows()[0]!.routing).toMatchObject({ route: "coding", model: "big", task: "code" });
});

test("so do Realtime sessions, whose texts nobody has read", async () => {
  const provider = startRealtime();
  room.after(() => provider.stop());
  const { port } = room.gateway(`
providers: { up: { kind: openai, base_url: "${provider.base_url}", api_keys: [none] } }
models: { voice: { targets: [up/voice-1] }, other: { targets: [up/voice-2] } }
routes:
  - { when: { model: auto, prompt_tokens: "<100" }, use: other }
  - { when: { model: auto, task: talk }, use: voice }
`);
  const headers = { "x-venturi-task": "talk" };
  const socket = await openSocket(port, { path: "/v1/realtime?model=auto", options: { headers } });
  room.after(() => socket.socket.terminate());
  const { opening } = await provider.session();
  expect(opening.url.searchParams.get("model")).toBe("voice-1");
});

test("who is allowed what was asked for, or what the rule gives, may call", async () => {
  const { ask } = await gateway();
  const as = async (key: string, model: string, headers: Record<string, string> = OPEN) => {
    const all = { ...headers, authorization: `Bearer key-${key}` };
    const { status, text } = await ask("/v1/chat/completions", { model, messages: MESSAGES }, all);
    return status === 200 ? 200 : errorOf(text).code;
  };
  expect(await as("asking", "auto")).toBe(200);
  expect(await as("free", "auto")).toBe(200);
  expect(await as("free", "auto", { "x-venturi-task": "code" })).toBe("model_not_allowed");
  expect(await as("other", "auto")).toBe("model_not_allowed");
  expect(await as("asking", "cheap")).toBe("model_not_allowed");
});

test("a name that only rules take is listed, and not found where none of them holds", async () => {
  const { made, ask } = await gateway();
  const list = async (key: string) => {
    const response = await made.fetch("/v1/models", { headers: { authorization: `Bearer key-${key}` } });
    return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  };
  expect(await list("paid")).toContain("auto");
  expect(await list("asking")).toEqual(["auto"]);
  expect(await list("free")).toEqual(["cheap", "auto"]);
  expect(await list("other")).toEqual([]);
  const one = await made.fetch("/v1/models/auto", { headers: { authorization: "Bearer key-free" } });
  expect(await one.json()).toMatchObject({ id: "auto", owned_by: "venturi" });
  const { status, text } = await ask("/v1/chat/completions", { model: "auto", messages: MESSAGES });
  expect([status, errorOf(text).code]).toEqual([404, "model_not_found"]);
  expect(errorOf(text).message).toContain("none of them holds for this request");
});

test("a session stays in its arm, else a user, else a key; and both arms are in use", async () => {
  const { ask, made } = await gateway();
  const arm = async (headers: Record<string, string>, user?: string) =>
    (
      await ask(
        "/v1/chat/completions",
        { model: "auto", messages: MESSAGES, user },
        { "x-venturi-task": "test", ...headers },
      )
    ).model;
  const sessions = new Map<string, Set<string | undefined>>();
  for (let round = 0; round < 3; round++)
    for (let index = 0; index < 12; index++) {
      const name = `s${index}`;
      const seen = sessions.get(name) ?? new Set();
      sessions.set(name, seen.add(await arm({ "x-venturi-session": name, "x-venturi-user": `u${round}` })));
    }
  expect([...sessions.values()].every((seen) => seen.size === 1)).toBe(true);
  expect(new Set([...sessions.values()].flatMap((seen) => [...seen]))).toEqual(new Set(["cheap", "big"]));
  const users = ["a", "b", "c", "d", "e", "f"];
  for (const user of users) expect(await arm({}, user)).toBe(await arm({ "x-venturi-user": user }));
  expect(new Set([await arm({}), await arm({}), await arm({})]).size).toBe(1);
  await until(() => made.kept.rows().length >= 36);
  expect(made.kept.rows()[0]!.routing).toMatchObject({ route: "test", split: true, task: "test" });
});

test("a reload changes the table for the calls that come", async () => {
  const { made, ask } = await gateway();
  const body = { model: "auto", messages: MESSAGES };
  expect((await ask("/v1/chat/completions", body, OPEN)).route).toBe("auto");
  made.gateway.setPlan(
    planOf(`
models: { only: { targets: [sim/echo] } }
keys: [{ name: paid, key: key-paid }]
routes: [{ name: fresh, use: only }]`),
  );
  expect(await ask("/v1/chat/completions", body, OPEN)).toMatchObject({ status: 200, route: "fresh" });
});
