// The runtime's server with nothing behind it: a constant refusal, or a relay that looks at nothing. What Venturi costs above these is
// its own; what these cost above HAProxy is the runtime's.
// `bun bench/bare_server.ts constant|relay PORT PROVIDER_PORT`

import type { UpstreamRequest } from "../src/upstream/exchange.ts";
import { createHttp1Client } from "../src/upstream/http1/client.ts";

const [kind = "", port = "", upstream = ""] = process.argv.slice(2);
const PATH = "/v1/chat/completions";
const HEADERS = new Headers({ "content-type": "application/json" });
const REFUSAL = JSON.stringify({ error: { message: "Rate limit exceeded.", type: "rate_limit_error" } });
const JSON_HEADERS = [["content-type", "application/json"]] as const;
const TIMEOUTS = { connect_ms: 5_000, first_byte_ms: 60_000, idle_ms: 60_000, total_ms: 0 };

const client = createHttp1Client();
const origin = { tls: false, host: "127.0.0.1", port: Number(upstream) };

async function relay(request: Request): Promise<Response> {
  const body = [await request.bytes()];
  const asked: UpstreamRequest = {
    ...{ origin, pool: "bare", method: "POST", path: PATH, headers: JSON_HEADERS, body, timeouts: TIMEOUTS },
  };
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = [];
    client.exchange(asked, {
      onHead: () => {},
      onData: (chunk) => void pieces.push(chunk),
      onEnd: () =>
        resolve(new Response(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), { headers: HEADERS })),
      onError: ({ message }) => resolve(new Response(message, { status: 502 })),
    });
  });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  routes: {
    [PATH]: {
      POST: kind === "relay" ? relay : () => new Response(REFUSAL, { status: 429, headers: HEADERS }),
    },
  },
  fetch: () => new Response(null, { status: 404 }),
});
