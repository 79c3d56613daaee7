// Requests of Responses: what is wrong with one is told, and what is asked in other formats is asked here as well as it can be.

import { describe, expect, test } from "vitest";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../src/dialects/neutral/request.ts";
import { RESPONSES } from "../../../src/dialects/responses/format.ts";
import { GatewayError } from "../../../src/errors.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { requestOf } from "./context.ts";

type Fields = Record<string, unknown>;

const PLACE = { model: null, stream: false };

function refusal(body: Fields): GatewayError {
  const read = RESPONSES.readRequest(body, PLACE);
  if (!(read instanceof GatewayError)) throw new Error("it was read");
  return read;
}

/** A request of another format. */
function asked(request: Partial<ChatRequest>): ChatRequest {
  return {
    ...EMPTY_REQUEST,
    model: "m",
    messages: [{ role: "user", parts: [{ kind: "text", text: "x" }] }],
    ...request,
  };
}

function written(request: ChatRequest, model = "gpt-5", losses = new Losses("default", "p/m")): Fields {
  const body = RESPONSES.writeRequest(request, { model, provider_kind: "openai" }, losses);
  return JSON.parse(JSON.stringify(body)) as Fields;
}

describe("a request that is not right", () => {
  test.each<[Fields, string, string]>([
    [{ input: "x" }, "missing_required_parameter", "model"],
    [{ model: 1, input: "x" }, "invalid_type", "model"],
    [{ model: "m" }, "missing_required_parameter", "input"],
    [{ model: "m", input: 1 }, "invalid_type", "input"],
    [{ model: "m", input: ["x"] }, "invalid_type", "input[0]"],
    [{ model: "m", input: [{ role: "robot", content: "x" }] }, "invalid_value", "input[0].role"],
    [
      { model: "m", input: [{ type: "message", content: "x" }] },
      "missing_required_parameter",
      "input[0].role",
    ],
    [{ model: "m", input: [{ role: "user", content: 1 }] }, "invalid_type", "input[0].content"],
    [{ model: "m", input: [{ role: "user" }] }, "missing_required_parameter", "input[0].content"],
    [
      { model: "m", input: [{ role: "user", content: [{ text: "x" }] }] },
      "missing_required_parameter",
      "input[0].content[0].type",
    ],
    [
      { model: "m", input: [{ role: "user", content: [{ type: "input_text" }] }] },
      "missing_required_parameter",
      "input[0].content[0].text",
    ],
    [
      { model: "m", input: [{ role: "user", content: [{ type: "input_image" }] }] },
      "missing_required_parameter",
      "input[0].content[0].image_url",
    ],
    [
      { model: "m", input: [{ type: "function_call", call_id: "c", arguments: "" }] },
      "missing_required_parameter",
      "input[0].name",
    ],
    [
      { model: "m", input: [{ type: "function_call_output", output: "" }] },
      "missing_required_parameter",
      "input[0].call_id",
    ],
    [
      { model: "m", input: [{ type: "function_call_output", call_id: "c" }] },
      "missing_required_parameter",
      "input[0].output",
    ],
    [{ model: "m", input: "x", stream: "yes" }, "invalid_type", "stream"],
    [{ model: "m", input: "x", temperature: "hot" }, "invalid_type", "temperature"],
    [{ model: "m", input: "x", tools: {} }, "invalid_type", "tools"],
    [{ model: "m", input: "x", tools: [1] }, "invalid_type", "tools[0]"],
    [
      { model: "m", input: "x", tools: [{ type: "function" }] },
      "missing_required_parameter",
      "tools[0].name",
    ],
    [{ model: "m", input: "x", tool_choice: "any" }, "invalid_value", "tool_choice"],
    [{ model: "m", input: "x", tool_choice: 1 }, "invalid_type", "tool_choice"],
    [{ model: "m", input: "x", text: { format: { type: "xml" } } }, "invalid_value", "text.format.type"],
    [
      { model: "m", input: "x", text: { format: { type: "json_schema", name: "n" } } },
      "missing_required_parameter",
      "text.format.schema",
    ],
    [{ model: "m", input: "x", reasoning: "much" }, "invalid_type", "reasoning"],
    [{ model: "m", input: "x", metadata: { a: 1 } }, "invalid_type", "metadata.a"],
    [{ model: "m", input: "x", instructions: ["x"] }, "invalid_type", "instructions"],
  ])("%j is refused", (body, code, param) => {
    expect(refusal(body)).toMatchObject({ code, param });
  });

  test("may leave its input to a prompt or a conversation", () => {
    for (const other of [{ prompt: { id: "p" } }, { conversation: "c" }, { previous_response_id: "r" }])
      expect(requestOf({ model: "m", ...other }).messages).toEqual([]);
  });

  test("of any shape never throws", () => {
    const values = [
      null,
      0,
      "",
      "x",
      [],
      {},
      [null],
      [[]],
      [{}],
      [{ type: "message" }],
      [{ type: "reasoning" }],
      [{ role: "assistant", content: [{}] }],
    ];
    for (const name of [
      "model",
      "input",
      "tools",
      "tool_choice",
      "text",
      "reasoning",
      "metadata",
      "include",
      "instructions",
      "stream",
    ])
      for (const value of values) RESPONSES.readRequest({ model: "m", input: "x", [name]: value }, PLACE);
  });
});

describe("a request", () => {
  test("has numbers that came with more digits than they need", () => {
    const body = parseExact(
      Buffer.from('{"model":"m","input":"1234567890123456","temperature":1.0,"max_output_tokens":5e1}'),
    );
    expect(requestOf(body as Fields)).toMatchObject({ temperature: 1, max_tokens: 50 });
  });

  test("has a turn of the model's as one message, and each result as its own", () => {
    const { messages } = requestOf({
      model: "m",
      instructions: "Be kind.",
      input: [
        { role: "user", content: "Hi" },
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAA" },
        { role: "assistant", content: [{ type: "output_text", text: "Let me see." }] },
        { type: "function_call", call_id: "a", name: "f", arguments: "{}" },
        { type: "custom_tool_call", call_id: "b", name: "sh", input: "ls" },
        {
          type: "function_call_output",
          call_id: "a",
          output: [{ type: "input_image", image_url: "data:image/png;base64,aGk=" }],
        },
        { type: "custom_tool_call_output", call_id: "b", output: "no", status: "incomplete" },
        { role: "assistant", content: "There." },
      ],
    });
    expect(messages.map(({ role, parts }) => [role, ...parts.map(({ kind }) => kind)])).toEqual([
      ["system", "text"],
      ["user", "text"],
      ["assistant", "thinking", "text", "tool_call", "tool_call"],
      ["tool", "tool_result"],
      ["tool", "tool_result"],
      ["assistant", "text"],
    ]);
    expect(messages[3]!.parts[0]).toMatchObject({
      ...{ name: "f", call_id: "a", is_error: false },
      content: [{ kind: "image", source: { kind: "base64", media_type: "image/png", data: "aGk=" } }],
    });
    expect(messages[4]!.parts[0]).toMatchObject({ name: "sh", is_error: true, is_custom: true });
  });

  test.each([
    ["none", { kind: "none" }],
    [
      { type: "function", name: "f" },
      { kind: "tool", name: "f" },
    ],
    [
      { type: "custom", name: "sh" },
      { kind: "tool", name: "sh", is_custom: true },
    ],
    [{ type: "web_search_preview" }, { kind: "tool", name: "web_search_preview" }],
    [
      { type: "mcp", server_label: "s" },
      { kind: "tool", name: "s" },
    ],
    [
      {
        type: "allowed_tools",
        mode: "required",
        tools: [
          { type: "function", name: "f" },
          { type: "custom", name: "sh" },
        ],
      },
      { kind: "allowed", mode: "required", names: ["f", "sh"] },
    ],
  ])("with the choice %j", (tool_choice, expected) => {
    expect(requestOf({ model: "m", input: "x", tool_choice }).tool_choice).toEqual(expected);
  });

  test("says nothing to other formats by what they do not need", () => {
    const { own } = requestOf({
      ...{
        model: "m",
        input: "x",
        store: false,
        include: ["reasoning.encrypted_content"],
        safety_identifier: "s",
      },
      ...{
        truncation: "disabled",
        background: false,
        stream_options: {},
        max_tool_calls: null,
        conversation: null,
      },
      ...{
        max_output_tokens: null,
        text: { format: { type: "text" } },
        reasoning: null,
        tool_choice: "auto",
      },
    });
    expect(own!.fields).toEqual({});
    const asks = { truncation: "auto", background: true, max_tool_calls: 3, prompt: { id: "p" } };
    expect(requestOf({ model: "m", input: "x", ...asks }).own!.fields).toEqual(asks);
  });

  test("asks for log probabilities by the number of alternatives, or by including them", () => {
    const of = (more: Fields) => requestOf({ model: "m", input: "x", ...more }).logprobs;
    expect(of({})).toBe(null);
    expect(of({ top_logprobs: 3 })).toEqual({ top: 3 });
    expect(of({ include: ["message.output_text.logprobs"] })).toEqual({ top: 0 });
  });
});

describe("a request of another format", () => {
  test("is asked without storing it, with what the next turn needs", () => {
    expect(written(asked({ stream: true, max_tokens: 3, logprobs: { top: 2 }, user: "u" }))).toEqual({
      ...{ model: "gpt-5", input: [{ role: "user", content: "x" }], stream: true, store: false, user: "u" },
      ...{ include: ["reasoning.encrypted_content", "message.output_text.logprobs"], top_logprobs: 2 },
      max_output_tokens: 16,
    });
  });

  test("has its tools as strict as they are there, where silence means that they are not", () => {
    const { tools, tool_choice } = written(
      asked({
        tools: [
          { kind: "function", name: "f" },
          { kind: "function", name: "g", strict: true, parameters: { type: "object" }, description: "d" },
          { kind: "custom", name: "sh", grammar: { syntax: "regex", definition: "a+" } },
          { kind: "web_search" },
          { kind: "code" },
        ],
        tool_choice: { kind: "allowed", mode: "auto", names: ["f", "sh", "web_search"] },
      }),
    );
    expect(tools).toEqual([
      { type: "function", name: "f", parameters: { type: "object", properties: {} }, strict: false },
      { type: "function", name: "g", description: "d", parameters: { type: "object" }, strict: true },
      { type: "custom", name: "sh", format: { type: "grammar", syntax: "regex", definition: "a+" } },
      { type: "web_search" },
      { type: "code_interpreter", container: { type: "auto" } },
    ]);
    expect(tool_choice).toEqual({
      ...{ type: "allowed_tools", mode: "auto" },
      tools: [{ type: "function", name: "f" }, { type: "custom", name: "sh" }, { type: "web_search" }],
    });
  });

  test("has its conversation as items", () => {
    const { input } = written(
      asked({
        messages: [
          { role: "system", parts: [{ kind: "text", text: "Be kind." }] },
          {
            role: "user",
            parts: [
              { kind: "text", text: "What is it?" },
              { kind: "file", source: { kind: "text", text: "hi" }, name: "a.txt" },
            ],
          },
          {
            role: "assistant",
            parts: [
              { kind: "thinking", text: "Hm.", id: "rs_1", signature: { format: "responses", value: "gAA" } },
              { kind: "text", text: "I look." },
              { kind: "tool_call", id: "a", name: "f", arguments: "{}" },
            ],
          },
          {
            role: "user",
            parts: [
              { kind: "tool_result", call_id: "a", content: [{ kind: "text", text: "1" }], is_error: true },
              { kind: "text", text: "So?" },
            ],
          },
        ],
      }),
    );
    expect(input).toEqual([
      { role: "system", content: "Be kind." },
      {
        role: "user",
        content: [
          { type: "input_text", text: "What is it?" },
          { type: "input_file", filename: "a.txt", file_data: "data:text/plain;base64,aGk=" },
        ],
      },
      {
        id: "rs_1",
        type: "reasoning",
        summary: [{ type: "summary_text", text: "Hm." }],
        encrypted_content: "gAA",
      },
      { role: "assistant", content: "I look." },
      { type: "function_call", arguments: "{}", call_id: "a", name: "f" },
      { type: "function_call_output", call_id: "a", output: "1", status: "incomplete" },
      { role: "user", content: "So?" },
    ]);
  });

  test("does not send back thoughts, or ids, that its provider does not know", () => {
    const losses = new Losses("default", "p/m");
    const { output } = RESPONSES.writeAnswer(
      {
        ...{ id: "msg_1", model: "claude", created_s: 5, usage: null },
        choices: [
          {
            ...{ index: 0, finish: { reason: "stop" } },
            parts: [
              { kind: "thinking", text: "Hm.", signature: { format: "messages", value: "sig" } },
              { kind: "thinking", text: "Well." },
              { kind: "text", text: "Yes." },
              { kind: "tool_call", id: "a", name: "f", arguments: "{}" },
            ],
          },
        ],
      },
      { call_id: "c1", model: "m", now_s: 9, request: asked({}) },
    );
    const next = requestOf({ model: "m", input: output });
    expect(next.messages[0]!.parts[0]).toMatchObject({
      text: "Hm.",
      signature: { format: "messages", value: "sig" },
    });
    expect(written(next, "gpt-5", losses)["input"]).toEqual([
      { role: "assistant", content: "Yes." },
      { type: "function_call", arguments: "{}", call_id: "a", name: "f" },
    ]);
    expect([losses.error, losses.dropped]).toEqual([null, ["messages.thinking"]]);
  });

  test.each<[Partial<ChatRequest>, string, "refused" | "dropped"]>([
    [{ stop: ["x"] }, "stop", "refused"],
    [{ choices: 2 }, "n", "refused"],
    [{ logit_bias: { "1": 2 } }, "logit_bias", "refused"],
    [{ modalities: ["text", "audio"] }, "modalities", "refused"],
    [{ tools: [{ kind: "own", own: { format: "messages", fields: { type: "bash" } } }] }, "tools", "refused"],
    [
      { messages: [{ role: "user", parts: [{ kind: "video", source: { kind: "url", url: "u" } }] }] },
      "messages.content.video",
      "refused",
    ],
    [{ seed: 1 }, "seed", "dropped"],
    [{ top_k: 1 }, "top_k", "dropped"],
    [{ presence_penalty: 1 }, "presence_penalty", "dropped"],
    [{ own: { format: "chat", fields: { prediction: {} } } }, "prediction", "dropped"],
    [
      { messages: [{ role: "user", parts: [{ kind: "text", text: "x", cache: { ttl: "1h" } }] }] },
      "messages.content.cache_control",
      "dropped",
    ],
  ])("that says %j", (request, param, how) => {
    const losses = new Losses("default", "p/m");
    written(asked(request), "gpt-5", losses);
    expect(how === "refused" ? losses.error?.param : losses.dropped[0]).toBe(param);
    if (how === "dropped") expect(losses.error).toBe(null);
  });

  test("loses nothing by what says nothing", () => {
    const losses = new Losses("error", "p/m");
    written(
      asked({ choices: 1, presence_penalty: 0, modalities: ["text"], logit_bias: {} }),
      "gpt-5",
      losses,
    );
    expect(losses.error).toBe(null);
  });

  test.each([
    [{ effort: "high" }, "gpt-5", { effort: "high" }],
    [{ budget_tokens: 1_024 }, "gpt-5", { effort: "low" }],
    [{ budget_tokens: 30_000, summary: "auto" }, "gpt-5", { effort: "high", summary: "auto" }],
    [{ mode: "off" as const }, "gpt-5", { effort: "minimal" }],
    [{ mode: "off" as const }, "openai/gpt-5.4", { effort: "none" }],
    [{ mode: "off" as const }, "gpt-4.1", undefined],
    [{ mode: "on" as const, summary: "none" }, "gpt-5", undefined],
  ])("thinks as %j asks of %s", (reasoning, model, expected) => {
    expect(written(asked({ reasoning }), model)["reasoning"]).toEqual(expected);
  });
});
