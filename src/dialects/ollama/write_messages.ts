// The messages of a request as Ollama's chat takes them: one text each, images beside it. Source: https://docs.ollama.com/api/chat, `messages`.

import { parseExact } from "../../wire/exact_json.ts";
import { isFields } from "../fields.ts";
import type { Losses } from "../neutral/losses.ts";
import type { Message, Part, ToolCallPart, ToolResultPart } from "../neutral/parts.ts";
import { errorText, textOfFile } from "../neutral/plain_text.ts";
import { INVALID_JSON_KEY } from "../neutral/request.ts";

type Fields = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

/** Writes the messages of a request. */
export function writeMessages(messages: readonly Message[], losses: Losses): readonly Fields[] {
  const written: Fields[] = [];
  const names = new Map<string, string>();
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`;
    const { role, name, parts } = message;
    if (name !== undefined && role !== "tool") losses.lose(`${path}.name`, "hint");
    for (const part of parts) {
      if (part.kind === "tool_call") names.set(part.id, part.name);
      else if (part.kind === "tool_result") written.push(writeResult(part, names, path, losses));
    }
    const others = parts.filter(({ kind }) => kind !== "tool_result");
    if (role === "tool" || (others.length === 0 && parts.length > 0)) continue;
    written.push(writeMessage(role, others, path, losses));
  }
  return written;
}

function writeMessage(
  role: "system" | "developer" | "user" | "assistant",
  parts: readonly Part[],
  path: string,
  losses: Losses,
): Fields {
  const { text, images } = writeContent(parts, path, losses);
  const thoughts = parts.flatMap((part) => (part.kind === "thinking" && part.text !== "" ? [part.text] : []));
  const calls = parts.filter((part) => part.kind === "tool_call");
  return {
    role: role === "developer" ? "system" : role,
    content: text,
    ...(thoughts.length === 0 ? {} : { thinking: thoughts.join("\n") }),
    ...(images.length === 0 ? {} : { images }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(writeCall) }),
  };
}

function writeResult(
  result: ToolResultPart,
  names: ReadonlyMap<string, string>,
  path: string,
  losses: Losses,
): Fields {
  const { text, images } = writeContent(result.content, path, losses);
  const name = names.get(result.call_id) ?? result.name;
  if (result.cache !== undefined) losses.lose("cache_control", "hint");
  return {
    role: "tool",
    content: result.is_error ? errorText(text) : text,
    // Models are told the name; newer servers keep the id too.
    ...(name === undefined ? {} : { tool_name: name }),
    tool_call_id: result.call_id,
    ...(images.length === 0 ? {} : { images }),
  };
}

interface Content {
  readonly text: string;
  readonly images: readonly string[];
}

function writeContent(parts: readonly Part[], path: string, losses: Losses): Content {
  const texts: string[] = [];
  const images: string[] = [];
  for (const [index, part] of parts.entries()) {
    const place = `${path}.content[${index}]`;
    if (part.kind !== "own" && part.cache !== undefined) losses.lose("cache_control", "hint");
    switch (part.kind) {
      case "text":
      case "refusal":
        if (part.text !== "") texts.push(part.text);
        continue;
      case "image":
        if (part.source.kind !== "base64") break;
        images.push(part.source.data);
        if (part.detail !== undefined && part.detail !== "auto") losses.lose(`${place}.detail`, "hint");
        continue;
      case "file": {
        const text = textOfFile(part);
        if (text === null) break;
        texts.push(text);
        continue;
      }
      case "thinking":
      case "tool_call":
        continue;
      case "own":
        // What another provider's own tools did in a turn that is over.
        losses.lose(place, "hint");
        continue;
    }
    losses.lose(place, "meaning");
  }
  return { text: texts.join("\n"), images };
}

function writeCall(call: ToolCallPart): Fields {
  return { id: call.id, function: { name: call.name, arguments: argumentsOf(call) } };
}

/** Arguments are an object; what the model wrote in place of one is kept within one. */
function argumentsOf({ arguments: text, is_custom }: ToolCallPart): Fields {
  if (is_custom === true) return { input: text };
  if (text.trim() === "") return {};
  const value = parseExact(encoder.encode(text));
  return isFields(value) ? value : { [INVALID_JSON_KEY]: text };
}
