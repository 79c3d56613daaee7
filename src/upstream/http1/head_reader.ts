// Reads the head of a response, and the trailers after its chunks, from bytes as they come (RFC 9112 4 and 5).
// No byte is looked at twice; strings are made once, when all of it is there, as slices of a single one.

import { CR, LF, TEXT, TOKEN } from "./grammar.ts";
import { HeadFields } from "./head_fields.ts";
import type { ParserLimits } from "./parser_limits.ts";

// States. Numbers, because one is compared at every turn.
const STATUS_LINE = 0;
const STATUS_LF = 1;
const FIELD = 2;
const NAME = 3;
const BEFORE_VALUE = 4;
const VALUE = 5;
const VALUE_LF = 6;
const HEAD_LF = 7;

const SPACE = 0x20;
const TAB = 9;
const COLON = 0x3a;
const DOT = 0x2e;
const ZERO = 0x30;
const ONE = 0x31;

/** A reader of one head after another: `beginHead` or `beginTrailers`, then `read` until it is complete. */
export class HeadReader {
  /** From the end of the status line on. */
  status = 0;
  /** HTTP/1.0 instead of 1.1. */
  is_one_zero = false;
  /** Where the last `read` stopped. */
  at = 0;
  /** Why the last `read` failed; names no value. */
  error = "";

  readonly #limits: ParserLimits;
  #state = STATUS_LINE;
  #in_trailers = false;
  /** Bytes of the earlier pieces, only of a head that came in several. */
  #kept: Uint8Array = EMPTY;
  #kept_length = 0;
  #head_bytes = 0;
  #text = "";
  /**
   * Per field: begin and end of the name, begin and end of the value, in bytes from the first of the head.
   * The end of a name with capitals is stored as its complement.
   */
  #marks: Int32Array<ArrayBuffer> = shared_marks;
  #marked = 0;
  #upper = false;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  beginHead(): void {
    this.#state = STATUS_LINE;
    this.#in_trailers = false;
    this.#head_bytes = 0;
    this.#kept_length = 0;
    this.#marked = 0;
    this.#marks = shared_marks;
  }

  /** Trailers are checked as fields are, and dropped. */
  beginTrailers(): void {
    this.beginHead();
    this.#state = FIELD;
    this.#in_trailers = true;
  }

  /** Whether some of it has come in earlier pieces. */
  get is_begun(): boolean {
    return this.#head_bytes > 0;
  }

  /**
   * Goes on from `start` with what has come. Marks are offsets from the first byte of the head;
   * `#head_bytes` counts those of the earlier pieces, which `#kept` holds.
   */
  read(chunk: Uint8Array, start: number): "more" | "complete" | "error" {
    const length = chunk.length;
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
          this.at = at;
          if (!this.#in_trailers) this.#text = this.#textOf(chunk, start, at);
          return "complete";
        }
      }
    }

    this.#state = state;
    if (at + shift > limit)
      return this.#fail(`${this.#in_trailers ? "the trailers are" : "the head is"} over ${limit} bytes`);
    // Trailers are checked and dropped: nothing of them is kept.
    if (!this.#in_trailers) {
      this.#keep(chunk, start, at);
      if (this.#marks === shared_marks) this.#marks = shared_marks.slice();
    }
    this.#head_bytes += at - start;
    this.at = at;
    return "more";
  }

  #growMarks(): Int32Array<ArrayBuffer> {
    const larger = new Int32Array(this.#marks.length * 2);
    larger.set(this.#marks);
    if (this.#marks === shared_marks) shared_marks = larger;
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
    if (length < 12) return "bad status line";
    const minor = this.#byteOfHead(chunk, start, shift, 7);
    const is_http_1 =
      this.#byteOfHead(chunk, start, shift, 5) === ONE && this.#byteOfHead(chunk, start, shift, 6) === DOT;
    if (!is_http_1 || (minor !== ZERO && minor !== ONE)) return "bad or unsupported HTTP version";
    const is_spaced =
      this.#byteOfHead(chunk, start, shift, 8) === SPACE &&
      (length === 12 || this.#byteOfHead(chunk, start, shift, 12) === SPACE);
    if (!is_spaced) return "bad status line";
    let status = 0;
    for (let offset = 9; offset < 12; offset++) {
      const digit = this.#byteOfHead(chunk, start, shift, offset) - ZERO;
      if (digit < 0 || digit > 9) return "bad status code";
      status = status * 10 + digit;
    }
    if (status < 100 || status > 599) return "bad status code";
    if (status === 101) return "the protocol was switched without being asked";
    this.status = status;
    this.is_one_zero = minor === ZERO;
    return null;
  }

  #textOf(chunk: Uint8Array, start: number, end: number): string {
    if (this.#kept_length === 0) return decode(chunk, start, end);
    this.#keep(chunk, start, end);
    const text = decode(this.#kept, 0, this.#kept_length);
    // A head that came in pieces was rare and may have been large.
    this.#kept = EMPTY;
    this.#kept_length = 0;
    return text;
  }

  /** The fields of the head that is complete. */
  fields(): HeadFields {
    const marks = new Int32Array(this.#marked * 4);
    // A few dozen of them: `slice` takes longer.
    for (let i = 0; i < marks.length; i++) marks[i] = this.#marks[i]!;
    const fields = new HeadFields(this.#text, marks);
    this.#text = "";
    return fields;
  }

  #fail(message: string): "error" {
    this.error = message;
    return "error";
  }
}

const EMPTY = new Uint8Array(0);
/** The marks of heads that come in one piece, as nearly all do. Who has to wait for more takes a copy. */
let shared_marks = new Int32Array(4 * 32);
const HTTP_SLASH = "HTTP/";

function lineError(byte: number, where: string): string {
  return byte === LF ? `bare LF in ${where}` : `bad byte in ${where}`;
}

// The engine's own Latin-1 decoder: one call for a whole head, whose fields are then slices of one string.
const latin1Slice = Buffer.prototype.latin1Slice;

function decode(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}
