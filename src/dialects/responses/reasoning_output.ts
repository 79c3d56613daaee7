// A reasoning of a stream that is written.

import type { PartStart } from "../neutral/answer.ts";
import type { Signature, ThinkingPart } from "../neutral/parts.ts";
import { reasoningItem } from "./output_items.ts";
import { type Fields, ownFields } from "./own.ts";
import { Deltas, type EventWriter, type ItemStatus, OutputItem } from "./stream_output.ts";

/** A reasoning: a summary, unless its text is told to be the thoughts themselves. */
export class ReasoningOutput extends OutputItem {
  readonly #start: Extract<PartStart, { kind: "thinking" }>;
  readonly #is_raw: boolean;
  readonly #texts: string[] = [];
  #signed: Pick<ThinkingPart, "signature">;
  #deltas: Deltas | null = null;
  #is_stopped = false;

  constructor(
    events: EventWriter,
    output_index: number,
    id: string,
    start: Extract<PartStart, { kind: "thinking" }>,
  ) {
    super(events, output_index, id);
    this.#start = start;
    this.#signed = {};
    this.#is_raw = ownFields(start)["is_raw"] === true;
  }

  override start(): void {}

  override add(_part: number, text: string): void {
    if (text === "" || this.#is_stopped) return;
    if (this.#deltas === null) {
      const place = this.#place();
      const kind = this.#is_raw ? "reasoning_text" : "reasoning_summary_text";
      this.#deltas = new Deltas(this.events, `response.${kind}.delta`, place);
      this.tell(`response.${this.#partName()}.added`, { ...place, part: this.#content("") });
    }
    this.#texts.push(text);
    this.#deltas.tell(text);
  }

  override sign(_part: number, signature: Signature): void {
    this.#signed = { signature };
  }

  protected override get has_open_parts(): boolean {
    return !this.#is_stopped;
  }

  protected override stopPart(): null {
    if (this.#is_stopped) return null;
    this.#is_stopped = true;
    if (this.#deltas === null) return null;
    const text = this.#texts.join("");
    const kind = this.#is_raw ? "reasoning_text" : "reasoning_summary_text";
    this.tell(`response.${kind}.done`, { ...this.#place(), text });
    this.tell(`response.${this.#partName()}.done`, { ...this.#place(), part: this.#content(text) });
    return null;
  }

  protected override stopAll(): void {
    this.stopPart();
  }

  protected override item(status: ItemStatus): Fields {
    const text = this.#texts.join("");
    const item = reasoningItem({ ...this.#start, text, ...this.#signed }, this.id, true);
    return status === "incomplete" ? { ...item, status } : item;
  }

  #place(): Fields {
    const place = { item_id: this.id, output_index: this.output_index };
    return this.#is_raw ? { ...place, content_index: 0 } : { ...place, summary_index: 0 };
  }

  #partName(): string {
    return this.#is_raw ? "content_part" : "reasoning_summary_part";
  }

  #content(text: string): Fields {
    return { type: this.#is_raw ? "reasoning_text" : "summary_text", text };
  }
}
