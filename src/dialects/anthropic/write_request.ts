// The neutral request into one for a message.
// Source: https://platform.claude.com/docs/en/api/messages/create; the SDK's `MessageCreateParamsBase`.

import { isFields } from "../fields.ts";
import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { loseUnsaid, type ParameterName } from "../neutral/unsaid.ts";
import { type Claude, claudeOf } from "./claude.ts";
import { JSON_TOOL, JSON_WISH, jsonTool } from "./json_tool.ts";
import { type Fields, FORMAT, keptOf, optional } from "./own.ts";
import { writeReasoning, writeSampling } from "./reasoning.ts";
import { hasMaps, strictSchema } from "./schema.ts";
import { writeAskedTier } from "./service_tier.ts";
import { isForced, writeToolChoice, writeTools } from "./tools.ts";
import { type Conversation, writeConversation } from "./write_messages.ts";

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
  ...(["seed", "verbosity", "metadata", "prompt_cache_key"] as const),
];

/** Writes the body of a request. */
export function writeRequest(request: ChatRequest, { model }: RequestTarget, losses: Losses): Fields {
  const claude = claudeOf(model);
  loseUnsaid(request, LACKING, losses);
  loseOwnOfOthers(request, losses);
  const conversation = writeConversation(request, claude, losses);
  const answer = writeOutput(request, claude, losses);
  const tools = [...writeTools(request, claude, losses), ...answer.tools];
  const asked = { ...request, ...answer.choice };
  const choice = tools.length === 0 ? {} : writeToolChoice(asked, claude, losses);
  const { lacks_thinking } = conversation;
  const is_forced = tools.length > 0 && isForced(answer.choice.tool_choice) && claude.forced_tools;
  const max_tokens = request.max_tokens ?? claude.max_tokens;
  const reasoning = writeReasoning(request, claude, { is_forced, lacks_thinking, max_tokens }, losses);
  const thinks = reasoning.thinking?.["type"] === "enabled" || reasoning.thinking?.["type"] === "adaptive";
  const { output_config, metadata, ...kept } = keptOf(request.own);
  const config = {
    ...(isFields(output_config) ? output_config : {}),
    ...optional("effort", reasoning.effort),
    ...optional("format", answer.format),
  };
  const told = { ...(isFields(metadata) ? metadata : {}), ...optional("user_id", request.user) };
  return {
    model,
    max_tokens: reasoning.max_tokens,
    ...systemOf(conversation, answer.wish),
    messages: conversation.messages,
    ...(tools.length === 0 ? {} : { tools }),
    ...choice,
    ...optional("thinking", reasoning.thinking),
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
    ...writeSampling(request, claude, thinks, losses),
    ...stopOf(request.stop, losses),
    ...(Object.keys(told).length === 0 ? {} : { metadata: told }),
    ...tierOf(request.service_tier, losses),
    ...(request.stream ? { stream: true } : {}),
    ...kept,
  };
}

function systemOf({ system }: Conversation, wish: string | null): Fields {
  const blocks = wish === null ? system : [...system, { type: "text", text: wish }];
  const [only] = blocks;
  if (only === undefined) return {};
  return { system: blocks.length === 1 && Object.keys(only).length === 2 ? only["text"] : blocks };
}

/** How the wish for a form of the answer is said. */
interface WrittenOutput {
  readonly format: Fields | null;
  readonly tools: readonly Fields[];
  readonly choice: Pick<ChatRequest, "tool_choice" | "parallel_tool_calls">;
  /** Words for the system prompt. */
  readonly wish: string | null;
}

function writeOutput(request: ChatRequest, claude: Claude, losses: Losses): WrittenOutput {
  const { output, tool_choice, parallel_tool_calls } = request;
  const none = { format: null, tools: [], choice: { tool_choice, parallel_tool_calls }, wish: null };
  if (output === null || output.kind === "text") return none;
  const is_own = request.own?.format === FORMAT;
  if (
    output.kind === "schema" &&
    claude.schemas &&
    (is_own || output.strict === true || !hasMaps(output.schema))
  ) {
    const schema = is_own ? output.schema : strictSchema(output.schema);
    return { ...none, format: { type: "json_schema", schema } };
  }
  // A call is the answer then.
  if (tool_choice?.kind === "tool") return none;
  const tool = jsonTool(output);
  if (tool === null || (output.kind === "schema" && !claude.forced_tools)) {
    losses.lose("response_format", "meaning");
    return none;
  }
  if (!claude.forced_tools) {
    losses.lose("response_format", "hint");
    return { ...none, wish: JSON_WISH };
  }
  const is_alone = request.tools.length === 0 || tool_choice?.kind === "none";
  const called = { tool_choice: { kind: "tool", name: JSON_TOOL }, parallel_tool_calls: false } as const;
  const beside = { tool_choice: { kind: "required" }, parallel_tool_calls } as const;
  return { ...none, tools: [tool], choice: is_alone ? called : beside };
}

function stopOf(stop: readonly string[], losses: Losses): Fields {
  // The provider refuses sequences of white space alone.
  const taken = stop.filter((sequence) => sequence.trim() !== "");
  if (taken.length < stop.length) losses.lose("stop", "meaning");
  return taken.length === 0 ? {} : { stop_sequences: taken };
}

function tierOf(tier: string | null, losses: Losses): Fields {
  if (tier === null) return {};
  const service_tier = writeAskedTier(tier);
  if (service_tier === null) losses.lose("service_tier", "hint");
  return optional("service_tier", service_tier);
}

function loseOwnOfOthers({ own }: ChatRequest, losses: Losses): void {
  if (own !== null && own.format !== FORMAT)
    for (const field of Object.keys(own.fields)) losses.lose(field, "hint");
}
