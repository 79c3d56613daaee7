// A call of a tool in a stream that is written.

import type { PartStart } from "../neutral/answer.ts";
import type { ToolCallPart } from "../neutral/parts.ts";
import { callItem } from "./output_items.ts";
import type { Fields } from "./own.ts";
import { Deltas, type EventWriter, type ItemStatus, OutputItem } from "./stream_output.ts";

/** A call of one of the client's tools. */
export class CallOutput extends OutputItem {
  readonly #start: Extract<PartStart, { kind: "tool_call" }>;
  readonly #call_id: string;
  readonly #deltas: Deltas;
  readonly #texts: string[] = [];
  #is_stopped = false;

  constructor(
    events: EventWriter,
    output_index: number,
    id: string,
    start: Extract<PartStart, { kind: "tool_call" }>,
    call_id: string,
  ) {
    super(events, output_index, id);
    this.#start = start;
    this.#call_id = call_id;
    this.#deltas = new Deltas(events, `response.${this.#said()}.delta`, { item_id: id, output_index });
  }

  override start(): void {}

  override add(_part: number, text: string): void {
    if (text === "" || this.#is_stopped) return;
    this.#texts.push(text);
    this.#deltas.tell(text);
  }

  protected override get has_open_parts(): boolean {
    return !this.#is_stopped;
  }

  protected override stopPart(): null {
    if (this.#is_stopped) return null;
    this.#is_stopped = true;
    const text = this.#texts.join("");
    const whole =
      this.#start.is_custom === true ? { input: text } : { arguments: text, name: this.#start.name };
    this.tellOfItem(`response.${this.#said()}.done`, whole);
    return null;
  }

  protected override stopAll(): void {
    this.stopPart();
  }

  protected override item(status: ItemStatus): Fields {
    const call: ToolCallPart = { ...this.#start, arguments: this.#texts.join("") };
    return callItem(call, this.id, this.#call_id, status);
  }

  #said(): string {
    return this.#start.is_custom === true ? "custom_tool_call_input" : "function_call_arguments";
  }
}
