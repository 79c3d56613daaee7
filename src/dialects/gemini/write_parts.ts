// Neutral parts into Gemini's, for requests and answers.
// Source: https://ai.google.dev/api/caching#Part; media by URL: https://ai.google.dev/gemini-api/docs/file-input-methods

import { parseExact } from "../../wire/exact_json.ts";
import { isFields, record } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import type { OwnFields, Part, ThinkingPart, ToolCallPart, ToolResultPart } from "../neutral/parts.ts";
import { INVALID_JSON_KEY } from "../neutral/request.ts";
import { isMadeId } from "./call_ids.ts";
import { likelyMediaType } from "./media.ts";
import { writeSignature } from "./signature.ts";
import { writeResponse } from "./tool_response.ts";

type Json = Readonly<Record<string, unknown>>;
type Media = Extract<Part, { kind: "image" | "audio" | "video" | "file" }>;

const encoder = new TextEncoder();

/** The fields that only Gemini knows; none of what came from elsewhere. */
export function ownFields(own: OwnFields | undefined): Json {
  return own?.format === "gemini" ? own.fields : {};
}

/** A part with what only Gemini knows of it: fields of the same name are put together. */
export function withOwn(part: Json, own: OwnFields | undefined): Json {
  const fields = ownFields(own);
  const merged: Record<string, unknown> = { ...fields, ...part };
  for (const name in part) {
    const left = fields[name];
    if (isFields(left)) merged[name] = { ...left, ...record(part[name]) };
  }
  return merged;
}

/** The arguments of a call as the object that they have to be. What is no object is kept under a name of its own. */
export function argumentsObject({ arguments: text, is_custom }: ToolCallPart): Json {
  if (is_custom === true) return { input: text };
  if (text.trim() === "") return {};
  const value = parseExact(encoder.encode(text));
  return isFields(value) ? value : { [INVALID_JSON_KEY]: text };
}

/** A call. `tells_id`: ids that Gemini gave, or another provider, go along. */
export function writeFunctionCall(
  call: ToolCallPart,
  tells_id: boolean,
  signature: string | undefined,
): Json {
  const id = tells_id && call.id !== "" && !isMadeId(call.id) ? { id: call.id } : {};
  const part = {
    functionCall: { ...id, name: call.name, args: argumentsObject(call) },
    ...(signature === undefined ? {} : { thoughtSignature: signature }),
  };
  return withOwn(part, call.own);
}

/** A thought, with what its provider signed. */
export function writeThought(part: ThinkingPart): Json {
  const signature = writeSignature(part);
  return withOwn(
    {
      ...{ text: part.text, thought: true },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    },
    part.own,
  );
}

/** A text, signed if Gemini signed it. */
export function writeText(text: string, part: Extract<Part, { kind: "text" | "refusal" }>): Json {
  const signature = part.kind === "text" ? writeSignature(part) : undefined;
  return withOwn(
    { text, ...(signature === undefined ? {} : { thoughtSignature: signature }) },
    part.kind === "text" ? part.own : undefined,
  );
}

/** Media; null, and a loss, where it lies at a place that Gemini cannot read from. */
export function writeMedia(part: Media, losses: Losses): Json | null {
  const { source } = part;
  if (part.kind === "image" && (part.detail === "low" || part.detail === "high"))
    losses.lose("messages.content.image_url.detail", "hint");
  if (part.kind === "file" && part.citations === true) losses.lose("messages.content.citations", "hint");
  switch (source.kind) {
    case "base64":
      return withOwn({ inlineData: { mimeType: source.media_type, data: source.data } }, part.own);
    case "text": {
      const data = Buffer.from(source.text).toString("base64");
      return withOwn({ inlineData: { mimeType: "text/plain", data } }, part.own);
    }
    case "file":
      if (!isUri(source.id)) break;
      return writeFileData(source.id, part);
    case "url":
      if (!isUri(source.url)) break;
      return writeFileData(source.url, part);
  }
  losses.lose(`messages.content.${part.kind}`, "meaning");
  return null;
}

/** What `fileUri` takes: Google's own files and storage, YouTube's films, and public files over HTTPS. */
function isUri(uri: string): boolean {
  return uri.startsWith("https://") || uri.startsWith("gs://") || uri.startsWith("files/");
}

function writeFileData(uri: string, part: Media): Json {
  const told = record(ownFields(part.own)["fileData"])["mimeType"];
  const mimeType = typeof told === "string" ? told : likelyMediaType(uri, part.kind);
  return withOwn({ fileData: { fileUri: uri, mimeType } }, part.own);
}

/**
 * A tool's result as parts: the response, and behind it the media, if the model's generation does not take them inside of one.
 * @param name the function's
 * @param takes_media models from 3 on (https://ai.google.dev/gemini-api/docs/function-calling, "Multimodal function responses")
 */
export function writeFunctionResponse(
  result: ToolResultPart,
  name: string,
  options: { readonly tells_id: boolean; readonly takes_media: boolean; readonly losses: Losses },
): Json[] {
  const texts: string[] = [];
  const media: Json[] = [];
  for (const part of result.content) {
    if (part.kind === "text" || part.kind === "refusal" || part.kind === "thinking") texts.push(part.text);
    else if (part.kind === "own" && part.format === "gemini") media.push(part.value);
    else if (
      part.kind === "image" ||
      part.kind === "audio" ||
      part.kind === "video" ||
      part.kind === "file"
    ) {
      const written = writeMedia(part, options.losses);
      if (written !== null) media.push(written);
    } else options.losses.lose("messages.content.tool_result", "meaning");
  }
  const { call_id, is_error } = result;
  const id = options.tells_id && call_id !== "" && !isMadeId(call_id) ? { id: call_id } : {};
  const inside = options.takes_media && media.length > 0 ? { parts: media } : {};
  const told = record(ownFields(result.own)["functionResponse"])["response"];
  const response = told ?? writeResponse(texts.join("\n"), is_error);
  const part = withOwn({ functionResponse: { ...id, name, response, ...inside } }, result.own);
  return options.takes_media ? [part] : [part, ...media];
}
