// One socket to an upstream: connects, writes with back-pressure, reads one response at a time, goes back to its pool.
// It serves an exchange or is idle, never both; whatever arrives while it is idle ends it.

import { isIP } from "node:net";
import type { Origin } from "../../config/plan.ts";
import type { Http1Context } from "./context.ts";
import type { Http1Exchange } from "./exchange.ts";
import type { Pool } from "./pool.ts";
import { largeRequest, small_request, writeSmallRequest } from "./request_head.ts";
import { ResponseParser } from "./response_parser.ts";

/** Hears whether a connection came about: exactly one of the two, unless it was destroyed before. */
export interface ConnectionWaiter {
  /** TCP is connected; for TLS the handshake follows. */
  onConnected(connection: Connection): void;
  /** Ready for a request. */
  onReady(connection: Connection): void;
  onFailed(connection: Connection, failure: "connect" | "tls", reason: string, cause: unknown): void;
}

type Socket = Bun.Socket<Connection>;

const CONNECTING = 0;
const HANDSHAKE = 1;
const READY = 2;
const CLOSED = 3;

/** ALPN in its wire form: we speak HTTP/1.1 and nothing else. */
const ALPN = "\x08http/1.1";

/** A connection. It is made by `Dial` and belongs to one pool for life. */
export class Connection {
  readonly pool: Pool;
  readonly address: string;
  /** When it may no longer be taken from the pool, by `performance.now()`. */
  idle_until_ms = 0;
  /** Whether it has served a request before. */
  served = false;

  readonly #context: Http1Context;
  #state = CONNECTING;
  #socket: Socket | null = null;
  #waiter: ConnectionWaiter | null;
  #counted = true;
  #parser: ResponseParser | null = null;
  #exchange: Http1Exchange | null = null;
  #paused = false;

  // What the socket has not taken yet.
  #parts: readonly Uint8Array[] = [];
  #part = 0;
  #offset = 0;

  constructor(context: Http1Context, pool: Pool, address: string, waiter: ConnectionWaiter) {
    this.#context = context;
    this.pool = pool;
    this.address = address;
    this.#waiter = waiter;
    context.connecting++;
  }

  /** Begins to connect. */
  connect(): void {
    const { origin } = this.pool;
    const options = { hostname: this.address, port: origin.port, socket: HANDLERS, data: this };
    try {
      const connected = origin.tls
        ? Bun.connect<Connection>({ ...options, tls: tlsOptions(origin) })
        : Bun.connect<Connection>(options);
      connected.catch((error) => this.connectFailed(error));
    } catch (error) {
      queueMicrotask(() => this.connectFailed(error));
    }
  }

  /** Bytes that wait for the socket. */
  get has_pending(): boolean {
    return this.#part < this.#parts.length;
  }

  /** Whether a response head has begun and is not complete. */
  get in_head(): boolean {
    return this.#parser?.in_head ?? false;
  }

  isOpen(): boolean {
    return this.#state === READY && this.#socket!.readyState > 0;
  }

  /** Serves an exchange: sends its request (unless the body is a stream, which the exchange sends itself). */
  begin(exchange: Http1Exchange): void {
    this.#exchange = exchange;
    this.#parser ??= new ResponseParser(this.#context.limits);
    this.#parser.begin(exchange.request.method === "HEAD");
    if (exchange.is_paused) this.pause();
  }

  /** Sends a request whose body is whole. True when the socket took all of it. */
  sendWhole(): boolean {
    const { request } = this.#exchange!;
    const length = writeSmallRequest(request);
    if (length < 0) return this.send(largeRequest(request));
    const taken = this.#socket!.write(small_request, 0, length);
    if (taken === length) return true;
    // The buffer is shared among all requests: what is left of it is copied.
    if (taken >= 0) this.#parts = [new Uint8Array(small_request.subarray(taken, length))];
    else this.#lost();
    return false;
  }

  /** Sends bytes, which must not change until they are gone. True when the socket took all of them. */
  send(parts: readonly Uint8Array[]): boolean {
    this.#parts = parts;
    this.#part = 0;
    this.#offset = 0;
    return this.#flush();
  }

  #flush(): boolean {
    while (this.#part < this.#parts.length) {
      const part = this.#parts[this.#part]!;
      const rest = this.#offset === 0 ? part : part.subarray(this.#offset);
      const taken = rest.length === 0 ? 0 : this.#socket!.write(rest);
      if (taken < 0) {
        this.#lost();
        return false;
      }
      if (taken < rest.length) {
        this.#offset += taken;
        return false;
      }
      this.#part++;
      this.#offset = 0;
    }
    this.#parts = [];
    this.#part = 0;
    return true;
  }

  pause(): void {
    if (this.#paused || this.#state !== READY) return;
    this.#paused = true;
    this.#socket!.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#state === READY) this.#socket!.resume();
  }

  /** Closes now, with a reset, so that the other side does not go on. No callback comes any more. */
  destroy(): void {
    this.#drop();
    this.#socket?.terminate();
  }

  /** Closes in peace: nobody is waiting for anything. */
  retire(): void {
    this.#drop();
    this.#socket?.end();
  }

  /** Gives its socket to whoever speaks another protocol on it, and hears of it no more. */
  handOver<Owner>(owner: Owner, handlers: Bun.SocketHandler<Owner>): Bun.Socket<Owner> {
    const socket = this.#socket as unknown as Bun.Socket<Owner>;
    this.#drop();
    this.#socket = null;
    socket.data = owner;
    socket.reload({ socket: handlers });
    return socket;
  }

  #drop(): void {
    this.#state = CLOSED;
    this.#exchange = null;
    this.#waiter = null;
    this.#parts = [];
    // An abandoned attempt is counted until the system has given it up.
    if (this.#socket !== null) this.#uncount();
  }

  #uncount(): void {
    if (!this.#counted) return;
    this.#counted = false;
    this.#context.connecting--;
  }

  /** The write side is gone although nobody said so yet: the end is told in a moment, after the caller is done. */
  #lost(): void {
    queueMicrotask(() => this.closed(undefined));
  }

  // ---- What the socket tells

  opened(socket: Socket): void {
    this.#socket = socket;
    if (this.#state === CLOSED) {
      this.#uncount();
      socket.terminate();
      return;
    }
    this.#state = HANDSHAKE;
    this.#waiter?.onConnected(this);
    if (!this.pool.origin.tls) this.#ready();
  }

  shaken(trusted: boolean, error: Error | null): void {
    if (this.#state !== HANDSHAKE) return;
    if (!trusted || error !== null) this.#failed("tls", reasonOf(error), error);
    else this.#ready();
  }

  #ready(): void {
    if (this.#state !== HANDSHAKE) return;
    this.#state = READY;
    this.#uncount();
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.onReady(this);
  }

  connectFailed(error: unknown): void {
    this.#uncount();
    if (this.#state === CONNECTING) this.#failed("connect", reasonOf(error), error);
  }

  #failed(failure: "connect" | "tls", reason: string, cause: unknown): void {
    const waiter = this.#waiter;
    this.destroy();
    waiter?.onFailed(this, failure, reason, cause);
  }

  received(bytes: Uint8Array): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      // An idle connection has nothing to say; what it says could only be taken for the next answer.
      if (this.#state === READY) this.#discard();
      return;
    }
    const parser = this.#parser!;
    exchange.heard();
    parser.feed(bytes);
    for (;;) {
      switch (parser.next()) {
        case "more":
          parser.release();
          return;
        case "head":
          if (parser.status === 408 && !parser.keep_alive && exchange.reused) {
            // Said to the idle connection while our request was on its way: the server never saw that one.
            exchange.unhear();
            this.#end(exchange, "408", undefined);
          } else {
            exchange.tellHead(parser.status, parser.headers);
          }
          break;
        case "data":
          exchange.tellData(parser.data);
          break;
        case "end":
          this.#finish(exchange);
          return;
        case "error":
          exchange.fail("bad_response", parser.error);
          return;
      }
      // A callback may have ended it all.
      if (this.#exchange !== exchange) return;
    }
  }

  /** The response is complete: keeps the connection if nothing speaks against it, then tells the exchange. */
  #finish(exchange: Http1Exchange): void {
    const parser = this.#parser!;
    this.#exchange = null;
    if (parser.keep_alive && parser.excess_bytes === 0 && exchange.is_sent && this.isOpen()) {
      this.#keep(parser.keep_alive_s);
    } else if (exchange.is_sent) {
      this.retire();
    } else {
      this.destroy();
    }
    exchange.tellEnd();
  }

  #keep(keep_alive_s: number): void {
    const context = this.#context;
    this.resume();
    // The server's own limit less a second, so that we are the ones who close.
    const idle_ms =
      keep_alive_s < 0 ? context.idle_ms : Math.min(context.idle_ms, (keep_alive_s - 1) * 1_000);
    this.idle_until_ms = context.sweep.now_ms + idle_ms;
    this.served = true;
    if (context.closing || idle_ms <= 0 || !this.pool.put(this)) this.retire();
  }

  #discard(): void {
    this.pool.remove(this);
    this.retire();
  }

  drained(): void {
    if (this.#exchange === null || !this.has_pending) return;
    this.#exchange.progressed();
    if (this.#flush()) this.#exchange.flushed();
  }

  /** FIN: the end of a body without a length, or of the connection. */
  finished(): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      if (this.#state === READY) this.#discard();
      return;
    }
    if (this.#parser!.ends_at_close) {
      this.retire();
      exchange.tellEnd();
    } else {
      this.#end(exchange, "", undefined);
    }
  }

  closed(error: Error | undefined): void {
    if (this.#state === CLOSED) return;
    if (this.#state !== READY) {
      const failure = this.#state === CONNECTING ? "connect" : "tls";
      this.#failed(failure, error === undefined ? "closed by the other side" : reasonOf(error), error);
    } else if (this.#exchange === null) {
      this.#discard();
    } else {
      this.#end(this.#exchange, error === undefined ? "" : reasonOf(error), error);
    }
  }

  #end(exchange: Http1Exchange, reason: string, cause: unknown): void {
    const what = this.#parser!.missing();
    this.destroy();
    exchange.lost(reason === "" ? what : `${what} (${reason})`, cause);
  }
}

/** The handlers of every socket; the connection is the socket's data. */
const HANDLERS: Bun.SocketHandler<Connection> = {
  binaryType: "uint8array",
  open: (socket) => socket.data.opened(socket),
  handshake: (socket, trusted, error) => socket.data.shaken(trusted, error),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.closed(error),
  error: (socket, error) => socket.data.closed(error),
  // Said by the rejected promise too, which also speaks where this handler is not called.
  connectError: () => {},
};

/**
 * The name for SNI and verification. An address has no place in SNI (RFC 6066 3): without a name the runtime sends
 * none and verifies the address that it connects to.
 */
function tlsName(origin: Origin): string {
  if (origin.server_name !== undefined) return origin.server_name;
  return isIP(origin.host) === 0 ? origin.host : "";
}

/** How a connection to an origin is made safe. */
export function tlsOptions(origin: Origin): Bun.TLSOptions {
  const options = { serverName: tlsName(origin), rejectUnauthorized: true, ALPNProtocols: ALPN };
  return origin.ca === undefined ? options : { ...options, ca: origin.ca };
}

/** The code of a system's or TLS error: short, and without addresses or names in it. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "unknown reason";
}
