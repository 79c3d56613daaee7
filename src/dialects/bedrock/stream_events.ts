// The events of a stream of Bedrock's, out of its binary frames: each is a JSON object with a name, or an exception.
// Source: https://smithy.io/2.0/aws/amazon-eventstream.html, "Event streams".

import { type EventMessage, EventStreamFramer } from "../../wire/event_stream.ts";
import { isFields } from "../fields.ts";
import type { WireError } from "../openai/error.ts";
import { brokenStream, readException } from "./error.ts";
import type { Fields } from "./own.ts";

/** How the content type of such streams begins. */
export const CONTENT_TYPE = "application/vnd.amazon.eventstream";

/** The largest event that is read. */
const EVENT_BYTES = 4 << 20;

const decoder = new TextDecoder();

/** Who hears of a stream's events. Behind an error nothing comes. */
export interface EventHearer {
  onEvent(name: string, event: Fields): void;
  onError(error: WireError): void;
}

/** Reads a stream's bytes, however they are cut. */
export class BedrockEvents {
  readonly #framer: EventStreamFramer;
  readonly #hearer: EventHearer;
  #is_over = false;

  constructor(hearer: EventHearer) {
    this.#hearer = hearer;
    this.#framer = new EventStreamFramer(EVENT_BYTES, (message) => this.#read(message));
  }

  /** Takes more bytes. */
  feed(chunk: Uint8Array): void {
    if (this.#is_over) return;
    const fault = this.#framer.feed(chunk);
    if (fault !== null) this.#fail(brokenStream(fault));
  }

  #read({ headers, payload }: EventMessage): void {
    if (this.#is_over) return;
    const value = jsonOf(payload);
    switch (headers.get(":message-type")) {
      case "exception":
        this.#fail(readException(String(headers.get(":exception-type") ?? ""), value));
        break;
      case "error": {
        const message = headers.get(":error-message");
        this.#fail(readException(String(headers.get(":error-code") ?? ""), { message }));
        break;
      }
      default:
        if (isFields(value)) this.#hearer.onEvent(String(headers.get(":event-type") ?? ""), value);
    }
  }

  #fail(error: WireError): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#hearer.onError(error);
  }
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
}
