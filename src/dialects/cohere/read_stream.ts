// A stream of Cohere's chat. Source: https://docs.cohere.com/docs/streaming, https://docs.cohere.com/reference/chat-stream.

import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { isFields, record } from "../fields.ts";
import type { EventSink, PartStart } from "../neutral/answer.ts";
import { AnswerTeller } from "../neutral/answer_teller.ts";
import { newCallId } from "../neutral/call_id.ts";
import type { StreamReader } from "../neutral/format.ts";
import type { WireError } from "../openai/error.ts";
import { citedContent, readCitations } from "./citations.ts";
import { readCohereError } from "./error.ts";
import { readFinish } from "./finish.ts";
import { readLogprobs } from "./logprobs.ts";
import { readCohereUsage } from "./usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The longest event that is read; bytes. */
const EVENT_MAX_BYTES = 4 << 20;
/** Most calls that are under way at a time. */
const OPEN_CALLS = 1024;

const decoder = new TextDecoder();

/** The content that is being told. It ends where the next one begins: what it cites may be told behind its own end. */
interface OpenContent {
  readonly kind: "text" | "thinking";
  readonly part: number;
  /** Null: the plan of the calls, which has none. */
  readonly index: number | null;
  text: string;
}

/** Reads a stream of bytes. */
export class CohereStreamReader implements StreamReader {
  readonly #told: AnswerTeller;
  readonly #framer = new SseFramer(EVENT_MAX_BYTES, { onEvent: (event) => this.#readEvent(event) });
  #open: OpenContent | null = null;
  /** The parts of calls, by Cohere's number of them. */
  readonly #calls = new Map<number, number>();
  readonly #ids = new Set<string>();
  #has_started = false;
  #has_calls = false;

  constructor(sink: EventSink) {
    this.#told = new AnswerTeller(sink);
  }

  feed(chunk: Uint8Array): void {
    if (!this.#told.is_over && this.#framer.feed(chunk) !== null)
      this.#told.fail(upstreamError("The provider sent an event that is too long."));
  }

  close(): void {
    if (this.#told.is_over) return;
    const last = this.#framer.end();
    if (last !== null) this.#readEvent(last);
    this.#told.is_over = true;
  }

  #readEvent({ data }: SseEvent): void {
    if (data === null || this.#told.is_over) return;
    let event: unknown;
    try {
      event = JSON.parse(decoder.decode(data));
    } catch {
      // `[DONE]`, which says nothing that `message-end` did not.
      return;
    }
    if (isFields(event)) this.#read(event);
  }

  #read(event: Fields): void {
    const message = record(record(event["delta"])["message"]);
    switch (event["type"]) {
      case "content-delta":
      case "content-start":
        this.#readContent(event, message);
        break;
      case "tool-plan-delta":
        if (typeof message["tool_plan"] === "string") this.#say("thinking", null, message["tool_plan"]);
        break;
      case "tool-call-delta":
        this.#readArguments(event["index"], record(message["tool_calls"]));
        break;
      case "tool-call-start":
        this.#startCall(event["index"], record(message["tool_calls"]));
        break;
      case "tool-call-end":
        this.#endCall(numberOf(event["index"]));
        break;
      case "citation-start":
        this.#cite(record(message["citations"]));
        break;
      case "message-start":
        this.#start(event["id"]);
        break;
      case "message-end":
        this.#end(record(event["delta"]));
        break;
      default:
        this.#readOther(event);
    }
  }

  /** What is new is left out; what has no type is an error. */
  #readOther(event: Fields): void {
    if (event["type"] !== undefined && event["type"] !== "error") return;
    const error = readCohereError(event, 500);
    if (error !== null) this.#told.fail(error);
  }

  #start(id: unknown): void {
    if (this.#has_started) return;
    this.#has_started = true;
    this.#told.tell({ kind: "start", id: typeof id === "string" ? id : "", model: "", created_s: null });
  }

  #readContent(event: Fields, message: Fields): void {
    const content = record(message["content"]);
    const { text, thinking } = content;
    const index = numberOf(event["index"]);
    if (event["logprobs"] !== undefined) this.#readLogprobs(event["logprobs"]);
    if (typeof thinking === "string") this.#say("thinking", index, thinking);
    if (typeof text === "string") this.#say("text", index, text);
  }

  #readLogprobs(value: unknown): void {
    this.#start("");
    const tokens = readLogprobs(value);
    if (tokens.length > 0) this.#told.tell({ kind: "logprobs", choice: 0, tokens });
  }

  #say(kind: OpenContent["kind"], index: number | null, text: string): void {
    if (text === "") return;
    let open = this.#open;
    if (open === null || open.kind !== kind || open.index !== index) {
      this.#close();
      open = { kind, index, part: this.#startPart({ kind }), text: "" };
      this.#open = open;
    }
    if (kind === "text") open.text += text;
    this.#told.tellText(open.part, text);
  }

  #cite(citation: Fields): void {
    const open = this.#open;
    const cited = citedContent(citation);
    if (open?.kind !== "text" || cited === null || (cited !== "text" && cited !== open.index)) return;
    for (const one of readCitations(citation, open.text))
      this.#told.tell({ kind: "citation", choice: 0, part: open.part, citation: one });
  }

  #startCall(index: unknown, call: Fields): void {
    const number = numberOf(index);
    this.#close();
    this.#endCall(number);
    if (this.#calls.size >= OPEN_CALLS) {
      this.#told.fail(upstreamError("The provider began too many calls at once."));
      return;
    }
    const { name, arguments: given } = record(call["function"]);
    this.#has_calls = true;
    const part = this.#startPart({
      ...{ kind: "tool_call", id: this.#idOf(call["id"]), name: typeof name === "string" ? name : "" },
    });
    this.#calls.set(number, part);
    this.#readArguments(index, { function: { arguments: given } });
  }

  /** Results are told to calls by their ids: there have to be some, and no two alike. */
  #idOf(given: unknown): string {
    const id = typeof given === "string" && given !== "" && !this.#ids.has(given) ? given : newCallId();
    this.#ids.add(id);
    return id;
  }

  #readArguments(index: unknown, call: Fields): void {
    const part = this.#calls.get(numberOf(index));
    const { arguments: text } = record(call["function"]);
    if (part !== undefined && typeof text === "string" && text !== "") this.#told.tellText(part, text);
  }

  #endCall(index: number): void {
    const part = this.#calls.get(index);
    if (part === undefined) return;
    this.#calls.delete(index);
    this.#told.stopPart(part);
  }

  #end(delta: Fields): void {
    const { error, finish_reason } = delta;
    if (typeof error === "string" && error !== "") {
      this.#told.fail(upstreamError(error));
      return;
    }
    this.#start("");
    this.#close();
    for (const index of [...this.#calls.keys()]) this.#endCall(index);
    const finish = readFinish(finish_reason ?? "COMPLETE", this.#has_calls);
    if (finish !== null) this.#told.tell({ kind: "finish", choice: 0, finish });
    const usage = readCohereUsage(delta["usage"]);
    if (usage !== null) this.#told.tell({ kind: "usage", usage });
    this.#told.end();
  }

  #startPart(start: PartStart): number {
    this.#start("");
    return this.#told.startPart(start);
  }

  #close(): void {
    if (this.#open === null) return;
    this.#told.stopPart(this.#open.part);
    this.#open = null;
  }
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function upstreamError(message: string): WireError {
  return { message, type: "upstream_error", param: null, code: null };
}
