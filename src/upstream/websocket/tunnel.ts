// A connection through an HTTP proxy: it is asked for a way to the origin (RFC 9110, 9.3.6), and TLS to the origin goes within that.

import type { Origin } from "../../config/plan.ts";
import type { UpstreamFailure } from "../exchange.ts";
import { type Connection, reasonOf, tlsOptions } from "../http1/connection.ts";
import type { Dial, DialWaiter } from "../http1/dial.ts";
import { hostField } from "../http1/request_head.ts";

/** A connection that somebody may have. */
export type Handover = Pick<Connection, "handOver">;

/** Hears of the outcome, once. */
export interface HandoverWaiter {
  dialed(connection: Handover): void;
  notDialed(failure: UpstreamFailure, what: string, cause: unknown): void;
}

/** The most bytes of a proxy's answer. */
const HEAD_MAX_BYTES = 64 * 1024;
const HEAD_END = Buffer.from("\r\n\r\n");
const AGREED = /^HTTP\/1\.[01] 2\d\d[ \r]/;

/** Where a proxy is found, by its URL; null where it is none that can be spoken to. */
export function proxyOrigin(proxy: string): { readonly origin: Origin; readonly credentials: string } | null {
  const url = URL.canParse(proxy) ? new URL(proxy) : null;
  if (url === null || url.protocol !== "http:") return null;
  const { hostname, port, username, password } = url;
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    origin: { tls: false, host, port: port === "" ? 80 : Number(port) },
    credentials: username === "" ? "" : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
  };
}

/** An attempt to get through a proxy. `cancel` drops it without a callback. */
export class Tunnel implements DialWaiter, Handover {
  readonly #origin: Origin;
  readonly #credentials: string;
  #waiter: HandoverWaiter | null;
  #dial: Dial | null = null;
  #socket: Bun.Socket<Tunnel> | null = null;
  #answer: Uint8Array = new Uint8Array(0);
  #is_through = false;

  constructor(origin: Origin, credentials: string, waiter: HandoverWaiter) {
    this.#origin = origin;
    this.#credentials = credentials;
    this.#waiter = waiter;
  }

  /** The proxy is being connected to. */
  follow(dial: Dial): this {
    this.#dial = dial;
    return this;
  }

  cancel(): void {
    this.#waiter = null;
    this.#dial?.cancel();
    this.#socket?.terminate();
  }

  dialed(connection: Connection): void {
    this.#dial = null;
    this.#socket = connection.handOver<Tunnel>(this, HANDLERS);
    const { host, port } = this.#origin;
    const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const authorization =
      this.#credentials === ""
        ? ""
        : `proxy-authorization: Basic ${Buffer.from(this.#credentials).toString("base64")}\r\n`;
    this.#socket.write(
      `CONNECT ${place} HTTP/1.1\r\nhost: ${hostField(this.#origin)}\r\n${authorization}\r\n`,
    );
  }

  notDialed(failure: UpstreamFailure, what: string, cause: unknown): void {
    this.#fail(failure, `the proxy ${what}`, cause);
  }

  handOver<Owner>(owner: Owner, handlers: Bun.SocketHandler<Owner>): Bun.Socket<Owner> {
    const socket = this.#socket as unknown as Bun.Socket<Owner>;
    this.#socket = null;
    socket.data = owner;
    socket.reload({ socket: handlers });
    return socket;
  }

  #fail(failure: UpstreamFailure, what: string, cause?: unknown): void {
    const waiter = this.#waiter;
    this.cancel();
    waiter?.notDialed(failure, what, cause);
  }

  #ready(): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.dialed(this);
  }

  // ---- What the socket tells

  received(bytes: Uint8Array): void {
    // Within TLS these are its own bytes, which are told here as well.
    if (this.#is_through) return;
    this.#answer = Buffer.concat([this.#answer, bytes]);
    const end = Buffer.prototype.indexOf.call(this.#answer, HEAD_END);
    if (end < 0) {
      if (this.#answer.length > HEAD_MAX_BYTES) this.#fail("bad_response", "the proxy's answer is too long");
      return;
    }
    const status = Buffer.prototype.latin1Slice.call(this.#answer, 0, 13);
    if (!AGREED.test(status)) this.#fail("connect", `the proxy refuses (${status.slice(9, 12)})`);
    else if (this.#answer.length > end + HEAD_END.length)
      this.#fail("bad_response", "the proxy says more than it was asked");
    else this.#through();
  }

  #through(): void {
    this.#is_through = true;
    if (!this.#origin.tls) {
      this.#ready();
      return;
    }
    const [, secure] = this.#socket!.upgradeTLS<Tunnel>({
      data: this,
      tls: tlsOptions(this.#origin),
      socket: HANDLERS,
    });
    this.#socket = secure;
  }

  shaken(is_trusted: boolean, error: Error | null): void {
    if (!is_trusted || error !== null)
      this.#fail("tls", `failed the TLS handshake (${reasonOf(error)})`, error);
    else this.#ready();
  }

  closed(): void {
    this.#fail(this.#is_through ? "tls" : "connect", "the proxy closed the connection");
  }
}

const HANDLERS: Bun.SocketHandler<Tunnel> = {
  binaryType: "uint8array",
  data: (socket, bytes) => socket.data.received(bytes),
  handshake: (socket, trusted, error) => socket.data.shaken(trusted, error),
  close: (socket) => socket.data.closed(),
  end: (socket) => socket.data.closed(),
  error: (socket) => socket.data.closed(),
};
