// A `generateContent` request into the neutral one. Fields may be in camelCase or snake_case.
// Source: https://ai.google.dev/api/generate-content; Vertex: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference

import { GatewayError } from "../../errors.ts";
import { isFields } from "../fields.ts";
import type { RequestPlace } from "../neutral/format.ts";
import type { Message, Part } from "../neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../neutral/request.ts";
import { CallIds } from "./call_ids.ts";
import { readGenerationConfig } from "./generation_config.ts";
import { camelFields, textOf, unknownFields } from "./names.ts";
import { readFunctionResponse, readPart } from "./read_parts.ts";
import { readTool, readToolConfig } from "./tools.ts";

type Json = Readonly<Record<string, unknown>>;

const REQUEST = new Set([
  ...["model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier"],
]);
const ROLES: Readonly<Record<string, "user" | "assistant">> = {
  user: "user",
  model: "assistant",
  // Older clients have results of functions apart.
  function: "user",
};

/** Reads a request's body. Errors name the field as the client has it, in camelCase. */
export function readGeminiRequest(body: Json, place: RequestPlace): ChatRequest | GatewayError {
  const request = camelFields(body) ?? {};
  const model = place.model ?? textOf(request["model"]) ?? "";
  if (model === "")
    return new GatewayError("missing_required_parameter", "'model' is missing.", { param: "model" });
  const system = readSystem(request["systemInstruction"]);
  if (system instanceof GatewayError) return system;
  const contents = readContents(request["contents"]);
  if (contents instanceof GatewayError) return contents;
  const { tools: given_tools, serviceTier } = request;
  if (given_tools !== undefined && given_tools !== null && !Array.isArray(given_tools))
    return wrongType("tools", "a list");
  const tools = (given_tools ?? []) as readonly unknown[];
  const config = readGenerationConfig(request["generationConfig"]);
  if (config instanceof GatewayError) return config;
  const { choice, own: tool_config } = readToolConfig(request["toolConfig"]);
  const own = {
    ...unknownFields(request, REQUEST),
    ...(tool_config === undefined ? {} : { toolConfig: tool_config }),
    ...(config.own === undefined ? {} : { generationConfig: config.own }),
  };
  return {
    ...EMPTY_REQUEST,
    ...config.said,
    ...{ model, stream: place.stream, asks_usage: true },
    messages: [...system, ...contents],
    tools: tools.flatMap(readTool),
    tool_choice: choice,
    service_tier: readTier(serviceTier),
    own: Object.keys(own).length === 0 ? null : { format: "gemini", fields: own },
  };
}

/** Gemini's tier `standard` is what others call their default. */
function readTier(tier: unknown): string | null {
  const name = textOf(tier)?.toLowerCase();
  if (name === undefined || name === "unspecified") return null;
  return name === "standard" ? "default" : name;
}

function wrongType(param: string, wanted: string): GatewayError {
  return new GatewayError("invalid_type", `'${param}' must be ${wanted}.`, { param });
}

function readSystem(value: unknown): Message[] | GatewayError {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [{ role: "system", parts: [{ kind: "text", text: value }] }];
  const content = camelFields(value);
  if (content === null) return wrongType("systemInstruction", "a content");
  const parts = readParts(content["parts"], "systemInstruction.parts", (part) =>
    readPart(part, new CallIds("")),
  );
  if (parts instanceof GatewayError) return parts;
  return parts.length === 0 ? [] : [{ role: "system", parts }];
}

function readContents(value: unknown): Message[] | GatewayError {
  const contents = typeof value === "string" ? [{ parts: [{ text: value }] }] : value;
  if (contents === undefined || contents === null)
    return new GatewayError("missing_required_parameter", "'contents' is missing.", { param: "contents" });
  // Its SDKs' servers take a single content for a list of one.
  const list: readonly unknown[] = Array.isArray(contents) ? contents : [contents];
  const calls = new OpenCalls();
  const messages: GrowingMessage[] = [];
  for (const [index, content] of list.entries()) {
    const message = readContent(content, `contents[${index}]`, calls);
    if (message instanceof GatewayError) return message;
    const last = messages.at(-1);
    if (last?.role === message.role) append(last, message.parts);
    else messages.push(message);
  }
  return messages;
}

interface GrowingMessage {
  readonly role: "user" | "assistant";
  readonly parts: Part[];
}

/** Contents of one role are one message. SDKs keep a streamed answer as the contents of its chunks: its texts are put together again. */
function append({ role, parts }: GrowingMessage, more: readonly Part[]): void {
  const [first, ...others] = more;
  const last = parts.at(-1);
  if (first === undefined) return;
  const joined = role === "assistant" && last !== undefined ? joinedParts(last, first) : null;
  if (joined === null) parts.push(first);
  else parts[parts.length - 1] = joined;
  for (const part of others) parts.push(part);
}

/** Two pieces of a text or a thought as one; null where they are none. What Gemini signed stays as it was signed. */
function joinedParts(before: Part, after: Part): Part | null {
  if (before.kind !== after.kind || (before.kind !== "text" && before.kind !== "thinking")) return null;
  if (after.kind !== "text" && after.kind !== "thinking") return null;
  if (before.signature !== undefined || before.own !== undefined || after.own !== undefined) return null;
  if (after.signature?.format === "gemini") return null;
  if (before.kind === "thinking" && before.encrypted !== undefined) return null;
  return { ...before, ...after, text: before.text + after.text } as Part;
}

function readContent(value: unknown, place: string, calls: OpenCalls): GrowingMessage | GatewayError {
  const content = camelFields(value);
  if (content === null) return wrongType(place, "an object");
  const given = content["role"] ?? "user";
  const role = typeof given === "string" && Object.hasOwn(ROLES, given) ? ROLES[given] : undefined;
  if (role === undefined)
    return new GatewayError("invalid_value", `'${place}.role' must be user or model.`, {
      param: `${place}.role`,
    });
  const parts = readParts(content["parts"], `${place}.parts`, (part) => calls.read(part));
  return parts instanceof GatewayError ? parts : { role, parts };
}

function readParts(
  value: unknown,
  place: string,
  read: (part: unknown) => Part | null,
): Part[] | GatewayError {
  if (value === undefined || value === null) return [];
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const parts: Part[] = [];
  for (const [index, item] of given.entries()) {
    const given_part = typeof item === "string" ? { text: item } : item;
    if (!isFields(given_part)) return wrongType(`${place}[${index}]`, "an object");
    const part = read(given_part);
    if (part !== null) parts.push(part);
  }
  return parts;
}

/** The calls of the history that have no response yet: a response without an id is for the first of its name. */
class OpenCalls {
  readonly #ids = new CallIds("");
  readonly #open = new Map<string, Set<string>>();

  read(value: unknown): Part | null {
    const result = readFunctionResponse(value, (name, id) => this.#answered(name, id));
    if (result !== null) return result;
    const part = readPart(value, this.#ids);
    if (part?.kind === "tool_call") {
      const ids = this.#open.get(part.name);
      if (ids === undefined) this.#open.set(part.name, new Set([part.id]));
      else ids.add(part.id);
    }
    return part;
  }

  #answered(name: string, id: string | undefined): string {
    const ids = this.#open.get(name);
    const answered = id === undefined || id === "" ? ids?.values().next().value : id;
    if (answered === undefined) return this.#ids.next(name);
    ids?.delete(answered);
    return answered;
  }
}
