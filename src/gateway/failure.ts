// A try that did not give an answer: what the client would be told, and what to do next.

import type { WireError } from "../dialects/openai/error.ts";
import { readProviderError, statusInBand } from "../dialects/provider_error.ts";
import { type ErrorCode, GatewayError } from "../errors.ts";
import type { Showing } from "../routing/health/circuit.ts";
import { isIll, judgeStatus, retryAfterMs, type Verdict } from "../routing/retry.ts";
import type { UpstreamError, UpstreamHead } from "../upstream/exchange.ts";

/** An error as the client gets it. */
export interface FailedAnswer {
  readonly status: number;
  readonly error: WireError;
  /** The provider's own body, when it can go out as it came. */
  readonly body: Uint8Array | null;
  readonly retry_after_ms: number | null;
  /** Whether the provider said so itself. */
  readonly from_provider: boolean;
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

/** What befell a try before its target could do anything wrong. */
const NOT_SENT: ReadonlySet<string> = new Set([
  ...["bad_request", "upload", "handler", "authorization", "limited", "resting", "unsupported"],
]);

/** What a failure shows of the target: a status that blames the request shows that somebody is there. */
export function showingOf({ outcome }: Failure): Showing {
  const status = /^(?:in_band_)?(\d{3})$/.exec(outcome)?.[1];
  if (status !== undefined) return isIll(Number(status)) ? "ill" : "well";
  return NOT_SENT.has(outcome) ? "nothing" : "ill";
}

/** The answer for an error of the gateway's own. */
export function ownAnswer(error: GatewayError): FailedAnswer {
  return {
    status: error.status,
    error: { message: error.message, type: error.type, param: error.param, code: error.code },
    body: null,
    retry_after_ms: error.retry_after_ms,
    from_provider: false,
  };
}

/** A shorthand for `ownAnswer` of a new error. */
export function refuse(code: ErrorCode, message: string): FailedAnswer {
  return ownAnswer(new GatewayError(code, message));
}

/** The connection failed, or what came was no HTTP. */
export function connectionFailure(provider: string, error: UpstreamError): Failure {
  if (error.failure === "upload") return uploadFailure(error);
  const message = `Provider ${provider} could not be reached or did not answer properly: ${error.message}.`;
  // A request that cannot be written would fail again in the same way.
  const verdict: Verdict = error.failure === "bad_request" ? "final" : "same";
  return { verdict, answer: refuse("upstream_error", message), retry_after_ms: null, outcome: error.failure };
}

/** The client's upload broke off on its way: that is no provider's fault, and the rest of it is lost. */
function uploadFailure(error: UpstreamError): Failure {
  const what = error.cause instanceof Error ? error.cause.message : error.message;
  const answer = refuse("body_incomplete", `The request body is incomplete: ${what}`);
  return { verdict: "final", answer, retry_after_ms: null, outcome: error.failure };
}

/** A provider's key is at the limit that the configuration sets for it: nothing was sent. */
export function limitedFailure(provider: string, retry_after_ms: number | null): Failure {
  const error = new GatewayError(
    "rate_limit_exceeded",
    `The limits that this gateway keeps for provider ${provider} are reached. Try again in a moment.`,
    retry_after_ms === null ? {} : { retry_after_ms },
  );
  return { verdict: "rest", answer: ownAnswer(error), retry_after_ms, outcome: "limited" };
}

/** A target cannot be told what the client asked for: another may. */
export function unwritable(error: GatewayError): Failure {
  return { verdict: "next", answer: ownAnswer(error), retry_after_ms: null, outcome: "unsupported" };
}

/** What a client is told of an answer that broke off after it had begun. */
export function interruption(provider: string, what: string): WireError {
  return refuse("upstream_stream_interrupted", `Provider ${provider} broke off its answer: ${what}.`).error;
}

/** The same for whoever was to get the answer whole. */
export function brokenAnswer(error: WireError): FailedAnswer {
  const { status } = refuse("upstream_stream_interrupted", error.message);
  return { status, error, body: null, retry_after_ms: null, from_provider: false };
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

/**
 * The provider answered with an error status.
 * @param passError gives the body on as it came, or null
 */
export function statusFailure(
  provider: string,
  head: UpstreamHead,
  body: Uint8Array,
  passError: (body: Uint8Array, error: WireError) => Uint8Array | null,
): Failure {
  const { status } = head;
  const content_type = head.headers.get("content-type");
  if (status < 400) {
    const what = `status ${status}${head.headers.get("location") === null ? "" : " (a redirect)"}`;
    // Asked again it would say the same.
    return { ...unfitAnswer(provider, what), verdict: "next" };
  }
  const { error: read, ...told } = readProviderError(body, status, content_type, provider);
  const error = { ...read, code: read.code ?? amazonCode(head) };
  const retry_after_ms = retryAfterMs((name) => head.headers.get(name), Date.now()) ?? told.retry_after_ms;
  return {
    verdict: told.refuses_key ? "key" : judgeStatus(status),
    answer: { status, error, body: passError(body, error), retry_after_ms, from_provider: true },
    retry_after_ms,
    outcome: String(status),
  };
}

/** AWS names the exception in the head: `ValidationException:http://internal.amazon.com/coral/…`. */
function amazonCode({ headers }: UpstreamHead): string | null {
  const name = headers.get("x-amzn-errortype")?.split(":")[0] ?? "";
  return /^\w{1,64}$/.test(name) ? name : null;
}

/** An error that came inside an answer of success. */
export function inBandFailure(error: WireError): Failure {
  const status = statusInBand(error);
  return {
    verdict: judgeStatus(status),
    answer: { status, error, body: null, retry_after_ms: null, from_provider: true },
    retry_after_ms: null,
    outcome: `in_band_${status}`,
  };
}
