// A call that failed, as frames tell of it: what the body of an error says over HTTP, with the status and the headers that HTTP has
// beside it.

import { isFields } from "../../dialects/fields.ts";
import { statusOfStreamError, typeOfStatus, type WireError } from "../../dialects/openai/error.ts";
import { ERROR_KINDS, GatewayError } from "../../errors.ts";

/** What a failed call ends with. */
export interface CallFailure {
  readonly status: number;
  readonly error: WireError;
  /** As the response's would have been; none where the answer had begun. */
  readonly headers: Readonly<Record<string, string>>;
}

const NO_HEADERS = {};

/** The failure for an error of the gateway's own. */
export function ownFailure(error: GatewayError): CallFailure {
  const { message, type, param, code, status, retry_after_ms } = error;
  const headers =
    retry_after_ms === null ? NO_HEADERS : { "retry-after-ms": String(Math.ceil(retry_after_ms)) };
  return { status, error: { message, type, param, code }, headers };
}

/** The failure that an error's body tells. */
export function failureOfBody(
  body: Uint8Array,
  status: number,
  headers: Readonly<Record<string, string>>,
): CallFailure {
  const error = readError(body) ?? {
    message: `The call failed with status ${status}.`,
    type: typeOfStatus(status),
    param: null,
    code: null,
  };
  return { status, error, headers };
}

/** The failure that an event tells of an answer that had begun. */
export function failureOfEvent(data: Uint8Array): CallFailure {
  const error = readError(data) ?? brokenOff().error;
  return { status: statusOf(error), error, headers: NO_HEADERS };
}

/** The failure of a call whose answer was cut. */
export function brokenOff(): CallFailure {
  return ownFailure(new GatewayError("upstream_stream_interrupted", "The answer broke off."));
}

/** The end of a call that its client does not want any more. */
export function cancelled(): CallFailure {
  return ownFailure(new GatewayError("cancelled", "The call was cancelled, as its client asked."));
}

function statusOf(error: WireError): number {
  const { code } = error;
  const own = Object.entries(ERROR_KINDS).find(([name, { type }]) => name === code && type === error.type);
  return own === undefined ? statusOfStreamError(error) : own[1].status;
}

/** The four fields of an error's body; null where it has none. */
function readError(body: Uint8Array): WireError | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    const error = isFields(value) ? value["error"] : null;
    if (!isFields(error) || typeof error["message"] !== "string") return null;
    const { message, type, param, code } = error;
    return {
      message,
      type: typeof type === "string" ? type : "upstream_error",
      param: typeof param === "string" ? param : null,
      code: typeof code === "string" || typeof code === "number" ? String(code) : null,
    };
  } catch {
    return null;
  }
}
