// A whole message into the neutral answer.
// Source: https://platform.claude.com/docs/en/api/messages/create, "Message".

import { GatewayError } from "../../errors.ts";
import { isFields, record } from "../fields.ts";
import type { ChatAnswer, Finish } from "../neutral/answer.ts";
import type { Part } from "../neutral/parts.ts";
import { readFinish } from "./finish.ts";
import { JSON_TOOL } from "./json_tool.ts";
import { type Fields, ownOf } from "./own.ts";
import { ownPart, readBlock } from "./read_blocks.ts";
import { readGivenTier } from "./service_tier.ts";
import { readAnthropicUsage } from "./usage.ts";

const KNOWN = new Set([
  ...["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"],
]);

/** Reads a message; null where the value is none. Blocks that are not as they should be stay as they came. */
export function readAnswer(answer: Fields): ChatAnswer | null {
  const { id, model, content, usage } = answer;
  if (!Array.isArray(content)) return null;
  const blocks = content.filter(isFields).filter((block) => typeof block["type"] === "string");
  const parts = blocks.map(readAnswerBlock);
  const refusal = refusalOf(answer["stop_details"]);
  const finish = readFinish(answer["stop_reason"], answer["stop_sequence"]);
  const has_json = blocks.some((block) => block["type"] === "tool_use" && block["name"] === JSON_TOOL);
  const has_calls = parts.some((part) => part.kind === "tool_call");
  return {
    id: typeof id === "string" ? id : "",
    model: typeof model === "string" ? model : "",
    created_s: null,
    choices: [
      {
        index: 0,
        parts: refusal === null ? parts : [...parts, { kind: "refusal", text: refusal }],
        finish: has_json && !has_calls ? answeredAsJson(finish) : finish,
      },
    ],
    usage: readAnthropicUsage(usage),
    ...readGivenTier(record(usage)["service_tier"]),
    ...ownOf(answer, KNOWN),
  };
}

/** The provider's words for why it refuses; null: there are none. */
export function refusalOf(stop_details: unknown): string | null {
  const { explanation } = record(stop_details);
  return typeof explanation === "string" && explanation !== "" ? explanation : null;
}

/** How an answer ended that was made as a call of the JSON tool: it just ended. */
export function answeredAsJson(finish: Finish | null): Finish | null {
  return finish?.reason === "tool_calls" ? { ...finish, reason: "stop" } : finish;
}

function readAnswerBlock(block: Fields): Part {
  try {
    const part = readBlock(block, "content", new Map());
    const is_json = part.kind === "tool_call" && part.name === JSON_TOOL;
    return is_json ? { kind: "text", text: part.arguments } : part;
  } catch (error) {
    if (error instanceof GatewayError) return ownPart(block);
    throw error;
  }
}
