// Reads one HTTP answer from the bytes as they come: its status, its end, and the events of a stream.
// It decodes chunks properly: where an answer ends must not be guessed by a benchmark that counts failures.

const NEWLINE = 10;
/** Characters at the end of the body that are kept, to tell a good end. */
const TAIL_CHARS = 48;
/** A head longer than this is a fault. */
const HEAD_MAX_BYTES = 16_384;

/** An answer as far as it has come. Use a fresh one, or `reset`, for each. */
export class AnswerReader {
  /** 0 until the head is there. */
  status = 0;
  is_whole = false;
  /** What is wrong with it as HTTP. */
  fault: string | null = null;
  /** Server-sent events that are whole. */
  events = 0;
  body_bytes = 0;
  /** The last characters of the body. */
  tail = "";
  #head: Buffer | null = null;
  #is_chunked = false;
  /** Bytes left of the body, or of the chunk that is being read. */
  #left = 0;
  /** Where in a chunk: its size line, its data, the line end behind it, the trailer. */
  #part: "size" | "data" | "end" | "trailer" = "size";
  #line = "";
  #ended_line = false;

  reset(): void {
    this.status = 0;
    this.is_whole = false;
    this.events = 0;
    this.body_bytes = 0;
    this.tail = "";
    this.#head = null;
    this.#left = 0;
    this.#part = "size";
    this.#line = "";
    this.#ended_line = false;
  }

  /** Takes the next bytes. Bytes behind the end of the answer are a fault. */
  push(bytes: Buffer): void {
    let from = 0;
    if (this.status === 0) {
      const input = this.#head === null ? bytes : Buffer.concat([this.#head, bytes]);
      const end = input.indexOf("\r\n\r\n");
      if (end < 0) {
        this.#head = Buffer.from(input);
        if (input.length > HEAD_MAX_BYTES) this.fault = "the head is too long";
        return;
      }
      this.#readHead(input.toString("latin1", 0, end));
      bytes = input;
      from = end + 4;
    }
    const end = this.#is_chunked ? this.#readChunks(bytes, from) : this.#readLength(bytes, from);
    if (end < bytes.length) this.fault ??= "bytes came behind the end";
  }

  #readHead(head: string): void {
    this.status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
    if (this.status === 0) {
      this.status = -1;
      this.fault = `this is not HTTP: ${JSON.stringify(head.slice(0, 40))}`;
    }
    this.#is_chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    if (this.#is_chunked) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) this.fault ??= "the answer has no length";
    this.#left = Number(length ?? 0);
    this.is_whole = this.#left === 0;
  }

  #readLength(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#readBody(bytes, from, to);
    this.#left -= to - from;
    this.is_whole = this.#left === 0;
    return to;
  }

  #readChunks(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && !this.is_whole) {
      if (this.#part === "data") {
        const to = Math.min(bytes.length, at + this.#left);
        this.#readBody(bytes, at, to);
        this.#left -= to - at;
        at = to;
        if (this.#left === 0) this.#part = "end";
        continue;
      }
      const line_end = bytes.indexOf(NEWLINE, at);
      this.#line += bytes.toString("latin1", at, line_end < 0 ? bytes.length : line_end);
      if (line_end < 0) return bytes.length;
      at = line_end + 1;
      const line = this.#line.trimEnd();
      this.#line = "";
      if (this.#part === "end") {
        this.#part = "size";
        if (line !== "") this.fault = "a chunk is longer than it says";
      } else if (this.#part === "trailer") {
        this.is_whole = line === "";
      } else {
        this.#left = Number.parseInt(line, 16);
        if (Number.isNaN(this.#left)) this.fault = `this is no chunk: ${JSON.stringify(line.slice(0, 40))}`;
        this.#part = this.#left > 0 ? "data" : "trailer";
      }
    }
    return at;
  }

  #readBody(bytes: Buffer, from: number, to: number): void {
    if (to <= from) return;
    this.body_bytes += to - from;
    this.tail = (this.tail + bytes.toString("latin1", Math.max(from, to - TAIL_CHARS), to)).slice(
      -TAIL_CHARS,
    );
    let ended_line = this.#ended_line;
    let events = 0;
    for (let at = from; at < to; at++) {
      if (bytes[at] !== NEWLINE) ended_line = false;
      else if (ended_line) {
        events += 1;
        ended_line = false;
      } else ended_line = true;
    }
    this.events += events;
    this.#ended_line = ended_line;
  }
}
