// Frames of AWS's binary event streams (`application/vnd.amazon.eventstream`): prelude, headers, payload, each under a checksum.
// Source: https://smithy.io/2.0/aws/amazon-eventstream.html.

import { crc32 } from "node:zlib";

/** A header's value, by its type. */
export type HeaderValue = string | number | bigint | boolean | Date | Uint8Array;

/** One message. Its payload is a view of the bytes that it came in. */
export interface EventMessage {
  readonly headers: ReadonlyMap<string, HeaderValue>;
  readonly payload: Uint8Array;
}

/** Lengths of all and of the headers, and their checksum. */
const PRELUDE_BYTES = 12;
/** The checksum of all that comes before. */
const CHECKSUM_BYTES = 4;
/** The most that headers may take: the format's own bound. */
const HEADERS_BYTES_MAX = 128 * 1024;

/** The least memory taken for a message that a chunk's end cut. */
const HELD_BYTES_MIN = 1024;

const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();

/** Cuts bytes, however they come, into messages. Once something is wrong with them it gives no more. */
export class EventStreamFramer {
  readonly #max_bytes: number;
  readonly #onMessage: (message: EventMessage) => void;
  /** Memory for a message that is not whole yet, and how much of it is in use. */
  #memory: Uint8Array = NOTHING;
  #held = 0;
  /** As many bytes have to be there before anything more can be said. */
  #wanted = PRELUDE_BYTES;
  #fault: string | null = null;

  /** @param max_bytes of one message; a longer one is a fault */
  constructor(max_bytes: number, onMessage: (message: EventMessage) => void) {
    this.#max_bytes = max_bytes;
    this.#onMessage = onMessage;
  }

  /** Takes more bytes; returns what is wrong with them, or null. */
  feed(chunk: Uint8Array): string | null {
    if (this.#fault !== null) return this.#fault;
    if (this.#held + chunk.length < this.#wanted) {
      this.#hold(chunk);
      return null;
    }
    let rest = chunk;
    if (this.#held > 0) {
      this.#hold(chunk);
      rest = this.#memory.subarray(0, this.#held);
      this.#memory = NOTHING;
      this.#held = 0;
    }
    while (rest.length >= PRELUDE_BYTES) {
      const length = this.#lengthOf(rest);
      if (this.#fault !== null) return this.#fault;
      this.#wanted = length;
      if (rest.length < length) break;
      this.#read(rest.subarray(0, length));
      if (this.#fault !== null) return this.#fault;
      this.#wanted = PRELUDE_BYTES;
      rest = rest.subarray(length);
    }
    this.#hold(rest);
    return null;
  }

  /** Whether the bytes so far end with a whole message. */
  get is_between(): boolean {
    return this.#held === 0 && this.#fault === null;
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const length = this.#held + bytes.length;
    if (length > this.#memory.length) {
      const memory = new Uint8Array(Math.max(length, 2 * this.#memory.length, HELD_BYTES_MIN));
      memory.set(this.#memory.subarray(0, this.#held));
      this.#memory = memory;
    }
    this.#memory.set(bytes, this.#held);
    this.#held = length;
  }

  /** The length that a prelude tells. */
  #lengthOf(bytes: Uint8Array): number {
    const view = viewOf(bytes);
    const length = view.getUint32(0);
    const headers = view.getUint32(4);
    if (crc32(bytes.subarray(0, 8)) !== view.getUint32(8)) this.#fault = "the checksum of a prelude is wrong";
    else if (length > this.#max_bytes) this.#fault = `a message of more than ${this.#max_bytes} bytes`;
    else if (headers > HEADERS_BYTES_MAX || length < PRELUDE_BYTES + headers + CHECKSUM_BYTES)
      this.#fault = "the lengths in a prelude do not fit";
    return length;
  }

  #read(message: Uint8Array): void {
    const view = viewOf(message);
    const end = message.length - CHECKSUM_BYTES;
    if (crc32(message.subarray(0, end)) !== view.getUint32(end)) {
      this.#fault = "the checksum of a message is wrong";
      return;
    }
    const headers_end = PRELUDE_BYTES + view.getUint32(4);
    const headers = readHeaders(message.subarray(PRELUDE_BYTES, headers_end));
    if (headers === null) this.#fault = "the headers of a message cannot be read";
    else this.#onMessage({ headers, payload: message.subarray(headers_end, end) });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readHeaders(bytes: Uint8Array): Map<string, HeaderValue> | null {
  const headers = new Map<string, HeaderValue>();
  const view = viewOf(bytes);
  try {
    for (let at = 0; at < bytes.length; ) {
      const name_end = at + 1 + bytes[at]!;
      const name = textOf(bytes, at + 1, name_end);
      const [value, end] = readValue(view, bytes, name_end);
      headers.set(name, value);
      at = end;
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return headers;
}

/** @throws RangeError where a value goes beyond the headers, or is of no known type */
function readValue(view: DataView, bytes: Uint8Array, at: number): [value: HeaderValue, end: number] {
  const start = at + 1;
  switch (view.getUint8(at)) {
    case 0:
      return [true, start];
    case 1:
      return [false, start];
    case 2:
      return [view.getInt8(start), start + 1];
    case 3:
      return [view.getInt16(start), start + 2];
    case 4:
      return [view.getInt32(start), start + 4];
    case 5:
      return [view.getBigInt64(start), start + 8];
    case 6: {
      const end = start + 2 + view.getUint16(start);
      return [new Uint8Array(slice(bytes, start + 2, end)), end];
    }
    case 7: {
      const end = start + 2 + view.getUint16(start);
      return [textOf(bytes, start + 2, end), end];
    }
    case 8:
      return [new Date(Number(view.getBigInt64(start))), start + 8];
    case 9: {
      const hex = Buffer.from(slice(bytes, start, start + 16)).toString("hex");
      return [hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"), start + 16];
    }
    default:
      throw new RangeError("a type that is not known");
  }
}

function slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end > bytes.length) throw new RangeError("beyond the headers");
  return start === end ? NOTHING : bytes.subarray(start, end);
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(slice(bytes, start, end));
}
