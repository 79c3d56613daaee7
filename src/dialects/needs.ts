// What a request needs of its model, read from its bytes: which media are in its prompt, whether it has tools, a schema, a wish for
// reasoning. A search tells most requests apart; only where a word of media occurs is it looked for where the format has it.

import { type NeedBits, NO_NEEDS, needBit } from "../config/needs.ts";
import { type JsonMember, type JsonSpan, readString, scanElements, scanMembers } from "../wire/json.ts";
import { indexOf, type Needle, needle } from "../wire/search.ts";
import type { ClientFormatName } from "./client_format.ts";
import type { OpenAIRequest } from "./openai/request.ts";

const VISION = needBit("vision");
const AUDIO = needBit("audio");
const VIDEO = needBit("video");
const PDF = needBit("pdf");
const TOOLS = needBit("tools");
const JSON_SCHEMA = needBit("json_schema");
const REASONING = needBit("reasoning");
const MEDIA = VISION | AUDIO | VIDEO | PDF;

/** A way down through members to a value. */
type Way = readonly [string, ...string[]];

/** Where a format says what a request needs. */
interface Places {
  /** The members that media lie in, and words that stand in them if there are media of a kind. */
  readonly members: readonly string[];
  readonly marks: readonly (readonly [media: NeedBits, mark: Needle])[];
  readonly tools: readonly string[];
  /** Down to the type of the answer's form, or to its schema. */
  readonly schema: readonly Way[];
  readonly reasoning: readonly Way[];
}

const mark = (media: NeedBits, word: string) => [media, needle(`"${word}"`)] as const;

const PLACES: Readonly<Partial<Record<ClientFormatName, Places>>> = {
  chat: {
    members: ["messages"],
    marks: [
      mark(VISION, "image_url"),
      mark(AUDIO, "input_audio"),
      mark(VIDEO, "video_url"),
      mark(PDF, "file"),
    ],
    tools: ["tools", "functions"],
    schema: [["response_format", "type"]],
    reasoning: [["reasoning_effort"], ["reasoning", "effort"]],
  },
  responses: {
    members: ["input"],
    marks: [
      ...[mark(VISION, "input_image"), mark(VISION, "computer_screenshot")],
      ...[mark(AUDIO, "input_audio"), mark(PDF, "input_file")],
    ],
    tools: ["tools"],
    schema: [["text", "format", "type"]],
    reasoning: [["reasoning", "effort"]],
  },
  messages: {
    members: ["messages", "system"],
    marks: [mark(VISION, "image"), mark(PDF, "document"), mark(VISION, "document")],
    tools: ["tools"],
    schema: [
      ["output_config", "format", "type"],
      ["output_format", "type"],
    ],
    reasoning: [["thinking", "type"]],
  },
  gemini: {
    members: ["contents", "systemInstruction", "system_instruction"],
    marks: ["inlineData", "inline_data", "fileData", "file_data"].map((word) => mark(MEDIA, word)),
    tools: ["tools"],
    schema: [
      ["generationConfig", "responseSchema"],
      ["generationConfig", "responseJsonSchema"],
      ["generation_config", "response_schema"],
      ["generation_config", "response_json_schema"],
    ],
    reasoning: [
      ["generationConfig", "thinkingConfig", "thinkingBudget"],
      ["generationConfig", "thinkingConfig", "thinkingLevel"],
      ["generation_config", "thinking_config", "thinking_budget"],
    ],
  },
};

/** What a part of this `type` is. */
const PART_TYPES: Readonly<Record<string, NeedBits>> = {
  image_url: VISION,
  input_image: VISION,
  image: VISION,
  computer_screenshot: VISION,
  input_audio: AUDIO,
  video_url: VIDEO,
  file: PDF,
  input_file: PDF,
};

/** Members in which parts lie within parts: of results of tools, for one. */
const INNER = ["content", "parts", "output"];
const INLINE_DATA = ["inlineData", "inline_data", "fileData", "file_data"];
/** Parts within parts are looked for so deep. */
const DEPTH_MAX = 5;

/**
 * What a request needs, of the `wanted` needs alone: what is not wanted is not looked for. A search of a prompt takes a few
 * microseconds for ten kilobytes.
 */
export function readNeeds(request: OpenAIRequest, format: ClientFormatName, wanted: NeedBits): NeedBits {
  const places = PLACES[format];
  if (places === undefined) return NO_NEEDS;
  let needs = NO_NEEDS;
  if ((wanted & TOOLS) !== 0 && hasTools(request, places)) needs |= TOOLS;
  if ((wanted & JSON_SCHEMA) !== 0 && hasSchema(request, places)) needs |= JSON_SCHEMA;
  if ((wanted & REASONING) !== 0 && wantsReasoning(request, places)) needs |= REASONING;
  if ((wanted & MEDIA) !== 0) needs |= mediaOf(request, places, wanted) & wanted;
  return needs;
}

function mediaOf({ bytes, scan }: OpenAIRequest, { members, marks }: Places, wanted: NeedBits): NeedBits {
  let media = NO_NEEDS;
  for (const name of members) {
    const member = scan.find(name);
    if (member === null || member.kind === "string") continue;
    if (hasMark(bytes, member, marks, wanted)) media |= partsIn(bytes, member, 0);
  }
  return media;
}

/** Whether a word of a wanted kind stands in a member. */
function hasMark(
  bytes: Uint8Array,
  { start, end }: JsonMember,
  marks: Places["marks"],
  wanted: NeedBits,
): boolean {
  for (const [of, word] of marks) {
    if ((of & wanted) === NO_NEEDS) continue;
    const at = indexOf(bytes, word, start);
    if (at >= 0 && at < end) return true;
  }
  return false;
}

/** What parts there are in a span. */
function partsIn(bytes: Uint8Array, span: JsonSpan, depth: number): NeedBits {
  if (depth > DEPTH_MAX) return NO_NEEDS;
  if (span.kind === "array") {
    const elements = scanElements(bytes, span.start, span.end);
    let found = NO_NEEDS;
    if (elements.fault === null) for (const element of elements) found |= partsIn(bytes, element, depth + 1);
    return found;
  }
  if (span.kind !== "object") return NO_NEEDS;
  const members = scanMembers(bytes, span.start, span.end);
  if (members.fault !== null) return NO_NEEDS;
  const text = (member: JsonMember | null) => (member === null ? null : readString(bytes, member));
  const type = text(members.find("type"));
  if (type === "document") return documentOf(bytes, members.find("source"));
  let found = type !== null && Object.hasOwn(PART_TYPES, type) ? PART_TYPES[type]! : NO_NEEDS;
  for (const name of INLINE_DATA) {
    const data = members.find(name);
    if (data?.kind === "object") found |= mimeOf(bytes, data);
  }
  for (const name of INNER) {
    const inner = members.find(name);
    if (inner !== null) found |= partsIn(bytes, inner, depth + 1);
  }
  return found;
}

/** A document of Anthropic's format may be text. */
function documentOf(bytes: Uint8Array, source: JsonMember | null): NeedBits {
  const members = source?.kind === "object" ? scanMembers(bytes, source.start, source.end) : null;
  if (members === null || members.fault !== null) return NO_NEEDS;
  const type = members.find("type");
  const kind = type === null ? null : readString(bytes, type);
  if (kind === "text") return NO_NEEDS;
  const content = members.find("content");
  return kind === "content" && content !== null ? partsIn(bytes, content, 0) : PDF;
}

function mimeOf(bytes: Uint8Array, data: JsonMember): NeedBits {
  const members = scanMembers(bytes, data.start, data.end);
  if (members.fault !== null) return NO_NEEDS;
  const member = members.find("mimeType") ?? members.find("mime_type");
  const mime = (member === null ? null : readString(bytes, member))?.toLowerCase() ?? "";
  if (mime.startsWith("image/")) return VISION;
  if (mime.startsWith("audio/")) return AUDIO;
  if (mime.startsWith("video/")) return VIDEO;
  return mime === "application/pdf" ? PDF : NO_NEEDS;
}

/** Tools that are listed; an empty list is none. */
function hasTools({ bytes, scan }: OpenAIRequest, { tools }: Places): boolean {
  return tools.some((name) => {
    const member = scan.find(name);
    if (member?.kind !== "array") return false;
    const elements = scanElements(bytes, member.start, member.end);
    return elements.fault === null && elements.count > 0;
  });
}

function hasSchema(request: OpenAIRequest, { schema }: Places): boolean {
  return schema.some((way) => {
    const member = memberAt(request, way);
    if (member === null) return false;
    return member.kind === "object" || readString(request.bytes, member) === "json_schema";
  });
}

const NO_REASONING: ReadonlySet<string> = new Set(["none", "disabled", "0", "null", ""]);

function wantsReasoning({ bytes, scan }: OpenAIRequest, { reasoning }: Places): boolean {
  return reasoning.some((way) => {
    const member = memberAt({ bytes, scan }, way);
    if (member === null) return false;
    const { start, end } = member;
    const word = readString(bytes, member) ?? Buffer.from(bytes.subarray(start, end)).toString("latin1");
    return !NO_REASONING.has(word);
  });
}

function memberAt({ bytes, scan }: Pick<OpenAIRequest, "bytes" | "scan">, way: Way): JsonMember | null {
  let member = scan.find(way[0]);
  for (let step = 1; step < way.length && member !== null; step++) {
    const inner = member.kind === "object" ? scanMembers(bytes, member.start, member.end) : null;
    member = inner === null || inner.fault !== null ? null : inner.find(way[step]!);
  }
  return member;
}
