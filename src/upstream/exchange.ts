// One HTTP exchange with an upstream, as callbacks: dispatch a request, hear of head, data, end or error.
// Everything that answers calls (HTTP/1.1, fetch, the in-process sim) implements `UpstreamClient`.

import type { HeaderFields, Origin, Timeouts } from "../config/plan.ts";

/** A request to send. `host`, `content-length`, `transfer-encoding` and `connection` are written by the client itself. */
export interface UpstreamRequest {
  readonly origin: Origin;
  /** Connections are shared only among requests of the same origin and pool (a provider key's name). */
  readonly pool: string;
  readonly method: string;
  /** Origin form: path and query, beginning with "/". */
  readonly path: string;
  /** Fields that are the same for many requests: the very same array each time, so that its bytes are made once. */
  readonly headers: HeaderFields;
  /** Fields of this request alone. */
  readonly extra_headers?: HeaderFields;
  /**
   * Whole bodies come as parts that are sent one after another; uploads come as a stream, null is no body. A client may let
   * go of it here when it is no longer needed: a stream may last for minutes, and its request may have half a megabyte.
   */
  body: readonly Uint8Array[] | UploadBody | null;
  readonly timeouts: Timeouts;
}

/** A body that is read while it is sent; it can be sent once. */
export interface UploadBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Bytes, when known in advance; otherwise it is sent chunked. */
  readonly length: number | null;
}

/** The head of the final response. */
export interface UpstreamHead {
  readonly status: number;
  /** Whoever has read what it wants of a long answer's lets go of them here (`NO_HEADERS`). */
  headers: ResponseHeaders;
}

/** Fields of a response: names in lower case, in wire order. */
export interface ResponseHeaders {
  readonly fields: HeaderFields;
  /** Those whose names begin with one of these (in lower case). */
  startingWith(prefixes: readonly string[]): HeaderFields;
  /** The first value of a field (name in lower case), or null. */
  get(name: string): string | null;
}

/** Fields of a response that are there as a list. */
export class FieldList implements ResponseHeaders {
  readonly fields: HeaderFields;

  constructor(fields: HeaderFields) {
    this.fields = fields;
  }

  startingWith(prefixes: readonly string[]): HeaderFields {
    return this.fields.filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)));
  }

  get(name: string): string | null {
    for (const field of this.fields) if (field[0] === name) return field[1];
    return null;
  }
}

/** No fields, or none any more. */
export const NO_HEADERS: ResponseHeaders = new FieldList([]);

/** Why an exchange failed. */
export type UpstreamFailure =
  | "resolve"
  | "connect"
  | "tls"
  | "connect_timeout"
  | "first_byte_timeout"
  | "idle_timeout"
  | "total_timeout"
  | "closed"
  | "bad_request"
  | "bad_response"
  | "upload"
  /** Nothing was to be had that authorizes the request. */
  | "authorization"
  /** The request may not be written as it is: a mistake of ours, nothing was sent. */
  | "bad_request"
  /** The handler threw: a mistake of ours. */
  | "handler";

/** A failed exchange; `message` names the address and what happened, and holds no header and no secret. */
export class UpstreamError {
  readonly failure: UpstreamFailure;
  readonly message: string;
  readonly cause: unknown;

  constructor(failure: UpstreamFailure, message: string, cause?: unknown) {
    this.failure = failure;
    this.message = message;
    this.cause = cause;
  }
}

/** Hears of an exchange. Exactly one of `onEnd` and `onError` comes, last; after `abort` nothing comes. */
export interface ExchangeHandler {
  /** The head of the final response; interim 1xx heads are not told. */
  onHead(head: UpstreamHead): void;
  /** Bytes of the body, transfer coding removed. The bytes belong to the handler from then on. */
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  onError(error: UpstreamError): void;
}

/** Moments of an exchange, from `performance.now()`, in milliseconds; 0 until they have come. */
export interface ExchangeTimes {
  started_ms: number;
  /** A connection was there (at once when it was reused). */
  connected_ms: number;
  /** The first byte of the response arrived. */
  first_byte_ms: number;
}

/** An exchange under way. */
export interface Exchange {
  readonly times: ExchangeTimes;
  /** Whether the request went out on a connection that had served another before. */
  readonly reused: boolean;
  /** Ends it now: the connection is closed, no callback comes any more. Harmless after the end. */
  abort(): void;
  /** Stops reading, so that the upstream is held back by TCP. Data already read may still be told. */
  pause(): void;
  resume(): void;
}

/** Sends requests. Implementations never throw from `exchange` and never call back before it has returned. */
export interface UpstreamClient {
  exchange(request: UpstreamRequest, handler: ExchangeHandler): Exchange;
  /** Closes idle connections at once, the others as their exchange ends. */
  close(): void;
}
