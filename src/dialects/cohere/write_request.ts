// A request for Cohere's chat. Source: https://docs.cohere.com/reference/chat.

import { record } from "../fields.ts";
import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, OutputFormat, Reasoning } from "../neutral/request.ts";
import { loseUnsaid, type ParameterName } from "../neutral/unsaid.ts";
import { thinks } from "./models.ts";
import { writeMessages } from "./write_messages.ts";
import { writeTools } from "./write_tools.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Most stop sequences. */
const STOPS_MAX = 5;
/** What a number may be; Cohere refuses what lies beside it. */
const TOP_P: Range = [0.01, 0.99];
const TOP_K: Range = [0, 500];
const PENALTY: Range = [0, 1];

type Range = readonly [least: number, most: number];

/** What clients of chat completions add for Cohere alone. */
const OWN = ["safety_mode", "citation_options", "documents", "strict_tools", "raw_prompting", "priority"];

/** What chats of OpenAI's format can say and this one cannot. */
const LACKING: readonly ParameterName[] = [
  ...(["n", "logit_bias", "top_logprobs", "modalities", "min_p", "verbosity", "user", "metadata"] as const),
  ...(["prompt_cache_key", "service_tier", "parallel_tool_calls"] as const),
];

/** The body of a request. */
export function writeCohereRequest(request: ChatRequest, { model }: RequestTarget, losses: Losses): Fields {
  const can_think = thinks(model);
  const own = ownOf(request, losses);
  const { messages, documents } = writeMessages(request.messages, can_think, losses);
  const all_documents = [...documents, ...(Array.isArray(own["documents"]) ? own["documents"] : [])];
  loseUnsaid(request, LACKING, losses);
  return {
    ...own,
    ...{ model, messages, stream: request.stream },
    ...(all_documents.length === 0 ? {} : { documents: all_documents }),
    ...writeTools(request, losses),
    ...writeOutput(request.output),
    ...writeThinking(request.reasoning, can_think, losses),
    ...said("max_tokens", request.max_tokens),
    ...said("temperature", request.temperature),
    ...said("p", within("top_p", request.top_p, TOP_P, losses)),
    ...said("k", within("top_k", request.top_k, TOP_K, losses)),
    ...said("frequency_penalty", within("frequency_penalty", request.frequency_penalty, PENALTY, losses)),
    ...said("presence_penalty", within("presence_penalty", request.presence_penalty, PENALTY, losses)),
    ...said("seed", request.seed),
    ...writeStops(request.stop, losses),
    ...(request.logprobs === null ? {} : { logprobs: true }),
  };
}

function said(name: string, value: unknown): Fields {
  return value === null ? {} : { [name]: value };
}

/** The nearest number that is taken. A `top_p` of 1 says no more than the most that there is. */
function within(name: string, value: number | null, [least, most]: Range, losses: Losses): number | null {
  if (value === null) return null;
  const taken = Math.min(Math.max(value, least), most);
  if (taken !== value && !(name === "top_p" && value === 1)) losses.lose(name, "hint");
  return taken;
}

function writeStops(stop: readonly string[], losses: Losses): Fields {
  if (stop.length > STOPS_MAX) losses.lose("stop", "meaning");
  return stop.length === 0 ? {} : { stop_sequences: stop.slice(0, STOPS_MAX) };
}

function writeOutput(output: OutputFormat | null): Fields {
  switch (output?.kind) {
    case "json":
      return { response_format: { type: "json_object" } };
    case "schema":
      return { response_format: { type: "json_object", json_schema: output.schema } };
    default:
      return {};
  }
}

/** Models that think do so unless they are told not to. Source: https://docs.cohere.com/docs/reasoning. */
function writeThinking(reasoning: Reasoning | null, can_think: boolean, losses: Losses): Fields {
  if (reasoning === null) return {};
  const { effort, budget_tokens, mode } = reasoning;
  const is_off = mode === "off" || effort === "none" || budget_tokens === 0;
  if (!can_think) {
    if (!is_off) losses.lose("reasoning_effort", "hint");
    return {};
  }
  if (is_off) return { thinking: { type: "disabled" } };
  const budget = budget_tokens === undefined ? {} : { token_budget: budget_tokens };
  // There are budgets, but no efforts.
  if (budget_tokens === undefined && effort !== undefined) losses.lose("reasoning_effort", "hint");
  return { thinking: { type: "enabled", ...budget } };
}

/** What is Cohere's own among the fields of a client's format; the rest of them is lost. */
function ownOf({ own }: ChatRequest, losses: Losses): Fields {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record(own?.fields))) {
    if (own?.format === "chat" && OWN.includes(name)) kept[name] = value;
    else losses.lose(name, "hint");
  }
  return kept;
}
