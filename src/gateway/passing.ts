// Requests that are passed on as they come, and which of their header fields go with them.

import type { HeaderFields, ModelPlan, ProviderPlan, TargetPlan } from "../config/plan.ts";
import { isSampled, traceIdOf, trySpanId, writeTraceparent } from "../ledger/trace.ts";
import type { Outgoing, Sending } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { Clocks, Prepared } from "./prepare.ts";
import type { Patience } from "./upload.ts";
import { UsageTap } from "./usage_tap.ts";
import { WholeReceiver } from "./whole_receiver.ts";

/** What is sent of a request that is passed on. */
interface PassedOn extends Pick<Outgoing, "replayable" | "pass">, Omit<Sending, "body" | "receiver"> {
  body(target: TargetPlan): Sending["body"];
}

/** A request whose answer is passed on as it comes. */
export function passedOn(call: Call, clocks: Clocks, model: ModelPlan, rest: PassedOn): Prepared {
  const { method } = call.request;
  // Only what makes something uses anything: other methods tell of what was used before.
  const receiver = ({ provider }: TargetPlan) =>
    new WholeReceiver(
      call,
      provider.name,
      0,
      clocks.quiet,
      method === "POST" ? new UsageTap(provider.kind) : null,
    );
  const again = (other: Call) => passedOn(other, clocks, model, rest);
  const { path, is_compatible, replayable, pass } = rest;
  const write = (target: TargetPlan): Sending => ({
    ...{ path, is_compatible, body: rest.body(target), receiver: () => receiver(target) },
    extra_headers: [...traceHeaders(call), ...rest.extra_headers],
  });
  const prepared: Prepared = {
    ...NO_TOKENS,
    ...{ replayable, pass, write, model, method, is_stream: false, again },
    // Its body is nobody's to change.
    withBody: () => prepared,
    asPlain: () => prepared,
    within: (other) => other,
  };
  return prepared;
}

/** What is passed on unread counts as a request, and by what its answer says of its usage. */
const NO_TOKENS = {
  user: null,
  has_tokens: false,
  max_output_tokens: 0,
  choices: 1,
  read_body: null,
  endpoint: null,
  counting: null,
  asks_usage: false,
  estimateInput: () => 0,
  affinity: () => null,
} as const;

/** How long an upload may pause. */
export function uploadPatience(call: Call, clocks: Clocks): Patience {
  return { alarms: clocks.deadlines, idle_ms: call.plan.listen.body_idle_ms };
}

/**
 * W3C Trace Context for the provider: the client's trace, or the call's own where traces are told of, with a span of the try that
 * is about to be sent. What a vendor's state may hold goes on only without personal data.
 */
export function traceHeaders(call: Call): HeaderFields {
  const { trace, ledger_id } = call;
  const { sample, propagates } = call.plan.telemetry;
  if (trace === null && !propagates) return NO_HEADERS;
  const span_id = trySpanId(ledger_id, call.attempts + 1);
  const trace_id = traceIdOf(ledger_id, trace);
  const is_sampled = trace?.is_sampled ?? isSampled(trace_id, sample);
  const fields: [string, string][] = [["traceparent", writeTraceparent(trace_id, span_id, is_sampled)]];
  const tracestate = trace === null ? null : call.request.headers.get("tracestate");
  if (tracestate !== null && call.discreet(tracestate) === tracestate)
    fields.push(["tracestate", tracestate]);
  return fields;
}

const NO_HEADERS: HeaderFields = [];

/** What ends at the gateway: the connection's fields (RFC 9110, 7.6.1), credentials, and what speaks to the gateway alone. */
const STOPPED_HEADERS = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["host", "content-length", "expect", "proxy-authorization", "proxy-authenticate", "accept-encoding"],
  ...["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "user-agent"],
  ...["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"],
  // It has one of its own from here on.
  ...["traceparent", "tracestate"],
  ...[
    "if-none-match",
    "if-modified-since",
    "forwarded",
    "via",
    "x-real-ip",
    "x-request-id",
    "idempotency-key",
    "origin",
    "referer",
  ],
]);

/** What speaks to this gateway, to others that clients may think it is, to proxies before it and to browsers. */
const STOPPED_PREFIXES = [
  ...["x-venturi-", "x-litellm-", "x-portkey-", "helicone-", "x-stainless-", "x-forwarded-", "sec-", "cf-"],
];

/** What else a client said goes on, but for what the provider's own fields say: nobody may stand beside its authorization. */
export function endToEndHeaders(headers: Headers, provider: ProviderPlan): HeaderFields {
  const own = new Set(provider.keys.flatMap((key) => key.pass_headers.map(([name]) => name)));
  const named = new Set(
    (headers.get("connection") ?? "")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  const fields: [string, string][] = [];
  headers.forEach((value, name) => {
    const is_stopped =
      STOPPED_HEADERS.has(name) ||
      named.has(name) ||
      own.has(name) ||
      STOPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (!is_stopped) fields.push([name, value]);
  });
  return fields;
}
