// The messages of a request as Cohere's chat takes them. Source: https://docs.cohere.com/reference/chat, `messages`, `documents`.

import type { Losses } from "../neutral/losses.ts";
import type { FilePart, Message, Part, ToolCallPart, ToolResultPart } from "../neutral/parts.ts";
import { errorText, textOfFile } from "../neutral/plain_text.ts";
import { urlOfSource } from "../neutral/source.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a conversation is written as: documents that are to be cited lie beside its messages. */
export interface Conversation {
  readonly messages: readonly Fields[];
  readonly documents: readonly Fields[];
}

/** @param thinks whether the model thinks, or tells plans before its calls */
export function writeMessages(messages: readonly Message[], thinks: boolean, losses: Losses): Conversation {
  const writer = new MessagesWriter(thinks, losses);
  for (const [index, message] of messages.entries()) writer.add(message, `messages[${index}]`);
  return writer.written();
}

class MessagesWriter {
  readonly #thinks: boolean;
  readonly #losses: Losses;
  readonly #messages: Fields[] = [];
  readonly #documents: Fields[] = [];
  /** What results hold beside text, told by the user behind the last of them. */
  #shown: Fields[] = [];

  constructor(thinks: boolean, losses: Losses) {
    this.#thinks = thinks;
    this.#losses = losses;
  }

  add(message: Message, path: string): void {
    const { role, name, parts } = message;
    if (name !== undefined && role !== "tool") this.#losses.lose(`${path}.name`, "hint");
    const others = parts.filter((part) => part.kind !== "tool_result");
    for (const part of parts) if (part.kind === "tool_result") this.#addResult(part, path);
    if (role === "tool" || (others.length === 0 && others.length < parts.length)) return;
    this.#show();
    if (role === "assistant") this.#messages.push(this.#assistant(others, path));
    else {
      const documents = this.#documents.length;
      const content = this.#content(others, path, role === "user");
      // All that it said is among the documents.
      if (content.length === 0 && this.#documents.length > documents) return;
      this.#messages.push({
        role: role === "user" ? "user" : "system",
        content: textAlone(content) ?? content,
      });
    }
  }

  written(): Conversation {
    this.#show();
    return { messages: this.#messages, documents: this.#documents };
  }

  /** @param takes_images only users show any */
  #content(parts: readonly Part[], path: string, takes_images: boolean): readonly Fields[] {
    return parts.flatMap((part, index) => {
      const written = this.#part(part, `${path}.content[${index}]`, takes_images);
      return written === null ? [] : [written];
    });
  }

  #assistant(parts: readonly Part[], path: string): Fields {
    const calls = parts.filter((part) => part.kind === "tool_call");
    const plans = calls.length > 0 && !this.#thinks;
    const content = this.#content(
      parts.filter(({ kind }) => kind !== "tool_call" && kind !== "thinking"),
      path,
      false,
    );
    const thoughts = parts.flatMap((part) =>
      part.kind === "thinking" && part.text !== "" ? [part.text] : [],
    );
    const thinking = this.#thinks ? thoughts.map((text) => ({ type: "thinking", thinking: text })) : [];
    if (thoughts.length > 0 && !this.#thinks && !plans)
      this.#losses.lose(`${path}.reasoning_content`, "hint");
    const said = [...thinking, ...content];
    return {
      role: "assistant",
      ...(plans && thoughts.length > 0 ? { tool_plan: thoughts.join("\n") } : {}),
      ...(said.length === 0 && calls.length > 0 ? {} : { content: textAlone(said) ?? said }),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map(writeCall) }),
    };
  }

  #addResult(result: ToolResultPart, path: string): void {
    const texts: string[] = [];
    const media: Fields[] = [];
    for (const [index, part] of result.content.entries()) {
      const written = this.#part(part, `${path}.content[${index}]`, true);
      if (written?.["type"] === "text") texts.push(String(written["text"]));
      else if (written !== null) media.push(written);
    }
    if (result.cache !== undefined) this.#losses.lose("cache_control", "hint");
    const text = texts.join("\n");
    this.#messages.push({
      ...{ role: "tool", tool_call_id: result.call_id },
      content: result.is_error ? errorText(text) : text,
    });
    if (media.length > 0)
      this.#shown.push({ type: "text", text: `From the tool call ${result.call_id}:` }, ...media);
  }

  /** Nothing may stand between results. */
  #show(): void {
    if (this.#shown.length > 0) this.#messages.push({ role: "user", content: this.#shown });
    this.#shown = [];
  }

  #part(part: Part, path: string, takes_images: boolean): Fields | null {
    if (part.kind !== "own" && part.cache !== undefined) this.#losses.lose("cache_control", "hint");
    switch (part.kind) {
      case "text":
      case "refusal":
        return part.text === "" ? null : { type: "text", text: part.text };
      case "image": {
        const url = urlOfSource(part.source);
        if (url === null || !takes_images) break;
        const detail = part.detail === undefined ? {} : { detail: part.detail };
        return { type: "image_url", image_url: { url, ...detail } };
      }
      case "file": {
        const text = textOfFile(part);
        if (text === null) break;
        if (part.citations !== true) return { type: "text", text };
        this.#documents.push(this.#document(part));
        return null;
      }
      case "own":
        // What another provider's own tools did in a turn that is over.
        this.#losses.lose(path, "hint");
        return null;
    }
    this.#losses.lose(path, "meaning");
    return null;
  }

  #document({ source, name, context }: FilePart): Fields {
    const text = textOfFile({ kind: "file", source }) ?? "";
    const title = name === undefined ? {} : { title: name };
    const about = context === undefined ? {} : { context };
    return { id: `doc:${this.#documents.length}`, data: { ...title, ...about, text } };
  }
}

/** The text of a content that is one text and nothing else; null for others. */
function textAlone(content: readonly Fields[]): string | null {
  if (content.length === 0) return "";
  const [only] = content;
  return content.length === 1 && only!["type"] === "text" ? String(only!["text"]) : null;
}

function writeCall({ id, name, arguments: given, is_custom }: ToolCallPart): Fields {
  const text = is_custom === true ? JSON.stringify({ input: given }) : given.trim() === "" ? "{}" : given;
  return { id, type: "function", function: { name, arguments: text } };
}
