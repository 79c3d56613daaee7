// An answer of Converse into the neutral one.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, "Response Syntax".

import { argumentsOf } from "../anthropic/arguments.ts";
import { JSON_TOOL } from "../anthropic/json_tool.ts";
import { isFields, list, record, withNumbers } from "../fields.ts";
import type { ChatAnswer } from "../neutral/answer.ts";
import type { Part } from "../neutral/parts.ts";
import { readCitation } from "./citations.ts";
import { readFinish } from "./finish.ts";
import { type Fields, FORMAT, ownPart } from "./own.ts";
import { readBedrockUsage } from "./usage.ts";

/** Kept for clients of no other format. */
const KNOWN: ReadonlySet<string> = new Set(["output", "stopReason", "usage", "serviceTier"]);

/** Reads an answer; null where the value is none. */
export function readAnswer(answer: Fields): ChatAnswer | null {
  const { content } = record(record(answer["output"])["message"]);
  if (!Array.isArray(content)) return null;
  const blocks = content.filter(isFields);
  const parts = withBareCitations(blocks).map(readBlock);
  const is_json = blocks.some((block) => record(block["toolUse"])["name"] === JSON_TOOL);
  const has_calls = parts.some((part) => part.kind === "tool_call");
  const { type: service_tier } = record(answer["serviceTier"]);
  const others = Object.entries(answer).filter(([name]) => !KNOWN.has(name));
  return {
    // Neither id nor model is told.
    ...{ id: "", model: "", created_s: null },
    choices: [{ index: 0, parts, finish: readFinish(answer["stopReason"], is_json && !has_calls) }],
    usage: readBedrockUsage(withNumbers(answer["usage"])),
    ...(typeof service_tier === "string" ? { service_tier } : {}),
    ...(others.length === 0 ? {} : { own: { format: FORMAT, fields: Object.fromEntries(others) } }),
  };
}

/** Citations without a text of their own are of the text before them. */
function withBareCitations(blocks: readonly Fields[]): readonly Fields[] {
  const joined: Fields[] = [];
  for (const block of blocks) {
    const cited = record(block["citationsContent"]);
    const is_bare = "citationsContent" in block && list(cited["content"]).length === 0;
    const before = joined.at(-1);
    if (!is_bare || before === undefined) joined.push(block);
    else if ("text" in before || "citationsContent" in before) {
      const { content, citations } = record(before["citationsContent"]);
      joined[joined.length - 1] = {
        citationsContent: {
          content: content ?? [{ text: before["text"] }],
          citations: [...list(citations), ...list(cited["citations"])],
        },
      };
    } else joined.push(block);
  }
  return joined;
}

function readBlock(block: Fields): Part {
  const { text, toolUse, reasoningContent, citationsContent, image } = block;
  if (typeof text === "string") return { kind: "text", text };
  if (isFields(toolUse)) return callOf(toolUse) ?? ownPart(block);
  if (isFields(reasoningContent)) return thinkingOf(reasoningContent);
  if (isFields(citationsContent)) {
    const texts = list(citationsContent["content"]).map((content) => record(content)["text"]);
    return {
      kind: "text",
      text: texts.filter((piece) => typeof piece === "string").join(""),
      citations: list(citationsContent["citations"]).filter(isFields).map(readCitation),
    };
  }
  return imageOf(record(image)) ?? ownPart(block);
}

/** A call; null: the provider runs it itself. */
function callOf({ toolUseId, name, input, type }: Fields): Part | null {
  if (type === "server_tool_use") return null;
  if (name === JSON_TOOL) return { kind: "text", text: argumentsOf(input) };
  return {
    kind: "tool_call",
    id: typeof toolUseId === "string" ? toolUseId : "",
    name: String(name ?? ""),
    arguments: argumentsOf(input),
  };
}

/** Signatures are Claude's, and good wherever Claude is served. */
function thinkingOf({ reasoningText, redactedContent }: Fields): Part {
  const { text, signature } = record(reasoningText);
  return {
    kind: "thinking",
    text: typeof text === "string" ? text : "",
    ...(typeof signature === "string" ? { signature: { format: "messages", value: signature } } : {}),
    ...(typeof redactedContent === "string" ? { encrypted: { format: FORMAT, value: redactedContent } } : {}),
  };
}

/** An image whose bytes are there; null: there are none. */
export function imageOf({ format, source }: Fields): Extract<Part, { kind: "image" }> | null {
  const { bytes } = record(source);
  if (typeof bytes !== "string") return null;
  return {
    kind: "image",
    source: { kind: "base64", media_type: `image/${String(format ?? "png")}`, data: bytes },
  };
}
