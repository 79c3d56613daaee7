// The content of messages and of tools' results, as Responses takes it.

import type { TokenLogprob } from "../neutral/answer.ts";
import type { Losses } from "../neutral/losses.ts";
import type { Citation, Part, RefusalPart, Source, TextPart } from "../neutral/parts.ts";
import { urlOfSource } from "../neutral/source.ts";
import { type Fields, others, ownFields } from "./own.ts";

/** What a part keeps for the item that it begins. */
const ITEM = new Set(["item"]);

/** The formats of sounds that are not called as their media types are. */
const AUDIO_FORMATS: Readonly<Record<string, string>> = { mpeg: "mp3", "x-wav": "wav", wave: "wav" };

/** Parts as a content: a plain text alone as such. */
export function writeContent(parts: readonly Part[], param: string, losses: Losses): string | Fields[] {
  const [first, second] = parts;
  if (first === undefined) return "";
  if (first.kind === "text" && second === undefined && Object.keys(ownFields(first)).length === 0) {
    noteCache(first, param, losses);
    return first.text;
  }
  return parts.map((part) => writeInputPart(part, param, losses)).filter((part) => part !== null);
}

/** A part of a user's message or of a tool's result; null where it is lost. */
function writeInputPart(part: Part, param: string, losses: Losses): Fields | null {
  if (part.kind === "own") {
    if (part.format === "responses") return part.value;
    losses.lose(param, "meaning");
    return null;
  }
  noteCache(part, param, losses);
  const own = others(ownFields(part), ITEM);
  switch (part.kind) {
    case "text":
    case "refusal":
      return { type: "input_text", text: part.text, ...own };
    case "image": {
      const { detail } = part;
      const image = imageOf(part.source);
      if (image === null) break;
      return { type: "input_image", ...image, ...(detail === undefined ? {} : { detail }), ...own };
    }
    case "file": {
      if (part.citations === true || part.context !== undefined) losses.lose(`${param}.citations`, "hint");
      return { type: "input_file", ...fileOf(part.source, part.name), ...own };
    }
    case "audio": {
      if (part.source.kind !== "base64") break;
      const { media_type, data } = part.source;
      const subtype = media_type.slice(media_type.indexOf("/") + 1);
      return {
        type: "input_audio",
        input_audio: { data, format: AUDIO_FORMATS[subtype] ?? subtype },
        ...own,
      };
    }
  }
  losses.lose(`${param}.${part.kind}`, "meaning");
  return null;
}

/** OpenAI finds by itself what can be cached; its own marks are kept with their parts. */
function noteCache(part: Exclude<Part, { kind: "own" }>, param: string, losses: Losses): void {
  if (part.cache !== undefined && ownFields(part)["prompt_cache_breakpoint"] === undefined)
    losses.lose(`${param}.cache_control`, "hint");
}

function imageOf(source: Source): Fields | null {
  if (source.kind === "text") return null;
  return source.kind === "file" ? { file_id: source.id } : { image_url: urlOfSource(source) };
}

function fileOf(source: Source, name: string | undefined): Fields {
  const named = name === undefined ? {} : { filename: name };
  switch (source.kind) {
    case "url":
      return { file_url: source.url, ...named };
    case "file":
      return { file_id: source.id, ...named };
    case "base64":
      return { filename: name ?? `file.${extensionOf(source.media_type)}`, file_data: urlOfSource(source) };
    case "text":
      return { filename: name ?? "document.txt", file_data: urlOfSource(source) };
  }
}

function extensionOf(media_type: string): string {
  const subtype = media_type.slice(media_type.indexOf("/") + 1);
  return subtype === "plain" ? "txt" : subtype;
}

/** A text of the model's. */
export function writeOutputText(part: TextPart, logprobs: readonly TokenLogprob[] | null): Fields {
  const annotations = (part.citations ?? []).map((citation) => writeCitation(citation, part.text.length));
  return {
    ...{ type: "output_text", annotations },
    ...(logprobs === null ? {} : { logprobs: logprobs.map(writeLogprob) }),
    text: part.text,
    ...others(ownFields(part), ITEM),
  };
}

/** The model's words for why it does not answer. */
export function writeRefusal(part: RefusalPart): Fields {
  return { type: "refusal", refusal: part.text, ...others(ownFields(part), ITEM) };
}

/**
 * An annotation. What is cited without a place in the text is cited at all of it, so far as it goes.
 * @param text_length of the text so far
 */
export function writeCitation(citation: Citation, text_length: number): Fields {
  const { url, title = "", start = 0, end = text_length } = citation;
  const own = ownFields(citation);
  if (url === undefined)
    return typeof own["type"] === "string"
      ? own
      : { type: "file_citation", file_id: title, filename: title, index: end };
  return { type: "url_citation", end_index: end, start_index: start, title, url, ...own };
}

/** A token's log probability. */
export function writeLogprob({ top, ...token }: TokenLogprob): Fields {
  return { ...writeToken(token), top_logprobs: top.map(writeToken) };
}

function writeToken({ token, logprob, bytes }: Omit<TokenLogprob, "top">): Fields {
  return { token, bytes: bytes ?? [...Buffer.from(token)], logprob };
}
