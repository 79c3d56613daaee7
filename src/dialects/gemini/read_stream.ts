// A stream of `streamGenerateContent`, as server-sent events or as one JSON array, into the neutral events.
// Each chunk is an answer with the next pieces of its parts. Nothing says that the stream is over but its end: whether it is whole is
// told by every candidate's `finishReason`, which older models repeat in every chunk.
// Source: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent

import { parseExact } from "../../wire/exact_json.ts";
import { JsonArraySplitter } from "../../wire/json_array.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { list, record } from "../fields.ts";
import type { EventSink } from "../neutral/answer.ts";
import type { StreamReader } from "../neutral/format.ts";
import type { WireError } from "../openai/error.ts";
import { CallIds } from "./call_ids.ts";
import { readGeminiError } from "./error.ts";
import { camelFields, textOf } from "./names.ts";
import { readTier, readTime } from "./read_answer.ts";
import { CandidateReader } from "./read_candidate.ts";
import { readGeminiUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** An image that a model made comes whole in one chunk: of the largest, base64 takes some 20 MiB. */
const CHUNK_BYTES_MAX = 32 * 1024 * 1024;

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
  readonly #choices = new Map<number, CandidateReader>();
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
    // A last event that no blank line ends may be whole; if it was cut, so was the stream.
    if (rest !== null && (rest.data === null || parseExact(rest.data) !== undefined)) this.#takeEvent(rest);
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
    else this.#events = new SseFramer(CHUNK_BYTES_MAX, { onEvent: (event) => this.#takeEvent(event) });
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
    let position = 0;
    for (const value of list(candidates)) {
      const candidate = camelFields(value) ?? {};
      const { index } = candidate;
      this.#choice(typeof index === "number" ? index : position).take(candidate, this.#ids);
      position += 1;
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

  #choice(index: number): CandidateReader {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new CandidateReader(index, this.#sink);
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
