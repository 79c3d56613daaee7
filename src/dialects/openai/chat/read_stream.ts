// A stream of chat completions, read: its events are chunks (OpenAI API reference, "The chat completion chunk object") up to `[DONE]`.

import { SseFramer } from "../../../wire/sse.ts";
import { isFields, list } from "../../fields.ts";
import type { EventSink } from "../../neutral/answer.ts";
import type { StreamReader } from "../../neutral/format.ts";
import { readError, type WireError } from "../error.ts";
import { isDone, isNamedError } from "../stream.ts";
import { readUsage } from "../usage.ts";
import { readSearchResults } from "./citations.ts";
import { readHead, readOwn } from "./read_answer.ts";
import { ChoiceReader } from "./read_choice.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The longest event that is read; bytes. */
const EVENT_MAX_BYTES = 4 * 1024 * 1024;
/** More choices than any server gives; one with a higher number is left out. */
const CHOICES_MAX = 128;

const decoder = new TextDecoder();

/** What the events of a stream need of its reader: the chunks' own reader is given by the format (chat, or legacy completions). */
export interface ChunkReader {
  /** Takes a chunk without an error in it. */
  take(chunk: Fields): void;
  /** Tells the end of all that has not finished. */
  finish(): void;
  /** Whether there was a choice, and every one has finished. */
  readonly finished: boolean;
}

/** Frames a stream of chunks, and tells its end, its errors, and where it was cut. */
export class ChunkStreamReader implements StreamReader {
  readonly #framer = new SseFramer(EVENT_MAX_BYTES, {
    onEvent: ({ data, name }) => this.#event(data, name),
  });
  readonly #chunks: ChunkReader;
  readonly #sink: EventSink;
  #ended = false;

  constructor(chunks: ChunkReader, sink: EventSink) {
    this.#chunks = chunks;
    this.#sink = sink;
  }

  feed(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (this.#framer.feed(chunk) !== null)
      this.#fail(plainError("The provider sent an event that is too long."));
  }

  /** Not all servers say `[DONE]`: where every choice has finished, nothing is missing. */
  close(): void {
    if (this.#ended) return;
    const rest = this.#framer.end();
    // An event that no blank line closed counts where it is all there.
    if (rest?.data && (isDone(rest.data) || parse(rest.data) !== undefined))
      this.#event(rest.data, rest.name);
    if (!this.#ended && this.#chunks.finished) this.#end();
  }

  #event(data: Uint8Array | null, name: Uint8Array | null): void {
    if (data === null || this.#ended) return;
    if (isDone(data)) {
      this.#chunks.finish();
      this.#end();
      return;
    }
    const chunk = parse(data);
    const is_error = name !== null && isNamedError(name);
    if (chunk === undefined) {
      this.#fail(plainError("The provider sent an event that is not valid JSON."));
      return;
    }
    const error = readError(chunk, is_error ? 500 : 200) ?? errorOfChoice(chunk);
    if (error !== null) this.#fail(error);
    else if (isFields(chunk)) this.#chunks.take(chunk);
  }

  #end(): void {
    this.#ended = true;
    this.#sink({ kind: "end" });
  }

  #fail(error: WireError): void {
    this.#ended = true;
    this.#sink({ kind: "error", error });
  }
}

function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return undefined;
  }
}

function plainError(message: string): WireError {
  return { message, type: "upstream_error", param: null, code: null };
}

/** OpenRouter tells an error that comes late inside of a choice. */
function errorOfChoice(chunk: unknown): WireError | null {
  if (!isFields(chunk) || !Array.isArray(chunk["choices"])) return null;
  for (const choice of chunk["choices"]) {
    if (!isFields(choice) || choice["error"] === undefined) continue;
    const error = readError(choice, 200);
    if (error !== null) return error;
  }
  return null;
}

/** Reads the chunks of a chat completion. */
export class ChatChunks implements ChunkReader {
  readonly #sink: EventSink;
  readonly #choices = new Map<number, ChoiceReader>();
  #started = false;
  #found: Fields = {};

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  get finished(): boolean {
    let any = false;
    for (const choice of this.#choices.values()) {
      if (!choice.finished) return false;
      any = true;
    }
    return any;
  }

  take(chunk: Fields): void {
    const choices = list(chunk["choices"]);
    // Azure opens with a chunk about the prompt, which has neither id nor model.
    if (choices.length > 0) this.#start(chunk);
    // Perplexity repeats in each chunk what it found.
    if (chunk["search_results"] !== undefined || chunk["citations"] !== undefined) this.#found = chunk;
    let { usage } = chunk;
    for (let position = 0; position < choices.length; position++) {
      const choice = choices[position];
      if (!isFields(choice)) continue;
      this.#choice(choice["index"] ?? position)?.take(choice, this.#found);
      // Moonshot's place for it.
      usage ??= choice["usage"];
    }
    const used = usage === undefined || usage === null ? null : readUsage(usage);
    if (used === null) return;
    this.#start(chunk);
    this.#sink({ kind: "usage", usage: used });
  }

  finish(): void {
    this.#start({});
    for (const choice of this.#choices.values()) choice.end(readSearchResults(this.#found));
  }

  #start(chunk: Fields): void {
    if (this.#started) return;
    this.#started = true;
    this.#sink({ kind: "start", ...readHead(chunk), ...readOwn(chunk) });
  }

  #choice(index: unknown): ChoiceReader | null {
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= CHOICES_MAX)
      return null;
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new ChoiceReader(index, this.#sink);
      this.#choices.set(index, choice);
    }
    return choice;
  }
}

/** Reads a stream; see `AnswerFormat.readStream`. */
export function readStream(sink: EventSink): StreamReader {
  return new ChunkStreamReader(new ChatChunks(sink), sink);
}
