// An answer under way: given to the client as it comes. What happens to it from here on cannot be tried again, only told.

import type { Recording } from "../cache/recording.ts";
import type { WireError } from "../dialects/openai/error.ts";
import type { Usage } from "../dialects/usage.ts";
import { NO_HEADERS, type UpstreamHead } from "../upstream/exchange.ts";
import { callHeaders, withMore } from "./answer.ts";
import { answerBlocked } from "./answer_guarding.ts";
import type { Call, StopListener, StopReason } from "./call.ts";
import { interruption, ownAnswer } from "./failure.ts";
import type { Flow, FlowListener } from "./flow.ts";
import { STREAM_HEADERS, streamType } from "./framing.ts";
import type { Lead } from "./lead.ts";
import { ledAnswer } from "./led_answer.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import type { Prepared } from "./prepare.ts";
import { cutShort, GONE, refuse, settle } from "./settle.ts";

/** A request up to this size is counted when its answer begins; larger ones when it turns out to last. */
const COUNTED_AT_ONCE_BYTES = 8 * 1024;

/** Gives an answer under way to the client, or an error in its place where it cannot be given any more. */
export function relayFlow(
  call: Call,
  head: UpstreamHead,
  flow: Flow,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Response {
  if (call.stopped !== null && call.rest !== "drained") {
    flow.drop();
    return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  }
  const enforces = call.answer_guard?.enforces || call.asked_format?.plan.action === "block";
  if ((enforces || prepared.is_stream) && flow.watch === null) {
    // What is too long to be collected cannot be judged, and cannot be given as a stream.
    flow.drop();
    call.listener?.onStop("gone");
    return refuse(call, ownAnswer(answerBlocked()), tools);
  }
  return new RelayedFlow(call, head.status, flow, prepared, deadline_ms, tools).begin(head);
}

/** An answer on its way: hears what stops its call, and settles it when all has come. One object for each, since they may be many. */
class RelayedFlow implements StopListener, FlowListener {
  readonly #call: Call;
  readonly #flow: Flow;
  readonly #tools: PipelineTools;
  readonly #status: number;
  /** Feeds it. */
  readonly #upstream: StopListener | null;
  /** Its part in an answer that others get as well, with what is told them of it; null where there is none. */
  readonly #led: {
    readonly lead: Lead;
    readonly recording: Recording | null;
    readonly prepared: Prepared;
  } | null;
  readonly #stream_deadline_ms: number;
  /** The call's deadline holds until a stream's first content, and to the very end of what is no stream. */
  #limit_ms: number;
  /** Whether its client has left, and the rest comes for its usage alone. */
  #is_alone = false;

  constructor(
    call: Call,
    status: number,
    flow: Flow,
    prepared: Prepared,
    deadline_ms: number,
    tools: PipelineTools,
  ) {
    const { lead } = call;
    this.#call = call;
    this.#status = status;
    this.#flow = flow;
    this.#tools = tools;
    this.#upstream = call.listener;
    this.#led = lead === null ? null : { lead, recording: flow.recording, prepared };
    this.#stream_deadline_ms = prepared.model.stream_deadline_ms;
    this.#limit_ms = deadline_ms;
  }

  begin(head: UpstreamHead): Response {
    const call = this.#call;
    const flow = this.#flow;
    if (flow.watch !== null && this.#stream_end_ms < call.at_ms) this.onContent();
    if (this.#led !== null) {
      const { lead, recording } = this.#led;
      if (recording === null) lead.scatter();
      else lead.flows(recording);
    }
    call.listener = this;
    if (call.rest === "drained") this.#goOnAlone();
    const limits = call.account?.headers();
    const headers =
      flow.watch === null
        ? withMore(callHeaders(call, null), { ...passedHeaders(head), ...limits })
        : withMore(callHeaders(call, streamType(call.format)), { ...STREAM_HEADERS, ...limits });
    head.headers = NO_HEADERS;
    flow.tellTo(this);
    if (call.rest !== null) return new Response(null, { status: GONE });
    if ((call.account?.request_bytes ?? 0) <= COUNTED_AT_ONCE_BYTES) this.onLasting();
    // Other streams are quiet for long, which their connections must be allowed, by the request.
    if (flow.stream.has_comments) flow.stream.owner = call;
    call.stream = flow.stream;
    return new Response(flow.stream.body, { status: this.#status, headers });
  }

  get #stream_end_ms(): number {
    return this.#stream_deadline_ms > 0 ? this.#call.arrived_ms + this.#stream_deadline_ms : Infinity;
  }

  onContent(): void {
    this.#limit_ms = this.#stream_deadline_ms;
    this.#call.setDeadline(this.#stream_end_ms);
  }

  /** Where the provider tells what was used, nobody counts the request after its answer has come. */
  onLasting(): void {
    if (this.#flow.watch === null || this.#flow.kept_chunks !== null) return;
    const call = this.#call;
    call.account?.letGoOfBody();
    // A guard looks in the request for what the answer repeats of it.
    if (call.answer_guard === null) call.giveBackBody(true);
  }

  onStop(reason: StopReason): void {
    if (this.#is_alone) {
      this.#upstream?.onStop(reason);
      this.#flow.drop();
      return;
    }
    const error = reason === "gone" ? null : cutShort(reason, this.#limit_ms).error;
    const lead = this.#led?.lead;
    if (lead?.is_wanted && reason !== "draining") {
      this.#flow.part(error);
      lead.goOnWithout(() => this.#end(reason, null));
    } else this.#end(reason, error);
  }

  #end(reason: StopReason, error: WireError | null): void {
    this.#upstream?.onStop(reason);
    if (this.#call.rest === "drained") this.#goOnAlone();
    else if (error === null) this.#flow.drop();
    else this.#flow.breakOff(error);
  }

  /** The client is gone, and the rest comes for its usage alone, until something ends it. */
  #goOnAlone(): void {
    this.#is_alone = true;
    this.#flow.part(null);
    this.#call.listener = this;
  }

  onFlowEnd(error: WireError | null): void {
    const call = this.#call;
    const flow = this.#flow;
    const { watch } = flow;
    const is_gone = call.stopped === "gone";
    const translated = flow.told_usage?.();
    const told = translated === undefined ? (watch?.usage() ?? flow.tap?.usage() ?? null) : translated;
    const finish_reason = flow.stopped_by_budget ? "length" : (watch?.finishReason() ?? null);
    const is_partial =
      told !== null && (flow.stopped_by_budget || (watch !== null && !watch.finished && !watch.done));
    // What was told before the answer broke off has little of it, or nothing.
    if (flow.copy !== null) {
      call.witness?.flowed(flow.copy);
      call.content?.flowed(flow.copy);
    }
    const usage = is_partial ? withAtLeast(told, flow.counted_tokens ?? 0) : told;
    settle(call, this.#tools, {
      ...{ usage, finish_reason, is_partial },
      status: is_gone ? GONE : this.#status,
      code: is_gone ? "client_closed" : (error?.code ?? error?.type ?? null),
      model: flow.tap?.model ?? null,
      counted_tokens: flow.counted_tokens,
      answer: flow.kept_chunks,
    });
    if (this.#led === null || this.#led.recording === null) return;
    const { lead, recording, prepared } = this.#led;
    const is_whole = watch?.complete === true && !flow.stopped_by_budget;
    const broken = error ?? (is_whole ? null : interruption(recording.server.provider, "it was given up"));
    const is_fit = flow.format?.has_misfit !== true;
    lead.flowed(recording, ledAnswer(call, prepared, "events", usage, finish_reason, is_fit), broken);
  }
}

function withAtLeast(usage: Usage, output_tokens: number): Usage {
  return { ...usage, output_tokens: Math.max(usage.output_tokens, output_tokens) };
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

/** What else a provider said goes on to the client. */
function passedHeaders(head: UpstreamHead): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of head.headers.fields) {
    if (STOPPED_HEADERS.has(name) || STOPPED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    headers[name] = value;
  }
  return headers;
}
