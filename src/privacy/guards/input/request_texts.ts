// The texts of a request, by who they come from: a guard trusts a system prompt more than the result of a tool. The formats' names for
// what they hold do not clash, so that one reader knows them all.

import type { Modality } from "../../../config/guards.ts";
import { isFields } from "../../../dialects/fields.ts";

/** Who a text comes from: `tool` is what a tool gave back, `definition` what a tool says of itself. */
export type TextSource = "system" | "user" | "assistant" | "tool" | "definition";

/** A text of a request. Guards may put another in its place. */
export interface RequestText {
  readonly source: TextSource;
  readonly came: string;
  text: string;
}

/** What there is in a request. */
export interface RequestContents {
  readonly texts: readonly RequestText[];
  readonly messages: number;
  readonly tools: number;
  readonly modalities: ReadonlySet<Modality>;
  /** Whether there is what nobody can read here, such as prompts in tokens. */
  readonly has_unreadable: boolean;
}

/** How deeply a schema may nest; the scanner of requests allows no more. */
const DEPTH_MAX = 128;

/** Looks through a request that is known to be a JSON object. */
export function contentsOf(request: Readonly<Record<string, unknown>>): RequestContents {
  return new Contents().read(request);
}

class Contents implements RequestContents {
  readonly texts: RequestText[] = [];
  readonly modalities = new Set<Modality>();
  messages = 0;
  tools = 0;
  has_unreadable = false;

  read(request: Readonly<Record<string, unknown>>): RequestContents {
    const { messages, prompt, suffix, input, contents, tools, functions, query, documents } = request;
    for (const member of ["system", "instructions", "systemInstruction", "system_instruction"])
      this.#content(request[member], "system");
    for (const turns of [messages, contents, input]) {
      if (!Array.isArray(turns)) continue;
      this.messages += turns.length;
      for (const turn of turns) {
        if (isFields(turn)) this.#message(turn);
        else this.#content(turn, "user");
      }
    }
    if (!Array.isArray(input)) this.#content(input, "user");
    if (!Array.isArray(contents)) this.#content(contents, "user");
    for (const given of [prompt, suffix, query]) this.#content(given, "user");
    // Of a rerank: what a search found.
    this.#all(documents, "tool");
    // A prompt that the provider keeps has what is put into it here.
    if (isFields(prompt)) this.#all(prompt["variables"], "user");
    for (const defined of [tools, functions]) {
      if (!Array.isArray(defined)) continue;
      this.tools += defined.length;
      this.#all(defined, "definition");
    }
    // What the answer is to look like.
    for (const member of ANSWER_FORMS) this.#all(request[member], "assistant");
    return this;
  }

  /** A message; in Responses it may be an item of another kind: a call, its output. */
  #message(message: Readonly<Record<string, unknown>>): void {
    const source = ITEM_SOURCES[String(message["type"])] ?? sourceOf(message["role"]);
    this.#content(message["content"], source);
    this.#content(message["parts"], source);
    for (const member of ["output", "summary"]) this.#content(message[member], source);
    for (const member of ["results", "outputs"]) this.#all(message[member], "tool");
    for (const member of ["arguments", "action", "code"]) this.#all(message[member], "assistant");
    if (message["type"] === "custom_tool_call") this.#content(message["input"], "assistant");
    for (const member of ["name", "refusal", "reasoning_content"]) this.#content(message[member], source);
    for (const member of ["tool_calls", "function_call"]) this.#all(message[member], "assistant");
  }

  /** A text, parts of which some are texts, or nothing. */
  #content(content: unknown, source: TextSource): void {
    if (typeof content === "string") this.#add(content, source);
    else if (typeof content === "number") this.has_unreadable = true;
    else if (Array.isArray(content)) for (const part of content) this.#content(part, source);
    else if (isFields(content)) this.#part(content, source);
  }

  #part(part: Readonly<Record<string, unknown>>, source: TextSource): void {
    const { type, file, source: document } = part;
    const modality = MODALITIES[typeof type === "string" ? type : ""] ?? mediaOf(part);
    if (modality !== undefined) this.modalities.add(modality);
    const from = typeof type === "string" && type.endsWith("tool_result") ? "tool" : source;
    for (const member of PART_TEXTS) this.#content(part[member], from);
    if (isFields(file)) this.#content(file["filename"], from);
    // A document of Messages: a plain text, or blocks.
    if (isFields(document) && document["type"] === "text") this.#content(document["data"], from);
    else if (isFields(document)) this.#content(document["content"], from);
    for (const member of ["functionCall", "function_call"]) this.#all(part[member], "assistant");
    for (const member of ["executableCode", "executable_code"]) this.#all(part[member], "assistant");
    for (const member of TOOL_RESULTS) this.#all(part[member], "tool");
    if (CALL_TYPES.has(type)) this.#all(part["input"], "assistant");
  }

  /** Every string within. */
  #all(value: unknown, source: TextSource, depth = 0): void {
    if (typeof value === "string") this.#add(value, source);
    else if (depth < DEPTH_MAX && typeof value === "object" && value !== null)
      for (const one of Object.values(value)) this.#all(one, source, depth + 1);
  }

  #add(text: string, source: TextSource): void {
    if (text === "") return;
    this.modalities.add("text");
    this.texts.push({ source, came: text, text });
  }
}

/** The members of a part that hold texts, or parts of their own. */
const PART_TEXTS = ["text", "refusal", "content", "parts", "thinking", "title", "context", "filename"];

/** What says how an answer is to look. */
const ANSWER_FORMS = [
  ...["response_format", "prediction", "text", "output_config", "output_format"],
  ...["generationConfig", "generation_config"],
];

/** Blocks of Messages that call a tool. */
const CALL_TYPES: ReadonlySet<unknown> = new Set(["tool_use", "server_tool_use", "mcp_tool_use"]);

/** The members of Gemini's parts that hold what a tool gave back. */
const TOOL_RESULTS = [
  ...["functionResponse", "function_response", "codeExecutionResult", "code_execution_result"],
];

/** Who the items of Responses come from that have no role. */
const ITEM_SOURCES: Readonly<Record<string, TextSource | undefined>> = {
  function_call: "assistant",
  custom_tool_call: "assistant",
  reasoning: "assistant",
  function_call_output: "tool",
  custom_tool_call_output: "tool",
  computer_call_output: "tool",
  local_shell_call_output: "tool",
  shell_call_output: "tool",
  mcp_call: "tool",
  file_search_call: "assistant",
  code_interpreter_call: "assistant",
};

/** What a part of Gemini's carries, by its media type. */
function mediaOf(part: Readonly<Record<string, unknown>>): Modality | undefined {
  const data = part["inlineData"] ?? part["inline_data"] ?? part["fileData"] ?? part["file_data"];
  if (!isFields(data)) return undefined;
  const kind = String(data["mimeType"] ?? data["mime_type"] ?? "").split("/")[0] ?? "";
  return kind === "image" || kind === "audio" || kind === "video" ? kind : "file";
}

const MODALITIES: Readonly<Record<string, Modality | undefined>> = {
  text: "text",
  input_text: "text",
  image: "image",
  document: "file",
  image_url: "image",
  input_image: "image",
  input_audio: "audio",
  audio_url: "audio",
  video_url: "video",
  input_video: "video",
  file: "file",
  input_file: "file",
};

function sourceOf(role: unknown): TextSource {
  switch (role) {
    case "system":
    case "developer":
      return "system";
    case "assistant":
    case "model":
      return "assistant";
    case "tool":
    case "function":
      return "tool";
    default:
      return "user";
  }
}
