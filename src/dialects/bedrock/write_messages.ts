// A conversation as Converse takes it: the system prompt apart, turns of user and assistant in turn, marks of the prompt cache as blocks.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html.

import { createHash } from "node:crypto";
import { inputOf } from "../anthropic/arguments.ts";
import { CallIds } from "../anthropic/call_ids.ts";
import type { Losses } from "../neutral/losses.ts";
import type { CacheMark, Message, Part, ThinkingPart, ToolResultPart } from "../neutral/parts.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { Documents, mediaBlock } from "./media.ts";
import type { BedrockModel } from "./models.ts";
import { type Fields, FORMAT } from "./own.ts";

/** A conversation, written. */
export interface Conversation {
  readonly system: readonly Fields[];
  readonly messages: readonly Turn[];
  /** The tools that were called in it. */
  readonly called: ReadonlySet<string>;
  /** Whether a call that waits for the model lacks the thinking before it, as one does that another model made. */
  readonly lacks_thinking: boolean;
}

interface Turn {
  readonly role: "user" | "assistant";
  readonly content: Fields[];
}

/** Longer ids of calls are refused. */
const ID_LENGTH_MAX = 64;
/** What stands where a text has to be and none is. */
const FILLER: Fields = { text: "." };

/** Writes a request's messages. */
export function writeConversation(request: ChatRequest, model: BedrockModel, losses: Losses): Conversation {
  return new ConversationWriter(model, losses).write(request.messages);
}

/** A mark of the prompt cache as a block to spread. */
export function cachePoint(cache: CacheMark | undefined, { caches }: BedrockModel, losses: Losses): Fields[] {
  if (cache === undefined) return [];
  if (!caches) {
    losses.lose("cache_control", "hint");
    return [];
  }
  return [{ cachePoint: { type: "default", ...(cache.ttl === null ? {} : { ttl: cache.ttl }) } }];
}

class ConversationWriter {
  readonly #model: BedrockModel;
  readonly #losses: Losses;
  readonly #ids = new CallIds();
  readonly #documents = new Documents();
  readonly #called = new Set<string>();
  readonly #system: Fields[] = [];
  readonly #turns: Turn[] = [];

  constructor(model: BedrockModel, losses: Losses) {
    this.#model = model;
    this.#losses = losses;
  }

  write(messages: readonly Message[]): Conversation {
    for (const message of messages) {
      if (message.name !== undefined) this.#losses.lose("messages.name", "hint");
      if (message.role === "system" || message.role === "developer") this.#writeSystem(message);
      else this.#add(message.role === "assistant" ? "assistant" : "user", this.#blocks(message.parts));
    }
    for (const turn of this.#turns) if (turn.role === "user") arrange(turn.content);
    trimLast(this.#turns);
    return { ...this.#opened(), called: this.#called, lacks_thinking: lacksThinking(this.#turns) };
  }

  /** The first turn has to be the user's; who asks with a system prompt alone asks that. */
  #opened(): Pick<Conversation, "system" | "messages"> {
    const turns = this.#turns;
    if (turns.length === 0 && this.#system.length > 0) {
      return { system: [], messages: [{ role: "user", content: this.#system }] };
    }
    if (turns[0]?.role === "assistant") turns.unshift({ role: "user", content: [FILLER] });
    return { system: this.#system, messages: turns };
  }

  #writeSystem({ parts }: Message): void {
    for (const block of this.#blocks(parts)) {
      if ("text" in block || "cachePoint" in block || "guardContent" in block) this.#system.push(block);
      else this.#losses.lose(`messages.system.${Object.keys(block)[0]}`, "meaning");
    }
  }

  #add(role: Turn["role"], content: readonly Fields[]): void {
    if (content.length === 0) return;
    const last = this.#turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else this.#turns.push({ role, content: [...content] });
  }

  #blocks(parts: readonly Part[]): Fields[] {
    return parts.flatMap((part) => {
      const block = this.#block(part);
      if (block === null) return [];
      const cache = part.kind === "own" ? undefined : part.cache;
      return [block, ...cachePoint(cache, this.#model, this.#losses)];
    });
  }

  #block(part: Part): Fields | null {
    switch (part.kind) {
      case "text":
      case "refusal":
        // Blank texts are refused.
        return part.text.trim() === "" ? null : { text: part.text };
      case "image":
        if ((part.detail ?? "auto") !== "auto") this.#losses.lose("messages.content.detail", "hint");
        return this.#orLost(mediaBlock(part), "messages.content.image");
      case "audio":
      case "video":
        return this.#orLost(mediaBlock(part), `messages.content.${part.kind}`);
      case "file":
        return this.#orLost(this.#documents.block(part), "messages.content.file");
      case "thinking": {
        const block = thinkingBlock(part);
        if (block === null) this.#losses.lose("messages.reasoning", "hint");
        return block;
      }
      case "tool_call": {
        this.#called.add(part.name);
        const input = inputOf(part.arguments, part.is_custom);
        return { toolUse: { toolUseId: shortened(this.#ids.call(part.id)), name: part.name, input } };
      }
      case "tool_result":
        return this.#result(part);
      case "own":
        if (part.format === FORMAT) return part.value;
        this.#losses.lose(`messages.content.${String(part.value["type"])}`, "hint");
        return null;
    }
  }

  #orLost(block: Fields | null, param: string): Fields | null {
    if (block === null) this.#losses.lose(param, "meaning");
    return block;
  }

  #result({ call_id, content, is_error }: ToolResultPart): Fields {
    const blocks = this.#blocks(content).filter((block) => !("cachePoint" in block));
    const toolUseId = shortened(this.#ids.result(call_id));
    return { toolResult: { toolUseId, content: blocks, ...(is_error ? { status: "error" } : {}) } };
  }
}

/** Signatures are Claude's, and good wherever Claude is served; what else somebody thought is not taken back. */
function thinkingBlock({ text, signature, encrypted }: ThinkingPart): Fields | null {
  if (encrypted?.format === FORMAT) return { reasoningContent: { redactedContent: encrypted.value } };
  if (signature?.format !== "messages") return null;
  return { reasoningContent: { reasoningText: { text, signature: signature.value } } };
}

/** The same id for the same id, as short as it has to be. */
function shortened(id: string): string {
  if (id.length <= ID_LENGTH_MAX) return id;
  return `call_${createHash("sha256").update(id).digest("hex").slice(0, 40)}`;
}

/** Results of tools come first in their turn, and a document does not come without a text. */
function arrange(content: Fields[]): void {
  const isResult = (block: Fields) => "toolResult" in block;
  const has_results = content.some(isResult);
  // A mark stands behind what it is of.
  if (has_results && !isResult(content[0]!)) {
    const first = content.findIndex(isResult);
    let end = first;
    while (end < content.length && (isResult(content[end]!) || "cachePoint" in content[end]!)) end++;
    content.unshift(...content.splice(first, end - first));
  }
  if (content.some((block) => "document" in block) && !content.some((block) => "text" in block))
    content.push(FILLER);
}

/** The beginning of an answer may not end with white space. */
function trimLast(turns: readonly Turn[]): void {
  const last = turns.at(-1);
  const text = last?.content.at(-1)?.["text"];
  if (last?.role === "assistant" && typeof text === "string")
    last.content[last.content.length - 1] = { text: text.trimEnd() };
}

/** The last answer of the model, if it waits for the results of its calls, has to begin with what it thought. */
function lacksThinking(turns: readonly Turn[]): boolean {
  const last = turns.findLast(({ role }) => role === "assistant");
  if (last === undefined || !last.content.some((block) => "toolUse" in block)) return false;
  return !("reasoningContent" in last.content[0]!);
}
