// A drill in place of a provider: every request fails as the drill says, and none is sent.

import type { Drill } from "../memory/drill_table.ts";
import {
  type Exchange,
  type ExchangeHandler,
  FieldList,
  type UpstreamClient,
  UpstreamError,
  type UpstreamRequest,
} from "../upstream/exchange.ts";

const HEADERS = new FieldList([["content-type", "application/json"]]);

/** How the ledger and the metrics call what a drill did. */
export const DRILL_OUTCOME = "drill";

/** A client whose exchanges all fail. */
export function drillClient(drill: Drill): UpstreamClient {
  return {
    exchange: (request, handler) => failedExchange(drill, request, handler),
    close: () => {},
  };
}

function failedExchange(
  { provider, failure, end_ms }: Drill,
  { timeouts }: UpstreamRequest,
  handler: ExchangeHandler,
): Exchange {
  const started_ms = performance.now();
  const what = `a drill until ${new Date(end_ms).toISOString()}`;
  let is_over = false;
  const wait_ms = failure === "timeout" ? timeouts.connect_ms : 0;
  const timer = setTimeout(() => {
    if (is_over) return;
    is_over = true;
    if (failure === "timeout")
      handler.onError(new UpstreamError("connect_timeout", `${what}: it cannot be reached`));
    else if (failure === "cut")
      handler.onError(new UpstreamError("closed", `${what}: the connection closes`));
    else {
      const error = { message: `Provider ${provider} is made to fail by ${what}.`, type: "server_error" };
      handler.onHead({ status: Number(failure), headers: HEADERS });
      handler.onData(Buffer.from(JSON.stringify({ error: { ...error, param: null, code: DRILL_OUTCOME } })));
      handler.onEnd();
    }
  }, wait_ms);
  return {
    times: { started_ms, connected_ms: 0, first_byte_ms: 0 },
    reused: false,
    abort: () => {
      is_over = true;
      clearTimeout(timer);
    },
    pause: () => {},
    resume: () => {},
  };
}
