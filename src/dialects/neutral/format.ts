// What a format has to be able to do to stand on either side of a call. Reading and writing go by values of JSON for what is whole, and by
// bytes for streams, whose framing is the format's own.

import type { GatewayError } from "../../errors.ts";
import type { ChatAnswer, EventSink, StreamEvent } from "./answer.ts";
import type { Losses } from "./losses.ts";
import type { FormatName } from "./parts.ts";
import type { ChatRequest } from "./request.ts";

/** What is known of a request beside its body: Gemini has the model and the wish for a stream in the path. */
export interface RequestPlace {
  readonly model: string | null;
  readonly stream: boolean;
}

/** What a writer of requests has to know of where they go. */
export interface RequestTarget {
  /** As its provider calls it. */
  readonly model: string;
  /** The known provider that it builds on (`groq`, `mistral`, `gemini`): quirks are told by it and by the model's name. */
  readonly provider_kind: string;
}

/** What a writer of answers has to know of the call. */
export interface AnswerContext {
  /** For answers that come without an id: unique, of letters and digits. */
  readonly call_id: string;
  /** The model as the client asked for it, for answers that do not name theirs. */
  readonly model: string;
  /** Seconds since 1970, for answers that come without a time. */
  readonly now_s: number;
  /** What was asked: some formats repeat it in the answer, and only who asked for usage is told it. */
  readonly request: ChatRequest;
}

/** Reads a stream's bytes, however they are cut. */
export interface StreamReader {
  feed(chunk: Uint8Array): void;
  /** No more bytes come; tells what was still incomplete. Without an `end` event before, the stream was cut. */
  close(): void;
}

/** Writes a stream. */
export interface StreamWriter {
  /** What an event adds to the stream; empty where nothing. After `end` and `error` nothing may follow. */
  write(event: StreamEvent): string;
}

/** Reads and writes what clients ask. */
export interface RequestFormat {
  readonly name: FormatName;
  /** @param body a JSON object, numbers kept exact (see `parseExact`) */
  readRequest(body: Readonly<Record<string, unknown>>, place: RequestPlace): ChatRequest | GatewayError;
  /** The body as a value for `JSON.stringify`. What cannot be said goes to `losses`; the value is not used if they refuse. */
  writeRequest(
    request: ChatRequest,
    target: RequestTarget,
    losses: Losses,
  ): Readonly<Record<string, unknown>>;
}

/** Reads and writes what models answer. */
export interface AnswerFormat {
  readonly name: FormatName;
  /** Null: the value is no answer of this format. */
  readAnswer(answer: Readonly<Record<string, unknown>>): ChatAnswer | null;
  writeAnswer(answer: ChatAnswer, context: AnswerContext): Readonly<Record<string, unknown>>;
  readStream(sink: EventSink): StreamReader;
  writeStream(context: AnswerContext): StreamWriter;
}

/** A format of both. */
export interface Format extends RequestFormat, AnswerFormat {}

/** What a format needs to stand before clients. */
export type ClientSide = Pick<Format, "name" | "readRequest" | "writeAnswer" | "writeStream">;

/** What a format needs to be asked of providers. */
export type ProviderSide = Pick<Format, "name" | "writeRequest" | "readAnswer" | "readStream">;
