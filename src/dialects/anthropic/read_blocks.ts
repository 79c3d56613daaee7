// Content blocks into parts, of requests and answers alike. What is not known stays as it came.
// Source: https://platform.claude.com/docs/en/api/messages, "Content block".

import { GatewayError } from "../../errors.ts";
import { isFields } from "../fields.ts";
import type { OwnPart, Part, Source, TextPart, ThinkingPart } from "../neutral/parts.ts";
import { argumentsOf } from "./arguments.ts";
import { type CarriedFor, carriedIn } from "./carried.ts";
import { readCitation } from "./citations.ts";
import { type Fields, FORMAT, ownOf, readCache } from "./own.ts";

/** The names of the tools that were called so far, by the ids of the calls. */
export type CallNames = Map<string, string>;

/** What is wrong with a field, as the provider would say it. */
export function badField(path: string, expected: string): GatewayError {
  return new GatewayError("invalid_type", `${path}: Input should be ${expected}`, { param: path });
}

/**
 * Reads what is a text or a list of blocks.
 * @param path of the field, for what is wrong with it
 * @throws GatewayError that names the field
 */
export function readContent(value: unknown, path: string, names: CallNames): Part[] {
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (!Array.isArray(value)) throw badField(path, "a valid string or list");
  const parts: Part[] = [];
  /** What belongs to the block that comes next. */
  let carried: Fields = {};
  value.forEach((block: unknown, index) => {
    const part = readBlock(block, `${path}.${index}`, names);
    const foreign = carriedOf(part);
    if (foreign?.for === "previous") sign(parts, foreign.signed);
    else if (foreign?.for === "next") carried = foreign.signed;
    else {
      parts.push({ ...part, ...carried });
      carried = {};
    }
  });
  return parts;
}

/** What a block says of the block beside it. */
function carriedOf(part: Part): { for: CarriedFor; signed: Fields } | null {
  if (part.kind !== "thinking" || part.encrypted?.format !== FORMAT) return null;
  const carried = carriedIn(part.encrypted.value);
  return carried === null ? null : { for: carried.for, signed: { signature: carried.signature } };
}

function sign(parts: Part[], signed: Fields): void {
  const last = parts.pop();
  if (last !== undefined) parts.push({ ...last, ...signed });
}

/**
 * Reads one block.
 * @throws GatewayError that names the field
 */
export function readBlock(block: unknown, path: string, names: CallNames): Part {
  if (!isFields(block)) throw badField(path, "a valid dictionary");
  switch (block["type"]) {
    case "text":
      return readText(block, path);
    case "image":
      return readImage(block, path);
    case "document":
      return readDocument(block, path);
    case "search_result":
      return readSearchResult(block);
    case "thinking":
    case "redacted_thinking":
      return readThinking(block, path);
    case "tool_use": {
      const id = textOf(block["id"], `${path}.id`);
      const name = textOf(block["name"], `${path}.name`);
      names.set(id, name);
      const given = argumentsOf(block["input"]);
      return { kind: "tool_call", id, name, arguments: given, ...aside(block, TOOL_USE) };
    }
    case "tool_result": {
      const call_id = textOf(block["tool_use_id"], `${path}.tool_use_id`);
      const name = names.get(call_id);
      const content = block["content"] ?? [];
      return {
        kind: "tool_result",
        call_id,
        ...(name === undefined ? {} : { name }),
        content: readContent(content, `${path}.content`, names),
        is_error: block["is_error"] === true,
        ...aside(block, TOOL_RESULT),
      };
    }
    default:
      if (typeof block["type"] !== "string") throw badField(`${path}.type`, "a valid string");
      return ownPart(block);
  }
}

/** A block that only this format knows. */
export function ownPart(block: Fields): OwnPart {
  return { kind: "own", format: FORMAT, value: block };
}

const TEXT = new Set(["type", "text", "citations", "cache_control"]);
const IMAGE = new Set(["type", "source", "cache_control"]);
const DOCUMENT = new Set(["type", "source", "title", "context", "citations", "cache_control"]);
const THINKING = new Set(["type", "thinking", "signature", "data", "cache_control"]);
/** The fields of a call that are known. */
export const TOOL_USE: ReadonlySet<string> = new Set(["type", "id", "name", "input", "cache_control"]);
const TOOL_RESULT = new Set(["type", "tool_use_id", "content", "is_error", "cache_control"]);

/** A block's cache mark and the fields that are not known. */
function aside(block: Fields, known: ReadonlySet<string>): Fields {
  const mark = block["cache_control"];
  if (mark === undefined || mark === null) return ownOf(block, known);
  const cache = readCache(mark);
  // A mark of a kind that is new is kept as it is.
  if (cache === undefined)
    return ownOf(block, new Set([...known].filter((name) => name !== "cache_control")));
  return { cache, ...ownOf(block, known) };
}

function textOf(value: unknown, path: string): string {
  if (typeof value !== "string") throw badField(path, "a valid string");
  return value;
}

function readText(block: Fields, path: string): TextPart {
  const text = textOf(block["text"], `${path}.text`);
  const told = block["citations"];
  const citations = Array.isArray(told) ? told.filter(isFields).map(readCitation) : [];
  return { kind: "text", text, ...(citations.length === 0 ? {} : { citations }), ...aside(block, TEXT) };
}

function readImage(block: Fields, path: string): Part {
  const source = sourceOf(block["source"], `${path}.source`);
  return source === null ? ownPart(block) : { kind: "image", source, ...aside(block, IMAGE) };
}

function readDocument(block: Fields, path: string): Part {
  const told = block["source"];
  const text = isFields(told) && told["type"] === "content" ? joinedText(told["content"]) : null;
  const source: Source | null = text === null ? sourceOf(told, `${path}.source`) : { kind: "text", text };
  if (source === null) return ownPart(block);
  const citations = block["citations"];
  return {
    kind: "file",
    source,
    ...(typeof block["title"] === "string" ? { name: block["title"] } : {}),
    ...(isFields(citations) && typeof citations["enabled"] === "boolean"
      ? { citations: citations["enabled"] }
      : {}),
    ...(typeof block["context"] === "string" ? { context: block["context"] } : {}),
    // The blocks that the text was made of are cited by their numbers.
    ...(text === null ? aside(block, DOCUMENT) : aside(block, withoutSource(DOCUMENT))),
  };
}

function withoutSource(known: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...known].filter((name) => name !== "source"));
}

/** What a client found itself; other formats read it as a document. */
function readSearchResult(block: Fields): Part {
  const text = joinedText(block["content"]);
  if (text === null) return ownPart(block);
  return {
    kind: "file",
    source: { kind: "text", text },
    ...(typeof block["title"] === "string" ? { name: block["title"] } : {}),
    ...aside(block, new Set(["title", "cache_control"])),
  };
}

/** The text of blocks that are all text, or null. */
function joinedText(content: unknown): string | null {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const texts = content.map((block: unknown) =>
    isFields(block) && block["type"] === "text" ? block["text"] : null,
  );
  return texts.every((text) => typeof text === "string") ? texts.join("\n\n") : null;
}

function sourceOf(value: unknown, path: string): Source | null {
  if (!isFields(value)) throw badField(path, "a valid dictionary");
  switch (value["type"]) {
    case "base64": {
      const media_type = textOf(value["media_type"], `${path}.media_type`);
      return { kind: "base64", media_type, data: textOf(value["data"], `${path}.data`) };
    }
    case "url":
      return { kind: "url", url: textOf(value["url"], `${path}.url`) };
    case "file":
      return { kind: "file", id: textOf(value["file_id"], `${path}.file_id`) };
    case "text":
      return { kind: "text", text: textOf(value["data"], `${path}.data`) };
    default:
      return null;
  }
}

function readThinking(block: Fields, path: string): ThinkingPart {
  if (block["type"] === "redacted_thinking") {
    const value = textOf(block["data"], `${path}.data`);
    const carried = carriedIn(value);
    const encrypted = carried?.for === "encrypted" ? carried.signature : ({ format: FORMAT, value } as const);
    return {
      kind: "thinking",
      text: "",
      encrypted,
      ...idOf(carried?.for === "encrypted" ? carried.id : undefined),
    };
  }
  const text = textOf(block["thinking"], `${path}.thinking`);
  const signed = block["signature"];
  if (typeof signed !== "string" || signed === "")
    return { kind: "thinking", text, ...aside(block, THINKING) };
  const carried = carriedIn(signed);
  if (carried === null) {
    return {
      kind: "thinking",
      text,
      signature: { format: FORMAT, value: signed },
      ...aside(block, THINKING),
    };
  }
  const { signature, id } = carried;
  return {
    kind: "thinking",
    text,
    ...(carried.for === "encrypted" ? { encrypted: signature } : { signature }),
    ...idOf(id),
  };
}

function idOf(id: string | undefined): { id?: string } {
  return id === undefined ? {} : { id };
}
