// Items of a stream that is written: each tells its own events, and in the end what it is as a whole.
// Source: OpenAI API reference, "Streaming events"; the order within an item is that of recorded streams of the API.

import type { PartStart, TokenLogprob } from "../neutral/answer.ts";
import type { Citation, Signature } from "../neutral/parts.ts";
import type { Fields } from "./own.ts";

/** Where events go. */
export interface EventWriter {
  /** The number of the next event. */
  sequence: number;
  /** What was written. */
  text: string;
}

/** How far an item is. */
export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** An item of the output. */
export abstract class OutputItem {
  readonly id: string;
  protected readonly events: EventWriter;
  protected readonly output_index: number;
  protected status: ItemStatus = "in_progress";
  #is_sealed = false;
  #is_closed = false;

  constructor(events: EventWriter, output_index: number, id: string) {
    this.id = id;
    this.events = events;
    this.output_index = output_index;
  }

  /** Whether it is whole, or nothing joins it any more. */
  get is_closed(): boolean {
    return this.#is_closed || this.#is_sealed;
  }

  /** The item as it is. One that did not come to its end is incomplete. */
  value(): Fields {
    return this.item(this.status === "in_progress" ? "incomplete" : this.status);
  }

  /** Its first event. */
  open(): void {
    this.tell("response.output_item.added", {
      output_index: this.output_index,
      item: this.item("in_progress"),
    });
  }

  /** Another item comes: once its parts have stopped, this one is whole. */
  seal(): void {
    this.#is_sealed = true;
    if (!this.#is_closed && !this.has_open_parts) this.close("completed");
  }

  /** Its last event; parts that are still open end before it. */
  close(status: "completed" | "incomplete"): void {
    if (this.#is_closed) return;
    this.stopAll();
    this.#is_closed = true;
    this.status = status;
    this.tell("response.output_item.done", { output_index: this.output_index, item: this.item(status) });
  }

  /** Whether `close` is still to be called. */
  get is_open(): boolean {
    return !this.#is_closed;
  }

  /** A part of it ends; what signs that part, if an item of its own has to tell it. */
  stop(part: number): Signature | null {
    const signature = this.stopPart(part);
    if (this.#is_sealed && !this.#is_closed && !this.has_open_parts) this.close("completed");
    return signature;
  }

  abstract start(part: number, start: PartStart): void;
  abstract add(part: number, text: string, logprobs: readonly TokenLogprob[]): void;
  cite(_part: number, _citation: Citation): void {}
  sign(_part: number, _signature: Signature): void {}

  protected abstract get has_open_parts(): boolean;
  protected abstract item(status: ItemStatus): Fields;
  protected abstract stopPart(part: number): Signature | null;
  protected abstract stopAll(): void;

  /** An event about this item. */
  protected tellOfItem(type: string, fields: Fields): void {
    this.tell(type, { item_id: this.id, output_index: this.output_index, ...fields });
  }

  protected tell(type: string, fields: Fields): void {
    const data = JSON.stringify({ type, ...fields, sequence_number: this.events.sequence++ });
    this.events.text += `event: ${type}\ndata: ${data}\n\n`;
  }
}

/** The events of one text's deltas, which are alike but for the text: what stands before it is made once. */
export class Deltas {
  readonly #events: EventWriter;
  readonly #before: string;

  constructor(events: EventWriter, type: string, place: Fields) {
    this.#events = events;
    const fields = JSON.stringify({ type, ...place }).slice(0, -1);
    this.#before = `event: ${type}\ndata: ${fields},"delta":`;
  }

  tell(delta: string, behind = ""): void {
    this.#events.text += `${this.#before}${JSON.stringify(delta)}${behind},"sequence_number":${this.#events.sequence++}}\n\n`;
  }
}
