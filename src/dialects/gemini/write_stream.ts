// Neutral events as a stream of `streamGenerateContent`: server-sent events, or one JSON array where `alt=sse` was not asked for.
// Each chunk is an answer with the next pieces. Calls go out whole, as Gemini's own do; how all ended is told by the last chunk.

import type { Finish, PartStart, StreamEvent } from "../neutral/answer.ts";
import type { AnswerContext, StreamWriter } from "../neutral/format.ts";
import type { Citation, Signature, ToolCallPart } from "../neutral/parts.ts";
import type { WireError } from "../openai/error.ts";
import { laterUsage, type Usage } from "../usage.ts";
import { type CitingText, writeCitations } from "./citations.ts";
import { statusOfGeminiError, writeGeminiError } from "./error.ts";
import { writeFinish } from "./finish.ts";
import { writeLogprobs } from "./logprobs.ts";
import { writeSignature } from "./signature.ts";
import { writeAnswerPart } from "./write_answer.ts";
import { writeFunctionCall } from "./write_parts.ts";
import { writeGeminiUsage } from "./write_usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** How a stream's chunks are told apart. */
export type GeminiFraming = "sse" | "array";

/** Arguments of calls that are held back, and text that citations may be of, in UTF-16 units of one stream. */
const HELD_MAX = 8 * 1024 * 1024;
/** Ends an event, as Google's servers do it. */
const BLANK = "\r\n\r\n";

/** Writes a stream in one of the forms. */
export class GeminiStreamWriter implements StreamWriter {
  readonly #context: AnswerContext;
  readonly #framing: GeminiFraming;
  readonly #choices = new Map<number, WrittenChoice>();
  /** What ends each chunk: the model and the answer's id. */
  #tail = "";
  #model = "";
  #id = "";
  #has_chunks = false;
  #is_over = false;
  #usage: Usage | null = null;
  #held = 0;

  constructor(context: AnswerContext, framing: GeminiFraming) {
    this.#context = context;
    this.#framing = framing;
    this.#name("", "");
  }

  write(event: StreamEvent): string {
    if (this.#is_over) return "";
    switch (event.kind) {
      case "start":
        this.#name(event.id, event.model);
        return "";
      case "part_start":
        return this.#startPart(event.choice, event.part, event.start);
      case "delta":
        return this.#delta(event.choice, event.part, event.text);
      case "citation":
        this.#choice(event.choice).parts.get(event.part)?.citations.push(event.citation);
        return "";
      case "signature": {
        const part = this.#choice(event.choice).parts.get(event.part);
        if (part !== undefined) part.signature = event.signature;
        return "";
      }
      case "part_stop":
        return this.#stopPart(event.choice, event.part);
      case "logprobs":
        return this.#chunk({
          candidates: [
            {
              ...{ content: { parts: [{ text: "" }], role: "model" }, index: event.choice },
              logprobsResult: writeLogprobs(event.tokens),
            },
          ],
        });
      case "finish":
        this.#choice(event.choice).finish = event.finish;
        return "";
      case "usage":
        this.#usage = laterUsage(this.#usage, event.usage);
        return "";
      case "end":
        return this.#end();
      case "error":
        return this.#error(event.error);
    }
  }

  #name(id: string, model: string): void {
    this.#model = model === "" ? this.#context.model : model;
    this.#id = id === "" ? this.#context.call_id : id;
    this.#tail = `,"modelVersion":${JSON.stringify(this.#model)},"responseId":${JSON.stringify(this.#id)}}`;
  }

  #startPart(index: number, number: number, start: PartStart): string {
    const part: WrittenPart = { start, texts: [], citations: [], signature: null };
    this.#choice(index).parts.set(number, part);
    if (start.kind !== "whole") return "";
    const written = writeAnswerPart(start.whole);
    return written === null ? "" : this.#part(index, JSON.stringify(written));
  }

  #delta(index: number, number: number, text: string): string {
    const part = this.#choice(index).parts.get(number);
    if (part === undefined || text === "") return "";
    if (part.start.kind === "tool_call" || part.start.kind === "text") {
      this.#held += text.length;
      if (this.#held <= HELD_MAX) part.texts?.push(text);
      else if (part.start.kind === "tool_call") return this.#error(TOO_LONG);
      else part.texts = null;
    }
    if (part.start.kind === "tool_call") return "";
    const thought = part.start.kind === "thinking" ? ',"thought":true' : "";
    return this.#part(index, `{"text":${JSON.stringify(text)}${thought}}`);
  }

  #stopPart(index: number, number: number): string {
    const choice = this.#choice(index);
    const part = choice.parts.get(number);
    if (part === undefined) return "";
    const { start, signature } = part;
    choice.parts.delete(number);
    if (start.kind === "tool_call") return this.#part(index, JSON.stringify(writeCall(start, part)));
    if (start.kind !== "text" && start.kind !== "thinking") return "";
    if (start.kind === "text") choice.addText(part);
    const { id, encrypted } = start.kind === "thinking" ? start : {};
    const signed = writeSignature({
      ...(signature === null ? {} : { signature }),
      ...(encrypted === undefined ? {} : { encrypted }),
      ...(id === undefined ? {} : { id }),
    });
    if (signed === undefined) return "";
    const thought = start.kind === "thinking" ? { thought: true } : {};
    return this.#part(index, JSON.stringify({ text: "", ...thought, thoughtSignature: signed }));
  }

  /** A chunk of one part, which comes as JSON. */
  #part(index: number, part: string): string {
    return this.#frame(
      `{"candidates":[{"content":{"parts":[${part}],"role":"model"},"index":${index}}]${this.#tail}`,
    );
  }

  #chunk(answer: Json): string {
    return this.#frame(JSON.stringify(answer).slice(0, -1) + this.#tail);
  }

  #frame(json: string): string {
    if (this.#framing === "sse") return `data: ${json}${BLANK}`;
    const opening = this.#has_chunks ? ",\r\n" : "[";
    this.#has_chunks = true;
    return opening + json;
  }

  #end(): string {
    const candidates = [...this.#choices].map(([index, choice]) => ({
      content: { parts: [{ text: "" }], role: "model" },
      ...(choice.finish === null ? {} : { finishReason: writeFinish(choice.finish) }),
      index,
      ...writeCitations(choice.texts),
    }));
    const usage = this.#usage === null ? {} : { usageMetadata: writeGeminiUsage(this.#usage) };
    const last = this.#chunk({ candidates, ...usage });
    this.#is_over = true;
    return this.#framing === "sse" ? last : `${last}]`;
  }

  #error(error: WireError): string {
    const written = this.#frame(JSON.stringify(writeGeminiError(error, statusOfGeminiError(error))));
    this.#is_over = true;
    return this.#framing === "sse" ? written : `${written}]`;
  }

  #choice(index: number): WrittenChoice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new WrittenChoice();
      this.#choices.set(index, choice);
    }
    return choice;
  }
}

const TOO_LONG: WireError = {
  message: "the arguments of the answer's calls are longer than this gateway holds",
  ...{ type: "upstream_error", param: null, code: null },
};

/** A part that is being written. */
interface WrittenPart {
  readonly start: PartStart;
  /** Null: too much text to be held. */
  texts: string[] | null;
  readonly citations: Citation[];
  signature: Signature | null;
}

/** One candidate: the parts that are open, and what its last chunk has to tell. */
class WrittenChoice {
  readonly parts = new Map<number, WrittenPart>();
  readonly texts: CitingText[] = [];
  finish: Finish | null = null;
  #bytes = 0;

  /** Keeps what a text cites, without the places where it was too long to be held. */
  addText({ texts, citations }: WrittenPart): void {
    const text = (texts ?? []).join("");
    if (citations.length > 0) {
      const placed = texts === null ? citations.map(({ start, end, ...unplaced }) => unplaced) : citations;
      this.texts.push({ text, citations: placed, bytes_before: this.#bytes });
    }
    this.#bytes += Buffer.byteLength(text);
  }
}

function writeCall(start: Extract<PartStart, { kind: "tool_call" }>, part: WrittenPart): Json {
  const { id, name, is_custom, own } = start;
  const call: ToolCallPart = {
    ...{ kind: "tool_call", id, name, arguments: (part.texts ?? []).join("") },
    ...(is_custom === undefined ? {} : { is_custom }),
    ...(own === undefined ? {} : { own }),
  };
  const signature = part.signature ?? start.signature;
  return writeFunctionCall(call, true, signature === undefined ? undefined : writeSignature({ signature }));
}
