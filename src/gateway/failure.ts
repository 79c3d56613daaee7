// A try that did not give an answer: what the client would be told, and what to do next.

import { readErrorBody, statusOfStreamError, type WireError } from "../dialects/openai/error.ts";
import { type ErrorCode, GatewayError } from "../errors.ts";
import { judgeStatus, retryAfterMs, type Verdict } from "../routing/retry.ts";
import type { UpstreamError, UpstreamHead } from "../upstream/exchange.ts";

/** An error as the client gets it. */
export interface FailedAnswer {
  readonly status: number;
  readonly error: WireError;
  /** The provider's own body, when it can go out as it came. */
  readonly body: Uint8Array | null;
  readonly retry_after_ms: number | null;
}

/** A failed try. */
export interface Failure {
  readonly verdict: Verdict;
  readonly answer: FailedAnswer;
  /** When the provider wants to be asked again. */
  readonly retry_after_ms: number | null;
  /** How metrics call it: the status, or what happened to the connection. */
  readonly outcome: string;
}

/** The answer for an error of the gateway's own. */
export function ownAnswer(error: GatewayError): FailedAnswer {
  return {
    status: error.status,
    error: { message: error.message, type: error.type, param: error.param, code: error.code },
    body: null,
    retry_after_ms: error.retry_after_ms,
  };
}

/** A shorthand for `ownAnswer` of a new error. */
export function refuse(code: ErrorCode, message: string): FailedAnswer {
  return ownAnswer(new GatewayError(code, message));
}

/** The connection failed, or what came was no HTTP. */
export function connectionFailure(provider: string, error: UpstreamError): Failure {
  const message = `Provider ${provider} could not be reached or did not answer properly: ${error.message}.`;
  // A request that cannot be written, or whose upload broke, would fail again in the same way.
  const verdict: Verdict = error.failure === "upload" || error.failure === "bad_request" ? "final" : "same";
  return { verdict, answer: refuse("upstream_error", message), retry_after_ms: null, outcome: error.failure };
}

/** The provider answered with something that is no answer to what was asked. */
export function unfitAnswer(provider: string, what: string): Failure {
  const message = `Provider ${provider} gave no usable answer: ${what}.`;
  return {
    verdict: "same",
    answer: refuse("upstream_error", message),
    retry_after_ms: null,
    outcome: "unfit_answer",
  };
}

/** The provider answered with an error status. */
export function statusFailure(provider: string, head: UpstreamHead, body: Uint8Array): Failure {
  const { status } = head;
  const content_type = head.headers.get("content-type");
  if (status < 400) {
    return unfitAnswer(provider, `status ${status}${head.headers.get("location") ? " (a redirect)" : ""}`);
  }
  const error = readErrorBody(body, status, content_type, provider);
  const retry_after_ms = retryAfterMs((name) => head.headers.get(name), Date.now());
  return {
    verdict: judgeStatus(status),
    answer: { status, error, body: isOwnShape(body) ? body : null, retry_after_ms },
    retry_after_ms,
    outcome: String(status),
  };
}

/** An error that came inside an answer of success. */
export function inBandFailure(error: WireError): Failure {
  const status = statusOfStreamError(error);
  return {
    verdict: judgeStatus(status),
    answer: { status, error, body: null, retry_after_ms: null },
    retry_after_ms: null,
    outcome: `in_band_${status}`,
  };
}

/** Whether a body already is `{"error": {"message": …}}`, so that clients get the provider's fields, all of them. */
function isOwnShape(body: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    if (typeof value !== "object" || value === null || !("error" in value)) return false;
    const { error } = value;
    return typeof error === "object" && error !== null && "message" in error && "type" in error;
  } catch {
    return false;
  }
}
