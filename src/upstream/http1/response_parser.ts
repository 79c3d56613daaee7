// Reads one HTTP/1.1 response after another from bytes as they come (RFC 9112), strictly and without I/O.
// A state machine that can stop at any byte: the result is the same wherever the bytes were cut, none is looked at twice.

import { partOf } from "../../wire/view.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { HeadFields } from "./head_fields.ts";
import { HeadReader } from "./head_reader.ts";
import { DEFAULT_PARSER_LIMITS, type ParserLimits } from "./parser_limits.ts";

/** What `next` found. `more`: all bytes are used up. After `end` and `error` nothing more comes until `begin`. */
export type ParserEvent = "head" | "data" | "end" | "error" | "more";

const HEAD = 0;
const BODY_LENGTH = 1;
const BODY_CLOSE = 2;
const CHUNK_LINE = 3;
const CHUNK_DATA = 4;
const TRAILERS = 5;
const DONE = 6;
const FAILED = 7;

/**
 * A parser of responses, one at a time: `begin`, then `feed` each piece and call `next` until it says `more`.
 *
 * Data is told as parts of the piece that was fed, long ones as views; only a head that comes in several pieces is copied.
 */
export class ResponseParser {
  /** The final head, from the event `head` on. */
  status = 0;
  headers: HeadFields = NO_FIELDS;
  /** The bytes of the event `data`. */
  data: Uint8Array = EMPTY;
  /** Why the event `error` came; names no value. */
  error = "";
  /** Whether the connection may serve another request (RFC 9112 9.3), from the event `head` on. */
  keep_alive = false;
  /** Seconds of `keep-alive: timeout=`, or -1. */
  keep_alive_s = -1;

  readonly #limits: ParserLimits;
  /** Reads a head, or trailers; null between them: a stream may be open for minutes without any. */
  #head: HeadReader | null = null;
  #is_one_zero = false;
  readonly #chunks: ChunkReader;
  readonly #max_interim: number;
  #state = DONE;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  #interim = 0;
  #no_body = false;
  /** Bytes of a body of known length that have not come. */
  #left = 0;
  #asked_close = false;
  #asked_keep_alive = false;

  constructor(limits: ParserLimits = DEFAULT_PARSER_LIMITS) {
    this.#limits = limits;
    this.#chunks = new ChunkReader(limits.max_chunk_line_bytes);
    this.#max_interim = limits.max_interim;
  }

  /** Expects the response to a request; `no_body` when its method was HEAD. */
  begin(no_body: boolean): void {
    this.#no_body = no_body;
    this.#interim = 0;
    this.#state = HEAD;
    this.#head ??= takeReader(this.#limits);
    this.#head.beginHead();
    this.data = EMPTY;
    this.#chunk = EMPTY;
    this.#at = 0;
  }

  /** Whether a head has begun and is not complete. */
  get in_head(): boolean {
    return this.#state === HEAD && this.#head?.is_begun === true;
  }

  /** Bytes of the fed piece that are not used: those after the end of a response. */
  get excess_bytes(): number {
    return this.#chunk.length - this.#at;
  }

  /** Whether the body runs until the connection ends: a FIN is its regular end. */
  get ends_at_close(): boolean {
    return this.#state === BODY_CLOSE;
  }

  /** What is missing when the connection ends in another place. */
  missing(): string {
    switch (this.#state) {
      case HEAD:
        return this.in_head ? "the response head is incomplete" : "there was no response";
      case BODY_LENGTH:
        return `${this.#left} bytes of the body are missing`;
      case BODY_CLOSE:
        return "broken off in the middle of a body";
      default:
        return "the chunked body is incomplete";
    }
  }

  /** Takes the next piece. The one before must have been used up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Lets go of what was fed, once it is used up, and of the head: an answer may be silent for minutes. */
  release(): void {
    this.data = EMPTY;
    this.#chunk = EMPTY;
    this.#at = 0;
    this.headers = NO_FIELDS;
  }

  /** The next event of the piece that was fed. */
  next(): ParserEvent {
    for (;;) {
      switch (this.#state) {
        case HEAD: {
          const event = this.#readHead();
          if (event !== "again") return event;
          break;
        }
        case BODY_LENGTH:
          if (this.#left === 0) return this.#end();
          if (this.#at === this.#chunk.length) return "more";
          this.#left -= this.#take(this.#left);
          return "data";
        case BODY_CLOSE:
          if (this.#at === this.#chunk.length) return "more";
          this.#take(this.#chunk.length);
          return "data";
        case CHUNK_LINE: {
          const chunks = this.#chunks;
          const found = chunks.read(this.#chunk, this.#at);
          if (found === "error") return this.#fail(chunks.error);
          this.#at = chunks.at;
          if (found === "more") return "more";
          if (found === "chunk") {
            this.#state = CHUNK_DATA;
          } else {
            this.#state = TRAILERS;
            this.#head = takeReader(this.#limits);
            this.#head.beginTrailers();
          }
          break;
        }
        case CHUNK_DATA:
          if (this.#at === this.#chunk.length) return "more";
          this.#chunks.left -= this.#take(this.#chunks.left);
          if (this.#chunks.left === 0) this.#state = CHUNK_LINE;
          return "data";
        case TRAILERS: {
          const trailers = this.#head!;
          const found = trailers.read(this.#chunk, this.#at);
          if (found === "error") return this.#fail(trailers.error);
          this.#at = trailers.at;
          if (found === "more") return "more";
          this.#leaveReader();
          return this.#end();
        }
        case DONE:
          return "more";
        default:
          return "error";
      }
    }
  }

  #leaveReader(): void {
    const spares = spare_readers.get(this.#limits);
    if (spares !== undefined && spares.length < SPARE_READERS_MAX) spares.push(this.#head!);
    this.#head = null;
  }

  #end(): "end" {
    this.#state = DONE;
    return "end";
  }

  #fail(message: string): "error" {
    this.#state = FAILED;
    this.error = message;
    return "error";
  }

  /** Tells up to `most` bytes; how many it were. */
  #take(most: number): number {
    const chunk = this.#chunk;
    const length = Math.min(most, chunk.length - this.#at);
    this.data = partOf(chunk, this.#at, this.#at + length);
    this.#at += length;
    return length;
  }

  #readHead(): ParserEvent | "again" {
    const head = this.#head!;
    const found = head.read(this.#chunk, this.#at);
    if (found === "error") return this.#fail(head.error);
    this.#at = head.at;
    if (found === "more") return "more";
    if (head.status < 200) {
      // Interim heads (RFC 9110 15.2) are not told.
      if (++this.#interim > this.#max_interim) return this.#fail("too many interim responses");
      head.beginHead();
      return "again";
    }
    this.status = head.status;
    this.headers = head.fields();
    this.#is_one_zero = head.is_one_zero;
    this.#leaveReader();
    const error = this.#readFraming();
    return error === null ? "head" : this.#fail(error);
  }

  /** Reads what the fields say about the body and the connection; what is wrong, or null. */
  #readFraming(): string | null {
    const { headers } = this;
    this.#asked_close = false;
    this.#asked_keep_alive = false;
    this.keep_alive_s = -1;
    let length = -1;
    let coding: string | null = null;
    for (let i = 0; i < headers.count; i++) {
      // The lengths of the names that matter.
      const length_of_name = headers.nameLength(i);
      if (length_of_name === 10) {
        const name = headers.name(i);
        if (name === "connection") this.#readConnection(headers.value(i));
        else if (name === "keep-alive") this.#readKeepAlive(headers.value(i));
      } else if (length_of_name === 14 && headers.name(i) === "content-length") {
        const bytes = decimal(headers.value(i));
        if (bytes < 0) return "bad content-length";
        if (length >= 0 && length !== bytes) return "two different content-lengths";
        length = bytes;
      } else if (length_of_name === 17 && headers.name(i) === "transfer-encoding") {
        if (coding !== null) return "two transfer-encodings";
        coding = headers.value(i);
      }
    }
    this.keep_alive = !this.#asked_close && (!this.#is_one_zero || this.#asked_keep_alive);
    return this.#chooseBody(length, coding);
  }

  /** How long the body is (RFC 9112 6.3); what is wrong, or null. */
  #chooseBody(length: number, coding: string | null): string | null {
    if (coding !== null) {
      if (length >= 0) return "content-length and transfer-encoding";
      if (this.#is_one_zero) return "transfer-encoding in HTTP/1.0";
      // We never ask for another coding (TE), so nobody may use one.
      if (coding !== "chunked" && coding.toLowerCase() !== "chunked") return "unknown transfer-encoding";
    }
    this.#left = 0;
    if (this.#no_body || this.status === 204 || this.status === 304) {
      this.#state = BODY_LENGTH;
    } else if (coding !== null) {
      this.#state = CHUNK_LINE;
      this.#chunks.begin();
    } else if (length >= 0) {
      this.#left = length;
      this.#state = BODY_LENGTH;
    } else {
      this.keep_alive = false;
      this.#state = BODY_CLOSE;
    }
    return null;
  }

  #readConnection(value: string): void {
    if (value === "keep-alive") {
      this.#asked_keep_alive = true;
      return;
    }
    for (const option of value.toLowerCase().split(",")) {
      const trimmed = option.trim();
      if (trimmed === "close") this.#asked_close = true;
      else if (trimmed === "keep-alive") this.#asked_keep_alive = true;
    }
  }

  #readKeepAlive(value: string): void {
    const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,9})/i.exec(value);
    if (seconds !== null) this.keep_alive_s = Number(seconds[1]);
  }
}

/** Readers that wait for the next head, by their limits: as many as there are heads at once, not as there are connections. */
const spare_readers = new WeakMap<ParserLimits, HeadReader[]>();
const SPARE_READERS_MAX = 1_000;

function takeReader(limits: ParserLimits): HeadReader {
  const spares = spare_readers.get(limits);
  if (spares === undefined) spare_readers.set(limits, []);
  return spares?.pop() ?? new HeadReader(limits);
}

const EMPTY = new Uint8Array(0);
const NO_FIELDS = new HeadFields("", new Int32Array(0));

/** 1*DIGIT as a number that is exact, or -1. */
function decimal(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return text.length === 0 ? -1 : value;
}
