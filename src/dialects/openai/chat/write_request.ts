// A request for a chat completion, as it is written to a provider (OpenAI API reference, "Create chat completion"; for what compatible
// servers take otherwise see `quirks.ts`).

import type { RequestTarget } from "../../neutral/format.ts";
import type { Losses, Weight } from "../../neutral/losses.ts";
import type { ChatRequest } from "../../neutral/request.ts";
import { withJsonTool } from "./json_tool.ts";
import { quirksOf } from "./quirks.ts";
import { writeMessages } from "./write_messages.ts";
import type { RequestPen } from "./write_parts.ts";
import { writeOutput, writeReasoningWish, writeTools } from "./write_tools.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A field with its value, and how much it matters where the provider cannot take it. */
type Said = readonly [name: string, value: unknown, weight: Weight];

/** Writes a request; see `RequestFormat.writeRequest`. */
export function writeRequest(asked: ChatRequest, target: RequestTarget, losses: Losses): Fields {
  const quirks = quirksOf(target.provider_kind, target.model);
  const pen: RequestPen = { quirks, losses };
  const request = withJsonTool(asked, quirks);
  const { output } = request;
  const reasoning = thinkingBeside(request, pen);
  return {
    model: target.model,
    messages: writeMessages(request.messages, pen),
    ...(request.stream ? { stream: true } : {}),
    ...writeStreamOptions(request, pen),
    ...writeTools(request, pen),
    ...(output === null ? {} : { response_format: writeOutput(output, pen) }),
    ...writeFields(fieldsOf(request, pen), pen),
    ...writeTier(request, pen),
    ...(reasoning === null ? {} : writeReasoningWish(reasoning, target.model, pen)),
    ...writeOwn(request, losses),
  };
}

/** The wish to think; off where the server lets nobody think who has to call a tool. */
function thinkingBeside({ reasoning, tool_choice: choice }: ChatRequest, { quirks, losses }: RequestPen) {
  const is_forced = choice !== null && choice.kind !== "auto" && choice.kind !== "none";
  if (!is_forced || !quirks.forced_excludes_thinking) return reasoning;
  if (reasoning !== null && reasoning.mode !== "off") losses.lose("reasoning_effort", "hint");
  return { mode: "off" } as const;
}

/** Fields by OpenAI's names; those that say nothing are left out. */
export function writeFields(said: readonly Said[], { quirks, losses }: RequestPen): Fields {
  const fields: Record<string, unknown> = {};
  for (const [name, value, weight] of said) {
    if (value === null || (Array.isArray(value) && value.length === 0)) continue;
    if (quirks.refuses.has(name)) losses.lose(name, weight);
    else fields[quirks.names[name] ?? name] = value;
  }
  return fields;
}

/** The fields of chat and legacy completions that have one value. */
export function commonFields(request: ChatRequest): readonly Said[] {
  const { choices, stop } = request;
  return [
    ["max_tokens", request.max_tokens, "meaning"],
    ["temperature", request.temperature, "hint"],
    ["top_p", request.top_p, "hint"],
    ["top_k", request.top_k, "hint"],
    ["min_p", request.min_p, "hint"],
    ["frequency_penalty", request.frequency_penalty, "hint"],
    ["presence_penalty", request.presence_penalty, "hint"],
    ["logit_bias", request.logit_bias, "meaning"],
    ["seed", request.seed, "hint"],
    ["stop", stop.length === 1 ? stop[0] : stop, "meaning"],
    ["n", choices === 1 ? null : choices, "meaning"],
  ];
}

function fieldsOf(request: ChatRequest, { quirks, losses }: RequestPen): readonly Said[] {
  const { own, modalities } = request;
  const logprobs = request.logprobs;
  const top = logprobs === null || logprobs.top === 0 || quirks.refuses.has("logprobs") ? null : logprobs.top;
  // OpenAI keeps metadata with what it stores only, and refuses them elsewhere.
  const stores = own?.format === "chat" && own.fields["store"] === true;
  if (request.metadata !== null && !stores) losses.lose("metadata", "hint");
  const is_text = modalities.length === 1 && modalities[0] === "text";
  const safety = own?.format === "chat" ? own.fields["safety_identifier"] : undefined;
  return [
    ...commonFields(request),
    ["parallel_tool_calls", request.tools.length === 0 ? null : request.parallel_tool_calls, "hint"],
    ["logprobs", logprobs === null ? null : true, "meaning"],
    ["top_logprobs", top, "meaning"],
    ["verbosity", request.verbosity, "hint"],
    ["user", request.user === safety ? null : request.user, "hint"],
    ["metadata", stores ? request.metadata : null, "hint"],
    ["prompt_cache_key", request.prompt_cache_key, "hint"],
    ["modalities", is_text ? [] : modalities, "meaning"],
  ];
}

function writeTier({ service_tier: tier }: ChatRequest, { quirks, losses }: RequestPen): Fields {
  if (tier === null) return {};
  if (quirks.service_tiers.has(tier)) return { service_tier: tier };
  losses.lose("service_tier", "hint");
  return {};
}

function writeStreamOptions({ stream, asks_usage, own }: ChatRequest, { quirks }: RequestPen): Fields {
  // Who does not know the field tells usage unasked.
  if (!stream || quirks.refuses.has("stream_options")) return {};
  const others = own?.format === "chat" ? own.fields["stream_options"] : undefined;
  const options = { ...(asks_usage ? { include_usage: true } : {}), ...(others as Fields | undefined) };
  return Object.keys(options).length === 0 ? {} : { stream_options: options };
}

/** What only one format knows: back to it, or lost. */
function writeOwn({ own }: ChatRequest, losses: Losses): Fields {
  if (own === null) return {};
  if (own.format === "chat") {
    const { stream_options: _, ...others } = own.fields;
    return others;
  }
  for (const name of Object.keys(own.fields)) losses.lose(name, "hint");
  return {};
}
