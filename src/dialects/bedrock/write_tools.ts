// Tools and the choice among them as `toolConfig`.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html.

import { strictSchema } from "../anthropic/schema.ts";
import { functionOfCustom } from "../neutral/custom_tools.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, Tool, ToolChoice } from "../neutral/request.ts";
import type { BedrockModel } from "./models.ts";
import { type Fields, FORMAT } from "./own.ts";
import { cachePoint } from "./write_messages.ts";

/**
 * Writes `toolConfig`; null: there are no tools.
 * @param answer_tool a tool for the answer itself
 * @param called what was called in the conversation: its tools have to be defined
 */
export function writeToolConfig(
  request: ChatRequest,
  answer_tool: Fields | null,
  called: ReadonlySet<string>,
  model: BedrockModel,
  losses: Losses,
): Fields | null {
  const { tool_choice: choice, parallel_tool_calls } = request;
  const is_off = choice?.kind === "none" && answer_tool === null;
  if (is_off && called.size === 0) return null;
  // The format has no list of what is allowed: the others are not shown.
  const allowed = choice?.kind === "allowed" ? new Set(choice.names) : null;
  const tools = request.tools.flatMap((tool) =>
    allowed !== null && "name" in tool && !allowed.has(tool.name) ? [] : writeTool(tool, model, losses),
  );
  if (answer_tool !== null) tools.push(answer_tool);
  if (tools.length === 0)
    for (const name of called) tools.push(specOf({ kind: "function", name }, model, losses));
  if (tools.length === 0) return null;
  if (is_off && request.tools.length > 0) losses.lose("tool_choice", "hint");
  if (parallel_tool_calls === false && request.tools.length > 0) losses.lose("parallel_tool_calls", "hint");
  return { tools, ...choiceOf(choice, model, losses) };
}

function choiceOf(choice: ToolChoice | null, { forced_tools }: BedrockModel, losses: Losses): Fields {
  const written = wireChoice(choice);
  if (written === null) return {};
  if (forced_tools || "auto" in written) return forced_tools ? { toolChoice: written } : {};
  losses.lose("tool_choice", "meaning");
  return {};
}

function wireChoice(choice: ToolChoice | null): Fields | null {
  switch (choice?.kind) {
    case "auto":
      return { auto: {} };
    case "required":
      return { any: {} };
    case "tool":
      return { tool: { name: choice.name } };
    case "allowed":
      return choice.mode === "required" ? { any: {} } : { auto: {} };
    default:
      return null;
  }
}

function writeTool(tool: Tool, model: BedrockModel, losses: Losses): Fields[] {
  switch (tool.kind) {
    case "function":
      return [specOf(tool, model, losses), ...cachePoint(tool.cache, model, losses)];
    case "custom":
      if (tool.grammar !== undefined) losses.lose("tools.custom.format", "hint");
      return writeTool(functionOfCustom(tool), model, losses);
    case "web_search":
    case "code":
      if (model.is_nova) return [{ systemTool: { name: SYSTEM_TOOLS[tool.kind] } }];
      losses.lose(`tools.${tool.kind}`, "meaning");
      return [];
    case "own":
      if (tool.own.format === FORMAT) return [tool.own.fields];
      losses.lose(`tools.${String(tool.own.fields["type"])}`, "meaning");
      return [];
  }
}

/** What Nova runs itself: https://docs.aws.amazon.com/nova/latest/nova2-userguide/advanced-agents-2.html. */
const SYSTEM_TOOLS = { web_search: "nova_grounding", code: "nova_code_interpreter" } as const;

function specOf(tool: Extract<Tool, { kind: "function" }>, model: BedrockModel, losses: Losses): Fields {
  const { name, description, parameters, strict } = tool;
  const is_strict = strict === true && model.schemas;
  if (strict === true && !is_strict) losses.lose("tools.strict", "hint");
  const schema = { type: "object", ...(parameters ?? { properties: {} }) };
  const json = is_strict && model.claude.is_known ? strictSchema(schema) : schema;
  return {
    toolSpec: {
      name,
      // An empty one is refused.
      ...(description === undefined || description === "" ? {} : { description }),
      inputSchema: { json },
      ...(is_strict ? { strict } : {}),
    },
  };
}
