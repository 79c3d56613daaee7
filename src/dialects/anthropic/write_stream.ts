// Events into a message's stream: one block at a time, numbered from 0, between one `message_start` and one `message_delta`.
// Source: https://platform.claude.com/docs/en/build-with-claude/streaming; what the SDK's `MessageStream` adds up.

import type { Finish, StreamEvent } from "../neutral/answer.ts";
import type { AnswerContext, StreamWriter } from "../neutral/format.ts";
import type { Citation, Signature } from "../neutral/parts.ts";
import { laterUsage, NO_USAGE, type Usage } from "../usage.ts";
import { CallIds } from "./call_ids.ts";
import { carry } from "./carried.ts";
import { writeCitation } from "./citations.ts";
import { messagesErrorEvent } from "./error.ts";
import { type Fields, keptOf } from "./own.ts";
import { writeGivenTier } from "./service_tier.ts";
import { answerBlocks, ending, messageHead } from "./write_answer.ts";
import { opaqueSignature, thinkingBlock } from "./write_blocks.ts";
import { writeDeltaUsage, writeUsage } from "./write_usage.ts";

/** Most characters of parts that wait for the one before them. */
const WAITING_LENGTH = 4 << 20;
/** Most parts that are under way at a time. */
const WAITING_PARTS = 4096;

type Start = Extract<StreamEvent, { kind: "start" }>;
type PartStart = Extract<StreamEvent, { kind: "part_start" }>["start"];

/** A part from its start to its stop. */
interface GrowingPart {
  readonly number: number;
  readonly start: PartStart;
  /** Its block has begun. */
  is_open: boolean;
  is_stopped: boolean;
  signature: Signature | null;
  /** What came while another part's block was open. */
  readonly waiting: (string | Citation)[];
}

/** Writes a stream; of several answers only the first. */
export class MessagesStreamWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #ids: CallIds;
  #start: Start = { kind: "start", id: "", model: "", created_s: null };
  #usage: Usage | null = null;
  #finish: Finish | null = null;
  /** Parts that are not written yet, in the order of their starts; the first is the one that is being written. */
  readonly #parts: GrowingPart[] = [];
  readonly #refusal: string[] = [];
  #waiting_length = 0;
  #blocks = 0;
  #has_calls = false;
  #has_begun = false;
  #is_over = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#ids = new CallIds(`toolu_${context.call_id}`);
  }

  write(event: StreamEvent): string {
    if (this.#is_over || ("choice" in event && event.choice !== 0)) return "";
    switch (event.kind) {
      case "start":
        // Usage that is known from the first stands in the message's start, so that waits for what comes next.
        if (!this.#has_begun) this.#start = event;
        return "";
      case "usage":
        this.#usage = laterUsage(this.#usage, event.usage);
        return "";
      case "part_start":
        return this.#begin() + this.#startPart(event.part, event.start);
      case "delta":
        return this.#add(event.part, event.text);
      case "citation":
        return this.#add(event.part, event.citation);
      case "signature": {
        const part = this.#part(event.part);
        if (part !== undefined) part.signature = event.signature;
        return "";
      }
      case "part_stop":
        return this.#stopPart(event.part);
      case "logprobs":
        return "";
      case "finish":
        this.#finish ??= event.finish;
        return this.#begin() + this.#stopAll();
      case "end":
        return this.#end();
      case "error":
        this.#is_over = true;
        return messagesErrorEvent(event.error);
    }
  }

  #begin(): string {
    if (this.#has_begun) return "";
    this.#has_begun = true;
    const { service_tier } = this.#start;
    const tier = service_tier === undefined ? undefined : writeGivenTier(service_tier);
    const message = {
      ...messageHead(this.#start, this.#context),
      ...{ content: [], stop_reason: null, stop_sequence: null },
      usage: writeUsage(this.#usage ?? NO_USAGE, tier),
    };
    return written({ type: "message_start", message });
  }

  #startPart(number: number, start: PartStart): string {
    this.#parts.push({
      ...{ number, start, is_open: false, is_stopped: false, signature: null, waiting: [] },
    });
    if (start.kind === "tool_call") this.#has_calls = true;
    if (this.#parts.length > WAITING_PARTS) return this.#overflow();
    return this.#parts.length === 1 ? this.#proceed() : "";
  }

  #part(number: number): GrowingPart | undefined {
    const [first] = this.#parts;
    return first?.number === number ? first : this.#parts.find((part) => part.number === number);
  }

  #add(number: number, piece: string | Citation): string {
    const part = this.#part(number);
    if (part === undefined || part.is_stopped || piece === "") return "";
    if (part === this.#parts[0]) return this.#writePiece(part, piece);
    this.#waiting_length += lengthOf(piece);
    if (this.#waiting_length > WAITING_LENGTH) return this.#overflow();
    part.waiting.push(piece);
    return "";
  }

  #overflow(): string {
    const message = "More of the answer came side by side than can wait for its turn.";
    return this.write({
      kind: "error",
      error: { message, type: "api_error", param: null, code: "upstream_stream_interrupted" },
    });
  }

  #stopPart(number: number): string {
    const part = this.#part(number);
    if (part === undefined) return "";
    part.is_stopped = true;
    return part === this.#parts[0] ? this.#proceed() : "";
  }

  #stopAll(): string {
    for (const part of this.#parts) part.is_stopped = true;
    return this.#proceed();
  }

  /** Writes the first part as far as it has come, and the next if that is all of it. */
  #proceed(): string {
    let text = "";
    for (let [part] = this.#parts; part !== undefined; [part] = this.#parts) {
      if (part.start.kind === "tool_call") text += this.#openCall(part);
      for (const piece of part.waiting.splice(0)) {
        this.#waiting_length -= lengthOf(piece);
        text += this.#writePiece(part, piece);
      }
      if (!part.is_stopped) return text;
      text += this.#close(part);
      this.#parts.shift();
    }
    return text;
  }

  #openCall(part: GrowingPart): string {
    const { start } = part;
    if (start.kind !== "tool_call" || part.is_open) return "";
    const id = this.#ids.call(start.id);
    const carried = start.signature === undefined ? "" : this.#whole(carriedBlock("next", start.signature));
    return (
      carried + this.#open(part, { type: "tool_use", id, name: start.name, input: {}, ...keptOf(start.own) })
    );
  }

  #open(part: GrowingPart, content_block: Fields): string {
    part.is_open = true;
    return written({ type: "content_block_start", index: this.#blocks, content_block });
  }

  #writePiece(part: GrowingPart, piece: string | Citation): string {
    switch (part.start.kind) {
      case "text": {
        const delta =
          typeof piece === "string"
            ? { type: "text_delta", text: piece }
            : { type: "citations_delta", citation: writeCitation(piece) };
        if (delta.citation === null) return "";
        return this.#opened(part, EMPTY_TEXT) + this.#delta(delta);
      }
      case "thinking":
        if (typeof piece !== "string") return "";
        return this.#opened(part, EMPTY_THINKING) + this.#delta({ type: "thinking_delta", thinking: piece });
      case "tool_call":
        if (typeof piece !== "string") return "";
        return this.#delta({ type: "input_json_delta", partial_json: piece });
      case "refusal":
        // Its words stand beside the reason at the end.
        if (typeof piece === "string") this.#refusal.push(piece);
        return "";
      case "whole":
        return "";
    }
  }

  #opened(part: GrowingPart, content_block: Fields): string {
    return part.is_open ? "" : this.#open(part, content_block);
  }

  #delta(delta: Fields): string {
    return written({ type: "content_block_delta", index: this.#blocks, delta });
  }

  #close(part: GrowingPart): string {
    const { start, signature } = part;
    const signed = signature === null ? {} : { signature };
    switch (start.kind) {
      case "whole":
        return answerBlocks(start.whole, String)
          .map((block) => this.#whole(block))
          .join("");
      case "thinking": {
        const { encrypted } = start;
        if (!part.is_open && encrypted !== undefined && signature === null)
          return this.#whole(thinkingBlock({ ...start, text: "" }));
        const opaque = opaqueSignature({ ...start, ...signed });
        if (!part.is_open && opaque === "") return "";
        const sign = opaque === "" ? "" : this.#delta({ type: "signature_delta", signature: opaque });
        return this.#opened(part, EMPTY_THINKING) + sign + this.#stop();
      }
      default: {
        const stop = part.is_open ? this.#stop() : "";
        return stop + (signature === null ? "" : this.#whole(carriedBlock("previous", signature)));
      }
    }
  }

  #whole(content_block: Fields): string {
    return written({ type: "content_block_start", index: this.#blocks, content_block }) + this.#stop();
  }

  #stop(): string {
    const stop = written({ type: "content_block_stop", index: this.#blocks });
    this.#blocks += 1;
    return stop;
  }

  #end(): string {
    const before = this.#begin() + this.#stopAll();
    this.#is_over = true;
    const refusal = this.#refusal.length === 0 ? undefined : this.#refusal.join("");
    const delta = ending(this.#finish ?? { reason: "stop" }, this.#has_calls, refusal);
    const usage = writeDeltaUsage(this.#usage ?? NO_USAGE);
    return before + written({ type: "message_delta", delta, usage }) + written({ type: "message_stop" });
  }
}

function lengthOf(piece: string | Citation): number {
  return typeof piece === "string" ? piece.length : JSON.stringify(piece).length;
}

const EMPTY_TEXT: Fields = { type: "text", text: "" };
const EMPTY_THINKING: Fields = { type: "thinking", thinking: "", signature: "" };

function carriedBlock(kind: "next" | "previous", signature: Signature): Fields {
  return { type: "redacted_thinking", data: carry(kind, signature) };
}

function written(event: Fields & { readonly type: string }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
