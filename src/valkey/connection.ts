// The connection to Valkey or Redis: one server, one that sentinels name, or a cluster. What cannot be asked at once fails at once;
// nobody waits longer than is said, and nothing is sent a second time without anybody knowing.

import type { Cluster, DNSLookupFunction, Redis, RedisOptions } from "ioredis";
import type { StatePlan } from "../config/plan.ts";

/**
 * Shortest wait before a connection is tried again, in milliseconds, and the longest as a part of a lease: a server that has lost what
 * it knew gives nothing for one lease, and is to hear of every host by then.
 */
const RETRY_MIN_MS = 10;
const RETRY_MAX_PART = 1 / 8;
const CONNECT_MS = 2_000;

/** A script with its keys, all of one slot. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | number | Uint8Array)[];
}

/** A connection. Every method rejects with an Error that says why, without a password in it. */
export interface Valkey {
  /** Runs a script that was named when the connection was opened. */
  run(name: string, call: ScriptCall): Promise<unknown>;
  /** Any other command; texts in the answer as bytes. */
  bytes(command: string, args: readonly (string | number | Uint8Array)[]): Promise<unknown>;
  /** Names of keys that match a glob, some at a time, of all servers. */
  scan(pattern: string): AsyncIterable<readonly string[]>;
  close(): void;
}

/** How it is opened. */
export interface ValkeyOptions {
  readonly plan: StatePlan;
  /** Scripts by their names. */
  readonly scripts: Readonly<Record<string, string>>;
  /** How long a command may take, in milliseconds. */
  readonly timeout_ms: number;
  /** It answers from now on, or does not; with the reason. */
  onChange(is_up: boolean, why: string): void;
}

/** Opens a connection; it is made in the background, and again whenever it breaks. */
export async function openValkey({ plan, scripts, timeout_ms, onChange }: ValkeyOptions): Promise<Valkey> {
  const library = await import("ioredis");
  const client = makeClient(library, plan, timeout_ms);
  // Commands of the library's own have names as well, and it uses them.
  for (const [name, lua] of Object.entries(scripts)) client.defineCommand(`script_${name}`, { lua });
  let why = "it is not connected";
  client.on("error", (error: unknown) => {
    why = messageOf(error);
  });
  client.on("ready", () => onChange(true, ""));
  client.on("close", () => onChange(false, why));
  return {
    run: (name, { keys, args }) => {
      const script = (client as unknown as Record<string, Script | undefined>)[`script_${name}`];
      if (script === undefined) return Promise.reject(new Error(`there is no script ${name}`));
      return script.call(client, keys.length, ...keys, ...args.map(asArgument));
    },
    bytes: (command, args) => client.callBuffer(command, ...args.map(asArgument)),
    scan: (pattern) => scan(library, client, pattern),
    close: () => client.disconnect(),
  };
}

/** Names of one look at a server. */
const SCAN_COUNT = 500;

async function* scan(
  library: { readonly Cluster: typeof Cluster },
  client: Redis | Cluster,
  pattern: string,
): AsyncIterable<readonly string[]> {
  const servers = client instanceof library.Cluster ? client.nodes("master") : [client];
  for (const server of servers) {
    let cursor = "0";
    do {
      const [next, names] = await server.scan(cursor, "MATCH", pattern, "COUNT", SCAN_COUNT);
      cursor = next;
      yield names;
    } while (cursor !== "0");
  }
}

type Script = (
  this: Redis | Cluster,
  keys: number,
  ...rest: (string | number | Buffer)[]
) => Promise<unknown>;

function makeClient(
  library: { readonly Redis: typeof Redis; readonly Cluster: typeof Cluster },
  plan: StatePlan,
  timeout_ms: number,
): Redis | Cluster {
  const { kind, nodes, tls, user, password, database, group } = plan.address;
  const retry_max_ms = plan.lease_ms * RETRY_MAX_PART;
  const retryStrategy = (tries: number) => Math.min(RETRY_MIN_MS * 2 ** Math.min(tries, 10), retry_max_ms);
  const secure = tls ? { tls: plan.ca === null ? {} : { ca: plan.ca } } : {};
  const common = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeout_ms,
    connectTimeout: CONNECT_MS,
    ...secure,
    ...(user === null ? {} : { username: user }),
    ...(password === null ? {} : { password }),
  } satisfies RedisOptions;
  const first = nodes[0]!;
  switch (kind) {
    case "single":
      return new library.Redis({
        ...{ ...common, ...first, db: database, retryStrategy },
        reconnectOnError: isReplica,
      });
    case "sentinel": {
      const { sentinel_password } = plan;
      return new library.Redis({
        ...{ ...common, db: database, retryStrategy, reconnectOnError: isReplica },
        ...{ sentinels: [...nodes], name: group!, sentinelRetryStrategy: retryStrategy },
        ...(sentinel_password === null ? {} : { sentinelPassword: sentinel_password }),
        ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: secure.tls ?? {} } : {}),
      });
    }
    case "cluster": {
      return new library.Cluster([...nodes], {
        ...{ clusterRetryStrategy: retryStrategy, enableOfflineQueue: false, redisOptions: common },
        // Names as they are: certificates are about them.
        ...(tls ? { dnsLookup: asNamed } : {}),
      });
    }
  }
}

const asNamed: DNSLookupFunction = (address, callback) => callback(null, address);

/** Who was the primary and is not any more: the connection is made anew, to whoever is. */
function isReplica(error: Error): boolean {
  return error.message.startsWith("READONLY");
}

function asArgument(value: string | number | Uint8Array): string | number | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : value;
}

/** What an error says; the library's errors hold a command's arguments apart from it. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message || error.name : String(error);
}
