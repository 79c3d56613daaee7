// Tools, and the choice among them, as Cohere's chat takes them.
// Source: https://docs.cohere.com/reference/chat, `tools`, `tool_choice`, `strict_tools`.

import { list } from "../fields.ts";
import { functionOfCustom } from "../neutral/custom_tools.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, Tool, ToolChoice } from "../neutral/request.ts";

type Fields = Readonly<Record<string, unknown>>;
type FunctionTool = Extract<Tool, { kind: "function" }>;

const NO_PARAMETERS: Fields = { type: "object", properties: {} };

/** The fields `tools`, `tool_choice` and `strict_tools`. */
export function writeTools({ tools, tool_choice: choice }: ChatRequest, losses: Losses): Fields {
  const known = tools.flatMap((tool) => asFunction(tool, losses));
  const offered = known.filter(({ name }) => isOffered(name, choice));
  if (offered.length === 0) {
    if (isForced(choice)) losses.lose("tool_choice", "meaning");
    return {};
  }
  const forced = choice?.kind === "none" ? "NONE" : isForced(choice) ? "REQUIRED" : null;
  return {
    tools: offered.map(writeFunction),
    ...(forced === null ? {} : { tool_choice: forced }),
    ...writeStrict(offered, losses),
  };
}

function asFunction(tool: Tool, losses: Losses): readonly FunctionTool[] {
  switch (tool.kind) {
    case "function":
      break;
    case "custom": {
      const shown = functionOfCustom(tool);
      if (tool.grammar !== undefined) losses.lose("tools.format", "meaning");
      return shown.kind === "function" ? [shown] : [];
    }
    default:
      losses.lose("tools", "meaning");
      return [];
  }
  if (tool.cache !== undefined) losses.lose("cache_control", "hint");
  return [tool];
}

/** Cohere cannot be told to call one tool of many: it is shown no other. */
function isOffered(name: string, choice: ToolChoice | null): boolean {
  if (choice?.kind === "tool") return choice.name === name;
  return choice?.kind === "allowed" ? choice.names.includes(name) : true;
}

function isForced(choice: ToolChoice | null): boolean {
  if (choice?.kind === "allowed") return choice.mode === "required";
  return choice?.kind === "required" || choice?.kind === "tool";
}

function writeFunction({ name, description, parameters }: FunctionTool): Fields {
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters: parameters ?? NO_PARAMETERS,
    },
  };
}

/** All tools are held to their schemas or none, and only such as have an argument that must be there. */
function writeStrict(tools: readonly FunctionTool[], losses: Losses): Fields {
  if (!tools.some(({ strict }) => strict === true)) return {};
  const can_be = tools.every(
    ({ strict, parameters }) => strict === true && list(parameters?.["required"]).length > 0,
  );
  if (can_be) return { strict_tools: true };
  losses.lose("tools.strict", "hint");
  return {};
}
