// The messages of a request as chat completions write them to a provider: results of tools as messages of their own, thoughts where the
// server wants them, images that a tool gave back where it can see them.

import type { Message, Part, ToolCallPart, ToolResultPart } from "../../neutral/parts.ts";
import { errorText } from "../../neutral/plain_text.ts";
import { isGoogles, writeGoogleSignature, writeReasoning } from "./reasoning.ts";
import { type RequestPen, writeCacheMark, writePart } from "./write_parts.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Writes the messages of a request. */
export function writeMessages(messages: readonly Message[], pen: RequestPen): readonly Fields[] {
  const written: Fields[] = [];
  // What results of tools hold beside text, told by the user behind the last of them: nothing may stand between results.
  let shown: Fields[] = [];
  const show = (): void => {
    if (shown.length > 0) written.push({ role: "user", content: shown });
    shown = [];
  };
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`;
    const results = message.parts.filter((part) => part.kind === "tool_result");
    for (const result of results) {
      const media: Fields[] = [];
      written.push({ ...writeResult(result, `${path}.content`, media, pen), ...ownOf(message) });
      if (media.length > 0)
        shown.push({ type: "text", text: `From the tool call ${result.call_id}:` }, ...media);
    }
    if (message.role === "tool") continue;
    const others = message.parts.filter((part) => part.kind !== "tool_result");
    if (results.length > 0 && others.length === 0) continue;
    show();
    written.push(
      message.role === "assistant"
        ? writeAssistant(message, path, pen)
        : writeSpoken({ ...message, parts: others }, path, pen),
    );
  }
  show();
  return written;
}

/** A message of the system or the user. */
function writeSpoken(message: Message, path: string, pen: RequestPen): Fields {
  const { role, parts } = message;
  const known = role === "developer" && !pen.quirks.developer ? "system" : role;
  return {
    role: known,
    ...nameOf(message, pen),
    content: writeContent(parts, path, pen),
    ...ownOf(message),
  };
}

/** A text where there is nothing but one, else parts. */
function writeContent(parts: readonly Part[], path: string, pen: RequestPen): string | readonly Fields[] {
  const written = parts.flatMap((part, index) => {
    const said = writePart(part, `${path}.content[${index}]`, pen);
    return said === null ? [] : [said];
  });
  return textAlone(written) ?? written;
}

/** The text of a content that is one text and nothing else; empty where there is nothing. */
function textAlone(written: readonly Fields[]): string | null {
  const [only] = written;
  if (only === undefined) return "";
  const is_text = written.length === 1 && only["type"] === "text" && Object.keys(only).length === 2;
  return is_text && typeof only["text"] === "string" ? only["text"] : null;
}

function nameOf({ name }: Message, { quirks, losses }: RequestPen): Fields {
  if (name === undefined) return {};
  if (!quirks.refuses.has("messages.name")) return { name };
  losses.lose("messages.name", "hint");
  return {};
}

function ownOf({ own }: Message): Fields {
  return own?.format === "chat" ? own.fields : {};
}

function writeAssistant(message: Message, path: string, pen: RequestPen): Fields {
  const { parts } = message;
  const { quirks } = pen;
  const calls = parts.filter((part) => part.kind === "tool_call").map((call) => writeCall(call, pen));
  const refusal = parts
    .filter((part) => part.kind === "refusal")
    .map(({ text }) => text)
    .join("");
  const content = writeSaid(message, path, pen);
  const signature = parts.find((part) => part.kind === "text" && part.signature !== undefined);
  return {
    role: "assistant",
    ...nameOf(message, pen),
    content: content === "" && (calls.length > 0 || refusal !== "") ? null : content,
    ...writeThoughts(parts, pen),
    ...(refusal === "" || !quirks.refusals ? {} : { refusal }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(quirks.google_signatures && signature?.kind === "text" && isGoogles(signature.signature!)
      ? writeGoogleSignature(signature.signature!)
      : {}),
    ...ownOf(message),
  };
}

/** What the assistant said: one text, but for parts that are marked or not of text. */
function writeSaid({ parts }: Message, path: string, pen: RequestPen): string | readonly Fields[] {
  const { quirks, losses } = pen;
  const written = parts.flatMap((part, index): readonly Fields[] => {
    const place = `${path}.content[${index}]`;
    switch (part.kind) {
      case "text":
        return [writePart(part, place, pen)!];
      case "thinking":
        if (quirks.thoughts !== "parts" || part.text === "") return [];
        return [{ type: "thinking", thinking: [{ type: "text", text: part.text }] }];
      case "refusal":
        return quirks.refusals ? [] : [{ type: "text", text: part.text }];
      case "own":
        if (part.format === "chat") return [part.value];
        // What another provider's own tools did in a turn that is over.
        losses.lose(place, "hint");
        return [];
      case "tool_call":
      case "tool_result":
        return [];
      default:
        // No server takes back media that a model made.
        losses.lose(place, "meaning");
        return [];
    }
  });
  const is_plain = written.every((part) => part["type"] === "text" && Object.keys(part).length === 2);
  return is_plain ? written.map((part) => part["text"]).join("") : written;
}

function writeThoughts(parts: readonly Part[], { quirks, losses }: RequestPen): Fields {
  const { thoughts } = quirks;
  const is_thought = parts.some((part) => part.kind === "thinking");
  switch (thoughts) {
    case "details":
      return writeReasoning(parts, "reasoning");
    case "reasoning":
    case "reasoning_content": {
      const text = parts.map((part) => (part.kind === "thinking" ? part.text : "")).join("");
      const is_due = quirks.thoughts_with_calls && parts.some((part) => part.kind === "tool_call");
      return text === "" && !is_due ? {} : { [thoughts]: text };
    }
    case "parts":
      return {};
    case null:
      if (is_thought) losses.lose("messages.reasoning_content", "hint");
      return {};
  }
}

function writeCall(call: ToolCallPart, { quirks }: RequestPen): Fields {
  const { name, is_custom, signature } = call;
  const id = callId(call.id, quirks.short_call_ids);
  const called = is_custom
    ? { type: "custom", custom: { name, input: call.arguments } }
    : // Arguments are JSON to every server, so that none at all are an empty object.
      { type: "function", function: { name, arguments: call.arguments === "" ? "{}" : call.arguments } };
  const is_signed = quirks.google_signatures && signature !== undefined && isGoogles(signature);
  return { id, ...called, ...(is_signed ? writeGoogleSignature(signature) : {}) };
}

const SHORT_ID_CHARS = 9;

/** A call's id as the server takes it: Mistral wants nine letters and digits, the same for the call and its result. */
function callId(id: string, is_short: boolean): string {
  if (!is_short || isShortId(id)) return id;
  return Bun.hash.xxHash64(id).toString(36).padStart(SHORT_ID_CHARS, "0").slice(-SHORT_ID_CHARS);
}

function isShortId(id: string): boolean {
  if (id.length !== SHORT_ID_CHARS) return false;
  for (const char of id.toLowerCase())
    if (!"abcdefghijklmnopqrstuvwxyz0123456789".includes(char)) return false;
  return true;
}

/** A result's message. What it holds that the server does not take in one goes to `shown`. */
function writeResult(result: ToolResultPart, path: string, shown: Fields[], pen: RequestPen): Fields {
  const { quirks } = pen;
  const written: Fields[] = [];
  for (const [index, part] of result.content.entries()) {
    const said = writePart(part, `${path}[${index}]`, pen);
    if (said === null) continue;
    if (part.kind === "text" || quirks.result_images) written.push(said);
    else shown.push(said);
  }
  const content = textAlone(written) ?? (written.every(isText) ? joined(written) : written);
  return {
    role: "tool",
    tool_call_id: callId(result.call_id, quirks.short_call_ids),
    // The format has no word for a failure but the text.
    content: result.is_error ? asError(content) : content,
    ...(result.cache === undefined ? {} : writeCacheMark(result.cache, pen)),
  };
}

function isText(part: Fields): boolean {
  return part["type"] === "text" && Object.keys(part).length === 2;
}

function joined(parts: readonly Fields[]): string {
  return parts.map((part) => part["text"]).join("\n");
}

function asError(content: string | readonly Fields[]): string | readonly Fields[] {
  return typeof content === "string" ? errorText(content) : [{ type: "text", text: "Error:" }, ...content];
}
