// One exchange over HTTP/1.1: gets a connection, sends, tells its handler what comes, and watches its time.
// The state lives here and ends here, exactly once; a connection only ever serves the exchange it was given.

import { atEndOfTurn, type Sender, TOGETHER_MIN } from "../../memory/end_of_turn.ts";
import {
  type Exchange,
  type ExchangeHandler,
  type ExchangeTimes,
  type ResponseHeaders,
  UpstreamError,
  type UpstreamFailure,
  type UpstreamRequest,
} from "../exchange.ts";
import type { Connection } from "./connection.ts";
import type { Http1Context } from "./context.ts";
import { Dial, type DialWaiter } from "./dial.ts";
import type { Pool } from "./pool.ts";
import { isSmall, requestError, streamHead } from "./request_head.ts";
import { arePatient, isPatient, type Timed } from "./sweep.ts";
import { Upload, type UploadWaiter } from "./upload.ts";

/** An exchange under way. */
export class Http1Exchange implements Exchange, Timed, Sender, DialWaiter, UploadWaiter {
  readonly request: UpstreamRequest;
  readonly times: ExchangeTimes;
  reused = false;
  sweep_slot = -1;
  readonly is_patient: boolean;
  /** Whether the socket has taken the whole request. */
  is_sent = false;
  is_paused = false;
  /** Whether it is sent at the end of this turn. */
  #is_posted = false;

  readonly #context: Http1Context;
  /** Null from the moment that nothing may be told any more. */
  #handler: ExchangeHandler | null;
  #pool: Pool | null = null;
  #connection: Connection | null = null;
  #dial: Dial | null = null;
  #upload: Upload | null = null;
  #has_head = false;
  /** Whether anything moved since the last check; saves asking for the time at every chunk. */
  #moved = false;
  #moved_ms = 0;
  /** When the request had left; the connect timeout counts from here while there is no connection. */
  #since_ms: number;
  /** When an incomplete head was seen first. */
  #head_since_ms = 0;

  constructor(context: Http1Context, request: UpstreamRequest, handler: ExchangeHandler, now_ms: number) {
    this.#context = context;
    this.request = request;
    this.#handler = handler;
    this.#since_ms = now_ms;
    this.is_patient = isPatient(context.head_ms) && arePatient(request.timeouts);
    this.times = { started_ms: now_ms, connected_ms: 0, first_byte_ms: 0 };
  }

  /** Sends the request; nothing is told before this returns. */
  start(): void {
    const context = this.#context;
    const { request } = this;
    const now_ms = this.times.started_ms;
    context.sweep.add(this, now_ms);
    const error = requestError(request);
    if (error !== null || context.closing) {
      if (error !== null) this.#failSoon("bad_request", error);
      else this.#failSoon("closed", "the client is closed");
      return;
    }
    const pool = context.pools.of(request.origin, request.pool);
    this.#pool = pool;
    // A stream can be sent once, so it does not go where the connection may turn out to be gone.
    const connection = request.body === null || Array.isArray(request.body) ? pool.take(now_ms) : null;
    if (connection === null) this.#connect(now_ms);
    else this.#use(connection, now_ms);
  }

  #connect(now_ms: number): void {
    this.#since_ms = now_ms;
    this.#dial = new Dial(this.#context, this.#pool!, this);
    this.#dial.start(now_ms);
  }

  dialed(connection: Connection): void {
    this.#dial = null;
    this.#use(connection, performance.now());
  }

  notDialed(failure: UpstreamFailure, what: string, cause: unknown): void {
    this.#dial = null;
    this.fail(failure, what, cause);
  }

  #use(connection: Connection, now_ms: number): void {
    this.#connection = connection;
    this.reused = connection.served;
    this.times.connected_ms = now_ms;
    this.#moved_ms = now_ms;
    connection.begin(this);
    const { body } = this.request;
    if (body === null || Array.isArray(body)) {
      // A large body is still in the processor's caches now, and will not be when those of other calls have been read.
      if (this.#context.sweep.size < TOGETHER_MIN || !isSmall(body)) {
        if (connection.sendWhole()) this.#sent(now_ms);
      } else if (!this.#is_posted) {
        this.#is_posted = true;
        atEndOfTurn(this);
      }
      return;
    }
    const stream = body as Exclude<typeof body, readonly Uint8Array[]>;
    try {
      this.#upload = new Upload(connection, stream, this);
    } catch (error) {
      this.fail("upload", "the upload cannot be read", error);
      return;
    }
    void this.#upload.run(streamHead(this.request, stream.length));
  }

  sendNow(): void {
    this.#is_posted = false;
    if (this.#connection?.sendWhole()) this.#sent(performance.now());
  }

  #sent(now_ms: number): void {
    this.is_sent = true;
    this.#since_ms = now_ms;
  }

  uploaded(): void {
    this.#sent(performance.now());
  }

  uploadFailed(what: string, cause: unknown): void {
    this.fail("upload", `the upload broke off: ${what}`, cause);
  }

  // ---- What the connection tells

  /** Some bytes of a large request were taken. */
  progressed(): void {
    this.#moved = true;
  }

  /** All pending bytes were taken. */
  flushed(): void {
    if (this.#upload !== null) this.#upload.flushed();
    else this.#sent(performance.now());
  }

  /** Bytes arrived. */
  heard(): void {
    this.#moved = true;
    if (this.times.first_byte_ms === 0) this.times.first_byte_ms = performance.now();
  }

  /** What arrived was no answer to this request. */
  unhear(): void {
    this.times.first_byte_ms = 0;
  }

  tellHead(status: number, headers: ResponseHeaders): void {
    this.#has_head = true;
    if (this.is_sent) this.request.body = null;
    try {
      this.#handler!.onHead({ status, headers });
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  tellData(chunk: Uint8Array): void {
    try {
      this.#handler!.onData(chunk);
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  /** The response is complete and the connection already taken care of. */
  tellEnd(): void {
    this.#connection = null;
    const handler = this.#stop();
    try {
      handler?.onEnd();
    } catch (error) {
      this.#context.report(error);
    }
  }

  /** The connection is gone before the response was complete. */
  lost(what: string, cause: unknown): void {
    this.#connection = null;
    // It had been closed while it was idle, most likely, and the request was never seen: one more try.
    if (this.reused && this.times.first_byte_ms === 0) {
      this.reused = false;
      this.is_sent = false;
      this.times.connected_ms = 0;
      this.#connect(performance.now());
      return;
    }
    this.fail("closed", `closed the connection: ${what}`, cause);
  }

  #handlerFailed(error: unknown): void {
    this.fail("handler", "the handler of its response threw", error);
  }

  // ---- The end

  #failSoon(failure: UpstreamFailure, what: string): void {
    queueMicrotask(() => this.fail(failure, what));
  }

  /** Ends the exchange with an error, unless it has ended. */
  fail(failure: UpstreamFailure, what: string, cause?: unknown): void {
    const handler = this.#stop();
    if (handler === null) return;
    const { host, port } = this.request.origin;
    try {
      handler.onError(new UpstreamError(failure, `${host}:${port}: ${what}`, cause));
    } catch (error) {
      this.#context.report(error);
    }
  }

  abort(): void {
    this.#stop();
  }

  /** Lets everything go; returns the handler if there was still something to tell. */
  #stop(): ExchangeHandler | null {
    const handler = this.#handler;
    if (handler === null) return null;
    this.#handler = null;
    this.#context.sweep.remove(this);
    this.#dial?.cancel();
    this.#upload?.stop();
    this.#connection?.destroy();
    this.#dial = null;
    this.#upload = null;
    this.#connection = null;
    const { body } = this.request;
    if (!this.is_sent && body !== null && !Array.isArray(body)) {
      this.#dropStream((body as Exclude<typeof body, readonly Uint8Array[]>).stream);
    }
    return handler;
  }

  /** A stream that was never begun is cancelled as well, so that its source does not wait for ever. */
  #dropStream(stream: ReadableStream<Uint8Array>): void {
    if (!stream.locked) stream.cancel().catch(() => {});
  }

  // ---- Back-pressure and time

  pause(): void {
    if (this.is_paused || this.#handler === null) return;
    this.is_paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    if (!this.is_paused) return;
    this.is_paused = false;
    // Time did not run while we were the ones who did not read.
    this.#moved = true;
    this.#head_since_ms = 0;
    if (this.is_sent && !this.#has_head) this.#since_ms = performance.now();
    this.#connection?.resume();
  }

  check(now_ms: number): void {
    const late = this.#late(now_ms);
    if (late !== null) this.fail(late[0], late[1]);
  }

  /** Which of the times is over, if any. */
  #late(now_ms: number): readonly [UpstreamFailure, string] | null {
    const { connect_ms, first_byte_ms, idle_ms, total_ms } = this.request.timeouts;
    if (isOver(total_ms, now_ms - this.times.started_ms))
      return ["total_timeout", `not done after ${total_ms} ms`];
    const connection = this.#connection;
    if (connection === null) {
      if (!isOver(connect_ms, now_ms - this.#since_ms)) return null;
      return ["connect_timeout", `no connection after ${connect_ms} ms`];
    }
    if (this.#moved) {
      this.#moved = false;
      this.#moved_ms = now_ms;
    }
    if (connection.has_pending) {
      if (!isOver(idle_ms, now_ms - this.#moved_ms)) return null;
      return ["idle_timeout", `took no byte of the request for ${idle_ms} ms`];
    }
    // Silence that we asked for is none.
    if (this.is_paused) return null;
    if (this.#has_head) {
      if (!isOver(idle_ms, now_ms - this.#moved_ms)) return null;
      return ["idle_timeout", `silent in the middle of a response for ${idle_ms} ms`];
    }
    if (connection.in_head) {
      if (this.#head_since_ms === 0) this.#head_since_ms = now_ms;
      const { head_ms } = this.#context;
      if (!isOver(head_ms, now_ms - this.#head_since_ms)) return null;
      return ["first_byte_timeout", `the response head is incomplete after ${head_ms} ms`];
    }
    this.#head_since_ms = 0;
    if (!this.is_sent || !isOver(first_byte_ms, now_ms - this.#since_ms)) return null;
    return ["first_byte_timeout", `no response after ${first_byte_ms} ms`];
  }
}

/** Whether a limit is reached; 0 is none. */
function isOver(limit_ms: number, passed_ms: number): boolean {
  return limit_ms > 0 && passed_ms >= limit_ms;
}
