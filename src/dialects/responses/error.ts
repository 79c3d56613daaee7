// Errors of the Responses API. Bodies are like those of all of OpenAI's; events of a stream, and what a failed response has in it, are not.

import { isFields } from "../fields.ts";
import { readError, typeOfStatus, type WireError } from "../openai/error.ts";
import type { Fields } from "./own.ts";

/** What a failed response is said to be where nothing more is known (OpenAI API reference, `ResponseError.code`). */
export const SERVER_ERROR = "server_error";

/** Types of errors by their codes, for the errors inside of responses, which have no type. */
const TYPES: Readonly<Record<string, string>> = {
  server_error: "server_error",
  rate_limit_exceeded: "rate_limit_error",
  insufficient_quota: "insufficient_quota",
};

/**
 * The error that a body tells: of a failed call, or of a response whose status is `failed`, which comes with HTTP's 200. Null where
 * it tells none.
 * @param status HTTP's
 */
export function readResponsesError(body: unknown, status: number): WireError | null {
  if (isFields(body) && body["object"] === "response")
    return body["status"] === "failed" ? failureOf(body["error"]) : null;
  return readError(body, status);
}

/** The `error` of a failed response. */
export function failureOf(error: unknown): WireError {
  const { code, message } = isFields(error) ? error : {};
  const told = typeof code === "string" ? code : SERVER_ERROR;
  return {
    message: typeof message === "string" ? message : "The response failed.",
    type: typeOfCode(told),
    param: null,
    code: told,
  };
}

/** The type of an error that only has a code: what has no type may be told by it, as a status by some servers. */
function typeOfCode(code: string): string {
  const status = Number(code);
  if (status >= 400 && status < 600) return typeOfStatus(status);
  // All others are about what was asked.
  return TYPES[code] ?? (code.endsWith("_error") ? code : typeOfStatus(400));
}

/** The data of an `error` event: flat as the reference has it, or with an `error` of its own as the API sends it. */
export function readErrorEvent(event: Fields): WireError {
  const inner = isFields(event["error"]) ? event["error"] : event;
  const { code, type, message } = inner;
  const told = typeof code === "string" ? code : typeof code === "number" ? String(code) : null;
  const param = inner["param"];
  return {
    message: typeof message === "string" ? message : "The stream broke off.",
    type: typeof type === "string" && type !== "error" ? type : typeOfCode(told ?? SERVER_ERROR),
    param: typeof param === "string" ? param : null,
    code: told,
  };
}

/** The data of an `error` event (OpenAI API reference, "Streaming events", `error`). */
export function writeErrorEvent({ message, code, type, param }: WireError, sequence_number: number): Fields {
  return { type: "error", code: code ?? type, message, param, sequence_number };
}

/** The `error` of a response that failed. */
export function writeFailure({ message, code, type }: WireError): Fields {
  return { code: code ?? (type === "rate_limit_error" ? "rate_limit_exceeded" : SERVER_ERROR), message };
}
