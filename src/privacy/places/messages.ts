// What the places of a request to Messages, of its answer and of its stream hold. What is new in the format tomorrow is text, too.

import { isFields, record } from "../../dialects/fields.ts";
import type { AnswerTreatment } from "../answer_places.ts";
import { HASH, JSON_TEXT, KEEP, type RequestTreatment, SCHEMA, TEXT } from "../request_places.ts";
import {
  type EventTexts,
  findWholes,
  type GrowingPiece,
  type StreamPlaces,
  type WholeText,
} from "../stream_places.ts";
import { jsonRule, type Rule, rule } from "../walk.ts";

/** Bytes of a file, or a plain text: both are `data`. */
const SOURCE = rule<RequestTreatment>("text", {
  type: KEEP,
  media_type: KEEP,
  url: KEEP,
  file_id: KEEP,
  data: rule<RequestTreatment>("data"),
});

/** A text, or blocks of which some are texts. What a provider has signed or encrypted has to come back to it as it was. */
const CONTENT: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  type: KEEP,
  id: KEEP,
  tool_use_id: KEEP,
  name: KEEP,
  cache_control: KEEP,
  signature: KEEP,
  data: KEEP,
  encrypted_content: KEEP,
  encrypted_index: KEEP,
  file_id: KEEP,
  source: SOURCE,
  // What a tool is called with; its members may be called like those of a block.
  input: JSON_TEXT,
});

const TOOL = rule<RequestTreatment>("text", {
  type: KEEP,
  name: KEEP,
  cache_control: KEEP,
  input_schema: SCHEMA,
  input_examples: JSON_TEXT,
  allowed_domains: KEEP,
  blocked_domains: KEEP,
  allowed_callers: KEEP,
});

const FORMAT = rule<RequestTreatment>("text", { type: KEEP, schema: SCHEMA });

/** The body of a request. */
export const MESSAGES_REQUEST: Rule<RequestTreatment> = rule<RequestTreatment>("text", {
  model: KEEP,
  system: CONTENT,
  messages: rule<RequestTreatment>("text", { role: KEEP, content: CONTENT }),
  tools: TOOL,
  tool_choice: KEEP,
  thinking: KEEP,
  metadata: rule<RequestTreatment>("text", { user_id: HASH }),
  service_tier: KEEP,
  container: KEEP,
  context_management: KEEP,
  cache_control: KEEP,
  inference_geo: KEEP,
  speed: KEEP,
  output_config: rule<RequestTreatment>("text", { effort: KEEP, format: FORMAT }),
  output_format: FORMAT,
  stop_sequences: TEXT,
  mcp_servers: rule<RequestTreatment>("keep"),
});

const ANSWER_KEEP = rule<AnswerTreatment>("keep");

/** A block of an answer, or what a delta adds to one. */
const ANSWER_BLOCK: Rule<AnswerTreatment> = rule<AnswerTreatment>("text", {
  type: ANSWER_KEEP,
  id: ANSWER_KEEP,
  tool_use_id: ANSWER_KEEP,
  name: ANSWER_KEEP,
  signature: ANSWER_KEEP,
  data: ANSWER_KEEP,
  encrypted_content: ANSWER_KEEP,
  encrypted_index: ANSWER_KEEP,
  caller: ANSWER_KEEP,
  input: jsonRule<AnswerTreatment>("text"),
});

/** A whole message. */
export const MESSAGES_ANSWER: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  content: ANSWER_BLOCK,
});

/** The member of a delta that says more of its block's text, by the delta's type. */
const DELTA_TEXTS: Readonly<Record<string, string>> = {
  text_delta: "text",
  thinking_delta: "thinking",
  input_json_delta: "partial_json",
};

/** The places of a stream. */
export const MESSAGES_STREAM: StreamPlaces = { number_member: null, isEnd: () => false, read };

function read(event: Readonly<Record<string, unknown>>): EventTexts | null {
  const { type, index, delta, content_block } = event;
  const scope = String(index);
  const growing: GrowingPiece[] = [];
  const whole: WholeText[] = [];
  const onWhole = (text: WholeText) => whole.push(text);
  switch (type) {
    case "content_block_start":
      if (isFields(content_block)) findWholes(content_block, ANSWER_BLOCK, ["content_block"], onWhole);
      break;
    case "content_block_delta": {
      const kind = String(record(delta)["type"]);
      const member = DELTA_TEXTS[kind];
      const came = member === undefined ? undefined : record(delta)[member];
      if (member !== undefined && typeof came === "string") {
        if (came !== "")
          growing.push({
            ...{ name: `${scope}.${member}`, scope, kind, came },
            ...placeOf(index, kind, member),
          });
      } else if (isFields(delta)) findWholes(delta, ANSWER_BLOCK, ["delta"], onWhole);
      break;
    }
    case "content_block_stop":
      return { growing, whole, ended: [scope] };
    case "message_start":
    case "ping":
      break;
    case "message_delta":
    case "message_stop":
      return { growing, whole, ended: "all" };
    default:
      return null;
  }
  return { growing, whole, ended: [] };
}

function placeOf(index: unknown, kind: string, member: string): Pick<GrowingPiece, "path" | "frame"> {
  return {
    path: ["delta", member],
    frame: (text) => {
      const data = { type: "content_block_delta", index, delta: { type: kind, [member]: text } };
      return `event: content_block_delta\ndata: ${JSON.stringify(data)}\n\n`;
    },
  };
}
