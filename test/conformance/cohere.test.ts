// Cohere behind the gateway, with OpenAI's client before it: what Cohere is asked, and what the client reads.

import OpenAI from "openai";
import { expect, test } from "vitest";
import { rig, type TestGateway } from "../gateway/harness.ts";

const room = rig();

const usage = {
  billed_units: { input_tokens: 5, output_tokens: 3 },
  tokens: { input_tokens: 500, output_tokens: 4 },
};

const STREAM = [
  { id: "a1", type: "message-start", delta: { message: { role: "assistant" } } },
  { type: "tool-plan-delta", delta: { message: { tool_plan: "I will look." } } },
  {
    ...{ type: "tool-call-start", index: 0 },
    delta: {
      message: { tool_calls: { id: "look_1", type: "function", function: { name: "look", arguments: "" } } },
    },
  },
  {
    type: "tool-call-delta",
    index: 0,
    delta: { message: { tool_calls: { function: { arguments: '{"q"' } } } },
  },
  {
    type: "tool-call-delta",
    index: 0,
    delta: { message: { tool_calls: { function: { arguments: ':"a"}' } } } },
  },
  { type: "tool-call-end", index: 0 },
  { type: "message-end", delta: { finish_reason: "TOOL_CALL", usage } },
];

function clientOf({ port }: TestGateway): OpenAI {
  return new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none", maxRetries: 0 });
}

/** The upstream's address as its own endpoints have it. */
function gatewayFor(base_url: string): TestGateway {
  return room.gateway(`
providers: { co: { kind: cohere, base_url: "${base_url.replace(/\/v1$/, "")}", api_keys: [sk-co] } }
models:
  chat: { targets: [co/command-a-03-2025], retries: { attempts: 0 } }
  embed: { targets: [co/embed-v4.0], retries: { attempts: 0 } }
`);
}

const tools = [
  {
    type: "function",
    function: { name: "look", parameters: { type: "object", required: ["q"] }, strict: true },
  },
] as const;

test("a call of a tool, streamed", async () => {
  const upstream = await room.upstream(async (_, reply) => {
    await reply.head(200, { "content-type": "text/event-stream" });
    for (const event of STREAM) await reply.chunk(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    await reply.chunk("data: [DONE]\n\n");
  });
  const gateway = gatewayFor(upstream.base_url);
  const stream = clientOf(gateway).chat.completions.stream({
    ...{ model: "chat", messages: [{ role: "user", content: "look" }], tool_choice: "required", top_p: 1 },
    tools: [...tools],
    stream_options: { include_usage: true },
  });
  const answer = await stream.finalChatCompletion();
  expect(answer.choices[0]!.message.tool_calls).toMatchObject([
    { id: "look_1", function: { name: "look", arguments: '{"q":"a"}' } },
  ]);
  expect(answer.choices[0]!.finish_reason).toBe("tool_calls");
  expect(answer.choices[0]!.message).toMatchObject({ reasoning_content: "I will look." });
  expect(answer.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 3 });
  const [request] = upstream.requests;
  expect([request!.path, request!.headers.get("authorization")]).toEqual(["/v2/chat", "Bearer sk-co"]);
  expect(request!.json()).toEqual({
    ...{ model: "command-a-03-2025", messages: [{ role: "user", content: "look" }], stream: true },
    ...{ tool_choice: "REQUIRED", strict_tools: true, p: 0.99 },
    tools: [
      { type: "function", function: { name: "look", parameters: { type: "object", required: ["q"] } } },
    ],
  });
});

test("errors keep their status, their words and their code", async () => {
  const upstream = await room.upstream((_, reply) =>
    reply.json(400, { id: "e1", error_type: "TOO_MANY_TOKENS", message: "too many tokens: by 9" }),
  );
  const client = clientOf(gatewayFor(upstream.base_url));
  const asked = client.chat.completions.create({
    model: "chat",
    messages: [{ role: "user", content: "hi" }],
  });
  await expect(asked).rejects.toMatchObject({ status: 400, code: "TOO_MANY_TOKENS" });
  await expect(asked).rejects.toThrow("too many tokens: by 9");
});

test("embeddings, in base64 as OpenAI's client asks for them, and as numbers", async () => {
  const vectors = [
    [0.5, -0.25],
    [1, 0],
  ];
  const upstream = await room.upstream((_, reply) =>
    reply.json(200, {
      ...{ id: "e1", texts: ["a", "b"], embeddings: { float: vectors } },
      meta: { billed_units: { input_tokens: 4 } },
    }),
  );
  const gateway = gatewayFor(upstream.base_url);
  const client = clientOf(gateway);
  const asked = { model: "embed", input: ["a", "b"], dimensions: 2, input_type: "search_query" };
  for (const encoding of [undefined, "float"] as const) {
    const { data, usage: told } = await client.embeddings.create({
      ...asked,
      ...(encoding === undefined ? {} : { encoding_format: encoding }),
    });
    expect(data.map(({ embedding }) => embedding)).toEqual(vectors);
    expect(told.prompt_tokens).toBe(4);
  }
  expect(upstream.requests[0]!.path).toBe("/v2/embed");
  expect(upstream.requests[0]!.json()).toEqual({
    ...{ model: "embed-v4.0", texts: ["a", "b"], embedding_types: ["float"] },
    ...{ input_type: "search_query", output_dimension: 2 },
  });
  await gateway.idle();
  expect(gateway.kept.rows()[0]!.usage).toMatchObject({ input_tokens: 4 });
});

test("its compatible endpoints, where the address is theirs", async () => {
  const upstream = await room.upstream((_, reply) => reply.json(200, { choices: [], usage: {} }));
  const gateway = room.gateway(
    `providers: { co: { kind: cohere, base_url: "http://127.0.0.1:${upstream.port}/compatibility/v1", api_keys: [k] } }`,
  );
  await gateway.chat({ model: "co/m" });
  expect(upstream.requests[0]!.path).toBe("/compatibility/v1/chat/completions");
});
