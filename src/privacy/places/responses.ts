// What the places of a request to Responses, of its answer and of its stream hold. What is new in the format tomorrow is text, too.

import { isFields, record } from "../../dialects/fields.ts";
import type { AnswerTreatment } from "../answer_places.ts";
import { CONTENT, HASH, JSON_TEXT, KEEP, type RequestTreatment, SCHEMA } from "../request_places.ts";
import {
  type EventTexts,
  findWholes,
  type GrowingPiece,
  type StreamPlaces,
  type WholeText,
} from "../stream_places.ts";
import { type Rule, rule } from "../walk.ts";

/** What the gateway's format names, and what a provider has encrypted, is kept in all items. */
const ITEM_KEEPS = [
  "type",
  "id",
  "call_id",
  "status",
  "role",
  "name",
  "namespace",
  "encrypted_content",
  "phase",
];
/** Media, and what was done with them. */
const MEDIA_KEEPS = [
  "image_url",
  "file_data",
  "file_id",
  "file_url",
  "detail",
  "container_id",
  "result",
  "server_label",
];

/** The same rule for each of some members. */
export function kept<T extends string>(names: readonly string[], keep: Rule<T>): Record<string, Rule<T>> {
  return Object.fromEntries(names.map((name) => [name, keep]));
}

/** An item of the input: a message, a call, its output, a reasoning. */
export const ITEM: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  ...kept([...ITEM_KEEPS, ...MEDIA_KEEPS], KEEP),
  content: CONTENT,
  output: CONTENT,
  // What a search found: of the client's own data.
  attributes: JSON_TEXT,
  logprobs: KEEP,
});

/** A tool that a model may call. */
export const TOOL: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  ...kept(
    [
      "type",
      "name",
      "vector_store_ids",
      "container",
      "server_label",
      "server_url",
      "headers",
      "authorization",
    ],
    KEEP,
  ),
  ...kept(["connector_id", "allowed_tools", "require_approval", "filters", "search_context_size"], KEEP),
  parameters: SCHEMA,
  format: rule<RequestTreatment>("text", { type: KEEP, syntax: KEEP }),
});

/** The body of a request. */
export const RESPONSES_REQUEST: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  ...kept(
    ["model", "previous_response_id", "conversation", "include", "tool_choice", "reasoning", "service_tier"],
    KEEP,
  ),
  ...kept(["truncation", "context_management", "prompt_cache_retention"], KEEP),
  user: HASH,
  safety_identifier: HASH,
  prompt_cache_key: HASH,
  input: ITEM,
  tools: TOOL,
  text: rule<RequestTreatment>("text", {
    verbosity: KEEP,
    format: rule<RequestTreatment>("text", { type: KEEP, name: KEEP, schema: SCHEMA }),
  }),
  prompt: rule<RequestTreatment>("text", {
    ...{ id: KEEP, version: KEEP },
    // Each is named by the client: a text, or a part.
    variables: rule<RequestTreatment>("text", {}, CONTENT),
  }),
  metadata: JSON_TEXT,
});

const ANSWER_KEEP = rule<AnswerTreatment>("keep");

/** An item of the output, or a part of one. */
export const ANSWER_ITEM: Rule<AnswerTreatment> = rule<AnswerTreatment>("text", {
  ...kept([...ITEM_KEEPS, ...MEDIA_KEEPS], ANSWER_KEEP),
  logprobs: ANSWER_KEEP,
});

/** A whole response. What it repeats of the request is as the provider got it. */
export const RESPONSES_ANSWER: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  output: ANSWER_ITEM,
  output_text: rule<AnswerTreatment>("text"),
});

/** Where the texts of an event lie that has them whole, by its member. */
const WHOLES: readonly (readonly [member: string, place: Rule<AnswerTreatment>])[] = [
  ["item", ANSWER_ITEM],
  ["part", ANSWER_ITEM],
  ["annotation", ANSWER_ITEM],
  ["response", RESPONSES_ANSWER],
  ["text", rule<AnswerTreatment>("text")],
  ["refusal", rule<AnswerTreatment>("text")],
  ["arguments", rule<AnswerTreatment>("text")],
  ["input", rule<AnswerTreatment>("text")],
  ["code", rule<AnswerTreatment>("text")],
];

/** Deltas of sounds and images. */
const NO_TEXTS: ReadonlySet<unknown> = new Set(["response.audio.delta", "response.output_audio.delta"]);

/** The events that an answer ends with. */
const ENDS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.failed"]);

/** The places of a stream. */
export const RESPONSES_STREAM: StreamPlaces = { number_member: "sequence_number", isEnd: isDone, read };

/** OpenRouter ends its streams as those of chat completions end. */
function isDone(data: Uint8Array): boolean {
  return data.length === 6 && Buffer.from(data).toString("latin1") === "[DONE]";
}

function read(event: Readonly<Record<string, unknown>>): EventTexts | null {
  const { type, delta } = event;
  if (typeof type !== "string" || !type.startsWith("response.")) return null;
  const scope = String(event["output_index"]);
  if (type.endsWith(".delta")) {
    const is_text = typeof delta === "string" && delta !== "" && !NO_TEXTS.has(type);
    return { growing: is_text ? [pieceOf(event, type, scope, delta)] : [], whole: [], ended: [] };
  }
  const whole: WholeText[] = [];
  const onWhole = (text: WholeText) => whole.push(text);
  for (const [member, place] of WHOLES) {
    const value = event[member];
    if (typeof value === "string" || isFields(value)) findWholes(value, place, [member], onWhole);
  }
  // Some servers say nothing of a text's end but the answer's.
  if (ENDS.has(type)) return { growing: [], whole, ended: "all" };
  return { growing: [], whole, ended: type.endsWith(".done") ? [scope] : [] };
}

function pieceOf(
  event: Readonly<Record<string, unknown>>,
  type: string,
  scope: string,
  came: string,
): GrowingPiece {
  const { content_index, summary_index } = event;
  // An item says its texts one after the other.
  const kind = `${type} ${content_index ?? ""} ${summary_index ?? ""}`;
  return {
    ...{ name: `${scope} ${kind}`, scope, kind, came, path: ["delta"] },
    frame: (text, sequence_number) => {
      const { logprobs, ...rest } = record(event);
      const more = {
        ...rest,
        sequence_number,
        delta: text,
        ...(logprobs === undefined ? {} : { logprobs: [] }),
      };
      return `event: ${type}\ndata: ${JSON.stringify(more)}\n\n`;
    },
  };
}
