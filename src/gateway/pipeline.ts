// The way of a call, in the order in which things happen. Whoever has read this file has read the gateway.
// Each stage is a function of its own; a stage that refuses gives an error as a value, and the call ends with it.

import { authenticate } from "../access/client_keys.ts";
import type { StoredKeys } from "../access/stored_keys.ts";
import { estimateAnswer, finishReasonOf, usageOfAnswer } from "../dialects/openai/response.ts";
import { GatewayError } from "../errors.ts";
import type { UpstreamHead } from "../upstream/exchange.ts";
import { Account, type CallEnd, recordRefused } from "./account.ts";
import { callHeaders, errorResponse, measureOverhead, withMore } from "./answer.ts";
import { type AttemptTools, attempt } from "./attempt.ts";
import type { Books } from "./books.ts";
import type { Call, StopReason } from "./call.ts";
import type { Endpoint } from "./endpoints.ts";
import { type FailedAnswer, ownAnswer } from "./failure.ts";
import type { Flow } from "./flow.ts";
import { type Clocks, type Prepared, prepare } from "./prepare.ts";

/** What the pipeline needs of the process it runs in. */
export interface PipelineTools extends AttemptTools {
  readonly clocks: Clocks;
  readonly books: Books;
  /** Keys besides those of the Plan. */
  readonly stored_keys: StoredKeys | null;
  /** The caller is known: the call counts as in flight, and its client is watched from now on. */
  onCallBegin(call: Call): void;
  /** The call has ended, in whatever way. */
  onCallEnd(call: Call): void;
}

/** What a client gets that went away: nobody reads it, but the server wants a response. */
const GONE = 499;

/** Answers one call; who may not call at all is told at once. */
export function answerCall(
  call: Call,
  endpoint: Endpoint,
  tools: PipelineTools,
): Response | Promise<Response> {
  const client = authenticate(call.plan, tools.stored_keys, call.request.headers);
  if (client instanceof GatewayError) return refuse(call, ownAnswer(client), tools);
  call.client = client;
  tools.onCallBegin(call);
  call.authenticated_ms = performance.now();
  return answerKnownCaller(call, endpoint, tools);
}

async function answerKnownCaller(call: Call, endpoint: Endpoint, tools: PipelineTools): Promise<Response> {
  // Read as much of the request as it takes to route it, and find the model.
  const prepared = await prepare(call, endpoint, tools.clocks);
  if (prepared instanceof GatewayError) return refuse(call, ownAnswer(prepared), tools);
  call.routed_ms = performance.now();

  // Take what the call may use from every limit that it is under, or from none.
  const account = new Account(call, prepared, tools.books);
  call.account = account;
  const refusal = account.reserve();
  if (refusal !== null) return refuse(call, ownAnswer(refusal), tools);

  // From here on the clock ticks: one deadline over all attempts.
  const deadline_ms = deadlineOf(call, prepared);
  if (deadline_ms instanceof GatewayError) return refuse(call, ownAnswer(deadline_ms), tools);
  if (deadline_ms > 0) call.setDeadline(call.arrived_ms + deadline_ms);

  // Ask: target by target, key by key, until one begins to answer.
  const answer = await attempt(call, prepared.model, prepared, tools);

  // Relay what came, and settle when it is over.
  switch (answer.kind) {
    case "whole":
      return relayWhole(call, answer.head, answer.body, tools);
    case "flow":
      return relayFlow(call, answer.head, answer.flow, prepared, deadline_ms, tools);
    case "error":
      return refuse(call, answer.answer, tools);
    case "stopped":
      return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  }
}

/** Ends a call that a fault of the gateway broke, trusting as little of it as possible. */
export function failCall(call: Call, tools: PipelineTools): Response {
  const { listener } = call;
  call.listener = null;
  listener?.onStop("gone");
  const error = new GatewayError("internal_error", "The gateway failed at this call by a fault of its own.");
  settle(call, tools, { ...NOTHING_CAME, status: error.status, code: error.code });
  return errorResponse(call, ownAnswer(error));
}

/** The shorter of the model's deadline and the client's wish, in milliseconds; 0 is none. */
function deadlineOf(call: Call, prepared: Prepared): number | GatewayError {
  const { deadline_ms } = prepared.model;
  const given = call.request.headers.get("x-venturi-deadline-ms");
  if (given === null) return deadline_ms;
  const wish_ms = Number(given);
  if (!(wish_ms > 0) || !Number.isFinite(wish_ms)) {
    return new GatewayError(
      "invalid_value",
      "'x-venturi-deadline-ms' must be a number of milliseconds above 0.",
      {
        param: "x-venturi-deadline-ms",
      },
    );
  }
  return deadline_ms > 0 ? Math.min(wish_ms, deadline_ms) : wish_ms;
}

/** What a call is told that the gateway ends before its answer is complete. */
function cutShort(reason: StopReason | null, deadline_ms: number): FailedAnswer {
  return reason === "draining" ? ownAnswer(draining()) : deadlineExceeded(deadline_ms);
}

/** The refusal of a gateway that is about to be gone. */
export function draining(): GatewayError {
  return new GatewayError("unavailable", "This gateway is stopping. Try again: another will answer.", {
    retry_after_ms: 1_000,
  });
}

function deadlineExceeded(deadline_ms: number): FailedAnswer {
  return ownAnswer(
    new GatewayError(
      "deadline_exceeded",
      `The deadline of ${deadline_ms} ms was over before the answer was there.`,
    ),
  );
}

/** A whole answer: its bytes as they came. */
function relayWhole(call: Call, head: UpstreamHead, body: Uint8Array, tools: PipelineTools): Response {
  const usage = usageOfAnswer(body);
  settle(call, tools, {
    status: head.status,
    code: null,
    usage,
    finish_reason: finishReasonOf(body),
    counted_tokens: usage === null ? estimateAnswer(body) : null,
    answer: usage === null ? [body] : null,
  });
  const headers = callHeaders(call, head.headers.get("content-type") ?? "application/json");
  const limits = call.account?.headers() ?? null;
  return new Response(body, {
    status: head.status,
    headers: limits === null ? headers : withMore(headers, limits),
  });
}

/** An answer under way: what happens to it after this point cannot be tried again, only told. */
function relayFlow(
  call: Call,
  head: UpstreamHead,
  flow: Flow,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Response {
  if (call.stopped !== null) {
    flow.drop();
    return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  }
  const { watch } = prepared;
  const { stream_deadline_ms } = prepared.model;
  const stream_end_ms = stream_deadline_ms > 0 ? call.arrived_ms + stream_deadline_ms : Infinity;
  // The call's deadline holds until a stream's first content, and to the very end of what is no stream.
  let limit_ms = deadline_ms;
  if (watch !== null && stream_end_ms < call.at_ms) {
    limit_ms = stream_deadline_ms;
    call.setDeadline(stream_end_ms);
  }
  flow.whenContent(() => {
    limit_ms = stream_deadline_ms;
    call.setDeadline(stream_end_ms);
  });
  const upstream = call.listener;
  call.listener = {
    onStop: (reason) => {
      upstream?.onStop(reason);
      if (reason === "gone") flow.drop();
      else flow.breakOff(cutShort(reason, limit_ms).error);
    },
  };
  const limits = call.account?.headers();
  const headers =
    watch === null
      ? withMore(callHeaders(call, null), { ...passedHeaders(head), ...limits })
      : withMore(callHeaders(call, "text/event-stream; charset=utf-8"), { ...STREAM_HEADERS, ...limits });
  flow.whenEnded((error) => {
    const is_gone = call.stopped === "gone";
    settle(call, tools, {
      status: is_gone ? GONE : head.status,
      code: is_gone ? "client_closed" : (error?.code ?? error?.type ?? null),
      usage: watch?.usage() ?? flow.tap?.usage() ?? null,
      model: flow.tap?.model ?? null,
      finish_reason: flow.stopped_by_budget ? "length" : (watch?.finishReason() ?? null),
      counted_tokens: flow.counted_tokens,
      answer: flow.kept_chunks,
    });
  });
  return new Response(flow.stream.body, { status: head.status, headers });
}

/** Fields of a provider's response that end at the gateway, and those that are its affair with the provider. */
const STOPPED_HEADERS = new Set([
  ...[
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "trailer",
    "upgrade",
    "date",
    "server",
  ],
  ...["set-cookie", "alt-svc", "strict-transport-security", "openai-organization", "openai-project"],
  ...["x-request-id", "www-authenticate", "via", "nel", "report-to", "cf-ray", "cf-cache-status"],
  "vary",
]);
const STOPPED_PREFIXES = ["x-ratelimit-", "anthropic-ratelimit-", "access-control-", "x-venturi-", "proxy-"];

const STREAM_HEADERS = { "cache-control": "no-cache", "x-accel-buffering": "no" };

/** What else a provider said goes on to the client. */
function passedHeaders(head: UpstreamHead): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of head.headers.fields) {
    if (STOPPED_HEADERS.has(name) || STOPPED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    headers[name] = value;
  }
  return headers;
}

function refuse(call: Call, answer: FailedAnswer, tools: PipelineTools): Response {
  if (call.stopped === "gone") return gone(call, tools);
  let more = call.account?.headers() ?? {};
  // What is still to come of this request must not be waited for.
  if (answer.error.code === "body_incomplete") more = { ...more, connection: "close" };
  const response = errorResponse(call, answer, more);
  settle(call, tools, {
    ...NOTHING_CAME,
    status: answer.status,
    code: answer.error.code ?? answer.error.type,
  });
  return response;
}

function gone(call: Call, tools: PipelineTools): Response {
  settle(call, tools, { ...NOTHING_CAME, status: GONE, code: "client_closed" });
  return new Response(null, { status: GONE });
}

const NOTHING_CAME = { usage: null, finish_reason: null, counted_tokens: null } as const;

/** The end of every call: counted once, and its row written. */
function settle(call: Call, tools: PipelineTools, end: CallEnd): void {
  const { status, code, usage } = end;
  measureOverhead(call);
  if (call.account !== null) call.cost_nano_usd = call.account.close(end);
  else recordRefused(call, end, tools.books);
  const series = tools.metrics.of(call.target?.provider.name ?? "none", call.target?.model || "none");
  series.countCall(status, code);
  if (call.overhead_us !== null && call.attempts > 0) series.countOverhead(call.overhead_us);
  if (usage !== null) series.countTokens(usage);
  call.close();
  tools.onCallEnd(call);
}
