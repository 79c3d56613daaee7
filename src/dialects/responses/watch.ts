// Watching a stream of Responses go by. Of its many deltas only the names are looked at.
// Source: OpenAI API reference, "Streaming events" of Responses.

import { type EventData, EventWatch, eventBytes } from "../event_watch.ts";
import { record } from "../fields.ts";
import type { WireError } from "../openai/error.ts";
import type { Usage } from "../usage.ts";
import { failureOf, readErrorEvent, writeErrorEvent, writeFailure } from "./error.ts";
import { OpenItems } from "./open_items.ts";
import type { Fields } from "./own.ts";
import { readResponsesUsage } from "./usage.ts";

/** Events before the answer itself. */
const OPENINGS: ReadonlySet<string> = new Set([
  "response.created",
  "response.in_progress",
  "response.queued",
  "response.content_part.added",
  "response.reasoning_summary_part.added",
  "keepalive",
]);
/** Items that say something by being there. */
const EMPTY_ITEMS: ReadonlySet<unknown> = new Set(["message", "reasoning"]);

/** Watches one stream. */
export class ResponsesWatch extends EventWatch {
  protected readonly usage_path = ["response", "usage"];
  /** The response as it began. */
  #response: Readonly<Record<string, unknown>> = {};
  #last: EventData | null = null;
  #last_type = "";
  /** What went by before the last event; null where nobody will have to end it. */
  #items: OpenItems | null = null;

  protected isContent(type: string, data: EventData): boolean {
    if (type === "response.output_item.added") {
      return !EMPTY_ITEMS.has(record(data.value?.["item"])["type"]);
    }
    return !OPENINGS.has(type);
  }

  protected isDelta(type: string): boolean {
    return type.endsWith(".delta");
  }

  override mayStop(): void {
    this.#items = new OpenItems();
  }

  protected note(type: string, data: EventData): void {
    if (this.#items !== null && this.#last !== null)
      this.#items.take(this.#last_type, record(this.#last.value));
    this.#last = data;
    this.#last_type = type;
    switch (type) {
      case "response.created":
        this.#response = record(data.value?.["response"]);
        break;
      case "response.completed":
      case "response.incomplete":
        this.#noteEnd(data);
        break;
      case "response.failed": {
        const response = record(data.value?.["response"]);
        this.error = failureOf(response["error"]);
        this.last_usage = readResponsesUsage(response["usage"], response["output"]);
        break;
      }
      case "error":
        this.error = readErrorEvent(record(data.value));
    }
  }

  #noteEnd(data: EventData): void {
    const { status, incomplete_details, usage, output } = record(data.value?.["response"]);
    const { reason } = record(incomplete_details);
    this.finish = typeof reason === "string" ? reason : typeof status === "string" ? status : null;
    this.finished = true;
    this.done = true;
    this.last_usage = readResponsesUsage(usage, output);
    this.tellUsage(data);
  }

  budgetStop({ input_tokens, output_tokens }: Pick<Usage, "input_tokens" | "output_tokens">): Uint8Array {
    this.done = true;
    const { events, output } = this.#items?.close() ?? { events: [], output: [] };
    const response = {
      ...this.#response,
      output,
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      usage: {
        ...{ input_tokens, input_tokens_details: { cached_tokens: 0 }, output_tokens },
        ...{ output_tokens_details: { reasoning_tokens: 0 }, total_tokens: input_tokens + output_tokens },
      },
      venturi: { stopped: "budget_exceeded" },
    };
    // Where not even its beginning has gone out, that does first.
    const begun =
      this.#last_type === "response.created" ? [{ type: "response.created", response: this.#response }] : [];
    return this.#numbered([...begun, ...events, { type: "response.incomplete", response }], true);
  }

  /** An error and `response.failed`, as OpenAI ends a response that broke. */
  errorEvent(error: WireError, replaces: boolean): Uint8Array {
    const response = { ...this.#response, status: "failed", error: writeFailure(error) };
    return this.#numbered([writeErrorEvent(error, 0), { type: "response.failed", response }], replaces);
  }

  #numbered(events: readonly Fields[], replaces: boolean): Uint8Array {
    const number = this.#last?.value?.["sequence_number"];
    const first = typeof number === "number" ? number + (replaces ? 0 : 1) : 0;
    return Buffer.concat(
      events.map((event, index) =>
        eventBytes(String(event["type"]), { ...event, sequence_number: first + index }),
      ),
    );
  }
}
