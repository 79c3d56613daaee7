// A request as the Responses API takes it (OpenAI API reference, "Create a model response").
// Whoever asks in another format keeps the conversation himself: nothing is stored, and reasoning comes encrypted, to be sent back.

import { effortOfBudget } from "../neutral/effort.ts";
import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, OutputFormat, Reasoning } from "../neutral/request.ts";
import { type Fields, memberFields, others, ownFields } from "./own.ts";
import { writeItems } from "./write_items.ts";
import { writeToolChoice, writeTools } from "./write_tools.ts";

/** The API takes no fewer: "Expected a value >= 16". */
const OUTPUT_TOKENS_MIN = 16;
/** Kept fields that are merged with those that are read. */
const MERGED = new Set(["text", "reasoning", "tool_choice"]);

/** Writes a request's body. */
export function writeRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Fields {
  const is_ours = request.own?.format === "responses";
  const own = ownFields(request);
  noteLosses(request, losses);
  const [first] = request.messages;
  const instructions = first !== undefined && ownFields(first)["is_instructions"] === true ? first : null;
  const tools = writeTools(request.tools, losses);
  const text = writeText(request, memberFields(own, "text"));
  const reasoning = {
    ...(request.reasoning === null ? {} : writeReasoning(request.reasoning, target, losses)),
    ...memberFields(own, "reasoning"),
  };
  const body: Record<string, unknown> = {
    model: target.model,
    instructions: instructions === null ? null : textOf(instructions),
    input: writeItems(instructions === null ? request.messages : request.messages.slice(1), losses),
    stream: request.stream ? true : null,
    ...others(own, MERGED),
    ...(is_ours ? {} : defaults(request)),
    tools: tools.length === 0 ? null : tools,
    tool_choice: own["tool_choice"] ?? writeToolChoice(request),
    parallel_tool_calls: request.parallel_tool_calls,
    text: Object.keys(text).length === 0 ? null : text,
    reasoning: Object.keys(reasoning).length === 0 ? null : reasoning,
    max_output_tokens:
      request.max_tokens === null || is_ours
        ? request.max_tokens
        : Math.max(request.max_tokens, OUTPUT_TOKENS_MIN),
    temperature: request.temperature,
    top_p: request.top_p,
    top_logprobs: request.logprobs === null || request.logprobs.top === 0 ? null : request.logprobs.top,
    // Its newer name may say the same.
    user: request.user === own["safety_identifier"] ? null : request.user,
    metadata: request.metadata,
    service_tier: request.service_tier,
    prompt_cache_key: request.prompt_cache_key,
  };
  if (request.messages.length === 0) delete body["input"];
  for (const [name, value] of Object.entries(body)) if (value === null) delete body[name];
  return body;
}

/** What is said for those who do not know of it. */
function defaults(request: ChatRequest): Fields {
  const include = ["reasoning.encrypted_content"];
  if (request.logprobs !== null) include.push("message.output_text.logprobs");
  return { store: false, include };
}

function textOf(message: ChatRequest["messages"][number]): string {
  return message.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
}

/** The format and the length of the answer. */
export function writeText(
  { output, verbosity }: Pick<ChatRequest, "output" | "verbosity">,
  own: Fields,
): Fields {
  return {
    ...(output === null ? {} : { format: writeFormat(output) }),
    ...(verbosity === null ? {} : { verbosity }),
    ...own,
  };
}

function writeFormat(output: OutputFormat): Fields {
  switch (output.kind) {
    case "text":
      return { type: "text" };
    case "json":
      return { type: "json_object" };
    case "schema": {
      const { name, description, schema, strict } = output;
      return {
        ...{ type: "json_schema", name },
        ...(description === undefined ? {} : { description }),
        schema,
        ...(strict === null ? {} : { strict }),
      };
    }
  }
}

function writeReasoning(reasoning: Reasoning, target: RequestTarget, losses: Losses): Fields {
  const effort = effortOf(reasoning, target, losses);
  const { summary } = reasoning;
  return {
    ...(effort === null ? {} : { effort }),
    ...(summary === undefined || summary === "none" ? {} : { summary }),
  };
}

function effortOf(
  { effort, budget_tokens, mode }: Reasoning,
  target: RequestTarget,
  losses: Losses,
): string | null {
  if (effort !== undefined) return effort;
  if (mode === "off") {
    const least = leastEffort(target.model);
    if (least === null) losses.lose("reasoning", "hint");
    return least;
  }
  return budget_tokens === undefined ? null : effortOfBudget(budget_tokens);
}

/**
 * The least that a model can be told to think: GPT-5 `minimal`, those after it `none`
 * (https://platform.openai.com/docs/guides/reasoning). Null where nothing of this kind can be told.
 */
function leastEffort(model: string): string | null {
  const name = model.slice(model.lastIndexOf("/") + 1);
  if (!name.startsWith("gpt-5")) return null;
  return name.startsWith("gpt-5.") ? "none" : "minimal";
}

/** What no field of this format says. */
function noteLosses(request: ChatRequest, losses: Losses): void {
  if (request.stop.length > 0) losses.lose("stop", "meaning");
  if ((request.choices ?? 1) > 1) losses.lose("n", "meaning");
  if (request.logit_bias !== null && Object.keys(request.logit_bias).length > 0)
    losses.lose("logit_bias", "meaning");
  if (request.modalities.some((modality) => modality !== "text")) losses.lose("modalities", "meaning");
  for (const name of ["top_k", "min_p", "seed"] as const)
    if (request[name] !== null) losses.lose(name, "hint");
  for (const name of ["frequency_penalty", "presence_penalty"] as const)
    if ((request[name] ?? 0) !== 0) losses.lose(name, "hint");
  if (request.own !== null && request.own.format !== "responses")
    for (const name of Object.keys(request.own.fields)) losses.lose(name, "hint");
}
