// The neutral request into one for Converse or ConverseStream; which of them is in the path, as the model is.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.

import { JSON_TOOL, jsonTool } from "../anthropic/json_tool.ts";
import { writeReasoning, writeSampling } from "../anthropic/reasoning.ts";
import { strictSchema } from "../anthropic/schema.ts";
import { isForced } from "../anthropic/tools.ts";
import { isFields } from "../fields.ts";
import { effortOfBudget } from "../neutral/effort.ts";
import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, Reasoning } from "../neutral/request.ts";
import { loseUnsaid, type ParameterName } from "../neutral/unsaid.ts";
import { type BedrockModel, bedrockModelOf } from "./models.ts";
import type { Fields } from "./own.ts";
import { writeConversation } from "./write_messages.ts";
import { writeToolConfig } from "./write_tools.ts";

/** Fields that are Converse's alone: clients of any format may say them beside their own. */
const GIVEN = [
  ...["guardrailConfig", "performanceConfig", "promptVariables", "additionalModelResponseFieldPaths"],
] as const;
const TIERS: ReadonlySet<string> = new Set(["default", "flex", "priority", "reserved"]);

/** What chats of OpenAI's format can say and this one cannot. */
const LACKING: readonly ParameterName[] = [
  ...([
    "n",
    "logprobs",
    "logit_bias",
    "modalities",
    "frequency_penalty",
    "presence_penalty",
    "min_p",
  ] as const),
  ...(["seed", "verbosity", "user", "prompt_cache_key"] as const),
];

/** Writes the body of a request. */
export function writeRequest(request: ChatRequest, { model: name }: RequestTarget, losses: Losses): Fields {
  const model = bedrockModelOf(name);
  loseUnsaid(request, LACKING, losses);
  loseOwnOfOthers(request, losses);
  const { system, messages, called, lacks_thinking } = writeConversation(request, model, losses);
  const output = writeOutput(request, model, losses);
  const asked = { ...request, ...output.choice };
  const toolConfig = writeToolConfig(asked, output.tool, called, model, losses);
  const is_forced = toolConfig !== null && isForced(asked.tool_choice) && model.forced_tools;
  const thought = writeThought(request, model, { is_forced, lacks_thinking }, losses);
  const inference = writeInference(request, model, thought, losses);
  const own = request.own?.fields ?? {};
  const additional = {
    ...thought.additional,
    ...inference.additional,
    ...(isFields(own["additionalModelRequestFields"]) ? own["additionalModelRequestFields"] : {}),
  };
  const outputConfig = {
    ...(output.textFormat === null ? {} : { textFormat: output.textFormat }),
    ...(thought.effort === null ? {} : { effort: thought.effort }),
  };
  return {
    messages,
    ...(system.length === 0 ? {} : { system }),
    ...filled("inferenceConfig", inference.config),
    ...(toolConfig === null ? {} : { toolConfig }),
    ...filled("outputConfig", outputConfig),
    ...filled("additionalModelRequestFields", additional),
    ...filled("requestMetadata", metadataOf(request, losses)),
    ...tierOf(request.service_tier, losses),
    ...Object.fromEntries(GIVEN.filter((field) => field in own).map((field) => [field, own[field]])),
  };
}

function filled(name: string, fields: Fields): Fields {
  return Object.keys(fields).length === 0 ? {} : { [name]: fields };
}

/** How the wish for a form of the answer is said. */
interface WrittenOutput {
  readonly textFormat: Fields | null;
  /** A tool whose arguments are the answer. */
  readonly tool: Fields | null;
  readonly choice: Partial<Pick<ChatRequest, "tool_choice" | "parallel_tool_calls">>;
}

function writeOutput(request: ChatRequest, model: BedrockModel, losses: Losses): WrittenOutput {
  const { output, tool_choice } = request;
  const none = { textFormat: null, tool: null, choice: {} };
  if (output === null || output.kind === "text") return none;
  if (output.kind === "schema" && model.schemas) {
    const { name, description } = output;
    const schema = JSON.stringify(model.claude.is_known ? strictSchema(output.schema) : output.schema);
    const jsonSchema = { schema, name, ...(description === undefined ? {} : { description }) };
    return { ...none, textFormat: { type: "json_schema", structure: { jsonSchema } } };
  }
  // A call is the answer then.
  if (tool_choice?.kind === "tool") return none;
  const tool = jsonTool(output);
  if (tool === null || !model.forced_tools) {
    losses.lose("response_format", "meaning");
    return none;
  }
  const { description, input_schema: json } = tool;
  const spec = { toolSpec: { name: JSON_TOOL, description, inputSchema: { json } } };
  const is_alone = request.tools.length === 0 || tool_choice?.kind === "none";
  const called = { tool_choice: { kind: "tool", name: JSON_TOOL }, parallel_tool_calls: null } as const;
  return { ...none, tool: spec, choice: is_alone ? called : { tool_choice: { kind: "required" } } };
}

/** What a request says of thinking, written. */
interface WrittenThought {
  readonly additional: Fields;
  /** For `outputConfig`. */
  readonly effort: string | null;
  readonly max_tokens: number | null;
  readonly thinks: boolean;
  /** It takes neither a bound of tokens nor sampling then. */
  readonly is_unbounded: boolean;
}

const NO_THOUGHT = { additional: {}, effort: null, thinks: false, is_unbounded: false } as const;

function writeThought(
  request: ChatRequest,
  model: BedrockModel,
  about: { readonly is_forced: boolean; readonly lacks_thinking: boolean },
  losses: Losses,
): WrittenThought {
  const { reasoning, max_tokens } = request;
  if (model.reasoning === "claude") return claudeThought(request, model, about, losses);
  const effort = reasoning === null ? null : effortOf(reasoning);
  if (effort === null) return { ...NO_THOUGHT, max_tokens };
  if (model.reasoning === null) {
    losses.lose("reasoning", "hint");
    return { ...NO_THOUGHT, max_tokens };
  }
  if (model.reasoning === "effort") {
    return { ...NO_THOUGHT, additional: { reasoning_effort: effort }, max_tokens };
  }
  const is_unbounded = effort === "high";
  if (is_unbounded && max_tokens !== null) losses.lose("max_tokens", "hint");
  return {
    additional: { reasoningConfig: { type: "enabled", maxReasoningEffort: effort } },
    effort: null,
    max_tokens: is_unbounded ? null : max_tokens,
    thinks: true,
    is_unbounded,
  };
}

function claudeThought(
  request: ChatRequest,
  { claude }: BedrockModel,
  about: { readonly is_forced: boolean; readonly lacks_thinking: boolean },
  losses: Losses,
): WrittenThought {
  const most = request.max_tokens ?? claude.max_tokens;
  const { thinking, effort, max_tokens } = writeReasoning(
    request,
    claude,
    { ...about, max_tokens: most },
    losses,
  );
  const type = thinking?.["type"];
  return {
    additional: thinking === null ? {} : { thinking },
    effort,
    // Bedrock's own default is the most that the model gives.
    max_tokens: request.max_tokens === null && type !== "enabled" ? null : max_tokens,
    thinks: type === "enabled" || type === "adaptive",
    is_unbounded: false,
  };
}

/** `low`, `medium` or `high`; null: no thinking is asked for. */
function effortOf({ effort, budget_tokens, mode }: Reasoning): string | null {
  if (mode === "off" || effort === "none" || budget_tokens === 0) return null;
  if (effort === undefined && budget_tokens === undefined) return mode === undefined ? null : "medium";
  const word = effort ?? effortOfBudget(budget_tokens ?? 0);
  if (word === "minimal") return "low";
  return word === "low" || word === "medium" ? word : "high";
}

function writeInference(
  request: ChatRequest,
  model: BedrockModel,
  { max_tokens, thinks, is_unbounded }: WrittenThought,
  losses: Losses,
): { readonly config: Fields; readonly additional: Fields } {
  const has_top_k = request.top_k !== null && model.top_k !== null && !is_unbounded;
  if (request.top_k !== null && !has_top_k) losses.lose("top_k", "hint");
  const sampled = { ...request, top_k: has_top_k ? request.top_k : null };
  const bare = is_unbounded || (thinks && model.claude.is_known);
  const sampling = writeSampling(sampled, model.claude, bare, losses);
  const { temperature, top_p, top_k } = sampling;
  const stop = request.stop.filter((sequence) => sequence.trim() !== "");
  if (stop.length < request.stop.length) losses.lose("stop", "meaning");
  return {
    config: {
      ...(max_tokens === null ? {} : { maxTokens: max_tokens }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(top_p === undefined ? {} : { topP: top_p }),
      ...(stop.length === 0 ? {} : { stopSequences: stop }),
    },
    additional: top_k === undefined ? {} : topKOf(model, top_k),
  };
}

function topKOf({ top_k: place }: BedrockModel, top_k: unknown): Fields {
  if (place === "nova") return { inferenceConfig: { topK: top_k } };
  return place === "cohere" ? { k: top_k } : { top_k };
}

const METADATA = /^[A-Za-z0-9\s:_@$#=/+,.-]{0,256}$/;
const METADATA_MAX = 16;

/** What Bedrock writes into its own logs. Values that it refuses are left out. */
function metadataOf({ metadata }: ChatRequest, losses: Losses): Fields {
  const pairs = Object.entries(metadata ?? {});
  const taken = pairs
    .filter(([name, value]) => name !== "" && METADATA.test(name) && METADATA.test(value))
    .slice(0, METADATA_MAX);
  if (taken.length < pairs.length) losses.lose("metadata", "hint");
  return Object.fromEntries(taken);
}

function tierOf(tier: string | null, losses: Losses): Fields {
  if (tier === null || tier === "auto") return {};
  if (TIERS.has(tier)) return { serviceTier: { type: tier } };
  losses.lose("service_tier", "hint");
  return {};
}

function loseOwnOfOthers({ own }: ChatRequest, losses: Losses): void {
  const given: ReadonlySet<string> = new Set([...GIVEN, "additionalModelRequestFields"]);
  for (const field of Object.keys(own?.fields ?? {})) if (!given.has(field)) losses.lose(field, "hint");
}
