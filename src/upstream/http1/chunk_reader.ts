// Reads what stands between the chunks of a body: sizes, extensions, line ends (RFC 9112 7.1).
// Sizes are where smuggling begins, so whatever is not exactly the grammar is refused; extensions are checked and dropped.

import { CR, HEX, LF, TEXT, TOKEN } from "./grammar.ts";

// States. Those of the line before a chunk come first.
const SIZE = 0;
const EXT_NAME_FIRST = 1;
const EXT_NAME = 2;
const EXT_VALUE_FIRST = 3;
const EXT_VALUE = 4;
const EXT_QUOTED = 5;
const EXT_ESCAPED = 6;
const EXT_QUOTED_END = 7;
const LINE_LF = 8;
const CHUNK_END_CR = 9;
const CHUNK_END_LF = 10;

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A reader of chunk framing: after `chunk`, whoever reads takes `left` bytes of data and comes back. */
export class ChunkReader {
  /** Bytes of the chunk that have not been taken. */
  left = 0;
  /** Where the last `read` stopped. */
  at = 0;
  /** Why the last `read` failed. */
  error = "";

  readonly #max_line_bytes: number;
  #state = SIZE;
  #line_bytes = 0;
  #digits = 0;

  constructor(max_line_bytes: number) {
    this.#max_line_bytes = max_line_bytes;
  }

  begin(): void {
    this.#state = SIZE;
    this.left = 0;
    this.#digits = 0;
    this.#line_bytes = 0;
  }

  /** Goes on from `start` with what has come, up to the bytes of the next chunk; `left` says how many. */
  read(chunk: Uint8Array, start: number): "more" | "chunk" | "last" | "error" {
    const limit = this.#max_line_bytes;
    let at = start;
    while (at < chunk.length) {
      const byte = chunk[at++]!;
      if (this.#state < CHUNK_END_CR && ++this.#line_bytes > limit)
        return this.#fail("the line before a chunk is too long");
      switch (this.#state) {
        case SIZE: {
          const digit = HEX[byte]!;
          if (digit !== 255) {
            this.left = this.left * 16 + digit;
            if (this.left > Number.MAX_SAFE_INTEGER) return this.#fail("chunk size overflow");
            this.#digits++;
          } else if (this.#digits === 0) {
            return this.#fail("bad chunk size");
          } else if (byte === CR) {
            this.#state = LINE_LF;
          } else if (byte === SEMICOLON) {
            this.#state = EXT_NAME_FIRST;
          } else {
            return this.#fail("bad chunk size");
          }
          break;
        }
        case LINE_LF:
          if (byte !== LF) return this.#fail("bare CR after a chunk size");
          this.at = at;
          if (this.left === 0) return "last";
          this.#state = CHUNK_END_CR;
          return "chunk";
        case CHUNK_END_CR:
          if (byte !== CR) return this.#fail("a chunk is longer than its size");
          this.#state = CHUNK_END_LF;
          break;
        case CHUNK_END_LF:
          if (byte !== LF) return this.#fail("bare CR after a chunk");
          this.begin();
          break;
        default:
          if (!this.#readExtension(byte)) return this.#fail("bad chunk extension");
      }
    }
    this.at = at;
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
      this.#state = LINE_LF;
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

  #fail(message: string): "error" {
    this.error = message;
    return "error";
  }
}
