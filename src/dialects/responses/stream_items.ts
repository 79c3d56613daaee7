// Items of a stream while they come: what of each was told already, and what there is to tell still.

import { isFields, list } from "../fields.ts";
import { GrowingPart, type Teller } from "./growing_part.ts";
import type { Fields } from "./own.ts";
import { readOutputText, readRefusal } from "./read_content.ts";
import { messageFields, PARAGRAPH, readCall, readOther, readReasoning, saidIn } from "./read_items.ts";
import { unpackSignature } from "./signatures.ts";

/** An item of a stream. */
export interface ItemOfStream {
  /** Takes an event that is about it. */
  take(type: string, event: Fields): void;
  /** Its last event, with the whole of it. */
  finish(item: Fields): void;
  /** No event of its comes any more. */
  close(): void;
}

/** The item that an event opens, or that it is about; null where nothing can be told of it before its end. */
export function itemOf(event: Fields, teller: Teller): ItemOfStream | null {
  const item = isFields(event["item"]) ? event["item"] : {};
  const type = typeof item["type"] === "string" ? item["type"] : typeOf(`${event["type"]}`);
  const known = {
    ...((item["id"] ?? event["item_id"]) ? { id: item["id"] ?? event["item_id"] } : {}),
    ...item,
  };
  switch (type) {
    case "message":
      return new MessageItem(known, teller);
    case "reasoning":
      return new ReasoningItem(known, teller);
    case "function_call":
    case "custom_tool_call":
      return new CallItem({ ...known, type }, teller);
    case null:
      return null;
    default:
      return new OtherItem(teller);
  }
}

/** What kind of item an event is about that comes without one. */
function typeOf(event: string): string | null {
  if (event.startsWith("response.reasoning_")) return "reasoning";
  if (event.startsWith("response.function_call_arguments.")) return "function_call";
  if (event.startsWith("response.custom_tool_call_input.")) return "custom_tool_call";
  const is_said =
    event.startsWith("response.output_text.") ||
    event.startsWith("response.refusal.") ||
    event.startsWith("response.content_part.");
  return is_said ? "message" : null;
}

/** A message: texts and refusals. */
class MessageItem implements ItemOfStream {
  readonly #teller: Teller;
  readonly #item: Fields;
  /** In the order that they came in: some servers number them otherwise. */
  readonly #parts: GrowingPart[] = [];
  readonly #places = new Map<unknown, GrowingPart>();

  constructor(item: Fields, teller: Teller) {
    this.#item = messageFields(item);
    this.#teller = teller;
  }

  take(type: string, event: Fields): void {
    const { part, content_index } = event;
    switch (type) {
      case "response.content_part.added":
        if (isFields(part)) this.#partAt(content_index, part);
        return;
      case "response.output_text.delta": {
        const growing = this.#partAt(content_index, {});
        if (list(event["logprobs"]).length > 0) growing.logprobs(event["logprobs"]);
        growing.add(event["delta"]);
        return;
      }
      case "response.output_text.done":
        complete(this.#partAt(content_index, {}), event);
        return;
      case "response.output_text.annotation.added":
        this.#partAt(content_index, {}).cite(event["annotation"]);
        return;
      case "response.refusal.delta":
        this.#partAt(content_index, { type: "refusal" }).add(event["delta"]);
        return;
      case "response.refusal.done":
        complete(this.#partAt(content_index, { type: "refusal" }), event);
        return;
      case "response.content_part.done": {
        if (!isFields(part)) return;
        const growing = this.#partAt(content_index, part);
        complete(growing, part);
        growing.stop();
      }
    }
  }

  finish(item: Fields): void {
    for (const [index, part] of saidIn(item).entries()) {
      const growing = this.#parts[index] ?? this.#newPart(part);
      complete(growing, part);
    }
    this.close();
  }

  close(): void {
    for (const growing of this.#parts) growing.stop();
  }

  #partAt(content_index: unknown, part: Fields): GrowingPart {
    let growing = this.#places.get(content_index);
    if (growing === undefined) {
      growing = this.#newPart(part);
      this.#places.set(content_index, growing);
    }
    return growing;
  }

  #newPart(part: Fields): GrowingPart {
    const item = this.#parts.length === 0 ? this.#item : undefined;
    const read = part["type"] === "refusal" ? readRefusal(part, item) : readOutputText(part, item);
    const own = read.own === undefined ? {} : { own: read.own };
    const growing = new GrowingPart({ kind: read.kind, ...own }, this.#teller);
    this.#parts.push(growing);
    return growing;
  }
}

/** Tells what a whole text or refusal has beyond what was told of it. */
function complete(growing: GrowingPart, whole: Fields): void {
  growing.completeLogprobs(whole["logprobs"]);
  growing.complete(whole["text"] ?? whole["refusal"]);
  growing.completeCitations(whole["annotations"]);
}

/** A reasoning: its summary, or the thoughts themselves, whichever comes first. */
class ReasoningItem implements ItemOfStream {
  readonly #teller: Teller;
  readonly #item: Fields;
  #growing: GrowingPart | null = null;
  #kind: "summary" | "content" | null = null;
  /** The text that is coming, and how much of it was told. */
  #index: unknown;
  #told = 0;

  constructor({ encrypted_content: _, ...item }: Fields, teller: Teller) {
    // What is encrypted at the start is not all of it.
    this.#item = item;
    this.#teller = teller;
  }

  take(type: string, event: Fields): void {
    switch (type) {
      case "response.reasoning_summary_text.delta":
        this.#add("summary", event["summary_index"], event["delta"]);
        return;
      case "response.reasoning_text.delta":
        this.#add("content", event["content_index"], event["delta"]);
        return;
      case "response.reasoning_summary_text.done":
        this.#complete("summary", event["summary_index"], event["text"]);
        return;
      case "response.reasoning_text.done":
        this.#complete("content", event["content_index"], event["text"]);
        return;
    }
  }

  finish(item: Fields): void {
    const part = readReasoning(item);
    const { encrypted_content } = item;
    const belongs_to = typeof encrypted_content === "string" ? unpackSignature(encrypted_content).kind : null;
    if (this.#growing !== null) {
      if (part.kind === "thinking" && (part.own?.fields["is_raw"] === true) === (this.#kind === "content"))
        this.#growing.complete(part.text);
      this.#growing.sign(encrypted_content);
    } else if (part.kind !== "thinking" || belongs_to === "before" || belongs_to === "behind") {
      const whole = { kind: "own", format: "responses", value: item } as const;
      this.#growing = new GrowingPart({ kind: "whole", whole }, this.#teller);
    } else {
      const { text, signature, ...start } = part;
      this.#growing = new GrowingPart(start, this.#teller);
      this.#growing.add(text);
      if (signature !== undefined) this.#growing.sign(encrypted_content);
    }
    this.close();
  }

  close(): void {
    this.#growing?.stop();
  }

  #add(kind: "summary" | "content", index: unknown, text: unknown): void {
    if (typeof text !== "string" || text === "" || (this.#kind !== null && this.#kind !== kind)) return;
    if (this.#growing === null) {
      const part = readReasoning({ ...this.#item, summary: [], content: [], [kind]: [{ text }] });
      if (part.kind !== "thinking") return;
      const { text: _, ...start } = part;
      this.#growing = new GrowingPart(start, this.#teller);
    } else if (index !== this.#index) this.#growing.add(PARAGRAPH);
    if (index !== this.#index) this.#told = 0;
    this.#kind = kind;
    this.#index = index;
    this.#told += text.length;
    this.#growing.add(text);
  }

  #complete(kind: "summary" | "content", index: unknown, text: unknown): void {
    if (typeof text !== "string") return;
    const told = this.#kind === kind && this.#index === index ? this.#told : 0;
    this.#add(kind, index, text.slice(told));
  }
}

/** A call of one of the client's tools. */
class CallItem implements ItemOfStream {
  readonly #teller: Teller;
  readonly #item: Fields;
  #growing: GrowingPart | null = null;

  constructor(item: Fields, teller: Teller) {
    this.#teller = teller;
    this.#item = item;
    if (typeof item["name"] === "string") this.#open(item);
  }

  take(type: string, event: Fields): void {
    // Without the tool's name nothing can be told before the end.
    if (type.endsWith(".delta")) this.#growing?.add(event["delta"]);
    else if (type.endsWith(".done")) this.#growing?.complete(event["arguments"] ?? event["input"]);
  }

  finish(item: Fields): void {
    this.#growing ??= this.#open({ ...this.#item, ...item });
    this.#growing.complete(item["arguments"] ?? item["input"]);
    this.close();
  }

  close(): void {
    // Where arguments come with the start of the item, its deltas may repeat them.
    this.#growing?.complete(this.#item["arguments"] ?? this.#item["input"]);
    this.#growing?.stop();
  }

  #open(item: Fields): GrowingPart {
    const { arguments: _, ...start } = readCall(item);
    this.#teller.call();
    this.#growing = new GrowingPart(start, this.#teller);
    return this.#growing;
  }
}

/** An item that is told when it is whole. */
class OtherItem implements ItemOfStream {
  readonly #teller: Teller;

  constructor(teller: Teller) {
    this.#teller = teller;
  }

  take(): void {
    // How far a search or a program is: other formats have no word for it.
  }

  finish(item: Fields): void {
    const whole = readOther(item);
    if (whole.kind === "own" || whole.kind === "image")
      new GrowingPart({ kind: "whole", whole }, this.#teller).stop();
  }

  close(): void {
    // It never became whole.
  }
}
