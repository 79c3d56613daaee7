// The items of a stream that goes by, as far as they have come: what has to be told to end it here, as the format wants it.
// Source: OpenAI API reference, "Streaming events"; the order within an item is that of recorded streams of the API.

import { isFields, list, record } from "../fields.ts";
import type { Fields } from "./own.ts";

/** Texts of one stream that are kept, in characters; of a longer one nothing is told at its end. */
const TEXTS_MAX_CHARS = 1 << 20;

/** An event without its number. */
export type Unnumbered = Fields & { readonly type: string };

/** How the parts of items are called: in the item, in the names of events, and by what they are counted. */
interface PartKind {
  readonly list: "content" | "summary";
  readonly part: string;
  readonly index: "content_index" | "summary_index";
}

const CONTENT: PartKind = { list: "content", part: "content_part", index: "content_index" };
const SUMMARY: PartKind = { list: "summary", part: "reasoning_summary_part", index: "summary_index" };

/** The text of each kind of part: the member that has it, and what its events are called. */
const TEXTS: Readonly<Record<string, { readonly member: string; readonly event: string }>> = {
  output_text: { member: "text", event: "output_text" },
  refusal: { member: "refusal", event: "refusal" },
  reasoning_text: { member: "text", event: "reasoning_text" },
  summary_text: { member: "text", event: "reasoning_summary_text" },
};

/** What items have that is no part and grows. */
const ARGUMENTS: Readonly<Record<string, { readonly member: string; readonly event: string }>> = {
  function_call: { member: "arguments", event: "function_call_arguments" },
  custom_tool_call: { member: "input", event: "custom_tool_call_input" },
  mcp_call: { member: "arguments", event: "mcp_call_arguments" },
};

interface OpenPart {
  readonly kind: PartKind;
  readonly index: unknown;
  readonly value: Fields;
  text: string;
  is_text_done: boolean;
  is_done: boolean;
}

interface Item {
  readonly index: unknown;
  value: Fields;
  readonly parts: OpenPart[];
  args: string;
  are_args_done: boolean;
  is_done: boolean;
}

/** The items of one stream. */
export class OpenItems {
  readonly #items: Item[] = [];
  #chars = 0;

  /** Notes what an event says. */
  take(type: string, event: Fields): void {
    if (this.#chars > TEXTS_MAX_CHARS) return;
    const { item, output_index } = event;
    if (type === "response.output_item.added" && isFields(item)) {
      this.#items.push({
        ...{ index: output_index, value: item, parts: [] },
        ...{ args: "", are_args_done: false, is_done: false },
      });
      return;
    }
    const open = this.#items.find((one) => one.index === output_index);
    if (open === undefined || open.is_done) return;
    if (type === "response.output_item.done" && isFields(item)) {
      open.value = item;
      open.is_done = true;
    } else this.#takePart(open, type, event);
  }

  #takePart(item: Item, type: string, event: Fields): void {
    const kind = type.startsWith("response.reasoning_summary_") ? SUMMARY : CONTENT;
    const { part, delta } = event;
    if (type === `response.${kind.part}.added` && isFields(part)) {
      const flags = { text: "", is_text_done: false, is_done: false };
      item.parts.push({ kind, index: event[kind.index], value: part, ...flags });
      return;
    }
    const is_args = Object.values(ARGUMENTS).some(({ event: name }) => type.startsWith(`response.${name}.`));
    const open = item.parts.find((one) => one.kind === kind && one.index === event[kind.index]);
    if (type.endsWith(".delta") && typeof delta === "string") {
      this.#chars += delta.length;
      if (is_args) item.args += delta;
      else if (open !== undefined) open.text += delta;
    } else if (is_args && type.endsWith(".done")) item.are_args_done = true;
    else if (open !== undefined && type === `response.${kind.part}.done`) open.is_done = true;
    else if (open !== undefined && type.endsWith("_text.done")) open.is_text_done = true;
    else if (open !== undefined && type === "response.refusal.done") open.is_text_done = true;
  }

  /** The events that end what is open, and all items as they are then. */
  close(): { readonly events: readonly Unnumbered[]; readonly output: readonly Fields[] } {
    if (this.#chars > TEXTS_MAX_CHARS) return { events: [], output: [] };
    const events: Unnumbered[] = [];
    const output = this.#items.map((item) => (item.is_done ? item.value : closed(item, events)));
    return { events, output };
  }
}

/** An item that ends here, and the events that say so. */
function closed({ value, index, parts, args, are_args_done }: Item, events: Unnumbered[]): Fields {
  const place = { item_id: value["id"], output_index: index };
  const whole: Record<string, unknown> = { ...value, status: "incomplete" };
  const growing = ARGUMENTS[String(value["type"])];
  if (growing !== undefined) {
    whole[growing.member] = args;
    if (!are_args_done)
      events.push({ type: `response.${growing.event}.done`, ...place, [growing.member]: args });
  }
  for (const { kind, index: at, value: part, text, is_text_done, is_done } of parts) {
    const told = TEXTS[String(part["type"])];
    const said = told === undefined ? part : { ...part, [told.member]: text };
    whole[kind.list] = [...list(record(whole)[kind.list]), said];
    const where = { ...place, [kind.index]: at };
    if (told !== undefined && !is_text_done) {
      const logprobs = part["type"] === "output_text" ? { logprobs: [] } : {};
      events.push({ type: `response.${told.event}.done`, ...where, [told.member]: text, ...logprobs });
    }
    if (!is_done) events.push({ type: `response.${kind.part}.done`, ...where, part: said });
  }
  events.push({ type: "response.output_item.done", output_index: index, item: whole });
  return whole;
}
