// What becomes of the pairs of formats in which most can go wrong, to the byte: what is written lies in `golden/`.
// `bun test/dialects/golden.ts` writes it anew.

import { writeFileSync } from "node:fs";
import { FORMATS } from "../../src/dialects/formats.ts";
import type { AnswerContext } from "../../src/dialects/neutral/format.ts";
import { Losses } from "../../src/dialects/neutral/losses.ts";
import type { ChatRequest } from "../../src/dialects/neutral/request.ts";
import { StreamTranslation, translateAnswer } from "../../src/dialects/translate.ts";
import { GatewayError } from "../../src/errors.ts";

type Json = Readonly<Record<string, unknown>>;
type Client = "chat" | "responses" | "messages" | "gemini";

/** Where the files are. */
export const FOLDER = new URL("./golden/", import.meta.url);

const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const TOOL = { type: "function", function: { name: "weather", description: "Tells it.", parameters: CITY } };

/** What clients asked. */
const ASKED: Readonly<Record<Client, Json>> = {
  chat: {
    ...{ model: "weather", stream_options: { include_usage: true } },
    messages: [{ role: "user", content: "Köln and 東京?" }],
    tools: [TOOL],
  },
  responses: {
    ...{ model: "weather", input: "Köln and 東京?", store: false, include: ["reasoning.encrypted_content"] },
    tools: [{ type: "function", name: "weather", parameters: CITY, strict: false }],
  },
  messages: {
    ...{ model: "weather", max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 2048 } },
    messages: [{ role: "user", content: "Köln and 東京?" }],
    tools: [{ name: "weather", input_schema: CITY }],
  },
  gemini: { contents: [{ role: "user", parts: [{ text: "Köln and 東京?" }] }] },
};

function read(client: Client, body: Json): ChatRequest {
  const request = FORMATS[client]!.format.readRequest(body, { model: "weather", stream: false });
  if (request instanceof GatewayError) throw new Error(`${request.param}: ${request.message}`);
  return request;
}

function contextOf(client: Client, body = ASKED[client]): AnswerContext {
  return { call_id: "call1234", model: "weather", now_s: 1_700_000_000, request: read(client, body) };
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A whole answer, given on. */
function answer(body: Json, from: Client, to: Client, asked?: Json): Json {
  const { format } = FORMATS[from]!;
  const bytes = Buffer.from(JSON.stringify(body));
  const translated = translateAnswer(bytes, format, FORMATS[to]!.format, contextOf(to, asked))!;
  return JSON.parse(Buffer.from(translated.body).toString()) as Json;
}

/** A stream, given on; it comes byte by byte. */
function stream(text: string, from: Client, to: Client): string {
  const translation = new StreamTranslation(FORMATS[from]!.format, FORMATS[to]!.format, contextOf(to));
  const pieces: Uint8Array[] = [];
  for (const byte of Buffer.from(text)) pieces.push(translation.feed(Uint8Array.of(byte)));
  pieces.push(translation.close());
  return Buffer.concat(pieces).toString();
}

/** A request, written for a model. */
function request(body: Json, from: Client, to: Client, model: string): Json {
  const losses = new Losses("error", model);
  const target = { model, provider_kind: to === "messages" ? "anthropic" : "openai" };
  const written = FORMATS[to]!.format.writeRequest(read(from, body), target, losses);
  if (losses.error !== null) throw losses.error;
  return JSON.parse(JSON.stringify(written)) as Json;
}

function sse(events: readonly Json[], ending = ""): string {
  const named = (event: Json) => (typeof event["type"] === "string" ? `event: ${event["type"]}\n` : "");
  return events.map((event) => `${named(event)}data: ${JSON.stringify(event)}\n\n`).join("") + ending;
}

function chunk(delta: Json, finish_reason: string | null = null): Json {
  return {
    ...{ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "gpt" },
    choices: [{ index: 0, delta, finish_reason }],
  };
}

function growing(index: number, args: string, more: Json = {}, id?: string): Json {
  const started = id === undefined ? {} : { id, type: "function" };
  return chunk({ tool_calls: [{ index, ...started, function: { arguments: args, ...more } }] });
}

/** Two calls whose arguments come by turns, behind a text. */
const CALLS_BY_TURNS = sse(
  [
    chunk({ role: "assistant", content: "I look" }),
    chunk({ content: " – 你好." }),
    growing(0, "", { name: "weather" }, "call_a"),
    growing(1, "", { name: "weather" }, "call_b"),
    growing(0, '{"city":'),
    growing(1, '{"city":"東'),
    growing(0, '"Köln"}'),
    growing(1, '京"}'),
    chunk({}, "tool_calls"),
    {
      ...{ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "gpt" },
      choices: [],
      usage: {
        ...{ prompt_tokens: 120, completion_tokens: 40, total_tokens: 160 },
        prompt_tokens_details: { cached_tokens: 100 },
      },
    },
  ],
  "data: [DONE]\n\n",
);

/** Thoughts, one of them redacted, before a text and two calls. */
const THOUGHTS: Json = {
  ...{ id: "msg_1", type: "message", role: "assistant", model: "claude", stop_sequence: null },
  content: [
    { type: "thinking", thinking: "Two cities.", signature: "c2lnbmF0dXJl" },
    { type: "redacted_thinking", data: "cmVkYWN0ZWQ=" },
    { type: "text", text: "I look." },
    { type: "tool_use", id: "toolu_a", name: "weather", input: { city: "Köln" } },
    { type: "tool_use", id: "toolu_b", name: "weather", input: { city: "東京" } },
  ],
  stop_reason: "tool_use",
  usage: {
    ...{ input_tokens: 20, output_tokens: 90, cache_read_input_tokens: 70, cache_creation_input_tokens: 30 },
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  },
};

const THOUGHTS_IN_CHAT = answer(THOUGHTS, "messages", "chat");

/** The client says the thoughts again as they came, and what came of the calls. */
function secondTurn(): Json {
  const [choice] = THOUGHTS_IN_CHAT["choices"] as { message: Json }[];
  return {
    ...{ model: "weather", max_tokens: 4096, reasoning_effort: "low", tools: [TOOL] },
    messages: [
      { role: "user", content: "Köln and 東京?" },
      choice!.message,
      { role: "tool", tool_call_id: "toolu_a", content: "20" },
      { role: "tool", tool_call_id: "toolu_b", content: "30" },
    ],
  };
}

/** Reasoning with summaries and without, between a message and a call. */
const REASONING: Json = {
  ...{ id: "resp_1", object: "response", created_at: 1_700_000_000, status: "completed", model: "gpt" },
  ...{ error: null, incomplete_details: null, service_tier: "default" },
  output: [
    {
      ...{ type: "reasoning", id: "rs_1", encrypted_content: "ZW5jcnlwdGVkMQ==" },
      summary: [
        { type: "summary_text", text: "Two cities." },
        { type: "summary_text", text: "One by one." },
      ],
    },
    {
      ...{ type: "message", id: "msg_1", role: "assistant", status: "completed" },
      content: [{ type: "output_text", text: "I look.", annotations: [] }],
    },
    { type: "reasoning", id: "rs_2", encrypted_content: "ZW5jcnlwdGVkMg==", summary: [] },
    {
      ...{ type: "function_call", id: "fc_1", call_id: "call_a", name: "weather", status: "completed" },
      arguments: '{"city":"Köln"}',
    },
  ],
  usage: {
    ...{ input_tokens: 120, output_tokens: 90, total_tokens: 210 },
    input_tokens_details: { cached_tokens: 100 },
    output_tokens_details: { reasoning_tokens: 64 },
  },
};

/** Calls without ids, the first of which alone is signed, as Gemini does. */
const GEMINI_CALLS = sse([
  {
    candidates: [{ index: 0, content: { role: "model", parts: [{ text: "Two cities.", thought: true }] } }],
    ...{ modelVersion: "gemini", responseId: "response1" },
  },
  {
    candidates: [
      {
        index: 0,
        content: {
          role: "model",
          parts: [
            { functionCall: { name: "weather", args: { city: "Köln" } }, thoughtSignature: "c2lnbmF0dXJl" },
            { functionCall: { name: "weather", args: { city: "東京" } } },
          ],
        },
        finishReason: "STOP",
      },
    ],
    usageMetadata: {
      ...{ promptTokenCount: 120, candidatesTokenCount: 26, thoughtsTokenCount: 64, totalTokenCount: 210 },
    },
    ...{ modelVersion: "gemini", responseId: "response1" },
  },
]);

/** Messages that break off within a text. */
const BROKEN_MESSAGES = sse([
  {
    type: "message_start",
    message: {
      ...{ id: "msg_1", type: "message", role: "assistant", model: "claude", content: [] },
      ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 12, output_tokens: 1 } },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "It is" } },
  { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
]);

/** Chat completions that do. */
const BROKEN_CHAT = sse([
  chunk({ role: "assistant", content: "It is" }),
  { error: { message: "Overloaded", type: "server_error", param: null, code: "overloaded" } },
]);

/** A form, at a model that knows calls of tools only. */
const FORM: Json = {
  ...{ model: "weather", messages: [{ role: "user", content: "Where?" }] },
  response_format: { type: "json_schema", json_schema: { name: "place", schema: CITY } },
};

/** Its answer. The tool's name is the one that the request was given. */
function formAnswer(asked: Json): Json {
  const [tool] = asked["tools"] as { name: string }[];
  return {
    ...{ id: "msg_1", type: "message", role: "assistant", model: "claude", stop_sequence: null },
    content: [{ type: "tool_use", id: "toolu_a", name: tool!.name, input: { city: "Köln" } }],
    ...{ stop_reason: "tool_use", usage: { input_tokens: 20, output_tokens: 9 } },
  };
}

/** What each file has to say. */
export function golden(): Readonly<Record<string, string>> {
  const form = request(FORM, "chat", "messages", "claude-3-5-haiku-20241022");
  return {
    "calls_by_turns.chat_to_messages.sse": stream(CALLS_BY_TURNS, "chat", "messages"),
    "thoughts.messages_to_chat.json": pretty(THOUGHTS_IN_CHAT),
    "thoughts_again.chat_to_messages.json": pretty(
      request(secondTurn(), "chat", "messages", "claude-sonnet-4-5"),
    ),
    "reasoning.responses_to_messages.json": pretty(answer(REASONING, "responses", "messages")),
    "calls.gemini_to_chat.sse": stream(GEMINI_CALLS, "gemini", "chat"),
    "error.messages_to_chat.sse": stream(BROKEN_MESSAGES, "messages", "chat"),
    "error.messages_to_responses.sse": stream(BROKEN_MESSAGES, "messages", "responses"),
    "error.messages_to_gemini.sse": stream(BROKEN_MESSAGES, "messages", "gemini"),
    "error.chat_to_messages.sse": stream(BROKEN_CHAT, "chat", "messages"),
    "form_asked.chat_to_messages.json": pretty(form),
    "form_answered.messages_to_chat.json": pretty(answer(formAnswer(form), "messages", "chat", FORM)),
  };
}

if (import.meta.main)
  for (const [name, text] of Object.entries(golden())) writeFileSync(new URL(name, FOLDER), text);
