// A stream of Anthropic's Messages out of InvokeModelWithResponseStream: each frame holds one event, in base64, and is written as the
// server-sent event that Anthropic itself would have sent.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html.

import { messagesErrorEvent } from "../anthropic/error.ts";
import { record } from "../fields.ts";
import type { WireError } from "../openai/error.ts";
import type { ChunkTranslation } from "../translate.ts";
import type { Fields } from "./own.ts";
import { BedrockEvents, CONTENT_TYPE, type EventHearer } from "./stream_events.ts";

const NOTHING = new Uint8Array(0);

/** Unpacks one stream, as its bytes come. */
class MessagesUnpacking implements ChunkTranslation, EventHearer {
  /** What the events tell is read by who watches them. */
  readonly usage = undefined;
  readonly #events = new BedrockEvents(this);
  #written = "";

  feed(chunk: Uint8Array): Uint8Array {
    this.#events.feed(chunk);
    if (this.#written === "") return NOTHING;
    const bytes = Buffer.from(this.#written);
    this.#written = "";
    return bytes;
  }

  close(): Uint8Array {
    return NOTHING;
  }

  onEvent(_name: string, { bytes }: Fields): void {
    if (typeof bytes !== "string") return;
    const text = Buffer.from(bytes, "base64").toString();
    const type = typeOf(text);
    if (type !== null) this.#written += `event: ${type}\ndata: ${text}\n\n`;
  }

  onError(error: WireError): void {
    this.#written += messagesErrorEvent(error);
  }
}

/** A stream that is still to be unpacked. */
export function unpackedMessages(): {
  readonly translation: ChunkTranslation;
  readonly content_type: string;
} {
  return { translation: new MessagesUnpacking(), content_type: CONTENT_TYPE };
}

const FIRST = '{"type":"';
const WORD = /^\w{1,64}$/;

/** The event's type; null where the text is no event, or would not stay in its line. */
function typeOf(text: string): string | null {
  if (text.includes("\n") || text.includes("\r")) return null;
  // Anthropic tells it first.
  const told = text.startsWith(FIRST)
    ? text.slice(FIRST.length, text.indexOf('"', FIRST.length))
    : typeIn(text);
  return typeof told === "string" && WORD.test(told) ? told : null;
}

function typeIn(text: string): unknown {
  try {
    return record(JSON.parse(text))["type"];
  } catch {
    return null;
  }
}
