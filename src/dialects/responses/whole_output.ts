// An item of a stream that is whole when it comes.

import type { Fields } from "./own.ts";
import { type EventWriter, type ItemStatus, OutputItem } from "./stream_output.ts";

/** How far the tools come that OpenAI runs itself, by the type of their items. */
const PROGRESS: Readonly<Record<string, readonly string[]>> = {
  web_search_call: ["in_progress", "searching", "completed"],
  file_search_call: ["in_progress", "searching", "completed"],
  code_interpreter_call: ["in_progress", "interpreting", "completed"],
  image_generation_call: ["in_progress", "generating", "completed"],
  mcp_call: ["in_progress", "completed"],
  mcp_list_tools: ["in_progress", "completed"],
};

/** An item that is whole when it comes: what only this format knows, an image. */
export class WholeOutput extends OutputItem {
  readonly #value: Fields;

  constructor(events: EventWriter, output_index: number, value: Fields) {
    super(events, output_index, typeof value["id"] === "string" ? value["id"] : "");
    this.#value = value;
  }

  override start(): void {}
  override add(): void {}

  override open(): void {
    super.open();
    const type = `${this.#value["type"]}`;
    if (this.#value["status"] !== "completed") return;
    for (const step of PROGRESS[type] ?? []) this.tellOfItem(`response.${type}.${step}`, {});
  }

  protected override get has_open_parts(): boolean {
    return false;
  }

  protected override stopPart(): null {
    return null;
  }

  protected override stopAll(): void {}

  protected override item(status: ItemStatus): Fields {
    const value = this.#value;
    return status === "in_progress" && value["status"] !== undefined ? { ...value, status } : value;
  }
}
