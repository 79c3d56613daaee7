// The response to a client: its headers, the same on success, error and stream, and the bodies of errors.

import { errorBody, type WireError } from "../dialects/openai/error.ts";
import type { Call } from "./call.ts";
import type { FailedAnswer } from "./failure.ts";

/** Longest request id of a client's that is echoed. */
const REQUEST_ID_MAX_CHARS = 128;

/** The request's id: the client's own if it is short and visible ASCII, else a new one. */
export function requestId(headers: Headers): string {
  const given = headers.get("x-request-id");
  if (given !== null && given.length > 0 && given.length <= REQUEST_ID_MAX_CHARS && isVisible(given))
    return given;
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}

function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return true;
}

/** Text that may stand in a header: anything else in a model's name is percent-encoded, half surrogates as U+FFFD. */
function headerText(text: string): string {
  return isVisible(text) ? text : encodeURIComponent(text.toWellFormed());
}

/**
 * The time that the gateway itself took, in microseconds: before the first byte was asked for, without the reading of the
 * request's body, and after what the answer begins with had arrived.
 */
function overheadUs(call: Call, now_ms: number): number {
  const { arrived, authenticated, body, asked, answered } = call.times;
  if (asked === 0) return (now_ms - arrived - waited(authenticated, body)) * 1000;
  return (asked - arrived - waited(authenticated, body) + (now_ms - answered)) * 1000;
}

function waited(start_ms: number, end_ms: number): number {
  return start_ms > 0 && end_ms > start_ms ? end_ms - start_ms : 0;
}

/** The digits behind the point, made once: `toFixed` takes longer than all else that a header costs. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, index) => String(index).padStart(3, "0"));

/** A stage of `server-timing` behind the ones before it; a stage that did not take place adds nothing. */
function addStage(before: string, name: string, start_ms: number, end_ms: number): string {
  if (!(start_ms > 0 && end_ms >= start_ms)) return before;
  const duration_us = Math.round((end_ms - start_ms) * 1000);
  const stage = `${name};dur=${Math.floor(duration_us / 1000)}.${THOUSANDTHS[duration_us % 1000]}`;
  return before === "" ? stage : `${before}, ${stage}`;
}

/** `server-timing` (W3C Server Timing): the stages' durations in milliseconds. */
function serverTiming(call: Call): string {
  const { arrived, authenticated, body, scanned, routed, asked, connected, first_byte } = call.times;
  let stages = addStage("", "auth", arrived, authenticated);
  stages = addStage(stages, "body", authenticated, body);
  stages = addStage(stages, "scan", body, scanned);
  stages = addStage(stages, "route", scanned || authenticated, routed);
  stages = addStage(stages, "connect", asked, connected);
  return addStage(stages, "first-byte", connected, first_byte);
}

/** The headers that every response to a call carries. */
export function callHeaders(call: Call): Record<string, string> {
  call.overhead_us = overheadUs(call, performance.now());
  const headers: Record<string, string> = {
    "x-request-id": call.id,
    "x-venturi-cache": "bypass",
    "x-venturi-attempts": String(call.attempts),
    "x-venturi-overhead-us": String(Math.round(call.overhead_us)),
  };
  const timing = serverTiming(call);
  if (timing !== "") headers["server-timing"] = timing;
  if (call.provider !== "") {
    headers["x-venturi-provider"] = headerText(call.provider);
    if (call.served_model !== "") headers["x-venturi-model"] = headerText(call.served_model);
  }
  return headers;
}

/** The response that tells a client of an error. */
export function errorResponse(answer: FailedAnswer, headers: Record<string, string>): Response {
  const { status, error, body, retry_after_ms } = answer;
  headers["content-type"] = "application/json";
  if (retry_after_ms !== null) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(retry_after_ms / 1000)));
    headers["retry-after-ms"] = String(Math.ceil(retry_after_ms));
  } else if (status === 429 || status === 503) {
    headers["retry-after"] = "1";
  }
  return new Response(body ?? errorBody(error satisfies WireError), { status, headers });
}
