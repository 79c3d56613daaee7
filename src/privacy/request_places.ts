// What the places of a request in OpenAI's format hold. Everything is text unless it is known to be something else: what is new in
// the format tomorrow is redacted, too.

import { jsonRule, type Rule, rule } from "./walk.ts";

/**
 * `text` is redacted, inside of its JSON where it is JSON; `data` too, unless it is base64; `name` is somebody's name in a conversation;
 * `hash` names a user and becomes a keyed hash.
 */
export type RequestTreatment = "text" | "data" | "name" | "hash";

/** Left as it is, and all within it. */
export const KEEP: Rule<RequestTreatment> = rule<RequestTreatment>("keep");
/** A text. */
export const TEXT: Rule<RequestTreatment> = rule("text");
/** Data of the client's own: an object is one text of JSON, whatever its members are called. */
export const JSON_TEXT: Rule<RequestTreatment> = jsonRule("text");
/** A user's name. */
export const HASH: Rule<RequestTreatment> = rule("hash");

/** Arguments are a string that holds JSON. The names of tools must stay what they are: the client looks them up. */
const CALLED = rule<RequestTreatment>("text", { name: KEEP });
const TOOL_CALLS = rule<RequestTreatment>("text", {
  id: KEEP,
  type: KEEP,
  function: CALLED,
  custom: CALLED,
});

/** A text, or parts of which some are texts. Media are kept: their URLs, their base64, the ids of files. */
export const CONTENT: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  type: KEEP,
  id: KEEP,
  image_url: KEEP,
  video_url: KEEP,
  audio_url: KEEP,
  input_audio: KEEP,
  file_data: KEEP,
  file_id: KEEP,
  file_url: KEEP,
  cache_control: KEEP,
  file: rule<RequestTreatment>("text", { file_data: KEEP, file_id: KEEP, file_url: KEEP, format: KEEP }),
});

const MESSAGE = rule<RequestTreatment>("text", {
  role: KEEP,
  id: KEEP,
  name: rule<RequestTreatment>("name"),
  content: CONTENT,
  tool_call_id: KEEP,
  tool_calls: TOOL_CALLS,
  function_call: CALLED,
  audio: KEEP,
  cache_control: KEEP,
  // What a provider has signed or encrypted has to come back to it as it was.
  reasoning_details: rule<RequestTreatment>("text", {
    id: KEEP,
    type: KEEP,
    format: KEEP,
    data: KEEP,
    signature: KEEP,
  }),
});

/** A JSON Schema: descriptions, titles, examples, defaults and the values of an enum are texts; what names and types are is kept. */
export const SCHEMA: Rule<RequestTreatment> = schema();

function schema(): Rule<RequestTreatment> {
  const keywords: Record<string, Rule<RequestTreatment>> = {
    type: KEEP,
    format: KEEP,
    required: TEXT,
    propertyOrdering: TEXT,
    dependentRequired: TEXT,
    $ref: KEEP,
    $id: KEEP,
    $schema: KEEP,
    $anchor: KEEP,
    description: TEXT,
    title: TEXT,
    default: TEXT,
    const: TEXT,
    enum: TEXT,
    example: TEXT,
    examples: TEXT,
  };
  const members = new Map(Object.entries(keywords));
  const own: Rule<RequestTreatment> = { ...rule<RequestTreatment>("text"), members };
  // The members of these are named by the client, perhaps like a keyword, and each is a schema.
  const named = rule<RequestTreatment>("text", {}, own);
  for (const keyword of ["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"]) {
    members.set(keyword, named);
  }
  return own;
}

const FUNCTION = rule<RequestTreatment>("text", { name: KEEP, parameters: SCHEMA, input_schema: SCHEMA });
const TOOL = rule<RequestTreatment>("text", {
  type: KEEP,
  id: KEEP,
  function: FUNCTION,
  custom: rule<RequestTreatment>("text", {
    name: KEEP,
    format: rule<RequestTreatment>("text", { type: KEEP, grammar: rule("text", { syntax: KEEP }) }),
  }),
  cache_control: KEEP,
});

const FORMAT = rule<RequestTreatment>("text", {
  type: KEEP,
  json_schema: rule<RequestTreatment>("text", { name: KEEP, schema: SCHEMA }),
});

/** The body of a request to chat completions, legacy completions, embeddings or moderations: their fields do not clash. */
export const REQUEST: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  model: KEEP,
  models: KEEP,
  fallbacks: KEEP,
  provider: KEEP,
  modalities: KEEP,
  audio: KEEP,
  tool_choice: KEEP,
  function_call: KEEP,
  logit_bias: KEEP,
  reasoning_effort: KEEP,
  service_tier: KEEP,
  verbosity: KEEP,
  encoding_format: KEEP,
  user: HASH,
  safety_identifier: HASH,
  prompt_cache_key: HASH,
  messages: MESSAGE,
  tools: TOOL,
  functions: FUNCTION,
  response_format: FORMAT,
  prediction: rule<RequestTreatment>("text", { type: KEEP, content: CONTENT }),
  input: CONTENT,
  metadata: JSON_TEXT,
});
