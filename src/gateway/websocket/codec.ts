// How frames look on the wire: JSON as text, or the same values in MessagePack as binary frames.
// Inside the gateway a frame is JSON, whichever the client wants: answers come as JSON, and most go out so.

import { Packr, Unpackr } from "msgpackr";
import { GatewayError } from "../../errors.ts";

/** One way to write frames. */
export interface Codec {
  readonly name: "json" | "msgpack";
  encode(frame: string): string | Uint8Array;
  /** A client's message as the bytes of JSON; or what is wrong. Null: it may not send such frames at all. */
  decode(message: string | Uint8Array): Uint8Array | GatewayError | null;
}

/** Text frames. */
export const JSON_CODEC: Codec = {
  name: "json",
  encode: (frame) => frame,
  decode: (message) => (typeof message === "string" ? Buffer.from(message) : null),
};

const packr = new Packr({ useRecords: false, moreTypes: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

/** Binary frames of MessagePack; JSON is read as well. */
export const MSGPACK_CODEC: Codec = {
  name: "msgpack",
  encode: (frame) => packr.pack(JSON.parse(frame)),
  decode: (message) => (typeof message === "string" ? Buffer.from(message) : jsonOf(message)),
};

/** A codec by its name. */
export function codecNamed(name: string): Codec {
  return name === MSGPACK_CODEC.name ? MSGPACK_CODEC : JSON_CODEC;
}

function jsonOf(message: Uint8Array): Uint8Array | GatewayError {
  try {
    const text: string | undefined = JSON.stringify(unpackr.unpack(message));
    if (text !== undefined) return Buffer.from(text);
  } catch {
    // It is told below: what the library says may repeat what was sent.
  }
  return new GatewayError("invalid_json", "The message is not MessagePack of values that JSON has.");
}
