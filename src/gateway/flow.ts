// An answer under way to the client: bytes as they come, or events, of which some are kept back and the last may be an error.
// Whatever happens upstream, a flow ends exactly once, and the client can tell a good end from a broken one.

import { errorEvent, type WireError } from "../dialects/openai/error.ts";
import type { StreamWatch } from "../dialects/openai/stream.ts";
import { type SseEvent, SseFramer } from "../wire/sse.ts";
import type { Alarm, Alarms } from "./alarms.ts";
import { ClientStream } from "./client_stream.ts";

/** A quiet stream gets a comment after this time, in milliseconds. */
const QUIET_MS = 15_000;
/** Longest event that is framed; a longer one is passed on unseen. */
const EVENT_MAX_BYTES = 4 * 1024 * 1024;

const COMMENT = Buffer.from(": keep-alive\n\n");

/** Hears what became of a flow: null for a good end. */
export type FlowEnd = (error: WireError | null) => void;

/** An answer under way. */
export abstract class Flow {
  readonly stream = new ClientStream();
  #onEnd: FlowEnd | null = null;
  #ended: { readonly error: WireError | null } | null = null;

  abstract take(chunk: Uint8Array): void;
  /** The upstream ended its answer. */
  abstract end(): void;
  /** The upstream's answer broke off, or the gateway ends it. */
  abstract breakOff(error: WireError): void;

  /** Stops it without a word to a client that is gone. */
  drop(): void {
    this.stream.breakOff();
    this.finish(null);
  }

  /** Tells of the flow's end, once; at once if it is over. */
  whenEnded(onEnd: FlowEnd): void {
    if (this.#ended !== null) onEnd(this.#ended.error);
    else this.#onEnd = onEnd;
  }

  protected get is_ended(): boolean {
    return this.#ended !== null;
  }

  protected finish(error: WireError | null): void {
    if (this.#ended !== null) return;
    this.#ended = { error };
    this.#onEnd?.(error);
  }
}

/** Any bytes. A broken one is cut off, so that the client's HTTP parser sees it. */
export class ByteFlow extends Flow {
  take(chunk: Uint8Array): void {
    this.stream.write(chunk);
  }

  end(): void {
    this.stream.end();
    this.finish(null);
  }

  breakOff(error: WireError): void {
    this.stream.breakOff();
    this.finish(error);
  }
}

/**
 * Server-sent events. Only whole events are passed on, so that an error can follow at any time, and some may be left out.
 * Consecutive events go out in one write, as the very bytes that came.
 */
export class EventFlow extends Flow implements Alarm {
  at_ms = 0;

  readonly #watch: StreamWatch | null;
  readonly #onEvent: ((event: SseEvent) => void) | null;
  readonly #alarms: Alarms;
  readonly #framer: SseFramer;
  /** Adjacent bytes that wait for the end of the chunk. */
  #run: Uint8Array | null = null;

  /**
   * @param watch sees every event and may leave it out; null passes all on
   * @param onEvent hears of every event after the watch did
   * @param alarms wakes it for the comments of a quiet stream
   */
  constructor(watch: StreamWatch | null, onEvent: ((event: SseEvent) => void) | null, alarms: Alarms) {
    super();
    this.#watch = watch;
    this.#onEvent = onEvent;
    this.#alarms = alarms;
    this.#framer = new SseFramer(EVENT_MAX_BYTES, (event) => this.#pass(event));
    this.#sleep();
  }

  take(chunk: Uint8Array): void {
    if (this.is_ended) return;
    const unframed = this.#framer.feed(chunk);
    this.#flush();
    if (unframed !== null) this.stream.write(unframed);
  }

  /**
   * No more bytes come. Tells whether the stream came to its end. Some providers leave out the last blank line: what lies
   * behind the last whole event counts and is passed on if it completes the stream, and is dropped if it was cut short.
   */
  closeInput(): boolean {
    const rest = this.#framer.end();
    if (rest === null) return this.#watch?.complete ?? true;
    const is_shown = this.#watch?.see(rest) ?? true;
    const is_complete = this.#watch?.complete ?? true;
    if (is_complete && is_shown) this.stream.write(rest.raw);
    this.#onEvent?.(rest);
    return is_complete;
  }

  end(): void {
    if (this.is_ended) return;
    this.closeInput();
    this.#close(this.#watch?.error ?? null);
  }

  breakOff(error: WireError): void {
    if (this.is_ended) return;
    this.stream.write(errorEvent(error));
    this.#close(error);
  }

  override drop(): void {
    this.#alarms.remove(this);
    super.drop();
  }

  ring(): void {
    const now_ms = performance.now();
    if (now_ms - this.stream.written_ms >= QUIET_MS) this.stream.write(COMMENT);
    this.#sleep();
  }

  #sleep(): void {
    this.at_ms = this.stream.written_ms + QUIET_MS;
    this.#alarms.add(this);
  }

  #pass(event: SseEvent): void {
    const is_shown = this.#watch?.see(event) ?? true;
    this.#onEvent?.(event);
    if (!is_shown) {
      this.#flush();
      return;
    }
    const { raw } = event;
    const run = this.#run;
    if (run !== null && run.buffer === raw.buffer && run.byteOffset + run.length === raw.byteOffset) {
      this.#run = new Uint8Array(run.buffer, run.byteOffset, run.length + raw.length);
      return;
    }
    this.#flush();
    this.#run = raw;
  }

  #flush(): void {
    if (this.#run === null) return;
    this.stream.write(this.#run);
    this.#run = null;
  }

  #close(error: WireError | null): void {
    this.#alarms.remove(this);
    this.stream.end();
    this.finish(error);
  }
}
