// What is asked of Converse, for models of different makers.

import { expect, test } from "vitest";
import { JSON_TOOL } from "../../../src/dialects/anthropic/json_tool.ts";
import { BEDROCK } from "../../../src/dialects/bedrock/format.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import type { Message, Part } from "../../../src/dialects/neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { CHAT } from "../../../src/dialects/openai/chat/format.ts";
import { GatewayError } from "../../../src/errors.ts";

const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const OLD_CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0";
const NOVA = "us.amazon.nova-2-lite-v1:0";
const LLAMA = "meta.llama3-1-70b-instruct-v1:0";

/** A body, as far as it is looked into. */
interface Asked {
  readonly system: unknown;
  readonly messages: { readonly content: { readonly toolUse: { readonly toolUseId: string } }[] }[];
  readonly inferenceConfig: unknown;
  readonly additionalModelRequestFields: unknown;
  readonly requestMetadata: unknown;
  readonly serviceTier: unknown;
  readonly toolConfig: {
    readonly tools: readonly { readonly toolSpec: { readonly name: string } }[];
    readonly toolChoice: unknown;
  };
  readonly outputConfig: {
    readonly textFormat: { readonly type: string; readonly structure: { jsonSchema: { schema: string } } };
  };
}

function written(model: string, asked: Partial<ChatRequest>, policy: "default" | "drop" = "drop") {
  const losses = new Losses(policy, `bedrock/${model}`);
  const request = { ...EMPTY_REQUEST, model, ...asked };
  const body = BEDROCK.writeRequest(request, { model, provider_kind: "bedrock" }, losses);
  const json = JSON.stringify(body);
  return { body: JSON.parse(json) as Asked, json, losses };
}

/** The request of a chat client. */
function chat(model: string, body: Record<string, unknown>, policy: "default" | "drop" = "drop") {
  const request = CHAT.readRequest({ messages: [user("hi")], ...body }, { model, stream: false });
  if (request instanceof GatewayError) throw new Error(request.message);
  return written(model, request, policy);
}

const user = (content: unknown) => ({ role: "user", content });
const said = (...parts: readonly Part[]): Message => ({ role: "user", parts });
const answered = (...parts: readonly Part[]): Message => ({ role: "assistant", parts });
const text = (words: string): Part => ({ kind: "text", text: words });
const FUNCTION = {
  type: "function",
  function: {
    name: "f",
    description: "d",
    parameters: { type: "object", properties: { a: { type: "string" } } },
  },
};
const SCHEMA = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    schema: { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
  },
};

test("a conversation with system prompts, sampling and stops", () => {
  const { body, losses } = chat(OLD_CLAUDE, {
    messages: [
      { role: "system", content: "Be kind." },
      { role: "developer", content: "Be brief." },
      user("Hello"),
      user([{ type: "text", text: "again" }]),
      { role: "assistant", content: "Hi" },
      user("Bye"),
    ],
    ...{ max_tokens: 50, temperature: 0.5, top_p: 0.9, stop: ["END", "\n"] },
  });
  expect(body).toEqual({
    system: [{ text: "Be kind." }, { text: "Be brief." }],
    messages: [
      { role: "user", content: [{ text: "Hello" }, { text: "again" }] },
      { role: "assistant", content: [{ text: "Hi" }] },
      { role: "user", content: [{ text: "Bye" }] },
    ],
    inferenceConfig: { maxTokens: 50, temperature: 0.5, topP: 0.9, stopSequences: ["END"] },
  });
  expect(losses.dropped).toEqual(["stop"]);
});

test("images, films and documents are bytes, or lie in S3", () => {
  const pdf = { kind: "base64", media_type: "application/pdf", data: "AAEC" } as const;
  const { body } = written(CLAUDE, {
    messages: [
      said(
        { kind: "image", source: { kind: "base64", media_type: "image/jpeg", data: "AAEC" } },
        { kind: "image", source: { kind: "url", url: "data:image/png;base64,AAED" } },
        { kind: "video", source: { kind: "url", url: "s3://bucket/film.mp4" } },
        { kind: "audio", source: { kind: "base64", media_type: "audio/wav", data: "AAEE" } },
        { kind: "file", name: "Q3: report_v1.final.pdf", source: pdf },
        { kind: "file", name: "Q3: report_v1.final.pdf", source: pdf, citations: true },
        { kind: "file", source: { kind: "text", text: "plain" } },
        { kind: "file", name: "a.md", source: { kind: "base64", media_type: "text/plain", data: "AAEF" } },
      ),
    ],
  });
  expect(body.messages[0]!.content).toEqual([
    { image: { format: "jpeg", source: { bytes: "AAEC" } } },
    { image: { format: "png", source: { bytes: "AAED" } } },
    { video: { format: "mp4", source: { s3Location: { uri: "s3://bucket/film.mp4" } } } },
    { audio: { format: "wav", source: { bytes: "AAEE" } } },
    { document: { format: "pdf", name: "Q3 report v1 final", source: { bytes: "AAEC" } } },
    {
      document: {
        ...{ format: "pdf", name: "Q3 report v1 final 2", source: { bytes: "AAEC" } },
        citations: { enabled: true },
      },
    },
    { document: { format: "txt", name: "document", source: { bytes: "cGxhaW4=" } } },
    { document: { format: "md", name: "a", source: { bytes: "AAEF" } } },
    // A document needs a text beside it.
    { text: "." },
  ]);
});

test("what has no form there refuses the call", () => {
  const tiff = { kind: "base64", media_type: "image/tiff", data: "AAEC" } as const;
  const { losses } = written(CLAUDE, { messages: [said({ kind: "image", source: tiff })] }, "default");
  expect(losses.error!.param).toBe("messages.content.image");
});

test("calls and results, with images and errors, in one turn", () => {
  const png = { kind: "base64", media_type: "image/png", data: "AAEC" } as const;
  const { body, json } = written(CLAUDE, {
    messages: [
      said(text("go")),
      answered(
        text("ok"),
        { kind: "tool_call", id: "call.1", name: "f", arguments: '{"n":12345678901234567890}' },
        { kind: "tool_call", id: "x".repeat(90), name: "g", arguments: "" },
      ),
      {
        role: "tool",
        parts: [
          {
            ...{ kind: "tool_result", call_id: "call.1", is_error: false },
            content: [text("r"), { kind: "image", source: png }],
          },
        ],
      },
      {
        role: "tool",
        parts: [{ kind: "tool_result", call_id: "x".repeat(90), is_error: true, content: [text("no")] }],
      },
      said(text("and?")),
    ],
    tools: [{ kind: "function", name: "f" }],
  });
  const [, assistant, results] = body.messages;
  const long = assistant!.content[2]!.toolUse.toolUseId;
  expect(long).toMatch(/^call_[0-9a-f]{40}$/);
  expect(json).toContain('{"toolUseId":"call_1","name":"f","input":{"n":12345678901234567890}}');
  expect(results!.content).toEqual([
    {
      toolResult: {
        toolUseId: "call_1",
        content: [{ text: "r" }, { image: { format: "png", source: { bytes: "AAEC" } } }],
      },
    },
    { toolResult: { toolUseId: long, content: [{ text: "no" }], status: "error" } },
    { text: "and?" },
  ]);
});

test("every form of the choice among tools", () => {
  const choose = (model: string, tool_choice: unknown, more = {}) =>
    chat(model, { tools: [FUNCTION], tool_choice, ...more }).body.toolConfig;
  const tools = [
    { toolSpec: { name: "f", description: "d", inputSchema: { json: FUNCTION.function.parameters } } },
  ];
  expect(choose(NOVA, undefined)).toEqual({ tools });
  expect(choose(NOVA, "auto")).toEqual({ tools, toolChoice: { auto: {} } });
  expect(choose(NOVA, "required")).toEqual({ tools, toolChoice: { any: {} } });
  expect(choose(NOVA, { type: "function", function: { name: "f" } })).toEqual({
    tools,
    toolChoice: { tool: { name: "f" } },
  });
  expect(choose(NOVA, "none")).toBeUndefined();
  const { losses } = chat(LLAMA, { tools: [FUNCTION], tool_choice: "required" }, "default");
  expect(losses.error!.param).toBe("tool_choice");
});

test("tools that were called are defined, even where none is any more", () => {
  const { body } = written(NOVA, {
    messages: [
      said(text("go")),
      answered({ kind: "tool_call", id: "1", name: "f", arguments: "{}" }),
      { role: "tool", parts: [{ kind: "tool_result", call_id: "1", is_error: false, content: [] }] },
    ],
  });
  expect(body.toolConfig.tools).toEqual([
    { toolSpec: { name: "f", inputSchema: { json: { type: "object", properties: {} } } } },
  ]);
});

test("a schema is the provider's own where the model knows it, else a tool", () => {
  const claude = chat(CLAUDE, { response_format: SCHEMA }).body;
  const { type, structure } = claude.outputConfig.textFormat;
  expect(type).toBe("json_schema");
  expect(JSON.parse(structure.jsonSchema.schema)).toEqual({
    ...SCHEMA.json_schema.schema,
    additionalProperties: false,
  });
  for (const model of [OLD_CLAUDE, NOVA]) {
    const { toolConfig } = chat(model, { response_format: SCHEMA }).body;
    expect(toolConfig.tools[0]!.toolSpec.name).toBe(JSON_TOOL);
    expect(toolConfig.toolChoice).toEqual({ tool: { name: JSON_TOOL } });
    const beside = chat(model, { response_format: SCHEMA, tools: [FUNCTION] }).body.toolConfig;
    expect(beside.tools.length).toBe(2);
    expect(beside.toolChoice).toEqual({ any: {} });
  }
  expect(chat(LLAMA, { response_format: SCHEMA }, "default").losses.error!.param).toBe("response_format");
});

test("how hard to think, as each maker wants it told", () => {
  const asked = (model: string, effort: string, more = {}) =>
    chat(model, { reasoning_effort: effort, ...more });
  expect(asked(CLAUDE, "low", { max_tokens: 8000 }).body).toMatchObject({
    additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 2048 } },
    inferenceConfig: { maxTokens: 8000 },
  });
  const nova = asked(NOVA, "medium", { temperature: 0.2 }).body;
  expect(nova.additionalModelRequestFields).toEqual({
    reasoningConfig: { type: "enabled", maxReasoningEffort: "medium" },
  });
  const hard = asked(NOVA, "high", { max_tokens: 10, temperature: 0.2 });
  expect(hard.body.inferenceConfig).toBeUndefined();
  expect(hard.losses.dropped).toEqual(["max_tokens", "temperature"]);
  expect(asked("openai.gpt-oss-120b-1:0", "low").body.additionalModelRequestFields).toEqual({
    reasoning_effort: "low",
  });
  expect(asked(NOVA, "none").body.additionalModelRequestFields).toBeUndefined();
  expect(asked(LLAMA, "low").losses.dropped).toEqual(["reasoning"]);
});

test("thoughts go back to who had them", () => {
  const thought = (part: Partial<Extract<Part, { kind: "thinking" }>>): Part => ({
    kind: "thinking",
    text: "",
    ...part,
  });
  const { body, losses } = written(CLAUDE, {
    messages: [
      said(text("hi")),
      answered(
        thought({ text: "hm", signature: { format: "messages", value: "sig" } }),
        thought({ encrypted: { format: "bedrock", value: "AAEC" } }),
        thought({ text: "unsigned" }),
        thought({ text: "other", signature: { format: "gemini", value: "x" } }),
        text("so"),
      ),
      said(text("on")),
    ],
  });
  expect(body.messages[1]!.content).toEqual([
    { reasoningContent: { reasoningText: { text: "hm", signature: "sig" } } },
    { reasoningContent: { redactedContent: "AAEC" } },
    { text: "so" },
  ]);
  expect(losses.dropped).toEqual(["messages.reasoning"]);
});

test("top_k, by maker", () => {
  const asked = (model: string) => written(model, { messages: [said(text("hi"))], top_k: 5 });
  const fields = (model: string) => asked(model).body.additionalModelRequestFields;
  expect(fields(OLD_CLAUDE)).toEqual({ top_k: 5 });
  expect(fields(NOVA)).toEqual({ inferenceConfig: { topK: 5 } });
  expect(fields("cohere.command-r-v1:0")).toEqual({ k: 5 });
  expect(fields("mistral.mistral-large-2402-v1:0")).toEqual({ top_k: 5 });
  expect(asked(LLAMA).losses.dropped).toEqual(["top_k"]);
});

test("marks of the prompt cache are blocks of their own", () => {
  const cache = { ttl: "1h" } as const;
  const asked = (model: string) =>
    written(model, {
      messages: [
        { role: "system", parts: [{ kind: "text", text: "long", cache }] },
        said({ kind: "text", text: "hi", cache: { ttl: null } }),
      ],
      tools: [{ kind: "function", name: "f", cache }],
    });
  const { body } = asked(CLAUDE);
  expect(body.system).toEqual([{ text: "long" }, { cachePoint: { type: "default", ttl: "1h" } }]);
  expect(body.messages[0]!.content).toEqual([{ text: "hi" }, { cachePoint: { type: "default" } }]);
  expect(body.toolConfig.tools[1]).toEqual({ cachePoint: { type: "default", ttl: "1h" } });
  expect(asked(LLAMA).losses.dropped).toEqual(["cache_control"]);
});

test("what is Converse's alone may stand in any client's request", () => {
  const own = {
    guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" },
    performanceConfig: { latency: "optimized" },
    additionalModelRequestFields: { anthropic_beta: ["x"] },
  };
  const { body, losses } = chat(CLAUDE, { ...own, service_tier: "flex", metadata: { team: "a b" } });
  expect(body).toMatchObject(own);
  expect(body.serviceTier).toEqual({ type: "flex" });
  expect(body.requestMetadata).toEqual({ team: "a b" });
  expect(losses.dropped).toEqual([]);
});

test("what there are no words for is told", () => {
  const { losses } = chat(CLAUDE, {
    ...{ n: 2, logprobs: true, logit_bias: { 5: 1 }, seed: 1, user: "u", frequency_penalty: 1 },
  });
  expect(losses.dropped).toEqual(["n", "logprobs", "logit_bias", "frequency_penalty", "seed", "user"]);
});

test("the first turn is the user's, and the beginning of an answer ends without white space", () => {
  const { body } = written(CLAUDE, { messages: [answered(text("It is  "))] });
  expect(body.messages).toEqual([
    { role: "user", content: [{ text: "." }] },
    { role: "assistant", content: [{ text: "It is" }] },
  ]);
  const alone = written(CLAUDE, { messages: [{ role: "system", parts: [text("Greet.")] }] });
  expect(alone.body).toMatchObject({ messages: [{ role: "user", content: [{ text: "Greet." }] }] });
});

test("Nova searches and computes by itself", () => {
  const { body } = written(NOVA, {
    messages: [said(text("hi"))],
    tools: [{ kind: "web_search" }, { kind: "code" }],
  });
  expect(body.toolConfig.tools).toEqual([
    { systemTool: { name: "nova_grounding" } },
    { systemTool: { name: "nova_code_interpreter" } },
  ]);
});
