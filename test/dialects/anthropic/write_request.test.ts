// Requests of other formats, as Anthropic takes them.

import { expect, test } from "vitest";
import { betasOf } from "../../../src/dialects/anthropic/betas.ts";
import {
  readTokenCount,
  writeCountRequest,
  writeTokenCount,
} from "../../../src/dialects/anthropic/count_tokens.ts";
import { MESSAGES } from "../../../src/dialects/anthropic/format.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import type { Message, Part, ToolCallPart } from "../../../src/dialects/neutral/parts.ts";
import {
  type ChatRequest,
  EMPTY_REQUEST,
  type OutputFormat,
  type Reasoning,
} from "../../../src/dialects/neutral/request.ts";
import { GatewayError } from "../../../src/errors.ts";

type Json = Record<string, unknown>;

const HELLO: Message = { role: "user", parts: [{ kind: "text", text: "Hello" }] };

/** What a request becomes, with what was lost on the way. */
function write(
  asked: Partial<ChatRequest>,
  model = "claude-haiku-4-5",
  policy: "default" | "drop" = "default",
) {
  const losses = new Losses(policy, "test");
  const request = { ...EMPTY_REQUEST, model: "alias", messages: [HELLO], ...asked };
  const body = MESSAGES.writeRequest(request, { model, provider_kind: "anthropic" }, losses) as Json & {
    messages: Json[];
  };
  return { body, lost: losses.dropped, refused: losses.error?.param ?? null };
}

function text(said: string): Part {
  return { kind: "text", text: said };
}

function call(id: string, given = "{}"): ToolCallPart {
  return { kind: "tool_call", id, name: "f", arguments: given };
}

function result(call_id: string, said = "ok"): Message {
  return { role: "tool", parts: [{ kind: "tool_result", call_id, content: [text(said)], is_error: false }] };
}

const TOOL = { kind: "function", name: "f", parameters: { type: "object", properties: {} } } as const;
const SCHEMA: Extract<OutputFormat, { kind: "schema" }> = {
  kind: "schema",
  ...{ name: "s", strict: true },
  schema: { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"] },
};

test("the system prompt stands apart, wherever it was", () => {
  const messages: Message[] = [
    { role: "system", parts: [text("One."), { ...text("Two."), cache: { ttl: "1h" } } as Part] },
    { role: "developer", parts: [text("Three.")] },
    HELLO,
    { role: "system", parts: [text("Four.")] },
  ];
  const blocks = [
    { type: "text", text: "One." },
    { type: "text", text: "Two.", cache_control: { type: "ephemeral", ttl: "1h" } },
    { type: "text", text: "Three." },
  ];
  const hello = { role: "user", content: "Hello" };
  expect(write({ messages }).body).toMatchObject({
    system: [...blocks, { type: "text", text: "Four." }],
    messages: [hello],
  });
  // Newer models take it where it is.
  expect(write({ messages }, "claude-opus-5").body).toMatchObject({
    system: blocks,
    messages: [hello, { role: "system", content: "Four." }],
  });
  expect(write({ messages: messages.slice(1, 2) }).body).toMatchObject({
    messages: [{ role: "user", content: "Three." }],
  });
});

test("results of calls made side by side come first in one turn", () => {
  const messages: Message[] = [
    HELLO,
    { role: "assistant", parts: [text(""), call("a", '{"x":1}'), call("b", "")] },
    result("a"),
    { role: "user", parts: [text("And?")] },
    result("b", ""),
    { role: "assistant", parts: [text("So \n")] },
  ];
  expect(write({ messages, tools: [TOOL] }).body.messages.slice(1)).toEqual([
    {
      role: "assistant",
      content: [
        { type: "tool_use", id: "a", name: "f", input: { x: 1 } },
        { type: "tool_use", id: "b", name: "f", input: {} },
      ],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "a", content: "ok" },
        { type: "tool_result", tool_use_id: "b" },
        { type: "text", text: "And?" },
      ],
    },
    { role: "assistant", content: "So" },
  ]);
});

test("the first turn is the user's", () => {
  const { body } = write({ messages: [{ role: "assistant", parts: [text("Hi")] }, HELLO] });
  expect(body.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
});

test("ids that the provider would refuse are others, for the call and its result alike", () => {
  const messages: Message[] = [
    HELLO,
    { role: "assistant", parts: [call("functions.f:0"), call("functions f 0"), call("")] },
    ...[result("functions f 0"), result(""), result("functions.f:0")],
    { role: "assistant", parts: [call("functions.f:0"), call("functions.f:0")] },
    ...[result("functions.f:0"), result("functions.f:0"), result("nobody's")],
  ];
  const ids = write({ messages })
    .body.messages.flatMap(({ content }) => content as Json[])
    .map((block) => block["id"] ?? block["tool_use_id"])
    .filter((id) => id !== undefined);
  expect(ids).toEqual([
    ...["functions_f_0", "functions_f_0_2", "call", "functions_f_0_2", "call", "functions_f_0"],
    ...["functions_f_0_3", "functions_f_0_4", "functions_f_0_3", "functions_f_0_4", "nobody_s"],
  ]);
});

test.each([
  ["", {}],
  [" ", {}],
  ['{"a":1}', { a: 1 }],
  ['{"a":', { INVALID_JSON: '{"a":' }],
  ["[1]", { INVALID_JSON: "[1]" }],
  ['"x"', { INVALID_JSON: '"x"' }],
])("arguments %j are the input %j", (given, input) => {
  const { body } = write({ messages: [HELLO, { role: "assistant", parts: [call("a", given)] }] });
  expect((body.messages[1]!["content"] as Json[])[0]!["input"]).toEqual(input);
});

test("images and documents are read wherever their bytes are", () => {
  const file = (source: object, more: object = {}): Part => ({ kind: "file", source, ...more }) as Part;
  const parts: Part[] = [
    { kind: "image", source: { kind: "url", url: "data:image/png;base64,iVBO" }, detail: "auto" },
    { kind: "image", source: { kind: "url", url: "https://a.example/x.png" } },
    file({ kind: "url", url: "data:application/pdf;name=x.pdf;base64,JVBE" }, { name: "x.pdf" }),
    file({ kind: "base64", media_type: "text/csv", data: Buffer.from("a,b").toString("base64") }),
    file({ kind: "file", id: "file_1" }, { citations: true }),
  ];
  const { body, lost, refused } = write({ messages: [{ role: "user", parts }] });
  expect({ lost, refused }).toEqual({ lost: [], refused: null });
  expect(body.messages[0]!["content"]).toEqual([
    { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } },
    { type: "image", source: { type: "url", url: "https://a.example/x.png" } },
    {
      ...{ type: "document", title: "x.pdf" },
      source: { type: "base64", media_type: "application/pdf", data: "JVBE" },
    },
    { type: "document", source: { type: "text", media_type: "text/plain", data: "a,b" } },
    { type: "document", source: { type: "file", file_id: "file_1" }, citations: { enabled: true } },
  ]);
});

test.each([
  [{ choices: 2 }, "n"],
  [{ logprobs: { top: 2 } }, "logprobs"],
  [{ logit_bias: { "7": 1 } }, "logit_bias"],
  [{ modalities: ["text", "audio"] }, "modalities"],
  [{ stop: [" ", "END"] }, "stop"],
  [
    {
      messages: [
        {
          role: "user",
          parts: [{ kind: "audio", source: { kind: "base64", media_type: "audio/wav", data: "" } }],
        },
      ],
    },
    "messages.content.audio",
  ],
  [
    {
      messages: [
        {
          role: "user",
          parts: [{ kind: "file", source: { kind: "base64", media_type: "a/zip", data: "" } }],
        },
      ],
    },
    "messages.content.file",
  ],
] as [Partial<ChatRequest>, string][])(
  "%j changes the meaning, and is refused unless it may be dropped",
  (asked, param) => {
    expect(write(asked).refused).toBe(param);
    expect(write(asked, "claude-haiku-4-5", "drop")).toMatchObject({ refused: null, lost: [param] });
  },
);

test("hints that have no word here are dropped", () => {
  const asked = {
    ...{ seed: 1, frequency_penalty: 1, presence_penalty: 1, min_p: 0.1, verbosity: "low", top_k: 3 },
    ...{ metadata: { a: "b" }, prompt_cache_key: "k", service_tier: "flex", choices: 1 },
    own: { format: "chat", fields: { store: true } },
  } as const;
  const { lost, refused, body } = write(asked);
  expect(refused).toBe(null);
  expect(lost.toSorted()).toEqual(
    [
      ...["seed", "frequency_penalty", "presence_penalty", "min_p", "verbosity", "metadata"],
      ...["prompt_cache_key", "service_tier", "store"],
    ].toSorted(),
  );
  expect(body).toMatchObject({ top_k: 3, max_tokens: 64_000 });
  expect(write({ service_tier: "priority", user: "u" }).body).toMatchObject({
    service_tier: "auto",
    metadata: { user_id: "u" },
  });
});

test.each([
  [{ tool_choice: { kind: "auto" } }, { type: "auto" }],
  [{ tool_choice: { kind: "none" }, parallel_tool_calls: false }, { type: "none" }],
  [{ tool_choice: { kind: "required" } }, { type: "any" }],
  [
    { tool_choice: { kind: "tool", name: "f" }, parallel_tool_calls: true },
    { type: "tool", name: "f", disable_parallel_tool_use: false },
  ],
  [{ parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }],
  [{ parallel_tool_calls: true }, undefined],
  [{ tool_choice: { kind: "allowed", mode: "required", names: ["f"] } }, { type: "any" }],
] as [Partial<ChatRequest>, Json | undefined][])("the choice %j is %j", (asked, tool_choice) => {
  const { body, refused } = write({ tools: [TOOL, { ...TOOL, name: "g" }], ...asked });
  expect(refused).toBe(null);
  expect(body["tool_choice"]).toEqual(tool_choice);
  const names = (body["tools"] as Json[]).map(({ name }) => name);
  expect(names).toEqual(asked.tool_choice?.kind === "allowed" ? ["f"] : ["f", "g"]);
  expect(write({ ...asked, tools: [] }).body["tool_choice"]).toBe(undefined);
});

test("a model that cannot be made to call a tool is not", () => {
  const asked = { tools: [TOOL], tool_choice: { kind: "required" } } as const;
  expect(write(asked, "claude-opus-5-5").refused).toBe("tool_choice");
  expect(write(asked, "claude-opus-5-5", "drop").body["tool_choice"]).toEqual({ type: "auto" });
});

test("tools of the provider's, and functions, strict where the model knows it", () => {
  const strict = {
    ...TOOL,
    strict: true,
    description: "Does.",
    parameters: { properties: { a: { type: "string", pattern: "x" } } },
  };
  const tools = [
    { kind: "web_search" },
    { kind: "code" },
    strict,
    { kind: "function", name: "bare" },
  ] as const;
  const { body } = write({ tools });
  expect(body["tools"]).toEqual([
    { type: "web_search_20250305", name: "web_search" },
    { type: "code_execution_20250825", name: "code_execution" },
    {
      ...{ name: "f", description: "Does.", strict: true },
      input_schema: {
        ...{ type: "object", additionalProperties: false },
        properties: { a: { type: "string", description: '{pattern: "x"}' } },
      },
    },
    { name: "bare", input_schema: { type: "object", properties: {} } },
  ]);
  const older = write({ tools: [strict] }, "claude-3-5-haiku-20241022");
  expect(older.lost).toEqual(["tools.strict"]);
  expect((older.body["tools"] as Json[])[0]).not.toHaveProperty("strict");
});

test("a custom tool is a function of one text", () => {
  const own = { format: "responses", fields: { format: { type: "grammar" } } } as const;
  const call_parts: Part[] = [{ ...call("a", "ls -l"), name: "sh", is_custom: true }];
  const messages: Message[] = [HELLO, { role: "assistant", parts: call_parts }, result("a")];
  const { body, lost, refused } = write({ messages, tools: [{ kind: "custom", name: "sh", own }] });
  expect({ lost, refused }).toEqual({ lost: ["tools.custom.format"], refused: null });
  expect(body["tools"]).toMatchObject([
    { name: "sh", input_schema: { properties: { input: { type: "string" } }, required: ["input"] } },
  ]);
  expect(body.messages[1]).toMatchObject({ content: [{ type: "tool_use", input: { input: "ls -l" } }] });
});

test("a schema is the provider's own, or a tool that has to be called", () => {
  const closed = {
    ...{ type: "object", required: ["n"], additionalProperties: false },
    properties: { n: { type: "integer", description: "{minimum: 1}" } },
  };
  expect(write({ output: SCHEMA }).body["output_config"]).toEqual({
    format: { type: "json_schema", schema: closed },
  });
  const older = write({ output: SCHEMA }, "claude-sonnet-4").body;
  expect(older).toMatchObject({
    tools: [{ name: "answer_as_json", input_schema: SCHEMA.schema }],
    tool_choice: { type: "tool", name: "answer_as_json", disable_parallel_tool_use: true },
  });
  const beside = write({ output: SCHEMA, tools: [TOOL] }, "claude-sonnet-4").body;
  expect(beside).toMatchObject({
    tools: [{ name: "f" }, { name: "answer_as_json" }],
    tool_choice: { type: "any" },
  });
  // The provider's own schemas know no objects of any members.
  const map = { type: "object", properties: { by_name: { additionalProperties: { type: "number" } } } };
  const open = write({ output: { ...SCHEMA, strict: null, schema: map } }).body;
  expect(open).toMatchObject({ tools: [{ name: "answer_as_json", input_schema: map }] });
  expect(write({ output: { ...SCHEMA, strict: null, schema: map } }, "claude-opus-5-5").refused).toBe(
    "response_format",
  );
  const list = { ...SCHEMA, schema: { type: "array" } };
  expect(write({ output: list }, "claude-sonnet-4").refused).toBe("response_format");
  expect(write({ output: { kind: "json" } }).body["tool_choice"]).toMatchObject({ name: "answer_as_json" });
  const told = write({ output: { kind: "json" } }, "claude-opus-5-5");
  expect(told.body["system"]).toContain("JSON object");
  expect(told.lost).toEqual(["response_format"]);
});

test.each([
  // Models that are told a budget.
  ["claude-haiku-4-5", { effort: "low" }, { type: "enabled", budget_tokens: 2048 }, undefined, 64_000],
  [
    "claude-haiku-4-5",
    { mode: "on", budget_tokens: 500 },
    { type: "enabled", budget_tokens: 1024 },
    undefined,
    64_000,
  ],
  ["claude-haiku-4-5", { mode: "adaptive" }, { type: "enabled", budget_tokens: 16_384 }, undefined, 64_000],
  ["claude-haiku-4-5", { effort: "none" }, { type: "disabled" }, undefined, 64_000],
  ["claude-haiku-4-5", { summary: "auto" }, undefined, undefined, 64_000],
  [
    "claude-haiku-4-5",
    { effort: "low", summary: "none" },
    { type: "enabled", budget_tokens: 2048, display: "omitted" },
    undefined,
    64_000,
  ],
  ["claude-opus-4-5", { effort: "xhigh" }, { type: "enabled", budget_tokens: 32_768 }, "high", 64_000],
  // Models that think as they find fit.
  ["claude-opus-4-6", { effort: "high" }, { type: "adaptive" }, "high", 128_000],
  ["claude-opus-4-6", { effort: "xhigh" }, { type: "adaptive" }, "high", 128_000],
  [
    "claude-opus-4-6",
    { mode: "on", budget_tokens: 5000 },
    { type: "enabled", budget_tokens: 5000 },
    undefined,
    128_000,
  ],
  [
    "claude-sonnet-5",
    { effort: "minimal", summary: "auto" },
    { type: "adaptive", display: "summarized" },
    "low",
    128_000,
  ],
  ["claude-sonnet-5", { effort: "none" }, { type: "disabled" }, undefined, 128_000],
  ["claude-sonnet-5-5", { mode: "off" }, { type: "between_tools" }, undefined, 128_000],
  // Models without thinking, and other models.
  ["claude-3-5-sonnet-20241022", { mode: "off" }, undefined, undefined, 8192],
  ["kimi-k2", { effort: "high" }, { type: "enabled", budget_tokens: 6553 }, undefined, 8192],
] as [string, Reasoning, Json | undefined, string | undefined, number][])(
  "%s is told %j as %j",
  (model, reasoning, thinking, effort, max_tokens) => {
    const { body, lost, refused } = write({ reasoning }, model);
    expect({ lost, refused }).toEqual({ lost: [], refused: null });
    expect(body["thinking"]).toEqual(thinking);
    expect(body["output_config"]).toEqual(effort === undefined ? undefined : { effort });
    expect(body["max_tokens"]).toBe(max_tokens);
  },
);

test.each([
  ["claude-fable-5", { effort: "none" }, undefined],
  ["claude-3-5-sonnet-20241022", { effort: "high" }, undefined],
  ["claude-opus-4-7", { mode: "on", budget_tokens: 8000 }, { type: "adaptive" }],
] as [string, Reasoning, Json | undefined][])("%s cannot be told %j", (model, reasoning, thinking) => {
  const { body, lost, refused } = write({ reasoning }, model);
  expect(lost).toHaveLength(1);
  expect(refused).toBe(null);
  expect(body["thinking"]).toEqual(thinking);
});

test.each([
  [1500, 1200, 1200, 1500],
  [2000, 5000, 1600, 2000],
  [1000, 5000, 1024, 2024],
  [100, undefined, 1024, 1124],
  [10_000, undefined, 8000, 10_000],
])("an answer of %i tokens has room for thinking of %s", (max_tokens, budget_tokens, budget, room) => {
  const reasoning: Reasoning =
    budget_tokens === undefined ? { effort: "medium" } : { mode: "on", budget_tokens };
  const { body } = write({ reasoning, max_tokens });
  expect(body).toMatchObject({ thinking: { budget_tokens: budget }, max_tokens: room });
});

test("what thinking excludes is left out", () => {
  const sampled = { temperature: 0.3, top_p: 0.5, top_k: 4 };
  const thinks = write({ ...sampled, reasoning: { effort: "low" } });
  expect(thinks.lost).toEqual(["temperature", "top_p", "top_k"]);
  expect(thinks.body).not.toHaveProperty("temperature");
  expect(write({ temperature: 1, top_p: 0.96, reasoning: { effort: "low" } }).lost).toEqual(["top_p"]);
  expect(write({ top_p: 0.96, reasoning: { effort: "low" } }).body["top_p"]).toBe(0.96);
  const forced = write({ reasoning: { effort: "low" }, tools: [TOOL], tool_choice: { kind: "required" } });
  expect(forced.lost).toEqual(["reasoning"]);
  expect(forced.body).toMatchObject({ thinking: { type: "disabled" }, tool_choice: { type: "any" } });
  // A model that thinks unasked may not where it has to call.
  const unasked = write({ tools: [TOOL], tool_choice: { kind: "required" } }, "claude-sonnet-5");
  expect(unasked).toMatchObject({ lost: [], body: { thinking: { type: "disabled" } } });
});

test("a call that another model thought of turns thinking off while it waits for its result", () => {
  const foreign: Message[] = [HELLO, { role: "assistant", parts: [call("a")] }, result("a")];
  const own: Message[] = [
    HELLO,
    {
      role: "assistant",
      parts: [{ kind: "thinking", text: "hm", signature: { format: "messages", value: "Ep" } }, call("a")],
    },
    result("a"),
  ];
  const reasoning: Reasoning = { effort: "low" };
  const asked = { reasoning, tools: [TOOL] };
  expect(write({ ...asked, messages: foreign })).toMatchObject({
    ...{ lost: ["reasoning"], body: { thinking: { type: "disabled" } } },
  });
  expect(write({ ...asked, messages: own })).toMatchObject({
    lost: [],
    body: { thinking: { type: "enabled" } },
  });
  const later = [...foreign, { role: "assistant", parts: [text("So.")] }, HELLO] as Message[];
  expect(write({ ...asked, messages: later }).lost).toEqual([]);
  // Models that think as they find fit do not mind.
  expect(write({ ...asked, messages: foreign }, "claude-opus-4-6").lost).toEqual([]);
});

test("thoughts go back only to who signed them", () => {
  const parts: Part[] = [
    { kind: "thinking", text: "a", signature: { format: "messages", value: "Ep" } },
    { kind: "thinking", text: "", encrypted: { format: "messages", value: "Em" } },
    { kind: "thinking", text: "b", signature: { format: "gemini", value: "Cq" } },
    { kind: "thinking", text: "c" },
    text("So."),
  ];
  const messages: Message[] = [HELLO, { role: "assistant", parts }, HELLO];
  const { body, lost } = write({ messages });
  expect(body.messages[1]!["content"]).toEqual([
    { type: "thinking", thinking: "a", signature: "Ep" },
    { type: "redacted_thinking", data: "Em" },
    { type: "text", text: "So." },
  ]);
  expect(lost).toEqual(["messages.reasoning"]);
  // Other models behind the format sign nothing.
  const other = write({ messages }, "deepseek-chat").body.messages[1]!["content"] as Json[];
  expect(other.filter(({ type }) => type === "thinking")).toHaveLength(3);
});

test.each([
  ["claude-haiku-4-5", { temperature: 1.7 }, { temperature: 1 }, ["temperature"]],
  ["claude-haiku-4-5", { temperature: 0.5, top_p: 0.5 }, { temperature: 0.5 }, ["top_p"]],
  ["claude-3-haiku-20240307", { temperature: 0.5, top_p: 0.5 }, { temperature: 0.5, top_p: 0.5 }, []],
  ["us.anthropic.claude-opus-4-7-v1:0", { temperature: 0.5, top_k: 5 }, {}, ["temperature", "top_k"]],
  ["claude-opus-5", { temperature: 1, top_p: 1 }, { temperature: 1 }, []],
] as [string, Partial<ChatRequest>, Json, string[]][])("%s takes of %j %j", (model, asked, taken, gone) => {
  const { body, lost } = write(asked, model);
  const { temperature, top_p, top_k } = body;
  expect(JSON.parse(JSON.stringify({ temperature, top_p, top_k }))).toEqual(taken);
  expect(lost).toEqual(gone);
});

test.each([
  ["claude-3-opus-20240229", 4096],
  ["claude-3-7-sonnet-latest", 64_000],
  ["claude-opus-4-1@20250805", 32_000],
  ["anthropic.claude-sonnet-4-20250514-v1:0", 64_000],
  ["anthropic/claude-haiku-4.5", 64_000],
  ["claude-mythos-preview", 128_000],
  ["claude-sonnet-5-5", 128_000],
  ["claude-latest", 8192],
])("%s gives at most %i tokens where the client does not say", (model, max_tokens) => {
  expect(write({}, model).body["max_tokens"]).toBe(max_tokens);
  expect(write({ max_tokens: 7 }, model).body["max_tokens"]).toBe(7);
});

test("what needs a word in the header says which", () => {
  const own = (fields: Json) => ({ format: "messages", fields }) as const;
  const tool = { kind: "own", own: own({ type: "computer_20251124", name: "computer" }) } as const;
  const request: ChatRequest = {
    ...{ ...EMPTY_REQUEST, model: "m", tools: [tool] },
    own: own({
      ...{ mcp_servers: [], speed: "fast", output_config: { task_budget: {} } },
      context_management: { edits: [{ type: "compact_20260112" }] },
    }),
  };
  expect(betasOf(request)).toEqual([
    ...["mcp-client-2025-11-20", "context-management-2025-06-27", "fast-mode-2026-02-01"],
    ...["computer-use-2025-11-24", "compact-2026-01-12", "task-budgets-2026-03-13"],
  ]);
  expect(betasOf({ ...EMPTY_REQUEST, model: "m" })).toEqual([]);
  expect(betasOf({ ...request, tools: [], own: { format: "chat", fields: { speed: "fast" } } })).toEqual([]);
});

test("a count is asked for with what is counted, and told as a number", () => {
  const request = {
    ...EMPTY_REQUEST,
    model: "m",
    messages: [HELLO],
    temperature: 0.5,
    stream: true,
    user: "u",
  };
  const target = { model: "claude-haiku-4-5", provider_kind: "anthropic" };
  expect(writeCountRequest(request, target, new Losses("default", "t"))).toEqual({
    ...{ model: "claude-haiku-4-5", messages: [{ role: "user", content: "Hello" }] },
  });
  expect(readTokenCount({ input_tokens: 14 })).toBe(14);
  expect(readTokenCount({ error: {} })).toBe(null);
  expect(writeTokenCount(14)).toEqual({ input_tokens: 14 });
});

test.each([
  [{}, "missing_required_parameter", "model"],
  [{ model: 3 }, "invalid_type", "model"],
  [{ model: "m" }, "missing_required_parameter", "messages"],
  [{ model: "m", messages: "x" }, "invalid_type", "messages"],
  [{ model: "m", messages: [{ role: "tool", content: "x" }] }, "invalid_type", "messages.0.role"],
  [{ model: "m", messages: [{ role: "user" }] }, "invalid_type", "messages.0.content"],
  [
    { model: "m", messages: [{ role: "user", content: [{ type: "text" }] }] },
    "invalid_type",
    "messages.0.content.0.text",
  ],
  [{ model: "m", messages: [{ role: "user", content: [{}] }] }, "invalid_type", "messages.0.content.0.type"],
  [{ model: "m", messages: [], max_tokens: "9" }, "invalid_type", "max_tokens"],
  [{ model: "m", messages: [], tools: [{ name: 3 }] }, "invalid_type", "tools.0.name"],
  [{ model: "m", messages: [], tool_choice: { type: "x" } }, "invalid_type", "tool_choice.type"],
  [{ model: "m", messages: [], thinking: { type: "enabled" } }, "invalid_type", "thinking.budget_tokens"],
  [{ model: "m", messages: [], stop_sequences: [3] }, "invalid_type", "stop_sequences"],
  [
    { model: "m", messages: [], output_config: { format: { type: "x" } } },
    "invalid_type",
    "output_config.format",
  ],
] as [Json, string, string][])("of %j is said %s: %s", (body, code, param) => {
  const error = MESSAGES.readRequest(body, { model: null, stream: false });
  expect(error).toBeInstanceOf(GatewayError);
  expect(error).toMatchObject({ code, param });
});
