// The response object around the output: what was asked, repeated as OpenAI repeats it, with its defaults.
// Source: OpenAI API reference, "The response object"; recorded answers of the API.

import type { AnswerContext } from "../neutral/format.ts";
import { Losses } from "../neutral/losses.ts";
import type { OwnFields } from "../neutral/parts.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { type Fields, memberFields, ownFields } from "./own.ts";
import { writeText } from "./write_request.ts";
import { writeToolChoice, writeTools } from "./write_tools.ts";

/** What is known of an answer when it begins. */
export interface Head {
  readonly id: string;
  readonly model: string;
  readonly created_s: number | null;
  readonly service_tier?: string;
  readonly own?: OwnFields;
}

/** What changes while an answer is made. */
export interface State {
  readonly status: string;
  readonly completed_at: number | null;
  readonly error: Fields | null;
  readonly incomplete_details: Fields | null;
  readonly output: readonly Fields[];
  readonly usage: Fields | null;
}

/** What OpenAI says of what the request leaves open. */
const DEFAULTS = {
  background: false,
  frequency_penalty: 0,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  presence_penalty: 0,
  previous_response_id: null,
  prompt_cache_key: null,
  prompt_cache_retention: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: "default",
  store: true,
  temperature: 1,
  text: { format: { type: "text" }, verbosity: "medium" },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
  user: null,
  metadata: {},
};

/** Fields of requests that answers repeat as they are. */
const REPEATED = [
  ...["background", "conversation", "max_tool_calls", "previous_response_id", "prompt"],
  ...["prompt_cache_options", "prompt_cache_retention", "safety_identifier", "store", "truncation"],
];

/** The response objects of one answer. */
export class ResponseObject {
  readonly id: string;
  readonly created_at: number;
  readonly #model: string;
  readonly #rest: Fields;

  constructor(head: Head, { call_id, model, now_s, request }: AnswerContext) {
    this.id = idOf(head, call_id);
    this.created_at = head.created_s ?? now_s;
    this.#model = head.model === "" ? model : head.model;
    const told = withoutNulls(ownFields(head), ["metadata", "service_tier", "tools"]);
    const asked = said(request);
    this.#rest = {
      ...DEFAULTS,
      ...told,
      ...asked,
      // A provider of this format tells more of these than was asked.
      reasoning: merged("reasoning", told, asked),
      text: merged("text", told, asked),
      tools: told["tools"] ?? asked["tools"] ?? DEFAULTS.tools,
      ...(head.service_tier === undefined ? {} : { service_tier: head.service_tier }),
    };
  }

  /** The object in a state. */
  in({ status, completed_at, error, incomplete_details, output, usage }: State): Fields {
    const { background, ...rest } = this.#rest;
    return {
      ...{ id: this.id, object: "response", created_at: this.created_at, status, background },
      ...rest,
      ...{ completed_at, error, incomplete_details, model: this.#model, output, usage },
    };
  }
}

/** Some servers tell these as null until the end. */
function withoutNulls(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== null || !names.includes(name)),
  );
}

function merged(name: "reasoning" | "text", told: Fields, asked: Fields): Fields {
  return { ...DEFAULTS[name], ...memberFields(told, name), ...memberFields(asked, name) };
}

/**
 * What a provider of this format calls a response stays. Others' ids are of another kind, and not all are unique, as those have to
 * be that a conversation can go on by.
 */
function idOf({ id, own }: Head, call_id: string): string {
  const is_ours = own?.format === "responses" || id.startsWith("resp_");
  return is_ours && id !== "" ? id : `resp_${call_id}`;
}

/** What the request says, as far as answers repeat it. */
function said(request: ChatRequest): Fields {
  const own = ownFields(request);
  // What cannot be said was told when the request was sent.
  const unheard = new Losses("drop", "");
  const { reasoning } = request;
  const [first] = request.messages;
  const instructions =
    first !== undefined && ownFields(first)["is_instructions"] === true
      ? first.parts.map((part) => (part.kind === "text" ? part.text : "")).join("")
      : null;
  const text = writeText(request, memberFields(own, "text"));
  const fields: Fields = {
    instructions,
    max_output_tokens: request.max_tokens,
    parallel_tool_calls: request.parallel_tool_calls,
    prompt_cache_key: request.prompt_cache_key,
    reasoning: {
      ...(reasoning?.effort === undefined ? {} : { effort: reasoning.effort }),
      ...(reasoning?.summary === undefined ? {} : { summary: reasoning.summary }),
      ...memberFields(own, "reasoning"),
    },
    temperature: request.temperature,
    text: withFormat(text),
    tool_choice: own["tool_choice"] ?? writeToolChoice(request),
    tools: request.tools.length === 0 ? null : writeTools(request.tools, unheard).map(withDefaults),
    top_logprobs: request.logprobs?.top ?? null,
    top_p: request.top_p,
    user: request.user === own["safety_identifier"] ? null : request.user,
    metadata: request.metadata,
    ...Object.fromEntries(REPEATED.map((name) => [name, own[name] ?? null])),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function withFormat(text: Fields): Fields {
  const format = memberFields(text, "format");
  return format["type"] === "json_schema" ? { ...text, format: { description: null, ...format } } : text;
}

function withDefaults(tool: Fields): Fields {
  return tool["type"] === "function" ? { description: null, strict: true, ...tool } : tool;
}
