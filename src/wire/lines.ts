// A framer for lines in bytes, as newline-delimited JSON comes (https://github.com/ndjson/ndjson-spec): each ends with LF, perhaps behind CR.

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = new Uint8Array(0);
/** The least memory taken for a line that a chunk's end cut. */
const HELD_BYTES_MIN = 512;

/**
 * Cuts a stream into lines, however its chunks are cut. Whole lines are views of their chunk; one that a chunk's end cuts is copied into
 * memory that doubles. Every byte is looked at once.
 */
export class LineFramer {
  readonly #limit_bytes: number;
  readonly #onLine: (line: Uint8Array) => void;
  #held: Uint8Array = NOTHING;
  #held_bytes = 0;
  #overflowed = false;

  /**
   * @param limit_bytes a longer line ends the framing: see `feed`
   * @param onLine gets each line without its end; empty ones are left out. The bytes are its own only until it returns.
   */
  constructor(limit_bytes: number, onLine: (line: Uint8Array) => void) {
    this.#limit_bytes = limit_bytes;
    this.#onLine = onLine;
  }

  /** Takes the next chunk. False: a line is longer than the limit, and no more lines come. */
  feed(chunk: Uint8Array): boolean {
    let start = 0;
    while (!this.#overflowed) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) {
        this.#overflowed = !this.#hold(chunk.subarray(start));
        break;
      }
      if (this.#held_bytes === 0 && end - start <= this.#limit_bytes) this.#tell(chunk.subarray(start, end));
      else if (this.#hold(chunk.subarray(start, end))) this.#tellHeld();
      else this.#overflowed = true;
      start = end + 1;
    }
    return !this.#overflowed;
  }

  /** No more bytes come: what is left is the last line. */
  end(): void {
    if (!this.#overflowed) this.#tellHeld();
  }

  #tellHeld(): void {
    const line = this.#held.subarray(0, this.#held_bytes);
    this.#held_bytes = 0;
    this.#tell(line);
  }

  #tell(line: Uint8Array): void {
    const length = line.at(-1) === CR ? line.length - 1 : line.length;
    if (length > 0) this.#onLine(line.subarray(0, length));
  }

  /** Appends to what is held. False: it would be more than the limit. */
  #hold(bytes: Uint8Array): boolean {
    const needed = this.#held_bytes + bytes.length;
    if (needed > this.#limit_bytes) return false;
    if (needed > this.#held.length) {
      const larger = new Uint8Array(Math.max(HELD_BYTES_MIN, 2 * needed));
      larger.set(this.#held.subarray(0, this.#held_bytes));
      this.#held = larger;
    }
    this.#held.set(bytes, this.#held_bytes);
    this.#held_bytes = needed;
    return true;
  }
}
