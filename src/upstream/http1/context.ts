// What the parts of one HTTP/1.1 client share: its options, its pools, its clock, its counts.
// One object per client, so that two clients have nothing in common.

import { say } from "../../config/say.ts";
import { faultText } from "../../errors.ts";
import { DEFAULT_PARSER_LIMITS, type ParserLimits } from "./parser_limits.ts";
import { Pools } from "./pool.ts";
import { type Lookup, Resolver } from "./resolve.ts";
import { Sweep } from "./sweep.ts";

/** Bounds and habits of a client. All have defaults. */
export interface Http1Options {
  /** How long an idle connection is kept; less when the server said so. 55 s: under the minute of most servers. */
  readonly idle_ms?: number;
  /** Idle connections kept for each origin and pool. */
  readonly max_idle?: number;
  /** Connections being made, for all origins together; a request over it fails with `connect`. */
  readonly max_connecting?: number;
  /** How long after its first byte a response head must be complete. */
  readonly head_ms?: number;
  /** How long one address is tried alone before the next is tried beside it (RFC 8305 5). */
  readonly stagger_ms?: number;
  /** How long addresses are used before the name is resolved again. */
  readonly resolve_ms?: number;
  readonly limits?: Partial<ParserLimits>;
  /** Resolves names; the system's by default. */
  readonly lookup?: Lookup;
  /** Hears of exceptions that handlers threw where they cannot be told themselves. */
  readonly report?: (error: unknown) => void;
}

/** Counts of a client at a moment. */
export interface Http1Stats {
  /** Exchanges under way. */
  readonly active: number;
  /** Connections kept for the next request. */
  readonly idle: number;
  /** Connections being made, abandoned ones that the system has not given up yet included. */
  readonly connecting: number;
}

/** The state of a client that its parts share. */
export interface Http1Context {
  readonly idle_ms: number;
  readonly max_connecting: number;
  readonly head_ms: number;
  readonly stagger_ms: number;
  readonly limits: ParserLimits;
  readonly report: (error: unknown) => void;
  readonly resolver: Resolver;
  readonly pools: Pools;
  readonly sweep: Sweep;
  connecting: number;
  closing: boolean;
}

/** Connections that are kept of one origin: those of a thousand calls at once, so that not every wave of calls opens some and closes them. */
const MAX_IDLE = 1_024;

/** Makes what the parts of a new client share. */
export function makeContext(options: Http1Options): Http1Context {
  const pools = new Pools(options.max_idle ?? MAX_IDLE);
  return {
    idle_ms: options.idle_ms ?? 55_000,
    max_connecting: options.max_connecting ?? 4_096,
    head_ms: options.head_ms ?? 10_000,
    stagger_ms: options.stagger_ms ?? 250,
    limits: { ...DEFAULT_PARSER_LIMITS, ...options.limits },
    report:
      options.report ??
      ((error) => say(`an answer failed by a fault of the gateway: ${faultText(error)}`, "error")),
    resolver: new Resolver(options.resolve_ms ?? 30_000, options.lookup),
    pools,
    sweep: new Sweep((now_ms) => pools.expire(now_ms)),
    connecting: 0,
    closing: false,
  };
}
