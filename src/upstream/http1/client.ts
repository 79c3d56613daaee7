// The HTTP/1.1 client: what the other files make together, behind `UpstreamClient`.
// One per process; it keeps connections, so it is made once and closed at the end.

import { faultText } from "../../errors.ts";
import type { Exchange, ExchangeHandler, UpstreamClient, UpstreamRequest } from "../exchange.ts";
import type { Http1Context, Http1Options, Http1Stats } from "./context.ts";
import { Http1Exchange } from "./exchange.ts";
import { DEFAULT_PARSER_LIMITS } from "./parser_limits.ts";
import { Pools } from "./pool.ts";
import { Resolver } from "./resolve.ts";
import { Sweep } from "./sweep.ts";

/** An `UpstreamClient` that can be counted. */
export interface Http1Client extends UpstreamClient {
  stats(): Http1Stats;
}

/**
 * Makes a client that speaks HTTP/1.1 over TCP and TLS, with keep-alive, without pipelining, proxies or redirects.
 * A request that a reused connection lost before any answer is sent once more; nothing else is retried.
 */
export function createHttp1Client(options: Http1Options = {}): Http1Client {
  const pools = new Pools(options.max_idle ?? 256);
  const context: Http1Context = {
    idle_ms: options.idle_ms ?? 55_000,
    max_connecting: options.max_connecting ?? 4_096,
    head_ms: options.head_ms ?? 10_000,
    stagger_ms: options.stagger_ms ?? 250,
    limits: { ...DEFAULT_PARSER_LIMITS, ...options.limits },
    report:
      options.report ??
      ((error) => console.error(`venturi: an answer failed by a fault of the gateway: ${faultText(error)}`)),
    resolver: new Resolver(options.resolve_ms ?? 30_000, options.lookup),
    pools,
    sweep: new Sweep((now_ms) => pools.expire(now_ms)),
    connecting: 0,
    closing: false,
  };
  return {
    exchange(request: UpstreamRequest, handler: ExchangeHandler): Exchange {
      const exchange = new Http1Exchange(context, request, handler, performance.now());
      exchange.start();
      return exchange;
    },
    close(): void {
      context.closing = true;
      pools.closeIdle();
    },
    stats(): Http1Stats {
      return { active: context.sweep.size, idle: pools.idle, connecting: context.connecting };
    },
  };
}
