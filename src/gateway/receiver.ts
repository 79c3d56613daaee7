// The receiving end of one try: hears of the upstream's head, data and end, and settles once what came of it.
// An answer of success goes to the subclass; errors by status or by connection are the same for all and handled here.

import type { LimitHearer } from "../access/key_limits.ts";
import { TOLD_PREFIXES } from "../access/told_limits.ts";
import type { DrainPlan } from "../config/plan.ts";
import type { Usage } from "../dialects/usage.ts";
import type { Trial } from "../routing/health/trial.ts";
import type { Exchange, ExchangeHandler, UpstreamError, UpstreamHead } from "../upstream/exchange.ts";
import { decode } from "../wire/content_coding.ts";
import type { Call, StopListener, StopReason } from "./call.ts";
import { connectionFailure, type Failure, showingOf, statusFailure } from "./failure.ts";
import type { Flow } from "./flow.ts";
import { RestReader } from "./rest_reader.ts";

/** How much of an error's body is read. */
const ERROR_BODY_MAX_BYTES = 64 * 1024;

/** What a try came to. */
export type TryResult =
  | {
      readonly kind: "whole";
      readonly head: UpstreamHead;
      readonly body: Uint8Array;
      /** What the provider told of its usage in a format that is not the client's. */
      readonly told_usage?: Usage | null;
    }
  | { readonly kind: "flow"; readonly head: UpstreamHead; readonly flow: Flow }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "stopped" };

const STOPPED: TryResult = { kind: "stopped" };

/** The receiving end of one try. */
export abstract class Receiver implements ExchangeHandler, StopListener {
  readonly result: Promise<TryResult>;
  /** Hears what the try shows of its target; null: nobody does. */
  trial: Trial | null = null;
  protected readonly call: Call;
  protected readonly provider: string;
  protected head: UpstreamHead | null = null;
  /** When it was known what came of the try; 0 until then. */
  settled_ms = 0;
  protected settled = false;
  /** Hears the fields of an answer that speak of limits, where there are any. */
  limits: LimitHearer | null = null;
  /** Whether the provider speaks another format than the client. */
  protected abstract readonly is_translated: boolean;
  /** Whether an answer that has begun without content waits for some, however long. */
  protected is_held = false;
  /** How the rest is read when the client has left; null: it is not. */
  drain: DrainPlan | null = null;
  #rest: RestReader | null = null;
  #exchange: Exchange | null = null;
  #result: TryResult | null = null;
  #onSettled: ((result: TryResult) => void) | null = null;
  #resolve: ((result: TryResult) => void) | null = null;
  #error_body: Uint8Array[] | null = null;
  #error_bytes = 0;

  constructor(call: Call, provider: string) {
    this.call = call;
    this.provider = provider;
    const { promise, resolve } = Promise.withResolvers<TryResult>();
    this.result = promise;
    this.#resolve = resolve;
  }

  /** A success has begun. */
  protected abstract begin(head: UpstreamHead): void;
  /** Bytes of it. */
  protected abstract take(chunk: Uint8Array): void;
  /** Its end. */
  protected abstract finish(): void;
  /** It broke off after the try was settled. */
  protected abstract breakOff(error: UpstreamError): void;

  /** The exchange that feeds this receiver; there before its first callback. */
  get exchange(): Exchange {
    return this.#exchange!;
  }

  /** Connects it to its exchange, and makes the call's end the exchange's end. */
  attach(exchange: Exchange): void {
    this.#exchange = exchange;
    this.call.listener = this;
  }

  /** What the provider has told of the usage so far; null where it has told none. */
  get told_usage(): Usage | null {
    return null;
  }

  /** Whether it is known what came of the try. */
  get is_settled(): boolean {
    return this.settled;
  }

  /** Tells what came of the try in the very tick in which that is known; at once if it is. */
  whenSettled(onSettled: (result: TryResult) => void): void {
    if (this.#result !== null) onSettled(this.#result);
    else this.#onSettled = onSettled;
  }

  /** An answer that begins without content does not settle the try. */
  holdOpening(): void {
    this.is_held = true;
  }

  /** It does from now on, after its usual wait. */
  letOpen(): void {
    this.is_held = false;
  }

  /** The call ends; where its client has left, the rest may be read all the same. */
  onStop(reason?: StopReason): void {
    const { call, drain } = this;
    if (reason === "gone" && call.stopped === "gone" && drain !== null && this.#rest === null) {
      this.#rest = new RestReader(call, drain);
      call.listener = this;
      this.exchange.resume();
      return;
    }
    this.#rest?.cut();
    this.exchange.abort();
    this.settle(STOPPED);
  }

  onHead(head: UpstreamHead): void {
    this.head = head;
    const is_told = (head.status >= 200 && head.status < 300) || head.status === 429;
    if (is_told && this.limits !== null) {
      const fields = head.headers.startingWith(TOLD_PREFIXES);
      if (fields.length > 0) this.limits.hear(fields);
    }
    this.limits = null;
    if (head.status >= 200 && head.status < 300) this.begin(head);
    else this.#error_body = [];
  }

  onData(chunk: Uint8Array): void {
    this.#rest?.take(chunk.length);
    if (this.call.rest === "drain_cut") return;
    if (this.#error_body === null) {
      this.take(chunk);
      return;
    }
    this.#error_body.push(chunk);
    this.#error_bytes += chunk.length;
    if (this.#error_bytes <= ERROR_BODY_MAX_BYTES) return;
    this.exchange.abort();
    this.#settleStatus();
  }

  onEnd(): void {
    this.#rest?.end();
    if (this.#error_body === null) this.finish();
    else this.#settleStatus();
  }

  onError(error: UpstreamError): void {
    this.#rest?.end();
    if (this.settled) {
      this.show(connectionFailure(this.provider, error));
      this.breakOff(error);
    }
    // The status says more than the connection that broke behind it.
    else if (this.#error_body !== null) this.#settleStatus();
    else this.fail(connectionFailure(this.provider, error));
  }

  protected settle(result: TryResult): void {
    if (this.settled) return;
    this.settled = true;
    this.#result = result;
    // Who ends another try by this has its times behind them.
    this.#onSettled?.(result);
    const { call } = this;
    const { times } = this.exchange;
    call.answered_ms = performance.now();
    this.settled_ms = call.answered_ms;
    call.connected_ms = times.connected_ms;
    call.first_byte_ms = times.first_byte_ms;
    this.#resolve?.(result);
    this.#resolve = null;
  }

  /** What came shows something of the target. */
  protected show(failure: Failure): void {
    this.trial?.shows(showingOf(failure), failure.outcome);
  }

  protected fail(failure: Failure): void {
    this.show(failure);
    this.settle({ kind: "failed", failure });
  }

  #settleStatus(): void {
    const head = this.head!;
    const collected = Buffer.concat(this.#error_body ?? []).subarray(0, ERROR_BODY_MAX_BYTES);
    const coding = head.headers.get("content-encoding");
    const body = coding === null ? collected : decode(collected, coding, ERROR_BODY_MAX_BYTES);
    const { format } = this.call;
    const passError = this.is_translated ? () => null : format.passError;
    this.fail(statusFailure(this.provider, head, body ?? new Uint8Array(0), passError));
  }
}
