// Tools, the choice among them, the form of the answer, and how much to think, as chat completions write them to a provider.

import { effortOfBudget } from "../../neutral/effort.ts";
import type { Losses } from "../../neutral/losses.ts";
import type { ChatRequest, OutputFormat, Reasoning, Tool, ToolChoice } from "../../neutral/request.ts";
import { offEffort, takesEffort } from "./quirks.ts";
import { type RequestPen, writeCacheMark } from "./write_parts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The fields `tools` and `tool_choice`, and those that make the provider search. */
export function writeTools(request: ChatRequest, pen: RequestPen): Fields {
  const { quirks, losses } = pen;
  const { tool_choice: choice } = request;
  if (request.tools.length > 0 && quirks.refuses.has("tools")) {
    const searches = request.tools.every(({ kind }) => kind === "web_search") && quirks.web_search !== null;
    if (!searches) losses.lose("tools", "meaning");
    return searches ? quirks.web_search! : {};
  }
  const fields: Record<string, unknown> = {};
  const tools = request.tools.flatMap((tool, index): readonly Fields[] => {
    if (tool.kind === "web_search" && tool.own?.format !== "chat") {
      if (quirks.web_search === null) losses.lose(`tools[${index}]`, "meaning");
      else Object.assign(fields, quirks.web_search);
      return [];
    }
    const options = tool.own?.format === "chat" ? tool.own.fields["web_search_options"] : undefined;
    if (tool.kind === "web_search" && options !== undefined) {
      fields["web_search_options"] = options;
      return [];
    }
    const said = writeTool(tool, `tools[${index}]`, pen);
    return said === null ? [] : [said];
  });
  const allowed = choice?.kind === "allowed" && !quirks.can_allow_tools ? new Set(choice.names) : null;
  const usable = allowed === null ? tools : tools.filter((tool) => allowed.has(toolName(tool)));
  if (usable.length > 0) fields["tools"] = usable;
  if (choice !== null) {
    const said = writeToolChoice(choice, request.tools, pen);
    if (said !== null) fields["tool_choice"] = said;
  }
  return fields;
}

function toolName(tool: Fields): string {
  const { function: called, custom } = tool as { function?: { name?: string }; custom?: { name?: string } };
  return called?.name ?? custom?.name ?? "";
}

function writeTool(tool: Tool, path: string, pen: RequestPen): Fields | null {
  const { quirks, losses } = pen;
  const own = tool.own?.format === "chat" ? tool.own.fields : null;
  switch (tool.kind) {
    case "function": {
      const { name, description, parameters, strict } = tool;
      const { functions: _, ...others } = own ?? {};
      return {
        type: "function",
        function: {
          name,
          ...(description === undefined ? {} : { description }),
          ...(parameters === undefined ? {} : { parameters }),
          ...(strict === undefined ? {} : { strict }),
        },
        ...others,
        ...(tool.cache === undefined ? {} : writeCacheMark(tool.cache, pen)),
      };
    }
    case "custom": {
      if (!quirks.custom_tools) break;
      const { name, description, grammar } = tool;
      return {
        type: "custom",
        custom: {
          name,
          ...(description === undefined ? {} : { description }),
          ...(grammar === undefined ? {} : { format: { type: "grammar", grammar } }),
        },
      };
    }
    default:
      if (own !== null) return own;
  }
  losses.lose(path, "meaning");
  return null;
}

function writeToolChoice(
  choice: ToolChoice,
  tools: readonly Tool[],
  { quirks, losses }: RequestPen,
): unknown {
  switch (choice.kind) {
    case "auto":
    case "none":
      return choice.kind;
    case "required":
      if (quirks.must_call !== null) return quirks.must_call;
      break;
    case "tool": {
      const { name } = choice;
      if (quirks.can_name_tool)
        return choice.is_custom
          ? { type: "custom", custom: { name } }
          : { type: "function", function: { name } };
      // Having to call some tool is the same where there is one alone.
      if (tools.length === 1 && quirks.must_call !== null) return quirks.must_call;
      break;
    }
    case "allowed": {
      const { mode, names } = choice;
      if (quirks.can_allow_tools)
        return {
          type: "allowed_tools",
          allowed_tools: { mode, tools: names.map((name) => namedTool(name, tools)) },
        };
      if (mode === "auto") return mode;
      if (quirks.must_call !== null) return quirks.must_call;
    }
  }
  losses.lose("tool_choice", "meaning");
  return null;
}

function namedTool(name: string, tools: readonly Tool[]): Fields {
  const is_custom = tools.some((tool) => tool.kind === "custom" && tool.name === name);
  return is_custom ? { type: "custom", custom: { name } } : { type: "function", function: { name } };
}

const NAME_MAX = 64;

/** The value of `response_format`. */
export function writeOutput(output: OutputFormat, { quirks, losses }: RequestPen): Fields {
  if (output.kind === "text") return { type: "text" };
  if (output.kind === "json") return { type: "json_object" };
  if (!quirks.schemas) {
    losses.lose("response_format", "meaning");
    return { type: "json_object" };
  }
  const { description, schema, strict } = output;
  return {
    type: "json_schema",
    json_schema: {
      name: output.name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, NAME_MAX) || "response",
      ...(description === undefined ? {} : { description }),
      schema,
      ...(strict === null ? {} : { strict }),
    },
  };
}

/** The fields that say how much to think. */
export function writeReasoningWish(wish: Reasoning, model: string, pen: RequestPen): Fields {
  const { quirks, losses } = pen;
  const { budget_tokens, mode, summary } = wish;
  const is_off = mode === "off" || wish.effort === "none";
  const effort =
    wish.effort ?? (budget_tokens === undefined || is_off ? undefined : effortOfBudget(budget_tokens));
  const tells = quirks.thoughts !== null;
  if (summary !== undefined && quirks.reasoning !== "object" && tells === (summary === "none"))
    losses.lose("reasoning.summary", "hint");
  switch (quirks.reasoning) {
    case "effort": {
      const said = is_off ? "none" : effort;
      if (said === undefined) return {};
      if (takesEffort(model)) return { reasoning_effort: said };
      losses.lose("reasoning_effort", "hint");
      return {};
    }
    case "effort_by_model":
      return writeEffort(effort, is_off, model, losses);
    case "object": {
      const object = {
        ...(wish.effort === undefined || is_off ? {} : { effort: wish.effort }),
        ...(budget_tokens === undefined || is_off ? {} : { max_tokens: budget_tokens }),
        ...(summary === "none" ? { exclude: true } : {}),
        ...(is_off ? { enabled: false } : {}),
        ...(mode === "on" && wish.effort === undefined && budget_tokens === undefined
          ? { enabled: true }
          : {}),
      };
      return Object.keys(object).length === 0 ? {} : { reasoning: object };
    }
    case "switch_and_effort":
      if (is_off) return { thinking: { type: "disabled" } };
      return {
        ...(mode === "on" ? { thinking: { type: "enabled" } } : {}),
        ...(effort === undefined ? {} : { reasoning_effort: effort }),
      };
    case "switch":
    case "switch_and_budget": {
      if (is_off) return { thinking: { type: "disabled" } };
      const budget = quirks.reasoning === "switch" || budget_tokens === undefined ? {} : { budget_tokens };
      if (wish.effort !== undefined) losses.lose("reasoning_effort", "hint");
      return mode === "on" || effort !== undefined ? { thinking: { type: "enabled", ...budget } } : {};
    }
    case "enable_thinking":
      if (is_off) return { enable_thinking: false };
      return {
        ...(mode === "on" || effort !== undefined ? { enable_thinking: true } : {}),
        ...(budget_tokens === undefined ? {} : { thinking_budget: budget_tokens }),
      };
    case null:
      if (!is_off) losses.lose("reasoning_effort", "hint");
      return {};
  }
}

/** OpenAI's models refuse what they do not know. */
function writeEffort(effort: string | undefined, is_off: boolean, model: string, losses: Losses): Fields {
  const off = offEffort(model);
  if (is_off && off === undefined) return {};
  const said = is_off ? off : effort;
  if (said === undefined) return {};
  if (off !== undefined && said !== null) return { reasoning_effort: said };
  losses.lose("reasoning_effort", "hint");
  return {};
}
