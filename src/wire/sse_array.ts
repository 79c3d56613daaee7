// Server-sent events of JSON as one JSON array: how Gemini streams to those who do not ask for events.

import { SseFramer } from "./sse.ts";

/** Longer events cannot be put into an array; bytes. A picture comes in one event. */
const EVENT_MAX_BYTES = 32 * 1024 * 1024;

/** What stands in an array for a comment: white space, that a client's parser passes over. */
const BLANK = "\n";

/** Puts a stream's events into an array, as they come. */
export class SseArray {
  /** Whether there was an event that is too long: what comes then is no array any more. */
  is_broken = false;
  readonly #framer: SseFramer;
  #pieces: (Uint8Array | string)[] = [];
  #has_begun = false;

  constructor(event_max_bytes = EVENT_MAX_BYTES) {
    this.#framer = new SseFramer(event_max_bytes, {
      onEvent: ({ data }) => {
        if (data === null) this.#pieces.push(BLANK);
        else this.#pieces.push(this.#has_begun ? ",\r\n" : "[", data);
        this.#has_begun ||= data !== null;
      },
    });
  }

  /** What these bytes add to the array. */
  feed(bytes: Uint8Array): Uint8Array {
    this.is_broken = this.#framer.feed(bytes) !== null;
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
