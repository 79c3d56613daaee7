// How a stream goes over the wire to its client: as server-sent events, or those in one JSON array.

import type { ClientFormat } from "../dialects/client_format.ts";
import { SseArray } from "../wire/sse_array.ts";
import type { Call } from "./call.ts";
import type { Frame } from "./client_stream.ts";

/** The content type of a stream as the client wants it. */
export function streamType({ framing }: ClientFormat): string {
  return framing === "events" ? "text/event-stream; charset=utf-8" : "application/json; charset=utf-8";
}

/** What every response says that is a stream: nobody on the way is to keep it, or to hold it back (nginx' `x-accel-buffering`). */
export const STREAM_HEADERS = { "cache-control": "no-cache", "x-accel-buffering": "no" };

/** What puts a stream's events into the form that the client wants; null: they are in it. */
export function frameOf({ format, turn }: Pick<Call, "format" | "turn">): Frame | null {
  if (turn !== null) return turn.frame();
  return format.framing === "events" ? null : new SseArray();
}
