// What the watches of formats with named events have in common: each event says by its name what it is, and only some are read.

import { parseValue, withCostAt } from "./members.ts";
import type { WireError } from "./openai/error.ts";
import type { EventClass, StreamEvent, StreamWatch } from "./stream_watch.ts";
import type { Usage } from "./usage.ts";

/** An event's data, read when somebody asks. */
export class EventData {
  readonly bytes: Uint8Array;
  #value: Record<string, unknown> | null | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get value(): Record<string, unknown> | null {
    if (this.#value === undefined) this.#value = parseValue(this.bytes);
    return this.#value;
  }
}

/** Watches a stream whose events have a type, told by the event's name or its data's `type`. */
export abstract class EventWatch implements StreamWatch {
  done = false;
  finished = false;
  error: WireError | null = null;
  protected last_usage: Usage | null = null;
  protected finish: string | null = null;
  #usage_data: Uint8Array | null = null;

  get complete(): boolean {
    return this.done || this.finished || this.error !== null;
  }

  /** Whether an event begins the answer; those before it may be held back. */
  protected abstract isContent(type: string, data: EventData): boolean;
  /** Notes what an event says. */
  protected abstract note(type: string, data: EventData): void;
  /** The members that lead to the usage in the event that tells the last of it. */
  protected abstract readonly usage_path: readonly string[];

  abstract budgetStop(usage: Pick<Usage, "input_tokens" | "output_tokens">): Uint8Array;
  abstract errorEvent(error: WireError, replaces: boolean): Uint8Array;
  /** Whether events of a type say more of the answer. */
  protected abstract isDelta(type: string): boolean;

  mayStop(): void {}

  saysMore({ data, name }: StreamEvent): boolean {
    return data !== null && this.isDelta(typeOf(name, new EventData(data)));
  }

  classify({ data, name }: StreamEvent): EventClass {
    if (data === null) return "opening";
    const read = new EventData(data);
    return this.isContent(typeOf(name, read), read) ? "content" : "opening";
  }

  see({ data, name }: StreamEvent): boolean {
    if (data === null) return true;
    const read = new EventData(data);
    this.note(typeOf(name, read), read);
    return true;
  }

  isWhole({ data }: StreamEvent): boolean {
    return data === null || parseValue(data) !== null;
  }

  finishReason(): string | null {
    return this.finish;
  }

  usage(): Usage | null {
    return this.last_usage;
  }

  tellsUsage(data: Uint8Array): boolean {
    return this.#usage_data === data;
  }

  withCost(raw: Uint8Array, data: Uint8Array, cost_usd: string): Uint8Array {
    return withCostAt(raw, data, this.usage_path, cost_usd);
  }

  /** An event tells the last of the usage. */
  protected tellUsage(data: EventData): void {
    this.#usage_data = data.bytes;
  }
}

function typeOf(name: Uint8Array | null, data: EventData): string {
  if (name !== null) return Buffer.prototype.latin1Slice.call(name, 0, name.length);
  const type = data.value?.["type"];
  return typeof type === "string" ? type : "";
}

/** An event as it goes over the wire. */
export function eventBytes(name: string, data: unknown): Uint8Array {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
