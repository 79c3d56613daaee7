// A stream of `streamGenerateContent`, as server-sent events or as one JSON array, into the neutral events.
// Each chunk is an answer with the next pieces of its parts. Nothing says that the stream is over but its end: whether it is whole is
// told by every candidate's `finishReason`, which older models repeat in every chunk.
// Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent

import { parseExact } from "../../wire/exact_json.ts";
import { JsonArraySplitter } from "../../wire/json_array.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { isFields, list, record } from "../fields.ts";
import type { EventSink, Finish, PartStart } from "../neutral/answer.ts";
import type { StreamReader } from "../neutral/format.ts";
import type { Part } from "../neutral/parts.ts";
import type { WireError } from "../openai/error.ts";
import { CallIds } from "./call_ids.ts";
import { readCitations } from "./citations.ts";
import { readGeminiError } from "./error.ts";
import { readBlock, readFinish } from "./finish.ts";
import { readLogprobs } from "./logprobs.ts";
import { camelFields, textOf } from "./names.ts";
import { readTier, readTime, refusal } from "./read_answer.ts";
import { readPart } from "./read_parts.ts";
import { readGeminiUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** An image that a model made comes whole in one chunk: of the largest, base64 takes some 20 MiB. */
const CHUNK_BYTES_MAX = 32 * 1024 * 1024;
/** Text that is kept of a candidate, in UTF-16 units, to find what is cited in it. */
const KEPT_TEXT_MAX = 4 * 1024 * 1024;

const LIST_OPEN = 0x5b;
const OBJECT_OPEN = 0x7b;
const SPACE = 0x20;
/** Of a byte order mark. */
const MARK = new Set([0xef, 0xbb, 0xbf]);

/** Reads a stream of either form; which one is told by its first byte. */
export class GeminiStreamReader implements StreamReader {
  readonly #sink: EventSink;
  #array: JsonArraySplitter | null = null;
  #events: SseFramer | null = null;
  #is_over = false;
  #ids: CallIds | null = null;
  readonly #choices = new Map<number, Choice>();
  #usage: unknown = null;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  feed(chunk: Uint8Array): void {
    if (this.#is_over) return;
    if (this.#array === null && this.#events === null && !this.#open(chunk)) return;
    if (this.#array !== null) this.#feedArray(this.#array, chunk);
    else if (this.#events!.feed(chunk) !== null && !this.#is_over) this.#fail(TOO_LONG);
  }

  close(): void {
    const rest = this.#events?.end() ?? null;
    if (rest !== null) this.#takeEvent(rest);
    if (this.#is_over) return;
    // An array without its last bracket was cut, whatever it said.
    if (this.#array?.ended === false || !this.#isWhole()) this.#tellUsage();
    else this.#end();
    this.#is_over = true;
  }

  /** Finds out the form; false while there is nothing but white space. */
  #open(chunk: Uint8Array): boolean {
    const first = chunk.find((byte) => byte > SPACE && !MARK.has(byte));
    if (first === undefined) return false;
    if (first === LIST_OPEN || first === OBJECT_OPEN)
      this.#array = new JsonArraySplitter(CHUNK_BYTES_MAX, (element) => this.#takeBytes(element));
    else this.#events = new SseFramer(CHUNK_BYTES_MAX, (event) => this.#takeEvent(event));
    return true;
  }

  #feedArray(array: JsonArraySplitter, chunk: Uint8Array): void {
    const is_first = array.held_bytes === 0 && !array.ended;
    const start = is_first ? chunk.findIndex((byte) => !MARK.has(byte)) : 0;
    array.feed(start > 0 ? chunk.subarray(start) : chunk);
    if (array.failed && !this.#is_over) this.#fail(NO_ARRAY);
  }

  #takeEvent({ data, raw }: SseEvent): void {
    if (this.#is_over) return;
    if (data !== null) {
      if (data.length > 0) this.#takeBytes(data);
      return;
    }
    // An error in the middle of a stream may come bare, without the framing.
    if (raw.find((byte) => byte > SPACE) !== OBJECT_OPEN) return;
    const error = readGeminiError(parseExact(raw));
    if (error !== null) this.#fail(error);
  }

  #takeBytes(bytes: Uint8Array): void {
    if (this.#is_over) return;
    const value = parseExact(bytes);
    const error = readGeminiError(value);
    const chunk = camelFields(value);
    if (error !== null) this.#fail(error);
    else if (chunk === null) this.#fail(NO_JSON);
    else this.#takeChunk(chunk);
  }

  #takeChunk(chunk: Json): void {
    const { candidates, promptFeedback, usageMetadata } = chunk;
    this.#ids ??= this.#start(chunk);
    if (usageMetadata !== undefined) this.#usage = usageMetadata;
    for (const [position, value] of list(candidates).entries()) {
      const candidate = camelFields(value) ?? {};
      const { index } = candidate;
      this.#choice(typeof index === "number" ? index : position).take(candidate, this.#ids);
    }
    const { blockReason, blockReasonMessage } = record(promptFeedback);
    if (typeof blockReason === "string") this.#choice(0).block(blockReason, blockReasonMessage);
  }

  #start(chunk: Json): CallIds {
    const id = textOf(chunk["responseId"]) ?? "";
    const tier = readTier(chunk["usageMetadata"]);
    this.#sink({
      ...{ kind: "start", id, model: textOf(chunk["modelVersion"]) ?? "" },
      created_s: readTime(chunk["createTime"]),
      ...(tier === undefined ? {} : { service_tier: tier }),
    });
    return new CallIds(id);
  }

  #choice(index: number): Choice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new Choice(index, this.#sink);
      this.#choices.set(index, choice);
    }
    return choice;
  }

  /** Whether there was a candidate, and all of them came to their end. */
  #isWhole(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every(({ finish }) => finish !== null);
  }

  #end(): void {
    for (const choice of this.#choices.values()) choice.end();
    this.#tellUsage();
    this.#sink({ kind: "end" });
  }

  #tellUsage(): void {
    const grounded = [...this.#choices.values()].map(({ grounding }) => ({ groundingMetadata: grounding }));
    const usage = readGeminiUsage(this.#usage, grounded);
    if (usage !== null) this.#sink({ kind: "usage", usage });
  }

  #fail(error: WireError): void {
    this.#is_over = true;
    this.#tellUsage();
    this.#sink({ kind: "error", error });
  }
}

function fault(message: string): WireError {
  return { message, type: "upstream_error", param: null, code: null };
}
const TOO_LONG = fault("the provider sent a longer event than this gateway takes");
const NO_ARRAY = fault("the provider sent what is no array of answers");
const NO_JSON = fault("the provider sent an event that is no JSON object");

/** One candidate of the stream. */
class Choice {
  readonly #index: number;
  readonly #sink: EventSink;
  #parts = 0;
  /** The text or thought that is being told. */
  #open: { readonly part: number; readonly kind: "text" | "thinking"; is_signed: boolean } | null = null;
  /** The texts so far, of which the last may grow; null: too long to be kept. */
  #texts: string[][] | null = [];
  #kept = 0;
  #has_calls = false;
  #finish: string | null = null;
  #block: string | null = null;
  /** The last grounding: later ones repeat the earlier. */
  grounding: unknown = null;
  #citations: unknown = null;

  constructor(index: number, sink: EventSink) {
    this.#index = index;
    this.#sink = sink;
  }

  /** How it ended, as far as is known. */
  get finish(): Finish | null {
    if (this.#block !== null) return readBlock(this.#block);
    return this.#finish === null ? null : readFinish(this.#finish, this.#has_calls);
  }

  take(candidate: Json, ids: CallIds): void {
    const { finishReason, groundingMetadata, citationMetadata, logprobsResult } = candidate;
    const content = camelFields(candidate["content"]);
    if (content !== null) {
      for (const value of list(content["parts"])) {
        const part = readPart(value, ids);
        if (part !== null) this.#tell(part);
      }
    }
    const tokens = readLogprobs(logprobsResult);
    if (tokens !== undefined) this.#sink({ kind: "logprobs", choice: this.#index, tokens });
    if (isFields(groundingMetadata) && Object.keys(groundingMetadata).length > 0)
      this.grounding = groundingMetadata;
    if (isFields(citationMetadata)) this.#citations = citationMetadata;
    if (typeof finishReason === "string" && finishReason !== "FINISH_REASON_UNSPECIFIED")
      this.#finish = finishReason;
  }

  /** The prompt was refused. */
  block(reason: string, message: unknown): void {
    if (this.#block !== null) return;
    this.#block = reason;
    for (const part of refusal(message))
      this.#whole({ kind: "refusal" }, part.kind === "refusal" ? part.text : "");
  }

  end(): void {
    this.#cite();
    this.#close();
    this.#sink({ kind: "finish", choice: this.#index, finish: this.finish! });
  }

  #tell(part: Part): void {
    switch (part.kind) {
      case "text":
      case "thinking":
        this.#grow(part);
        return;
      case "tool_call": {
        const { id, name, signature } = part;
        this.#has_calls = true;
        this.#whole(
          { kind: "tool_call", id, name, ...(signature === undefined ? {} : { signature }) },
          part.arguments,
        );
        return;
      }
      case "image":
      case "audio":
      case "video":
      case "file":
      case "own":
        this.#whole({ kind: "whole", whole: part }, "");
    }
  }

  /** A piece of a text or a thought. What comes behind a signature is not signed by it: it is a part of its own. */
  #grow(part: Extract<Part, { kind: "text" | "thinking" }>): void {
    const { text, signature } = part;
    const encrypted = part.kind === "thinking" ? part.encrypted : undefined;
    if (text === "" && signature === undefined && encrypted === undefined) return;
    let open = this.#open;
    if (open?.kind !== part.kind || open.is_signed || encrypted !== undefined) {
      this.#close();
      open = { part: this.#startPart(startOf(part)), kind: part.kind, is_signed: encrypted !== undefined };
      this.#open = open;
      if (part.kind === "text") this.#texts?.push([]);
    }
    const at = { choice: this.#index, part: open.part };
    if (text !== "") this.#sink({ kind: "delta", ...at, text });
    if (part.kind === "text") this.#keep(text);
    if (signature === undefined) return;
    open.is_signed = true;
    this.#sink({ kind: "signature", ...at, signature });
  }

  #keep(text: string): void {
    this.#kept += text.length;
    if (this.#kept > KEPT_TEXT_MAX) this.#texts = null;
    this.#texts?.at(-1)?.push(text);
  }

  #whole(start: PartStart, text: string): void {
    this.#close();
    const part = this.#startPart(start);
    if (text !== "") this.#sink({ kind: "delta", choice: this.#index, part, text });
    this.#sink({ kind: "part_stop", choice: this.#index, part });
  }

  #startPart(start: PartStart): number {
    const part = this.#parts++;
    this.#sink({ kind: "part_start", choice: this.#index, part, start });
    return part;
  }

  #close(): void {
    if (this.#open === null) return;
    this.#sink({ kind: "part_stop", choice: this.#index, part: this.#open.part });
    this.#open = null;
  }

  /** What the texts cite. Only of the one that is still open it can be said where: of others it is told behind them. */
  #cite(): void {
    const texts = (this.#texts ?? []).map((pieces) => pieces.join(""));
    const placed = readCitations(
      { groundingMetadata: this.grounding, citationMetadata: this.#citations },
      texts,
    );
    if (placed.length === 0) return;
    const is_open = this.#open?.kind === "text";
    if (!is_open) this.#close();
    const part = is_open ? this.#open!.part : this.#startPart({ kind: "text" });
    for (const { text, citation } of placed) {
      const { start, end, ...unplaced } = citation;
      const told = is_open && text === texts.length - 1 ? citation : unplaced;
      this.#sink({ kind: "citation", choice: this.#index, part, citation: told });
    }
    if (!is_open) this.#sink({ kind: "part_stop", choice: this.#index, part });
  }
}

function startOf(part: Extract<Part, { kind: "text" | "thinking" }>): PartStart {
  if (part.kind === "text") return { kind: "text" };
  const { id, encrypted } = part;
  return {
    kind: "thinking",
    ...(id === undefined ? {} : { id }),
    ...(encrypted === undefined ? {} : { encrypted }),
  };
}
