// Adds up the outcomes of an order's calls, the warm-up apart.

import type { Outcome } from "./load_connection.ts";
import { type LoadResult, latencyOf } from "./load_order.ts";

/** This share of the time warms up, and is not in the rates and latencies. */
const WARM_UP_SHARE = 0.2;

/** The sums of an order. Calls count as of their begin: before `end_ms` and after the warm-up. */
export class Tally {
  calls = 0;
  readonly measured_from_ms: number;
  readonly #end_ms: number;
  readonly #latencies_ms: number[] = [];
  readonly #first_events_ms: number[] = [];
  readonly #lags_ms: number[] = [];
  #left = 0;
  #errors = 0;
  #fault: string | null = null;
  #events = 0;
  #last_ms = 0;
  #ended = 0;

  constructor(begin_ms: number, end_ms: number) {
    this.measured_from_ms = Number.isFinite(end_ms)
      ? begin_ms + (end_ms - begin_ms) * WARM_UP_SHARE
      : begin_ms;
    this.#end_ms = end_ms;
  }

  /** A call was sent; `begin_ms` is when it should have been. */
  sent(begin_ms: number): void {
    this.calls += 1;
    if (begin_ms >= this.measured_from_ms) this.#lags_ms.push(performance.now() - begin_ms);
  }

  /** It ended. */
  add(outcome: Outcome): void {
    this.#events += outcome.events;
    if (outcome.fault !== null) {
      this.fail(outcome.fault);
      return;
    }
    if (outcome.is_left) {
      this.#left += 1;
      return;
    }
    this.#last_ms = Math.max(this.#last_ms, outcome.end_ms);
    // The rate is of the calls that ended within the time, whenever they began.
    if (outcome.end_ms >= this.measured_from_ms && outcome.end_ms <= this.#end_ms) this.#ended += 1;
    if (outcome.begin_ms < this.measured_from_ms) return;
    this.#latencies_ms.push(outcome.end_ms - outcome.begin_ms);
    if (outcome.first_event_ms > 0) this.#first_events_ms.push(outcome.first_event_ms - outcome.begin_ms);
  }

  /** Something went wrong that no outcome tells. */
  fail(fault: string): void {
    this.#errors += 1;
    this.#fault ??= fault;
  }

  /** The sums. */
  result(asked_per_s: number, connections: number): LoadResult {
    const end_ms = Number.isFinite(this.#end_ms) ? this.#end_ms : this.#last_ms;
    const seconds = Math.max(0.001, (end_ms - this.measured_from_ms) / 1000);
    const calls_per_s = this.#ended / seconds;
    const events_per_call = this.#events / Math.max(1, this.calls);
    return {
      calls: this.calls,
      left: this.#left,
      errors: this.#errors,
      fault: this.#fault,
      events: this.#events,
      calls_per_s: Math.round(calls_per_s),
      events_per_s: Math.round(calls_per_s * events_per_call),
      latency: latencyOf(this.#latencies_ms),
      first_event: latencyOf(this.#first_events_ms),
      lag: latencyOf(this.#lags_ms),
      asked_per_s,
      connections,
    };
  }
}
