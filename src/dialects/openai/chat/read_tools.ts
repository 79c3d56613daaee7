// Tools, which of them the model has to call, how the answer has to look, and how much the model is to think: as requests of chat
// completions say it.

import type { Checked } from "../../checked.ts";
import { isFields } from "../../fields.ts";
import type { OutputFormat, Reasoning, Tool, ToolChoice } from "../../neutral/request.ts";
import { readCacheMark } from "./read_parts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Marks a function as defined by the field `functions`, which came before `tools`: the answer then has `function_call`. */
const LEGACY: Fields = { functions: true };

const FUNCTION_FIELDS: ReadonlySet<string> = new Set(["name", "description", "parameters", "strict"]);
const TOOL_FIELDS: ReadonlySet<string> = new Set(["type", "function", "cache_control"]);

/** Reads `tools`, `functions` and `web_search_options`. */
export function readTools(request: Checked): readonly Tool[] {
  const tools = request.objects("tools").map(readTool);
  const functions = request.objects("functions").map((called) => readFunction(called, LEGACY));
  const search = request.object("web_search_options");
  if (search !== null)
    tools.push({
      kind: "web_search",
      own: { format: "chat", fields: { web_search_options: search.fields } },
    });
  return [...tools, ...functions];
}

/** Whether the client defined functions in the way that came before tools. */
export function usesFunctions(tools: readonly Tool[]): boolean {
  return tools.some(({ own }) => own?.format === "chat" && own.fields["functions"] === true);
}

function readTool(tool: Checked): Tool {
  const type = tool.text("type") ?? (tool.has("function") ? "function" : null);
  const cache = readCacheMark(tool);
  const mark = cache === null ? {} : { cache };
  if (type === "function") {
    if (!tool.has("function")) tool.faults.missing(tool.path("function"));
    const called = tool.object("function");
    const others = tool.others(TOOL_FIELDS);
    return { ...readFunction(called, others), ...mark };
  }
  if (type === "custom") {
    if (!tool.has("custom")) tool.faults.missing(tool.path("custom"));
    const custom = tool.object("custom");
    const grammar = readGrammar(custom?.fields["format"]);
    const description = custom?.text("description") ?? undefined;
    return {
      ...{ kind: "custom", name: custom?.needText("name") ?? "" },
      ...(description === undefined ? {} : { description }),
      ...(grammar === null ? {} : { grammar }),
      ...mark,
    };
  }
  const own = { format: "chat", fields: tool.fields } as const;
  if (type?.includes("web_search")) return { kind: "web_search", own };
  return { kind: type?.startsWith("code_") ? "code" : "own", own };
}

function readGrammar(format: unknown): { readonly syntax: string; readonly definition: string } | null {
  const grammar = isFields(format) && format["type"] === "grammar" ? format["grammar"] : null;
  if (!isFields(grammar)) return null;
  const { syntax, definition } = grammar;
  return typeof syntax === "string" && typeof definition === "string" ? { syntax, definition } : null;
}

function readFunction(called: Checked | null, own: Fields | null): Extract<Tool, { kind: "function" }> {
  if (called === null) return { kind: "function", name: "" };
  const description = called.text("description");
  const parameters = called.object("parameters");
  const strict = called.flag("strict");
  const fields = { ...called.others(FUNCTION_FIELDS), ...own };
  return {
    ...{ kind: "function", name: called.needText("name") },
    ...(description === null ? {} : { description }),
    ...(parameters === null ? {} : { parameters: parameters.fields }),
    ...(strict === null ? {} : { strict }),
    ...(Object.keys(fields).length === 0 ? {} : { own: { format: "chat", fields } }),
  };
}

/** Reads `tool_choice`, or the `function_call` that came before it. */
export function readToolChoice(request: Checked): ToolChoice | null {
  const { tool_choice: choice, function_call: legacy } = request.fields;
  if (typeof choice === "string") return readMode(choice, request, "tool_choice");
  const chosen = request.object("tool_choice");
  if (chosen !== null) return readChosen(chosen);
  if (typeof legacy === "string") return readMode(legacy, request, "function_call");
  const called = request.object("function_call");
  return called === null ? null : { kind: "tool", name: called.needText("name") };
}

function readMode(mode: string, request: Checked, name: string): ToolChoice | null {
  // Mistral's word.
  if (mode === "any") return { kind: "required" };
  if (mode === "auto" || mode === "none" || mode === "required") return { kind: mode };
  request.faults.wrongValue(request.path(name), "'none', 'auto', 'required' or an object");
  return null;
}

function readChosen(chosen: Checked): ToolChoice | null {
  const type = chosen.text("type") ?? (chosen.has("function") ? "function" : "");
  if (type === "allowed_tools") {
    const allowed = chosen.object("allowed_tools");
    const mode = allowed?.text("mode") === "required" ? "required" : "auto";
    const names = allowed?.objects("tools").map(nameOf) ?? [];
    return { kind: "allowed", mode, names };
  }
  if (type === "function" || type === "custom") {
    if (!chosen.has(type)) chosen.faults.missing(chosen.path(type));
    const name = chosen.object(type)?.needText("name") ?? "";
    return { kind: "tool", name, ...(type === "custom" ? { is_custom: true } : {}) };
  }
  chosen.faults.wrongValue(chosen.path("type"), "'function', 'custom' or 'allowed_tools'");
  return null;
}

function nameOf(tool: Checked): string {
  return (tool.object("function") ?? tool.object("custom"))?.needText("name") ?? tool.text("name") ?? "";
}

/** Reads `response_format`; null where it says nothing, or a kind that only some servers know (see `isOwnOutput`). */
export function readOutput(request: Checked): OutputFormat | null {
  const format = request.object("response_format");
  switch (format?.needText("type")) {
    case "text":
      return { kind: "text" };
    case "json_object":
      return { kind: "json" };
    case "json_schema": {
      if (!format.has("json_schema")) format.faults.missing(format.path("json_schema"));
      const wanted = format.object("json_schema");
      const description = wanted?.text("description") ?? undefined;
      return {
        ...{ kind: "schema", name: wanted?.text("name") ?? "response" },
        ...(description === undefined ? {} : { description }),
        schema: wanted?.object("schema")?.fields ?? {},
        strict: wanted?.flag("strict") ?? null,
      };
    }
    default:
      return null;
  }
}

const OUTPUT_TYPES: ReadonlySet<unknown> = new Set(["text", "json_object", "json_schema"]);

/** Whether a `response_format` is one that no other format knows, such as a grammar. */
export function isOwnOutput(format: unknown): boolean {
  return isFields(format) && !OUTPUT_TYPES.has(format["type"]);
}

/**
 * Reads all that says how much to think: OpenAI's `reasoning_effort`; `reasoning` (OpenRouter, "Reasoning tokens"); `thinking`
 * (DeepSeek, Moonshot, Zhipu, with Anthropic's fields); `enable_thinking` and `thinking_budget` (Alibaba's Qwen);
 * `include_reasoning` (OpenRouter, Groq).
 */
export function readReasoningWish(request: Checked): Reasoning | null {
  const wish: { -readonly [Field in keyof Reasoning]: Reasoning[Field] } = {};
  const object = request.object("reasoning");
  const thinking = request.object("thinking");
  const effort = request.text("reasoning_effort") ?? object?.text("effort");
  const budget =
    object?.integer("max_tokens") ?? thinking?.integer("budget_tokens") ?? request.integer("thinking_budget");
  const summary = object?.text("summary") ?? undefined;
  if (typeof effort === "string") wish.effort = effort;
  if (typeof budget === "number") wish.budget_tokens = budget;
  if (summary !== undefined) wish.summary = summary;
  if (object?.flag("exclude") === true || request.fields["include_reasoning"] === false)
    wish.summary = "none";
  const on = object?.flag("enabled") ?? request.flag("enable_thinking") ?? modeOf(thinking?.text("type"));
  if (effort === "none" || on === false) wish.mode = "off";
  else if (on === true) wish.mode = "on";
  else if (on === "adaptive") wish.mode = "adaptive";
  return Object.keys(wish).length === 0 ? null : wish;
}

function modeOf(type: string | null | undefined): boolean | "adaptive" | null {
  if (type === "enabled") return true;
  if (type === "disabled") return false;
  return type === "adaptive" || type === "auto" ? "adaptive" : null;
}
