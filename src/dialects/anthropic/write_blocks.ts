// Parts into content blocks, of requests and answers alike.
// Source: https://platform.claude.com/docs/en/api/messages, "Content block".

import type { FilePart, Part, Source, ThinkingPart, ToolCallPart } from "../neutral/parts.ts";
import { sourceOfUrl } from "../neutral/source.ts";
import { inputOf } from "./arguments.ts";
import { carry } from "./carried.ts";
import { type Fields, FORMAT, keptOf, optional, writeCache } from "./own.ts";

/** A text block, without citations. */
export function textBlock(part: Extract<Part, { kind: "text" | "refusal" }>): Fields {
  return { type: "text", text: part.text, ...writeCache(part.cache), ...keptOf(part.own) };
}

/** A block for an image, or null where the format has no such source. */
export function imageBlock(part: Extract<Part, { kind: "image" }>): Fields | null {
  const source = sourceOf(plainSource(part.source));
  if (source === null || source["type"] === "text") return null;
  return { type: "image", source, ...writeCache(part.cache), ...keptOf(part.own) };
}

/**
 * A block for a document, or null: the provider reads PDFs and plain text, and files that it keeps itself.
 * Source: https://platform.claude.com/docs/en/build-with-claude/pdf-support.
 */
export function documentBlock(part: FilePart): Fields | null {
  const kept = keptOf(part.own);
  const aside = { ...writeCache(part.cache), ...kept };
  if (kept["type"] === "search_result") return { ...optional("title", part.name), ...aside };
  const source = documentSource(part.source);
  if (source === null) return null;
  return {
    type: "document",
    source,
    ...optional("title", part.name),
    ...optional("context", part.context),
    ...(part.citations === undefined ? {} : { citations: { enabled: part.citations } }),
    ...aside,
  };
}

function documentSource(told: Source): Fields | null {
  const source = plainSource(told);
  if (source?.kind !== "base64" || source.media_type === "application/pdf") return sourceOf(source);
  if (!isText(source.media_type)) return null;
  return sourceOf({ kind: "text", text: Buffer.from(source.data, "base64").toString() });
}

function isText(media_type: string): boolean {
  return media_type.startsWith("text/") || media_type === "application/json";
}

function sourceOf(source: Source | null): Fields | null {
  switch (source?.kind) {
    case undefined:
      return null;
    case "url":
      return { type: "url", url: source.url };
    case "base64":
      return { type: "base64", media_type: source.media_type, data: source.data };
    case "text":
      return { type: "text", media_type: "text/plain", data: source.text };
    case "file":
      return { type: "file", file_id: source.id };
  }
}

/** The provider fetches no data URL: its bytes are put in its place. Null: they cannot be read. */
function plainSource(source: Source): Source | null {
  const plain = source.kind === "url" ? sourceOfUrl(source.url) : source;
  return plain.kind === "url" && plain.url.startsWith("data:") ? null : plain;
}

/** A call's block. */
export function callBlock(part: ToolCallPart, id: string): Fields {
  const input = inputOf(part.arguments, part.is_custom);
  return { type: "tool_use", id, name: part.name, input, ...writeCache(part.cache), ...keptOf(part.own) };
}

/** A thinking's block for who signed it, or null: it is not this format's. `is_strict`: the provider takes none unsigned. */
export function ownThinkingBlock(part: ThinkingPart, is_strict: boolean): Fields | null {
  const { signature, encrypted, text } = part;
  if (encrypted?.format === FORMAT) return { type: "redacted_thinking", data: encrypted.value };
  const is_own = signature?.format === FORMAT;
  if ((!is_own && is_strict) || (!is_own && text === "")) return null;
  const signed = is_own ? { signature: signature.value } : {};
  return { type: "thinking", thinking: text, ...signed, ...writeCache(part.cache), ...keptOf(part.own) };
}

/** A thinking's block for a client, who gives it back as it is: what is another provider's is put into the opaque fields. */
export function thinkingBlock(
  part: Pick<ThinkingPart, "text" | "signature" | "encrypted" | "id" | "own">,
): Fields {
  const { encrypted, text, id } = part;
  if (encrypted !== undefined && text === "") {
    const data = encrypted.format === FORMAT ? encrypted.value : carry("encrypted", encrypted, id);
    return { type: "redacted_thinking", data };
  }
  return { type: "thinking", thinking: text, signature: opaqueSignature(part), ...keptOf(part.own) };
}

/** The `signature` of a thinking block for a client; empty where nothing was signed. */
export function opaqueSignature(part: Pick<ThinkingPart, "signature" | "encrypted" | "id">): string {
  const { signature, encrypted, id } = part;
  if (signature?.format === FORMAT) return signature.value;
  if (encrypted !== undefined) return carry("encrypted", encrypted, id);
  return signature === undefined ? "" : carry("signature", signature, id);
}
