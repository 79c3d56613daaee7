// A client's connection of the load generator: one call at a time, each with a body of its own.

import type { Socket } from "bun";
import { AnswerReader } from "./answer.ts";
import { chatBody, questionBody, writeBlanks, writeCounter } from "./bodies.ts";
import type { LoadOrder } from "./load_order.ts";

/** How a call ended. */
export interface Outcome {
  /** From when its latency counts: when it was, or should have been, sent. */
  readonly begin_ms: number;
  readonly end_ms: number;
  /** 0 if no event came. */
  readonly first_event_ms: number;
  readonly events: number;
  /** The client left it on purpose. */
  readonly is_left: boolean;
  readonly fault: string | null;
}

/** A request as bytes, and where in it the counter stands. */
export interface Request {
  readonly bytes: Buffer;
  readonly counter_at: number;
}

/** Numbers the calls of this process, so that no two bodies are alike. */
let count = 0;

/** The request of an order. */
export function requestOf(order: LoadOrder): Request {
  const { text, model, body_kb, is_stream } = order;
  const { bytes, counter_at } =
    text === "question"
      ? questionBody(model)
      : chatBody(body_kb, { model, is_stream, is_personal: text === "personal" });
  const head = Buffer.from(
    `POST ${order.path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: venturi-bench\r\naccept: application/json\r\n` +
      `content-type: application/json\r\n${order.headers}content-length: ${bytes.length}\r\n\r\n`,
  );
  return { bytes: Buffer.concat([head, bytes]), counter_at: head.length + counter_at };
}

/** Opens with `openConnection`, calls with `call`, and tells every outcome. After a fault it is closed. */
export class Connection {
  is_closed = false;
  /** The call that it is in was sent, and is not answered. */
  is_busy = false;
  /** Told at the first event of every stream. */
  onFirstEvent: (() => void) | null = null;
  readonly #order: LoadOrder;
  readonly #request: Request;
  readonly #onOutcome: (outcome: Outcome, connection: Connection) => void;
  readonly #answer = new AnswerReader();
  #socket: Socket<undefined> | null = null;
  #sent_bytes = 0;
  #begin_ms = 0;
  #first_event_ms = 0;

  constructor(
    order: LoadOrder,
    request: Request,
    onOutcome: (outcome: Outcome, connection: Connection) => void,
  ) {
    this.#order = order;
    // A copy of its own: the rest of a large request may still be in it when another connection's counter changes.
    this.#request = { bytes: Buffer.from(request.bytes), counter_at: request.counter_at };
    this.#onOutcome = onOutcome;
  }

  /** Connects. */
  async open(): Promise<this> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#order.port,
      socket: {
        open: (socket) => {
          socket.setNoDelay(true);
        },
        data: (_, bytes) => this.#receive(bytes),
        drain: () => this.#send(),
        close: () => this.#lose("the connection was closed in a call"),
        error: (_, error) => this.#lose(error.message),
      },
    });
    return this;
  }

  /** Sends a call. Its latency counts from `begin_ms`. */
  call(begin_ms: number): void {
    count += 1;
    const { bodies, text } = this.#order;
    const write = text === "question" ? writeBlanks : writeCounter;
    write(this.#request.bytes, this.#request.counter_at, bodies === 0 ? count : count % bodies);
    this.is_busy = true;
    this.#begin_ms = begin_ms;
    this.#first_event_ms = 0;
    this.#sent_bytes = 0;
    this.#answer.reset();
    this.#send();
  }

  /** Closes it; a call that it is in ends as left. */
  close(): void {
    if (this.is_busy) this.#finish(null, true);
    this.is_closed = true;
    this.#socket?.terminate();
  }

  #send(): void {
    const { bytes } = this.#request;
    if (!this.is_busy || this.#socket === null || this.#sent_bytes === bytes.length) return;
    const rest = this.#sent_bytes === 0 ? bytes : bytes.subarray(this.#sent_bytes);
    this.#sent_bytes += Math.max(0, this.#socket.write(rest));
  }

  #receive(bytes: Buffer): void {
    const answer = this.#answer;
    if (!this.is_busy) {
      // Bytes that nobody asked for would be taken for the next answer: the connection is no good any more.
      this.close();
      return;
    }
    answer.push(bytes);
    if (this.#first_event_ms === 0 && answer.events > 0) {
      this.#first_event_ms = performance.now();
      this.onFirstEvent?.();
    }
    const { leave_after_events } = this.#order;
    if (answer.fault !== null) this.#lose(answer.fault);
    else if (answer.is_whole) this.#finish(this.#judge(), false);
    else if (leave_after_events > 0 && answer.events >= leave_after_events) this.close();
  }

  #judge(): string | null {
    const { status, tail, events } = this.#answer;
    const { expect_status, is_stream, events: events_min, last_event } = this.#order;
    if (status !== expect_status) return `status ${status} instead of ${expect_status}`;
    if (status >= 300) return null;
    if (!is_stream) return tail.endsWith("}") ? null : `the answer ends with ${JSON.stringify(tail)}`;
    if (!tail.trimEnd().endsWith(`data: ${last_event}`))
      return `the stream ends with ${JSON.stringify(tail)}`;
    return events < events_min ? `${events} events came of ${events_min}` : null;
  }

  #lose(fault: string): void {
    if (this.is_closed) return;
    this.is_closed = true;
    this.#socket?.terminate();
    if (this.is_busy) this.#finish(fault, false);
  }

  #finish(fault: string | null, is_left: boolean): void {
    this.is_busy = false;
    const outcome: Outcome = {
      begin_ms: this.#begin_ms,
      end_ms: performance.now(),
      first_event_ms: this.#first_event_ms,
      events: this.#answer.events,
      is_left,
      fault,
    };
    if ((fault !== null || is_left) && !this.is_closed) {
      this.is_closed = true;
      this.#socket?.terminate();
    }
    this.#onOutcome(outcome, this);
  }
}
