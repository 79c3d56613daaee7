// A request for a chat completion, read (OpenAI API reference, "Create chat completion"). What no other format knows is kept as it came.

import type { GatewayError } from "../../../errors.ts";
import { Checked, Faults } from "../../checked.ts";
import type { RequestPlace } from "../../neutral/format.ts";
import { type ChatRequest, EMPTY_REQUEST } from "../../neutral/request.ts";
import { readMessages } from "./read_messages.ts";
import { isOwnOutput, readOutput, readReasoningWish, readToolChoice, readTools } from "./read_tools.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The fields that have a neutral meaning. */
const KNOWN: ReadonlySet<string> = new Set([
  ...["model", "stream", "stream_options", "messages", "tools", "functions", "web_search_options"],
  ...["tool_choice", "function_call", "parallel_tool_calls", "response_format"],
  ...["max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p"],
  ...["frequency_penalty", "presence_penalty", "logit_bias", "seed", "random_seed", "stop", "n"],
  ...["logprobs", "top_logprobs", "reasoning_effort", "reasoning", "thinking", "enable_thinking"],
  ...["thinking_budget", "include_reasoning", "verbosity", "user", "metadata", "service_tier"],
  ...["prompt_cache_key", "modalities"],
]);

/** Reads a request, or tells the first field that is wrong. */
export function readRequest(body: Fields, place: RequestPlace): ChatRequest | GatewayError {
  const faults = new Faults();
  const request = new Checked(body, "", faults);
  const read: ChatRequest = {
    ...readCommon(request, place),
    messages: readMessages(request),
    tools: readTools(request),
    tool_choice: readToolChoice(request),
    parallel_tool_calls: request.flag("parallel_tool_calls"),
    output: readOutput(request),
    max_tokens: request.integer("max_completion_tokens") ?? request.integer("max_tokens"),
    top_k: request.integer("top_k"),
    min_p: request.number("min_p"),
    logprobs: readLogprobs(request),
    reasoning: readReasoningWish(request),
    verbosity: request.text("verbosity"),
    metadata: readMetadata(request),
    service_tier: request.text("service_tier"),
    prompt_cache_key: request.text("prompt_cache_key"),
    modalities: request.texts("modalities"),
    own: readOwn(request),
  };
  return faults.error ?? read;
}

/** What chat and legacy completions have in common. */
export function readCommon(request: Checked, place: RequestPlace): ChatRequest {
  const model = place.model === null ? request.needText("model") : (request.text("model") ?? place.model);
  const stream = request.flag("stream") ?? place.stream;
  return {
    ...EMPTY_REQUEST,
    ...{ model, stream },
    asks_usage: request.object("stream_options")?.flag("include_usage") === true,
    max_tokens: request.integer("max_tokens"),
    temperature: request.number("temperature"),
    top_p: request.number("top_p"),
    frequency_penalty: request.number("frequency_penalty"),
    presence_penalty: request.number("presence_penalty"),
    logit_bias: readBias(request),
    seed: request.integer("seed") ?? request.integer("random_seed"),
    stop: readStop(request),
    choices: request.integer("n"),
    user: request.text("user") ?? request.text("safety_identifier"),
  };
}

function readStop(request: Checked): readonly string[] {
  const { stop } = request.fields;
  if (typeof stop === "string") return [stop];
  return request.texts("stop");
}

function readBias(request: Checked): Readonly<Record<string, number>> | null {
  const bias = request.object("logit_bias");
  if (bias === null) return null;
  return Object.fromEntries(Object.keys(bias.fields).map((token) => [token, bias.number(token) ?? 0]));
}

function readLogprobs(request: Checked): { readonly top: number } | null {
  const top = request.integer("top_logprobs");
  return request.flag("logprobs") === true ? { top: top ?? 0 } : null;
}

function readMetadata(request: Checked): Readonly<Record<string, string>> | null {
  const metadata = request.object("metadata");
  if (metadata === null) return null;
  return Object.fromEntries(Object.keys(metadata.fields).map((name) => [name, metadata.text(name) ?? ""]));
}

/** What has no neutral meaning, the rest of `stream_options` and a `response_format` of a server's own among it. */
function readOwn(request: Checked): ChatRequest["own"] {
  const options = request.object("stream_options")?.others(new Set(["include_usage"])) ?? null;
  const { response_format } = request.fields;
  const fields = {
    ...request.others(KNOWN),
    ...(options === null ? {} : { stream_options: options }),
    ...(isOwnOutput(response_format) ? { response_format } : {}),
  };
  return Object.keys(fields).length === 0 ? null : { format: "chat", fields };
}
