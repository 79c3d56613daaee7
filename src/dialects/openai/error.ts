// Errors in OpenAI's format: ours written, a provider's read, and what a failed status means for the next try.
// A provider's own words are kept; anything that is not this shape (an HTML page, a bare string) is put into it.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The `error` object of OpenAI's format. */
export interface WireError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** The body of an error answer. */
export function errorBody(error: WireError): Uint8Array {
  const { message, type, param, code } = error;
  return encoder.encode(JSON.stringify({ error: { message, type, param, code } }));
}

/** The event that ends a broken stream. */
export function errorEvent(error: WireError): Uint8Array {
  const { message, type, param, code } = error;
  return encoder.encode(
    `event: error\ndata: ${JSON.stringify({ error: { message, type, param, code } })}\n\n`,
  );
}

/** The wire type that fits a provider's status, for bodies that name none. */
export function typeOfStatus(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  if (status >= 400 && status < 500) return "invalid_request_error";
  return status >= 500 ? "server_error" : "upstream_error";
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Reads an error object of whatever shape compatible servers send; null when the value holds none. */
export function readError(value: unknown, status: number): WireError | null {
  // Gemini's compatible endpoint wraps the object in a list.
  const outer = Array.isArray(value) ? value[0] : value;
  if (typeof outer !== "object" || outer === null) return null;
  const object = outer as Record<string, unknown>;
  const inner = object["error"] ?? (status >= 400 ? object : undefined);
  if (inner === undefined || inner === null || inner === false) return null;
  if (typeof inner === "string") {
    return { message: inner, type: typeOfStatus(status), param: null, code: text(object["code"]) };
  }
  if (typeof inner !== "object") return null;
  const fields = inner as Record<string, unknown>;
  const message =
    text(fields["message"]) ?? text(fields["detail"]) ?? text(object["message"]) ?? text(object["detail"]);
  const code = fields["code"];
  return {
    message: message ?? JSON.stringify(inner).slice(0, 500),
    type: text(fields["type"]) ?? text(fields["status"]) ?? typeOfStatus(status),
    param: text(fields["param"]),
    // Cohere names some errors by a type beside the message.
    code: typeof code === "number" ? String(code) : (text(code) ?? text(fields["error_type"])),
  };
}

/**
 * What is said of a failed answer whose body has no error in it.
 * @param body what came of the body, at most a few KB
 * @param provider the provider's configured name
 */
export function bodilessError(
  body: Uint8Array,
  status: number,
  content_type: string | null,
  provider: string,
): WireError {
  const plain = content_type?.startsWith("text/plain") ? decoder.decode(body.subarray(0, 500)).trim() : "";
  const kind = content_type?.split(";")[0]?.trim() || "no content type";
  return {
    message: plain !== "" ? plain : `provider ${provider} answered ${status} with a body of ${kind}`,
    type: typeOfStatus(status),
    param: null,
    code: null,
  };
}

const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  tokens: 429,
  requests: 429,
  insufficient_quota: 429,
  overloaded_error: 529,
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  timeout_error: 504,
  // Bedrock's exceptions, by their names. A stream that a model breaks off is tried again as any other is.
  ThrottlingException: 429,
  ModelNotReadyException: 429,
  ServiceQuotaExceededException: 429,
  ValidationException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ModelTimeoutException: 504,
  InternalServerException: 500,
  ServiceUnavailableException: 503,
};

/** The status that an error inside a 200 stream stands for: its numeric code, else what its type or code names, else 502. */
export function statusOfStreamError(error: WireError): number {
  const numeric = Number(error.code);
  if (Number.isInteger(numeric) && numeric >= 400 && numeric <= 599) return numeric;
  return STATUS_OF_TYPE[error.type] ?? STATUS_OF_TYPE[error.code ?? ""] ?? 502;
}

/**
 * A provider's body as clients get it: as it came where it has OpenAI's shape, else with the four fields in that shape and
 * the provider's further ones beside them. Null: it has no error object.
 */
export function passError(body: Uint8Array, error: WireError): Uint8Array | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString());
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("error" in value)) return null;
  const own = value.error;
  if (typeof own !== "object" || own === null || Array.isArray(own)) return null;
  const { message, type, param, code } = error;
  const fields: Readonly<Record<string, unknown>> = { ...own };
  const is_own_shape =
    fields["message"] === message &&
    fields["type"] === type &&
    fields["param"] === param &&
    fields["code"] === code;
  return is_own_shape
    ? body
    : Buffer.from(JSON.stringify({ ...value, error: { ...own, message, type, param, code } }));
}
