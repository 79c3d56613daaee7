// The runtime's server with nothing behind it: a constant refusal, the provider's answer for every request that was read, or a relay that
// looks at nothing. What Venturi costs above these is its own; what these cost above HAProxy is the runtime's.
// `bun bench/bare_server.ts constant|kept|relay PORT PROVIDER_PORT [MORE_US]`: a relay can waste so many microseconds on each call.

import type { UpstreamRequest } from "../src/upstream/exchange.ts";
import { createHttp1Client } from "../src/upstream/http1/client.ts";
import { WHOLE_ANSWER } from "./upstream.ts";

const [kind = "", port = "", upstream = "", more_us = "0"] = process.argv.slice(2);
const wasted_ms = Number(more_us) / 1_000;
const PATH = "/v1/chat/completions";
const STREAM_HEADERS = new Headers({ "content-type": "text/event-stream" });
const HEADERS = new Headers({ "content-type": "application/json" });
const REFUSAL = JSON.stringify({ error: { message: "Rate limit exceeded.", type: "rate_limit_error" } });
const KEPT = Buffer.from(WHOLE_ANSWER);
const JSON_HEADERS = [["content-type", "application/json"]] as const;
const TIMEOUTS = { connect_ms: 5_000, first_byte_ms: 60_000, idle_ms: 60_000, total_ms: 0 };

/** The client's end of a stream. */
interface ClientSide {
  write(bytes: Uint8Array): unknown;
  flush(): unknown;
  close(): void;
}

const client = createHttp1Client();
const origin = { tls: false, host: "127.0.0.1", port: Number(upstream) };

async function relay(request: Request): Promise<Response> {
  const body = [await request.bytes()];
  if (wasted_ms > 0) for (const end_ms = performance.now() + wasted_ms; performance.now() < end_ms; );
  const asked: UpstreamRequest = {
    ...{ origin, pool: "bare", method: "POST", path: PATH, headers: JSON_HEADERS, body, timeouts: TIMEOUTS },
  };
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = [];
    let client_side: ClientSide | null = null;
    client.exchange(asked, {
      onHead: ({ headers }) => {
        if (!headers.get("content-type")?.startsWith("text/event-stream")) return;
        const stream = new ReadableStream({
          type: "direct",
          pull: (controller) => {
            client_side = controller as unknown as ClientSide;
            for (const piece of pieces.splice(0)) client_side.write(piece);
            client_side.flush();
          },
        });
        resolve(new Response(stream, { headers: STREAM_HEADERS }));
      },
      onData: (chunk) => {
        if (client_side === null) return void pieces.push(chunk);
        client_side.write(chunk);
        client_side.flush();
      },
      onEnd: () => {
        if (client_side !== null) client_side.close();
        else
          resolve(
            new Response(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), { headers: HEADERS }),
          );
      },
      onError: ({ message }) => resolve(new Response(message, { status: 502 })),
    });
  });
}

async function answerKept(request: Request): Promise<Response> {
  await request.bytes();
  return new Response(KEPT, { headers: HEADERS });
}

const ANSWERS: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
  constant: () => new Response(REFUSAL, { status: 429, headers: HEADERS }),
  kept: answerKept,
  relay,
};

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  routes: { [PATH]: { POST: ANSWERS[kind]! } },
  fetch: () => new Response(null, { status: 404 }),
});
