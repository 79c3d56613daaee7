// What a client says when it opens a session: which model, and by the subprotocols of browsers, which can set no header, its key.

import { presentedKey } from "../../access/client_keys.ts";
import { decodeSegment, withoutVersion } from "../endpoints.ts";

/** What is asked for. */
export interface RealtimePlace {
  /** Null: none is named, as in sessions that only transcribe. */
  readonly model: string | null;
  /** What goes on to the provider of the query. */
  readonly passed: Readonly<Record<string, string>>;
}

/** What of a query is between the client and the provider. */
const PASSED = ["intent", "call_id"];
const PATH = "/realtime";
/** Clients of Azure begin their paths with it. */
const AZURE_SEGMENT = "openai";

/**
 * What a path and its query ask for; null where they are not Realtime's.
 * @param isProvider whether a name is a configured provider's
 */
export function realtimePlace(
  path: string,
  query: string,
  isProvider: (name: string) => boolean,
): RealtimePlace | null {
  const segment = firstSegment(path);
  const is_direct = withoutVersion(path) === PATH;
  const is_below = !is_direct && segment !== null && withoutVersion(path.slice(segment.end)) === PATH;
  const is_provider = is_below && isProvider(segment.name);
  if (!is_direct && !is_provider && !(is_below && segment.name === AZURE_SEGMENT)) return null;
  const asked = new URLSearchParams(query);
  const deployment = asked.get("deployment");
  const named = deployment ?? asked.get("model");
  const is_of_provider = is_provider && deployment === null && named !== null;
  const passed = PASSED.flatMap((name) => {
    const value = asked.get(name);
    return value === null ? [] : [[name, value]];
  });
  return { model: is_of_provider ? `${segment.name}/${named}` : named, passed: Object.fromEntries(passed) };
}

function firstSegment(path: string): { readonly name: string; readonly end: number } | null {
  const end = path.indexOf("/", 1);
  const name = end > 1 ? decodeSegment(path.slice(1, end)) : null;
  return name === null ? null : { name, end };
}

const KEY_PREFIX = "openai-insecure-api-key.";
const BETA_PREFIX = "openai-beta.";
const SPOKEN = "realtime";

/** What a client offers in `sec-websocket-protocol` (RFC 6455, 4.2.2). */
export interface Offer {
  readonly key: string | null;
  /** What `OpenAI-Beta` says of those who can set no header: `realtime=v1`. */
  readonly beta: string | null;
  /** What is answered; empty for nothing. Never a key. */
  readonly chosen: string;
}

/** Reads an offer. */
export function readOffer(offer: string | null): Offer {
  const offered = (offer ?? "").split(",").map((one) => one.trim());
  const behind = (prefix: string) =>
    offered.find((one) => one.startsWith(prefix))?.slice(prefix.length) ?? null;
  const beta = behind(BETA_PREFIX);
  return {
    key: behind(KEY_PREFIX),
    beta: beta === null ? null : beta.replace("-", "="),
    chosen: offered.includes(SPOKEN) ? SPOKEN : "",
  };
}

/** Fields of the handshake that say nothing of a session. */
const OF_HANDSHAKE = [
  ...["connection", "upgrade", "host", "cookie", "content-length", "transfer-encoding"],
  ...["sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions"],
];

/** The fields of a session: those of its handshake, and what stands in the offer for those that a browser cannot set. */
export function sessionHeaders(given: Headers, { key, beta }: Offer): Headers {
  const headers = new Headers(given);
  for (const name of OF_HANDSHAKE) headers.delete(name);
  if (key !== null && presentedKey(headers) === null) headers.set("authorization", `Bearer ${key}`);
  if (beta !== null && !headers.has("openai-beta")) headers.set("openai-beta", beta);
  return headers;
}
