// A request for a message into the neutral one.
// Source: https://platform.claude.com/docs/en/api/messages/create; the SDK's `MessageCreateParamsBase`.

import { GatewayError } from "../../errors.ts";
import { isFields, record } from "../fields.ts";
import type { RequestPlace } from "../neutral/format.ts";
import type { Message } from "../neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST, type OutputFormat } from "../neutral/request.ts";
import { type Fields, FORMAT, ownOf } from "./own.ts";
import { badField, type CallNames, readContent } from "./read_blocks.ts";
import { isKnownThinking, readReasoning } from "./reasoning.ts";
import { readAskedTier } from "./service_tier.ts";
import { readTool, readToolChoice } from "./tools.ts";

const KNOWN = new Set([
  ...[
    "model",
    "messages",
    "system",
    "max_tokens",
    "stream",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
  ],
  ...["tools", "tool_choice", "thinking", "output_config", "output_format", "metadata", "service_tier"],
]);

/** Reads a body, or says which field is wrong. Requests to count tokens are read too: they lack `max_tokens`. */
export function readRequest(body: Fields, { model, stream }: RequestPlace): ChatRequest | GatewayError {
  try {
    return requestOf(body, model, stream);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

function requestOf(body: Fields, placed_model: string | null, streams: boolean): ChatRequest {
  const output_config = optionalFields(body, "output_config");
  const metadata = optionalFields(body, "metadata");
  const { effort, format, ...other_config } = output_config;
  const { user_id, ...other_metadata } = metadata;
  refuseThread(body["thread"]);
  const tools = body["tools"] ?? [];
  if (!Array.isArray(tools)) throw badField("tools", "a valid list");
  return {
    ...EMPTY_REQUEST,
    model: modelOf(body["model"] ?? placed_model),
    stream: optionalBoolean(body, "stream") ?? streams,
    asks_usage: true,
    messages: readMessages(body),
    tools: tools.map((tool: unknown, index) => readTool(tool, `tools.${index}`)),
    ...readToolChoice(body["tool_choice"]),
    output: outputOf(format ?? body["output_format"]),
    max_tokens: optionalNumber(body, "max_tokens"),
    temperature: optionalNumber(body, "temperature"),
    top_p: optionalNumber(body, "top_p"),
    top_k: optionalNumber(body, "top_k"),
    stop: stopOf(body["stop_sequences"]),
    reasoning: readReasoning(body["thinking"], effort),
    user: typeof user_id === "string" ? user_id : null,
    service_tier: tierOf(body["service_tier"]),
    own: {
      format: FORMAT,
      fields: {
        ...ownOf(body, KNOWN).own?.fields,
        ...some("output_config", other_config),
        ...some("metadata", other_metadata),
        ...(body["thinking"] == null || isKnownThinking(body["thinking"])
          ? {}
          : { thinking: body["thinking"] }),
      },
    },
  };
}

/**
 * Nobody else holds a conversation that began at Anthropic. Its SDKs then send all of it again (`BetaMessageThreadParam`; the code is
 * Anthropic's own).
 */
function refuseThread(thread: unknown): void {
  if (record(thread)["type"] !== "continue") return;
  const message = "The conversation that `thread` continues is not held by what this model is served by.";
  throw new GatewayError("thread_not_found", message, { param: "thread" });
}

function some(name: string, fields: Fields): Fields {
  return Object.values(fields).some((value) => value != null) ? { [name]: fields } : {};
}

function modelOf(model: unknown): string {
  if (typeof model === "string" && model !== "") return model;
  if (model != null) throw badField("model", "a valid string");
  throw new GatewayError("missing_required_parameter", "model: Field required", { param: "model" });
}

function readMessages(body: Fields): Message[] {
  const { system, messages } = body;
  if (messages === undefined)
    throw new GatewayError("missing_required_parameter", "messages: Field required", { param: "messages" });
  if (!Array.isArray(messages)) throw badField("messages", "a valid list");
  const names: CallNames = new Map();
  const read = messages.map((message: unknown, index) => readMessage(message, `messages.${index}`, names));
  if (system == null) return read;
  const parts = readContent(system, "system", names);
  return parts.length === 0 ? read : [{ role: "system", parts }, ...read];
}

const MESSAGE = new Set(["role", "content"]);

function readMessage(message: unknown, path: string, names: CallNames): Message {
  if (!isFields(message)) throw badField(path, "a valid dictionary");
  const { role, content } = message;
  if (role !== "user" && role !== "assistant" && role !== "system")
    throw badField(`${path}.role`, "'user', 'assistant' or 'system'");
  return { role, parts: readContent(content, `${path}.content`, names), ...ownOf(message, MESSAGE) };
}

/** The format names no schema; those that do want a name. */
const SCHEMA_NAME = "answer";

function outputOf(format: unknown): OutputFormat | null {
  if (format == null) return null;
  const { type, schema } = record(format);
  if (type !== "json_schema" || !isFields(schema)) throw badField("output_config.format", "a JSON schema");
  return { kind: "schema", name: SCHEMA_NAME, schema, strict: null };
}

function stopOf(stop: unknown): readonly string[] {
  if (stop == null) return [];
  if (!Array.isArray(stop) || !stop.every((one) => typeof one === "string"))
    throw badField("stop_sequences", "a list of strings");
  return stop;
}

function tierOf(tier: unknown): string | null {
  if (tier == null) return null;
  if (typeof tier !== "string") throw badField("service_tier", "a valid string");
  return readAskedTier(tier);
}

function optionalFields(body: Fields, name: string): Fields {
  const value = body[name] ?? {};
  if (!isFields(value)) throw badField(name, "a valid dictionary");
  return value;
}

function optionalNumber(body: Fields, name: string): number | null {
  const value = body[name] ?? null;
  if (value !== null && typeof value !== "number") throw badField(name, "a valid number");
  return value;
}

function optionalBoolean(body: Fields, name: string): boolean | null {
  const value = body[name] ?? null;
  if (value !== null && typeof value !== "boolean") throw badField(name, "a valid boolean");
  return value;
}
