// Receives a stream of chunks. What opens it without content is held back, so that an error in place of the answer can still
// fail over; from the first content on the try is settled, and the flow goes to the client as it comes.

import { Recording } from "../cache/recording.ts";
import type { TargetPlan } from "../config/plan.ts";
import { errorInAnswer } from "../dialects/openai/response.ts";
import { saysRefusal } from "../dialects/refusal.ts";
import type { StreamWatch } from "../dialects/stream_watch.ts";
import type { ChunkTranslation } from "../dialects/translate.ts";
import type { Usage } from "../dialects/usage.ts";
import type { UpstreamError, UpstreamHead } from "../upstream/exchange.ts";
import { isCoded } from "../wire/content_coding.ts";
import type { SseEvent } from "../wire/sse.ts";
import { serverOfTarget } from "./answer.ts";
import { AnswerCopy, COMPARED_MAX_BYTES } from "./answer_copy.ts";
import { treatStream } from "./answer_guarding.ts";
import type { Call } from "./call.ts";
import { inBandFailure, interruption, unfitAnswer } from "./failure.ts";
import { EventFlow, type EventHearer, type QuietClock } from "./flow.ts";
import { frameOf } from "./framing.ts";
import { Receiver } from "./receiver.ts";
import { type MeteredUpstream, StreamMeter } from "./stream_meter.ts";

/** Longest time that opening events are held back, in milliseconds. */
const OPENING_MAX_MS = 1_000;
/** A body that is no event stream is read up to this size, to see what it says. */
const ODD_BODY_MAX_BYTES = 64 * 1024;

/** A stream in a provider's own format. */
export interface ForeignStream {
  readonly translation: ChunkTranslation;
  /** How the content type of such streams begins. */
  readonly content_type: string;
}

/** Receives a stream of chunks. */
export class StreamReceiver extends Receiver implements EventHearer, MeteredUpstream {
  protected readonly is_translated: boolean;
  readonly #target: TargetPlan;
  readonly #foreign: ForeignStream | null;
  readonly #watch: StreamWatch;
  readonly #flow: EventFlow;
  #odd_body: Uint8Array[] | null = null;
  #odd_bytes = 0;
  #opening: ReturnType<typeof setTimeout> | null = null;
  #is_opening_over = false;
  #has_content = false;

  /**
   * @param is_told whether the provider tells usage in streams
   * @param foreign translates a stream that is not in the client's format; null: it is
   */
  constructor(
    call: Call,
    target: TargetPlan,
    watch: StreamWatch,
    quiet: QuietClock,
    is_told = true,
    foreign: ForeignStream | null = null,
  ) {
    super(call, target.provider.name);
    this.#target = target;
    this.#foreign = foreign;
    this.is_translated = foreign !== null;
    this.#watch = watch;
    const meter = call.account === null ? null : new StreamMeter(call.account, !is_told, this);
    if (call.account?.may_stop) watch.mayStop();
    this.#flow = new EventFlow(watch, this, quiet, meter);
    this.#flow.stream.frame = frameOf(call);
    if (foreign !== null) this.#flow.told_usage = () => foreign.translation.usage;
    treatStream(call, this.#flow);
  }

  override get told_usage(): Usage | null {
    return this.#foreign === null ? this.#watch.usage() : (this.#foreign.translation.usage ?? null);
  }

  override letOpen(): void {
    super.letOpen();
    if (this.#is_opening_over && !this.settled) this.#settleFlow();
  }

  protected begin(head: UpstreamHead): void {
    const content_type = head.headers.get("content-type") ?? "";
    const is_coded = isCoded(head.headers.get("content-encoding"));
    const expected = this.#foreign?.content_type ?? "text/event-stream";
    const is_events = content_type.toLowerCase().startsWith(expected);
    if (is_events && !is_coded) {
      if (this.call.lead !== null) this.#flow.recording = new Recording(serverOfTarget(this.#target));
      const { content, witness } = this.call;
      if (content !== null) this.#flow.copy = content.copy();
      else if (witness !== null) this.#flow.copy = new AnswerCopy(COMPARED_MAX_BYTES);
      this.#flow.begin(this.exchange);
    } else this.#odd_body = [];
  }

  protected take(chunk: Uint8Array): void {
    if (this.#odd_body === null) {
      const given = this.#foreign === null ? chunk : this.#foreign.translation.feed(chunk);
      if (given.length > 0) this.#flow.take(given);
      return;
    }
    this.#odd_body.push(chunk);
    this.#odd_bytes += chunk.length;
    if (this.#odd_bytes > ODD_BODY_MAX_BYTES) this.#failOdd();
  }

  protected finish(): void {
    if (this.#odd_body !== null) {
      this.#failOdd();
      return;
    }
    const rest = this.#foreign?.translation.close();
    if (rest !== undefined && rest.length > 0) this.#flow.take(rest);
    const is_complete = this.#flow.closeInput();
    if (this.settled) {
      if (is_complete) this.#flow.end();
      else {
        this.show(unfitAnswer(this.provider, "the stream ended without a finish reason"));
        this.#interrupt("the stream ended without a finish reason");
      }
    } else if (is_complete) {
      this.#settleFlow();
      this.#flow.end();
    } else {
      this.fail(unfitAnswer(this.provider, "the stream ended before any content"));
    }
  }

  protected breakOff(error: UpstreamError): void {
    this.#interrupt(error.message);
  }

  stopExchange(): void {
    this.exchange.abort();
  }

  /** The flow's events: an error ends the exchange, and the first content settles the try. */
  hear(event: SseEvent): void {
    const { error } = this.#watch;
    if (error !== null) {
      this.exchange.abort();
      // Once the client has got something of the answer, the flow itself tells of the error.
      if (!this.settled) this.fail(inBandFailure(error));
      else this.show(inBandFailure(error));
    } else if (!this.#has_content) {
      this.#hearOpening(event);
    }
  }

  #hearOpening(event: SseEvent): void {
    if (this.#watch.classify(event) === "opening") {
      if (!this.settled) this.#opening ??= setTimeout(() => this.#endOpening(), OPENING_MAX_MS);
      return;
    }
    this.#has_content = true;
    if (event.data !== null && saysRefusal(event.data)) this.call.refused = true;
    this.#flow.contentCame();
    this.#settleFlow();
  }

  protected override settle(result: Parameters<Receiver["settle"]>[0]): void {
    if (this.settled) return;
    if (this.#opening !== null) clearTimeout(this.#opening);
    if (result.kind !== "flow") this.#flow.drop();
    super.settle(result);
  }

  #endOpening(): void {
    this.#is_opening_over = true;
    if (!this.is_held) this.#settleFlow();
  }

  #settleFlow(): void {
    this.settle({ kind: "flow", head: this.head!, flow: this.#flow });
  }

  #interrupt(what: string): void {
    this.#flow.breakOff(interruption(this.provider, what));
  }

  /** No event stream came: an error in spite of its status, or something else. */
  #failOdd(): void {
    this.exchange.abort();
    const head = this.head!;
    const body = Buffer.concat(this.#odd_body ?? []);
    const error = errorInAnswer(body);
    const kind = head.headers.get("content-type") ?? "no content type";
    const content_encoding = head.headers.get("content-encoding");
    const coding = content_encoding === null ? "" : ` (content-encoding ${content_encoding})`;
    if (error !== null) this.fail(inBandFailure(error));
    else {
      this.fail(
        unfitAnswer(
          this.provider,
          `status ${head.status} with a body of ${kind}${coding} where an event stream belongs`,
        ),
      );
    }
  }
}
