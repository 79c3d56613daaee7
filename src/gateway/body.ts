// Reading a client's request body: never more than the limit, and not longer than it keeps coming.

import { GatewayError } from "../errors.ts";
import type { Alarm, Alarms } from "./alarms.ts";

/** Bodies up to this size are read in one go, which spares a copy; of larger ones progress is seen, piece by piece. */
const AT_ONCE_MAX_BYTES = 1024 * 1024;
/** Memory for a larger one is taken at once where its length is told, up to this size: more is not taken at a client's word. */
const MEMORY_MAX_BYTES = 4 * 1024 * 1024;
/** A body that is read in one go may take this much longer than the longest silence: no slower than 16 KB a second. */
const SLOWEST_BYTES_PER_MS = 16;

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
  return reading.of(is_at_once ? request.bytes() : readPieces(request.body!, length, limits, reading));
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

/** Smaller bodies of calls that end soon are left to the collection of garbage: to give them back gains nothing that could be measured. */
const LARGE_BYTES = 64 * 1024;

/**
 * Gives the memory of a body back, which nobody reads any more: it is empty from now on. Until garbage is collected, bodies of a
 * hundred calls would be there, and each new one would lie in memory that no cache of the processor knows.
 * @param least smaller ones stay as they are; bytes
 */
export function giveBack(body: Uint8Array, least = LARGE_BYTES): void {
  const { length } = body;
  if (length < least) return;
  const { buffer } = body;
  if (length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

async function readPieces(
  body: ReadableStream<Uint8Array>,
  length: number | null,
  limits: BodyLimits,
  alarm: Alarm,
): Promise<Uint8Array | GatewayError> {
  const is_known = length !== null && length <= MEMORY_MAX_BYTES;
  const memory = is_known ? Buffer.allocUnsafeSlow(length) : null;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    const before = size;
    size += piece.length;
    if (size > limits.max_bytes) return tooLarge(limits.max_bytes);
    alarm.at_ms = performance.now() + limits.idle_ms;
    if (memory === null) pieces.push(piece);
    else {
      memory.set(piece, before);
      giveBack(piece);
    }
  }
  if (memory !== null) return size === length ? memory : incomplete("it is shorter than was told");
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size);
}
