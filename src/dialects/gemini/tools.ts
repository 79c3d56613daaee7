// Tools and their choice, as Gemini has them.
// Source: https://ai.google.dev/api/caching#Tool, #FunctionDeclaration and #FunctionCallingConfig

import { isFields, list } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import type { Tool, ToolChoice } from "../neutral/request.ts";
import { camelFields, textOf, unknownFields } from "./names.ts";
import { toJsonSchema } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

const DECLARATION = new Set(["name", "description", "parametersJsonSchema"]);
const FUNCTION_CALLING = new Set(["mode", "allowedFunctionNames", "streamFunctionCallArguments"]);
const WEB_SEARCH = new Set(["googleSearch", "googleSearchRetrieval", "enterpriseWebSearch"]);

/** Reads one of the request's `tools`, which may be several. */
export function readTool(value: unknown): Tool[] {
  const fields = camelFields(value) ?? {};
  return Object.entries(fields).flatMap(([name, tool]): Tool[] => {
    if (tool === null || tool === undefined) return [];
    if (name === "functionDeclarations") return list(tool).flatMap(readDeclaration);
    const own = { format: "gemini" as const, fields: { [name]: tool } };
    if (name === "codeExecution") return [{ kind: "code", own }];
    return [WEB_SEARCH.has(name) ? { kind: "web_search", own } : { kind: "own", own }];
  });
}

function readDeclaration(value: unknown): Tool[] {
  const fields = camelFields(value);
  const name = textOf(fields?.["name"]);
  if (fields === null || name === undefined) return [];
  const description = textOf(fields["description"]);
  const { parametersJsonSchema, parameters } = fields;
  // `parameters`, as they came, stay among the own fields: their subset is told again in its own words.
  const schema = isFields(parametersJsonSchema)
    ? parametersJsonSchema
    : isFields(parameters)
      ? toJsonSchema(parameters)
      : undefined;
  const left = unknownFields(fields, DECLARATION);
  return [
    {
      ...{ kind: "function", name },
      ...(description === undefined ? {} : { description }),
      ...(schema === undefined ? {} : { parameters: schema }),
      ...(left === undefined ? {} : { own: { format: "gemini", fields: left } }),
    },
  ];
}

/** Writes the `tools`: the functions in one of them, which is how all models take several. */
export function writeTools(tools: readonly Tool[], losses: Losses): Json[] {
  const functionDeclarations: Json[] = [];
  const others: Json[] = [];
  for (const tool of tools) {
    const own = tool.own?.format === "gemini" ? tool.own.fields : null;
    if (tool.kind === "function") functionDeclarations.push(writeDeclaration(tool, own ?? {}));
    else if (own !== null) others.push(own);
    else if (tool.kind === "web_search") others.push({ googleSearch: {} });
    else if (tool.kind === "code") others.push({ codeExecution: {} });
    else losses.lose(tool.kind === "custom" ? "tools.custom" : "tools", "meaning");
    if ((tool.kind === "function" || tool.kind === "custom") && tool.cache !== undefined)
      losses.lose("tools.cache_control", "hint");
  }
  return functionDeclarations.length > 0 ? [{ functionDeclarations }, ...others] : others;
}

function writeDeclaration(tool: Extract<Tool, { kind: "function" }>, own: Json): Json {
  const { name, description, parameters } = tool;
  const has_schema = parameters !== undefined && own["parameters"] === undefined && !isEmpty(parameters);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(has_schema ? { parametersJsonSchema: withoutDialect(parameters) } : {}),
    ...own,
  };
}

/** Whether a function takes nothing: that is said by leaving its parameters out. */
function isEmpty(schema: Json): boolean {
  const { properties = {}, type = "object" } = schema;
  const says_more = Object.keys(schema).some((key) => !EMPTY_SCHEMA.has(key));
  return type === "object" && isFields(properties) && Object.keys(properties).length === 0 && !says_more;
}
const EMPTY_SCHEMA = new Set(["type", "properties", "required", "additionalProperties", "$schema"]);

/** A schema without the name of its dialect, which is none of the words that Gemini supports. */
export function withoutDialect(schema: Json): Json {
  if (schema["$schema"] === undefined) return schema;
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== "$schema"));
}

/** What a `toolConfig` says, and what of it only Gemini knows. */
export function readToolConfig(value: unknown): { readonly choice: ToolChoice | null; readonly own?: Json } {
  const config = camelFields(value);
  if (config === null) return { choice: null };
  const { functionCallingConfig, ...others } = config;
  const calling = camelFields(functionCallingConfig);
  const left = unknownFields(others, new Set());
  if (calling === null) return { choice: null, ...(left === undefined ? {} : { own: left }) };
  const mode = (textOf(calling["mode"]) ?? "").toUpperCase();
  const names = list(calling["allowedFunctionNames"]).filter((name) => typeof name === "string");
  const inner = {
    ...unknownFields(calling, FUNCTION_CALLING),
    ...(mode === "VALIDATED" && names.length === 0 ? { mode } : {}),
  };
  const own = { ...left, ...(Object.keys(inner).length > 0 ? { functionCallingConfig: inner } : {}) };
  return { choice: choiceOf(mode, names), ...(Object.keys(own).length > 0 ? { own } : {}) };
}

function choiceOf(mode: string, names: readonly string[]): ToolChoice | null {
  switch (mode) {
    case "ANY":
      if (names.length === 0) return { kind: "required" };
      return names.length === 1
        ? { kind: "tool", name: names[0]! }
        : { kind: "allowed", mode: "required", names };
    case "VALIDATED":
      return names.length === 0 ? { kind: "auto" } : { kind: "allowed", mode: "auto", names };
    case "NONE":
      return { kind: "none" };
    case "AUTO":
      return { kind: "auto" };
    default:
      return null;
  }
}

/**
 * The `functionCallingConfig` of a choice; undefined where nothing has to be said. Strict functions are called by their schemas in
 * the mode VALIDATED, which leaves the model free to answer with a text.
 * @param takes_validated models from 2.5 on
 */
export function writeToolChoice(
  choice: ToolChoice | null,
  tools: readonly Tool[],
  takes_validated: boolean,
): Json | undefined {
  switch (choice?.kind) {
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [choice.name] };
    case "allowed":
      return {
        mode: choice.mode === "required" ? "ANY" : "VALIDATED",
        allowedFunctionNames: choice.names,
      };
    default: {
      const is_strict =
        takes_validated && tools.some((tool) => tool.kind === "function" && tool.strict === true);
      if (is_strict) return { mode: "VALIDATED" };
      return choice === null ? undefined : { mode: "AUTO" };
    }
  }
}
