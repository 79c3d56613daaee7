// Makes the connections of WebSockets as the HTTP/1.1 client makes its own: by all addresses of a host, with TLS where that is asked for;
// and through a proxy where one is configured.

import type { Origin } from "../../config/plan.ts";
import { type Http1Context, makeContext } from "../http1/context.ts";
import { Dial } from "../http1/dial.ts";
import { type HandoverWaiter, proxyOrigin, Tunnel } from "./tunnel.ts";

/** Makes connections that are nobody's again. One for a process. */
export class Dialler {
  readonly #context: Http1Context = makeContext({ max_idle: 0 });

  /** Begins to connect. */
  dial(origin: Origin, waiter: HandoverWaiter): { cancel(): void } {
    if (origin.proxy === undefined) return this.#begin(new Dial(this.#context, this.#poolOf(origin), waiter));
    const proxy = proxyOrigin(origin.proxy);
    if (proxy === null) {
      queueMicrotask(() => waiter.notDialed("connect", "no HTTP proxy, and WebSockets know no others", null));
      return { cancel: () => {} };
    }
    const tunnel = new Tunnel(origin, proxy.credentials, waiter);
    return tunnel.follow(this.#begin(new Dial(this.#context, this.#poolOf(proxy.origin), tunnel)));
  }

  #poolOf(origin: Origin) {
    return this.#context.pools.of(origin, "websocket");
  }

  #begin(dial: Dial): Dial {
    dial.start(performance.now());
    return dial;
  }
}
