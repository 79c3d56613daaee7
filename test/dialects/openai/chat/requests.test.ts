// Requests of chat completions: what is wrong with one, and how it is written to servers that take it otherwise than OpenAI.

import { describe, expect, test } from "vitest";
import { PROVIDERS } from "../../../../src/config/providers.ts";
import { Losses } from "../../../../src/dialects/neutral/losses.ts";
import type { Message, Part } from "../../../../src/dialects/neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../../../src/dialects/neutral/request.ts";
import { CHAT } from "../../../../src/dialects/openai/chat/format.ts";
import { quirksOf } from "../../../../src/dialects/openai/chat/quirks.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { parseExact } from "../../../../src/wire/exact_json.ts";
import { randomIntegers } from "../../../memory/random.ts";
import { randomRequest } from "./generated.ts";

type Fields = Record<string, unknown>;

const PLACE = { model: null, stream: false };

function read(request: Fields): ChatRequest {
  const asked = CHAT.readRequest({ model: "m", messages: [], ...request }, PLACE);
  if (asked instanceof GatewayError) throw new Error(asked.message);
  return asked;
}

interface Written {
  readonly body: Fields & { readonly messages: readonly Fields[] };
  readonly dropped: readonly string[];
  readonly error: string | null;
}

/** What is written of a request to a provider of this kind. */
function write(request: Partial<ChatRequest>, provider_kind: string, model = "m"): Written {
  const losses = new Losses("default", "target");
  const body = CHAT.writeRequest({ ...EMPTY_REQUEST, model, ...request }, { model, provider_kind }, losses);
  return {
    body: JSON.parse(JSON.stringify(body)) as Written["body"],
    dropped: losses.dropped,
    error: losses.error?.param ?? null,
  };
}

function user(...parts: Part[]): Message {
  return { role: "user", parts };
}

describe("a wrong request names its field", () => {
  const part = (fields: Fields): Fields => ({ messages: [{ role: "user", content: [fields] }] });
  test.each([
    [{ model: undefined }, "model", "missing_required_parameter"],
    [{ model: 1 }, "model", "invalid_type"],
    [{ messages: undefined }, "messages", "missing_required_parameter"],
    [{ messages: {} }, "messages", "invalid_type"],
    [{ messages: ["x"] }, "messages[0]", "invalid_type"],
    [{ messages: [{ content: "x" }] }, "messages[0].role", "missing_required_parameter"],
    [{ messages: [{ role: "boss", content: "x" }] }, "messages[0].role", "invalid_value"],
    [{ messages: [{ role: "user", content: 5 }] }, "messages[0].content", "invalid_type"],
    [{ messages: [{ role: "user", content: [5] }] }, "messages[0].content[0]", "invalid_type"],
    [part({}), "messages[0].content[0].type", "missing_required_parameter"],
    [part({ type: "text" }), "messages[0].content[0].text", "missing_required_parameter"],
    [
      part({ type: "image_url", image_url: {} }),
      "messages[0].content[0].image_url.url",
      "missing_required_parameter",
    ],
    [part({ type: "input_audio" }), "messages[0].content[0].input_audio", "missing_required_parameter"],
    [part({ type: "file", file: {} }), "messages[0].content[0].file.file_data", "missing_required_parameter"],
    [
      { messages: [{ role: "tool", content: "x" }] },
      "messages[0].tool_call_id",
      "missing_required_parameter",
    ],
    [
      { messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "function" }] }] },
      "messages[0].tool_calls[0].function",
      "missing_required_parameter",
    ],
    [{ tools: [{ type: "function", function: {} }] }, "tools[0].function.name", "missing_required_parameter"],
    [
      { tools: [{ type: "function", function: { name: "f", parameters: "x" } }] },
      "tools[0].function.parameters",
      "invalid_type",
    ],
    [{ tool_choice: "maybe" }, "tool_choice", "invalid_value"],
    [{ tool_choice: { type: "function" } }, "tool_choice.function", "missing_required_parameter"],
    [
      { response_format: { type: "json_schema" } },
      "response_format.json_schema",
      "missing_required_parameter",
    ],
    [{ temperature: "hot" }, "temperature", "invalid_type"],
    [{ max_tokens: 1.5 }, "max_tokens", "invalid_type"],
    [{ stop: [1] }, "stop[0]", "invalid_type"],
    [{ stream: "yes" }, "stream", "invalid_type"],
    [{ logit_bias: { a: "b" } }, "logit_bias.a", "invalid_type"],
    [{ metadata: { a: 1 } }, "metadata.a", "invalid_type"],
  ])("%j", (fields, param, code) => {
    const error = CHAT.readRequest({ model: "m", messages: [], ...fields } as Fields, PLACE);
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ param, code });
  });

  test("and rubbish never throws", () => {
    const random = randomIntegers(5);
    const values = [
      "null",
      "1",
      '"x"',
      "[]",
      "{}",
      "[{}]",
      "true",
      "123456789012345678901234567890",
      "1e999",
      '"\\ud800"',
    ];
    for (let run = 0; run < 3000; run++) {
      let text = JSON.stringify(randomRequest(random, random(2) === 0 ? "openai" : "openrouter"));
      for (let changes = random(3); changes >= 0; changes--) {
        const colon = text.indexOf(":", random(text.length)) + 1;
        const end = text.slice(colon).search(/[,}\]]/) + colon;
        text = `${text.slice(0, colon)}${values[random(values.length)]}${text.slice(Math.max(end, colon))}`;
      }
      const value = parseExact(Buffer.from(text));
      if (typeof value !== "object" || value === null) continue;
      const asked = CHAT.readRequest(value as Fields, PLACE);
      if (asked instanceof GatewayError) expect(asked.param, text).not.toBeNull();
      else for (const kind of Object.keys(PROVIDERS)) write(asked, kind);
    }
  });
});

describe("a request is read", () => {
  test("with numbers that no double holds", () => {
    const value = parseExact(
      Buffer.from('{"seed": 12345678901234567890, "temperature": 0.10000000000000000001}'),
    ) as Fields;
    expect(read(value)).toMatchObject({ seed: 12345678901234567000, temperature: 0.1 });
  });

  test("with the name of each result's tool, and ids for calls of the old kind", () => {
    const { messages } = read({
      messages: [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "a", content: "1" },
        { role: "assistant", content: null, function_call: { name: "g", arguments: "{}" } },
        { role: "function", name: "g", content: "2" },
      ],
    });
    const parts = messages.map((message) => message.parts[0]);
    expect(parts[1]).toMatchObject({ kind: "tool_result", call_id: "a", name: "f" });
    expect(parts[2]).toMatchObject({ kind: "tool_call", name: "g" });
    expect(parts[3]).toMatchObject({
      kind: "tool_result",
      call_id: (parts[2] as { id: string }).id,
      name: "g",
    });
  });

  test("with media however they are given", () => {
    const { messages } = read({
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: "data:image/png;base64,AA==" },
            { type: "input_audio", input_audio: "AA==" },
            { type: "audio_url", audio_url: { url: "https://a.example/a.mp3" } },
            { type: "video_url", video_url: { url: "https://a.example/v.mp4" } },
            { type: "document_url", document_url: "https://a.example/d.pdf", document_name: "d" },
            { type: "file_url", file_url: { url: "AA==" }, file_name: "d.docx" },
            { type: "file", file: { file_data: "AA==", filename: "d.csv" } },
          ],
        },
      ],
    });
    expect(messages[0]!.parts).toEqual([
      { kind: "image", source: { kind: "base64", media_type: "image/png", data: "AA==" } },
      { kind: "audio", source: { kind: "base64", media_type: "audio/wav", data: "AA==" } },
      { kind: "audio", source: { kind: "url", url: "https://a.example/a.mp3" } },
      { kind: "video", source: { kind: "url", url: "https://a.example/v.mp4" } },
      { kind: "file", source: { kind: "url", url: "https://a.example/d.pdf" }, name: "d" },
      {
        kind: "file",
        source: { kind: "base64", media_type: expect.stringContaining("wordprocessingml"), data: "AA==" },
        name: "d.docx",
      },
      { kind: "file", source: { kind: "base64", media_type: "text/csv", data: "AA==" }, name: "d.csv" },
    ]);
  });

  test.each([
    [{ reasoning_effort: "high" }, { effort: "high" }],
    [{ reasoning_effort: "none" }, { effort: "none", mode: "off" }],
    [{ reasoning: { max_tokens: 2000, exclude: true } }, { budget_tokens: 2000, summary: "none" }],
    [{ reasoning: { enabled: false } }, { mode: "off" }],
    [{ thinking: { type: "enabled", budget_tokens: 1024 } }, { budget_tokens: 1024, mode: "on" }],
    [{ thinking: { type: "adaptive" } }, { mode: "adaptive" }],
    [{ enable_thinking: false }, { mode: "off" }],
    [
      { enable_thinking: true, thinking_budget: 9 },
      { mode: "on", budget_tokens: 9 },
    ],
    [{ include_reasoning: false }, { summary: "none" }],
    [{ reasoning: {} }, null],
  ])("with how much to think: %j", (fields, reasoning) => {
    expect(read(fields).reasoning).toEqual(reasoning);
  });

  test("with marks of a prompt cache on parts, messages and tools", () => {
    const { messages, tools } = read({
      messages: [
        { role: "system", content: "a", cache_control: { type: "ephemeral" } },
        {
          role: "user",
          content: [
            { type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "1h" } },
            { type: "text", text: "c", prompt_cache_breakpoint: { mode: "explicit" } },
          ],
        },
      ],
      tools: [{ type: "function", function: { name: "f" }, cache_control: { type: "ephemeral" } }],
    });
    expect(
      messages.flatMap(({ parts }) => parts.map((part) => ("cache" in part ? part.cache : undefined))),
    ).toEqual([{ ttl: null }, { ttl: "1h" }, { ttl: null }]);
    expect(tools[0]).toMatchObject({ cache: { ttl: null } });
  });
});

describe("a request is written", () => {
  const call: Part = { kind: "tool_call", id: "toolu_01", name: "f", arguments: '{"a":1}' };
  const result = (content: readonly Part[], is_error = false): Part => ({
    kind: "tool_result",
    call_id: "toolu_01",
    content,
    is_error,
  });
  const image: Part = { kind: "image", source: { kind: "base64", media_type: "image/png", data: "AA==" } };

  test("with the field for the most tokens that the server knows", () => {
    expect(write({ max_tokens: 5 }, "openai", "gpt-5").body).toMatchObject({ max_completion_tokens: 5 });
    expect(write({ max_tokens: 5 }, "openai", "llama-3").body).toMatchObject({ max_tokens: 5 });
    expect(write({ max_tokens: 5 }, "mistral").body).toMatchObject({ max_tokens: 5 });
    expect(write({ max_tokens: 5 }, "unheard-of").body).toMatchObject({ max_tokens: 5 });
  });

  test("with the developer as system where the role is not known", () => {
    const messages: Message[] = [{ role: "developer", parts: [{ kind: "text", text: "a" }] }];
    expect(write({ messages }, "openai", "gpt-5").body.messages[0]!["role"]).toBe("developer");
    expect(write({ messages }, "groq").body.messages[0]!["role"]).toBe("system");
  });

  test("with ids as Mistral takes them, the same for call and result", () => {
    const messages = [
      { role: "assistant", parts: [call] } as const,
      user(result([{ kind: "text", text: "1" }])),
    ];
    const { body } = write(
      { messages, tool_choice: { kind: "required" }, seed: 7, tools: [{ kind: "function", name: "f" }] },
      "mistral",
    );
    const [{ id }] = body.messages[0]!["tool_calls"] as [{ id: string }];
    expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(body.messages[1]).toEqual({ role: "tool", tool_call_id: id, content: "1" });
    expect(body).toMatchObject({ tool_choice: "any", random_seed: 7 });
    const kept = { ...call, id: "abcDEF123" };
    const [again] = write({ messages: [{ role: "assistant", parts: [kept] }] }, "mistral").body.messages;
    expect(again).toMatchObject({ tool_calls: [{ id: "abcDEF123" }] });
  });

  test("with results as messages of their own, before what the user says, and their images behind all of them", () => {
    const messages = [
      { role: "assistant", parts: [call, { ...call, id: "toolu_02" }] } as const,
      user(result([{ kind: "text", text: "see" }, image]), { ...result([]), call_id: "toolu_02" } as Part, {
        kind: "text",
        text: "so?",
      }),
    ];
    const written = write({ messages }, "openai", "gpt-5").body.messages;
    expect(written.slice(1)).toEqual([
      { role: "tool", tool_call_id: "toolu_01", content: "see" },
      { role: "tool", tool_call_id: "toolu_02", content: "" },
      {
        role: "user",
        content: [
          { type: "text", text: "From the tool call toolu_01:" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
        ],
      },
      { role: "user", content: "so?" },
    ]);
    const seen = write({ messages }, "openrouter").body.messages[1];
    expect(seen).toMatchObject({ role: "tool", content: [{ type: "text" }, { type: "image_url" }] });
  });

  test("with failures told in words", () => {
    const messages = [
      { role: "assistant", parts: [call] } as const,
      user(result([{ kind: "text", text: "no such city" }], true)),
    ];
    expect(write({ messages }, "openai", "gpt-5").body.messages[1]).toMatchObject({
      content: "Error: no such city",
    });
  });

  test("with thoughts where the server wants them", () => {
    const thought: Part = { kind: "thinking", text: "hm", signature: { format: "messages", value: "s" } };
    const messages = [{ role: "assistant", parts: [thought, { kind: "text", text: "a" }] } as const];
    const written = (kind: string, model = "m"): unknown => write({ messages }, kind, model).body.messages[0];
    const said = { role: "assistant", content: "a" };
    expect(written("openai", "gpt-5")).toEqual(said);
    expect(written("deepseek")).toEqual({ ...said, reasoning_content: "hm" });
    expect(written("groq")).toEqual({ ...said, reasoning: "hm" });
    expect(written("openrouter")).toEqual({
      ...said,
      reasoning_details: [
        { type: "reasoning.text", text: "hm", signature: "s", format: "anthropic-claude-v1", index: 0 },
      ],
    });
    expect(written("mistral")).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
        { type: "text", text: "a" },
      ],
    });
    expect(write({ messages }, "openai", "gpt-5").dropped).toEqual(["messages.reasoning_content"]);
  });

  test("with no thought told to DeepSeek where there is a call", () => {
    expect(
      write({ messages: [{ role: "assistant", parts: [call] }] }, "deepseek").body.messages[0],
    ).toMatchObject({ reasoning_content: "" });
  });

  test("with Google's signatures for Google", () => {
    const messages = [
      { role: "assistant", parts: [{ ...call, signature: { format: "gemini", value: "g" } }] } as const,
    ];
    expect(write({ messages }, "gemini").body.messages[0]).toMatchObject({
      tool_calls: [{ extra_content: { google: { thought_signature: "g" } } }],
    });
    expect(JSON.stringify(write({ messages }, "openai", "gpt-5").body)).not.toContain("extra_content");
    expect(write({ messages }, "openrouter").body.messages[0]).toMatchObject({
      reasoning_details: [
        { type: "reasoning.encrypted", data: "g", id: "toolu_01", format: "google-gemini-v1", index: 0 },
      ],
    });
  });

  test.each([
    ["openai", "gpt-5.1", { effort: "high" }, { reasoning_effort: "high" }],
    ["openai", "gpt-5.1", { mode: "off" }, { reasoning_effort: "none" }],
    ["openai", "gpt-5-mini", { mode: "off" }, { reasoning_effort: "minimal" }],
    ["openai", "gpt-4o", { mode: "off" }, {}],
    ["openai", "gpt-5.1", { mode: "on", budget_tokens: 20_000 }, { reasoning_effort: "high" }],
    ["openrouter", "m", { mode: "on", budget_tokens: 2000 }, { reasoning: { max_tokens: 2000 } }],
    ["openrouter", "m", { mode: "off" }, { reasoning: { enabled: false } }],
    ["deepseek", "m", { mode: "off" }, { thinking: { type: "disabled" } }],
    [
      "deepseek",
      "m",
      { mode: "on", effort: "max" },
      { thinking: { type: "enabled" }, reasoning_effort: "max" },
    ],
    ["zhipu", "m", { mode: "on", budget_tokens: 2000 }, { thinking: { type: "enabled" } }],
    ["dashscope", "m", { mode: "on", budget_tokens: 2000 }, { enable_thinking: true, thinking_budget: 2000 }],
    ["groq", "m", { effort: "low" }, { reasoning_effort: "low" }],
    ["xai", "grok-3-mini", { effort: "low" }, { reasoning_effort: "low" }],
    ["xai", "grok-4-fast", { effort: "low" }, {}],
  ] as const)("with how much to think: %s %s %j", (kind, model, reasoning, fields) => {
    const { messages: _, model: __, ...written } = write({ reasoning }, kind, model).body;
    expect(written).toEqual(fields);
  });

  test.each([
    ["mistral", { logprobs: { top: 2 } }, "logprobs"],
    ["groq", { choices: 2 }, "n"],
    [
      "zhipu",
      { output: { kind: "schema", name: "a", schema: { type: "object" }, strict: true } },
      "response_format",
    ],
    [
      "moonshot",
      { tool_choice: { kind: "required" }, tools: [{ kind: "function", name: "f" }] },
      "tool_choice",
    ],
    ["perplexity", { tools: [{ kind: "function", name: "f" }] }, "tools"],
    ["groq", { tools: [{ kind: "web_search" }] }, "tools[0]"],
    ["mistral", { tools: [{ kind: "custom", name: "c" }] }, "tools[0]"],
    [
      "deepseek",
      {
        messages: [
          user({ kind: "file", source: { kind: "base64", media_type: "application/pdf", data: "AA==" } }),
        ],
      },
      "messages[0].content[0]",
    ],
    [
      "openai",
      { messages: [user({ kind: "video", source: { kind: "url", url: "https://a.example" } })] },
      "messages[0].content[0]",
    ],
    [
      "openai",
      { messages: [user({ kind: "own", format: "messages", value: {} })] },
      "messages[0].content[0]",
    ],
  ] as const)("not at all where %s cannot take %j", (kind, request, param) => {
    expect(write(request as Partial<ChatRequest>, kind).error).toBe(param);
  });

  test("with hints left out where they are not known", () => {
    const hints: Partial<ChatRequest> = {
      ...{
        top_k: 5,
        min_p: 0.1,
        seed: 1,
        user: "u",
        verbosity: "low",
        service_tier: "flex",
        prompt_cache_key: "k",
      },
      metadata: { a: "b" },
      own: { format: "messages", fields: { container: "x" } },
      messages: [user({ kind: "text", text: "a", cache: { ttl: null } })],
    };
    const { body, dropped, error } = write(hints, "anthropic");
    expect(error).toBeNull();
    expect([...dropped].sort()).toEqual([
      "cache_control",
      "container",
      "metadata",
      "min_p",
      "prompt_cache_key",
      "seed",
      "service_tier",
      "top_k",
      "verbosity",
    ]);
    expect(body).toEqual({ model: "m", messages: [{ role: "user", content: "a" }], user: "u" });
  });

  test("with the web searched where the server can", () => {
    const tools = [{ kind: "web_search" } as const];
    expect(write({ tools }, "openrouter").body).toMatchObject({ plugins: [{ id: "web" }] });
    expect(write({ tools }, "openai", "gpt-4o-search-preview").body).toMatchObject({
      web_search_options: {},
    });
    expect(write({ tools }, "perplexity").error).toBeNull();
  });

  test("with the tools that are allowed, where a server knows no other way to say so", () => {
    const tools = ["a", "b"].map((name) => ({ kind: "function", name }) as const);
    const tool_choice = { kind: "allowed", mode: "required", names: ["b"] } as const;
    expect(write({ tools, tool_choice }, "groq").body).toMatchObject({
      tools: [{ function: { name: "b" } }],
      tool_choice: "required",
    });
    expect(write({ tools, tool_choice }, "openai", "gpt-5").body).toMatchObject({
      tool_choice: { type: "allowed_tools" },
    });
  });

  test("with a schema as a tool where DeepSeek knows no schemas, and without thoughts beside it", () => {
    const schema = { type: "object", properties: {} };
    const output = { kind: "schema", name: "a", schema, strict: true } as const;
    const { body, error } = write({ output }, "deepseek");
    expect(error).toBeNull();
    expect(body).toMatchObject({
      tools: [{ type: "function", function: { name: "answer_as_json", parameters: schema } }],
      tool_choice: { type: "function", function: { name: "answer_as_json" } },
      thinking: { type: "disabled" },
    });
    expect(body).not.toHaveProperty("response_format");
    const tools = [{ kind: "function", name: "f" } as const];
    expect(write({ output, tools }, "deepseek").body).toMatchObject({ tool_choice: "required" });
    expect(
      write({ tools, tool_choice: { kind: "required" }, reasoning: { effort: "high" } }, "deepseek"),
    ).toMatchObject({
      body: { thinking: { type: "disabled" }, tool_choice: "required" },
      dropped: ["reasoning_effort"],
    });
  });

  test("with plain documents as text", () => {
    const file: Part = { kind: "file", source: { kind: "text", text: "hello" }, name: "a.txt" };
    expect(write({ messages: [user(file)] }, "groq").body.messages[0]).toEqual({
      role: "user",
      content: "a.txt\n\nhello",
    });
  });

  test("and every provider of the table has quirks of its own, or is a compatible server", () => {
    const unknown = quirksOf("unheard-of", "m");
    // Others are never asked in chat completions; at Vertex they are models of many makers.
    const asked = Object.entries(PROVIDERS).filter(([, { speaks, speaks_compatibly = [] }]) =>
      [...speaks, ...speaks_compatibly].includes("chat"),
    );
    expect(asked.length).toBeGreaterThan(20);
    for (const [kind] of asked)
      if (kind !== "openai" && kind !== "vertex") expect(quirksOf(kind, "m"), kind).not.toBe(unknown);
  });
});
