// The response to a client: its headers, the same on success, error and stream, and the bodies of errors.

import type { Server } from "../cache/recording.ts";
import type { TargetPlan } from "../config/plan.ts";
import { dollarsOf } from "../ledger/dollars.ts";
import { NOTHING } from "../ledger/row.ts";
import type { Call, KeptFrom } from "./call.ts";
import type { FailedAnswer } from "./failure.ts";
import { judgedMs } from "./timings.ts";

/** Longest request id of a client's that is echoed. */
const REQUEST_ID_MAX_CHARS = 128;

/** The client's own id for its request, if it is short and visible ASCII; else null. */
export function requestId(headers: Headers): string | null {
  const given = headers.get("x-request-id");
  const is_fit =
    given !== null && given.length > 0 && given.length <= REQUEST_ID_MAX_CHARS && isVisible(given);
  return is_fit ? given : null;
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
 * request's body, and after what the answer begins with had arrived; without the time that guards elsewhere took, or that it stood in a queue.
 */
function overheadUs(call: Call, now_ms: number): number {
  const { arrived_ms, asked_ms } = call;
  const waited_ms = waited(call.authenticated_ms, call.body_ms) + call.guards_ms + call.queued_first_ms;
  if (asked_ms === 0) return (now_ms - arrived_ms - waited_ms) * 1000;
  return (asked_ms - arrived_ms - waited_ms + (now_ms - call.answered_ms)) * 1000;
}

/** The gateway's own share of the time until now, measured once for a call. */
export function measureOverhead(call: Call): number {
  call.overhead_us ??= overheadUs(call, performance.now());
  return call.overhead_us;
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
  let stages = addStage("", "auth", call.arrived_ms, call.authenticated_ms);
  stages = addStage(stages, "body", call.authenticated_ms, call.body_ms);
  stages = addStage(stages, "scan", call.body_ms, call.scanned_ms);
  stages = addStage(stages, "route", call.scanned_ms || call.authenticated_ms, call.routed_ms);
  stages = addStage(stages, "privacy", call.routed_ms, call.redacted_ms);
  if (call.guards_ms > 0) {
    stages = addStage(stages, "guards", call.arrived_ms, call.arrived_ms + call.guards_ms);
  }
  const judged_ms = judgedMs(call);
  stages = addStage(stages, "cache", judged_ms, call.looked_ms);
  if (call.queued_ms > 0)
    stages = addStage(stages, "queue", call.arrived_ms, call.arrived_ms + call.queued_ms);
  stages = addStage(stages, "admit", (call.looked_ms || judged_ms) + call.queued_first_ms, call.asked_ms);
  stages = addStage(stages, "connect", call.asked_ms, call.connected_ms);
  return addStage(stages, "first-byte", call.connected_ms, call.first_byte_ms);
}

/** The fields of every response, some of which are told of few calls only. */
const FIELDS = {
  content_type: "content-type",
  request_id: "x-request-id",
  /** Anthropic's name for it, which its SDKs read. */
  own_request_id: "request-id",
  cache: "x-venturi-cache",
  attempts: "x-venturi-attempts",
  overhead: "x-venturi-overhead-us",
  cost: "x-venturi-cost-usd",
  redactions: "x-venturi-redactions",
  route: "x-venturi-route",
  guards: "x-venturi-guards",
  dropped: "x-venturi-dropped",
  cascade: "x-venturi-cascade",
  state: "x-venturi-state",
  timing: "server-timing",
  age: "age",
  similarity: "x-venturi-similarity",
  cache_key: "x-venturi-cache-key",
} as const;

type Field = keyof typeof FIELDS;

/**
 * The headers of one call after another that the same model answers, or none: what a field says already is not said again, since to
 * set one takes longer than to compare it, and to take one away that is not there takes as long.
 */
class WrittenHeaders {
  readonly headers = new Headers();
  readonly #said: Partial<Record<Field, string | null>> = {};

  constructor(server: Server | null) {
    if (server === null) return;
    this.headers.set("x-venturi-provider", headerText(server.provider));
    if (server.model !== "") this.headers.set("x-venturi-model", headerText(server.model));
  }

  /** @param value null: the field is not there */
  put(field: Field, value: string | null): void {
    const said = this.#said[field] ?? null;
    if (said === value) return;
    if (value === null) this.headers.delete(FIELDS[field]);
    else this.headers.set(FIELDS[field], value);
    this.#said[field] = value;
  }
}

/** Providers' models whose headers are kept; clients choose the names. */
const READY_MAX = 1_000;

/** Headers by who answered. */
class ReadyHeaders {
  readonly #of = new Map<string, Map<string, WrittenHeaders>>();
  readonly #without = new WrittenHeaders(null);

  get(server: Server | null): WrittenHeaders {
    if (server === null) return this.#without;
    let models = this.#of.get(server.provider);
    if (models === undefined) {
      models = new Map();
      this.#of.set(server.provider, models);
    }
    let headers = models.get(server.model);
    if (headers === undefined) {
      headers = new WrittenHeaders(server);
      if (models.size >= READY_MAX) models.clear();
      models.set(server.model, headers);
    }
    return headers;
  }
}

/** Of answers that were asked for, and of kept ones, which say more. */
const ready = new ReadyHeaders();
const ready_kept = new ReadyHeaders();

/** Who answered a call, or was tried last; null for nobody. */
export function serverOf({ kept_from, target }: Call): Server | null {
  if (kept_from !== null) return kept_from;
  return target === null ? null : serverOfTarget(target);
}

/** Who answers at a target. */
export function serverOfTarget({ provider, model }: TargetPlan): Server {
  return { provider: provider.name, model };
}

/**
 * The headers that every response to a call carries. The next call writes over the same object, since a Response copies
 * what it is given and making one anew costs more than the rest of a Response: what is to be added goes into a copy.
 */
export function callHeaders(call: Call, content_type: string | null): Headers {
  const overhead_us = measureOverhead(call);
  const { kept_from, cost_nano_usd } = call;
  const written = (kept_from === null ? ready : ready_kept).get(serverOf(call));
  written.put("content_type", content_type);
  written.put("request_id", call.id);
  written.put("own_request_id", call.format.header_style === "anthropic" ? call.id : null);
  written.put("cache", call.cache);
  written.put("attempts", String(call.attempts));
  written.put("overhead", String(Math.round(overhead_us)));
  written.put("cost", cost_nano_usd === null ? null : dollarsOf(cost_nano_usd));
  written.put("redactions", call.redactions === NOTHING ? null : redactionsText(call.redactions));
  written.put("route", call.routed?.choice?.route.name ?? null);
  written.put("guards", call.guards === NOTHING ? null : guardsText(call.guards));
  written.put("dropped", call.dropped.length === 0 ? null : headerText(call.dropped.join(", ")));
  written.put("cascade", call.cascade);
  written.put("state", call.plan.state === null ? null : call.state_loss);
  written.put("timing", serverTiming(call) || null);
  if (kept_from !== null) putKept(written, kept_from);
  return written.headers;
}

/** `EMAIL=2, PHONE=1`: what was found in a request; values are never told. */
function redactionsText(redactions: Call["redactions"]): string | null {
  const counts = Object.entries(redactions).map(([entity, count]) => `${entity}=${count}`);
  return counts.length === 0 ? null : counts.join(", ");
}

/** `hidden_text=redact, denied_words=flag`: what a client is to know; what is allowed is between the operator and the ledger. */
function guardsText(guards: Call["guards"]): string | null {
  const told = Object.entries(guards).filter(([, action]) => action !== "allow");
  return told.length === 0 ? null : told.map(([guard, action]) => `${guard}=${action}`).join(", ");
}

/** What is said of a kept answer alone. */
function putKept(written: WrittenHeaders, { age_s, similarity, cache_key }: KeptFrom): void {
  written.put("age", age_s === null ? null : String(age_s));
  written.put("similarity", similarity === null ? null : similarity.toFixed(4));
  written.put("cache_key", cache_key === null ? null : cache_key.hex);
}

/** When to try again, as headers say it; none where there is nothing to say. */
function retryHeaders(status: number, retry_after_ms: number | null): Readonly<Record<string, string>> {
  if (retry_after_ms !== null) {
    return {
      "retry-after": String(Math.max(1, Math.ceil(retry_after_ms / 1000))),
      "retry-after-ms": String(Math.ceil(retry_after_ms)),
    };
  }
  return status === 429 || status === 503 ? { "retry-after": "1" } : NO_MORE;
}

const NO_MORE: Readonly<Record<string, string>> = {};

/** The response that tells a client of an error, perhaps with more headers than every response has. */
export function errorResponse(call: Call, answer: FailedAnswer, more = NO_MORE): Response {
  const { status, error, body, retry_after_ms } = answer;
  const headers = withMore(callHeaders(call, "application/json"), {
    ...retryHeaders(status, retry_after_ms),
    ...more,
  });
  return new Response(body ?? call.format.errorBody(error, status, call.id), { status, headers });
}

/** A copy with more fields, or the very same where there are none. */
export function withMore(headers: Headers, more: Readonly<Record<string, string>>): Headers {
  const fields = Object.entries(more);
  if (fields.length === 0) return headers;
  const copy = new Headers(headers);
  for (const [name, value] of fields) copy.set(name, value);
  return copy;
}
