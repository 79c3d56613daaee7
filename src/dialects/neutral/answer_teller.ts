// Tells what a stream of one choice says, part by part: numbers the parts, and tells nothing more once the stream is over.

import type { WireError } from "../openai/error.ts";
import type { EventSink, PartStart, StreamEvent } from "./answer.ts";

/** Tells a sink of an answer with one choice. */
export class AnswerTeller {
  /** The answer has ended, or broken off. */
  is_over = false;
  readonly #sink: EventSink;
  #parts = 0;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  tell(event: StreamEvent): void {
    if (!this.is_over) this.#sink(event);
  }

  /** Begins a part; gives its number. */
  startPart(start: PartStart): number {
    const part = this.#parts++;
    this.tell({ kind: "part_start", choice: 0, part, start });
    return part;
  }

  /** More text of a part. */
  tellText(part: number, text: string): void {
    this.tell({ kind: "delta", choice: 0, part, text });
  }

  stopPart(part: number): void {
    this.tell({ kind: "part_stop", choice: 0, part });
  }

  /** A part that is whole at once. */
  tellWhole(start: PartStart, text = ""): void {
    const part = this.startPart(start);
    if (text !== "") this.tellText(part, text);
    this.stopPart(part);
  }

  end(): void {
    this.tell({ kind: "end" });
    this.is_over = true;
  }

  fail(error: WireError): void {
    this.tell({ kind: "error", error });
    this.is_over = true;
  }
}
