// Everything that the simulator answers is what OpenAI's description says, plain and streamed, errors included.
// The cases are a table: a new option of the simulator is a new line here.

import { describe, expect, test } from "vitest";
import { ask, eventData } from "../upstream/sim_ask.ts";
import { OPENAPI_MISSING, validateAnswer, validateChunk, validateError, validateSchema } from "./openapi.ts";

const CHAT = "/v1/chat/completions";
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: [{ type: "text", text: "Hello, big wörld 👋🏽!" }] },
];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
  { type: "function", function: { name: "no_parameters" } },
  { type: "custom", custom: { name: "free_text" } },
];
const schema = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
const call = {
  id: "call_1",
  type: "function",
  function: { name: "get_weather", arguments: '{"city":"Ulm"}' },
};

/** Chat requests; each is asked plain, as a stream, and as a stream with usage. */
const CHATS: readonly (readonly [name: string, body: Record<string, unknown>])[] = [
  ["slow", { model: "slow", messages, max_tokens: 2 }],
  ...["echo", "lorem", "tool"].flatMap((model) =>
    (
      [
        ["alone", {}],
        ["max_tokens", { max_tokens: 2 }],
        ["max_completion_tokens", { max_completion_tokens: 1 }],
        ["a stop sequence", { stop: " big", max_tokens: 3 }],
        ["three choices", { n: 3, max_tokens: 2 }],
        ["tools", { tools, max_tokens: 40 }],
        ["json_object", { response_format: { type: "json_object" }, max_tokens: 12 }],
        [
          "json_schema",
          { response_format: { type: "json_schema", json_schema: { name: "person", schema } } },
        ],
      ] as const
    ).map(
      ([name, fields]) => [`${model} with ${name}`, { model, messages, max_tokens: 8, ...fields }] as const,
    ),
  ),
  ["tool with a tool named", { model: "tool", messages, tools, tool_choice: tools[1] }],
  [
    "tool with a custom tool",
    { model: "tool", messages, tools, tool_choice: { type: "custom", custom: { name: "free_text" } } },
  ],
  [
    "tool without parallel calls",
    { model: "tool", messages, tools, tool_choice: "required", parallel_tool_calls: false },
  ],
  [
    "tool after a result",
    {
      model: "tool",
      tools,
      messages: [
        ...messages,
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "call_1", content: "9 °C" },
      ],
    },
  ],
  ["echo of an empty message", { model: "echo", messages: [{ role: "user", content: "" }] }],
];

const LEGACY: readonly Record<string, unknown>[] = [
  { model: "echo", prompt: "Once upon a time" },
  { model: "echo", prompt: ["one", "two words"], n: 2, echo: true },
  { model: "lorem", prompt: [1, 2, 3], max_tokens: 4 },
  { model: "tool", prompt: [[1, 2], [3]], stop: [" 2"] },
  { model: "slow", prompt: "x", max_tokens: 2 },
  { model: "echo", prompt: "", max_tokens: 0 },
];

const ERRORS: readonly (readonly [path: string, body: unknown, status: number])[] = [
  [CHAT, { model: "error-429", messages }, 429],
  [CHAT, { model: "error-500", messages }, 500],
  [CHAT, { model: "unheard-of", messages }, 404],
  [CHAT, { model: "echo" }, 400],
  [CHAT, { messages }, 400],
  [CHAT, "{", 400],
  ["/v1/unheard-of", {}, 404],
  ["/v1/models/unheard-of", null, 404],
];

describe.skipIf(OPENAPI_MISSING !== null)(
  OPENAPI_MISSING ?? "the simulator answers as OpenAI describes",
  () => {
    test.each(CHATS)("chat: %s", async (_name, body) => {
      const plain = await ask(CHAT, body);
      expect(plain.status).toBe(200);
      expect(validateAnswer("POST", CHAT, 200, JSON.parse(plain.text))).toEqual([]);
      for (const stream_options of [undefined, { include_usage: true }]) {
        const streamed = await ask(CHAT, { ...body, stream: true, stream_options });
        const data = eventData(streamed.text);
        expect(data.pop()).toBe("[DONE]");
        for (const chunk of data) expect(validateChunk(CHAT, JSON.parse(chunk))).toEqual([]);
      }
    });

    test.each(LEGACY)("completions: %j", async (body) => {
      const plain = await ask("/v1/completions", body);
      expect(validateAnswer("POST", "/v1/completions", plain.status, JSON.parse(plain.text))).toEqual([]);
      const streamed = await ask("/v1/completions", {
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      });
      const data = eventData(streamed.text);
      expect(data.pop()).toBe("[DONE]");
      for (const chunk of data) expect(validateChunk("/v1/completions", JSON.parse(chunk))).toEqual([]);
    });

    test.each(["text", ["one", "two"], [1, 2], [[1], [2, 3]]].map((input) => ({ input })))(
      "embeddings: %j",
      async ({ input }) => {
        const told = await ask("/v1/embeddings", { model: "echo", input });
        expect(validateAnswer("POST", "/v1/embeddings", told.status, JSON.parse(told.text))).toEqual([]);
      },
    );

    test.each([
      { input: "text" },
      { input: ["one", "two"] },
      {
        input: [
          { type: "text", text: "x" },
          { type: "image_url", image_url: { url: "https://example.com/i.png" } },
        ],
      },
    ])("moderations: %j", async (body) => {
      const told = await ask("/v1/moderations", body);
      expect(validateAnswer("POST", "/v1/moderations", told.status, JSON.parse(told.text))).toEqual([]);
    });

    test("models, all and each", async () => {
      const all = JSON.parse((await ask("/v1/models", null)).text);
      expect(validateAnswer("GET", "/v1/models", 200, all)).toEqual([]);
      for (const { id } of all.data) {
        const one = await ask(`/v1/models/${id}`, null);
        expect(validateAnswer("GET", `/v1/models/${id}`, one.status, JSON.parse(one.text))).toEqual([]);
      }
    });

    test.each(ERRORS)("errors: %s %j is %d", async (path, body, status) => {
      const told = await ask(path, body);
      expect(told.status).toBe(status);
      expect(validateError(JSON.parse(told.text))).toEqual([]);
    });
  },
);

describe.skipIf(OPENAPI_MISSING !== null)(OPENAPI_MISSING ?? "the validator finds what is wrong", () => {
  const body = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await ask(CHAT, { model: "echo", messages })).text);

  test("in answers", async () => {
    expect(validateAnswer("POST", CHAT, 200, { ...(await body()), object: "chat" })).not.toEqual([]);
    expect(validateAnswer("POST", CHAT, 200, { ...(await body()), choices: [{}] })).not.toEqual([]);
    expect(validateAnswer("POST", CHAT, 200, { ...(await body()), created: 1.5 })).not.toEqual([]);
    expect(validateAnswer("POST", "/v1/unheard-of", 200, {})).not.toEqual([]);
  });

  test("in chunks", async () => {
    expect(validateChunk(CHAT, await body())).not.toEqual([]);
    expect(validateChunk("/v1/completions", await body())).not.toEqual([]);
    expect(validateChunk("/v1/responses", { type: "unheard-of" })).not.toEqual([]);
  });

  test("in errors", () => {
    expect(validateError({ error: "x" })).not.toEqual([]);
    expect(validateError({ error: { message: "x", type: "y", param: null } })).not.toEqual([]);
  });

  test("and lets null through where OpenAPI 3.0 called it nullable", () => {
    const chunk = { id: "x", object: "chat.completion.chunk", created: 1, model: "m", usage: null };
    const choices = [{ index: 0, delta: {}, finish_reason: null, logprobs: null }];
    expect(validateSchema("CreateChatCompletionStreamResponse", { ...chunk, choices })).toEqual([]);
    expect(
      validateSchema("CreateChatCompletionStreamResponse", { ...chunk, choices, model: null }),
    ).not.toEqual([]);
  });
});
