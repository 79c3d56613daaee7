// A request in OpenAI's format, read without parsing it: the few fields that the gateway needs, by their bytes.
// What goes out is what came in, but for the model's name and, where usage would not be told, the wish for it.

import { GatewayError } from "../../errors.ts";
import {
  type JsonKind,
  type JsonMember,
  type JsonObjectScan,
  readInteger,
  readString,
  scanElements,
  scanMembers,
  scanObject,
} from "../../wire/json.ts";
import { fastest } from "../../wire/kernels.ts";
import { indexOf, needle } from "../../wire/search.ts";
import { type Edit, insertMember, splice } from "../../wire/splice.ts";

/** What a kind of request must look like for the gateway to pass it on; the rest is between client and provider. */
export interface RequestShape {
  /** Whether the model must be named. */
  readonly needs_model: boolean;
  /** The field that carries the input: its name, the types it may have, whether it must be there. */
  readonly input?: { readonly name: string; readonly kinds: readonly JsonKind[]; readonly required: boolean };
  /** Whether `stream: true` gives an event stream of chunks. */
  readonly streams: boolean;
}

/** Chat completions. */
export const CHAT: RequestShape = {
  needs_model: true,
  input: { name: "messages", kinds: ["array"], required: true },
  streams: true,
};

/** Legacy completions. */
export const COMPLETIONS: RequestShape = {
  needs_model: true,
  input: { name: "prompt", kinds: ["string", "array", "null"], required: false },
  streams: true,
};

/** Embeddings. */
export const EMBEDDINGS: RequestShape = {
  needs_model: true,
  input: { name: "input", kinds: ["string", "array"], required: true },
  streams: false,
};

/** Moderations; without a model the provider has a default. */
export const MODERATIONS: RequestShape = {
  needs_model: false,
  input: { name: "input", kinds: ["string", "array"], required: true },
  streams: false,
};

/** Any other JSON request whose answer is passed on as it is: images, speech. */
export const MEDIA: RequestShape = { needs_model: false, streams: false };

/** A request that can be sent on. */
export interface OpenAIRequest {
  readonly bytes: Uint8Array;
  /** The model that the client asks for, or null where it names none. */
  readonly model: string | null;
  readonly stream: boolean;
  /** Whether the client asked for usage in its stream. */
  readonly asks_usage: boolean;
  /** How many choices it asks for, as far as that can be read. */
  readonly choices: number;
  readonly scan: JsonObjectScan;
}

const TRUE = Buffer.from("true");
const USAGE_OPTION = Buffer.from('{"include_usage":true}');

const ARTICLES: Readonly<Record<JsonKind, string>> = {
  string: "a string",
  number: "a number",
  object: "an object",
  array: "an array",
  true: "a boolean",
  false: "a boolean",
  null: "null",
};

function wrongType(name: string, expected: string, member: JsonMember): GatewayError {
  return new GatewayError(
    "invalid_type",
    `Invalid type for '${name}': expected ${expected}, but got ${ARTICLES[member.kind]} instead.`,
    { param: name },
  );
}

function missing(name: string): GatewayError {
  return new GatewayError("missing_required_parameter", `Missing required parameter: '${name}'.`, {
    param: name,
  });
}

/** What a path says of a request, where its body does not. */
export interface PathWords {
  readonly model: string;
  readonly stream: boolean;
}

/**
 * Reads a request, or says what is wrong with it (400). The bytes must not change afterwards.
 * @param place what its path says of it; null: the body says all
 */
export function readRequest(
  bytes: Uint8Array,
  shape: RequestShape,
  place: PathWords | null = null,
): OpenAIRequest | GatewayError {
  const scan = scanObject(bytes);
  if (scan.fault !== null) {
    const message =
      scan.fault === "wrong_kind"
        ? `The body must be a JSON object: ${scan.reason}.`
        : `The body is not valid JSON: ${scan.reason} (at byte ${scan.offset} of ${bytes.length}).`;
    return new GatewayError("invalid_json", message);
  }
  const model = readModel(bytes, scan, shape);
  if (model instanceof GatewayError) return model;
  const { input } = shape;
  if (input !== undefined) {
    const member = scan.find(input.name);
    if (member === null) {
      if (input.required) return missing(input.name);
    } else if (!input.kinds.includes(member.kind)) {
      return wrongType(input.name, input.kinds.map((kind) => ARTICLES[kind]).join(" or "), member);
    }
  }
  if (place !== null) {
    const { model: named, stream: streams } = place;
    return { bytes, model: named, stream: streams, asks_usage: true, choices: 1, scan };
  }
  if (!shape.streams) return { bytes, model, stream: false, asks_usage: false, choices: 1, scan };
  const stream = readFlag(scan, "stream");
  if (stream instanceof GatewayError) return stream;
  const asks_usage = stream ? readAsksUsage(bytes, scan) : false;
  if (asks_usage instanceof GatewayError) return asks_usage;
  return { bytes, model, stream, asks_usage, choices: stream ? readChoices(bytes, scan) : 1, scan };
}

function readModel(
  bytes: Uint8Array,
  scan: JsonObjectScan,
  shape: RequestShape,
): string | null | GatewayError {
  const member = scan.find("model");
  if (member === null || (member.kind === "null" && !shape.needs_model)) {
    return shape.needs_model ? missing("model") : null;
  }
  const model = readString(bytes, member);
  if (model === null) return wrongType("model", "a string", member);
  if (model === "") {
    return new GatewayError("invalid_value", "'model' is empty: name the model to call.", { param: "model" });
  }
  return model;
}

function readFlag(scan: JsonObjectScan, name: string): boolean | GatewayError {
  const member = scan.find(name);
  if (member === null || member.kind === "false" || member.kind === "null") return false;
  return member.kind === "true" ? true : wrongType(name, "a boolean", member);
}

/** The `n` of a request; what is no number is for the provider to refuse. */
function readChoices(bytes: Uint8Array, scan: JsonObjectScan): number {
  const member = scan.find("n");
  return (member === null ? null : readInteger(bytes, member)) ?? 1;
}

/** Who asks, as a request says it: `user`, in Messages `metadata.user_id`; null where it does not. */
export function readUser({ bytes, scan }: OpenAIRequest): string | null {
  const member = scan.find("user") ?? memberOf(bytes, scan.find("metadata"), "user_id");
  return member === null ? null : readString(bytes, member);
}

/** A member of a member, or null. */
function memberOf(bytes: Uint8Array, outer: JsonMember | null, name: string): JsonMember | null {
  const scan = outer?.kind === "object" ? scanMembers(bytes, outer.start, outer.end) : null;
  return scan === null || scan.fault !== null ? null : scan.find(name);
}

/** Shorter beginnings are not kept by any provider: about a thousand tokens; bytes. */
const PREFIX_MIN_BYTES = 4_096;

/**
 * What a request begins with, for whoever sends such requests to the same place: the client's own word for it
 * (`prompt_cache_key`), else its tools and the beginning of its messages. Null where it is too short for a provider's cache.
 */
export function readPrefix({ bytes, scan }: OpenAIRequest): string | null {
  const named = scan.find("prompt_cache_key");
  const name = named === null ? null : readString(bytes, named);
  if (name !== null) return name;
  const parts: Uint8Array[] = [];
  let missing = PREFIX_MIN_BYTES;
  // Providers read the tools first, which are the same in all turns of a chat; of its messages only the first are.
  for (const part of PREFIX_MEMBERS) {
    const member = scan.find(part);
    if (member === null || missing <= 0) continue;
    const is_list_of_tools = part === "tools";
    const length = member.end - member.start;
    parts.push(
      bytes.subarray(member.start, is_list_of_tools ? member.end : member.start + Math.min(missing, length)),
    );
    missing -= length;
  }
  return missing > 0 ? null : parts.map((part) => Bun.hash.xxHash64(part).toString(36)).join(" ");
}

/** What the prompts of all formats begin with, in this order. */
const PREFIX_MEMBERS = [
  ...["tools", "system", "systemInstruction", "instructions"],
  ...["messages", "contents", "prompt", "input"],
];

const CACHE_CONTROL = needle('"cache_control"');
/** A breakpoint of Anthropic's cache, for as long as it keeps it by default (https://docs.claude.com/en/docs/build-with-claude/prompt-caching). */
const EPHEMERAL = Buffer.from('{"type":"ephemeral"}');
const TEXT_PART_START = Buffer.from('[{"type":"text","text":');
const TEXT_PART_END = Buffer.from(`,"cache_control":${EPHEMERAL.toString()}}]`);

/**
 * The edits that mark the end of the last opening message (system, developer): tools and instructions before it are the same in
 * many requests. Null where there is none, what comes before is too short to be cached, or the client has marks of its own.
 */
function markPrefix({ bytes, scan }: OpenAIRequest): Edit[] | null {
  const messages = scan.find("messages");
  if (messages === null || messages.kind !== "array" || indexOf(bytes, CACHE_CONTROL) >= 0) return null;
  const elements = scanElements(bytes, messages.start, messages.end);
  if (elements.fault !== null) return null;
  let last: JsonMember | null = null;
  let end = messages.start;
  for (const element of elements) {
    const message = element.kind === "object" ? scanMembers(bytes, element.start, element.end) : null;
    if (message === null || message.fault !== null) break;
    const role = message.find("role");
    if (role === null || !OPENING_ROLES.has(readString(bytes, role))) break;
    last = message.find("content");
    end = element.end;
  }
  const tools = scan.find("tools");
  const length = end - messages.start + (tools === null ? 0 : tools.end - tools.start);
  return last === null || length < PREFIX_MIN_BYTES ? null : markContent(bytes, last);
}

const OPENING_ROLES: ReadonlySet<string | null> = new Set(["system", "developer"]);

function markContent(bytes: Uint8Array, content: JsonMember): Edit[] | null {
  const { start, end, kind } = content;
  if (kind === "string") {
    return [
      { start, end: start, bytes: TEXT_PART_START },
      { start: end, end, bytes: TEXT_PART_END },
    ];
  }
  const parts = kind === "array" ? scanElements(bytes, start, end) : null;
  const last = parts !== null && parts.fault === null && parts.count > 0 ? parts.at(parts.count - 1) : null;
  const part = last?.kind === "object" ? scanMembers(bytes, last.start, last.end) : null;
  return part === null || part.fault !== null ? null : [insertMember(part, "cache_control", EPHEMERAL)];
}

/** The most tokens of all choices together, as the request's format bounds them; null where there is no such bound. */
export function readMaxTokens({ bytes, scan }: OpenAIRequest): number | null {
  // Every call that may be too much for some target comes here: a list of all members would take ten times as long.
  for (const name of MOST_TOKENS) {
    const bound = boundOf(bytes, scan, scan.find(name));
    if (bound !== null) return bound;
  }
  for (const name of CONFIGS) {
    const config = scan.find(name);
    if (config === null) continue;
    for (const inner of CONFIG_MOST_TOKENS) {
      const bound = boundOf(bytes, scan, memberOf(bytes, config, inner));
      if (bound !== null) return bound;
    }
  }
  return null;
}

/** Members that bound an answer: of OpenAI's and Anthropic's formats, and within those of Gemini's. */
const MOST_TOKENS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
const CONFIGS = ["generationConfig", "generation_config"];
const CONFIG_MOST_TOKENS = ["maxOutputTokens", "max_output_tokens"];

function boundOf(bytes: Uint8Array, scan: JsonObjectScan, member: JsonMember | null): number | null {
  const bound = member === null ? null : readInteger(bytes, member);
  if (bound === null || bound <= 0) return null;
  return Math.min(bound * Math.max(1, readChoices(bytes, scan)), TOKENS_MAX);
}

/** More tokens than any answer has. */
const TOKENS_MAX = 1_000_000_000;

/** The members that a prompt is made of. */
const PROMPT_MEMBERS = [
  ...["messages", "prompt", "input", "tools", "functions", "response_format", "suffix"],
  ...["system", "instructions", "text", "contents", "systemInstruction"],
  // Of a rerank.
  ...["query", "documents"],
];

/** About how many tokens the prompt has, by an estimate over its text. */
export function estimateInput(request: OpenAIRequest): number {
  let tokens = 0;
  for (const name of PROMPT_MEMBERS) {
    const member = request.scan.find(name);
    if (member !== null) tokens += estimateText(request.bytes, member.start, member.end);
  }
  return tokens;
}

/** What comes before bytes in base64: an image or a file as a data URL, a sound. */
const BASE64_MARKS = [needle(";base64,"), needle('"data":"')];
/** A shorter string behind such a mark is text like any other; bytes. */
const BASE64_MIN_BYTES = 512;
/** What an image, a sound or a file is counted as: providers count by what is in it, which nobody here looks at. */
export const ATTACHMENT_TOKENS = 1_000;
const QUOTE = 0x22;

/** Estimates text, leaving out what is no text. */
function estimateText(bytes: Uint8Array, start: number, end: number): number {
  let tokens = 0;
  let from = start;
  let mark = nextBase64(bytes, from, end);
  while (mark !== null) {
    tokens += fastest.estimateTokens(bytes, from, mark.start) + ATTACHMENT_TOKENS;
    from = mark.end;
    mark = nextBase64(bytes, from, end);
  }
  return tokens + fastest.estimateTokens(bytes, from, end);
}

/** The next run of base64 in a stretch of bytes, or null. */
function nextBase64(
  bytes: Uint8Array,
  from: number,
  end: number,
): { readonly start: number; readonly end: number } | null {
  let nearest: { readonly start: number; readonly end: number } | null = null;
  for (const wanted of BASE64_MARKS) {
    let at = indexOf(bytes, wanted, from);
    while (at >= 0 && at < (nearest?.start ?? end)) {
      const start = at + wanted.length;
      const close = bytes.indexOf(QUOTE, start);
      if (close - start >= BASE64_MIN_BYTES && close <= end) nearest = { start, end: close };
      at = nearest?.start === start ? -1 : indexOf(bytes, wanted, start);
    }
  }
  return nearest;
}

/** The members of `stream_options`; null where there are none. */
function streamOptions(bytes: Uint8Array, scan: JsonObjectScan): JsonObjectScan | null {
  const member = scan.find("stream_options");
  if (member === null || member.kind !== "object") return null;
  const options = scanMembers(bytes, member.start, member.end);
  // The whole text was valid, so this part of it is.
  return options.fault === null ? options : null;
}

function readAsksUsage(bytes: Uint8Array, scan: JsonObjectScan): boolean | GatewayError {
  const member = scan.find("stream_options");
  if (member === null || member.kind === "null") return false;
  if (member.kind !== "object") return wrongType("stream_options", "an object", member);
  return streamOptions(bytes, scan)?.find("include_usage")?.kind === "true";
}

/** The edit that makes the provider tell usage in the stream. */
function askForUsage(request: OpenAIRequest): Edit {
  const { bytes, scan } = request;
  const member = scan.find("stream_options");
  if (member === null) return insertMember(scan, "stream_options", USAGE_OPTION);
  const options = streamOptions(bytes, scan);
  if (options === null) return { start: member.start, end: member.end, bytes: USAGE_OPTION };
  const flag = options.find("include_usage");
  if (flag === null) return insertMember(options, "include_usage", TRUE);
  return { start: flag.start, end: flag.end, bytes: TRUE };
}

/**
 * The request as it goes to a provider, in parts to be sent one after another.
 * @param model_json the provider's name for the model as JSON text; every `model` member gets it, should there be several
 * @param ask_usage ask for usage in the stream where the client did not
 * @param mark_prefix mark how far the prompt is the same in many requests, where the client marks nothing
 */
export function writeRequest(
  request: OpenAIRequest,
  model_json: Uint8Array,
  ask_usage: boolean,
  mark_prefix = false,
): Uint8Array[] {
  const edits: Edit[] = [];
  if (request.model !== null) {
    for (const { start, end } of request.scan.all("model")) edits.push({ start, end, bytes: model_json });
  }
  if (ask_usage && request.stream && !request.asks_usage) edits.push(askForUsage(request));
  const mark = mark_prefix ? markPrefix(request) : null;
  if (mark !== null) edits.push(...mark);
  if (edits.length > 1) edits.sort((a, b) => a.start - b.start);
  return splice(request.bytes, edits);
}

/** The same request for a plain answer: without `stream` and its options. */
export function asPlainRequest(bytes: Uint8Array): Uint8Array {
  const scan = scanObject(bytes);
  return scan.fault === null ? withoutMembers(scan, STREAM_MEMBERS) : bytes;
}

const STREAM_MEMBERS: ReadonlySet<string> = new Set(["stream", "stream_options"]);

/** A request without some of its members, whatever order they stand in. */
export function withoutMembers(scan: JsonObjectScan, names: ReadonlySet<string>): Uint8Array {
  const members: Uint8Array[] = [];
  for (let index = 0; index < scan.count; index++) {
    if (names.has(scan.keyAt(index))) continue;
    const { key_start, end } = scan.at(index);
    members.push(members.length === 0 ? OPEN_BRACE : COMMA, scan.bytes.subarray(key_start, end));
  }
  return members.length === 0 ? Buffer.from("{}") : Buffer.concat([...members, CLOSE_BRACE]);
}

const OPEN_BRACE = Buffer.from("{");
const COMMA = Buffer.from(",");
const CLOSE_BRACE = Buffer.from("}");

/** A chat request with more messages behind those that it has; null where it has no list of them. */
export function withMessages(bytes: Uint8Array, messages: readonly unknown[]): Uint8Array | null {
  const scan = scanObject(bytes);
  const list = scan.fault === null ? scan.find("messages") : null;
  const elements = list?.kind === "array" ? scanElements(bytes, list.start, list.end) : null;
  if (list === null || elements === null || elements.fault !== null) return null;
  const at = list.end - 1;
  const added = messages.map((message) => JSON.stringify(message)).join(",");
  const edit = { start: at, end: at, bytes: Buffer.from(`${elements.count === 0 ? "" : ","}${added}`) };
  return Buffer.concat(splice(bytes, [edit]));
}
