// The client's end of a streamed answer: bytes go out as they come, and a full socket holds the upstream back.
// Built on Bun's direct streams, whose `write` answers with a Promise for as long as the client's socket is full.

/** What the stream asks of whoever feeds it. */
export interface Feeder {
  /** The client's socket is full. */
  pause(): void;
  resume(): void;
}

/** Where a stream's bytes go. */
export interface StreamSink {
  /** A Promise: the client takes no more until it resolves. */
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
  close(error?: Error): void;
}

/** Puts a stream's events into another form, on their way to the client. */
export interface Frame {
  /** Whether something came that has no place in that form: the rest cannot be told. */
  readonly is_broken?: boolean;
  /** Takes whole events. */
  feed(events: Uint8Array): Uint8Array;
  /** The stream has ended, and was not cut. */
  close(): Uint8Array;
}

/** Whose answer a stream is. */
export interface StreamOwner {
  /** It is with the client from now on: should the client go, the stream hears of it. */
  onAttached(): void;
  onClientGone(): void;
}

/** Fewer bytes the server's stream keeps until more have come, or it is told to send them; of more, telling it does nothing. */
const SENT_AT_ONCE_BYTES = 64;
const STRATEGY = { highWaterMark: SENT_AT_ONCE_BYTES };
/** How much may wait for the response to begin before the feeder is paused. */
const WAITING_MAX_BYTES = 256 * 1024;

/** A streamed answer's body. It is the source of its own stream (the methods `pull` and `cancel`): a function less for each. */
export class ClientStream {
  readonly type = "direct";
  readonly body: ReadableStream;
  /** When bytes were last written, on the clock of `performance.now()`. */
  written_ms = performance.now();
  /** What was written since the client's socket became full; bytes. */
  held_bytes = 0;

  /** Whether something is written to it now and then, whatever comes. */
  has_comments = false;
  /** Null: nobody is to hear of its client. */
  owner: StreamOwner | null = null;
  /** To be done before it ends; null: nothing. */
  beforeEnd: (() => void) | null = null;

  /** Puts the events into another form; null: they go out as they are. */
  frame: Frame | null = null;

  #feeder: Feeder | null = null;
  #controller: StreamSink | null = null;
  #waiting: Uint8Array[] = [];
  #waiting_bytes = 0;
  #full = false;
  #ended: { readonly broken: boolean } | null = null;

  constructor() {
    this.body = new ReadableStream(this as unknown as Bun.DirectUnderlyingSource, STRATEGY);
  }

  /** The response is being read. Returning without having closed keeps the stream open until `close`. */
  pull(controller: StreamSink): void {
    this.attach(controller);
    this.owner?.onAttached();
  }

  /** The client is gone. Before the response has begun, only its request's signal tells. */
  cancel(): void {
    this.#forget();
    this.owner?.onClientGone();
  }

  /** Who feeds it from now on. */
  set feeder(feeder: Feeder | null) {
    this.#feeder = feeder;
    if (this.#full) feeder?.pause();
  }

  write(events: Uint8Array): void {
    if (this.#ended !== null || events.length === 0) return;
    this.#write(this.frame === null ? events : this.frame.feed(events));
    if (this.frame?.is_broken) this.breakOff();
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.written_ms = performance.now();
    if (this.#controller !== null) {
      this.#send(this.#controller, bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.#waiting_bytes += bytes.length;
    if (this.#waiting_bytes > WAITING_MAX_BYTES) this.#pause();
  }

  /** Ends the answer well. */
  end(): void {
    if (this.#ended === null && this.frame !== null) this.#write(this.frame.close());
    this.#finish(false);
  }

  /** Ends the answer so that the client sees it is broken: the connection is cut before the body's end. */
  breakOff(): void {
    this.#finish(true);
  }

  /** The client is there: from now on bytes go to it. The server's own response attaches itself where its body is read. */
  attach(controller: StreamSink): void {
    this.#controller = controller;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waiting_bytes = 0;
    this.#full = false;
    for (const bytes of waiting) this.#send(controller, bytes);
    if (this.#ended !== null && !this.#full) this.#close(controller, this.#ended.broken);
    else if (!this.#full) this.#feeder?.resume();
  }

  #send(controller: StreamSink, bytes: Uint8Array): void {
    const taken = controller.write(bytes);
    if (bytes.length < SENT_AT_ONCE_BYTES) controller.flush();
    if (this.#full) this.held_bytes += bytes.length;
    if (typeof taken !== "number") this.#waitFor(taken);
  }

  #waitFor(room: Promise<number>): void {
    if (this.#full) return;
    this.#pause();
    const resume = () => {
      this.#full = false;
      this.held_bytes = 0;
      if (this.#ended === null) this.#feeder?.resume();
      else if (this.#controller !== null) this.#close(this.#controller, this.#ended.broken);
    };
    room.then(resume, () => this.#forget());
  }

  #pause(): void {
    if (this.#full) return;
    this.#full = true;
    this.#feeder?.pause();
  }

  #finish(broken: boolean): void {
    if (this.#ended !== null) return;
    this.#ended = { broken };
    this.#feeder = null;
    // What is closed while bytes of it wait for the client counts as answered, and a stopping server would cut it.
    const is_waiting = this.#full && !broken;
    if (this.#controller !== null && !is_waiting) this.#close(this.#controller, broken);
  }

  #close(controller: StreamSink, broken: boolean): void {
    this.#controller = null;
    this.beforeEnd?.();
    if (broken) controller.close(new Error("the answer broke off"));
    else controller.close();
  }

  #forget(): void {
    this.#ended ??= { broken: true };
    this.#controller = null;
    this.#feeder = null;
    this.#waiting = [];
  }
}
