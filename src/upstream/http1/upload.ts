// Sends a body while it is being read. The stream is asked for the next piece only when the socket has taken the last,
// so that a slow upstream holds back whoever uploads.

import type { UploadBody } from "../exchange.ts";
import type { Connection } from "./connection.ts";

/** Hears of an upload: at most one of the two, neither after `stop`. */
export interface UploadWaiter {
  uploaded(): void;
  uploadFailed(what: string, cause: unknown): void;
}

const CRLF = new Uint8Array([13, 10]);
const LAST_CHUNK = new Uint8Array([0x30, 13, 10, 13, 10]);
/** Pieces up to this many bytes are joined with their chunk framing. */
const JOIN_BYTES = 16_384;

/** One upload on one connection. */
export class Upload {
  readonly #connection: Connection;
  readonly #length: number | null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #waiter: UploadWaiter | null;
  #sent = 0;
  #flushed: (() => void) | null = null;

  /** Takes the stream at once; throws when somebody else reads it. */
  constructor(connection: Connection, body: UploadBody, waiter: UploadWaiter) {
    this.#connection = connection;
    this.#length = body.length;
    this.#waiter = waiter;
    this.#reader = body.stream.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  /** Sends the head and then the stream. */
  async run(head: Uint8Array): Promise<void> {
    let failure = "";
    let cause: unknown;
    try {
      await this.#send([head]);
      while (this.#waiter !== null) {
        const { done, value } = await this.#reader.read();
        if (this.#waiter === null) return;
        if (done) break;
        if (!(value instanceof Uint8Array)) throw new TypeError("not bytes");
        if (value.length === 0) continue;
        this.#sent += value.length;
        if (this.#length !== null && this.#sent > this.#length) {
          failure = `more than the announced ${this.#length} bytes`;
          break;
        }
        await this.#send(this.#length === null ? chunkOf(value) : [value]);
      }
      if (this.#length === null) await this.#send([LAST_CHUNK]);
      else if (this.#sent < this.#length) failure = `${this.#sent} of ${this.#length} announced bytes`;
    } catch (error) {
      failure = "the stream failed";
      cause = error;
    }
    const waiter = this.#waiter;
    if (waiter === null) return;
    if (failure === "") {
      this.#waiter = null;
      waiter.uploaded();
      return;
    }
    this.stop();
    waiter.uploadFailed(failure, cause);
  }

  /** The socket has taken what it was given. */
  flushed(): void {
    const resolve = this.#flushed;
    this.#flushed = null;
    resolve?.();
  }

  /** Gives the rest of the stream up. No callback comes any more. */
  stop(): void {
    if (this.#waiter === null) return;
    this.#waiter = null;
    this.flushed();
    this.#reader.cancel().catch(() => {});
  }

  async #send(parts: readonly Uint8Array[]): Promise<void> {
    if (this.#waiter === null || this.#connection.send(parts)) return;
    await new Promise<void>((resolve) => {
      this.#flushed = resolve;
    });
  }
}

function chunkOf(bytes: Uint8Array): Uint8Array[] {
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`, "latin1");
  return bytes.length <= JOIN_BYTES ? [Buffer.concat([size, bytes, CRLF])] : [size, bytes, CRLF];
}
