// What a model says to a chat: a text, JSON in the format asked for, or a call of a tool, within the request's limits.
// A choice says the same each time; choices of one answer differ only where the model chooses by hash.

import { loremText } from "./lorem.ts";
import type { SimModel } from "./models.ts";
import { hexHash } from "./random.ts";
import type { ChatMessage, ChatRequest, ChatTool } from "./request.ts";
import { schemaInstance } from "./schema_instance.ts";
import { limitText } from "./text.ts";
import { contentText } from "./usage.ts";

/** A call of a tool, as a message carries it. */
export interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** One of `n` answers: a text, or a call. */
export interface Choice {
  readonly index: number;
  readonly text: string | null;
  readonly call: ToolCall | null;
  readonly tokens: number;
  readonly finish_reason: "stop" | "length" | "tool_calls";
}

/** The choices of a chat answer; `seed` is a hash of what was said so far. */
export function chatChoices(model: SimModel, request: ChatRequest, seed: number): Choice[] {
  const stop = request.stop ?? [];
  const limits: Limits = {
    max_tokens: request.max_completion_tokens ?? request.max_tokens ?? null,
    stops: typeof stop === "string" ? [stop] : stop,
  };
  const called = model === "tool" ? toolToCall(request) : null;
  const choices: Choice[] = [];
  for (let index = 0; index < (request.n ?? 1); index++) {
    choices.push(
      called === null
        ? sayText(formattedText(model, request, seed + index, limits), index, limits)
        : callTool(called, index, seed + index, limits),
    );
  }
  return choices;
}

/** The text that a model says to a plain prompt. */
export function modelText(model: SimModel, heard: string, seed: number, max_tokens: number | null): string {
  return model === "echo" || model === "tool" ? heard : loremText(seed, max_tokens);
}

/** Where a text has to end. */
interface Limits {
  readonly max_tokens: number | null;
  readonly stops: readonly string[];
}

function sayText(text: string, index: number, limits: Limits): Choice {
  const said = limitText(text, limits.max_tokens, limits.stops);
  return { index, text: said.text, call: null, tokens: said.tokens, finish_reason: said.finish_reason };
}

function callTool(tool: ChatTool, index: number, seed: number, limits: Limits): Choice {
  // A custom tool takes text; chat carries it here as the one argument of a function.
  const name = toolName(tool);
  const schema = tool.type === "function" ? (tool.function.parameters ?? {}) : CUSTOM_INPUT;
  const instance = schemaInstance({ type: "object", ...schema }, seed);
  const id = `call_${hexHash(`${name} ${seed}`, 24)}`;
  // Stop sequences are for text; only the limit of tokens holds for arguments.
  const said = limitText(JSON.stringify(instance), limits.max_tokens, []);
  const finish_reason = said.finish_reason === "length" ? "length" : "tool_calls";
  const call: ToolCall = { id, type: "function", function: { name, arguments: said.text } };
  return { index, text: null, call, tokens: said.tokens, finish_reason };
}

const CUSTOM_INPUT = { properties: { input: { type: "string" } }, required: ["input"] };

/** A model's text in the format that the request asks for. */
function formattedText(model: SimModel, request: ChatRequest, seed: number, limits: Limits): string {
  const format = request.response_format;
  const last = request.messages.at(-1);
  if (format?.type === "json_schema") {
    return JSON.stringify(schemaInstance(format.json_schema.schema ?? { type: "object" }, seed));
  }
  const heard = model === "tool" && last?.role === "tool" ? resultText(last, request) : lastUserText(request);
  if (format?.type === "json_object") {
    // Of its own length, so that the limit of tokens ends it only where it is too small.
    return JSON.stringify({ [model === "tool" ? "echo" : model]: modelText(model, heard, seed, null) });
  }
  return modelText(model, heard, seed, limits.max_tokens);
}

function lastUserText(request: ChatRequest): string {
  const said = request.messages.findLast((message) => message.role === "user");
  return contentText(said?.content);
}

/** What `tool` says of a result. */
function resultText(result: ChatMessage & { role: "tool" }, request: ChatRequest): string {
  let name = "The tool";
  for (const message of request.messages) {
    if (message.role !== "assistant") continue;
    const call = message.tool_calls?.find((made) => made.id === result.tool_call_id);
    name = call?.function?.name ?? name;
  }
  return `${name} answered: ${contentText(result.content)}`;
}

/** The tool that the request has the `tool` model call, or null where it answers with text. */
function toolToCall(request: ChatRequest): ChatTool | null {
  const { tools, tool_choice: choice } = request;
  const first = tools?.[0];
  if (!tools || first === undefined || choice === "none") return null;
  if (choice === "required") return first;
  const answered = request.messages.at(-1)?.role === "tool";
  if (typeof choice === "string" || !choice) return answered ? null : first;
  if (choice.type !== "allowed_tools")
    return tools.find((tool) => toolName(tool) === toolName(choice)) ?? null;
  if (answered && choice.allowed_tools.mode === "auto") return null;
  const allowed = choice.allowed_tools.tools.map(toolName);
  return tools.find((tool) => allowed.includes(toolName(tool))) ?? null;
}

type NamedTool =
  | { readonly type: "function"; readonly function: { readonly name: string } }
  | { readonly type: "custom"; readonly custom: { readonly name: string } };

/** The name of a tool, or of a choice of one. */
export function toolName(tool: NamedTool): string {
  return tool.type === "function" ? tool.function.name : tool.custom.name;
}
