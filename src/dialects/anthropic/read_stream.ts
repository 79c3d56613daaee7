// A message's stream into events.
// Source: https://platform.claude.com/docs/en/build-with-claude/streaming. Compatible servers are read leniently: blocks without a start, deltas
// of another kind than their block, a second `message_start`, an input that is whole at once.

import { parseExact } from "../../wire/exact_json.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { isFields, list, record } from "../fields.ts";
import type { EventSink, PartStart } from "../neutral/answer.ts";
import { AnswerTeller } from "../neutral/answer_teller.ts";
import type { StreamReader } from "../neutral/format.ts";
import type { WireError } from "../openai/error.ts";
import { argumentsOf } from "./arguments.ts";
import { readCitation } from "./citations.ts";
import { readMessagesError } from "./error.ts";
import { readFinish } from "./finish.ts";
import { GrowingBlock } from "./growing_block.ts";
import { JSON_TOOL } from "./json_tool.ts";
import { type Fields, FORMAT, ownOf } from "./own.ts";
import { answeredAsJson, refusalOf } from "./read_answer.ts";
import { TOOL_USE } from "./read_blocks.ts";
import { readGivenTier } from "./service_tier.ts";
import { readAnthropicUsage } from "./usage.ts";

/** The largest event that is read. */
const EVENT_BYTES = 4 << 20;

/** Most blocks that are open at a time; the provider has one. */
const OPEN_BLOCKS = 4096;

const decoder = new TextDecoder();

/** A block while it lasts. */
interface OpenBlock {
  readonly kind: "text" | "thinking" | "tool_call" | "own";
  /** The part's number; -1 for what is told when it is whole. */
  readonly part: number;
  /** What a call started with. */
  readonly input: unknown;
  /** What only this format knows. */
  readonly growing: GrowingBlock | null;
  has_text: boolean;
}

/** Reads a stream of bytes. */
export class MessagesStreamReader implements StreamReader {
  readonly #told: AnswerTeller;
  readonly #framer: SseFramer;
  readonly #blocks = new Map<number, OpenBlock>();
  /** Characters of blocks that are told when they are whole. */
  #grown_length = 0;
  #has_started = false;
  #has_calls = false;
  #has_json = false;
  #is_finished = false;

  constructor(sink: EventSink) {
    this.#told = new AnswerTeller(sink);
    this.#framer = new SseFramer(EVENT_BYTES, { onEvent: (event) => this.#readEvent(event) });
  }

  feed(chunk: Uint8Array): void {
    if (this.#told.is_over) return;
    if (this.#framer.feed(chunk) !== null) this.#told.fail(tooLong());
  }

  close(): void {
    if (this.#told.is_over) return;
    const last = this.#framer.end();
    if (last !== null) this.#readEvent(last);
    this.#told.is_over = true;
  }

  #readEvent({ data }: SseEvent): void {
    if (data === null || this.#told.is_over) return;
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(data));
    } catch {
      return;
    }
    if (isFields(value)) this.#read(value, data);
  }

  #read(event: Fields, data: Uint8Array): void {
    switch (event["type"]) {
      case "content_block_delta":
        this.#readDelta(event["index"], record(event["delta"]));
        break;
      case "content_block_start":
        this.#startBlock(numberOf(event["index"]), record(event["content_block"]), data);
        break;
      case "content_block_stop":
        this.#stopBlock(numberOf(event["index"]));
        break;
      case "message_start":
        this.#readStart(record(event["message"]));
        break;
      case "message_delta":
        this.#readMessageDelta(event);
        break;
      case "message_stop":
        this.#finish(this.#has_calls ? "tool_use" : "end_turn", null, null);
        this.#told.end();
        break;
      default:
        // `ping`, and what is new.
        if (event["type"] === "error" || (event["error"] != null && event["type"] === undefined))
          this.#told.fail(readMessagesError(event, 200) ?? unknownError());
    }
  }

  #readStart(message: Fields): void {
    const usage = readAnthropicUsage(message["usage"]);
    if (!this.#has_started) {
      const { id, model } = message;
      this.#has_started = true;
      this.#told.tell({
        kind: "start",
        id: typeof id === "string" ? id : "",
        model: typeof model === "string" ? model : "",
        created_s: null,
        ...readGivenTier(record(message["usage"])["service_tier"]),
      });
    }
    if (usage !== null) this.#told.tell({ kind: "usage", usage });
  }

  #readMessageDelta(event: Fields): void {
    const { stop_reason, stop_sequence, stop_details } = record(event["delta"]);
    const usage = readAnthropicUsage(event["usage"]);
    if (typeof stop_reason === "string") this.#finish(stop_reason, stop_sequence, stop_details);
    if (usage !== null) this.#told.tell({ kind: "usage", usage });
  }

  #startBlock(index: number, block: Fields, data: Uint8Array): void {
    if (this.#blocks.has(index)) this.#stopBlock(index);
    if (this.#blocks.size >= OPEN_BLOCKS) {
      this.#told.fail(tooLong());
      return;
    }
    switch (block["type"]) {
      case "text":
        this.#open(index, "text", { kind: "text" });
        this.#tell(index, "text", block["text"]);
        for (const citation of list(block["citations"])) this.#cite(index, citation);
        break;
      case "thinking":
        this.#open(index, "thinking", { kind: "thinking" });
        this.#tell(index, "thinking", block["thinking"]);
        this.#sign(index, block["signature"]);
        break;
      case "redacted_thinking": {
        const value = String(block["data"] ?? "");
        this.#open(index, "thinking", { kind: "thinking", encrypted: { format: FORMAT, value } });
        break;
      }
      case "tool_use":
        this.#startCall(index, exactBlock(data));
        break;
      default:
        if (typeof block["type"] !== "string") return;
        this.#begin();
        this.#blocks.set(index, ownBlock(exactBlock(data)));
    }
  }

  #startCall(index: number, block: Record<string, unknown>): void {
    const name = String(block["name"] ?? "");
    if (name === JSON_TOOL) {
      this.#has_json = true;
      this.#open(index, "tool_call", { kind: "text" }, block["input"]);
      return;
    }
    this.#has_calls = true;
    const { id } = block;
    const call = { kind: "tool_call", id: typeof id === "string" ? id : "", name } as const;
    this.#open(index, "tool_call", { ...call, ...ownOf(block, TOOL_USE) }, block["input"]);
  }

  #open(index: number, kind: OpenBlock["kind"], start: PartStart, input?: unknown): OpenBlock {
    this.#begin();
    const block = {
      ...{ kind, part: this.#told.startPart(start), input },
      ...{ growing: null, has_text: false },
    };
    this.#blocks.set(index, block);
    return block;
  }

  /** Whatever comes first, a stream starts with its start. */
  #begin(): void {
    if (!this.#has_started) this.#readStart({});
  }

  #readDelta(told_index: unknown, delta: Fields): void {
    const index = numberOf(told_index);
    const block = this.#blocks.get(index);
    if (block !== undefined && block.growing !== null) {
      // What is held back is bounded as an event is.
      this.#grown_length += block.growing.add(delta);
      if (this.#grown_length > EVENT_BYTES) this.#told.fail(tooLong());
      return;
    }
    switch (delta["type"]) {
      case "text_delta":
        this.#tell(index, "text", delta["text"]);
        break;
      case "thinking_delta":
        this.#tell(index, "thinking", delta["thinking"]);
        break;
      case "input_json_delta":
        if (block?.kind === "tool_call") this.#tell(index, "tool_call", delta["partial_json"]);
        break;
      case "citations_delta":
        this.#cite(index, delta["citation"]);
        break;
      case "signature_delta":
        this.#sign(index, delta["signature"]);
    }
  }

  /** The block that a delta of this kind goes to: what is open at its index, or a new one in its place. */
  #blockFor(index: number, kind: "text" | "thinking"): OpenBlock {
    const block = this.#blocks.get(index);
    if (block?.kind === kind) return block;
    this.#stopBlock(index);
    return this.#open(index, kind, { kind });
  }

  #tell(index: number, kind: "text" | "thinking" | "tool_call", text: unknown): void {
    if (typeof text !== "string" || text === "") return;
    const block = kind === "tool_call" ? this.#blocks.get(index) : this.#blockFor(index, kind);
    if (block === undefined) return;
    block.has_text = true;
    this.#told.tellText(block.part, text);
  }

  #cite(index: number, citation: unknown): void {
    const kind = this.#blocks.get(index)?.kind ?? "text";
    if (!isFields(citation) || kind !== "text") return;
    const { part } = this.#blockFor(index, "text");
    this.#told.tell({ kind: "citation", choice: 0, part, citation: readCitation(citation) });
  }

  #sign(index: number, value: unknown): void {
    const kind = this.#blocks.get(index)?.kind ?? "thinking";
    if (typeof value !== "string" || value === "" || kind !== "thinking") return;
    const { part } = this.#blockFor(index, "thinking");
    this.#told.tell({ kind: "signature", choice: 0, part, signature: { format: FORMAT, value } });
  }

  #stopBlock(index: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined || this.#told.is_over) return;
    this.#blocks.delete(index);
    const { kind, part, growing } = block;
    if (growing !== null) {
      this.#told.tellWhole({ kind: "whole", whole: growing.whole() });
      return;
    }
    // The input was whole at the start, or there is none.
    if (kind === "tool_call" && !block.has_text) {
      this.#told.tellText(part, argumentsOf(block.input));
    }
    this.#told.stopPart(part);
  }

  #finish(stop_reason: string, stop_sequence: unknown, stop_details: unknown): void {
    if (this.#is_finished) return;
    this.#begin();
    this.#is_finished = true;
    for (const index of [...this.#blocks.keys()]) this.#stopBlock(index);
    const refusal = refusalOf(stop_details);
    if (refusal !== null) this.#told.tellWhole({ kind: "refusal" }, refusal);
    const finish = readFinish(stop_reason, stop_sequence);
    const told = this.#has_json && !this.#has_calls ? answeredAsJson(finish) : finish;
    if (told !== null) this.#told.tell({ kind: "finish", choice: 0, finish: told });
  }
}

function tooLong(): WireError {
  return {
    message: `an event of more than ${EVENT_BYTES} bytes`,
    ...{ type: "api_error", param: null, code: "event_too_long" },
  };
}

function unknownError(): WireError {
  return { message: "an error that says nothing", type: "api_error", param: null, code: null };
}

function ownBlock(start: Fields): OpenBlock {
  return { kind: "own", part: -1, input: undefined, growing: new GrowingBlock(start), has_text: false };
}

/** A block whose numbers have to stay as they are. */
function exactBlock(data: Uint8Array): Fields {
  return record(record(parseExact(data))["content_block"]);
}

function numberOf(index: unknown): number {
  return typeof index === "number" ? index : 0;
}
