// A conversation as the items of an input.

import type { Losses } from "../neutral/losses.ts";
import type { Message, Part, RefusalPart, TextPart, ThinkingPart, ToolResultPart } from "../neutral/parts.ts";
import { beginning, callItem, imageItem, isMadeId, reasoningItem } from "./output_items.ts";
import { type Fields, others, ownFields } from "./own.ts";
import { writeContent, writeOutputText, writeRefusal } from "./write_content.ts";

const ITEM = new Set(["item"]);
const OF_ANSWER = new Set(["id", "status"]);

/** All messages, instructions aside. */
export function writeItems(messages: readonly Message[], losses: Losses): Fields[] {
  const items: Fields[] = [];
  for (const message of messages) {
    if (message.name !== undefined) losses.lose("messages.name", "hint");
    if (message.role === "assistant") writeTurn(message.parts, losses, items);
    else writeSaid(message, losses, items);
  }
  return items;
}

/** A message of a user's or of the system's, and what tools gave back. */
function writeSaid(message: Message, losses: Losses, items: Fields[]): void {
  const role = message.role === "tool" ? "user" : message.role;
  const own = ownFields(message);
  let parts: Part[] = [];
  const endMessage = () => {
    if (parts.length === 0) return;
    const content = writeContent(parts, "messages.content", losses);
    parts = [];
    if (content.length > 0 || content === "") items.push(messageItem(role, content, own));
  };
  for (const part of message.parts) {
    if (part.kind === "tool_result") {
      endMessage();
      items.push(resultItem(part, losses));
    } else if (part.kind === "own" && part.format === "responses" && !isContent(part.value)) {
      endMessage();
      items.push(part.value);
    } else parts.push(part);
  }
  endMessage();
}

/** Without more to it, a message is told by its role; with more, it has its type as well. */
function messageItem(role: string, content: string | readonly Fields[], own: Fields): Fields {
  return Object.keys(own).length === 0 ? { role, content } : { type: "message", role, content, ...own };
}

/** Whether a value that only this format knows is part of a content, and no item. */
function isContent({ type }: Fields): boolean {
  return typeof type === "string" && (type.startsWith("input_") || type.startsWith("output_"));
}

function resultItem(part: ToolResultPart, losses: Losses): Fields {
  if (part.cache !== undefined) losses.lose("messages.cache_control", "hint");
  return {
    type: part.is_custom === true ? "custom_tool_call_output" : "function_call_output",
    call_id: part.call_id,
    output: writeContent(part.content, "messages.content", losses),
    ...(part.is_error ? { status: "incomplete" } : {}),
    ...ownFields(part),
  };
}

/** What the model said in one turn. */
function writeTurn(parts: readonly Part[], losses: Losses, items: Fields[]): void {
  let said: (TextPart | RefusalPart)[] = [];
  const endMessage = () => {
    if (said.length > 0) items.push(saidItem(said));
    said = [];
  };
  for (const part of parts) {
    if (part.kind === "text" || part.kind === "refusal") {
      if (beginning(part) !== null) endMessage();
      if (part.cache !== undefined) losses.lose("messages.cache_control", "hint");
      said.push(part);
      continue;
    }
    endMessage();
    const item = writeModelPart(part, losses);
    if (item !== null) items.push(item);
  }
  endMessage();
}

function saidItem(said: readonly (TextPart | RefusalPart)[]): Fields {
  const [first] = said;
  const own = withoutMadeId(beginning(first!) ?? {});
  const is_plain =
    said.length === 1 &&
    first!.kind === "text" &&
    first!.citations === undefined &&
    Object.keys(others(ownFields(first!), ITEM)).length === 0 &&
    Object.keys(own).length === 0;
  if (is_plain) return { role: "assistant", content: first!.text };
  const content = said.map((part) =>
    part.kind === "text" ? writeOutputText(part, null) : writeRefusal(part),
  );
  return { type: "message", role: "assistant", content, ...own };
}

/** Without its id an item has no status either. */
function withoutMadeId(own: Fields): Fields {
  return isMadeId(own["id"]) ? others(own, OF_ANSWER) : own;
}

/** Null where a part is lost, or of no use to who reads it. */
function writeModelPart(part: Exclude<Part, TextPart | RefusalPart>, losses: Losses): Fields | null {
  switch (part.kind) {
    case "thinking":
      if (isUnderstood(part)) return reasoningItem(part, isMadeId(part.id) ? undefined : part.id);
      losses.lose("messages.thinking", "hint");
      return null;
    case "tool_call": {
      const id = ownFields(part)["id"];
      return callItem(part, typeof id === "string" && !isMadeId(id) ? id : undefined, part.id);
    }
    case "image": {
      const id = ownFields(part)["id"];
      const item = imageItem(part, typeof id === "string" && !isMadeId(id) ? id : undefined);
      if (item === null) losses.lose("messages.content.image", "meaning");
      return item;
    }
    case "own":
      if (part.format === "responses") return part.value;
      // What the provider of another format ran: its answer told what came of it.
      losses.lose("messages.content", "hint");
      return null;
    default:
      losses.lose(`messages.content.${part.kind}`, "meaning");
      return null;
  }
}

/**
 * Whether a thought is of use to a provider of this format: what one of them encrypted, or has under an id, or told in full. Thoughts
 * of other providers are refused: "Item with id 'rs_…' not found".
 */
function isUnderstood(part: ThinkingPart): boolean {
  const signed = part.encrypted ?? part.signature;
  if (signed !== undefined) return signed.format === "responses";
  if (ownFields(part)["is_raw"] === true) return true;
  return part.id?.startsWith("rs_") === true && !isMadeId(part.id);
}
