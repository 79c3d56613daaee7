// Reads one HTTP/1.1 response after another from bytes as they come (RFC 9112), strictly and without I/O.
// A state machine that can stop at any byte: the result is the same wherever the bytes were cut, none is looked at twice.

import type { HeaderFields } from "../../config/plan.ts";
import { CR, HEX, LF, TEXT, TOKEN } from "./grammar.ts";

/** Bounds of a response; all of them are checked before anything is kept. */
export interface ParserLimits {
  /** Bytes of one head, status line included. */
  readonly max_head_bytes: number;
  /** Fields of one head, and of the trailers. */
  readonly max_fields: number;
  /** Interim (1xx) heads before the final one. */
  readonly max_interim: number;
  /** Bytes of the line before a chunk, extensions included. */
  readonly max_chunk_line_bytes: number;
  /** Bytes of all trailers. */
  readonly max_trailer_bytes: number;
}

/** Limits that real answers stay far below. */
export const DEFAULT_PARSER_LIMITS: ParserLimits = {
  max_head_bytes: 65_536,
  max_fields: 256,
  max_interim: 16,
  max_chunk_line_bytes: 1_024,
  max_trailer_bytes: 16_384,
};

/** What `next` found. `more`: all bytes are used up. After `end` and `error` nothing more comes until `begin`. */
export type ParserEvent = "head" | "data" | "end" | "error" | "more";

// States. Numbers, because one is compared per byte in places.
const STATUS_LINE = 0;
const STATUS_LF = 1;
const FIELD = 2;
const NAME = 3;
const BEFORE_VALUE = 4;
const VALUE = 5;
const VALUE_LF = 6;
const HEAD_LF = 7;
const BODY_LENGTH = 8;
const BODY_CLOSE = 9;
const CHUNK_SIZE = 10;
const EXT_NAME_FIRST = 11;
const EXT_NAME = 12;
const EXT_VALUE_FIRST = 13;
const EXT_VALUE = 14;
const EXT_QUOTED = 15;
const EXT_ESCAPED = 16;
const EXT_QUOTED_END = 17;
const CHUNK_LF = 18;
const CHUNK_DATA = 19;
const CHUNK_END_CR = 20;
const CHUNK_END_LF = 21;
const DONE = 22;
const FAILED = 23;

const SPACE = 0x20;
const TAB = 9;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * A parser of responses, one at a time: `begin`, then `feed` each piece and call `next` until it says `more`.
 *
 * Data is told as views of the piece that was fed; only a head that comes in several pieces is copied.
 */
export class ResponseParser {
  /** The final head, from the event `head` on. */
  status = 0;
  fields: HeaderFields = [];
  /** The bytes of the event `data`. */
  data: Uint8Array = EMPTY;
  /** Why the event `error` came; names no value. */
  error = "";
  /** Whether the connection may serve another request (RFC 9112 9.3), from the event `head` on. */
  keep_alive = false;
  /** Seconds of `keep-alive: timeout=`, or -1. */
  keep_alive_s = -1;

  readonly #limits: ParserLimits;
  #state = DONE;
  #chunk: Uint8Array = EMPTY;
  #at = 0;

  // The head: bytes that are kept (only of a head in pieces), and where its fields begin and end.
  #kept: Uint8Array = EMPTY;
  #kept_length = 0;
  #head_bytes = 0;
  /**
   * Per field: begin and end of the name, begin and end of the value, in bytes from the head's first.
   * The end of a name with capitals is stored as its complement.
   */
  #marks: Int32Array<ArrayBuffer> = new Int32Array(4 * FIRST_FIELDS);
  #marked = 0;
  #upper = false;
  #interim = 0;
  #one_zero = false;
  #asked_close = false;
  #asked_keep_alive = false;
  #in_trailers = false;

  #no_body = false;
  #left = 0;
  #line_bytes = 0;
  #digits = 0;

  constructor(limits: ParserLimits = DEFAULT_PARSER_LIMITS) {
    this.#limits = limits;
  }

  /** Expects the response to a request; `no_body` when its method was HEAD. */
  begin(no_body: boolean): void {
    this.#no_body = no_body;
    this.#interim = 0;
    this.#in_trailers = false;
    this.#beginHead();
    this.data = EMPTY;
    this.#chunk = EMPTY;
    this.#at = 0;
  }

  /** Whether a head has been told and its body has not ended. */
  get in_body(): boolean {
    if (this.#state >= DONE) return false;
    return this.#state >= BODY_LENGTH || this.#in_trailers;
  }

  /** Whether a head has begun and is not complete. */
  get in_head(): boolean {
    return this.#state < BODY_LENGTH && !this.#in_trailers && this.#head_bytes > 0;
  }

  /** Bytes of the fed piece that are not used: those after the end of a response. */
  get excess_bytes(): number {
    return this.#chunk.length - this.#at;
  }

  /** Takes the next piece. The one before must have been used up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Whether the body runs until the connection ends: a FIN is its regular end. */
  get ends_at_close(): boolean {
    return this.#state === BODY_CLOSE;
  }

  /** What is missing when the connection ends in another place. */
  missing(): string {
    if (this.#state === BODY_LENGTH) return `${this.#left} bytes of the body are missing`;
    if (this.#state === BODY_CLOSE) return "broken off in the middle of a body";
    if (this.in_body) return "the chunked body is incomplete";
    return this.in_head ? "the response head is incomplete" : "there was no response";
  }

  /** The next event of the piece that was fed. */
  next(): ParserEvent {
    for (;;) {
      const state = this.#state;
      if (state < BODY_LENGTH) {
        const event = this.#readHead();
        if (event !== "again") return event;
      } else if (state === DONE) {
        return "more";
      } else if (state === FAILED) {
        return "error";
      } else if (state === BODY_CLOSE) {
        return this.#takeAll();
      } else if (this.#at === this.#chunk.length && this.#left !== 0) {
        return "more";
      } else if (state === BODY_LENGTH) {
        if (this.#left === 0) return this.#end();
        return this.#take();
      } else if (state === CHUNK_DATA) {
        if (this.#left > 0) return this.#take();
        this.#state = CHUNK_END_CR;
      } else {
        const event = this.#readChunkLine();
        if (event !== "again") return event;
      }
    }
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

  #take(): "data" {
    const length = Math.min(this.#left, this.#chunk.length - this.#at);
    this.data =
      length === this.#chunk.length ? this.#chunk : this.#chunk.subarray(this.#at, this.#at + length);
    this.#at += length;
    this.#left -= length;
    return "data";
  }

  #takeAll(): "data" | "more" {
    if (this.#at === this.#chunk.length) return "more";
    this.data = this.#at === 0 ? this.#chunk : this.#chunk.subarray(this.#at);
    this.#at = this.#chunk.length;
    return "data";
  }

  // ---- Heads and trailers

  #beginHead(): void {
    this.#state = STATUS_LINE;
    this.#head_bytes = 0;
    this.#kept_length = 0;
    this.#marked = 0;
  }

  /**
   * Goes on with a head or the trailers to the end of the piece. Marks are offsets from the head's first byte;
   * `#head_bytes` counts those of the earlier pieces, which `#kept` holds.
   */
  #readHead(): ParserEvent | "again" {
    const chunk = this.#chunk;
    const length = chunk.length;
    const start = this.#at;
    const shift = this.#head_bytes - start;
    const limit = this.#in_trailers ? this.#limits.max_trailer_bytes : this.#limits.max_head_bytes;
    // One byte over the limit is looked at, so that the head is refused there and not at the end of the piece.
    const end = Math.min(length, start + limit - this.#head_bytes + 1);
    let marks = this.#marks;
    let state = this.#state;
    let at = start;

    while (at < end) {
      switch (state) {
        case STATUS_LINE: {
          while (at < end && TEXT[chunk[at]!] === 1) at++;
          if (at + shift >= 5 && !this.#startsWithHttp(chunk, start, shift))
            return this.#fail("not an HTTP/1.1 response");
          if (at === end) break;
          if (chunk[at] !== CR) return this.#fail(lineError(chunk[at]!, "the status line"));
          marks[0] = at + shift;
          state = STATUS_LF;
          at++;
          break;
        }
        case STATUS_LF: {
          if (chunk[at] !== LF) return this.#fail("bare CR in the status line");
          state = FIELD;
          at++;
          // Told early, so that a server of another protocol is refused at its first line.
          const error = this.#readStatusLine(chunk, start, shift, marks[0]!);
          if (error !== null) return this.#fail(error);
          break;
        }
        case FIELD: {
          const byte = chunk[at]!;
          if (byte === CR) {
            state = HEAD_LF;
            at++;
            break;
          }
          if (byte === SPACE || byte === TAB) return this.#fail("folded field line");
          if (TOKEN[byte] === 0)
            return this.#fail(byte === COLON ? "empty field name" : lineError(byte, "a field name"));
          if (this.#marked === this.#limits.max_fields) return this.#fail("too many fields");
          if (this.#marked * 4 === marks.length) marks = this.#growMarks();
          marks[this.#marked * 4] = at + shift;
          this.#upper = false;
          state = NAME;
          break;
        }
        case NAME: {
          let byte = chunk[at]!;
          while (TOKEN[byte] === 1) {
            if (byte >= 0x41 && byte <= 0x5a) this.#upper = true;
            if (++at === end) break;
            byte = chunk[at]!;
          }
          if (at === end) break;
          if (byte !== COLON) {
            const blank = byte === SPACE || byte === TAB;
            return this.#fail(blank ? "white space in a field name" : lineError(byte, "a field name"));
          }
          marks[this.#marked * 4 + 1] = this.#upper ? ~(at + shift) : at + shift;
          state = BEFORE_VALUE;
          at++;
          break;
        }
        case BEFORE_VALUE: {
          while (at < end && (chunk[at] === SPACE || chunk[at] === TAB)) at++;
          if (at === end) break;
          marks[this.#marked * 4 + 2] = at + shift;
          state = VALUE;
          break;
        }
        case VALUE: {
          while (at < end && TEXT[chunk[at]!] === 1) at++;
          if (at === end) break;
          if (chunk[at] !== CR) return this.#fail(lineError(chunk[at]!, "a field value"));
          marks[this.#marked * 4 + 3] = at + shift;
          this.#marked++;
          state = VALUE_LF;
          at++;
          break;
        }
        case VALUE_LF: {
          if (chunk[at] !== LF) return this.#fail("bare CR in a field value");
          state = FIELD;
          at++;
          break;
        }
        default: {
          if (chunk[at] !== LF) return this.#fail("bare CR in the head");
          at++;
          if (at + shift > limit) break;
          this.#at = at;
          if (this.#in_trailers) return this.#end();
          return this.#completeHead(chunk, start, at);
        }
      }
    }

    this.#state = state;
    if (at + shift > limit)
      return this.#fail(`${this.#in_trailers ? "the trailers are" : "the head is"} over ${limit} bytes`);
    // Trailers are checked and dropped: nothing of them is kept.
    if (!this.#in_trailers) this.#keep(chunk, start, at);
    this.#head_bytes += at - start;
    this.#at = at;
    return "more";
  }

  #growMarks(): Int32Array<ArrayBuffer> {
    const larger = new Int32Array(this.#marks.length * 2);
    larger.set(this.#marks);
    this.#marks = larger;
    return larger;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#kept_length + end - start;
    if (length > this.#kept.length) {
      const larger = new Uint8Array(Math.max(1_024, 2 ** Math.ceil(Math.log2(length))));
      larger.set(this.#kept.subarray(0, this.#kept_length));
      this.#kept = larger;
    }
    this.#kept.set(
      start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end),
      this.#kept_length,
    );
    this.#kept_length = length;
  }

  #startsWithHttp(chunk: Uint8Array, start: number, shift: number): boolean {
    for (let i = 0; i < 5; i++) {
      if (this.#byteOfHead(chunk, start, shift, i) !== HTTP_SLASH.charCodeAt(i)) return false;
    }
    return true;
  }

  #byteOfHead(chunk: Uint8Array, start: number, shift: number, offset: number): number {
    return offset < start + shift ? this.#kept[offset]! : chunk[offset - shift]!;
  }

  /** Reads `HTTP/1.x SP 3DIGIT [ SP reason ]`; the reason is dropped. Returns what is wrong, or null. */
  #readStatusLine(chunk: Uint8Array, start: number, shift: number, length: number): string | null {
    const byte = (offset: number): number => this.#byteOfHead(chunk, start, shift, offset);
    if (length < 12) return "bad status line";
    const minor = byte(7);
    if (byte(5) !== 0x31 || byte(6) !== 0x2e || (minor !== 0x30 && minor !== 0x31))
      return "bad or unsupported HTTP version";
    if (byte(8) !== SPACE || (length > 12 && byte(12) !== SPACE)) return "bad status line";
    let status = 0;
    for (let offset = 9; offset < 12; offset++) {
      const digit = byte(offset) - 0x30;
      if (digit < 0 || digit > 9) return "bad status code";
      status = status * 10 + digit;
    }
    if (status < 100 || status > 599) return "bad status code";
    if (status === 101) return "the protocol was switched without being asked";
    this.status = status;
    this.#one_zero = minor === 0x30;
    this.keep_alive_s = -1;
    return null;
  }

  #completeHead(chunk: Uint8Array, start: number, end: number): ParserEvent | "again" {
    if (this.status < 200) {
      // Interim heads (RFC 9110 15.2) are not told.
      if (++this.#interim > this.#limits.max_interim) return this.#fail("too many interim responses");
      this.#beginHead();
      return "again";
    }
    let text: string;
    if (this.#kept_length === 0) {
      text = decode(chunk, start, end);
    } else {
      this.#keep(chunk, start, end);
      text = decode(this.#kept, 0, this.#kept_length);
    }
    // A head that came in pieces was rare and may have been large.
    this.#kept = EMPTY;
    this.#head_bytes = 0;
    const error = this.#readFields(text);
    if (error !== null) return this.#fail(error);
    return "head";
  }

  #readFields(text: string): string | null {
    const marks = this.#marks;
    const fields: (readonly [string, string])[] = new Array(this.#marked);
    const one_zero = this.#one_zero;
    this.#asked_close = false;
    this.#asked_keep_alive = false;
    let length = -1;
    let coding: string | null = null;
    for (let i = 0; i < this.#marked; i++) {
      const mark = i * 4;
      const name_end = marks[mark + 1]!;
      const name =
        name_end >= 0
          ? text.substring(marks[mark]!, name_end)
          : lowerCase(text.substring(marks[mark]!, ~name_end));
      const begin = marks[mark + 2]!;
      let end = marks[mark + 3]!;
      while (end > begin && isBlank(text.charCodeAt(end - 1))) end--;
      const value = text.substring(begin, end);
      fields[i] = [name, value];
      switch (name.length) {
        case 10:
          if (name === "connection") this.#readConnection(value);
          else if (name === "keep-alive") this.#readKeepAlive(value);
          break;
        case 14:
          if (name === "content-length") {
            const bytes = decimal(value);
            if (bytes < 0) return "bad content-length";
            if (length >= 0 && length !== bytes) return "two different content-lengths";
            length = bytes;
          }
          break;
        case 17:
          if (name === "transfer-encoding") {
            if (coding !== null) return "two transfer-encodings";
            coding = value;
          }
          break;
      }
    }
    this.fields = fields;
    this.keep_alive = !this.#asked_close && (!one_zero || this.#asked_keep_alive);
    return this.#chooseBody(length, coding, one_zero);
  }

  /** How long the body is (RFC 9112 6.3); what is wrong, or null. */
  #chooseBody(length: number, coding: string | null, one_zero: boolean): string | null {
    if (coding !== null) {
      if (length >= 0) return "content-length and transfer-encoding";
      if (one_zero) return "transfer-encoding in HTTP/1.0";
      // We never ask for another coding (TE), so nobody may use one.
      if (coding !== "chunked" && coding.toLowerCase() !== "chunked") return "unknown transfer-encoding";
    }
    this.#left = 0;
    if (this.#no_body || this.status === 204 || this.status === 304) {
      this.#state = BODY_LENGTH;
    } else if (coding !== null) {
      this.#beginChunk();
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

  // ---- Chunked bodies (RFC 9112 7.1)

  #beginChunk(): void {
    this.#state = CHUNK_SIZE;
    this.#left = 0;
    this.#digits = 0;
    this.#line_bytes = 0;
  }

  /** Goes on with the line before a chunk, its extensions, or the line end after it. */
  #readChunkLine(): ParserEvent | "again" {
    const chunk = this.#chunk;
    const limit = this.#limits.max_chunk_line_bytes;
    let at = this.#at;
    while (at < chunk.length) {
      const byte = chunk[at++]!;
      if (this.#state < CHUNK_DATA && ++this.#line_bytes > limit)
        return this.#fail("the line before a chunk is too long");
      switch (this.#state) {
        case CHUNK_SIZE: {
          const digit = HEX[byte]!;
          if (digit !== 255) {
            this.#left = this.#left * 16 + digit;
            if (this.#left > Number.MAX_SAFE_INTEGER) return this.#fail("chunk size overflow");
            this.#digits++;
          } else if (this.#digits === 0) {
            return this.#fail("bad chunk size");
          } else if (byte === CR) {
            this.#state = CHUNK_LF;
          } else if (byte === SEMICOLON) {
            this.#state = EXT_NAME_FIRST;
          } else {
            return this.#fail("bad chunk size");
          }
          break;
        }
        case CHUNK_LF:
          if (byte !== LF) return this.#fail("bare CR after a chunk size");
          this.#at = at;
          if (this.#left > 0) {
            this.#state = CHUNK_DATA;
          } else {
            this.#beginHead();
            this.#state = FIELD;
            this.#in_trailers = true;
          }
          return "again";
        case CHUNK_END_CR:
          if (byte !== CR) return this.#fail("a chunk is longer than its size");
          this.#state = CHUNK_END_LF;
          break;
        case CHUNK_END_LF:
          if (byte !== LF) return this.#fail("bare CR after a chunk");
          this.#beginChunk();
          break;
        default:
          if (!this.#readExtension(byte)) return this.#fail("bad chunk extension");
      }
    }
    this.#at = at;
    return "more";
  }

  /** One byte of `*( ";" token [ "=" ( token / quoted-string ) ] )`; white space is refused, as are its senders' sizes. */
  #readExtension(byte: number): boolean {
    switch (this.#state) {
      case EXT_NAME_FIRST:
      case EXT_VALUE_FIRST:
        if (byte === QUOTE && this.#state === EXT_VALUE_FIRST) {
          this.#state = EXT_QUOTED;
          return true;
        }
        this.#state = this.#state === EXT_NAME_FIRST ? EXT_NAME : EXT_VALUE;
        return TOKEN[byte] === 1;
      case EXT_QUOTED:
        if (byte === QUOTE) this.#state = EXT_QUOTED_END;
        else if (byte === BACKSLASH) this.#state = EXT_ESCAPED;
        return TEXT[byte] === 1;
      case EXT_ESCAPED:
        this.#state = EXT_QUOTED;
        return TEXT[byte] === 1;
    }
    // After a name, a value or a quoted string.
    if (byte === CR) {
      this.#state = CHUNK_LF;
      return true;
    }
    if (byte === SEMICOLON) {
      this.#state = EXT_NAME_FIRST;
      return true;
    }
    if (byte === EQUALS && this.#state === EXT_NAME) {
      this.#state = EXT_VALUE_FIRST;
      return true;
    }
    return this.#state !== EXT_QUOTED_END && TOKEN[byte] === 1;
  }
}

const EMPTY = new Uint8Array(0);
/** Fields that a parser has room for from the start: it lives as long as its connection. */
const FIRST_FIELDS = 32;
const HTTP_SLASH = "HTTP/";

function lineError(byte: number, where: string): string {
  return byte === LF ? `bare LF in ${where}` : `bad byte in ${where}`;
}

/** Names that were written with capitals, and what they are without: a table of the ones seen last. */
const KNOWN_NAMES = 256;
const known_names: string[] = new Array(KNOWN_NAMES).fill("");
const lower_names: string[] = new Array(KNOWN_NAMES).fill("");

/** `toLowerCase` is the dearest part of reading a head (90 ns a name); servers write the same few names. */
function lowerCase(name: string): string {
  const { length } = name;
  if (length > 64) return name.toLowerCase();
  const slot = (length * 31 + name.charCodeAt(0) * 7 + name.charCodeAt(length - 1)) & (KNOWN_NAMES - 1);
  if (known_names[slot] === name) return lower_names[slot]!;
  const lower = name.toLowerCase();
  // A copy, since a slice would keep its whole head alive.
  known_names[slot] = Buffer.from(name, "latin1").toString("latin1");
  lower_names[slot] = lower;
  return lower;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

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

// The engine's own Latin-1 decoder: one call for a whole head, whose fields are then slices of one string.
const latin1Slice = Buffer.prototype.latin1Slice;

function decode(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}
