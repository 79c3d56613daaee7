// A request of the Responses format (OpenAI API reference, "Create a model response").
// Items of one turn of the model's, which stand side by side here, become the parts of one message.

import type { GatewayError } from "../../errors.ts";
import { isFields } from "../fields.ts";
import type { RequestPlace } from "../neutral/format.ts";
import type { Message, Part } from "../neutral/parts.ts";
import { type ChatRequest, EMPTY_REQUEST, type OutputFormat, type Reasoning } from "../neutral/request.ts";
import { Faults } from "./faults.ts";
import { type Fields, kept, others } from "./own.ts";
import { readContent } from "./read_content.ts";
import { ItemReader } from "./read_items.ts";
import { readToolChoice, readTools } from "./read_tools.ts";

/** What a body's fields are read into; all others are kept as they are. */
const READ = new Set([
  ...["model", "stream", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "text"],
  ...["max_output_tokens", "temperature", "top_p", "top_logprobs", "reasoning", "user", "metadata"],
  ...["service_tier", "prompt_cache_key"],
]);
/** `safety_identifier` is the user as well. */
const SILENT = new Set(["include", "store", "stream_options", "safety_identifier"]);
/** What the model is asked besides what stands in the request, and an answer that nobody waits for. */
const ESSENTIAL = new Set(["previous_response_id", "conversation", "prompt", "background"]);
const TEXT = new Set(["format", "verbosity"]);
const REASONING = new Set(["effort", "summary", "generate_summary"]);
const MESSAGE = new Set(["type", "role", "content"]);
const OUTPUT = new Set(["type", "call_id", "output", "status"]);
const ROLES: ReadonlySet<unknown> = new Set(["user", "system", "developer"]);

/** Fields that an input comes from where there is none in the body. */
const OTHER_INPUTS = ["previous_response_id", "conversation", "prompt"];

/** Reads a request's body. */
export function readRequest(body: Fields, place: RequestPlace): ChatRequest | GatewayError {
  const faults = new Faults();
  const model = body["model"] ?? place.model ?? undefined;
  const { choice, own: own_choice } = readToolChoice(body["tool_choice"], faults);
  const text = faults.object(body["text"], "text") ?? {};
  const reasoning = faults.object(body["reasoning"], "reasoning");
  const top = faults.optional(body["top_logprobs"], "number", "top_logprobs");
  const includes = faults.list(body["include"], "include").includes("message.output_text.logprobs");
  const user = faults.optional(body["user"], "string", "user");
  const safety_identifier = faults.optional(body["safety_identifier"], "string", "safety_identifier");
  const rest = Object.entries(others(body, READ)).filter(([, value]) => value !== null);
  const request: ChatRequest = {
    ...EMPTY_REQUEST,
    model: faults.string(model, "model"),
    stream: (faults.optional(body["stream"], "boolean", "stream") ?? false) || place.stream,
    asks_usage: true,
    messages: [...readInstructions(body["instructions"], faults), ...readInput(body, faults)],
    tools: readTools(body["tools"], faults),
    tool_choice: choice,
    parallel_tool_calls: faults.optional(body["parallel_tool_calls"], "boolean", "parallel_tool_calls"),
    output: readFormat(text["format"], faults),
    verbosity: faults.optional(text["verbosity"], "string", "text.verbosity"),
    max_tokens: faults.optional(body["max_output_tokens"], "number", "max_output_tokens"),
    temperature: faults.optional(body["temperature"], "number", "temperature"),
    top_p: faults.optional(body["top_p"], "number", "top_p"),
    logprobs: top !== null || includes ? { top: top ?? 0 } : null,
    reasoning: reasoning === null ? null : readReasoningWish(reasoning, faults),
    user: user ?? safety_identifier,
    metadata: readMetadata(body["metadata"], faults),
    service_tier: faults.optional(body["service_tier"], "string", "service_tier"),
    prompt_cache_key: faults.optional(body["prompt_cache_key"], "string", "prompt_cache_key"),
    own: {
      format: "responses",
      silent: Object.fromEntries(rest.filter((field) => goesWithoutSaying(field))),
      essential: rest
        .filter((field) => !goesWithoutSaying(field))
        .flatMap(([name]) => (ESSENTIAL.has(name) ? [name] : [])),
      fields: {
        ...Object.fromEntries(rest.filter((field) => !goesWithoutSaying(field))),
        ...part("text", others(text, TEXT)),
        ...part("reasoning", others(reasoning ?? {}, REASONING)),
        ...(own_choice === undefined ? {} : { tool_choice: own_choice }),
      },
    },
  };
  return faults.first ?? request;
}

/**
 * Whether a field asks nothing of another format: what is to be included of reasoning and log probabilities is asked for in other ways,
 * what is stored is the gateway's to store, and a default is what happens anyhow.
 */
function goesWithoutSaying([name, value]: readonly [name: string, value: unknown]): boolean {
  if (SILENT.has(name)) return true;
  return (name === "truncation" && value === "disabled") || (name === "background" && value === false);
}

function part(name: string, fields: Fields): Fields {
  return Object.keys(fields).length === 0 ? {} : { [name]: fields };
}

/** A system message like those of the input, but for the mark. */
function readInstructions(value: unknown, faults: Faults): Message[] {
  const text = faults.optional(value, "string", "instructions");
  if (text === null) return [];
  return [{ role: "system", parts: [{ kind: "text", text }], ...kept({ is_instructions: true }) }];
}

function readInput(body: Fields, faults: Faults): readonly Message[] {
  const { input } = body;
  if (typeof input === "string") return [{ role: "user", parts: [{ kind: "text", text: input }] }];
  if (input === undefined || input === null) {
    if (OTHER_INPUTS.every((name) => body[name] === undefined || body[name] === null))
      faults.missing("input");
    return [];
  }
  if (!Array.isArray(input)) {
    faults.type("input", "a string or an array", input);
    return [];
  }
  const reader = new InputReader(faults);
  for (const [index, item] of input.entries()) {
    if (isFields(item)) reader.take(item, `input[${index}]`);
    else faults.type(`input[${index}]`, "an object", item);
  }
  return reader.messages();
}

/** Gathers items into messages. */
class InputReader {
  readonly #faults: Faults;
  readonly #messages: Message[] = [];
  /** The turn of the model's that is being read. */
  #turn: ItemReader | null = null;
  readonly #names = new Map<string, string>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  take(item: Fields, param: string): void {
    const { type, role } = item;
    if (type === "message" || (type === undefined && role !== undefined)) this.#takeMessage(item, param);
    else if (type === "function_call" || type === "custom_tool_call") this.#takeCall(item, param);
    else if (type === "function_call_output" || type === "custom_tool_call_output")
      this.#takeOutput(item, param);
    else if (isOfClient(type))
      this.#push({ role: "user", parts: [{ kind: "own", format: "responses", value: item }] });
    else this.#ofModel().take(item);
  }

  messages(): readonly Message[] {
    this.#endTurn();
    return this.#messages;
  }

  #takeMessage(item: Fields, param: string): void {
    const { role, content } = item;
    if (role === "assistant") {
      const parts = readContent(content, `${param}.content`, this.#faults);
      // What stands on the item's first part tells where an item begins.
      const [first, ...more] = parts;
      if (first === undefined) return;
      const marked = first.kind === "own" ? first : { ...first, ...marking(first, others(item, MESSAGE)) };
      this.#ofModel().parts.push(marked, ...more);
    } else if (ROLES.has(role)) {
      const parts = readContent(content, `${param}.content`, this.#faults);
      this.#push({ role: role as "user", parts, ...kept(others(item, MESSAGE)) });
    } else if (typeof role === "string") {
      this.#faults.value(
        `${param}.role`,
        `Invalid value: '${role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.`,
      );
    } else this.#faults.type(`${param}.role`, "a string", role);
  }

  #takeCall(item: Fields, param: string): void {
    const name = this.#faults.string(item["name"], `${param}.name`);
    const args = item["type"] === "function_call" ? "arguments" : "input";
    this.#faults.string(item[args], `${param}.${args}`);
    const call_id = item["call_id"] ?? item["id"];
    this.#names.set(this.#faults.string(call_id, `${param}.call_id`), name);
    this.#ofModel().take(item);
  }

  #takeOutput(item: Fields, param: string): void {
    const call_id = this.#faults.string(item["call_id"], `${param}.call_id`);
    const name = this.#names.get(call_id);
    const result: Part = {
      ...{ kind: "tool_result", call_id },
      ...(name === undefined ? {} : { name }),
      content: readContent(item["output"], `${param}.output`, this.#faults),
      is_error: item["status"] === "incomplete",
      ...(item["type"] === "custom_tool_call_output" ? { is_custom: true } : {}),
      ...kept(others(item, OUTPUT)),
    };
    this.#push({ role: "tool", parts: [result] });
  }

  #ofModel(): ItemReader {
    this.#turn ??= new ItemReader();
    return this.#turn;
  }

  #push(message: Message): void {
    this.#endTurn();
    this.#messages.push(message);
  }

  #endTurn(): void {
    if (this.#turn !== null && this.#turn.parts.length > 0)
      this.#messages.push({ role: "assistant", parts: this.#turn.parts });
    this.#turn = null;
  }
}

function marking(first: Exclude<Part, { kind: "own" }>, item: Fields): ReturnType<typeof kept> {
  return kept({ item, ...first.own?.fields });
}

/** Whether an item that only this format knows is said by the client: what a tool of its gave back, mostly. */
function isOfClient(type: unknown): boolean {
  if (typeof type !== "string") return false;
  return type.endsWith("_output") || type.endsWith("_response") || type === "compaction_trigger";
}

function readFormat(value: unknown, faults: Faults): OutputFormat | null {
  const format = faults.object(value, "text.format");
  if (format === null) return null;
  switch (format["type"]) {
    case "text":
      return { kind: "text" };
    case "json_object":
      return { kind: "json" };
    case "json_schema": {
      const description = faults.optional(format["description"], "string", "text.format.description");
      const schema = faults.object(format["schema"], "text.format.schema");
      if (schema === null) faults.missing("text.format.schema");
      return {
        kind: "schema",
        name: faults.string(format["name"], "text.format.name"),
        ...(description === null ? {} : { description }),
        schema: schema ?? {},
        strict: faults.optional(format["strict"], "boolean", "text.format.strict"),
      };
    }
  }
  if (format["type"] === undefined) faults.missing("text.format.type");
  else
    faults.value(
      "text.format.type",
      `Invalid value: '${String(format["type"])}'. Supported values are: 'json_object', 'json_schema', and 'text'.`,
    );
  return null;
}

function readReasoningWish(reasoning: Fields, faults: Faults): Reasoning {
  const effort = faults.optional(reasoning["effort"], "string", "reasoning.effort");
  const summary =
    faults.optional(reasoning["summary"], "string", "reasoning.summary") ??
    // Its name before it was renamed.
    faults.optional(reasoning["generate_summary"], "string", "reasoning.generate_summary");
  return { ...(effort === null ? {} : { effort }), ...(summary === null ? {} : { summary }) };
}

function readMetadata(value: unknown, faults: Faults): Readonly<Record<string, string>> | null {
  const metadata = faults.object(value, "metadata");
  if (metadata === null) return null;
  for (const [key, text] of Object.entries(metadata)) faults.string(text, `metadata.${key}`);
  return metadata as Readonly<Record<string, string>>;
}
