// Errors as Google's APIs tell them, read and written.
// Source: https://cloud.google.com/apis/design/errors; https://ai.google.dev/gemini-api/docs/troubleshooting

import { isFields, list, record } from "../fields.ts";
import { statusOfStreamError, type WireError } from "../openai/error.ts";

/** The canonical code of a status (google.rpc.Code). */
const STATUS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  413: "INVALID_ARGUMENT",
  422: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "UNIMPLEMENTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
  529: "UNAVAILABLE",
};

const CODE: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(STATUS).map(([code, status]) => [status, Number(code)])),
  INVALID_ARGUMENT: 400,
  UNAVAILABLE: 503,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  ALREADY_EXISTS: 409,
  INTERNAL: 500,
  UNKNOWN: 500,
  DATA_LOSS: 500,
};

/**
 * Reads an error's body, or null where there is none in it: `{"error":{…}}`, or a list that begins with one, as streams have it.
 * `type` is the canonical code, `code` the HTTP status as a text, `param` the field that is wrong where it is told.
 */
export function readGeminiError(body: unknown): WireError | null {
  const error = record(Array.isArray(body) ? body[0] : body)["error"];
  if (!isFields(error)) return null;
  const { message, status, code } = error;
  const type = typeof status === "string" && status !== "" ? status : null;
  const numeric = typeof code === "number" ? code : type === null ? undefined : CODE[type];
  return {
    message:
      typeof message === "string" && message !== "" ? message : (type ?? "the provider told no reason"),
    type: type ?? (numeric === undefined ? "UNKNOWN" : (STATUS[numeric] ?? "UNKNOWN")),
    param: paramOf(error["details"]),
    code: numeric === undefined ? null : String(numeric),
  };
}

/** The first field that a google.rpc.BadRequest names. */
function paramOf(details: unknown): string | null {
  for (const detail of list(details)) {
    for (const violation of list(record(detail)["fieldViolations"])) {
      const { field } = record(violation);
      if (typeof field === "string" && field !== "") return field;
    }
  }
  return null;
}

/**
 * When a new try makes sense, in milliseconds, by a google.rpc.RetryInfo among an error's details; null where there is none. Gemini
 * says it here and in no header.
 */
export function retryDelayMs(body: unknown): number | null {
  const { details } = record(record(Array.isArray(body) ? body[0] : body)["error"]);
  for (const detail of list(details)) {
    const { "@type": type, retryDelay } = record(detail);
    if (typeof type !== "string" || !type.endsWith("google.rpc.RetryInfo")) continue;
    const delay_ms = durationMs(retryDelay);
    if (delay_ms !== null) return delay_ms;
  }
  return null;
}

/** Whether an error refuses the key that was sent (google.rpc.ErrorInfo): Gemini's status is 400 then. */
export function refusesKey(body: unknown): boolean {
  const { details } = record(record(Array.isArray(body) ? body[0] : body)["error"]);
  return list(details).some((detail) => record(detail)["reason"] === "API_KEY_INVALID");
}

/** A google.protobuf.Duration: seconds as a text with an "s", or an object of seconds and nanoseconds. */
function durationMs(duration: unknown): number | null {
  if (typeof duration === "string" && duration.endsWith("s") && duration.length > 1) {
    const seconds = Number(duration.slice(0, -1));
    return seconds >= 0 && Number.isFinite(seconds) ? Math.ceil(seconds * 1000) : null;
  }
  if (!isFields(duration)) return null;
  const seconds = Number(duration["seconds"] ?? 0);
  const nanos = Number(duration["nanos"] ?? 0);
  const delay_ms = Math.ceil(seconds * 1000 + nanos / 1e6);
  return delay_ms >= 0 && Number.isFinite(delay_ms) ? delay_ms : null;
}

/** The body of an error for Gemini's clients. */
export function writeGeminiError(error: WireError, status: number): Readonly<Record<string, unknown>> {
  const otherwise = status < 500 ? "FAILED_PRECONDITION" : "INTERNAL";
  const named = Object.hasOwn(CODE, error.type) ? error.type : (STATUS[status] ?? otherwise);
  const reason = error.code === null || Number(error.code) > 0 ? error.type : error.code;
  const violation = { field: error.param, description: error.message };
  const details = [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "venturi" },
    ...(error.param === null
      ? []
      : [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [violation] }]),
  ];
  return { error: { code: status, message: error.message, status: named, details } };
}

/** The status that an error inside a stream stands for: a canonical code's, else what any other format's error means. */
export function statusOfGeminiError(error: WireError): number {
  const told = statusOfStreamError(error);
  return Object.hasOwn(CODE, error.type) && Number(error.code) !== told ? CODE[error.type]! : told;
}
