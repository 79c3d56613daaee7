// The header fields of a call that comes as a message: those of the socket's handshake, and what the message says beside its body.

import { presentedKey } from "../../access/client_keys.ts";
import { GatewayError } from "../../errors.ts";

/** Fields of the handshake that say nothing of a call, or that no two calls may have in common. */
const OF_HANDSHAKE = [
  ...["connection", "upgrade", "host", "cookie", "transfer-encoding", "x-request-id", "idempotency-key"],
  ...["sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions"],
  ...["content-length", "content-type", "content-encoding"],
];

/** The fields that a message may have besides those whose names begin with `x-venturi-`. */
const OF_MESSAGES: ReadonlySet<string> = new Set([
  "cache-control",
  "traceparent",
  "tracestate",
  "x-request-id",
  "idempotency-key",
]);

/** Fields that all calls of a socket have. @param key of the subprotocol; one in a header field comes first */
export function handshakeHeaders(given: Headers, key: string | null): Headers {
  const headers = new Headers(given);
  for (const name of OF_HANDSHAKE) headers.delete(name);
  if (key !== null && presentedKey(headers) === null) {
    try {
      headers.set("authorization", `Bearer ${key}`);
    } catch {
      // Such a key is none of the gateway's.
      headers.set("authorization", "Bearer ?");
    }
  }
  return headers;
}

/** The fields of one call. */
export function callHeaders(base: Headers, given: Readonly<Record<string, unknown>>): Headers | GatewayError {
  const fields = Object.entries(given);
  // Whoever makes a request of them copies them.
  if (fields.length === 0) return base;
  const headers = new Headers(base);
  for (const [written, value] of fields) {
    const name = written.toLowerCase();
    const param = `headers.${written.slice(0, 100)}`;
    if (!name.startsWith("x-venturi-") && !OF_MESSAGES.has(name)) {
      const message = `A message cannot set '${param.slice(8)}': x-venturi-*, ${[...OF_MESSAGES].join(", ")} it can.`;
      return new GatewayError("invalid_value", message, { param });
    }
    if (typeof value !== "string") {
      return new GatewayError("invalid_type", `'${param}' must be a string.`, { param });
    }
    try {
      headers.set(name, value);
    } catch {
      return new GatewayError("invalid_value", `'${param}' has characters that no header field has.`, {
        param,
      });
    }
  }
  return headers;
}
