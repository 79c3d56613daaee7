// Tools and the choice among them, as Responses writes them: flat, with those beside the functions that OpenAI runs itself.
// Source: OpenAI API reference, "Create a model response", `tools` and `tool_choice`.

import { isFields } from "../fields.ts";
import type { Tool, ToolChoice } from "../neutral/request.ts";
import type { Faults } from "./faults.ts";
import { type Fields, kept, others } from "./own.ts";

const FUNCTION = new Set(["type", "name", "description", "parameters", "strict"]);
const CUSTOM = new Set(["type", "name", "description", "format"]);

/** The list of tools. */
export function readTools(value: unknown, faults: Faults): Tool[] {
  return faults.list(value, "tools").map((tool, index) => {
    const param = `tools[${index}]`;
    if (isFields(tool)) return readTool(tool, param, faults);
    faults.type(param, "an object", tool);
    return { kind: "own", own: { format: "responses", fields: {} } };
  });
}

function readTool(tool: Fields, param: string, faults: Faults): Tool {
  const type = faults.string(tool["type"], `${param}.type`);
  const own = { format: "responses", fields: tool } as const;
  // Their names are dated: `web_search_preview_2025_03_11`.
  if (type.startsWith("web_search")) return { kind: "web_search", own };
  if (type === "code_interpreter") return { kind: "code", own };
  if (type !== "function" && type !== "custom") return { kind: "own", own };
  const name = faults.string(tool["name"], `${param}.name`);
  const description = faults.optional(tool["description"], "string", `${param}.description`);
  const described = description === null ? {} : { description };
  if (type === "custom") {
    const format = faults.object(tool["format"], `${param}.format`);
    const { syntax, definition } = format ?? {};
    const has_grammar =
      format?.["type"] === "grammar" && typeof syntax === "string" && typeof definition === "string";
    return {
      ...{ kind: "custom", name, ...described },
      ...(has_grammar ? { grammar: { syntax, definition } } : {}),
      ...kept({ ...(format === null || has_grammar ? {} : { format }), ...others(tool, CUSTOM) }),
    };
  }
  const parameters = faults.object(tool["parameters"], `${param}.parameters`);
  const strict = faults.optional(tool["strict"], "boolean", `${param}.strict`);
  return {
    ...{ kind: "function", name, ...described },
    ...(parameters === null ? {} : { parameters }),
    ...(strict === null ? {} : { strict }),
    // Always there: without it, `strict` is false, where this format takes it to be true.
    own: { format: "responses", fields: others(tool, FUNCTION) },
  };
}

/** A choice of tools; `own`: it has more to it than other formats can say. */
export function readToolChoice(
  value: unknown,
  faults: Faults,
): { readonly choice: ToolChoice | null; readonly own: unknown } {
  if (value === undefined || value === null) return { choice: null, own: undefined };
  if (value === "auto" || value === "none" || value === "required")
    return { choice: { kind: value }, own: undefined };
  if (!isFields(value)) {
    if (typeof value === "string")
      faults.value(
        "tool_choice",
        `Invalid value: '${value}'. Supported values are: 'none', 'auto', and 'required'.`,
      );
    else faults.type("tool_choice", "a string or an object", value);
    return { choice: null, own: undefined };
  }
  if (value["type"] === "allowed_tools") {
    const mode = value["mode"] === "required" ? "required" : "auto";
    const tools = faults.list(value["tools"], "tool_choice.tools").filter(isFields);
    const choice: ToolChoice = { kind: "allowed", mode, names: tools.map(nameOf) };
    return { choice, own: tools.every(isNamed) ? undefined : value };
  }
  const name = nameOf(value);
  if (!isNamed(value)) return { choice: { kind: "tool", name }, own: value };
  const is_custom = value["type"] === "custom";
  return { choice: { kind: "tool", name, ...(is_custom ? { is_custom } : {}) }, own: undefined };
}

function isNamed({ type, name, ...rest }: Fields): boolean {
  const is_own = type === "function" || type === "custom";
  return is_own && typeof name === "string" && Object.keys(rest).length === 0;
}

/** What a tool is called by; those that OpenAI runs by their type, or by their server. */
function nameOf({ name, server_label, type }: Fields): string {
  return [name, server_label, type].find((told) => typeof told === "string") as string;
}
