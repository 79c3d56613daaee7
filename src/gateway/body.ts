// Reading a client's request body: never more than the limit, and not longer than it keeps coming.

import { GatewayError } from "../errors.ts";
import type { Alarm, Alarms } from "./alarms.ts";

/** Bodies up to this size are read in one go; larger ones piece by piece, so that progress can be seen. */
const AT_ONCE_MAX_BYTES = 256 * 1024;
/** A body that is read in one go may take this much longer than the longest silence: no slower than 4 KB a second. */
const SLOWEST_BYTES_PER_MS = 4;

/** What bounds the reading of a body. */
export interface BodyLimits {
  readonly max_bytes: number;
  /** Longest silence in the middle of a body, in milliseconds. */
  readonly idle_ms: number;
}

function tooLarge(max_bytes: number): GatewayError {
  return new GatewayError(
    "body_too_large",
    `The request body is larger than the ${max_bytes} bytes that this gateway takes (listen.max_body_bytes).`,
  );
}

function incomplete(what: string): GatewayError {
  return new GatewayError("body_incomplete", `The request body is incomplete: ${what}.`);
}

/** The declared length of a body; null for a chunked one. */
export function declaredLength(headers: Headers): number | null {
  const value = headers.get("content-length");
  return value === null ? null : Number(value);
}

/**
 * Reads the whole body, or says why not (400, 413). A client that goes away gives `body_incomplete`, which nobody sees.
 * After a 413 what still comes is read and dropped by the server, so that the client gets to see the answer.
 */
export function readBody(
  request: Request,
  limits: BodyLimits,
  alarms: Alarms,
): Promise<Uint8Array | GatewayError> {
  const length = declaredLength(request.headers);
  if (length !== null && length > limits.max_bytes) return Promise.resolve(tooLarge(limits.max_bytes));
  const is_at_once = length !== null && length <= AT_ONCE_MAX_BYTES;
  // Asking for the body as a stream costs something, so it is not asked for where the length says enough.
  if (length === 0 || (length === null && request.body === null)) return Promise.resolve(new Uint8Array(0));
  const patience_ms = limits.idle_ms + (is_at_once ? length / SLOWEST_BYTES_PER_MS : 0);
  const reading = new BodyReading(patience_ms, alarms);
  return reading.of(is_at_once ? request.bytes() : readPieces(request.body!, limits, reading));
}

/** A body that is being read, until it is there or was waited for too long. */
class BodyReading implements Alarm {
  alarm_slot = -1;
  at_ms: number;
  readonly #patience_ms: number;
  readonly #alarms: Alarms;
  readonly #result = Promise.withResolvers<Uint8Array | GatewayError>();

  constructor(patience_ms: number, alarms: Alarms) {
    this.#patience_ms = patience_ms;
    this.#alarms = alarms;
    this.at_ms = performance.now() + patience_ms;
    alarms.add(this);
  }

  ring(): void {
    this.#result.resolve(incomplete(`its rest did not come within ${Math.round(this.#patience_ms)} ms`));
  }

  of(body: Promise<Uint8Array | GatewayError>): Promise<Uint8Array | GatewayError> {
    body.then(
      (bytes) => this.#end(bytes),
      () => this.#end(incomplete("the connection was closed before its end")),
    );
    return this.#result.promise;
  }

  #end(result: Uint8Array | GatewayError): void {
    this.#alarms.remove(this);
    this.#result.resolve(result);
  }
}

async function readPieces(
  body: ReadableStream<Uint8Array>,
  limits: BodyLimits,
  alarm: Alarm,
): Promise<Uint8Array | GatewayError> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > limits.max_bytes) return tooLarge(limits.max_bytes);
    alarm.at_ms = performance.now() + limits.idle_ms;
    pieces.push(piece);
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size);
}
