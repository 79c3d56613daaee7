// Lines for tests: from text, and back.

import type { EventBatch } from "../../src/memory/event_ring.ts";
import { LineBuffer } from "../../src/memory/line_buffer.ts";

/** A line that has ended. */
export function line(text: string): LineBuffer {
  const buffer = new LineBuffer();
  buffer.text(text);
  buffer.end();
  return buffer;
}

/** The events of a batch; none of them is empty. */
export function textsOf({ lines }: EventBatch): string[] {
  return Buffer.from(lines)
    .toString("utf8")
    .split("\n")
    .filter((text) => text !== "");
}
