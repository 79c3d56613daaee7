// Errors in Anthropic's format, both ways.
// Source: https://platform.claude.com/docs/en/api/errors; the SDK's `ErrorType` and `APIError`.

import { isFields, record } from "../fields.ts";
import { readError, statusOfStreamError, type WireError } from "../openai/error.ts";
import type { Fields } from "./own.ts";

const TYPES: Readonly<Record<number, string>> = {
  ...{ 400: "invalid_request_error", 401: "authentication_error", 402: "billing_error" },
  ...{ 403: "permission_error", 404: "not_found_error", 409: "conflict_error", 413: "request_too_large" },
  ...{ 429: "rate_limit_error", 500: "api_error", 504: "timeout_error", 529: "overloaded_error" },
};
const STATUSES: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(TYPES).map(([status, type]) => [type, Number(status)]),
);

/** The type that goes with a status. */
export function typeOfStatus(status: number): string {
  return TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/** The status that a type stands for; 500 for types that are new. */
export function statusOfType(type: string): number {
  return STATUSES[type] ?? 500;
}

/**
 * Reads an error's body, or a stream's `error` event; null where the value holds none. Its code is the stable name of the cause, where the
 * provider tells one.
 */
export function readMessagesError(value: unknown, status: number): WireError | null {
  if (!isFields(value)) return null;
  const { error } = value;
  if (value["type"] !== "error" || !isFields(error)) return readError(value, status);
  const { type, message, details } = error;
  const code = record(details)["error_code"];
  return {
    message: typeof message === "string" ? message : JSON.stringify(error).slice(0, 500),
    type: typeof type === "string" ? type : typeOfStatus(status),
    param: null,
    code: typeof code === "string" ? code : null,
  };
}

/**
 * An error's body.
 * @param status the answer's status, which the type goes by: the SDKs choose their classes by it
 */
export function messagesError(error: WireError, status: number, request_id: string | null = null): Fields {
  const type = STATUSES[error.type] === status ? error.type : typeOfStatus(status);
  const details = error.code === null ? {} : { details: { error_code: error.code } };
  return { type: "error", error: { type, message: error.message, ...details }, request_id };
}

/** The event that ends a broken stream. */
export function messagesErrorEvent(error: WireError): string {
  const status = STATUSES[error.type] ?? statusOfStreamError(error);
  return `event: error\ndata: ${JSON.stringify(messagesError(error, status))}\n\n`;
}
