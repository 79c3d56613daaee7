// A WebSocket to an upstream, over the HTTP/1.1 client's connections: it tells what a refusal says, and is read only as fast as what it
// says can be passed on. The runtime's own client does neither.

import type { HeaderFields, Origin, Timeouts } from "../../config/plan.ts";
import { UpstreamError, type UpstreamFailure, type UpstreamHead } from "../exchange.ts";
import type { Dialler } from "./dialler.ts";
import {
  CLOSE_CODES,
  closeFrame,
  type FrameListener,
  FrameReader,
  messageFrame,
  pingFrame,
  pongFrame,
} from "./frames.ts";
import { makeOpening, type Opened, type Opening, OpeningReader } from "./opening.ts";
import type { Handover } from "./tunnel.ts";

/** How long the other side may take to say goodbye, in milliseconds. */
const GOODBYE_MAX_MS = 2_000;

/** Where a WebSocket goes. */
export interface SocketRequest {
  readonly origin: Origin;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderFields;
  readonly timeouts: Pick<Timeouts, "connect_ms" | "first_byte_ms">;
  readonly max_message_bytes: number;
}

/** Hears of a WebSocket: exactly one of `onOpen`, `onRefused` and `onFailed`; after `onOpen` messages, and one `onClosed`, last. */
export interface SocketListener {
  onOpen(): void;
  /** The answer was no agreement. */
  onRefused(head: UpstreamHead, body: Uint8Array): void;
  /** There was no connection, or no answer that makes sense. */
  onFailed(error: UpstreamError): void;
  onMessage(is_text: boolean, payload: Uint8Array): void;
  /** 1005 where the other side gave no code, 1006 where the connection broke. */
  onClosed(code: number, reason: string): void;
}

type State = "connecting" | "opening" | "open" | "closing" | "closed";

/** A WebSocket. After `close` and `abort` it tells nothing more. */
export class UpstreamSocket implements FrameListener {
  /** When something came last, by `performance.now()`. */
  heard_ms = performance.now();
  readonly #request: SocketRequest;
  readonly #listener: SocketListener;
  readonly #opening: Opening | string;
  readonly #reader: FrameReader;
  #opened: OpeningReader | null = null;
  #state: State = "connecting";
  #dial: { cancel(): void } | null = null;
  #socket: Bun.Socket<UpstreamSocket> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** What the socket has not taken yet. */
  #waiting: Uint8Array[] = [];
  #waiting_bytes = 0;
  #is_paused = false;

  constructor(request: SocketRequest, dialler: Dialler, listener: SocketListener) {
    this.#request = request;
    this.#listener = listener;
    this.#opening = makeOpening(request.origin, request.path, request.headers);
    this.#reader = new FrameReader(request.max_message_bytes);
    if (typeof this.#opening === "string") {
      const what = this.#opening;
      queueMicrotask(() => this.#fail("bad_request", what));
      return;
    }
    this.#dial = dialler.dial(request.origin, {
      dialed: (connection) => this.#use(connection),
      notDialed: (failure, what, cause) => this.#fail(failure, what, cause),
    });
    this.#within(request.timeouts.connect_ms, "connect_timeout", "no connection");
  }

  /** Bytes that wait for the other side to take them. */
  get waiting_bytes(): number {
    return this.#waiting_bytes;
  }

  /** Sends a message; it waits where the other side is slow. */
  send(is_text: boolean, payload: Uint8Array): void {
    if (this.#state === "open") this.#write(messageFrame(is_text, payload));
  }

  /** Asks whether the other side is there. */
  ping(): void {
    if (this.#state === "open") this.#write(pingFrame());
  }

  /** Stops reading: TCP holds the other side back. */
  pause(): void {
    if (this.#is_paused || this.#state !== "open") return;
    this.#is_paused = true;
    this.#socket!.pause();
  }

  resume(): void {
    if (!this.#is_paused) return;
    this.#is_paused = false;
    if (this.#state === "open") this.#socket!.resume();
  }

  /** Says goodbye and waits a moment for the other side's. A code that is never sent becomes a goodbye without one. */
  close(code: number, reason: string): void {
    if (this.#state !== "open") {
      if (this.#state !== "closing") this.abort();
      return;
    }
    this.resume();
    this.#state = "closing";
    this.#write(closeFrame(code, reason));
    this.#timer = setTimeout(() => this.abort(), GOODBYE_MAX_MS);
  }

  /** Ends it now. */
  abort(): void {
    this.#end();
    this.#socket?.terminate();
  }

  #end(): void {
    this.#state = "closed";
    this.#clearTimer();
    this.#dial?.cancel();
    this.#dial = null;
    this.#waiting = [];
    this.#waiting_bytes = 0;
  }

  // ---- Until it is open

  #use(connection: Handover): void {
    this.#dial = null;
    this.#state = "opening";
    const opening = this.#opening as Opening;
    this.#opened = new OpeningReader(opening);
    this.#socket = connection.handOver<UpstreamSocket>(this, HANDLERS);
    this.#within(this.#request.timeouts.first_byte_ms, "first_byte_timeout", "no answer");
    this.#write(opening.bytes);
  }

  #within(limit_ms: number, failure: UpstreamFailure, what: string): void {
    this.#clearTimer();
    if (limit_ms > 0)
      this.#timer = setTimeout(() => this.#fail(failure, `${what} after ${limit_ms} ms`), limit_ms);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #fail(failure: UpstreamFailure, what: string, cause?: unknown): void {
    if (this.#state === "closed") return;
    const { host, port } = this.#request.origin;
    this.abort();
    this.#listener.onFailed(new UpstreamError(failure, `${host}:${port}: ${what}`, cause));
  }

  #answered(opened: Opened): void {
    switch (opened.kind) {
      case "wrong":
        this.#fail("bad_response", opened.what);
        return;
      case "refused":
        this.abort();
        this.#listener.onRefused(opened.head, opened.body);
        return;
      case "open":
        this.#clearTimer();
        this.#opened = null;
        this.#state = "open";
        this.#listener.onOpen();
        if (opened.rest.length > 0) this.#read(opened.rest);
    }
  }

  // ---- What the socket tells

  received(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.heard_ms = performance.now();
    const opened = this.#opened === null ? null : this.#opened.read(bytes);
    if (opened !== null) this.#answered(opened);
    else if (this.#opened === null) this.#read(bytes);
  }

  #read(bytes: Uint8Array): void {
    const fault = this.#reader.read(bytes, this);
    if (fault === null || this.#state === "closed") return;
    const { code, reason } = fault;
    this.#write(closeFrame(code, reason));
    this.#over(code === CLOSE_CODES.too_big ? code : CLOSE_CODES.broken, reason);
  }

  onMessage(is_text: boolean, payload: Uint8Array): void {
    if (this.#state === "open") this.#listener.onMessage(is_text, payload);
  }

  onPing(payload: Uint8Array): void {
    if (this.#state === "open") this.#write(pongFrame(payload));
  }

  /** That something came is all that a pong says. */
  onPong(): void {}

  onClose(code: number, reason: string): void {
    if (this.#state === "open") this.#write(closeFrame(code, ""));
    this.#over(code, reason);
  }

  /** The other side is done: what was written to it still goes out. */
  #over(code: number, reason: string): void {
    const was_open = this.#state === "open";
    const socket = this.#socket;
    this.#end();
    socket?.end();
    if (was_open) this.#listener.onClosed(code, reason);
  }

  drained(): void {
    if (this.#waiting.length > 0) this.#flush();
  }

  closed(): void {
    if (this.#state === "closed") return;
    if (this.#opened !== null) this.#answered(this.#opened.end());
    else this.#over(CLOSE_CODES.broken, "");
  }

  // ---- What is written

  #write(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waiting_bytes += bytes.length;
    if (this.#waiting.length === 1) this.#flush();
  }

  #flush(): void {
    const socket = this.#socket!;
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting[0]!;
      const taken = socket.write(bytes);
      if (taken < 0) {
        queueMicrotask(() => this.closed());
        return;
      }
      this.#waiting_bytes -= taken;
      if (taken < bytes.length) {
        this.#waiting[0] = bytes.subarray(taken);
        return;
      }
      this.#waiting.shift();
    }
  }
}

const HANDLERS: Bun.SocketHandler<UpstreamSocket> = {
  binaryType: "uint8array",
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.closed(),
  close: (socket) => socket.data.closed(),
  error: (socket) => socket.data.closed(),
};
