// Parts of a content, as requests and answers have them, into the neutral ones.
// Source: https://ai.google.dev/api/caching#Part

import type { OwnFields, Part, Source, ToolCallPart, ToolResultPart } from "../neutral/parts.ts";
import type { CallIds } from "./call_ids.ts";
import { mediaKind, mediaTypeOfUrl } from "./media.ts";
import { camelFields, textOf, unknownFields } from "./names.ts";
import { readSignature } from "./signature.ts";
import { responseOf } from "./tool_response.ts";

type Json = Readonly<Record<string, unknown>>;

const PART = new Set([
  ...["text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse"],
]);
/** Media have no place for a signature but their own fields. */
const MEDIA_PART = new Set(["inlineData", "fileData"]);
const INLINE_DATA = new Set(["mimeType", "data"]);
const FILE_DATA = new Set(["fileUri"]);
const FUNCTION_CALL = new Set(["id", "name", "args"]);
const FUNCTION_RESPONSE = new Set(["id", "name", "response", "parts"]);

/** Reads a part; null where there is nothing in it. `functionResponse` is for requests: see `readFunctionResponse`. */
export function readPart(value: unknown, ids: CallIds): Part | null {
  const fields = camelFields(value);
  if (fields === null) return null;
  const { text, thought, thoughtSignature } = fields;
  // Nearly all that streams.
  if (typeof text === "string" && text !== "" && isAlone(fields)) return { kind: "text", text };
  if (typeof text === "string" || isBareThought(fields)) return readText(fields, text);
  if (fields["functionCall"] !== undefined && fields["functionCall"] !== null)
    return readFunctionCall(fields, ids);
  // Pictures that the model thinks in are no part of what it answers.
  if (thought !== true) {
    const media = readMedia(fields);
    if (media !== null) return media;
  }
  const has_any = Object.values(fields).some((field) => field !== null && field !== undefined);
  if (!has_any) return null;
  if (Object.keys(fields).length === 1 && thoughtSignature !== undefined) return readText(fields, "");
  return { kind: "own", format: "gemini", value: fields };
}

/** Whether there is no field but one. */
function isAlone(fields: Json): boolean {
  let is_first = true;
  for (const _ in fields) {
    if (!is_first) return false;
    is_first = false;
  }
  return true;
}

/** A signature behind a thought whose text came before, in a stream. */
function isBareThought(fields: Json): boolean {
  return fields["thought"] === true && Object.keys(fields).every((name) => name.startsWith("thought"));
}

function readText(fields: Json, value: unknown): Part | null {
  const text = typeof value === "string" ? value : "";
  const own = ownOf(unknownFields(fields, PART));
  const { signature, encrypted, id } = readSignature(fields["thoughtSignature"]);
  const signed = signature === undefined ? {} : { signature };
  if (text === "" && signature === undefined && encrypted === undefined && own.own === undefined) return null;
  if (fields["thought"] !== true && encrypted === undefined) return { kind: "text", text, ...signed, ...own };
  return {
    ...{ kind: "thinking", text },
    ...signed,
    ...(encrypted === undefined ? {} : { encrypted }),
    ...(id === undefined ? {} : { id }),
    ...own,
  };
}

function readFunctionCall(fields: Json, ids: CallIds): ToolCallPart | null {
  const call = camelFields(fields["functionCall"]) ?? {};
  const name = textOf(call["name"]) ?? "";
  // Vertex ends a call whose arguments it streams with an empty one.
  if (name === "") return null;
  const { signature } = readSignature(fields["thoughtSignature"]);
  const id = textOf(call["id"]) ?? "";
  return {
    ...{ kind: "tool_call", id: id === "" ? ids.next(name) : id, name },
    arguments: JSON.stringify(call["args"] ?? {}),
    ...(signature === undefined ? {} : { signature }),
    ...ownOf(unknownFields(fields, PART), { functionCall: unknownFields(call, FUNCTION_CALL) }),
  };
}

/** Reads `inlineData` or `fileData`: of a part, or of a function's response; null where there is neither. */
export function readMedia(part: Json): Part | null {
  const inline = camelFields(part["inlineData"]);
  if (inline !== null) {
    const media_type = textOf(inline["mimeType"]) ?? "application/octet-stream";
    const source: Source = { kind: "base64", media_type, data: textOf(inline["data"]) ?? "" };
    const own = { inlineData: unknownFields(inline, INLINE_DATA) };
    return mediaPart(media_type, source, textOf(inline["displayName"]), part, own);
  }
  const file = camelFields(part["fileData"]);
  const uri = file === null ? undefined : textOf(file["fileUri"]);
  if (file === null || uri === undefined) return null;
  const media_type = textOf(file["mimeType"]) ?? mediaTypeOfUrl(uri) ?? "application/octet-stream";
  const own = { fileData: unknownFields(file, FILE_DATA) };
  return mediaPart(media_type, sourceOfUri(uri), textOf(file["displayName"]), part, own);
}

/** Files that Google keeps can be had by nobody else; anything else at a URL is anybody's. */
function sourceOfUri(uri: string): Source {
  const is_kept = uri.startsWith("gs://") || uri.startsWith("https://generativelanguage.googleapis.com/");
  return is_kept || !uri.includes("://") ? { kind: "file", id: uri } : { kind: "url", url: uri };
}

function mediaPart(
  media_type: string,
  source: Source,
  name: string | undefined,
  part: Json,
  inner: Readonly<Record<string, Json | undefined>>,
): Part {
  const own = ownOf(unknownFields(part, MEDIA_PART), inner);
  const kind = mediaKind(media_type);
  if (kind === "file") return { kind, source, ...(name === undefined ? {} : { name }), ...own };
  return { kind, source, ...own };
}

/**
 * Reads a part's `functionResponse`, or null where there is none. `callId` finds the call that it is for, if it tells no id: the
 * first of that name that has no response yet.
 */
export function readFunctionResponse(
  value: unknown,
  callId: (name: string, id: string | undefined) => string,
): ToolResultPart | null {
  const fields = camelFields(value);
  const given = fields === null ? null : camelFields(fields["functionResponse"]);
  if (fields === null || given === null) return null;
  const name = textOf(given["name"]) ?? "";
  const media = Array.isArray(given["parts"]) ? given["parts"].map(partOfResponse) : [];
  const said = responseOf(given["response"]);
  return {
    ...{ kind: "tool_result", call_id: callId(name, textOf(given["id"])), name },
    content: [...said.content, ...media.filter((part) => part !== null)],
    is_error: said.is_error,
    ...ownOf(unknownFields(fields, PART), {
      functionResponse: { ...unknownFields(given, FUNCTION_RESPONSE), ...said.own },
    }),
  };
}

function partOfResponse(value: unknown): Part | null {
  const fields = camelFields(value);
  return fields === null ? null : (readMedia(fields) ?? { kind: "own", format: "gemini", value: fields });
}

const NOTHING: Readonly<Record<string, never>> = {};

/** What is left of a part's fields, and of the fields inside of it. */
function ownOf(
  part: Json | undefined,
  inner: Readonly<Record<string, Json | undefined>> = NOTHING,
): { own?: OwnFields } {
  if (part === undefined && inner === NOTHING) return NOTHING;
  const left = Object.entries(inner).filter(
    ([, fields]) => fields !== undefined && Object.keys(fields).length > 0,
  );
  if (left.length === 0 && (part === undefined || Object.keys(part).length === 0)) return {};
  return { own: { format: "gemini", fields: { ...part, ...Object.fromEntries(left) } } };
}
