// A stream of the Responses API. What an item is stands in up to four places (its start, its deltas, their `done`, its own `done`);
// servers leave out one or another, so each place tells what those before it did not.
// Source: OpenAI API reference, "Streaming events".

import { parseExact } from "../../wire/exact_json.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import { isFields, list, record, withNumbers } from "../fields.ts";
import type { EventSink, StreamEvent } from "../neutral/answer.ts";
import type { StreamReader } from "../neutral/format.ts";
import { readError } from "../openai/error.ts";
import { failureOf, readErrorEvent } from "./error.ts";
import { readFinish } from "./finish.ts";
import type { Fields } from "./own.ts";
import { readHead } from "./read_answer.ts";
import { type ItemOfStream, itemOf } from "./stream_items.ts";
import { readResponsesUsage } from "./usage.ts";

/** The longest event that is read. */
const EVENT_BYTES_MAX = 4 << 20;

const decoder = new TextDecoder();

/** Reads one stream. */
export class ResponsesStreamReader implements StreamReader {
  readonly #sink: EventSink;
  readonly #framer: SseFramer;
  readonly #items = new Map<unknown, ItemOfStream>();
  /** Items that are whole. */
  readonly #done = new Set<unknown>();
  /** Ids of those that were told to be. */
  readonly #done_ids = new Set<unknown>();
  #parts = 0;
  #is_started = false;
  #has_calls = false;
  #is_over = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
    this.#framer = new SseFramer(EVENT_BYTES_MAX, { onEvent: (event) => this.#read(event) });
  }

  feed(chunk: Uint8Array): void {
    if (this.#is_over) return;
    this.#framer.feed(chunk);
    if (this.#framer.overflowed)
      this.#fail({ message: "An event of the stream is too long.", type: "upstream_error" });
  }

  close(): void {
    const rest = this.#is_over ? null : this.#framer.end();
    if (rest !== null) this.#read(rest);
    this.#is_over = true;
  }

  #read({ data }: SseEvent): void {
    if (data === null || this.#is_over) return;
    const event = parse(data);
    if (event === null) return;
    const type = event["type"];
    if (typeof type !== "string") {
      const error = readError(event, 200);
      if (error !== null) this.#fail(error);
      return;
    }
    switch (type) {
      case "response.created":
      case "response.in_progress":
      case "response.queued":
        this.#start(event["response"]);
        return;
      case "response.output_item.added":
        this.#open(event);
        return;
      case "response.output_item.done":
        this.#finishItem(exactly(data, event));
        this.#done_ids.add(record(event["item"])["id"]);
        return;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled":
        this.#end(type, exactly(data, event));
        return;
      case "error":
        this.#fail(readErrorEvent(event));
        return;
    }
    this.#itemOf(event)?.take(type, event);
  }

  #start(response: unknown): void {
    if (this.#is_started) return;
    this.#is_started = true;
    this.#sink({ kind: "start", ...readHead(isFields(response) ? response : {}) });
  }

  /** The item that an event is about; one that was never opened is by what is said of it. */
  #itemOf(event: Fields): ItemOfStream | null {
    const place = placeOf(event);
    if (place === undefined || this.#done.has(place)) return null;
    return this.#items.get(place) ?? this.#open(event);
  }

  #open(event: Fields): ItemOfStream | null {
    const place = placeOf(event);
    if (place === undefined || this.#done.has(place)) return null;
    const opened = this.#items.get(place);
    if (opened !== undefined) return opened;
    this.#start(undefined);
    const item = itemOf(event, this.#teller);
    if (item !== null) this.#items.set(place, item);
    return item;
  }

  readonly #teller = {
    part: () => this.#parts++,
    call: () => {
      this.#has_calls = true;
    },
    tell: (event: StreamEvent) => this.#sink(event),
  };

  #finishItem(event: Fields): void {
    const item = event["item"];
    const place = placeOf(event);
    if (!isFields(item) || place === undefined || this.#done.has(place)) return;
    const opened = this.#open(event);
    this.#done.add(place);
    this.#items.delete(place);
    opened?.finish(item);
  }

  #end(type: string, event: Fields): void {
    const response: Fields = isFields(event["response"]) ? event["response"] : {};
    this.#start(response);
    if (type === "response.failed") {
      this.#tellUsage(response);
      this.#fail(failureOf(response["error"]));
      return;
    }
    for (const [output_index, item] of list(response["output"]).entries())
      if (isFields(item)) this.#finishUntold(item, output_index);
    for (const item of this.#items.values()) item.close();
    const status = response["status"] ?? type.slice("response.".length);
    const finish = readFinish({ ...response, status }, this.#has_calls) ?? { reason: "stop" };
    this.#sink({ kind: "finish", choice: 0, finish });
    this.#tellUsage(response);
    this.#is_over = true;
    this.#sink({ kind: "end" });
  }

  /** An item of the whole response: most were told before. */
  #finishUntold(item: Fields, output_index: number): void {
    const { id } = item;
    if (this.#items.has(id)) this.#finishItem({ item });
    else if (id === undefined || !this.#done_ids.has(id)) this.#finishItem({ output_index, item });
  }

  #tellUsage({ usage, output }: Fields): void {
    const told = readResponsesUsage(withNumbers(usage), output);
    if (told !== null) this.#sink({ kind: "usage", usage: told });
  }

  #fail(error: { message: string; type: string; param?: string | null; code?: string | null }): void {
    this.#is_over = true;
    const { message, type, param = null, code = null } = error;
    this.#sink({ kind: "error", error: { message, type, param, code } });
  }
}

/** What tells an item of a stream from the others: its place, or its id where the place is left out. */
function placeOf(event: Fields): unknown {
  const { output_index, item_id, item } = event;
  if (typeof output_index === "number") return output_index;
  return item_id ?? (isFields(item) ? (item["id"] ?? item["call_id"]) : undefined);
}

function parse(data: Uint8Array): Fields | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(data));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** The same event, its numbers exact: what is kept of it is written again. */
function exactly(data: Uint8Array, event: Fields): Fields {
  const exact = parseExact(data);
  return isFields(exact) ? exact : event;
}
