// Items of a stream that is written: each tells its own events, and in the end what it is as a whole.
// Source: OpenAI API reference, "Streaming events"; the order within an item is that of recorded streams of the API.

import type { PartStart, TokenLogprob } from "../neutral/answer.ts";
import type { Citation, Signature, TextPart, ThinkingPart, ToolCallPart } from "../neutral/parts.ts";
import { callItem, reasoningItem } from "./output_items.ts";
import { type Fields, others, ownFields } from "./own.ts";
import { writeCitation, writeLogprob, writeOutputText, writeRefusal } from "./write_content.ts";

/** Where events go. */
export interface EventWriter {
  /** The number of the next event. */
  sequence: number;
  /** What was written. */
  text: string;
}

type ItemStatus = "in_progress" | "completed" | "incomplete";

const ID = new Set(["id"]);

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
class Deltas {
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

/** A text or a refusal of a message. */
interface MessagePart {
  readonly kind: "text" | "refusal";
  readonly content_index: number;
  readonly own: Pick<TextPart, "own">;
  readonly deltas: Deltas;
  readonly texts: string[];
  readonly citations: Fields[];
  readonly logprobs: TokenLogprob[];
  length: number;
  signature: Signature | null;
}

/** A message. */
export class MessageOutput extends OutputItem {
  readonly #own: Fields;
  readonly #parts: MessagePart[] = [];
  readonly #open = new Map<number, MessagePart>();

  constructor(events: EventWriter, output_index: number, id: string, own: Fields) {
    super(events, output_index, id);
    this.#own = others(own, ID);
  }

  override start(part: number, start: PartStart): void {
    if (start.kind !== "text" && start.kind !== "refusal") return;
    const content_index = this.#parts.length;
    const place = { item_id: this.id, output_index: this.output_index, content_index };
    const type = start.kind === "text" ? "output_text" : "refusal";
    const said: MessagePart = {
      ...{ kind: start.kind, content_index, own: start.own === undefined ? {} : { own: start.own } },
      deltas: new Deltas(this.events, `response.${type}.delta`, place),
      ...{ texts: [], citations: [], logprobs: [], length: 0, signature: null },
    };
    this.tell("response.content_part.added", { ...place, part: contentOf(said) });
    this.#parts.push(said);
    this.#open.set(part, said);
  }

  override add(part: number, text: string, logprobs: readonly TokenLogprob[]): void {
    const said = this.#open.get(part);
    if (said === undefined || (text === "" && logprobs.length === 0)) return;
    said.texts.push(text);
    said.length += text.length;
    if (said.kind === "refusal") {
      said.deltas.tell(text);
      return;
    }
    said.logprobs.push(...logprobs);
    const told = logprobs.length === 0 ? "[]" : JSON.stringify(logprobs.map(writeLogprob));
    said.deltas.tell(text, `,"logprobs":${told}`);
  }

  override cite(part: number, citation: Citation): void {
    const said = this.#open.get(part);
    if (said === undefined || said.kind === "refusal") return;
    const annotation = writeCitation(citation, said.length);
    this.tellOfItem("response.output_text.annotation.added", {
      ...{ content_index: said.content_index, annotation_index: said.citations.length, annotation },
    });
    said.citations.push(annotation);
  }

  override sign(part: number, signature: Signature): void {
    const said = this.#open.get(part);
    if (said !== undefined) said.signature = signature;
  }

  protected override get has_open_parts(): boolean {
    return this.#open.size > 0;
  }

  protected override stopPart(part: number): Signature | null {
    const said = this.#open.get(part);
    if (said === undefined) return null;
    this.#open.delete(part);
    const { content_index } = said;
    const content = contentOf(said);
    if (said.kind === "refusal")
      this.tellOfItem("response.refusal.done", { content_index, refusal: content["refusal"] });
    else {
      const { text, logprobs } = content;
      this.tellOfItem("response.output_text.done", { content_index, text, logprobs });
    }
    this.tellOfItem("response.content_part.done", { content_index, part: content });
    return said.signature;
  }

  protected override stopAll(): void {
    for (const part of [...this.#open.keys()]) this.stopPart(part);
  }

  protected override item(status: ItemStatus): Fields {
    const content = this.#parts.map(contentOf);
    return { id: this.id, type: "message", status, content, role: "assistant", ...this.#own };
  }
}

function contentOf({ kind, own, texts, citations, logprobs }: MessagePart): Fields {
  const text = texts.join("");
  if (kind === "refusal") return writeRefusal({ kind, text, ...own });
  return { ...writeOutputText({ kind, text, ...own }, logprobs), annotations: citations };
}

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
