// What a model is told about placeholders: without it, some ask what the brackets mean, or make up a value.

import {
  type JsonArrayScan,
  type JsonSpan,
  readString,
  scanElements,
  scanMembers,
  scanObject,
} from "../wire/json.ts";
import { type Edit, splice } from "../wire/splice.ts";

const NOTE =
  "Some real values in this conversation are replaced by placeholders: a kind and a number in square brackets. " +
  "Each stands for one value, always the same. Wherever you mean the value, write its placeholder exactly as it is. " +
  "Do not explain, change or translate placeholders, and make up none.";

/**
 * A request to chat completions with the note: behind the instructions that its first message gives, or in a message before all others.
 * Some models take one message of instructions alone. A request without messages comes back as it is.
 */
export function withNote(bytes: Uint8Array): Uint8Array {
  const scan = scanObject(bytes);
  const member = scan.fault === null ? scan.find("messages") : null;
  if (member === null || member.kind !== "array") return bytes;
  const messages = scanElements(bytes, member.start, member.end);
  if (messages.fault !== null || messages.count === 0) return bytes;
  return Buffer.concat(splice(bytes, [noteEdit(bytes, messages)]));
}

function noteEdit(bytes: Uint8Array, messages: JsonArrayScan): Edit {
  const first = messages.at(0);
  const instructions = instructionsOf(bytes, first);
  if (instructions !== null) {
    const text = `${readString(bytes, instructions)}\n\n${NOTE}`;
    return { ...instructions, bytes: Buffer.from(JSON.stringify(text)) };
  }
  const message = `${JSON.stringify({ role: "system", content: NOTE })},`;
  return { start: first.start, end: first.start, bytes: Buffer.from(message) };
}

/** Where the text of a message of instructions lies; null if it is none, or has its text in parts. */
function instructionsOf(bytes: Uint8Array, message: JsonSpan): JsonSpan | null {
  const scan = message.kind === "object" ? scanMembers(bytes, message.start, message.end) : null;
  if (scan === null || scan.fault !== null) return null;
  const [role, content] = [scan.find("role"), scan.find("content")];
  const name = role === null ? null : readString(bytes, role);
  if (name !== "system" && name !== "developer") return null;
  return content?.kind === "string" ? content : null;
}
