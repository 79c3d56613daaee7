// The HTTP/1.1 client: what the other files make together, behind `UpstreamClient`.
// One per process; it keeps connections, so it is made once and closed at the end.

import type { Exchange, ExchangeHandler, UpstreamClient, UpstreamRequest } from "../exchange.ts";
import { type Http1Options, type Http1Stats, makeContext } from "./context.ts";
import { Http1Exchange } from "./exchange.ts";

/** An `UpstreamClient` that can be counted. */
export interface Http1Client extends UpstreamClient {
  stats(): Http1Stats;
}

/**
 * Makes a client that speaks HTTP/1.1 over TCP and TLS, with keep-alive, without pipelining, proxies or redirects.
 * A request that a reused connection lost before any answer is sent once more; nothing else is retried.
 */
export function createHttp1Client(options: Http1Options = {}): Http1Client {
  const context = makeContext(options);
  return {
    exchange(request: UpstreamRequest, handler: ExchangeHandler): Exchange {
      const exchange = new Http1Exchange(context, request, handler, performance.now());
      exchange.start();
      return exchange;
    },
    close(): void {
      context.closing = true;
      context.pools.closeIdle();
    },
    stats(): Http1Stats {
      return { active: context.sweep.size, idle: context.pools.idle, connecting: context.connecting };
    },
  };
}
