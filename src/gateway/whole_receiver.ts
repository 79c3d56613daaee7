// Receives an answer that is collected whole before the client sees any of it, so that a broken one can be tried again.
// An answer over the bound is passed on from there as it comes; so is any answer where the bound is 0.

import { CONTENT_TYPE as FRAMES } from "../dialects/bedrock/stream_events.ts";
import { errorInAnswer, looksLikeJson } from "../dialects/openai/response.ts";
import type { TranslatedAnswer } from "../dialects/translate.ts";
import type { UpstreamError, UpstreamHead } from "../upstream/exchange.ts";
import { decode, isCoded } from "../wire/content_coding.ts";
import type { Call } from "./call.ts";
import { inBandFailure, interruption, unfitAnswer } from "./failure.ts";
import { ByteFlow, EventFlow, type Flow, type QuietClock } from "./flow.ts";
import { FrameTap } from "./frame_tap.ts";
import { Receiver } from "./receiver.ts";
import type { UsageTap } from "./usage_tap.ts";

/** A coded answer may grow to this size; bytes. */
const DECODED_MAX_BYTES = 64 * 1024 * 1024;

/** Gives an answer in the client's format; null where it is no answer. */
type Translate = (body: Uint8Array) => TranslatedAnswer | null;

/** Receives JSON whole (`collect_max_bytes` above 0), or anything as it comes (0). */
export class WholeReceiver extends Receiver {
  protected readonly is_translated: boolean;
  readonly #translate: Translate | null;
  readonly #collect_max_bytes: number;
  readonly #quiet: QuietClock;
  readonly #tap: UsageTap | null;
  readonly #pieces: Uint8Array[] = [];
  #size = 0;
  #flow: Flow | null = null;

  /**
   * @param tap reads the usage of an answer that is passed on as it comes
   * @param translate gives an answer in the client's format, or null where it is none; null: it is in that format
   */
  constructor(
    call: Call,
    provider: string,
    collect_max_bytes: number,
    quiet: QuietClock,
    tap: UsageTap | null = null,
    translate: Translate | null = null,
  ) {
    super(call, provider);
    this.#translate = translate;
    this.is_translated = translate !== null;
    this.#tap = tap;
    this.#collect_max_bytes = collect_max_bytes;
    this.#quiet = quiet;
  }

  protected begin(head: UpstreamHead): void {
    if (this.#collect_max_bytes === 0) this.#passOn(head);
  }

  protected take(chunk: Uint8Array): void {
    if (this.#flow !== null) {
      this.#flow.take(chunk);
      return;
    }
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= this.#collect_max_bytes) return;
    if (this.#translate === null) this.#passOn(this.head!);
    else {
      this.exchange.abort();
      this.fail(unfitAnswer(this.provider, "it is too long to be translated"));
    }
  }

  protected finish(): void {
    if (this.#flow !== null) {
      this.#flow.end();
      return;
    }
    const collected = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const head = this.head!;
    const coding = head.headers.get("content-encoding");
    const body = coding === null ? collected : decode(collected, coding, DECODED_MAX_BYTES);
    if (body === null) {
      this.fail(unfitAnswer(this.provider, `its body cannot be decoded (content-encoding ${coding})`));
      return;
    }
    if (!looksLikeJson(body)) {
      const kind = head.headers.get("content-type") ?? "no content type";
      this.fail(
        unfitAnswer(this.provider, `status ${head.status} with a body of ${kind} where JSON belongs`),
      );
      return;
    }
    const error = errorInAnswer(body);
    if (error !== null) this.fail(inBandFailure(error));
    else if (this.#translate === null) this.settle({ kind: "whole", head, body });
    else {
      const translated = this.#translate(body);
      if (translated === null) this.fail(unfitAnswer(this.provider, "it is not in the provider's format"));
      else this.settle({ kind: "whole", head, body: translated.body, told_usage: translated.usage });
    }
  }

  protected breakOff(error: UpstreamError): void {
    this.#flow?.breakOff(interruption(this.provider, error.message));
  }

  #passOn(head: UpstreamHead): void {
    const content_type = head.headers.get("content-type") ?? "";
    const is_events = content_type.toLowerCase().startsWith("text/event-stream");
    const flow = is_events ? new EventFlow(null, null, this.#quiet) : new ByteFlow();
    const is_readable = is_events || content_type.toLowerCase().startsWith("application/json");
    const tap = this.#tap;
    if (tap !== null && !isCoded(head.headers.get("content-encoding"))) {
      if (is_readable) flow.tap = tap;
      else if (content_type.toLowerCase().startsWith(FRAMES)) flow.tap = new FrameTap(tap.kind);
    }
    flow.begin(this.exchange);
    this.#flow = flow;
    for (const piece of this.#pieces) flow.take(piece);
    this.#pieces.length = 0;
    this.settle({ kind: "flow", head, flow });
  }
}
