// One call of a socket: run through the same pipeline as a request of HTTP, its answer taken apart into what becomes frames.

import { GatewayError } from "../../errors.ts";
import { type JsonObjectScan, scanObject } from "../../wire/json.ts";
import { type SseEvent, SseFramer } from "../../wire/sse.ts";
import type { Call } from "../call.ts";
import type { StreamSink } from "../client_stream.ts";
import { brokenOff, type CallFailure, cancelled, failureOfBody, ownFailure } from "./call_failure.ts";
import type { FrameQueue } from "./outbox.ts";

/** Longest event of an answer; the pipeline frames none that is longer than half of it. Bytes. */
const EVENT_MAX_BYTES = 8 * 1024 * 1024;
/** Longest answer that is not streamed; bytes. */
const WHOLE_MAX_BYTES = 32 * 1024 * 1024;
const DONE = "[DONE]";

/** Fields of a response that say something of HTTP alone. */
const OF_HTTP: ReadonlySet<string> = new Set([
  ...["content-type", "content-length", "content-encoding", "cache-control", "x-accel-buffering"],
  "connection",
]);

/** Puts an answer into frames: its parts in order, then `done` or `failed`, once. */
export interface AnswerWriter {
  /** Why an answer that is about to begin will not do; null: it will. */
  refusal(call: Call): CallFailure | null;
  /** A part of the answer: a JSON object. */
  part(data: string, scan: JsonObjectScan): void;
  /** What an event named `error` tells; null: it is a part like others. */
  failureOf(data: Uint8Array): CallFailure | null;
  done(call: Call, headers: Readonly<Record<string, string>>): void;
  failed(failure: CallFailure): void;
}

/** A call of a socket. */
export class SocketCall implements StreamSink {
  readonly queue: FrameQueue;
  readonly #call: Call;
  readonly #writer: AnswerWriter;
  readonly #framer = new SseFramer(EVENT_MAX_BYTES, { onEvent: (event) => this.#hear(event) });
  #headers: Readonly<Record<string, string>> = {};
  #is_cancelled = false;
  #is_over = false;
  /** What came of an answer that is no stream of events; null for others. */
  #whole: Uint8Array[] | null = null;
  #whole_bytes = 0;

  constructor(call: Call, queue: FrameQueue, writer: AnswerWriter) {
    this.#call = call;
    this.queue = queue;
    this.#writer = writer;
  }

  /** Takes what the pipeline answers. */
  async take(answered: Promise<Response>): Promise<void> {
    const response = await answered;
    this.#headers = headersOf(response);
    const is_events = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
    if (response.status < 400 && !is_events) this.#whole = [];
    const refusal = response.status < 400 ? this.#writer.refusal(this.#call) : null;
    if (refusal !== null) this.#giveUp(refusal);
    const { stream } = this.#call;
    if (stream !== null) {
      stream.attach(this);
      return;
    }
    const body = await response.bytes();
    if (response.status >= 400) {
      this.#fail(this.#is_cancelled ? cancelled() : failureOfBody(body, response.status, this.#headers));
      return;
    }
    this.write(body);
    this.close();
  }

  /** Its client does not want it any more. */
  cancel(): void {
    this.#is_cancelled = true;
    this.#call.stop("gone");
  }

  write(bytes: Uint8Array): number | Promise<number> {
    if (this.#is_over) return bytes.length;
    if (this.#whole !== null) this.#collect(bytes);
    else if (this.#framer.feed(bytes) !== null)
      this.#giveUp(upstreamFailure("sent an event that is too long"));
    return this.queue.room ?? bytes.length;
  }

  flush(): number {
    return 0;
  }

  close(error?: Error): void {
    if (this.#is_over) return;
    if (error !== undefined) {
      this.#fail(this.#is_cancelled ? cancelled() : brokenOff());
      return;
    }
    if (this.#whole !== null) {
      const body = Buffer.concat(this.#whole);
      this.#whole = [];
      this.#part(body);
    } else {
      const rest = this.#framer.end();
      if (rest !== null) this.#hear(rest);
    }
    // What was used and what it cost is known when the pipeline has settled, at the end of this turn.
    if (!this.#is_over) queueMicrotask(() => this.#end());
  }

  #hear(event: SseEvent): void {
    if (event.data === null || this.#is_over) return;
    const is_error = event.name !== null && isText(event.name, "error");
    const failure = is_error ? this.#writer.failureOf(event.data) : null;
    if (failure !== null) this.#fail(failure);
    else if (!isText(event.data, DONE)) this.#part(event.data);
  }

  #part(data: Uint8Array): void {
    // What is no JSON object would break the frame around it.
    const scan = scanObject(data);
    if (scan.fault !== null) this.#giveUp(upstreamFailure("sent something that is no JSON object"));
    else this.#writer.part(textOf(data), scan);
  }

  #collect(bytes: Uint8Array): void {
    this.#whole_bytes += bytes.length;
    if (this.#whole_bytes <= WHOLE_MAX_BYTES) this.#whole!.push(bytes);
    else this.#giveUp(upstreamFailure(`sent more than the ${WHOLE_MAX_BYTES} bytes that a frame may have`));
  }

  /** The answer cannot be put into frames: nothing more of it is wanted. */
  #giveUp(failure: CallFailure): void {
    this.#whole = null;
    this.#fail(failure);
    this.#call.stop("gone");
  }

  #end(): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#writer.done(this.#call, this.#headers);
  }

  #fail(failure: CallFailure): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#writer.failed(failure);
  }
}

function upstreamFailure(what: string): CallFailure {
  return ownFailure(new GatewayError("upstream_error", `The provider ${what}.`));
}

function headersOf(response: Response): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) if (!OF_HTTP.has(name)) headers[name] = value;
  return headers;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

function isText(bytes: Uint8Array, text: string): boolean {
  if (bytes.length !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}
