// A conversation as the provider takes it: the system prompt apart, turns of user and assistant in turn, results of tools first in theirs.
// Source: https://platform.claude.com/docs/en/api/messages, "messages"; https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls.

import type { Losses } from "../neutral/losses.ts";
import type { Message, Part, ToolResultPart } from "../neutral/parts.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { CallIds } from "./call_ids.ts";
import { writeOwnCitations } from "./citations.ts";
import type { Claude } from "./claude.ts";
import { type Fields, FORMAT, keptOf, listed, writeCache } from "./own.ts";
import { callBlock, documentBlock, imageBlock, ownThinkingBlock, textBlock } from "./write_blocks.ts";

/** A turn, before its blocks are written as a text where they are no more than one. */
interface Turn {
  readonly role: "user" | "assistant" | "system";
  readonly blocks: Fields[];
  readonly kept: Fields;
}

/** A conversation, written. */
export interface Conversation {
  /** Empty: there is none. */
  readonly system: readonly Fields[];
  readonly messages: readonly Fields[];
  /** Whether a call that waits for the model lacks the thinking before it, as one does that another model made. */
  readonly lacks_thinking: boolean;
}

/** Writes a request's messages. */
export function writeConversation(request: ChatRequest, claude: Claude, losses: Losses): Conversation {
  const is_own = request.own?.format === FORMAT;
  const { system, turns } = new ConversationWriter(claude, is_own, losses).write(request.messages);
  trimLast(turns);
  // Who asks with a system prompt alone asks that.
  if (turns.length === 0 && !is_own && system.length > 0) {
    return { system: [], messages: [{ role: "user", content: contentOf(system) }], lacks_thinking: false };
  }
  if (!is_own && turns[0]?.role === "assistant") turns.unshift({ role: "user", blocks: [OPENING], kept: {} });
  const messages = turns.map(({ role, blocks, kept }) => ({ role, content: contentOf(blocks), ...kept }));
  return { system, messages, lacks_thinking: lacksThinking(turns) };
}

/** The first turn has to be the user's. */
const OPENING: Fields = { type: "text", text: "." };

class ConversationWriter {
  readonly #claude: Claude;
  readonly #is_own: boolean;
  readonly #losses: Losses;
  readonly #ids = new CallIds();
  readonly #system: Fields[] = [];
  readonly #turns: Turn[] = [];

  constructor(claude: Claude, is_own: boolean, losses: Losses) {
    this.#claude = claude;
    this.#is_own = is_own;
    this.#losses = losses;
  }

  write(messages: readonly Message[]): { system: readonly Fields[]; turns: Turn[] } {
    for (const message of messages) {
      if (message.name !== undefined) this.#losses.lose("messages.name", "hint");
      if (message.role === "system" || message.role === "developer") this.#writeSystem(message);
      else this.#add(message.role === "assistant" ? "assistant" : "user", this.#blocks(message), message);
    }
    for (const { role, blocks } of this.#turns) if (role === "user") resultsFirst(blocks);
    return { system: this.#system, turns: this.#turns };
  }

  /** In its place where the model takes it there, which is behind a user's turn; else with the system prompt. */
  #writeSystem(message: Message): void {
    const blocks = this.#blocks(message).filter((block) => {
      if (block["type"] === "text") return true;
      this.#losses.lose(`messages.system.${String(block["type"])}`, "meaning");
      return false;
    });
    const last = this.#turns.at(-1);
    const fits = this.#is_own || (this.#claude.late_system && last?.role === "user");
    if (last === undefined || !fits) this.#system.push(...blocks);
    else this.#add("system", blocks, message);
  }

  #add(role: Turn["role"], blocks: readonly Fields[], message: Message): void {
    if (blocks.length === 0) return;
    const last = this.#turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocks);
    else this.#turns.push({ role, blocks: [...blocks], kept: keptOf(message.own) });
  }

  #blocks({ role, parts }: Message): Fields[] {
    return parts.flatMap((part) => listed(this.#block(part, role === "assistant")));
  }

  #block(part: Part, is_assistant: boolean): Fields | null {
    switch (part.kind) {
      case "text":
      case "refusal": {
        // The provider refuses texts without a letter in some places; what it wrote itself it takes back.
        if (part.text === "" || (!this.#is_own && part.text.trim() === "")) return null;
        const citations = part.kind === "text" ? writeOwnCitations(part.citations ?? []) : [];
        return { ...textBlock(part), ...(citations.length === 0 ? {} : { citations }) };
      }
      case "image":
        if ((part.detail ?? "auto") !== "auto") this.#losses.lose("messages.content.detail", "hint");
        return this.#orLost(imageBlock(part), "messages.content.image");
      case "file":
        return this.#orLost(documentBlock(part), "messages.content.file");
      case "audio":
      case "video":
        return this.#orLost(null, `messages.content.${part.kind}`);
      case "thinking": {
        const block = ownThinkingBlock(part, this.#claude.is_known);
        if (block === null) this.#losses.lose("messages.reasoning", "hint");
        return block;
      }
      case "tool_call":
        return callBlock(part, this.#ids.call(part.id));
      case "tool_result":
        return this.#result(part);
      case "own":
        if (part.format === FORMAT) return part.value;
        this.#losses.lose(
          `messages.content.${String(part.value["type"])}`,
          is_assistant ? "hint" : "meaning",
        );
        return null;
    }
  }

  #orLost(block: Fields | null, param: string): Fields | null {
    if (block === null) this.#losses.lose(param, "meaning");
    return block;
  }

  #result(part: ToolResultPart): Fields {
    const blocks = part.content.flatMap((inner) => listed(this.#block(inner, false)));
    return {
      type: "tool_result",
      tool_use_id: this.#ids.result(part.call_id),
      ...(blocks.length === 0 ? {} : { content: contentOf(blocks) }),
      ...(part.is_error ? { is_error: true } : {}),
      ...writeCache(part.cache),
      ...keptOf(part.own),
    };
  }
}

function resultsFirst(blocks: Fields[]): void {
  const isResult = (block: Fields) => block["type"] === "tool_result";
  const others = blocks.filter((block) => !isResult(block));
  blocks.splice(0, blocks.length, ...blocks.filter(isResult), ...others);
}

/** A text alone is written as such. */
function contentOf(blocks: readonly Fields[]): string | readonly Fields[] {
  const [only] = blocks;
  const is_text = blocks.length === 1 && only?.["type"] === "text" && Object.keys(only).length === 2;
  return is_text ? String(only["text"]) : blocks;
}

/** The beginning of an answer may not end with white space. */
function trimLast(turns: Turn[]): void {
  const last = turns.at(-1);
  const block = last?.blocks.at(-1);
  if (last?.role !== "assistant" || block?.["type"] !== "text") return;
  last.blocks[last.blocks.length - 1] = { ...block, text: String(block["text"]).trimEnd() };
}

/** The last answer of the model, if it waits for the results of its calls, has to begin with what it thought. */
function lacksThinking(turns: readonly Turn[]): boolean {
  const last = turns.findLast(({ role }) => role === "assistant");
  if (last === undefined || !last.blocks.some((block) => block["type"] === "tool_use")) return false;
  const first = last.blocks[0]?.["type"];
  return first !== "thinking" && first !== "redacted_thinking";
}
