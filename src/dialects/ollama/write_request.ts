// A request for Ollama's chat. Source: https://docs.ollama.com/api/chat.

import { isFields, record } from "../fields.ts";
import { functionOfCustom } from "../neutral/custom_tools.ts";
import { effortOfBudget } from "../neutral/effort.ts";
import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, OutputFormat, Reasoning, Tool, ToolChoice } from "../neutral/request.ts";
import { loseUnsaid, type ParameterName } from "../neutral/unsaid.ts";
import { takesEffort } from "./models.ts";
import { writeMessages } from "./write_messages.ts";

type Fields = Readonly<Record<string, unknown>>;
type FunctionTool = Extract<Tool, { kind: "function" }>;

/** What clients of chat completions add for Ollama alone. */
const OWN = ["keep_alive", "options", "think", "shift", "truncate"];

/** What chats of OpenAI's format can say and this one cannot. */
const LACKING: readonly ParameterName[] = [
  ...(["n", "logit_bias", "modalities", "verbosity", "user", "metadata", "prompt_cache_key"] as const),
  ...(["service_tier", "parallel_tool_calls"] as const),
];

/** The body of a request. */
export function writeOllamaRequest(request: ChatRequest, { model }: RequestTarget, losses: Losses): Fields {
  const { options: own_options, ...own } = ownOf(request, losses);
  const tools = writeTools(request, losses);
  const options = { ...record(own_options), ...writeOptions(request) };
  loseUnsaid(request, LACKING, losses);
  return {
    ...{ model, messages: writeMessages(request.messages, losses), stream: request.stream },
    ...(tools.length === 0 ? {} : { tools }),
    ...writeFormat(request.output),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...writeThink(request.reasoning, model),
    ...writeLogprobs(request.logprobs),
    ...own,
  };
}

/** Source: https://docs.ollama.com/modelfile, "Valid Parameters and Values". */
function writeOptions(request: ChatRequest): Fields {
  const { stop } = request;
  const options: readonly (readonly [name: string, value: unknown])[] = [
    ["num_predict", request.max_tokens],
    ["temperature", request.temperature],
    ["top_p", request.top_p],
    ["top_k", request.top_k],
    ["min_p", request.min_p],
    ["frequency_penalty", request.frequency_penalty],
    ["presence_penalty", request.presence_penalty],
    ["seed", request.seed],
    ["stop", stop.length === 0 ? null : stop],
  ];
  return Object.fromEntries(options.filter(([, value]) => value !== null));
}

function writeFormat(output: OutputFormat | null): Fields {
  if (output === null || output.kind === "text") return {};
  return { format: output.kind === "json" ? "json" : output.schema };
}

function writeLogprobs(logprobs: ChatRequest["logprobs"]): Fields {
  if (logprobs === null) return {};
  return { logprobs: true, ...(logprobs.top === 0 ? {} : { top_logprobs: logprobs.top }) };
}

/** Most models think or do not; the others know three words. */
function writeThink(reasoning: Reasoning | null, model: string): Fields {
  if (reasoning === null) return {};
  const { effort, budget_tokens, mode } = reasoning;
  const wanted = effort ?? (budget_tokens === undefined ? undefined : effortOfBudget(budget_tokens));
  const is_off = mode === "off" || wanted === "none";
  if (!takesEffort(model)) return { think: !is_off };
  if (is_off || wanted === "minimal") return { think: "low" };
  if (wanted === undefined) return { think: true };
  return { think: wanted === "low" || wanted === "medium" ? wanted : "high" };
}

/** Nothing makes a model call a tool; it can only be shown fewer. */
function writeTools({ tools, tool_choice: choice }: ChatRequest, losses: Losses): readonly Fields[] {
  const known = tools.flatMap((tool) => asFunction(tool, losses));
  const is_forced = choice?.kind === "allowed" ? choice.mode === "required" : isForced(choice);
  if (is_forced) losses.lose("tool_choice", "meaning");
  return known.filter(({ name }) => isOffered(name, choice)).map(writeFunction);
}

function isForced(choice: ToolChoice | null): boolean {
  return choice?.kind === "required" || choice?.kind === "tool";
}

function isOffered(name: string, choice: ToolChoice | null): boolean {
  switch (choice?.kind) {
    case "none":
      return false;
    case "tool":
      return choice.name === name;
    case "allowed":
      return choice.names.includes(name);
    default:
      return true;
  }
}

function asFunction(tool: Tool, losses: Losses): readonly FunctionTool[] {
  if (tool.kind === "custom") {
    if (tool.grammar !== undefined) losses.lose("tools.format", "meaning");
    const shown = functionOfCustom(tool);
    return shown.kind === "function" ? [shown] : [];
  }
  if (tool.kind !== "function") {
    losses.lose("tools", "meaning");
    return [];
  }
  if (tool.strict === true) losses.lose("tools.strict", "hint");
  if (tool.cache !== undefined) losses.lose("cache_control", "hint");
  return [tool];
}

function writeFunction({ name, description, parameters }: FunctionTool): Fields {
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters: parameters ?? { type: "object", properties: {} },
    },
  };
}

/** What is Ollama's own among the fields of a client's format; the rest of them is lost. */
function ownOf({ own }: ChatRequest, losses: Losses): Fields {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record(own?.fields))) {
    const is_own = own?.format === "chat" && OWN.includes(name);
    if (is_own && (name !== "options" || isFields(value))) kept[name] = value;
    else losses.lose(name, "hint");
  }
  return kept;
}
