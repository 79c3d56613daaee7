// Tools and the choice among them, as Responses takes them.

import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, Tool, ToolChoice } from "../neutral/request.ts";
import { type Fields, ownFields } from "./own.ts";

/** The list of tools. */
export function writeTools(tools: readonly Tool[], losses: Losses): Fields[] {
  return tools.map((tool) => writeTool(tool, losses)).filter((tool) => tool !== null);
}

function writeTool(tool: Tool, losses: Losses): Fields | null {
  if ("cache" in tool && tool.cache !== undefined) losses.lose("tools.cache_control", "hint");
  const own = ownFields(tool);
  const is_ours = tool.own?.format === "responses";
  if (!is_ours && (tool.kind === "web_search" || tool.kind === "code")) noteOptions(tool, losses);
  switch (tool.kind) {
    case "function": {
      const { name, description, parameters } = tool;
      // Not said, it is true in this format and false in all others.
      const strict = tool.strict ?? (is_ours ? undefined : false);
      return {
        ...{ type: "function", name },
        ...(description === undefined ? {} : { description }),
        parameters: parameters ?? (is_ours ? null : { type: "object", properties: {} }),
        ...(strict === undefined ? {} : { strict }),
        ...own,
      };
    }
    case "custom": {
      const { name, description, grammar } = tool;
      return {
        ...{ type: "custom", name },
        ...(description === undefined ? {} : { description }),
        ...(grammar === undefined ? {} : { format: { type: "grammar", ...grammar } }),
        ...own,
      };
    }
    case "web_search":
      return is_ours ? own : { type: "web_search" };
    case "code":
      return is_ours ? own : { type: "code_interpreter", container: { type: "auto" } };
    case "own":
      if (is_ours) return own;
      losses.lose("tools", "meaning");
      return null;
  }
}

/** What another format's tool of the kind is told, as long as it says something. */
function noteOptions({ own }: Tool, losses: Losses): void {
  for (const [name, value] of Object.entries(own?.fields ?? {})) {
    const is_empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
    if (name !== "type" && name !== "name" && !is_empty) losses.lose(`tools.${name}`, "hint");
  }
}

/** The choice among them; null where nothing is said. */
export function writeToolChoice({ tool_choice, tools }: Pick<ChatRequest, "tool_choice" | "tools">): unknown {
  if (tool_choice === null) return null;
  switch (tool_choice.kind) {
    case "tool":
      return chosen(tool_choice.name, tools, tool_choice.is_custom);
    case "allowed":
      return {
        ...{ type: "allowed_tools", mode: tool_choice.mode },
        tools: tool_choice.names.map((name) => chosen(name, tools)),
      };
    default:
      return tool_choice.kind satisfies Exclude<ToolChoice["kind"], "tool" | "allowed">;
  }
}

/** A tool by its name; one that the provider runs is told by its type. */
function chosen(name: string, tools: readonly Tool[], is_custom?: boolean): Fields {
  const named = tools.find((tool) => "name" in tool && tool.name === name);
  if (named === undefined && is_custom === undefined) {
    const hosted = tools.find((tool) => tool.kind === name || ownFields(tool)["type"] === name);
    if (hosted !== undefined) return { type: ownFields(hosted)["type"] ?? typeOf(hosted) };
  }
  return { type: is_custom === true || named?.kind === "custom" ? "custom" : "function", name };
}

function typeOf(tool: Tool): string {
  return tool.kind === "code" ? "code_interpreter" : tool.kind;
}
