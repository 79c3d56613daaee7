// What a client says on a socket of Responses: `response.create`, with the fields of a request beside its type, or in `response`.
// Source: OpenAI API reference, "WebSocket events" of Responses, and the guide "WebSocket mode".

import { isFields } from "../../dialects/fields.ts";
import type { Fields } from "../../dialects/responses/own.ts";
import { GatewayError } from "../../errors.ts";
import { parseExact } from "../../wire/exact_json.ts";

/** A turn that is asked for. */
export interface Turn {
  /** The stream of turns that it belongs to; turns of one wait for each other. */
  readonly stream_id: string | null;
  /** The request, which streams. */
  readonly body: Fields;
  /** False: nothing is to be said yet, only to be remembered. */
  readonly generates: boolean;
}

/** A message that is none, with the stream of turns that it names. */
export interface TurnFault {
  readonly stream_id: string | null;
  readonly error: GatewayError;
}

const STREAM_ID_MAX_CHARS = 256;
/** Fields that are for the socket, or for HTTP alone. */
const NO_FIELDS = ["type", "event_id", "response", "stream_id", "generate", "stream", "background"];

/** Reads a message. */
export function readTurn(bytes: Uint8Array): Turn | TurnFault {
  const message = parseExact(bytes);
  if (!isFields(message)) {
    return fault(null, new GatewayError("invalid_json", "The message is no JSON object that can be read."));
  }
  const { type, response } = message;
  const own = isFields(response) ? response : {};
  const stream_id = own["stream_id"] ?? message["stream_id"] ?? null;
  if (stream_id !== null && !isStreamId(stream_id)) {
    const text = `'stream_id' must be a string of 1 to ${STREAM_ID_MAX_CHARS} characters.`;
    return fault(null, new GatewayError("invalid_type", text, { param: "stream_id" }));
  }
  if (type !== "response.create") {
    const text = "'type' must be 'response.create': a socket of Responses takes no other events.";
    return fault(stream_id, new GatewayError("invalid_value", text, { param: "type" }));
  }
  const given = { ...message, ...own };
  if (given["background"] === true) {
    const text = "'background' is not for sockets: what is asked here is answered here.";
    return fault(stream_id, new GatewayError("invalid_value", text, { param: "background" }));
  }
  const fields = Object.entries(given).filter(([name]) => !NO_FIELDS.includes(name));
  return {
    stream_id,
    body: { ...Object.fromEntries(fields), stream: true },
    generates: given["generate"] !== false,
  };
}

function isStreamId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= STREAM_ID_MAX_CHARS;
}

function fault(stream_id: string | null, error: GatewayError): TurnFault {
  return { stream_id, error };
}
