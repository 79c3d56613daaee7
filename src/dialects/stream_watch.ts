// What a relay has to know of a stream that goes by in its client's format: has the answer begun, what did it use, did it end.

import type { WireError } from "./openai/error.ts";
import type { Usage } from "./usage.ts";

/** What an event is to a relay: an opening may be held back, the first of the others begins the answer. */
export type EventClass = "opening" | "content";

/** The data of an event, and its name where it has one. */
export interface StreamEvent {
  readonly data: Uint8Array | null;
  readonly name: Uint8Array | null;
}

/** Watches one stream. Feed it every event, in order. */
export interface StreamWatch {
  /** The event that ends a stream of this format came. */
  readonly done: boolean;
  /** Every choice gave its finish reason. */
  readonly finished: boolean;
  /** An error that came as an event. */
  readonly error: WireError | null;
  /** Whether the stream came to an end: well, or by an error that it told of. */
  readonly complete: boolean;
  /** What the event is; for the events before the first content only. Call `see` as well. */
  classify(event: StreamEvent): EventClass;
  /** The stream may be stopped by its budget: what has to be told then is kept from now on. */
  mayStop(): void;
  /** Whether an event says more of the answer, which is counted; others say something about it, or the same once more. */
  saysMore(event: StreamEvent): boolean;
  /** Notes what the event says. False: the client must not see it. */
  see(event: StreamEvent): boolean;
  /** Whether the data of an event that no blank line closed is all there: it may have been cut anywhere. */
  isWhole(event: StreamEvent): boolean;
  /** The reason that the last finishing event gave, or null. */
  finishReason(): string | null;
  /** The last usage seen, or null. */
  usage(): Usage | null;
  /** Whether an event that was just seen tells usage to a client that asked for it. */
  tellsUsage(data: Uint8Array): boolean;
  /** An event that tells usage, with the cost beside it; as it is where that cannot be said in it. */
  withCost(raw: Uint8Array, data: Uint8Array, cost_usd: string): Uint8Array;
  /** The events that end the stream because its budget is used up, in place of the event that was seen last. */
  budgetStop(usage: Pick<Usage, "input_tokens" | "output_tokens">): Uint8Array;
  /**
   * The events that end a broken stream.
   * @param replaces whether they come in place of the event that was seen last
   */
  errorEvent(error: WireError, replaces: boolean): Uint8Array;
}
