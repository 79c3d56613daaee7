// Makes the connections of WebSockets as the HTTP/1.1 client makes its own: by all addresses of a host, with TLS where that is asked for.

import type { Origin } from "../../config/plan.ts";
import type { Http1Context } from "../http1/context.ts";
import { makeContext } from "../http1/context.ts";
import { Dial, type DialWaiter } from "../http1/dial.ts";

/** Makes connections that are nobody's again. One for a process. */
export class Dialler {
  readonly #context: Http1Context = makeContext({ max_idle: 0 });

  /** Begins to connect. */
  dial(origin: Origin, waiter: DialWaiter): Dial {
    const dial = new Dial(this.#context, this.#context.pools.of(origin, "websocket"), waiter);
    dial.start(performance.now());
    return dial;
  }
}
