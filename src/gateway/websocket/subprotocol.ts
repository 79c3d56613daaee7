// What a client offers in `sec-websocket-protocol` (RFC 6455, 4.2.2): how frames are to look, and from browsers, which can set no
// other header, a key. The key is never answered with.

import { type Codec, JSON_CODEC, MSGPACK_CODEC } from "./codec.ts";

/** What a client offered, and which of it is taken. */
export interface Subprotocol {
  /** The one that is answered with; empty for none, which is then not answered at all. */
  readonly chosen: string;
  readonly codec: Codec;
  /** The key that stands among them; null: none does. */
  readonly key: string | null;
}

const KEY_PREFIX = "openai-insecure-api-key.";

/** `realtime` is what OpenAI's own clients offer beside the key. */
const CODECS: ReadonlyMap<string, Codec> = new Map([
  ["venturi.json", JSON_CODEC],
  ["venturi.msgpack", MSGPACK_CODEC],
  ["realtime", JSON_CODEC],
]);

/** Reads an offer: of those that are known, the first is taken. */
export function readSubprotocol(offer: string | null): Subprotocol {
  const offered = (offer ?? "").split(",").map((one) => one.trim());
  const chosen = offered.find((one) => CODECS.has(one)) ?? "";
  const with_key = offered.find((one) => one.startsWith(KEY_PREFIX));
  return {
    chosen,
    codec: CODECS.get(chosen) ?? JSON_CODEC,
    key: with_key === undefined ? null : with_key.slice(KEY_PREFIX.length),
  };
}
