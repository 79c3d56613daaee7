// An answer of the simulator before it is told: head, body in parts with the waits between them, and how it ends.
// Bodies are lazy, so a long stream that is paused or aborted costs only what was told of it.

import type { HeaderFields } from "../../config/plan.ts";

/** A part of a body. */
export interface AnswerPart {
  /** Silence before it, in milliseconds. */
  readonly wait_ms: number;
  readonly bytes: Uint8Array;
}

/** What the simulator answers to a request. */
export interface Answer {
  /** Silence before the head, in milliseconds; Infinity never answers. */
  readonly wait_ms: number;
  readonly status: number;
  readonly headers: HeaderFields;
  readonly body: Iterable<AnswerPart>;
  /** `end`: complete; `cut`: the connection breaks after the last part. */
  readonly ending: "end" | "cut";
}

/** A request that is refused, in OpenAI's terms. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** How a plain answer differs from an immediate and whole one. */
export interface PlainOptions {
  readonly wait_ms?: number;
  readonly status?: number;
  readonly headers?: HeaderFields;
  /** Breaks off after half of the body. */
  readonly cut?: boolean;
}

const encoder = new TextEncoder();

/** A 400 about one field of the request. */
export function refusal(message: string, param: string | null, code: string | null, status = 400): Refusal {
  return { status, message, type: "invalid_request_error", param, code };
}

/** An answer of one JSON value. `id` is what the request's bytes hash to. */
export function plainAnswer(id: string, value: unknown, options: PlainOptions = {}): Answer {
  const bytes = encoder.encode(JSON.stringify(value));
  const told = options.cut ? bytes.subarray(0, bytes.length >> 1) : bytes;
  return {
    wait_ms: options.wait_ms ?? 0,
    status: options.status ?? 200,
    headers: [
      ["content-type", "application/json"],
      ["content-length", String(bytes.length)],
      ["x-request-id", `req_${id}`],
      ...(options.headers ?? []),
    ],
    body: [{ wait_ms: 0, bytes: told }],
    ending: options.cut ? "cut" : "end",
  };
}

/** A refusal as an answer, with OpenAI's error body. */
export function errorAnswer(id: string, refused: Refusal, headers: HeaderFields = []): Answer {
  const { status, message, type, param, code } = refused;
  return plainAnswer(id, { error: { message, type, param, code } }, { status, headers });
}

/** A stream of events; `parts` are its bodies in order. */
export function streamAnswer(id: string, body: Iterable<AnswerPart>, ending: Answer["ending"]): Answer {
  return {
    wait_ms: 0,
    status: 200,
    headers: [
      ["content-type", "text/event-stream; charset=utf-8"],
      ["cache-control", "no-cache"],
      ["x-request-id", `req_${id}`],
    ],
    body,
    ending,
  };
}

/** One server-sent event whose data is a JSON value. */
export function eventPart(value: unknown, wait_ms = 0): AnswerPart {
  return { wait_ms, bytes: encoder.encode(`data: ${JSON.stringify(value)}\n\n`) };
}

/** The event that ends a stream. */
export function donePart(): AnswerPart {
  return { wait_ms: 0, bytes: encoder.encode("data: [DONE]\n\n") };
}
