// A format as a client speaks it: what the gateway has to know of a request and of its answer without translating either.

import type { WireError } from "./openai/error.ts";
import type { StreamWatch } from "./stream_watch.ts";
import type { Usage } from "./usage.ts";

/** What a client can ask for: the formats of chats, and what is no chat. */
export type ClientFormatName =
  | "chat"
  | "completions"
  | "responses"
  | "messages"
  | "gemini"
  | "embeddings"
  | "moderations"
  | "rerank";

/** Whether the streams of a format are chunks as those of chat completions are. */
export function isChunked(format: ClientFormatName): boolean {
  return format === "chat" || format === "completions";
}

/** A format that a client speaks. Answers and streams are in it, whoever gave them. */
export interface ClientFormat {
  readonly name: ClientFormatName;
  /** How its streams go over the wire: as server-sent events, or those in one JSON array. */
  readonly framing: "events" | "array";
  /** Whose headers it knows: how they tell limits, and whether they name the request by `request-id` as well. */
  readonly header_style: "openai" | "anthropic";
  /** The usage that a whole answer tells, or null. */
  usageOf(body: Uint8Array): Usage | null;
  /** Why a whole answer (the first of them) ended, in the format's own word; null where it does not say. */
  finishReasonOf(body: Uint8Array): string | null;
  /** About how many tokens an answer has. */
  estimateAnswer(body: Uint8Array): number;
  /** The error that came under a status of success, or null. */
  errorInAnswer(body: Uint8Array): WireError | null;
  /**
   * Watches a stream.
   * @param hide_usage leave out what tells usage alone, because the client did not ask for it
   * @param choices how many answers were asked for
   */
  watch(hide_usage: boolean, choices: number): StreamWatch;
  /** A provider's error in this very format, as a client gets it; null: it is told by `errorBody`. */
  passError(body: Uint8Array, error: WireError): Uint8Array | null;
  /** The body that tells of an error; `status` is the response's. */
  errorBody(error: WireError, status: number, request_id: string): Uint8Array;
}
