// A splitter for a JSON array that comes in pieces: each element is given as soon as its last byte is there.
// Gemini streams its answers so where it is not asked for server-sent events.

const LIST_OPEN = 0x5b;
const LIST_CLOSE = 0x5d;
const OBJECT_OPEN = 0x7b;
const OBJECT_CLOSE = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const SPACE = 0x20;

const NOTHING = new Uint8Array(0);
/** The least memory taken for an element that a chunk's end cut. */
const HELD_BYTES_MIN = 512;

/** Where the splitter stands: `value` is inside an element, `scalar` inside one that is no string, list or object. */
type Place = "before" | "first" | "element" | "value" | "scalar" | "after" | "end" | "fault";

/**
 * Cuts an array into its elements, however its chunks are cut. An object in place of the array is its only element: an error that
 * came instead. What is inside an element is not checked: whoever parses it sees.
 * An element that lies in one chunk is a view of it; of one that was cut only its pieces are copied, into memory that doubles.
 */
export class JsonArraySplitter {
  readonly #limit_bytes: number;
  readonly #onElement: (element: Uint8Array) => void;
  #place: Place = "before";
  /** The root is an object. */
  #is_alone = false;
  #depth = 0;
  #in_string = false;
  #escaped = false;
  #held: Uint8Array = NOTHING;
  #held_bytes = 0;

  /** `onElement` gets each element's bytes. One longer than `limit_bytes` is a fault; memory is at most twice that. */
  constructor(limit_bytes: number, onElement: (element: Uint8Array) => void) {
    this.#limit_bytes = limit_bytes;
    this.#onElement = onElement;
  }

  /** The array's closing bracket came (or the whole of the object), and nothing but white space behind it. */
  get ended(): boolean {
    return this.#place === "end";
  }

  /** The bytes are no array, or an element is too long. Nothing more is found. */
  get failed(): boolean {
    return this.#place === "fault";
  }

  /** How many bytes are held of the element that is not complete. */
  get held_bytes(): number {
    return this.#held_bytes;
  }

  /** Takes the next chunk, which must not be changed as long as its elements are in use. */
  feed(chunk: Uint8Array): void {
    let start = 0;
    let pos = 0;
    while (pos < chunk.length && this.#place !== "fault") {
      if (this.#place === "value") {
        pos = this.#throughValue(chunk, pos);
        if (this.#depth > 0 || this.#in_string) break; // the chunk is at its end
        this.#give(chunk, start, pos);
        continue;
      }
      const byte = chunk[pos]!;
      if (this.#place === "scalar") {
        if (byte === COMMA || byte === LIST_CLOSE || byte <= SPACE) this.#give(chunk, start, pos);
        else pos++;
        continue;
      }
      if (byte > SPACE) {
        start = pos;
        this.#step(byte);
      }
      pos++;
    }
    const is_inside = this.#place === "value" || this.#place === "scalar";
    if (is_inside && !this.#hold(chunk, start)) this.#fail();
  }

  /** Takes a byte that is no white space and lies outside of an element. */
  #step(byte: number): void {
    switch (this.#place) {
      case "before":
        this.#is_alone = byte === OBJECT_OPEN;
        if (this.#is_alone) this.#open(byte);
        else this.#place = byte === LIST_OPEN ? "first" : "fault";
        return;
      case "first":
      case "element":
        if (byte === LIST_CLOSE) this.#place = this.#place === "first" ? "end" : "fault";
        else if (byte === OBJECT_OPEN || byte === LIST_OPEN || byte === QUOTE) this.#open(byte);
        else this.#place = byte === COMMA ? "fault" : "scalar";
        return;
      case "after":
        this.#place = byte === COMMA ? "element" : byte === LIST_CLOSE ? "end" : "fault";
        return;
      default:
        this.#place = "fault";
    }
  }

  #open(byte: number): void {
    this.#place = "value";
    this.#in_string = byte === QUOTE;
    this.#depth = this.#in_string ? 0 : 1;
  }

  /** Goes on inside a string, list or object; where it ends, else the chunk's end. */
  #throughValue(chunk: Uint8Array, from: number): number {
    let pos = from;
    let depth = this.#depth;
    while (pos < chunk.length) {
      if (this.#in_string) {
        pos = this.#throughString(chunk, pos);
        if (!this.#in_string && depth === 0) break;
        continue;
      }
      const byte = chunk[pos++]!;
      if (byte === QUOTE) this.#in_string = true;
      else if (byte === OBJECT_OPEN || byte === LIST_OPEN) depth++;
      else if ((byte === OBJECT_CLOSE || byte === LIST_CLOSE) && --depth === 0) break;
    }
    this.#depth = depth;
    return pos;
  }

  /** Goes on inside a string; behind its closing quote, else the chunk's end. */
  #throughString(chunk: Uint8Array, from: number): number {
    let pos = from;
    while (pos < chunk.length) {
      const byte = chunk[pos++]!;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#in_string = false;
        break;
      }
    }
    return pos;
  }

  /** Gives the element that ends before `end`, with what is held of it. */
  #give(chunk: Uint8Array, start: number, end: number): void {
    let element = chunk.subarray(start, end);
    if (this.#held_bytes > 0) {
      if (!this.#hold(chunk.subarray(0, end), 0)) {
        this.#fail();
        return;
      }
      element = this.#held.subarray(0, this.#held_bytes);
      this.#held = NOTHING;
      this.#held_bytes = 0;
    } else if (element.length > this.#limit_bytes) {
      this.#fail();
      return;
    }
    this.#place = this.#is_alone ? "end" : "after";
    this.#onElement(element);
  }

  /** Keeps what came of an element. False: it is too long. */
  #hold(chunk: Uint8Array, start: number): boolean {
    const from = this.#held_bytes > 0 ? 0 : start;
    const needed_bytes = this.#held_bytes + chunk.length - from;
    if (needed_bytes > this.#limit_bytes) return false;
    if (needed_bytes > this.#held.length) {
      const larger = new Uint8Array(Math.max(HELD_BYTES_MIN, 2 * needed_bytes));
      larger.set(this.#held.subarray(0, this.#held_bytes));
      this.#held = larger;
    }
    this.#held.set(from === 0 ? chunk : chunk.subarray(from), this.#held_bytes);
    this.#held_bytes = needed_bytes;
    return true;
  }

  #fail(): void {
    this.#place = "fault";
    this.#held = NOTHING;
    this.#held_bytes = 0;
  }
}
