// Answers to Responses that the gateway keeps: conversations go on from them, whoever is asked, and nobody else reads them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import type { Script } from "../scripted_upstream.ts";
import { errorOf, rig, type TestGateway, until } from "./harness.ts";

const room = rig();

type Fields = Record<string, unknown>;

/** A server of chat completions that says what it was asked last, or calls the tool that it is offered first. */
const CHAT: Script = (request, reply) => {
  const { messages, tools, stream } = request.json() as {
    messages: { role: string; content: unknown }[];
    tools?: { function: { name: string } }[];
    stream?: boolean;
  };
  const last = messages.at(-1)!;
  const calls = tools !== undefined && last.role === "user";
  const text = `heard: ${typeof last.content === "string" ? last.content : JSON.stringify(last.content)}`;
  const message = calls
    ? {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "call_1",
            type: "function",
            function: { name: tools[0]!.function.name, arguments: '{"n":1}' },
          },
        ],
      }
    : { role: "assistant", content: text };
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  if (!stream) {
    return reply.json(200, {
      ...{ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", usage },
      choices: [{ index: 0, message, finish_reason: calls ? "tool_calls" : "stop" }],
    });
  }
  const chunk = (delta: Fields, finish_reason: string | null) => ({
    ...{ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m" },
    choices: [{ index: 0, delta, finish_reason }],
  });
  for (const word of text.match(/.{1,5}/gsu)!) reply.sse(chunk({ content: word }, null));
  reply.sse(chunk({}, "stop"));
  reply.sse({ ...chunk({}, null), choices: [], usage });
  reply.sse("[DONE]");
  return reply.end();
};

let made = 0;

/** A server of Responses: what it makes has an id of its own each time. */
function responseOf({ model, input, store, previous_response_id = null }: Fields): Fields {
  made += 1;
  return {
    ...{ id: `resp_up${made}`, object: "response", created_at: 1, status: "completed", model, store },
    previous_response_id,
    output: [
      { type: "reasoning", id: `rs_${made}`, summary: [], encrypted_content: "sealed-thought" },
      { type: "reasoning", id: `rs_empty_${made}`, summary: [] },
      {
        ...{ type: "message", id: `msg_${made}`, status: "completed", role: "assistant" },
        content: [
          {
            type: "output_text",
            text: `${made}: ${typeof input === "string" ? input : (input as unknown[]).length}`,
            annotations: [],
          },
        ],
      },
    ],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  };
}

const RESPONSES: Script = (request, reply) => {
  if (request.method !== "POST")
    return reply.json(200, { id: "resp_theirs", object: "response", from: "them" });
  const body = request.json() as Fields;
  const response = responseOf(body);
  if (body["stream"] !== true) return reply.json(200, response);
  const begun = { ...response, status: "in_progress", output: [] };
  reply.sse({ type: "response.created", sequence_number: 0, response: begun });
  reply.sse({
    ...{ type: "response.output_text.delta", sequence_number: 1, item_id: "msg", output_index: 0 },
    ...{ content_index: 0, delta: "hello", logprobs: [] },
  });
  if (JSON.stringify(body).includes("break off")) return reply.destroy();
  reply.sse({ type: "response.completed", sequence_number: 2, response });
  return reply.end();
};

async function gatewayFor(
  script: Script,
  more = "",
  model = "",
): Promise<{ gateway: TestGateway; seen: () => Fields[] }> {
  const upstream = await room.upstream(script);
  const responses = script === RESPONSES ? ", responses: true" : "";
  const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none]${responses} }
models:
  m: { targets: [{ provider: up, model: gpt-5-up }], retries: { attempts: 0 }${model} }
${more}`);
  const seen = () =>
    upstream.requests.filter(({ method }) => method === "POST").map((one) => one.json() as Fields);
  return { gateway, seen };
}

function sdk({ port }: TestGateway, apiKey = "none"): OpenAI {
  return new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey, maxRetries: 0 });
}

async function post(
  gateway: TestGateway,
  body: Fields,
  headers: Record<string, string> = {},
): Promise<Response> {
  return gateway.fetch("/v1/responses", {
    method: "POST",
    body: JSON.stringify({ model: "m", ...body }),
    headers,
  });
}

async function made_of(gateway: TestGateway, body: Fields): Promise<Fields> {
  const response = await post(gateway, body);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Fields;
}

const filesOf = (gateway: TestGateway): string[] => {
  const folder = join(gateway.kept.folder, "responses");
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe("a conversation before a provider without Responses", () => {
  test("goes on by the SDK, through a tool's call", async () => {
    const { gateway, seen } = await gatewayFor(CHAT);
    const client = sdk(gateway);
    const tools = [
      {
        type: "function" as const,
        name: "count",
        strict: false,
        parameters: { type: "object", properties: {} },
      },
    ];
    const first = await client.responses.create({
      model: "m",
      input: "how many?",
      tools,
      instructions: "count",
    });
    const call = first.output.find(({ type }) => type === "function_call") as { call_id: string };
    expect(first).toMatchObject({ store: true });
    const second = await client.responses.create({
      model: "m",
      previous_response_id: first.id,
      input: [{ type: "function_call_output", call_id: call.call_id, output: "seven" }],
    });
    expect(second.output_text).toBe("heard: seven");
    expect(second.previous_response_id).toBe(first.id);
    const third = await client.responses.create({
      model: "m",
      previous_response_id: second.id,
      input: "and now?",
    });
    expect(third.output_text).toBe("heard: and now?");
    const messages = seen()[2]!["messages"] as Fields[];
    // Instructions are not taken over.
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "user"]);
    expect(messages[1]!["tool_calls"]).toMatchObject([{ id: "call_1", function: { name: "count" } }]);
  });

  test("goes on from a stream", async () => {
    const { gateway, seen } = await gatewayFor(CHAT);
    const client = sdk(gateway);
    const events: string[] = [];
    let id = "";
    for await (const event of await client.responses.create({ model: "m", input: "one", stream: true })) {
      events.push(event.type);
      if (event.type === "response.completed") id = event.response.id;
    }
    expect(events.at(-1)).toBe("response.completed");
    const next = await client.responses.create({ model: "m", previous_response_id: id, input: "two" });
    expect(next.output_text).toBe("heard: two");
    expect(seen()[1]!["messages"]).toMatchObject([
      { role: "user", content: "one" },
      { role: "assistant", content: "heard: one" },
      { role: "user", content: "two" },
    ]);
  });

  test("is refused where nothing is known, or only its provider could know", async () => {
    const { gateway } = await gatewayFor(CHAT);
    const unknown = await post(gateway, { input: "x", previous_response_id: "resp_nobody" });
    expect(unknown.status).toBe(400);
    expect(errorOf(await unknown.text())).toEqual({
      ...{
        type: "invalid_request_error",
        code: "previous_response_not_found",
        param: "previous_response_id",
      },
      message: "Previous response with id 'resp_nobody' not found.",
    });
    for (const [param, value] of [
      ["conversation", "conv_1"],
      ["prompt", { id: "pmpt_1" }],
      ["background", true],
    ] as const) {
      const refused = await post(gateway, { input: "x", [param]: value });
      expect(refused.status).toBe(400);
      expect(errorOf(await refused.text()).param).toBe(param);
    }
  });

  test("nothing is kept of what says `store: false`, or where the configuration says so", async () => {
    const { gateway } = await gatewayFor(CHAT);
    const { id, store } = await made_of(gateway, { input: "secret", store: false });
    expect(store).toBe(false);
    expect((await post(gateway, { input: "x", previous_response_id: id })).status).toBe(400);
    expect((await gateway.fetch(`/v1/responses/${id}`)).status).toBe(404);
    expect(filesOf(gateway)).toEqual([]);
    const { gateway: other } = await gatewayFor(CHAT, "responses: { ttl_days: 0 }");
    const answer = await made_of(other, { input: "secret" });
    expect((await post(other, { input: "x", previous_response_id: answer["id"] })).status).toBe(400);
    expect(filesOf(other)).toEqual([]);
  });

  test("items are found by reference", async () => {
    const { gateway, seen } = await gatewayFor(CHAT);
    const { output } = (await made_of(gateway, { input: "one" })) as { output: { id: string }[] };
    await until(() => filesOf(gateway).filter((name) => !name.includes(".")).length === 2);
    const reference = { type: "item_reference", id: output[0]!.id };
    const again = await made_of(gateway, {
      input: [{ role: "user", content: "one" }, reference, { role: "user", content: "two" }],
    });
    expect(seen()[1]!["messages"]).toMatchObject([
      { role: "user", content: "one" },
      { role: "assistant", content: "heard: one" },
      { role: "user", content: "two" },
    ]);
    const third = await made_of(gateway, { input: "three", previous_response_id: again["id"] });
    expect(third["previous_response_id"]).toBe(again["id"]);
    expect((seen()[2]!["messages"] as unknown[]).length).toBe(5);
  });
});

describe("kept responses", () => {
  test("are read and removed by the SDK", async () => {
    const { gateway } = await gatewayFor(CHAT);
    const client = sdk(gateway);
    const made_one = await client.responses.create({ model: "m", input: "one", metadata: { a: "b" } });
    const { _request_id: _, ...read } = (await client.responses.retrieve(made_one.id)) as never as Fields;
    const { _request_id: __, ...asked } = made_one as never as Fields;
    expect(read).toEqual(asked);
    await expect(client.responses.cancel(made_one.id)).rejects.toMatchObject({ status: 400 });
    await client.responses.delete(made_one.id);
    await expect(client.responses.retrieve(made_one.id)).rejects.toMatchObject({ status: 404 });
    await gateway.idle();
    await until(() => filesOf(gateway).length === 0);
    // The reading and the removing are in the ledger, and cost nothing.
    expect(
      gateway.kept
        .rows()
        .slice(1)
        .map(({ status, cost_nano_usd }) => [status, cost_nano_usd]),
    ).toEqual([
      [200, 0],
      [400, 0],
      [200, 0],
      [404, 0],
    ]);
  });

  test("list their input a page at a time", async () => {
    const { gateway } = await gatewayFor(CHAT);
    const client = sdk(gateway);
    const input = Array.from({ length: 7 }, (_, index) => ({
      role: "user" as const,
      content: `line ${index}`,
    }));
    const { id } = await client.responses.create({ model: "m", input });
    const texts: string[] = [];
    for await (const item of client.responses.inputItems.list(id, { limit: 3, order: "asc" })) {
      texts.push((item as unknown as { content: { text: string }[] }).content[0]!.text);
    }
    expect(texts).toEqual(input.map(({ content }) => content));
    const page = await client.responses.inputItems.list(id, { limit: 2 });
    expect(page.has_more).toBe(true);
    expect(
      page.data.map((item) => (item as unknown as { content: { text: string }[] }).content[0]!.text),
    ).toEqual(["line 6", "line 5"]);
    for (const query of ["limit=0", "limit=101", "order=up", "after=msg_none"])
      expect((await gateway.fetch(`/v1/responses/${id}/input_items?${query}`)).status).toBe(400);
  });

  test("are their tenant's alone, and of models that the key may call", async () => {
    const { gateway } = await gatewayFor(
      CHAT,
      `
keys:
  - { name: a, key: key-of-acme, tenant: acme }
  - { name: b, key: key-of-acme-2, tenant: acme }
  - { name: c, key: key-of-acme-3, tenant: acme, models: ["up/*"] }
  - { name: d, key: key-of-other, tenant: other }`,
    );
    const { id } = await sdk(gateway, "key-of-acme").responses.create({ model: "m", input: "one" });
    expect((await sdk(gateway, "key-of-acme-2").responses.retrieve(id)).id).toBe(id);
    for (const key of ["key-of-acme-3", "key-of-other"]) {
      const client = sdk(gateway, key);
      await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
      await expect(client.responses.delete(id)).rejects.toMatchObject({ status: 404 });
      await expect(
        client.responses.create({ model: "up/m", input: "x", previous_response_id: id }),
      ).rejects.toMatchObject({ status: 400, code: "previous_response_not_found" });
    }
    expect((await gateway.fetch(`/v1/responses/${id}`)).status).toBe(401);
  });

  test("lie sealed, with the client's own values in them, and are redacted anew", async () => {
    const { gateway, seen } = await gatewayFor(CHAT, "", ", privacy: { mode: redact }");
    for (const stream of [false, true]) {
      const before = seen().length;
      const response = await post(gateway, { input: "write to ada@example.org", stream });
      const text = await response.text();
      expect(text).toContain("ada@example.org");
      const id = /"id":"(resp_\w+)"/.exec(text)![1]!;
      const kept = (await (await gateway.fetch(`/v1/responses/${id}`)).json()) as Fields;
      expect(JSON.stringify(kept["output"])).toContain("heard: write to ada@example.org");
      const instructions = "ask ada@example.org";
      const next = await made_of(gateway, {
        ...{ input: "and to bob@example.org", previous_response_id: id, instructions },
        metadata: { who: "ada@example.org" },
      });
      expect(next).toMatchObject({ instructions, metadata: { who: "ada@example.org" } });
      expect(kept["instructions"]).toBe(null);
      expect(JSON.stringify(next["output"])).toContain("bob@example.org");
      const sent = JSON.stringify(seen().slice(before));
      expect(sent).not.toContain("@example.org");
      expect(JSON.stringify(seen()[before + 1])).toMatch(/EMAIL_1.*EMAIL_1.*EMAIL_2/);
    }
    const folder = join(gateway.kept.folder, "responses");
    await until(() => filesOf(gateway).filter((name) => !name.includes(".")).length === 8);
    for (const name of filesOf(gateway)) {
      expect(name).toMatch(/^[0-9a-f]{64}$/);
      expect(readFileSync(join(folder, name), "latin1")).not.toMatch(/ada|resp_|heard/);
    }
  });

  test("outlive their process", async () => {
    const { gateway } = await gatewayFor(CHAT);
    const { id } = await made_of(gateway, { input: "one" });
    await until(() => filesOf(gateway).filter((name) => !name.includes(".")).length === 2);
    const { KeptResponses } = await import("../../src/gateway/kept_responses.ts");
    const plan = { ttl_ms: 1_000_000, max_bytes: 1_000_000 };
    const other = new KeptResponses(
      {
        folder: join(gateway.kept.folder, "responses"),
        ...{ key: Buffer.alloc(32, 7), is_shared: true, log: () => {} },
      },
      plan,
    );
    room.after(() => other.close());
    expect((await other.find("default", id as string))?.input).toEqual([
      { type: "message", role: "user", content: [{ type: "input_text", text: "one" }] },
    ]);
    expect(await other.find("other", id as string)).toBe(null);
    expect(await other.find("default", "resp_none")).toBe(null);
  });
});

describe("before a provider of Responses", () => {
  test("the gateway keeps, and the provider need not", async () => {
    const { gateway, seen } = await gatewayFor(RESPONSES);
    const first = await made_of(gateway, { input: "one" });
    expect(first).toMatchObject({ store: true, previous_response_id: null });
    expect(seen()[0]).toMatchObject({ store: false, include: ["reasoning.encrypted_content"], input: "one" });
    const second = await made_of(gateway, {
      ...{ input: "two", previous_response_id: first["id"], store: true },
      include: ["message.output_text.logprobs"],
    });
    expect(second).toMatchObject({ store: true, previous_response_id: first["id"] });
    const sent = seen()[1]!;
    expect(sent).toMatchObject({
      store: false,
      include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
    });
    expect(sent).not.toHaveProperty("previous_response_id");
    // A thought that only its provider knew is left out.
    expect((sent["input"] as Fields[]).map(({ type, id }) => id ?? type)).toEqual([
      ...["message", expect.stringMatching(/^rs_\d+$/), "message", "message"],
    ]);
  });

  test("what it keeps by itself is its own", async () => {
    const { gateway, seen } = await gatewayFor(RESPONSES);
    const bodies: Fields[] = [
      { input: "x", previous_response_id: "resp_theirs" },
      { input: "x", background: true },
      { input: "x", conversation: "conv_1" },
      { input: "x", store: false },
      { input: [{ type: "item_reference", id: "msg_theirs" }] },
    ];
    for (const body of bodies) {
      const { id } = await made_of(gateway, body);
      expect(seen().at(-1)).toEqual({ model: "gpt-5-up", ...body });
      expect(await (await gateway.fetch(`/v1/responses/${id}`)).json()).toMatchObject({ from: "them" });
    }
    expect(filesOf(gateway)).toEqual([]);
  });

  test("streams are kept when they end well", async () => {
    const { gateway } = await gatewayFor(RESPONSES);
    const good = await (await post(gateway, { input: "one", stream: true })).text();
    const id = /"id":"(resp_up\d+)"/.exec(good)![1]!;
    expect(good.match(/"store":true/g)).toHaveLength(2);
    expect(await (await gateway.fetch(`/v1/responses/${id}`)).json()).toMatchObject({
      id,
      store: true,
      status: "completed",
    });
    const broken = await (await post(gateway, { input: "break off", stream: true })).text();
    expect(broken).toContain("response.failed");
    const lost = /"id":"(resp_up\d+)"/.exec(broken)![1]!;
    // Nobody else has it but the provider, who made it up.
    expect(await (await gateway.fetch(`/v1/responses/${lost}`)).json()).toMatchObject({ from: "them" });
  });

  test("an answer from the caches begins a conversation of its own", async () => {
    const { gateway, seen } = await gatewayFor(
      RESPONSES,
      "",
      ", cache: { exact: {} }, privacy: { mode: redact }",
    );
    const ids = new Set<string>();
    for (const [name, stream] of [
      ["ada", false],
      ["bob", false],
      ["cid", true],
      ["dan", true],
    ] as const) {
      const response = await post(gateway, { input: `to ${name}@example.org`, stream });
      const text = await response.text();
      if (name !== "ada") expect(response.headers.get("x-venturi-cache")).toMatch(/^(hit|joined)$/);
      const id = /"id":"(resp_\w+)"/.exec(text)![1]!;
      ids.add(id);
      const kept = (await (await gateway.fetch(`/v1/responses/${id}`)).json()) as { output: Fields[] };
      expect(JSON.stringify(kept.output.at(-1))).toContain(`to ${name}@example.org`);
      const { data } = (await (await gateway.fetch(`/v1/responses/${id}/input_items`)).json()) as {
        data: unknown[];
      };
      expect(JSON.stringify(data)).toContain(`to ${name}@example.org`);
    }
    expect(ids.size).toBe(4);
    expect(seen()).toHaveLength(1);
  });

  test("those who wait for one stream have conversations of their own", async () => {
    const gate = Promise.withResolvers<void>();
    const upstream = await room.upstream(async (request, reply) => {
      await gate.promise;
      return RESPONSES(request, reply);
    });
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none], responses: true }
models:
  m: { targets: [{ provider: up, model: m }], cache: { exact: {} } }`);
    const first = post(gateway, { input: "one", stream: true });
    await upstream.waitFor(() => upstream.requests.length === 1);
    const second = post(gateway, { input: "one", stream: true });
    await until(() => gateway.gateway.calls.size === 2);
    gate.resolve();
    const answers = await Promise.all([first, second]);
    expect(answers.map(({ headers }) => headers.get("x-venturi-cache"))).toEqual(["miss", "joined"]);
    const ids = await Promise.all(
      answers.map(async (answer) => /"id":"(resp_\w+)"/.exec(await answer.text())![1]!),
    );
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      const next = await made_of(gateway, { input: `after ${id}`, previous_response_id: id });
      expect(next["previous_response_id"]).toBe(id);
    }
    const inputs = upstream.requests.slice(1).map((one) => (one.json() as { input: unknown[] }).input.length);
    expect(inputs).toEqual([4, 4]);
  });
});
