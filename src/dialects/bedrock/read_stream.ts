// A stream of ConverseStream into events.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. Texts and thoughts come without a start of their
// block; citations may come in a block without a text; usage comes last, behind the stop.

import { JSON_TOOL } from "../anthropic/json_tool.ts";
import { isFields, list, record } from "../fields.ts";
import type { EventSink, PartStart } from "../neutral/answer.ts";
import { AnswerTeller } from "../neutral/answer_teller.ts";
import type { StreamReader } from "../neutral/format.ts";
import type { OwnPart, Part } from "../neutral/parts.ts";
import type { WireError } from "../openai/error.ts";
import { readCitation } from "./citations.ts";
import { brokenStream } from "./error.ts";
import { readFinish } from "./finish.ts";
import { type Fields, FORMAT, ownPart } from "./own.ts";
import { imageOf } from "./read_answer.ts";
import { BedrockEvents, type EventHearer } from "./stream_events.ts";
import { readBedrockUsage } from "./usage.ts";

/** Most blocks that are open at a time; the provider has one. */
const OPEN_BLOCKS = 4096;
/** Most characters of blocks that are told when they are whole. */
const GROWN_LENGTH_MAX = 16 << 20;

/** A block while it lasts. */
interface OpenBlock {
  readonly kind: "text" | "thinking" | "tool_call" | "whole";
  /** The part's number; -1 for what is told when it is whole. */
  readonly part: number;
  /** How a block that is told whole began, and what came of it since. */
  readonly start: Fields;
  readonly deltas: unknown[];
  has_text: boolean;
}

/** Reads a stream of bytes. */
export class BedrockStreamReader implements StreamReader, EventHearer {
  readonly #told: AnswerTeller;
  readonly #events = new BedrockEvents(this);
  readonly #blocks = new Map<number, OpenBlock>();
  #grown_length = 0;
  #has_started = false;
  #has_calls = false;
  #has_json = false;
  #is_finished = false;

  constructor(sink: EventSink) {
    this.#told = new AnswerTeller(sink);
  }

  feed(chunk: Uint8Array): void {
    if (!this.#told.is_over) this.#events.feed(chunk);
  }

  close(): void {
    // Usage may be missing behind the stop; an answer without a stop is cut.
    if (this.#is_finished) this.#told.end();
    this.#told.is_over = true;
  }

  onError(error: WireError): void {
    this.#told.fail(error);
  }

  onEvent(name: string, event: Fields): void {
    if (this.#told.is_over) return;
    const index = typeof event["contentBlockIndex"] === "number" ? event["contentBlockIndex"] : 0;
    switch (name) {
      case "contentBlockDelta":
        this.#readDelta(index, record(event["delta"]));
        break;
      case "contentBlockStart":
        this.#startBlock(index, record(event["start"]));
        break;
      case "contentBlockStop":
        this.#stopBlock(index);
        break;
      case "messageStart":
        this.#begin();
        break;
      case "messageStop":
        this.#finish(event["stopReason"]);
        break;
      case "metadata":
        this.#readMetadata(event);
    }
  }

  #begin(): void {
    if (this.#has_started) return;
    this.#has_started = true;
    this.#told.tell({ kind: "start", id: "", model: "", created_s: null });
  }

  #startBlock(index: number, start: Fields): void {
    this.#stopBlock(index);
    const { toolUse } = start;
    if (!isFields(toolUse) || toolUse["type"] === "server_tool_use") {
      this.#open(index, "whole", null, start);
      return;
    }
    const { toolUseId, name } = toolUse;
    if (name === JSON_TOOL) {
      this.#has_json = true;
      this.#open(index, "tool_call", { kind: "text" });
      return;
    }
    this.#has_calls = true;
    const id = typeof toolUseId === "string" ? toolUseId : "";
    this.#open(index, "tool_call", { kind: "tool_call", id, name: String(name ?? "") });
  }

  /** @param start null: the block is told when it is whole */
  #open(index: number, kind: OpenBlock["kind"], start: PartStart | null, begun: Fields = {}): OpenBlock {
    this.#begin();
    if (this.#blocks.size >= OPEN_BLOCKS) this.onError(brokenStream("too many blocks are open"));
    const part = start === null ? -1 : this.#told.startPart(start);
    const block: OpenBlock = { kind, part, start: begun, deltas: [], has_text: false };
    if (!this.#told.is_over) this.#blocks.set(index, block);
    return block;
  }

  #readDelta(index: number, delta: Fields): void {
    const block = this.#blocks.get(index);
    if (block?.kind === "whole") {
      this.#grow(block, delta);
      return;
    }
    const { text, toolUse, reasoningContent, citation } = delta;
    if (typeof text === "string") this.#tell(this.#blockFor(index, "text"), text);
    else if (isFields(toolUse)) this.#tell(block?.kind === "tool_call" ? block : null, toolUse["input"]);
    else if (isFields(reasoningContent)) this.#readThought(index, reasoningContent);
    else if (isFields(citation)) {
      const { part } = this.#blockFor(index, "text");
      this.#told.tell({ kind: "citation", choice: 0, part, citation: readCitation(citation) });
    }
  }

  #readThought(index: number, { text, signature, redactedContent }: Fields): void {
    if (typeof redactedContent === "string") {
      this.#stopBlock(index);
      const encrypted = { format: FORMAT, value: redactedContent } as const;
      this.#open(index, "thinking", { kind: "thinking", encrypted });
      return;
    }
    const block = this.#blockFor(index, "thinking");
    this.#tell(block, text);
    if (typeof signature !== "string" || signature === "") return;
    const { part } = block;
    // Signatures are Claude's, and good wherever Claude is served.
    this.#told.tell({
      kind: "signature",
      choice: 0,
      part,
      signature: { format: "messages", value: signature },
    });
  }

  /** The block that a delta of this kind goes to: what is open at its index, or a new one in its place. */
  #blockFor(index: number, kind: "text" | "thinking"): OpenBlock {
    const block = this.#blocks.get(index);
    if (block?.kind === kind) return block;
    this.#stopBlock(index);
    return this.#open(index, kind, { kind });
  }

  #tell(block: OpenBlock | null, text: unknown): void {
    if (block === null || typeof text !== "string" || text === "") return;
    block.has_text = true;
    this.#told.tellText(block.part, text);
  }

  #grow(block: OpenBlock, delta: Fields): void {
    this.#grown_length += JSON.stringify(delta).length;
    if (this.#grown_length > GROWN_LENGTH_MAX) this.onError(brokenStream("a block is too long"));
    else block.deltas.push(delta);
  }

  #stopBlock(index: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    this.#blocks.delete(index);
    const { kind, part } = block;
    if (kind === "whole") {
      this.#told.tellWhole({ kind: "whole", whole: wholeOf(block) });
      return;
    }
    // A call without arguments.
    if (kind === "tool_call" && !block.has_text) this.#told.tellText(part, "{}");
    this.#told.stopPart(part);
  }

  #finish(stop_reason: unknown): void {
    if (this.#is_finished) return;
    this.#begin();
    for (const index of [...this.#blocks.keys()]) this.#stopBlock(index);
    const finish = readFinish(stop_reason, this.#has_json && !this.#has_calls);
    if (finish === null) return;
    this.#is_finished = true;
    this.#told.tell({ kind: "finish", choice: 0, finish });
  }

  #readMetadata(event: Fields): void {
    const usage = readBedrockUsage(event["usage"]);
    this.#begin();
    if (usage !== null) this.#told.tell({ kind: "usage", usage });
    if (this.#is_finished) this.#told.end();
  }
}

/** A block with all that came: an image, or what the provider did by itself. */
function wholeOf({ start, deltas }: OpenBlock): OwnPart | Extract<Part, { kind: "image" }> {
  const pieces = deltas.map(record);
  if (isFields(start["image"])) {
    const data = Buffer.concat(
      pieces.map((piece) => {
        const { bytes: text } = record(record(piece["image"])["source"]);
        return Buffer.from(typeof text === "string" ? text : "", "base64");
      }),
    ).toString("base64");
    const image = imageOf({ ...start["image"], source: { bytes: data } });
    if (image !== null && data !== "") return image;
  }
  if (isFields(start["toolUse"])) {
    const input = pieces.map((piece) => String(record(piece["toolUse"])["input"] ?? "")).join("");
    return ownPart({ toolUse: { ...start["toolUse"], input: parsed(input) } });
  }
  if (isFields(start["toolResult"])) {
    const content = pieces.flatMap((piece) => list(piece["toolResult"]));
    return ownPart({ toolResult: { ...start["toolResult"], content } });
  }
  return ownPart(start);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
