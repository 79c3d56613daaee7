// What clients may ask, thing by thing: how each format of clients says it, and how it is found again in what a provider is sent.

import type { Message, Part } from "../../../src/dialects/neutral/parts.ts";
import type { ChatRequest } from "../../../src/dialects/neutral/request.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;
/** What clients speak. */
export const CLIENTS = ["chat", "responses", "messages", "gemini"] as const;
export type Client = (typeof CLIENTS)[number];
/** What providers speak that no client does: what was written for them is not read back, but searched. */
export type Searched = "bedrock" | "cohere" | "ollama";

/** One thing that can be asked. */
export interface Asked {
  readonly name: string;
  /** The request that says it, in the words of each format that has words for it. */
  readonly bodies: Readonly<Partial<Record<Client, Json>>>;
  /** What a request says of it: nothing is null, or an empty list. */
  said(request: ChatRequest): unknown;
  /** What stands in the JSON of a provider that was told: all of it, or it was told in part. */
  readonly marks: readonly string[] | Readonly<Record<Searched, readonly string[]>>;
}

const PNG = "iVBORw0KGgo=";
const PDF = "JVBERi0xLjQK";
const WAV = "UklGRiQAAABXQVZF";
const PICTURE_URL = "https://pictures.example/cat.png";
const PAPER_URL = "https://papers.example/paper.pdf";
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

const chat = (more: Json): Json => ({ model: "m", messages: [{ role: "user", content: "hi" }], ...more });
const responses = (more: Json): Json => ({ model: "m", input: "hi", ...more });
const messages = (more: Json): Json => ({
  ...{ model: "m", max_tokens: 4096, messages: [{ role: "user", content: "hi" }] },
  ...more,
});
const gemini = (more: Json): Json => ({ contents: [{ role: "user", parts: [{ text: "hi" }] }], ...more });

/** The same wish beside a plain question in all formats that have it. */
function beside(wishes: Readonly<Partial<Record<Client, Json>>>): Asked["bodies"] {
  const base = { chat, responses, messages, gemini };
  return Object.fromEntries(
    CLIENTS.flatMap((client) => (wishes[client] ? [[client, base[client](wishes[client])]] : [])),
  );
}

/** A part of the user's beside a text. */
function withPart(parts: Readonly<Partial<Record<Client, Json>>>): Asked["bodies"] {
  const words: Readonly<Record<Client, (part: Json) => Json>> = {
    chat: (part) => ({ messages: [{ role: "user", content: [{ type: "text", text: "hi" }, part] }] }),
    responses: (part) => ({ input: [{ role: "user", content: [{ type: "input_text", text: "hi" }, part] }] }),
    messages: (part) => ({ messages: [{ role: "user", content: [{ type: "text", text: "hi" }, part] }] }),
    gemini: (part) => ({ contents: [{ role: "user", parts: [{ text: "hi" }, part] }] }),
  };
  return beside(
    Object.fromEntries(
      CLIENTS.flatMap((client) => (parts[client] ? [[client, words[client](parts[client])]] : [])),
    ),
  );
}

const TOOL = { name: "weather", description: "Tells the weather.", parameters: SCHEMA };
const TOOLS: Readonly<Record<Client, Json>> = {
  chat: { tools: [{ type: "function", function: TOOL }] },
  responses: { tools: [{ type: "function", ...TOOL, strict: false }] },
  messages: {
    tools: [{ name: TOOL.name, description: TOOL.description, input_schema: SCHEMA }],
  },
  gemini: {
    tools: [
      {
        functionDeclarations: [
          { name: TOOL.name, description: TOOL.description, parametersJsonSchema: SCHEMA },
        ],
      },
    ],
  },
};

/** A wish beside a tool. */
function withTool(wishes: Readonly<Partial<Record<Client, Json>>>): Asked["bodies"] {
  return beside(
    Object.fromEntries(
      CLIENTS.flatMap((client) =>
        wishes[client] ? [[client, { ...TOOLS[client], ...wishes[client] }]] : [],
      ),
    ),
  );
}

const ARGUMENTS = { city: "Köln" };

/** Two calls, and what came of them: `results` is the content of the first one's result. */
function withResults(results: Readonly<Partial<Record<Client, Json>>>): Asked["bodies"] {
  const written = JSON.stringify(ARGUMENTS);
  const call = (id: string) => ({
    id,
    type: "function",
    function: { name: "weather", arguments: written },
  });
  const item = (call_id: string) => ({
    ...{ type: "function_call", call_id, name: "weather", arguments: written },
  });
  const use = (id: string) => ({ type: "tool_use", id, name: "weather", input: ARGUMENTS });
  const functionCall = (id: string) => ({ functionCall: { id, name: "weather", args: ARGUMENTS } });
  const words: Readonly<Record<Client, (result: Json) => Json>> = {
    chat: (result) => ({
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: null, tool_calls: [call("call_a"), call("call_b")] },
        { role: "tool", tool_call_id: "call_a", ...result },
        { role: "tool", tool_call_id: "call_b", content: "SECOND" },
      ],
    }),
    responses: (result) => ({
      input: [
        { role: "user", content: "hi" },
        item("call_a"),
        item("call_b"),
        { type: "function_call_output", call_id: "call_a", ...result },
        { type: "function_call_output", call_id: "call_b", output: "SECOND" },
      ],
    }),
    messages: (result) => ({
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: [use("call_a"), use("call_b")] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_a", ...result },
            { type: "tool_result", tool_use_id: "call_b", content: "SECOND" },
          ],
        },
      ],
    }),
    gemini: (result) => ({
      contents: [
        { role: "user", parts: [{ text: "hi" }] },
        { role: "model", parts: [functionCall("call_a"), functionCall("call_b")] },
        {
          role: "user",
          parts: [
            { functionResponse: { id: "call_a", name: "weather", ...result } },
            { functionResponse: { id: "call_b", name: "weather", response: { output: "SECOND" } } },
          ],
        },
      ],
    }),
  };
  return withTool(
    Object.fromEntries(
      CLIENTS.flatMap((client) => (results[client] ? [[client, words[client](results[client])]] : [])),
    ),
  );
}

function partsOf({ messages: all }: ChatRequest): Part[] {
  return all.flatMap(({ parts }) => parts);
}

function textsOf({ messages: all }: ChatRequest, roles: readonly Message["role"][]): string[] {
  return all.flatMap(({ role, parts }) =>
    roles.includes(role) ? parts.flatMap((part) => (part.kind === "text" ? [part.text] : [])) : [],
  );
}

/** The media of one kind, but for what they are called. */
function mediaOf(kind: "image" | "audio" | "file"): Asked["said"] {
  return (request) => partsOf(request).flatMap((part) => (part.kind === kind ? [part.source] : []));
}

function resultsOf(request: ChatRequest) {
  return partsOf(request).flatMap((part) => (part.kind === "tool_result" ? [part] : []));
}

/** Everything that clients may ask of the kinds that formats differ in. */
export const ASKED: readonly Asked[] = [
  {
    name: "texts of several turns",
    bodies: {
      chat: chat({
        messages: [
          { role: "user", content: "HELLO" },
          { role: "assistant", content: "THERE" },
          { role: "user", content: "AGAIN" },
        ],
      }),
      responses: responses({
        input: [
          { role: "user", content: "HELLO" },
          { role: "assistant", content: "THERE" },
          { role: "user", content: "AGAIN" },
        ],
      }),
      messages: messages({
        messages: [
          { role: "user", content: "HELLO" },
          { role: "assistant", content: "THERE" },
          { role: "user", content: "AGAIN" },
        ],
      }),
      gemini: gemini({
        contents: [
          { role: "user", parts: [{ text: "HELLO" }] },
          { role: "model", parts: [{ text: "THERE" }] },
          { role: "user", parts: [{ text: "AGAIN" }] },
        ],
      }),
    },
    said: (request) => textsOf(request, ["user", "assistant"]),
    marks: ["HELLO", "THERE", "AGAIN"],
  },
  {
    name: "system prompt",
    bodies: beside({
      chat: {
        messages: [
          { role: "system", content: "SHORT" },
          { role: "user", content: "hi" },
        ],
      },
      responses: { instructions: "SHORT" },
      messages: { system: "SHORT" },
      gemini: { systemInstruction: { parts: [{ text: "SHORT" }] } },
    }),
    said: (request) => textsOf(request, ["system", "developer"]),
    marks: ["SHORT"],
  },
  {
    name: "image (bytes)",
    bodies: withPart({
      chat: { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
      responses: { type: "input_image", image_url: `data:image/png;base64,${PNG}`, detail: "auto" },
      messages: { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
      gemini: { inlineData: { mimeType: "image/png", data: PNG } },
    }),
    said: mediaOf("image"),
    marks: [PNG],
  },
  {
    name: "image (URL)",
    bodies: withPart({
      chat: { type: "image_url", image_url: { url: PICTURE_URL } },
      responses: { type: "input_image", image_url: PICTURE_URL, detail: "auto" },
      messages: { type: "image", source: { type: "url", url: PICTURE_URL } },
      gemini: { fileData: { mimeType: "image/png", fileUri: PICTURE_URL } },
    }),
    said: mediaOf("image"),
    marks: [PICTURE_URL],
  },
  {
    name: "PDF (bytes)",
    bodies: withPart({
      chat: { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${PDF}` } },
      responses: { type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${PDF}` },
      messages: { type: "document", source: { type: "base64", media_type: "application/pdf", data: PDF } },
      gemini: { inlineData: { mimeType: "application/pdf", data: PDF } },
    }),
    said: mediaOf("file"),
    marks: [PDF],
  },
  {
    name: "PDF (URL)",
    bodies: withPart({
      responses: { type: "input_file", file_url: PAPER_URL },
      messages: { type: "document", source: { type: "url", url: PAPER_URL } },
      gemini: { fileData: { mimeType: "application/pdf", fileUri: PAPER_URL } },
    }),
    said: mediaOf("file"),
    marks: [PAPER_URL],
  },
  {
    name: "audio",
    bodies: withPart({
      chat: { type: "input_audio", input_audio: { data: WAV, format: "wav" } },
      gemini: { inlineData: { mimeType: "audio/wav", data: WAV } },
    }),
    said: (request) =>
      partsOf(request).flatMap((part) =>
        part.kind === "audio" && part.source.kind === "base64" ? [part.source.data] : [],
      ),
    marks: [WAV],
  },
  {
    name: "tools",
    bodies: beside(TOOLS),
    said: ({ tools }) =>
      tools.map((tool) =>
        tool.kind === "function" ? [tool.name, tool.description, tool.parameters] : tool.kind,
      ),
    marks: ['"weather"', "Tells the weather.", JSON.stringify(SCHEMA.properties)],
  },
  {
    name: "must call some tool",
    bodies: withTool({
      chat: { tool_choice: "required" },
      responses: { tool_choice: "required" },
      messages: { tool_choice: { type: "any" } },
      gemini: { toolConfig: { functionCallingConfig: { mode: "ANY" } } },
    }),
    said: ({ tool_choice }) => tool_choice,
    marks: {
      bedrock: ['"toolChoice":{"any"'],
      cohere: ['"tool_choice":"REQUIRED"'],
      ollama: ['"tool_choice"'],
    },
  },
  {
    name: "must call one tool",
    bodies: withTool({
      chat: { tool_choice: { type: "function", function: { name: "weather" } } },
      responses: { tool_choice: { type: "function", name: "weather" } },
      messages: { tool_choice: { type: "tool", name: "weather" } },
      gemini: { toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } } },
    }),
    // Of one tool that is defined, one that must be called and one that alone may be called are the same.
    said: ({ tool_choice: choice }) =>
      choice?.kind === "tool" ? [choice.name] : choice?.kind === "allowed" ? choice.names : choice,
    marks: {
      bedrock: ['"toolChoice":{"tool":{"name":"weather"'],
      // It has no name for one tool: the others are left out.
      cohere: ['"tool_choice":"REQUIRED"'],
      ollama: ['"tool_choice"'],
    },
  },
  {
    name: "one call at a time",
    bodies: withTool({
      chat: { parallel_tool_calls: false },
      responses: { parallel_tool_calls: false },
      messages: { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    }),
    said: ({ parallel_tool_calls }) => parallel_tool_calls,
    marks: {
      bedrock: ["disable_parallel_tool_use"],
      cohere: ["parallel_tool_calls"],
      ollama: ["parallel_tool_calls"],
    },
  },
  {
    name: "calls at once, with results",
    bodies: withResults({
      chat: { content: "FIRST" },
      responses: { output: "FIRST" },
      messages: { content: "FIRST" },
      gemini: { response: { output: "FIRST" } },
    }),
    said: (request) => [
      ...partsOf(request).flatMap((part) =>
        part.kind === "tool_call" ? [[part.name, JSON.parse(part.arguments) as unknown]] : [],
      ),
      ...resultsOf(request).map(({ content }) =>
        content.flatMap((part) => (part.kind === "text" ? [part.text] : [])),
      ),
    ],
    marks: ["Köln", "FIRST", "SECOND"],
  },
  {
    name: "result with an image",
    bodies: withResults({
      responses: { output: [{ type: "input_image", image_url: `data:image/png;base64,${PNG}` }] },
      messages: {
        content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } }],
      },
      gemini: { response: {}, parts: [{ inlineData: { mimeType: "image/png", data: PNG } }] },
    }),
    // Where results hold texts only, the image comes behind them, with the user's words.
    said: (request) =>
      [...resultsOf(request).flatMap(({ content }) => content), ...partsOf(request)].flatMap((part) =>
        part.kind === "image" ? [part.source] : [],
      ),
    marks: [PNG],
  },
  {
    name: "result that is an error",
    bodies: withResults({
      messages: { content: "FIRST", is_error: true },
      gemini: { response: { error: "FIRST" } },
    }),
    // What went wrong is told everywhere; that it is an error, not.
    said: (request) =>
      resultsOf(request).map(({ content, is_error }) => [
        content.flatMap((part) => (part.kind === "text" ? [part.text] : [])),
        is_error,
      ]),
    marks: {
      bedrock: ["FIRST", '"status":"error"'],
      cohere: ["FIRST", '"is_error"'],
      ollama: ["FIRST", '"is_error"'],
    },
  },
  {
    name: "answer by a JSON schema",
    bodies: beside({
      chat: {
        response_format: {
          type: "json_schema",
          json_schema: { name: "place", schema: SCHEMA, strict: true },
        },
      },
      responses: { text: { format: { type: "json_schema", name: "place", schema: SCHEMA, strict: true } } },
      messages: { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
      gemini: {
        generationConfig: { responseMimeType: "application/json", responseJsonSchema: SCHEMA },
      },
    }),
    said: ({ output }) => (output?.kind === "schema" ? output.schema : null),
    marks: {
      bedrock: ['"city'],
      cohere: ['"json_schema":', '"city"'],
      ollama: ['"format":{', '"city"'],
    },
  },
  {
    name: "answer in JSON",
    bodies: beside({
      chat: { response_format: { type: "json_object" } },
      responses: { text: { format: { type: "json_object" } } },
      gemini: { generationConfig: { responseMimeType: "application/json" } },
    }),
    said: ({ output, tools }) => (output === null && tools.length > 0 ? tools : output),
    marks: { bedrock: ['"toolChoice":'], cohere: ['"json_object"'], ollama: ['"format":"json"'] },
  },
  {
    name: "effort of thinking",
    bodies: beside({
      chat: { reasoning_effort: "low" },
      responses: { reasoning: { effort: "low" } },
      messages: { output_config: { effort: "low" } },
      gemini: { generationConfig: { thinkingConfig: { thinkingLevel: "LOW" } } },
    }),
    said: ({ reasoning }) => reasoning?.effort ?? reasoning?.budget_tokens ?? null,
    marks: {
      bedrock: ['"effort":"low"', '"thinking":{"type":"enabled"'],
      cohere: ['"effort":"low"', '"thinking":{"type":"enabled"'],
      ollama: ['"think":"low"'],
    },
  },
  {
    name: "budget of thinking",
    bodies: beside({
      messages: { max_tokens: 9000, thinking: { type: "enabled", budget_tokens: 5000 } },
      gemini: { generationConfig: { thinkingConfig: { thinkingBudget: 5000 } } },
    }),
    said: ({ reasoning }) => reasoning?.budget_tokens ?? reasoning?.effort ?? null,
    marks: {
      bedrock: ['"budget_tokens":5000'],
      cohere: ['"token_budget":5000'],
      ollama: ['"think":', "5000"],
    },
  },
  {
    name: "stop sequences",
    bodies: beside({
      chat: { stop: ["HALT"] },
      messages: { stop_sequences: ["HALT"] },
      gemini: { generationConfig: { stopSequences: ["HALT"] } },
    }),
    said: ({ stop }) => stop,
    marks: ["HALT"],
  },
  {
    name: "several answers (`n`)",
    bodies: beside({ chat: { n: 3 }, gemini: { generationConfig: { candidateCount: 3 } } }),
    said: ({ choices }) => choices,
    marks: { bedrock: [":3"], cohere: [":3"], ollama: [":3"] },
  },
  {
    name: "log probabilities",
    bodies: beside({
      chat: { logprobs: true, top_logprobs: 2 },
      responses: { include: ["message.output_text.logprobs"], top_logprobs: 2 },
      gemini: { generationConfig: { responseLogprobs: true, logprobs: 2 } },
    }),
    said: ({ logprobs }) => logprobs,
    marks: {
      bedrock: ["logprobs"],
      cohere: ['"logprobs":true', '"top_logprobs":2'],
      ollama: ['"logprobs":true', '"top_logprobs":2'],
    },
  },
  {
    name: "seed",
    bodies: beside({ chat: { seed: 4711 }, gemini: { generationConfig: { seed: 4711 } } }),
    said: ({ seed }) => seed,
    marks: [":4711"],
  },
  {
    name: "most tokens",
    bodies: beside({
      chat: { max_completion_tokens: 777 },
      responses: { max_output_tokens: 777 },
      messages: { max_tokens: 777 },
      gemini: { generationConfig: { maxOutputTokens: 777 } },
    }),
    said: ({ max_tokens }) => max_tokens,
    marks: [":777"],
  },
  {
    name: "`top_k`",
    bodies: beside({ messages: { top_k: 17 }, gemini: { generationConfig: { topK: 17 } } }),
    said: ({ top_k }) => top_k,
    marks: [":17"],
  },
  {
    name: "documents to be cited",
    bodies: withPart({
      messages: {
        ...{ type: "document", title: "paper", citations: { enabled: true } },
        source: { type: "text", media_type: "text/plain", data: "ON CATS" },
      },
    }),
    said: (request) =>
      partsOf(request).flatMap((part) =>
        part.kind === "file"
          ? [["ON CATS", part.citations === true]]
          : part.kind === "text" && part.text.includes("ON CATS")
            ? [["ON CATS", false]]
            : [],
      ),
    marks: {
      bedrock: ["ON CATS", '"citations":{"enabled":true}'],
      cohere: ["ON CATS", '"documents":'],
      ollama: ["ON CATS", '"citations"'],
    },
  },
  {
    name: "marks for the prompt cache",
    bodies: withPart({
      chat: { type: "text", text: "LONG", cache_control: { type: "ephemeral" } },
      messages: { type: "text", text: "LONG", cache_control: { type: "ephemeral" } },
    }),
    said: (request) =>
      partsOf(request).flatMap((part) => (part.kind !== "own" && part.cache ? [part.cache] : [])),
    marks: { bedrock: ['"cachePoint"'], cohere: ['"cache_control"'], ollama: ['"cache_control"'] },
  },
  {
    name: "service tier",
    bodies: beside({
      chat: { service_tier: "priority" },
      responses: { service_tier: "priority" },
      messages: { service_tier: "standard_only" },
      gemini: { serviceTier: "priority" },
    }),
    said: ({ service_tier }) => service_tier,
    marks: {
      bedrock: ['"serviceTier":{"type":'],
      cohere: ['"service_tier"'],
      ollama: ['"service_tier"'],
    },
  },
];
