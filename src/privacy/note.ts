// What a model is told about placeholders: without it, some ask what the brackets mean, or make up a value.

import {
  type JsonArrayScan,
  type JsonObjectScan,
  type JsonSpan,
  readString,
  scanElements,
  scanMembers,
  scanObject,
} from "../wire/json.ts";
import { type Edit, insertMember, splice } from "../wire/splice.ts";

const NOTE =
  "Some real values in this conversation are replaced by placeholders: a kind and a number in square brackets. " +
  "Each stands for one value, always the same. Wherever you mean the value, write its placeholder exactly as it is. " +
  "Do not explain, change or translate placeholders, and make up none.";

/** Where other formats than chat completions have their instructions: a text, or parts in a list. */
const INSTRUCTIONS: Readonly<Record<string, { readonly member: string; readonly parts: string | null }>> = {
  "/messages": { member: "system", parts: null },
  "/responses": { member: "instructions", parts: null },
  "/generateContent": { member: "systemInstruction", parts: "parts" },
};

/** A request with the note where its format has its instructions; one that has no place for it comes back as it is. */
export function withNote(bytes: Uint8Array, endpoint = "/chat/completions"): Uint8Array {
  if (endpoint === "/chat/completions") return withNoteInMessages(bytes);
  const place = INSTRUCTIONS[endpoint];
  const scan = scanObject(bytes);
  if (place === undefined || scan.fault !== null) return bytes;
  const snake = place.member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const member = scan.find(place.member) ?? scan.find(snake);
  const fresh = place.parts === null ? NOTE : { [place.parts]: [{ text: NOTE }] };
  const edit =
    member === null || member.kind === "null"
      ? memberEdit(scan, member, place.member, fresh)
      : behindEdit(bytes, member, place.parts);
  return edit === null ? bytes : Buffer.concat(splice(bytes, [edit]));
}

/** The settings of a session with the note behind its instructions; those without any leave them to the provider, and come back as they are. */
export function withNoteInSession(bytes: Uint8Array): Uint8Array {
  const scan = scanObject(bytes);
  const session = scan.fault === null ? scan.find("session") : null;
  if (session === null || session.kind !== "object") return bytes;
  const settings = scanMembers(bytes, session.start, session.end);
  const instructions = settings.fault === null ? settings.find("instructions") : null;
  if (instructions === null || instructions.kind !== "string") return bytes;
  const edit = behindEdit(bytes, instructions, null);
  return edit === null ? bytes : Buffer.concat(splice(bytes, [edit]));
}

function memberEdit(scan: JsonObjectScan, member: JsonSpan | null, name: string, value: unknown): Edit {
  const bytes = Buffer.from(JSON.stringify(value));
  return member === null ? insertMember(scan, name, bytes) : { start: member.start, end: member.end, bytes };
}

/** The note behind instructions that are there; null where they are of a form that nobody knows. */
function behindEdit(bytes: Uint8Array, instructions: JsonSpan, parts: string | null): Edit | null {
  const { start, end, kind } = instructions;
  if (kind === "string") {
    const text = `${readString(bytes, instructions)}\n\n${NOTE}`;
    return { start, end, bytes: Buffer.from(JSON.stringify(text)) };
  }
  let list: JsonSpan | null = kind === "array" ? instructions : null;
  if (kind === "object" && parts !== null) {
    const scan = scanMembers(bytes, start, end);
    list = scan.fault === null ? scan.find(parts) : null;
  }
  if (list === null || list.kind !== "array") return null;
  const part = parts === null ? { type: "text", text: NOTE } : { text: NOTE };
  const elements = scanElements(bytes, list.start, list.end);
  const comma = elements.fault === null && elements.count > 0 ? "," : "";
  const at = list.end - 1;
  return { start: at, end: at, bytes: Buffer.from(comma + JSON.stringify(part)) };
}

/**
 * A request to chat completions with the note: behind the instructions that its first message gives, or in a message before all others.
 * Some models take one message of instructions alone. A request without messages comes back as it is.
 */
function withNoteInMessages(bytes: Uint8Array): Uint8Array {
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
