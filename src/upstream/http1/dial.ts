// Makes one connection to an origin out of its addresses: one after another, each with a head start (RFC 8305).
// The first that connects wins, the others are dropped.

import type { UpstreamFailure } from "../exchange.ts";
import { Connection, type ConnectionWaiter } from "./connection.ts";
import type { Http1Context } from "./context.ts";
import type { Pool } from "./pool.ts";
import type { Addresses } from "./resolve.ts";

/** Hears of the outcome, once. */
export interface DialWaiter {
  dialed(connection: Connection): void;
  notDialed(failure: UpstreamFailure, what: string, cause: unknown): void;
}

/** Addresses tried for one connection at most. */
const MAX_ADDRESSES = 8;

/** An attempt to get a connection. `cancel` drops it without a callback. */
export class Dial implements ConnectionWaiter {
  readonly #context: Http1Context;
  readonly #pool: Pool;
  #waiter: DialWaiter | null;
  #addresses: Addresses | null = null;
  #queue: string[] = [];
  /** Attempts under way; after the first connect only that one. */
  #attempts: Connection[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(context: Http1Context, pool: Pool, waiter: DialWaiter) {
    this.#context = context;
    this.#pool = pool;
    this.#waiter = waiter;
  }

  start(now_ms: number): void {
    const { host } = this.#pool.origin;
    const found = this.#context.resolver.resolve(host, now_ms);
    if (!(found instanceof Promise)) {
      this.#use(found);
      return;
    }
    found.then(
      (addresses) => this.#use(addresses),
      (error) => this.#fail("resolve", `could not be resolved (${codeOf(error)})`, error),
    );
  }

  cancel(): void {
    this.#waiter = null;
    this.#stop();
    for (const attempt of this.#attempts.splice(0)) attempt.destroy();
  }

  #use(addresses: Addresses): void {
    if (this.#waiter === null) return;
    this.#addresses = addresses;
    this.#queue = addresses.list.slice(0, MAX_ADDRESSES);
    this.#tryNext();
  }

  #tryNext(): void {
    const address = this.#queue.shift();
    if (address === undefined) return;
    if (this.#context.connecting >= this.#context.max_connecting) {
      queueMicrotask(() =>
        this.#fail("connect", "not tried: too many connections are being made", undefined),
      );
      return;
    }
    const attempt = new Connection(this.#context, this.#pool, address, this);
    this.#attempts.push(attempt);
    attempt.connect();
    if (this.#queue.length > 0) {
      this.#stop();
      this.#timer = setTimeout(() => this.#tryNext(), this.#context.stagger_ms);
    }
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  onConnected(connection: Connection): void {
    this.#stop();
    this.#queue = [];
    this.#addresses!.good(connection.address);
    for (const attempt of this.#attempts) if (attempt !== connection) attempt.destroy();
    this.#attempts = [connection];
  }

  onReady(connection: Connection): void {
    this.#attempts = [];
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter === null) connection.destroy();
    else waiter.dialed(connection);
  }

  onFailed(connection: Connection, failure: "connect" | "tls", reason: string, cause: unknown): void {
    this.#attempts.splice(this.#attempts.indexOf(connection), 1);
    // A refusal is quick: the next address need not wait for its turn.
    if (this.#queue.length > 0) {
      this.#tryNext();
      return;
    }
    if (this.#attempts.length > 0) return;
    const what = failure === "tls" ? "failed the TLS handshake" : "could not be connected to";
    this.#fail(failure, `${what} (${reason})`, cause);
  }

  #fail(failure: UpstreamFailure, what: string, cause: unknown): void {
    const waiter = this.#waiter;
    this.cancel();
    waiter?.notDialed(failure, what, cause);
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "no address";
}
