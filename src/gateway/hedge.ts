// Hedging: where a try takes longer than most, another is sent beside it. The first of the two that brings something of an answer is
// given, and the other is ended in the same tick. A try that fails leaves the call to the other.

import type { KeyPlace } from "../access/key_limits.ts";
import type { HedgePlan } from "../config/plan.ts";
import type { Health } from "../routing/health/health.ts";
import { type HedgeBudget, hedgeBudget } from "../routing/hedge_budget.ts";
import type { Call, StopListener } from "./call.ts";
import type { Failure } from "./failure.ts";
import type { Try } from "./one_try.ts";
import type { TryResult } from "./receiver.ts";

/** A p95 of fewer answers is none. */
const SAMPLES_MIN = 100;

/** A try that is over, or whose answer is under way. */
export interface EndedTry {
  readonly one: Try;
  readonly result: TryResult;
  /** How the ledger calls it. */
  readonly outcome: string;
  readonly place: KeyPlace | null;
}

/** What came of a try and of the one beside it. */
export interface Ended {
  /** Whose result goes on: that of the answer; of two failures the first try's. */
  readonly goes_on: EndedTry;
  /** The other one; null where none was sent. */
  readonly beside: EndedTry | null;
  /** Whether the other one was sent first. */
  readonly beside_was_first: boolean;
}

/** What came of a try that has none beside it. */
export function endedAlone(one: Try, result: TryResult): Ended {
  const goes_on = { one, result, outcome: outcomeOf(result, "ok"), place: null };
  return { goes_on, beside: null, beside_was_first: false };
}

function outcomeOf(result: TryResult, good: string): string {
  if (result.kind === "failed") return result.failure.outcome;
  return result.kind === "stopped" ? "stopped" : good;
}

/** The one more try that a call may send. */
export class Hedge {
  readonly #call: Call;
  readonly #plan: HedgePlan;
  readonly #health: Pick<Health, "p95Ms">;
  readonly #is_stream: boolean;
  readonly #budget: HedgeBudget;
  #is_left = true;

  constructor(call: Call, plan: HedgePlan, health: Pick<Health, "p95Ms">, is_stream: boolean) {
    this.#call = call;
    this.#plan = plan;
    this.#health = health;
    this.#is_stream = is_stream;
    this.#budget = hedgeBudget(plan);
    this.#budget.count();
  }

  /**
   * Waits for a try, with another beside it if nothing of an answer came in time.
   * @param sendSecond sends the other; or tells why it cannot be, or that it is not wanted any more (null)
   */
  async race(first: Try, sendSecond: () => Promise<Try | Failure | null>): Promise<Ended> {
    const { receiver } = first;
    const after_ms = this.#is_left ? this.#afterMs(first) : null;
    if (after_ms === null) return endedAlone(first, await receiver.result);
    receiver.holdOpening();
    // Where no hedge is left for it, a try that hangs for as long again asks once more, and then again.
    for (let waited_ms = 0; ; ) {
      const wait_ms = Math.max(after_ms, waited_ms);
      const is_late = (await isLate(first, wait_ms)) && !this.#hasBegun(first);
      waited_ms += wait_ms;
      if (!is_late || this.#call.stopped !== null) return this.#alone(first);
      if (this.#budget.take()) break;
      receiver.letOpen();
    }
    const { account } = this.#call;
    const place = account?.setAsidePlace() ?? null;
    const second = await sendSecond();
    const second_place = account?.setAsidePlace() ?? null;
    if (second === null || "verdict" in second) {
      this.#budget.giveBack();
      account?.takeUpPlace(place);
      return this.#alone(first);
    }
    this.#is_left = false;
    return new Race(this.#call, { one: first, place }, { one: second, place: second_place }).ended;
  }

  /** How long a try has for itself, in milliseconds; null: there is nothing to tell it by. */
  #afterMs({ candidate: { target } }: Try): number | null {
    if (this.#plan.after_ms !== null) return this.#plan.after_ms;
    const p95 = this.#health.p95Ms(target, this.#is_stream);
    return p95 !== null && p95.samples >= SAMPLES_MIN ? p95.ms : null;
  }

  /** Whether the first byte has come that the time is of: what lies between it and the content says nothing of who is slow. */
  #hasBegun({ receiver }: Try): boolean {
    return this.#plan.after_ms === null && receiver.exchange.times.first_byte_ms > 0;
  }

  async #alone(first: Try): Promise<Ended> {
    first.receiver.letOpen();
    return endedAlone(first, await first.receiver.result);
  }
}

/** Whether a try has nothing of an answer after so long; false as soon as something has come. */
async function isLate({ receiver }: Try, after_ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), after_ms);
  });
  const is_late = await Promise.race([late, receiver.result.then(() => false)]);
  clearTimeout(timer);
  return is_late;
}

/** A try in a race, and what it holds of its provider's key. */
interface Runner {
  readonly one: Try;
  readonly place: KeyPlace | null;
}

/** Two tries, until one has something of an answer or both have failed. */
class Race implements StopListener {
  readonly ended: Promise<Ended>;
  readonly #call: Call;
  readonly #first: Runner;
  readonly #second: Runner;
  #resolve: (ended: Ended) => void = () => {};
  #first_result: TryResult | null = null;
  #second_result: TryResult | null = null;
  #is_over = false;

  constructor(call: Call, first: Runner, second: Runner) {
    this.#call = call;
    this.#first = first;
    this.#second = second;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    call.listener = this;
    first.one.receiver.holdOpening();
    second.one.receiver.holdOpening();
    first.one.receiver.whenSettled((result) => this.#hear(first, result));
    second.one.receiver.whenSettled((result) => this.#hear(second, result));
    if (call.stopped !== null) this.onStop();
  }

  /** The call ends: so do both. */
  onStop(): void {
    this.#first.one.receiver.onStop();
    this.#second.one.receiver.onStop();
  }

  #hear(runner: Runner, result: TryResult): void {
    const is_first = runner === this.#first;
    if (is_first) this.#first_result = result;
    else this.#second_result = result;
    if (this.#is_over) return;
    const other = is_first ? this.#second : this.#first;
    const other_result = is_first ? this.#second_result : this.#first_result;
    switch (result.kind) {
      case "failed":
        if (other_result === null) other.one.receiver.letOpen();
        else this.#end(this.#first);
        return;
      case "stopped":
        if (other_result !== null) this.#end(this.#first);
        return;
      default:
        this.#end(runner);
        // What has failed before is over; what has not is not needed any more.
        if (other_result === null) other.one.receiver.onStop();
    }
  }

  /** Decides the race; the call is the winner's from here on. */
  #end(goes_on: Runner): void {
    const call = this.#call;
    this.#is_over = true;
    const { candidate, receiver, dropped } = goes_on.one;
    call.model = candidate.model;
    call.target = candidate.target;
    call.dropped = dropped;
    call.listener = call.stopped === null ? receiver : null;
    call.account?.takeUpPlace(goes_on.place);
    // The loser hears of its end in this tick as well, and then both results are there.
    queueMicrotask(() => this.#resolve(this.#endedWith(goes_on)));
  }

  #endedWith(goes_on: Runner): Ended {
    const is_first = goes_on === this.#first;
    const first = this.#endedTry(this.#first, this.#first_result!, is_first ? "ok" : "hedge_lost");
    const second = this.#endedTry(this.#second, this.#second_result!, is_first ? "hedge_lost" : "hedge_won");
    return {
      goes_on: is_first ? first : second,
      beside: is_first ? second : first,
      beside_was_first: !is_first,
    };
  }

  #endedTry({ one, place }: Runner, result: TryResult, word: string): EndedTry {
    const is_lost = result.kind === "stopped" && this.#call.stopped === null;
    return { one, place, result, outcome: is_lost ? "hedge_lost" : outcomeOf(result, word) };
  }
}
