// The texts of a request in OpenAI's format, by who they come from: a guard trusts a system prompt more than the result of a tool.

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
    const { messages, prompt, suffix, input, tools, functions } = request;
    if (Array.isArray(messages)) {
      this.messages = messages.length;
      for (const message of messages) if (isFields(message)) this.#message(message);
    }
    for (const given of [prompt, suffix, input]) this.#content(given, "user");
    for (const defined of [tools, functions]) {
      if (!Array.isArray(defined)) continue;
      this.tools += defined.length;
      this.#all(defined, "definition");
    }
    // What the answer is to look like.
    for (const member of ["response_format", "prediction"]) this.#all(request[member], "assistant");
    return this;
  }

  #message(message: Readonly<Record<string, unknown>>): void {
    const source = sourceOf(message["role"]);
    this.#content(message["content"], source);
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
    const { type } = part;
    const modality = MODALITIES[typeof type === "string" ? type : ""];
    if (modality !== undefined) this.modalities.add(modality);
    for (const member of ["text", "refusal", "content"]) this.#content(part[member], source);
    const { file } = part;
    if (isFields(file)) this.#content(file["filename"], source);
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

const MODALITIES: Readonly<Record<string, Modality | undefined>> = {
  text: "text",
  input_text: "text",
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
      return "assistant";
    case "tool":
    case "function":
      return "tool";
    default:
      return "user";
  }
}
