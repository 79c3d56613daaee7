// An answer in one format given on in another, whole or while it streams. The neutral form lies between; no pair knows the other.

import { parseExact } from "../wire/exact_json.ts";
import { isFields } from "./fields.ts";
import type { StreamEvent } from "./neutral/answer.ts";
import { customCallsTo, withCustomCalls } from "./neutral/custom_tools.ts";
import type {
  AnswerContext,
  ClientSide,
  ProviderSide,
  StreamReader,
  StreamWriter,
} from "./neutral/format.ts";
import { laterUsage, type Usage } from "./usage.ts";

const NOTHING = new Uint8Array(0);
/** Takes a third of the time of `Buffer.from`, for texts that were put together of many. */
const encoder = new TextEncoder();

/** A whole answer in the client's format. */
export interface TranslatedAnswer {
  readonly body: Uint8Array;
  /** As the provider told it: the client's format may have no words for all of it. */
  readonly usage: Usage | null;
}

/** Translates a whole answer; null where it is none. */
export function translateAnswer(
  body: Uint8Array,
  from: ProviderSide,
  to: ClientSide,
  context: AnswerContext,
): TranslatedAnswer | null {
  const value = parseExact(body);
  const read = isFields(value) ? from.readAnswer(value) : null;
  if (read === null) return null;
  const answer = withCustomCalls(read, context.request);
  return { body: Buffer.from(JSON.stringify(to.writeAnswer(answer, context))), usage: answer.usage };
}

/** Makes a provider's stream the client's, as its bytes come. */
export interface ChunkTranslation {
  /** What the provider has told so far, null for nothing; undefined: what comes out tells it in the provider's own words. */
  readonly usage: Usage | null | undefined;
  /** What the bytes say, in the client's format; empty where nothing is complete. */
  feed(chunk: Uint8Array): Uint8Array;
  /** No more bytes come. */
  close(): Uint8Array;
}

/** Translates one stream between formats. */
export class StreamTranslation implements ChunkTranslation {
  usage: Usage | null = null;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  #written = "";

  constructor(from: ProviderSide, to: ClientSide, context: AnswerContext) {
    this.#writer = to.writeStream(context);
    this.#reader = from.readStream(customCallsTo(context.request, (event) => this.#take(event)));
  }

  feed(chunk: Uint8Array): Uint8Array {
    this.#reader.feed(chunk);
    return this.#given();
  }

  close(): Uint8Array {
    this.#reader.close();
    return this.#given();
  }

  #take(event: StreamEvent): void {
    if (event.kind === "usage") this.usage = laterUsage(this.usage, event.usage);
    this.#written += this.#writer.write(event);
  }

  #given(): Uint8Array {
    if (this.#written === "") return NOTHING;
    const bytes = encoder.encode(this.#written);
    this.#written = "";
    return bytes;
  }
}
