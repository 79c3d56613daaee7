// Idle connections, apart for every origin and pool. The one used last is taken first,
// so that under light load the others grow old and go.

import type { Origin } from "../../config/plan.ts";
import type { Connection } from "./connection.ts";

/** Idle connections of one origin and one pool name. */
export class Pool {
  readonly origin: Origin;
  readonly key: string;
  /** Oldest first. */
  readonly #idle: Connection[] = [];
  readonly #max_idle: number;
  /** Set when it was empty for long and its place in `Pools` was given up. */
  dropped = false;
  used_ms = 0;

  constructor(origin: Origin, key: string, max_idle: number) {
    this.origin = origin;
    this.key = key;
    this.#max_idle = max_idle;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** The connection that was used last and is still good, or null. */
  take(now_ms: number): Connection | null {
    this.used_ms = now_ms;
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (connection.idle_until_ms > now_ms && connection.isOpen()) return connection;
      connection.retire();
    }
  }

  /** Keeps a connection for the next request; false when there are enough. */
  put(connection: Connection): boolean {
    if (this.dropped || this.#idle.length >= this.#max_idle) return false;
    this.#idle.push(connection);
    return true;
  }

  remove(connection: Connection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes those whose time is over. */
  expire(now_ms: number): void {
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const connection = this.#idle[i]!;
      if (connection.idle_until_ms > now_ms) continue;
      this.#idle.splice(i, 1);
      connection.retire();
    }
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.retire();
  }
}

/** An empty pool is forgotten after this long, so that reloads with changed origins leave nothing behind. */
const FORGET_MS = 600_000;

/** All pools of a client: found by the identity of the origin first, by its values when the Plan was made anew. */
export class Pools {
  readonly #by_key = new Map<string, Pool>();
  readonly #by_origin = new WeakMap<Origin, Map<string, Pool>>();
  readonly #max_idle: number;

  /** `max_idle` connections are kept in each pool. */
  constructor(max_idle: number) {
    this.#max_idle = max_idle;
  }

  get idle(): number {
    let idle = 0;
    for (const pool of this.#by_key.values()) idle += pool.idle;
    return idle;
  }

  of(origin: Origin, name: string): Pool {
    let named = this.#by_origin.get(origin);
    if (named === undefined) {
      named = new Map();
      this.#by_origin.set(origin, named);
    }
    let pool = named.get(name);
    if (pool === undefined || pool.dropped) {
      const key = keyOf(origin, name);
      pool = this.#by_key.get(key);
      if (pool === undefined) {
        pool = new Pool(origin, key, this.#max_idle);
        this.#by_key.set(key, pool);
      }
      named.set(name, pool);
    }
    return pool;
  }

  /** Closes idle connections whose time is over; whether any are left. */
  expire(now_ms: number): boolean {
    let left = false;
    for (const pool of this.#by_key.values()) {
      pool.expire(now_ms);
      if (pool.idle > 0) {
        left = true;
      } else if (now_ms - pool.used_ms > FORGET_MS) {
        pool.dropped = true;
        this.#by_key.delete(pool.key);
      }
    }
    return left;
  }

  closeIdle(): void {
    for (const pool of this.#by_key.values()) pool.closeIdle();
  }
}

function keyOf(origin: Origin, name: string): string {
  return JSON.stringify([origin.tls, origin.host, origin.port, origin.server_name, origin.ca, name]);
}
