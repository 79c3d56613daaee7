// An answer on its way to the client: whole, under way, kept, or somebody else's that is being asked for.

import type { CacheEntry } from "../cache/entry.ts";
import type { Flight } from "../cache/flight.ts";
import type { Recording } from "../cache/recording.ts";
import { isChunked } from "../dialects/client_format.ts";
import type { WireError } from "../dialects/openai/error.ts";
import { replayEvents } from "../dialects/openai/replay.ts";
import { saysRefusal } from "../dialects/refusal.ts";
import { NO_USAGE } from "../dialects/usage.ts";
import { dollarsOf } from "../ledger/dollars.ts";
import { callHeaders, errorResponse, withMore } from "./answer.ts";
import { answerUnfit, type Given, passed, treatAnswer, treatEvents, treatStream } from "./answer_guarding.ts";
import type { Call } from "./call.ts";
import { type FailedAnswer, ownAnswer } from "./failure.ts";
import { EventFlow } from "./flow.ts";
import { frameOf, STREAM_HEADERS, streamType } from "./framing.ts";
import { ledAnswer } from "./led_answer.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import type { Prepared } from "./prepare.ts";
import type { WholeAnswer } from "./repair.ts";
import { cutShort, endOf, GONE, NOTHING_CAME, settle } from "./settle.ts";
import { StreamFollower } from "./stream_follower.ts";
import type { StreamForm } from "./stream_form.ts";
import { type MeteredAccount, StreamMeter } from "./stream_meter.ts";

/** What a client gets, or the error in its place. */
function orFailure(call: Call, given: Given, deadline_ms: number): Uint8Array | FailedAnswer {
  if (given instanceof Uint8Array) return given;
  return given === "stopped" ? cutShort(call.stopped, deadline_ms) : ownAnswer(given);
}

/** A whole answer as its client sees it. */
function shownOf({ turn }: Call, given: Uint8Array): Uint8Array {
  return turn === null ? given : turn.answered(given);
}

/** The events of a whole stream as its client sees them. */
function framedWhole(call: Call, events: Uint8Array): Uint8Array {
  const frame = frameOf(call);
  return frame === null ? events : Buffer.concat([frame.feed(events), frame.close()]);
}

/**
 * A whole answer; as a stream where it was collected.
 * @param asStream makes it one; null: it is given as it is
 */
export function relayWhole(
  call: Call,
  { head, treated, told_usage, is_charged }: WholeAnswer,
  prepared: Prepared,
  deadline_ms: number,
  asStream: StreamForm | null,
  tools: PipelineTools,
): Response {
  const { format } = call;
  const { body } = treated;
  const is_translated = told_usage !== undefined;
  const told = is_translated ? told_usage : format.usageOf(body);
  const usage = is_charged ? NO_USAGE : told;
  const finish_reason = format.finishReasonOf(body);
  const { asks_usage } = prepared;
  call.refused = saysRefusal(body);
  call.witness?.came(body);
  call.content?.came(body);
  let last = passed(call, treated);
  if (asStream !== null && last instanceof Uint8Array)
    last = asStream(format.name, last, asks_usage) ?? answerUnfit();
  const given = orFailure(call, last, deadline_ms);
  const failed = given instanceof Uint8Array ? null : given;
  settle(call, tools, {
    ...endOf(call, head.status, failed),
    usage,
    finish_reason,
    counted_tokens: usage === null ? format.estimateAnswer(body) : null,
    answer: usage === null ? [body] : null,
  });
  // What was asked for again in vain is for nobody who comes later.
  const is_fit = treated.misfit === null && !is_charged;
  call.lead?.answered(body, ledAnswer(call, prepared, "whole", told, finish_reason, is_fit));
  const limits = call.account?.headers() ?? null;
  if (!(given instanceof Uint8Array)) return errorResponse(call, given, limits ?? {});
  if (asStream !== null) return streamCollected(call, given, asks_usage);
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
  const headers = withMore(callHeaders(call, streamType(call.format)), {
    ...STREAM_HEADERS,
    ...call.account?.headers(),
  });
  const told = isChunked(call.format.name)
    ? replayEvents(events, { include_usage: asks_usage, ...cost })
    : events;
  return new Response(framedWhole(call, told), { status: 200, headers });
}

/** A kept answer. */
export async function giveKept(
  call: Call,
  entry: CacheEntry,
  bytes: Uint8Array,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Promise<Response> {
  const { finish_reason, cost_nano_usd, took_ms } = entry;
  call.content?.came(bytes, prepared.is_stream);
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
  return new Response(prepared.is_stream ? framedWhole(call, given) : shownOf(call, given), {
    status: 200,
    headers,
  });
}

/** The stream that an equal call gets, from its beginning. */
export function followFlow(
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
  const flow = new EventFlow(watch, null, tools.clocks.quiet, new StreamMeter(FREE, false, null));
  treatStream(call, flow);
  if (call.content !== null) flow.copy = call.content.copy();
  const follower = new StreamFollower(recording, flow);
  call.listener = {
    onStop: (reason) => {
      if (reason === "gone") flow.drop();
      else flow.breakOff(cutShort(reason, stream_deadline_ms).error);
    },
  };
  const onFlowEnd = (error: WireError | null) => {
    follower.leave();
    flight.lookWhetherWanted();
    if (flow.copy !== null) call.content?.flowed(flow.copy);
    const is_gone = call.stopped === "gone";
    settle(call, tools, {
      ...NOTHING_CAME,
      status: is_gone ? GONE : 200,
      code: is_gone ? "client_closed" : (error?.code ?? error?.type ?? null),
      finish_reason: watch.finishReason(),
      saved: { nano_usd: recording.ended?.cost_nano_usd ?? 0, duration_ms: 0 },
    });
  };
  flow.tellTo({ onFlowEnd });
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
