// Watching a stream of Messages go by. Of its many deltas only the names are looked at.
// Source: https://platform.claude.com/docs/en/build-with-claude/streaming

import { type EventData, EventWatch, eventBytes } from "../event_watch.ts";
import { record } from "../fields.ts";
import type { WireError } from "../openai/error.ts";
import { laterUsage, type Usage } from "../usage.ts";
import { messagesErrorEvent, readMessagesError } from "./error.ts";
import { readAnthropicUsage } from "./usage.ts";

/** Blocks whose start says all there is, or already something. */
const SPEAKING_BLOCKS: ReadonlySet<unknown> = new Set(["text", "thinking"]);

/** Watches one stream. */
export class MessagesWatch extends EventWatch {
  protected readonly usage_path = ["usage"];
  /** The block that has begun and not ended, and the one before the last event. */
  #open_block: number | null = null;
  #open_before: number | null = null;
  /** The message's start, if that is the last event. */
  #start: EventData | null = null;

  protected isContent(type: string, data: EventData): boolean {
    if (type === "content_block_start") {
      const block = record(data.value?.["content_block"]);
      return !SPEAKING_BLOCKS.has(block["type"]) || !!block["text"] || !!block["thinking"];
    }
    return type !== "message_start" && type !== "ping";
  }

  protected isDelta(type: string): boolean {
    return type === "content_block_delta";
  }

  protected note(type: string, data: EventData): void {
    this.#open_before = this.#open_block;
    this.#start = type === "message_start" ? data : null;
    switch (type) {
      case "content_block_delta":
        break;
      case "content_block_start": {
        const index = data.value?.["index"];
        this.#open_block = typeof index === "number" ? index : null;
        break;
      }
      case "content_block_stop":
        this.#open_block = null;
        break;
      case "message_start":
        this.#addUsage(record(data.value?.["message"])["usage"]);
        break;
      case "message_delta":
        this.#noteDelta(data);
        break;
      case "message_stop":
        this.done = true;
        break;
      case "error":
        this.error = readMessagesError(data.value, 500);
    }
  }

  #noteDelta(data: EventData): void {
    const { delta, usage } = record(data.value);
    const { stop_reason } = record(delta);
    if (typeof stop_reason === "string") {
      this.finish = stop_reason;
      this.finished = true;
    }
    if (usage === undefined) return;
    this.#addUsage(usage);
    this.tellUsage(data);
  }

  #addUsage(usage: unknown): void {
    this.last_usage = laterUsage(this.last_usage, readAnthropicUsage(usage));
  }

  budgetStop({ output_tokens }: Pick<Usage, "input_tokens" | "output_tokens">): Uint8Array {
    this.done = true;
    const events: Uint8Array[] = [];
    if (this.#start !== null) events.push(eventBytes("message_start", this.#start.value));
    if (this.#open_before !== null) {
      events.push(eventBytes("content_block_stop", { type: "content_block_stop", index: this.#open_before }));
    }
    events.push(
      eventBytes("message_delta", {
        type: "message_delta",
        delta: { stop_reason: "max_tokens", stop_sequence: null },
        usage: { output_tokens },
        venturi: { stopped: "budget_exceeded" },
      }),
      eventBytes("message_stop", { type: "message_stop" }),
    );
    return Buffer.concat(events);
  }

  errorEvent(error: WireError): Uint8Array {
    return Buffer.from(messagesErrorEvent(error));
  }
}
