// Deadlines of many calls with one timer: a sweep every few milliseconds over those that wait for one.
// A timer per call would cost more than the rest of its bookkeeping, and nobody needs a deadline to the millisecond.

import { Roster } from "../memory/roster.ts";

/** Something that wants to be woken. `at_ms` may be changed while it is set; Infinity is never. */
export interface Alarm {
  /** On the clock of `performance.now()`. */
  at_ms: number;
  /** Its place among the alarms; begins with -1. */
  alarm_slot: number;
  ring(): void;
}

/** Alarms that are swept together. */
export class Alarms {
  readonly #sweep_ms: number;
  readonly #set = new Roster<"alarm_slot", Alarm>("alarm_slot");
  #timer: ReturnType<typeof setInterval> | null = null;

  /** @param sweep_ms how often the sweep looks, and so how late an alarm may ring */
  constructor(sweep_ms: number) {
    this.#sweep_ms = sweep_ms;
  }

  add(alarm: Alarm): void {
    this.#set.add(alarm);
    this.#timer ??= setInterval(() => this.#sweep(), this.#sweep_ms);
  }

  remove(alarm: Alarm): void {
    this.#set.remove(alarm);
  }

  #sweep(): void {
    if (this.#set.size === 0) {
      if (this.#timer !== null) clearInterval(this.#timer);
      this.#timer = null;
      return;
    }
    const now_ms = performance.now();
    const { members } = this.#set;
    for (let index = members.length - 1; index >= 0; index--) {
      // What rings may take others with it.
      const alarm = members[index];
      if (alarm === undefined || alarm.at_ms > now_ms) continue;
      this.#set.remove(alarm);
      alarm.ring();
    }
  }
}
