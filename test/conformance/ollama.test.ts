// Ollama behind the gateway, with OpenAI's client before it: what Ollama is asked, and what the client reads.

import OpenAI from "openai";
import { expect, test } from "vitest";
import { errorOf, rig, type TestGateway } from "../gateway/harness.ts";
import { chatCompletion, type Script } from "../scripted_upstream.ts";

const room = rig();

const head = { model: "qwen3", created_at: "2025-10-26T17:15:24.097767Z" };
const end = { done: true, done_reason: "stop", prompt_eval_count: 11, eval_count: 7 };
const message = (said: object) => ({ role: "assistant", content: "", ...said });

function clientOf({ port }: TestGateway): OpenAI {
  return new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none", maxRetries: 0 });
}

async function start(script: Script, tail = "") {
  const upstream = await room.upstream(script);
  const gateway = room.gateway(
    `providers: { local: { kind: ollama, base_url: "http://127.0.0.1:${upstream.port}${tail}" } }`,
  );
  return { upstream, gateway, client: clientOf(gateway) };
}

const lines =
  (all: readonly object[]): Script =>
  async (_, reply) => {
    await reply.head(200, { "content-type": "application/x-ndjson" });
    for (const line of all) await reply.chunk(`${JSON.stringify(line)}\n`);
  };

const messages = [{ role: "user", content: "hi" }] as const;

test("thoughts, a text and calls, streamed", async () => {
  const { upstream, gateway, client } = await start(
    lines([
      { ...head, message: message({ thinking: "hm" }), done: false },
      { ...head, message: message({ content: "It is" }), done: false },
      { ...head, message: message({ content: " so." }), done: false },
      {
        ...{ ...head, done: false },
        message: message({ tool_calls: [{ function: { name: "look", arguments: { q: "a" } } }] }),
      },
      { ...head, message: message({}), ...end },
    ]),
  );
  const stream = client.chat.completions.stream({
    ...{ model: "local/qwen3", messages: [...messages], max_tokens: 9, reasoning_effort: "low" },
    tools: [{ type: "function", function: { name: "look", parameters: { type: "object" } } }],
    stream_options: { include_usage: true },
  });
  const { choices, usage } = await stream.finalChatCompletion();
  expect(choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: {
      ...{ content: "It is so.", reasoning_content: "hm" },
      tool_calls: [{ function: { name: "look", arguments: '{"q":"a"}' } }],
    },
  });
  expect(usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 7 });
  expect(upstream.requests[0]!.path).toBe("/api/chat");
  expect(upstream.requests[0]!.json()).toEqual({
    ...{ model: "qwen3", messages, stream: true, think: true, options: { num_predict: 9 } },
    tools: [{ type: "function", function: { name: "look", parameters: { type: "object" } } }],
  });
  await gateway.idle();
  expect(gateway.kept.rows()[0]!.usage).toMatchObject({ input_tokens: 11, output_tokens: 7 });
});

test("a whole answer, a schema, a picture", async () => {
  const { upstream, client } = await start((_, reply) =>
    reply.json(200, { ...head, message: message({ content: '{"a":1}' }), ...end }),
  );
  const schema = { type: "object", properties: { a: { type: "integer" } } };
  const { choices } = await client.chat.completions.create({
    model: "local/qwen3",
    messages: [
      { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
    ],
    response_format: { type: "json_schema", json_schema: { name: "a", schema } },
  });
  expect(choices[0]).toMatchObject({ message: { content: '{"a":1}' }, finish_reason: "stop" });
  expect(upstream.requests[0]!.json()).toMatchObject({
    ...{ stream: false, format: schema, messages: [{ role: "user", content: "", images: ["AAAA"] }] },
  });
});

test("errors: with a status, as the first line of a stream, in the middle of one", async () => {
  const refused = await start((_, reply) => reply.json(404, { error: "model 'qwen3' not found" }));
  const asked = refused.client.chat.completions.create({ model: "local/qwen3", messages: [...messages] });
  await expect(asked).rejects.toMatchObject({ status: 404 });
  await expect(asked).rejects.toThrow("model 'qwen3' not found");

  const failing = await start(lines([{ error: "out of memory" }]));
  const first = await failing.gateway.chat({ model: "local/qwen3", stream: true });
  expect(first.status).toBe(502);
  expect(errorOf(await first.text()).message).toContain("out of memory");

  const piece = { ...head, message: message({ content: "a" }), done: false };
  const breaking = await start(lines([piece, { error: "the runner stopped" }]));
  const later = await breaking.gateway.chat({ model: "local/qwen3", stream: true });
  expect(later.status).toBe(200);
  const text = await later.text();
  expect(text).toContain('"content":"a"');
  expect(text).toContain("the runner stopped");
  expect(text).not.toContain("[DONE]");
});

test("a stream that is cut does not end well", async () => {
  const { gateway } = await start(lines([{ ...head, message: message({ content: "a" }), done: false }]));
  const response = await gateway.chat({ model: "local/qwen3", stream: true });
  const text = await response.text();
  expect(text).toContain("event: error");
  expect(text).not.toContain('"finish_reason":"stop"');
});

test("embeddings and legacy completions go to its compatible endpoints; all does where the address is theirs", async () => {
  const script: Script = (request, reply) =>
    reply.json(
      200,
      request.path.endsWith("embeddings") ? { object: "list", data: [] } : chatCompletion("hi"),
    );
  const post = (gateway: TestGateway, path: string, body: object) =>
    gateway.fetch(path, { method: "POST", body: JSON.stringify({ model: "local/m", ...body }) });
  const own = await start(script, "/api");
  await post(own.gateway, "/v1/embeddings", { input: "a" });
  await post(own.gateway, "/v1/completions", { prompt: "a" });
  expect(own.upstream.requests.map(({ path }) => path)).toEqual(["/v1/embeddings", "/v1/completions"]);
  const compatible = await start(script, "/v1");
  await post(compatible.gateway, "/v1/embeddings", { input: "a" });
  await compatible.gateway.chat({ model: "local/m" });
  expect(compatible.upstream.requests.map(({ path }) => path)).toEqual([
    ...["/v1/embeddings", "/v1/chat/completions"],
  ]);
});

test("what is passed on to it goes by its own paths, of either kind", async () => {
  const { upstream, gateway } = await start((_, reply) => reply.json(200, { models: [] }));
  for (const path of ["/local/api/tags", "/local/v1/models"]) await gateway.fetch(path);
  expect(upstream.requests.map(({ path }) => path)).toEqual(["/api/tags", "/v1/models"]);
});
