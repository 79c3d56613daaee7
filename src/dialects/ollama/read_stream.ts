// A stream of Ollama's chat: a line of JSON for each piece of the answer, the last of which is `done`.
// Source: https://docs.ollama.com/api/streaming, https://docs.ollama.com/api/errors.

import { LineFramer } from "../../wire/lines.ts";
import { isFields, record } from "../fields.ts";
import type { EventSink } from "../neutral/answer.ts";
import { AnswerTeller } from "../neutral/answer_teller.ts";
import type { StreamReader } from "../neutral/format.ts";
import type { WireError } from "../openai/error.ts";
import { readOllamaError } from "./error.ts";
import { readFinish } from "./finish.ts";
import { readLogprobs, readMessage, readTime } from "./read_message.ts";
import { readOllamaUsage } from "./usage.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The longest line that is read; bytes. Images that a model made come in one. */
const LINE_MAX_BYTES = 16 << 20;

const decoder = new TextDecoder();

/** Reads a stream of bytes. */
export class OllamaStreamReader implements StreamReader {
  readonly #told: AnswerTeller;
  readonly #framer = new LineFramer(LINE_MAX_BYTES, (line) => this.#readLine(line));
  readonly #ids = new Set<string>();
  /** The part that is being told. */
  #open: { readonly kind: "text" | "thinking"; readonly part: number } | null = null;
  #has_started = false;

  constructor(sink: EventSink) {
    this.#told = new AnswerTeller(sink);
  }

  feed(chunk: Uint8Array): void {
    if (!this.#told.is_over && !this.#framer.feed(chunk))
      this.#told.fail(upstreamError("The provider sent a line that is too long."));
  }

  close(): void {
    if (this.#told.is_over) return;
    this.#framer.end();
    this.#told.is_over = true;
  }

  #readLine(bytes: Uint8Array): void {
    if (this.#told.is_over) return;
    let line: unknown;
    try {
      line = JSON.parse(decoder.decode(bytes));
    } catch {
      // What a cut left of a line; others are no server's.
      return;
    }
    if (!isFields(line)) return;
    const error = readOllamaError(line, 500);
    if (error !== null) this.#told.fail(error);
    else this.#read(line);
  }

  #read(line: Fields): void {
    this.#start(line);
    const { thinking, content, images, calls } = readMessage(record(line["message"]), this.#ids);
    const tokens = readLogprobs(line["logprobs"]);
    if (tokens.length > 0) this.#told.tell({ kind: "logprobs", choice: 0, tokens });
    this.#say("thinking", thinking);
    this.#say("text", content);
    if (images.length > 0 || calls.length > 0) this.#close();
    for (const image of images) this.#told.tellWhole({ kind: "whole", whole: image });
    for (const { id, name, arguments: text } of calls)
      this.#told.tellWhole({ kind: "tool_call", id, name }, text);
    if (line["done"] === true) this.#end(line);
  }

  #start({ model, created_at }: Fields): void {
    if (this.#has_started) return;
    this.#has_started = true;
    const named = typeof model === "string" ? model : "";
    this.#told.tell({ kind: "start", id: "", model: named, created_s: readTime(created_at) });
  }

  #say(kind: "text" | "thinking", text: string): void {
    if (text === "") return;
    if (this.#open?.kind !== kind) {
      this.#close();
      this.#open = { kind, part: this.#told.startPart({ kind }) };
    }
    this.#told.tellText(this.#open.part, text);
  }

  #close(): void {
    if (this.#open === null) return;
    this.#told.stopPart(this.#open.part);
    this.#open = null;
  }

  #end(line: Fields): void {
    this.#close();
    const finish = readFinish(line["done_reason"], this.#ids.size > 0);
    this.#told.tell({ kind: "finish", choice: 0, finish });
    const usage = readOllamaUsage(line);
    if (usage !== null) this.#told.tell({ kind: "usage", usage });
    this.#told.end();
  }
}

function upstreamError(message: string): WireError {
  return { message, type: "upstream_error", param: null, code: null };
}
