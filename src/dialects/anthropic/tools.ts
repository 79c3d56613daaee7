// Tools and the choice among them, both ways.
// Sources: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools, .../tool-use/tool-reference, .../tool-use/strict-tool-use.

import { isFields } from "../fields.ts";
import { functionOfCustom } from "../neutral/custom_tools.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, Tool, ToolChoice } from "../neutral/request.ts";
import type { Claude } from "./claude.ts";
import { type Fields, FORMAT, keptOf, listed, ownOf, readCache, writeCache } from "./own.ts";
import { badField } from "./read_blocks.ts";
import { strictSchema } from "./schema.ts";

const FUNCTION = new Set(["type", "name", "description", "input_schema", "strict", "cache_control"]);
/** The versions that every model takes; later ones search from code. */
const WEB_SEARCH: Fields = { type: "web_search_20250305", name: "web_search" };
const CODE: Fields = { type: "code_execution_20250825", name: "code_execution" };

/**
 * Reads a tool's definition.
 * @throws GatewayError that names the field
 */
export function readTool(value: unknown, path: string): Tool {
  if (!isFields(value)) throw badField(path, "a valid dictionary");
  const type = value["type"] ?? "custom";
  if (typeof type !== "string") throw badField(`${path}.type`, "a valid string");
  if (type !== "custom") {
    const own = { format: FORMAT, fields: value } as const;
    if (type.startsWith("web_search_")) return { kind: "web_search", own };
    return type.startsWith("code_execution_") ? { kind: "code", own } : { kind: "own", own };
  }
  const { name, description, input_schema, strict } = value;
  if (typeof name !== "string") throw badField(`${path}.name`, "a valid string");
  if (input_schema !== undefined && !isFields(input_schema))
    throw badField(`${path}.input_schema`, "a valid dictionary");
  const cache = readCache(value["cache_control"]);
  return {
    ...{ kind: "function", name },
    ...(typeof description === "string" ? { description } : {}),
    ...(input_schema === undefined ? {} : { parameters: input_schema }),
    ...(typeof strict === "boolean" ? { strict } : {}),
    ...(cache === undefined ? {} : { cache }),
    ...ownOf(value, FUNCTION),
  };
}

/** Writes the tools that the model may call. */
export function writeTools(request: ChatRequest, claude: Claude, losses: Losses): Fields[] {
  const choice = request.tool_choice;
  // The format has no list of what is allowed: the others are not shown.
  const allowed = choice?.kind === "allowed" ? new Set(choice.names) : null;
  const is_own = request.own?.format === FORMAT;
  return request.tools.flatMap((tool) => {
    if (allowed !== null && "name" in tool && !allowed.has(tool.name)) return [];
    return listed(writeTool(tool, is_own, claude, losses));
  });
}

function writeTool(tool: Tool, is_own: boolean, claude: Claude, losses: Losses): Fields | null {
  const kept = keptOf(tool.own);
  switch (tool.kind) {
    case "web_search":
      return "type" in kept ? kept : WEB_SEARCH;
    case "code":
      return "type" in kept ? kept : CODE;
    case "function": {
      const { name, description, parameters, strict, cache } = tool;
      const is_strict = strict === true && claude.schemas;
      if (strict === true && !is_strict) losses.lose("tools.strict", "hint");
      const schema = { ...(parameters ?? { properties: {} }) };
      const typed = "type" in schema ? schema : { type: "object", ...schema };
      return {
        name,
        ...(description === undefined ? {} : { description }),
        input_schema: is_strict && !is_own ? strictSchema(typed) : typed,
        ...(is_strict || (strict === false && is_own) ? { strict } : {}),
        ...writeCache(cache),
        ...kept,
      };
    }
    case "custom":
      if (tool.own !== undefined) losses.lose("tools.custom.format", "hint");
      return writeTool(functionOfCustom(tool), is_own, claude, losses);
    case "own":
      if (tool.own.format === FORMAT) return tool.own.fields;
      losses.lose(`tools.${String(tool.own.fields["type"])}`, "meaning");
      return null;
  }
}

/**
 * Reads `tool_choice`.
 * @throws GatewayError that names the field
 */
export function readToolChoice(value: unknown): Pick<ChatRequest, "tool_choice" | "parallel_tool_calls"> {
  if (value === undefined || value === null) return { tool_choice: null, parallel_tool_calls: null };
  if (!isFields(value)) throw badField("tool_choice", "a valid dictionary");
  const disabled = value["disable_parallel_tool_use"];
  const parallel_tool_calls = typeof disabled === "boolean" ? !disabled : null;
  return { tool_choice: choiceOf(value), parallel_tool_calls };
}

function choiceOf(value: Fields): ToolChoice {
  switch (value["type"]) {
    case "auto":
    case "none":
      return { kind: value["type"] };
    case "any":
      return { kind: "required" };
    case "tool":
      if (typeof value["name"] !== "string") throw badField("tool_choice.name", "a valid string");
      return { kind: "tool", name: value["name"] };
    default:
      throw badField("tool_choice.type", "'auto', 'any', 'tool' or 'none'");
  }
}

/** Whether a choice makes the model call a tool. */
export function isForced(choice: ToolChoice | null): boolean {
  if (choice?.kind === "allowed") return choice.mode === "required";
  return choice?.kind === "required" || choice?.kind === "tool";
}

/** Writes `tool_choice` for a request that has tools; nothing where the default does. */
export function writeToolChoice(request: ChatRequest, claude: Claude, losses: Losses): Fields {
  const { tool_choice, parallel_tool_calls } = request;
  let choice = wireChoice(tool_choice);
  if (isForced(tool_choice) && !claude.forced_tools) {
    losses.lose("tool_choice", "meaning");
    choice = { type: "auto" };
  }
  if (choice?.["type"] === "none") return { tool_choice: choice };
  // At first the provider's default is to call side by side, as everywhere.
  if (choice === null) {
    return parallel_tool_calls === false ? { tool_choice: { type: "auto", ...withParallel(false) } } : {};
  }
  return { tool_choice: { ...choice, ...withParallel(parallel_tool_calls) } };
}

function withParallel(parallel: boolean | null): Fields {
  return parallel === null ? {} : { disable_parallel_tool_use: !parallel };
}

function wireChoice(choice: ToolChoice | null): Fields | null {
  switch (choice?.kind) {
    case undefined:
      return null;
    case "auto":
    case "none":
      return { type: choice.kind };
    case "required":
      return { type: "any" };
    case "tool":
      return { type: "tool", name: choice.name };
    case "allowed":
      return { type: choice.mode === "required" ? "any" : "auto" };
  }
}
