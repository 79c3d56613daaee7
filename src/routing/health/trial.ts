// One try, as the health of its target sees it: from when it is sent until it is over, with what it showed of the target.

import type { BreakerPlan } from "../../config/plan.ts";
import type { Showing } from "./circuit.ts";
import type { TargetHealth } from "./target_health.ts";

/** Why a try that would not be made otherwise is made: to probe, or because there is nothing better. */
export type Reason = "free" | "probe" | "last_resort";

/** A try under way. Whoever begins one ends it, once; ending it again does nothing. */
export class Trial {
  readonly #health: TargetHealth;
  readonly #breaker: BreakerPlan | null;
  readonly #is_stream: boolean;
  readonly #reason: Reason;
  readonly #probe: number;
  readonly #began_ms: number;
  readonly #is_counted: boolean;
  #is_waiting = true;
  #is_over = false;
  #has_answered = false;
  #showing: Showing = "nothing";
  #why = "";

  /** @param probe what it holds as a probe; 0 if it is none */
  constructor(
    health: TargetHealth,
    breaker: BreakerPlan | null,
    is_stream: boolean,
    reason: Reason,
    probe: number,
  ) {
    this.#health = health;
    this.#breaker = breaker;
    this.#is_stream = is_stream;
    this.#reason = reason;
    this.#probe = probe;
    this.#began_ms = health.now_ms;
    this.#is_counted = health.begin(this.#began_ms);
  }

  /** A good answer has begun, `first_byte_ms` after it was asked for. That it may break off yet is told later. */
  answered(first_byte_ms: number): void {
    const now_ms = this.#health.now_ms;
    this.endWaiting(now_ms);
    this.#has_answered = true;
    this.#health.observe(first_byte_ms, this.#is_stream, now_ms);
    if (this.#reason !== "free") this.#health.recover();
    this.#count(false, now_ms);
  }

  /** What the try shows of its target; of an answer that has begun, that it broke off after all. */
  shows(showing: Showing, why: string): void {
    this.#showing = showing;
    this.#why = why;
  }

  /** Nothing is waited for any more. */
  endWaiting(now_ms = this.#health.now_ms): void {
    if (this.#is_waiting && this.#is_counted) this.#health.endWaiting(now_ms);
    this.#is_waiting = false;
  }

  /** It is over. */
  end(): void {
    if (this.#is_over) return;
    this.#is_over = true;
    const now_ms = this.#health.now_ms;
    const showing = this.#showing;
    if (this.#is_waiting && showing === "nothing") this.#noteWait(now_ms);
    this.endWaiting(now_ms);
    if (this.#is_counted) this.#health.end(now_ms);
    if (showing === "ill") this.#count(true, now_ms);
    else if (this.#has_answered) return;
    else if (showing === "well") {
      if (this.#reason !== "free") this.#health.recover();
      this.#count(false, now_ms);
    } else if (this.#probe !== 0) this.#health.leaveProbe(this.#probe);
  }

  /** It was given up before a byte came: what it would have taken is at least this long. */
  #noteWait(now_ms: number): void {
    const took_ms = now_ms - this.#began_ms;
    const average_ms = this.#health.averageMs(this.#is_stream);
    if (average_ms > 0 && took_ms > average_ms) this.#health.observe(took_ms, this.#is_stream, now_ms);
  }

  #count(is_ill: boolean, now_ms: number): void {
    const took_ms = now_ms - this.#began_ms;
    this.#health.count(this.#breaker, is_ill, took_ms, this.#probe, this.#why, now_ms);
  }
}
