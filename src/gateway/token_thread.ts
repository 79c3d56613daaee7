// The thread that counts tokens with a real tokenizer: told what was asked and what was answered, it says how many tokens each has.
// Its tables take a second to load and 90 MB, so that it is started by the first call whose provider tells no usage.

import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

declare const self: Worker;

/** What is to be counted: bytes of JSON, as they were sent and came. */
export interface CountOrder {
  readonly number: number;
  readonly request: Uint8Array;
  /** The whole answer, or the chunks of a streamed one. */
  readonly answer: readonly Uint8Array[];
}

/** What was counted; null where it could not be. */
export interface CountReport {
  readonly number: number;
  readonly counts: { readonly input_tokens: number; readonly output_tokens: number } | null;
}

/** Tokens of a message besides its text, and of a prompt besides its messages. Source: OpenAI Cookbook, "How to count tokens". */
const PER_MESSAGE = 3;
const PER_PROMPT = 3;
/** Members whose text a model wrote. */
const WRITTEN = [
  ...["content", "reasoning_content", "refusal", "text", "arguments", "name"],
  ...["thinking", "partial_json", "delta"],
];
/** Where the answers and events of each format have what is new in them. */
const ANSWERS = ["choices", "content", "delta", "output", "candidates"];
/** Members that hold an object of arguments. */
const CALLED = ["input", "args"];

type Json = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): Json {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString());
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The turns of a conversation, whatever its format calls them. */
function turnsOf(request: Json): readonly Json[] {
  return ["messages", "contents", "input"].flatMap((member) => list(request[member]));
}

/** The texts of a prompt; images and sounds have none. */
function* promptTexts(request: Json): Generator<string> {
  for (const turn of turnsOf(request)) {
    if (typeof turn !== "object") continue;
    const { role, content, parts, name, tool_calls, output } = turn;
    yield String(role ?? "");
    if (typeof name === "string") yield name;
    for (const said of [content, parts, output]) yield typeof said === "string" ? said : writtenText(said);
    if (typeof turn["arguments"] === "string") yield turn["arguments"];
    if (tool_calls !== undefined) yield JSON.stringify(tool_calls);
  }
  for (const member of ["system", "instructions", "systemInstruction", "system_instruction"]) {
    const said = request[member];
    yield typeof said === "string" ? said : writtenText(said);
  }
  for (const member of ["tools", "functions", "response_format", "text", "output_config"]) {
    if (request[member] !== undefined) yield JSON.stringify(request[member]);
  }
  for (const member of ["prompt", "input"]) {
    const texts = [request[member]].flat().filter((text) => typeof text === "string");
    yield* texts as string[];
  }
}

function writtenText(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  if (Array.isArray(value)) return value.map(writtenText).join("");
  let text = "";
  for (const [member, inner] of Object.entries(value)) {
    if (typeof inner === "string") text += WRITTEN.includes(member) ? inner : "";
    else if (CALLED.includes(member)) text += JSON.stringify(inner);
    else text += writtenText(inner);
  }
  return text;
}

/** What an answer or an event says of the model's own words. */
function said(told: Json): string {
  return ANSWERS.map((member) => {
    const inner = told[member];
    return typeof inner === "string" ? inner : writtenText(inner);
  }).join("");
}

function count({ request, answer }: CountOrder): CountReport["counts"] {
  try {
    const asked = parse(request);
    let input_tokens = turnsOf(asked).length * PER_MESSAGE + PER_PROMPT;
    for (const text of promptTexts(asked)) input_tokens += countTokens(text);
    const text = answer.map((bytes) => said(parse(bytes))).join("");
    return { input_tokens, output_tokens: countTokens(text) };
  } catch {
    return null;
  }
}

self.onmessage = ({ data }: MessageEvent<CountOrder>) => {
  self.postMessage({ number: data.number, counts: count(data) } satisfies CountReport);
};
