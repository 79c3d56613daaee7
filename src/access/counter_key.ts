// Names of counters: what is counted, for whom, in which window, as 128 bits. A tenant is always part of it, so that nothing
// of one tenant can ever be counted with another's.

import { CounterKey } from "../memory/counter_key.ts";

/** Whom a counter is about. */
export type Scope = "key" | "user" | "team" | "tenant" | "model" | "provider_key";

/** What it counts, or what else stands there: what a provider has told of its limits, or what a queue is made of. */
export type Dimension =
  | ("requests" | "tokens" | "concurrency" | "nano_usd" | "told")
  | ("turns" | "heads" | "waiting" | "tenant");

/** Those that have a column for each process. */
const GAUGES: ReadonlySet<Dimension> = new Set(["concurrency", "turns", "heads", "waiting", "tenant"]);

/** Limits of models and provider keys hold for all tenants together. */
export const ALL_TENANTS = "*";

/** What names a counter. */
export interface CounterName {
  readonly tenant: string;
  readonly scope: Scope | "queue";
  /** The name within the tenant: of the key, the user, the team. */
  readonly name: string;
  readonly dimension: Dimension;
  /** The window's length in milliseconds, or the UTC day or month that it is; empty for what is not in time. */
  readonly window: string;
}

const digest = new Uint8Array(32);
const words = new Int32Array(digest.buffer);

/**
 * The key of a counter. Two names come to the same key only if SHA-256, cut to 128 bits, does.
 * @param idle_ms after how long without use the counter means nothing any more
 */
export function counterKey(name: CounterName, idle_ms: number): CounterKey {
  const text = JSON.stringify([name.tenant, name.scope, name.name, name.dimension, name.window]);
  Bun.SHA256.hash(text, digest);
  const parts = [words[0]!, words[1]!, words[2]!, words[3]!] as const;
  return new CounterKey(parts, idle_ms, GAUGES.has(name.dimension));
}
