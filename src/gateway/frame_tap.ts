// What a call used whose answer is passed through in AWS's binary frames.

import { BedrockEvents } from "../dialects/bedrock/stream_events.ts";
import { UsageTap } from "./usage_tap.ts";

/** Reads the usage in the events of a binary stream, those that are packed in it too. */
export class FrameTap extends UsageTap {
  readonly #events = new BedrockEvents({
    onEvent: (name, { bytes, ...event }) => {
      if (typeof bytes === "string") this.see(Buffer.from(bytes, "base64"));
      else if (name === "metadata") this.see(Buffer.from(JSON.stringify(event)));
    },
    // Whoever gets the bytes sees for himself what is wrong with them.
    onError: () => {},
  });

  override take(chunk: Uint8Array): void {
    this.#events.feed(chunk);
  }
}
