// A line on its way into the mapped file, written byte by byte into memory of its own that is used again and again. A string put
// together of fifty pieces takes three times as long: it is made of the pieces first, then of their characters, then of bytes.

/** Bytes that a buffer begins with; it grows with its longest line, and keeps its memory up to a bound. */
const FIRST_BYTES = 4096;
const KEPT_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** Numbers are written in parts of so many digits. */
const PART_DIGITS = 9;
const PART = 10 ** PART_DIGITS;
const ZERO = 48;
/** Parts up to this length are copied here; more are worth a call into the runtime. Bytes. */
const SHORT_BYTES = 200;

/** A line that is being written. It has no line end in it. */
export class LineBuffer {
  /** Bytes of the line so far. */
  length = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #words: Int32Array = new Int32Array(0);

  constructor() {
    this.#grow(FIRST_BYTES);
  }

  /** The memory that the line is in. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The same as words. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Begins another line. */
  begin(): void {
    this.length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#grow(FIRST_BYTES);
  }

  /** Fills up with line ends, with one at least, to a multiple of eight bytes. */
  end(): void {
    this.#makeRoom(8);
    const bytes = this.#bytes;
    const padded = (this.length + 8) & ~7;
    for (let at = this.length; at < padded; at++) bytes[at] = NEWLINE;
  }

  /** One ASCII character. */
  byte(code: number): void {
    this.#makeRoom(1);
    this.#bytes[this.length] = code;
    this.length += 1;
  }

  text(text: string): void {
    this.#makeRoom(text.length * 3);
    const bytes = this.#bytes;
    const start = this.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.length = start + bufferOf(bytes).write(text, start);
        return;
      }
      bytes[start + index] = code;
    }
    this.length = start + text.length;
  }

  /** A number in decimal. */
  number(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value)) {
      this.text(String(value));
      return;
    }
    this.#makeRoom(2 * PART_DIGITS);
    if (value < PART) {
      this.#digits(value, digitsOf(value));
      return;
    }
    // Parts that fit 31 bits are divided in registers.
    const upper = Math.floor(value / PART);
    this.#digits(upper, digitsOf(upper));
    this.#digits(value - upper * PART, PART_DIGITS);
  }

  #digits(value: number, count: number): void {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let at = this.length + count - 1; at >= this.length; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.length += count;
  }

  /** Bytes that were written before. */
  part(part: Uint8Array): void {
    this.#makeRoom(part.length);
    const bytes = this.#bytes;
    const start = this.length;
    if (part.length > SHORT_BYTES) bytes.set(part, start);
    else for (let index = 0; index < part.length; index++) bytes[start + index] = part[index]!;
    this.length = start + part.length;
  }

  toString(): string {
    return bufferOf(this.#bytes).toString("utf8", 0, this.length);
  }

  #makeRoom(bytes: number): void {
    if (this.length + bytes > this.#bytes.length) this.#grow(2 * (this.length + bytes));
  }

  #grow(to_bytes: number): void {
    const size = (to_bytes + 7) & ~7;
    const memory = new ArrayBuffer(size);
    const bytes = new Uint8Array(memory);
    bytes.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bytes;
    this.#words = new Int32Array(memory);
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function digitsOf(value: number): number {
  let count = 1;
  for (let power = 10; count < PART_DIGITS && value >= power; power *= 10) count += 1;
  return count;
}
