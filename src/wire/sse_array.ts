// Server-sent events of JSON as one JSON array: how Gemini streams to those who do not ask for events.

import { SseFramer } from "./sse.ts";

/** A longer event is left out; bytes. */
const EVENT_MAX_BYTES = 4 * 1024 * 1024;

/** What stands in an array for a comment: white space, that a client's parser passes over. */
const BLANK = "\n";

/** Puts a stream's events into an array, as they come. */
export class SseArray {
  readonly #framer: SseFramer;
  #pieces: (Uint8Array | string)[] = [];
  #has_begun = false;

  constructor() {
    this.#framer = new SseFramer(EVENT_MAX_BYTES, ({ data }) => {
      if (data === null) this.#pieces.push(BLANK);
      else this.#pieces.push(this.#has_begun ? ",\r\n" : "[", data);
      this.#has_begun ||= data !== null;
    });
  }

  /** What these bytes add to the array. */
  feed(bytes: Uint8Array): Uint8Array {
    this.#framer.feed(bytes);
    const added = Buffer.concat(
      this.#pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)),
    );
    this.#pieces = [];
    return added;
  }

  /** The array's end. */
  close(): Uint8Array {
    return Buffer.from(this.#has_begun ? "]" : "[]");
  }
}
