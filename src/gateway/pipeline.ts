// The way of a call, in the order in which things happen. Whoever has read this file has read the gateway.
// Each stage is a function of its own; a stage that refuses gives an error as a value, and the call ends with it.

import { authenticate } from "../access/client_keys.ts";
import type { StoredKeys } from "../access/stored_keys.ts";
import type { CacheEntry } from "../cache/entry.ts";
import type { Flight } from "../cache/flight.ts";
import type { CacheKey } from "../cache/key.ts";
import type { Recording } from "../cache/recording.ts";
import { replayEvents } from "../dialects/openai/replay.ts";
import { streamAnswer } from "../dialects/openai/unfold.ts";
import { NO_USAGE, type Usage } from "../dialects/usage.ts";
import { GatewayError } from "../errors.ts";
import { dollarsOf } from "../ledger/dollars.ts";
import { OPEN } from "../privacy/discretion.ts";
import type { UpstreamHead } from "../upstream/exchange.ts";
import { Account, type CallEnd, recordRefused } from "./account.ts";
import { callHeaders, errorResponse, measureOverhead, serverOf, withMore } from "./answer.ts";
import {
  answerBlocked,
  answerUnfit,
  type Given,
  passed,
  treatAnswer,
  treatEvents,
  treatStream,
} from "./answer_guarding.ts";
import { type AttemptTools, attempt } from "./attempt.ts";
import type { Books } from "./books.ts";
import type { Caches } from "./caches.ts";
import type { Call, StopReason } from "./call.ts";
import type { PreparedCount } from "./counting.ts";
import type { Endpoint, ResponseEndpoint } from "./endpoints.ts";
import { type FailedAnswer, interruption, ownAnswer } from "./failure.ts";
import { EventFlow, type Flow } from "./flow.ts";
import { frameOf, streamType } from "./framing.ts";
import type { Guards } from "./guards.ts";
import { guardsInForce } from "./guards_in_force.ts";
import type { KeptResponses } from "./kept_responses.ts";
import type { Lazy } from "./lazy.ts";
import type { LedAnswer } from "./lead.ts";
import { type Clocks, type Prepared, prepare } from "./prepare.ts";
import type { Privacy } from "./privacy.ts";
import { privacyMode } from "./privacy_mode.ts";
import { asCollected, repaired, type WholeAnswer } from "./repair.ts";
import { StreamFollower } from "./stream_follower.ts";
import { type MeteredAccount, StreamMeter } from "./stream_meter.ts";

/** What the pipeline needs of the process it runs in. */
export interface PipelineTools extends AttemptTools {
  readonly clocks: Clocks;
  readonly books: Books;
  /** Keys besides those of the Plan. */
  readonly stored_keys: StoredKeys | null;
  readonly privacy: Lazy<Privacy>;
  readonly guards: Lazy<Guards>;
  /** Null: no answers are kept. */
  readonly caches: Lazy<Caches> | null;
  /** What conversations go on from; null: nothing is kept. */
  readonly responses: Lazy<KeptResponses> | null;
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
  // What is kept of a call tells nothing of a person, where anybody asks for that.
  if (call.plan.privacy.is_asked || call.client!.privacy !== null) {
    call.discreet = (await tools.privacy.get()).discretionOf(call.plan);
  }

  // What is asked of an answer that the gateway keeps, it answers itself.
  if (endpoint.kind === "response") {
    const own = await answerOfKept(call, endpoint, tools);
    if (own !== null) return own;
  }

  // Read as much of the request as it takes to route it, and find the model.
  const routed = await prepare(call, endpoint, tools.clocks);
  if (routed instanceof GatewayError) return refuse(call, ownAnswer(routed), tools);

  // Put what was said before in the place of the id that stands for it.
  const has_turns = endpoint.path === "/responses" || endpoint.path === "/responses/input_tokens";
  const given = has_turns ? await withEarlierTurns(call, routed, tools) : routed;
  if (given instanceof GatewayError) return refuse(call, ownAnswer(given), tools);
  call.routed_ms = performance.now();

  // Let the model's guards look at the request, and take personal data out before anything else sees it.
  const guards = guardsInForce(call, given.model);
  const judged = guards === null ? given : (await tools.guards.get()).judge(call, given, guards);
  if (judged instanceof GatewayError) return refuse(call, ownAnswer(judged), tools);
  const mode = privacyMode(call, judged);
  const privacy = tools.privacy.value ?? (mode === null ? null : await tools.privacy.get());
  const cleaned = mode === null || privacy === null ? judged : await privacy.clean(call, judged, mode);
  if (cleaned instanceof GatewayError) return refuse(call, ownAnswer(cleaned), tools);
  call.account = new Account(call, cleaned, tools.books);

  // From here on the clock ticks: one deadline over all that is to come.
  const deadline_ms = deadlineOf(call, cleaned);
  if (deadline_ms instanceof GatewayError) return refuse(call, ownAnswer(deadline_ms), tools);
  if (deadline_ms > 0) call.setDeadline(call.arrived_ms + deadline_ms);

  // See what the answer is to be like, and what the request is about.
  if (guards !== null) {
    const judges = await tools.guards.get();
    const asked = judges.askedFormat(call, cleaned, guards);
    if (asked instanceof GatewayError) return refuse(call, ownAnswer(asked), tools);
    call.asked_format = asked;
    const refusal = await judges.topicRefusal(call, cleaned, guards);
    if (refusal !== null) return refuse(call, ownAnswer(refusal), tools);
  }

  // Ask those guards that are elsewhere: what was taken out is not for them either.
  const prepared =
    guards === null ? cleaned : await (await tools.guards.get()).ask(call, cleaned, guards, tools);
  if (call.stopped !== null) return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  if (prepared instanceof GatewayError) return refuse(call, ownAnswer(prepared), tools);
  if (prepared !== cleaned) call.account = new Account(call, prepared, tools.books);
  if (guards !== null) (await tools.guards.get()).guardAnswer(call, prepared, guards, tools);

  // Look whether the answer is there, or on its way to somebody who asked the same.
  const { cache } = prepared.model;
  if (cache !== null && tools.caches !== null && call.may_be_kept && prepared.counting === null) {
    const caches = tools.caches.value ?? (await tools.caches.get());
    const found = await caches.lookUp(call, prepared, cache);
    call.looked_ms = performance.now();
    switch (found.kind) {
      case "give":
        if (found.stale !== null) void refresh(call, prepared, found.stale, tools);
        return giveKept(call, found.entry, found.bytes, prepared, deadline_ms, tools);
      case "follow":
        return followFlow(call, found.recording, found.flight, prepared, tools);
      case "refused":
        return refuse(call, found.answer, tools);
      case "stopped":
        return refuse(call, cutShort(call.stopped, deadline_ms), tools);
    }
  }
  return ask(call, call.account!, prepared, deadline_ms, tools);
}

/** The answer to what is asked of a kept one; null where none of that id is kept for this caller. */
async function answerOfKept(
  call: Call,
  { wish }: ResponseEndpoint,
  tools: PipelineTools,
): Promise<Response | null> {
  if (wish === null || tools.responses === null) return null;
  const { answerWish } = await import("./response_routes.ts");
  const own = await answerWish(call, wish, await tools.responses.get());
  if (own === null) return null;
  if (own instanceof GatewayError) return refuse(call, ownAnswer(own), tools);
  settle(call, tools, { ...NOTHING_CAME, status: 200, code: null });
  return new Response(JSON.stringify(own), { headers: callHeaders(call, "application/json") });
}

async function withEarlierTurns(
  call: Call,
  prepared: Prepared,
  tools: PipelineTools,
): Promise<Prepared | GatewayError> {
  const { takeUp } = await import("./response_turn.ts");
  return takeUp(call, prepared, (await tools.responses?.get()) ?? null);
}

/** Asks upstream, for this call and for whoever asks the same. */
async function ask(
  call: Call,
  account: Account,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Promise<Response> {
  // Take what the call may use from every limit that it is under, or from none.
  const refusal = account.reserve();
  if (refusal !== null) return refuse(call, ownAnswer(refusal), tools);

  // Count here where no provider counts.
  const { counting } = prepared;
  if (counting !== null && !counting.can_be_asked) return countHere(call, counting, tools);

  // Ask: target by target, key by key, until one begins to answer; a second time where that is wanted of an answer without the form
  // that was asked for.
  const asked = asCollected(call, prepared);
  if (asked instanceof GatewayError) return refuse(call, ownAnswer(asked), tools);
  const came = await attempt(call, prepared.model, asked, tools);
  const answer = came.kind === "whole" ? await repaired(call, account, asked, came, tools) : came;

  // Relay what came, and settle when it is over.
  switch (answer.kind) {
    case "whole":
      return relayWhole(call, answer, prepared, deadline_ms, tools);
    case "flow":
      return relayFlow(call, answer.head, answer.flow, prepared, deadline_ms, tools);
    case "error":
      if (counting !== null && NO_SUCH_ENDPOINT.has(answer.answer.status))
        return countHere(call, counting, tools);
      call.lead?.failed(answer.answer);
      return refuse(call, answer.answer, tools);
    case "stopped":
      return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  }
}

/** What providers say who do not count. */
const NO_SUCH_ENDPOINT: ReadonlySet<number> = new Set([404, 405, 501]);

/** The gateway's own count, marked as what it is. */
async function countHere(call: Call, counting: PreparedCount, tools: PipelineTools): Promise<Response> {
  const counted = await counting.here(tools.books.counter);
  if (call.stopped !== null) return refuse(call, cutShort(call.stopped, counting.model.deadline_ms), tools);
  if (counted instanceof GatewayError) return refuse(call, ownAnswer(counted), tools);
  settle(call, tools, { ...NOTHING_CAME, status: 200, code: null });
  const headers = withMore(callHeaders(call, "application/json"), {
    "x-venturi-estimated": "true",
    ...call.account?.headers(),
  });
  return new Response(counted, { headers });
}

/** Asks for a stale answer anew, for nobody but those who come later, unless somebody does so already. */
async function refresh(call: Call, prepared: Prepared, key: CacheKey, tools: PipelineTools): Promise<void> {
  const caches = await tools.caches!.get();
  if (!(await caches.takeRefresh(key))) return;
  const twin = call.twin();
  try {
    tools.onCallBegin(twin);
    const own = prepared.again(twin);
    twin.asked_format = call.asked_format;
    const account = new Account(twin, own, tools.books);
    twin.account = account;
    const { deadline_ms } = own.model;
    if (deadline_ms > 0) twin.setDeadline(twin.arrived_ms + deadline_ms);
    if (caches.leadRefresh(twin, own)) {
      const response = await ask(twin, account, own, deadline_ms, tools);
      for await (const _ of response.body ?? []);
    } else settle(twin, tools, { ...NOTHING_CAME, status: 200, code: null });
  } catch {
    failCall(twin, tools);
  } finally {
    caches.endRefresh(key);
  }
}

/** Ends a call that a fault of the gateway broke, trusting as little of it as possible. */
export function failCall(call: Call, tools: PipelineTools): Response {
  const { listener } = call;
  call.listener = null;
  listener?.onStop("gone");
  call.lead?.leave();
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

/** What a client gets, or the error in its place. */
function orFailure(call: Call, given: Given, deadline_ms: number): Uint8Array | FailedAnswer {
  if (given instanceof Uint8Array) return given;
  return given === "stopped" ? cutShort(call.stopped, deadline_ms) : ownAnswer(given);
}

/** A whole answer as its client sees it. */
function shownOf({ turn }: Call, given: Uint8Array): Uint8Array {
  return turn === null ? given : turn.answered(given);
}

/** How the ledger has it that a client gets an answer, an error in its place, or is gone. */
function endOf(call: Call, status: number, failed: FailedAnswer | null): Pick<CallEnd, "status" | "code"> {
  if (failed === null) return { status, code: null };
  if (call.stopped === "gone") return { status: GONE, code: "client_closed" };
  return { status: failed.status, code: failed.error.code };
}

/** A whole answer; as a stream where it was collected. */
function relayWhole(
  call: Call,
  { head, treated, told_usage, is_charged }: WholeAnswer,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Response {
  const { format } = call;
  const { body } = treated;
  const is_translated = told_usage !== undefined;
  const told = is_translated ? told_usage : format.usageOf(body);
  const usage = is_charged ? NO_USAGE : told;
  const finish_reason = format.finishReasonOf(body);
  const { is_stream, asks_usage } = prepared;
  let last = passed(call, treated);
  if (is_stream && last instanceof Uint8Array)
    last = streamAnswer(last, { include_usage: asks_usage }) ?? answerUnfit();
  const given = orFailure(call, last, deadline_ms);
  const failed = given instanceof Uint8Array ? null : given;
  settle(call, tools, {
    ...endOf(call, head.status, failed),
    usage,
    finish_reason,
    counted_tokens: usage === null ? format.estimateAnswer(body) : null,
    answer: usage === null ? [body] : null,
  });
  const is_fit = treated.misfit === null;
  call.lead?.answered(body, ledAnswer(call, prepared, "whole", told, finish_reason, is_fit));
  const limits = call.account?.headers() ?? null;
  if (!(given instanceof Uint8Array)) return errorResponse(call, given, limits ?? {});
  if (is_stream) return streamCollected(call, given, asks_usage);
  const content_type = is_translated ? null : head.headers.get("content-type");
  const headers = callHeaders(call, content_type ?? "application/json");
  return new Response(shownOf(call, given), {
    status: head.status,
    headers: limits === null ? headers : withMore(headers, limits),
  });
}

/** An answer that was collected, as the stream that its client asked for. */
function streamCollected(call: Call, events: Uint8Array, asks_usage: boolean): Response {
  const { cost_nano_usd } = call;
  const cost = cost_nano_usd === null ? {} : { cost_usd: dollarsOf(cost_nano_usd) };
  const headers = withMore(callHeaders(call, "text/event-stream; charset=utf-8"), {
    ...STREAM_HEADERS,
    ...call.account?.headers(),
  });
  return new Response(replayEvents(events, { include_usage: asks_usage, ...cost }), { status: 200, headers });
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
  const enforces = call.answer_guard?.enforces || call.asked_format?.plan.action === "block";
  if ((enforces || prepared.is_stream) && prepared.watch === null) {
    // What is too long to be collected cannot be judged, and cannot be given as a stream.
    flow.drop();
    call.listener?.onStop("gone");
    return refuse(call, ownAnswer(answerBlocked()), tools);
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
  const { lead } = call;
  const { recording } = flow;
  if (recording === null) lead?.scatter();
  else lead?.flows(recording);
  call.listener = {
    onStop: (reason) => {
      const error = reason === "gone" ? null : cutShort(reason, limit_ms).error;
      if (lead?.is_wanted && reason !== "draining") {
        flow.part(error);
        lead.goOnWithout(() => {
          upstream?.onStop(reason);
          flow.drop();
        });
        return;
      }
      upstream?.onStop(reason);
      if (error === null) flow.drop();
      else flow.breakOff(error);
    },
  };
  const limits = call.account?.headers();
  const headers =
    watch === null
      ? withMore(callHeaders(call, null), { ...passedHeaders(head), ...limits })
      : withMore(callHeaders(call, streamType(call.format)), { ...STREAM_HEADERS, ...limits });
  flow.whenEnded((error) => {
    const is_gone = call.stopped === "gone";
    const told =
      prepared.translation === null
        ? (watch?.usage() ?? flow.tap?.usage() ?? null)
        : prepared.translation.usage;
    const finish_reason = flow.stopped_by_budget ? "length" : (watch?.finishReason() ?? null);
    const is_partial =
      told !== null && (flow.stopped_by_budget || (watch !== null && !watch.finished && !watch.done));
    // What was told before the answer broke off has little of it, or nothing.
    const usage = is_partial ? withAtLeast(told, flow.counted_tokens ?? 0) : told;
    settle(call, tools, {
      ...{ usage, finish_reason, is_partial },
      status: is_gone ? GONE : head.status,
      code: is_gone ? "client_closed" : (error?.code ?? error?.type ?? null),
      model: flow.tap?.model ?? null,
      counted_tokens: flow.counted_tokens,
      answer: flow.kept_chunks,
    });
    if (lead === null || recording === null) return;
    const is_whole = watch?.complete === true && !flow.stopped_by_budget;
    const broken = error ?? (is_whole ? null : interruption(recording.server.provider, "it was given up"));
    const is_fit = flow.format?.has_misfit !== true;
    lead.flowed(recording, ledAnswer(call, prepared, "events", usage, finish_reason, is_fit), broken);
  });
  call.stream = flow.stream;
  return new Response(flow.stream.body, { status: head.status, headers });
}

function withAtLeast(usage: Usage, output_tokens: number): Usage {
  return { ...usage, output_tokens: Math.max(usage.output_tokens, output_tokens) };
}

/** What a leader says of the answer that it got. */
function ledAnswer(
  call: Call,
  prepared: Prepared,
  kind: LedAnswer["kind"],
  usage: Usage | null,
  finish_reason: string | null,
  is_fit: boolean,
): LedAnswer {
  const { cost_nano_usd } = call;
  return {
    kind,
    usage,
    finish_reason,
    cost_nano_usd,
    server: serverOf(call)!,
    is_own: call.model === prepared.model,
    is_fit,
  };
}

/** A kept answer. */
async function giveKept(
  call: Call,
  entry: CacheEntry,
  bytes: Uint8Array,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Promise<Response> {
  const { finish_reason, cost_nano_usd, took_ms } = entry;
  const treated = prepared.is_stream
    ? await treatEvents(call, bytes)
    : passed(call, await treatAnswer(call, bytes));
  const given = orFailure(call, treated, deadline_ms);
  const failed = given instanceof Uint8Array ? null : given;
  settle(call, tools, {
    ...{ ...NOTHING_CAME, ...endOf(call, 200, failed), finish_reason },
    saved: { nano_usd: cost_nano_usd ?? 0, duration_ms: took_ms },
  });
  if (!(given instanceof Uint8Array)) return errorResponse(call, given, call.account?.headers() ?? {});
  const content_type = prepared.is_stream ? streamType(call.format) : "application/json";
  const headers = withMore(callHeaders(call, content_type), {
    ...(prepared.is_stream ? STREAM_HEADERS : {}),
    ...call.account?.headers(),
  });
  const frame = prepared.is_stream ? frameOf(call) : null;
  const framed = frame === null ? shownOf(call, given) : Buffer.concat([frame.feed(given), frame.close()]);
  return new Response(framed, { status: 200, headers });
}

/** The stream that an equal call gets, from its beginning. */
function followFlow(
  call: Call,
  recording: Recording,
  flight: Flight<FailedAnswer>,
  prepared: Prepared,
  tools: PipelineTools,
): Response {
  const { stream_deadline_ms } = prepared.model;
  call.setDeadline(stream_deadline_ms > 0 ? call.arrived_ms + stream_deadline_ms : Infinity);
  call.kept_from = { ...recording.server, age_s: null, similarity: null, cache_key: null };
  const watch = call.format.watch(!prepared.asks_usage, prepared.choices);
  const flow = new EventFlow(watch, null, tools.clocks.quiet, new StreamMeter(FREE, false, () => {}));
  treatStream(call, flow);
  const follower = new StreamFollower(recording, flow);
  call.listener = {
    onStop: (reason) => {
      if (reason === "gone") flow.drop();
      else flow.breakOff(cutShort(reason, stream_deadline_ms).error);
    },
  };
  flow.whenEnded((error) => {
    follower.leave();
    flight.lookWhetherWanted();
    const is_gone = call.stopped === "gone";
    settle(call, tools, {
      ...NOTHING_CAME,
      status: is_gone ? GONE : 200,
      code: is_gone ? "client_closed" : (error?.code ?? error?.type ?? null),
      finish_reason: watch.finishReason(),
      saved: { nano_usd: recording.ended?.cost_nano_usd ?? 0, duration_ms: 0 },
    });
  });
  const headers = withMore(callHeaders(call, streamType(call.format)), {
    ...STREAM_HEADERS,
    ...call.account?.headers(),
  });
  flow.stream.frame = frameOf(call);
  flow.begin(follower);
  follower.onMore();
  call.stream = flow.stream;
  return new Response(flow.stream.body, { status: 200, headers });
}

/** The account of an answer that somebody else has asked for. */
const FREE: MeteredAccount = {
  progressed: () => true,
  costText: () => "0",
  countedUsage: () => NO_USAGE,
};

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

/** Ends a call with an error. */
export function refuse(call: Call, answer: FailedAnswer, tools: PipelineTools): Response {
  call.lead?.leave();
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

/** Of a call that got no answer. */
export const NOTHING_CAME = { usage: null, finish_reason: null, counted_tokens: null } as const;

/** The end of every call: counted once, and its row written. */
export function settle(call: Call, tools: PipelineTools, told: CallEnd): void {
  const end = discreetEnd(call, told);
  const { status, code, usage, saved } = end;
  measureOverhead(call);
  if (call.account !== null) call.cost_nano_usd = call.account.close(end);
  else recordRefused(call, end, tools.books);
  const server = serverOf(call);
  const series = tools.metrics.of(server?.provider ?? "none", server?.model || "none");
  series.countCall(status, code);
  if (call.overhead_us !== null && call.attempts > 0) series.countOverhead(call.overhead_us);
  if (usage !== null) series.countTokens(usage);
  call.usage = usage;
  if (call.cache !== "bypass") series.countCache(call.cache, saved ?? null);
  call.close();
  tools.onCallEnd(call);
}

/** What a provider says of itself and its answer may repeat what it was asked. */
function discreetEnd({ discreet }: Call, end: CallEnd): CallEnd {
  if (discreet === OPEN) return end;
  const { code, finish_reason, model } = end;
  return {
    ...end,
    code: code === null ? null : discreet(code),
    finish_reason: finish_reason === null ? null : discreet(finish_reason),
    ...(model === undefined || model === null ? {} : { model: discreet(model) }),
  };
}
