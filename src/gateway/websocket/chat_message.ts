// What a client says on a socket of chat completions: `{"id","body","headers"}` begins a call, `{"id","cancel":true}` stops one,
// `{"resume","seq"}` goes on with an earlier session.
// The body is found by its offsets and goes on as the bytes that came.

import { isFields } from "../../dialects/fields.ts";
import { GatewayError } from "../../errors.ts";
import { readInteger, readString, scanObject } from "../../wire/json.ts";

/** A client's message. */
export type ChatMessage =
  | {
      readonly kind: "call";
      readonly id: string;
      readonly body: Uint8Array;
      readonly headers: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "cancel"; readonly id: string }
  /** The session of a token, from the frame after `seq` on. */
  | { readonly kind: "resume"; readonly token: string; readonly seq: number }
  /** With the id where it has one that can be answered to. */
  | { readonly kind: "fault"; readonly id: string | null; readonly error: GatewayError };

const ID_MAX_CHARS = 256;
const TOKEN_MAX_BYTES = 1024;
const HEADERS_MAX_BYTES = 16 * 1024;
const NO_HEADERS = {};

/** Reads a message. */
export function readChatMessage(bytes: Uint8Array): ChatMessage {
  const scan = scanObject(bytes);
  if (scan.fault !== null) {
    const message = `The message is no JSON object that can be read: ${scan.reason} (at byte ${scan.offset}).`;
    return fault(null, new GatewayError("invalid_json", message));
  }
  const resume = scan.find("resume");
  if (resume !== null) {
    const seq_span = scan.find("seq");
    const token = resume.end - resume.start > TOKEN_MAX_BYTES ? null : readString(bytes, resume);
    const seq = seq_span === null ? null : readInteger(bytes, seq_span);
    if (token !== null && seq !== null && seq >= 0) return { kind: "resume", token, seq };
    const message =
      "'resume' must be a session's token, with the number of the last frame that came in 'seq'.";
    return fault(null, new GatewayError("invalid_type", message, { param: "resume" }));
  }
  const id_span = scan.find("id");
  const id =
    id_span === null || id_span.end - id_span.start > ID_MAX_CHARS * 6 ? null : readString(bytes, id_span);
  if (id === null || id === "" || id.length > ID_MAX_CHARS) {
    const message = `'id' must be a string of 1 to ${ID_MAX_CHARS} characters.`;
    return fault(null, new GatewayError("invalid_type", message, { param: "id" }));
  }
  const cancel = scan.find("cancel");
  if (cancel?.kind === "true") return { kind: "cancel", id };
  const body = scan.find("body");
  if (body === null) {
    const message = "'body' is missing: the request, as POST /v1/chat/completions has it.";
    return fault(id, new GatewayError("missing_required_parameter", message, { param: "body" }));
  }
  if (body.kind !== "object") {
    return fault(id, new GatewayError("invalid_type", "'body' must be an object.", { param: "body" }));
  }
  const headers_span = scan.find("headers");
  const headers = headers_span === null ? NO_HEADERS : readFields(bytes, headers_span);
  if (headers === null) {
    const message = `'headers' must be an object of at most ${HEADERS_MAX_BYTES} bytes.`;
    return fault(id, new GatewayError("invalid_type", message, { param: "headers" }));
  }
  return { kind: "call", id, body: bytes.subarray(body.start, body.end), headers };
}

function readFields(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): Record<string, unknown> | null {
  if (end - start > HEADERS_MAX_BYTES) return null;
  const value: unknown = JSON.parse(Buffer.from(bytes.subarray(start, end)).toString());
  return isFields(value) ? value : null;
}

function fault(id: string | null, error: GatewayError): ChatMessage {
  return { kind: "fault", id, error };
}
