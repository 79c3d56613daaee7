// Every error that a client can see: one table of codes, one class.
// A code fixes status and wire type, so that no call site can pair them wrongly.

/** What a code means on the wire. `retryable` says whether the same call may succeed elsewhere or later. */
interface ErrorKind {
  readonly status: number;
  readonly type: string;
  readonly retryable: boolean;
}

/** The closed table of the gateway's own error codes (the public contract, "Errors"). */
export const ERROR_KINDS = {
  invalid_api_key: { status: 401, type: "authentication_error", retryable: false },
  model_not_allowed: { status: 403, type: "permission_error", retryable: false },
  content_not_allowed: { status: 403, type: "permission_error", retryable: false },
  origin_not_allowed: { status: 403, type: "permission_error", retryable: false },
  model_not_found: { status: 404, type: "invalid_request_error", retryable: false },
  previous_response_not_found: { status: 400, type: "invalid_request_error", retryable: false },
  thread_not_found: { status: 404, type: "invalid_request_error", retryable: false },
  not_found: { status: 404, type: "invalid_request_error", retryable: false },
  method_not_allowed: { status: 405, type: "invalid_request_error", retryable: false },
  invalid_json: { status: 400, type: "invalid_request_error", retryable: false },
  invalid_type: { status: 400, type: "invalid_request_error", retryable: false },
  invalid_value: { status: 400, type: "invalid_request_error", retryable: false },
  missing_required_parameter: { status: 400, type: "invalid_request_error", retryable: false },
  id_in_use: { status: 409, type: "invalid_request_error", retryable: false },
  session_not_found: { status: 404, type: "invalid_request_error", retryable: false },
  cancelled: { status: 499, type: "invalid_request_error", retryable: false },
  conflict: { status: 409, type: "invalid_request_error", retryable: false },
  version_mismatch: { status: 412, type: "invalid_request_error", retryable: false },
  body_incomplete: { status: 400, type: "invalid_request_error", retryable: false },
  no_capable_target: { status: 400, type: "invalid_request_error", retryable: false },
  content_blocked: { status: 400, type: "invalid_request_error", retryable: false },
  body_too_large: { status: 413, type: "invalid_request_error", retryable: false },
  budget_exceeded: { status: 429, type: "insufficient_quota", retryable: false },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error", retryable: true },
  upstream_error: { status: 502, type: "upstream_error", retryable: true },
  upstream_credentials_exhausted: { status: 502, type: "upstream_error", retryable: true },
  upstream_stream_interrupted: { status: 502, type: "upstream_error", retryable: false },
  cache_miss: { status: 504, type: "invalid_request_error", retryable: false },
  deadline_exceeded: { status: 504, type: "timeout_error", retryable: false },
  unavailable: { status: 503, type: "server_error", retryable: true },
  internal_error: { status: 500, type: "server_error", retryable: false },
} as const satisfies Record<string, ErrorKind>;

/** A code of the gateway's own errors. */
export type ErrorCode = keyof typeof ERROR_KINDS;

/** What may accompany an error. */
export interface ErrorDetails {
  /** The request field that is wrong, as the client wrote its path. */
  readonly param?: string;
  /** When a new try makes sense, in milliseconds. */
  readonly retry_after_ms?: number;
  readonly cause?: unknown;
}

/** An error of the gateway's own, with all that the wire needs. No stack is captured: the code says where. */
export class GatewayError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param: string | null;
  readonly retry_after_ms: number | null;
  readonly cause: unknown;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    this.code = code;
    this.message = message;
    this.param = details.param ?? null;
    this.retry_after_ms = details.retry_after_ms ?? null;
    this.cause = details.cause;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  get type(): string {
    return ERROR_KINDS[this.code].type;
  }

  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable;
  }
}

/**
 * A fault of the program's own, for its log: what it is, and where it happened. What its message says is left out, because that may repeat
 * whatever was being worked on.
 */
export function faultText(fault: unknown): string {
  if (!(fault instanceof Error)) return `a ${typeof fault} was thrown`;
  const { name, message, stack = "" } = fault;
  const at = stack.indexOf(message);
  const frames = (at < 0 ? "" : stack.slice(at + message.length))
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  const code = "code" in fault && typeof fault.code === "string" ? ` (${fault.code})` : "";
  return [`${name}${code}`, ...frames].join("\n");
}
