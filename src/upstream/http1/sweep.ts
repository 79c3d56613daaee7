// The clock of a client: one timer for all its exchanges, instead of one each.
// Every 25 ms it asks whoever is under way whether its time is over; deadlines are late by that much, never early.

import { Roster } from "../../memory/roster.ts";

/** Something that may run out of time. */
export interface Timed {
  /** Its place in the sweep; -1 when it is in none. Only the sweep writes it. */
  sweep_slot: number;
  /** Called every few milliseconds with `performance.now()`. */
  check(now_ms: number): void;
}

const TICK_MS = 25;
const IDLE_TICK_MS = 1_000;
/** A tick that comes later than this means that the loop stood still, and that sockets are unread. */
const STALL_MS = 250;

/** Runs `check` of its members while there are any, and `upkeep` about once a second. */
export class Sweep {
  readonly #members = new Roster<"sweep_slot", Timed>("sweep_slot");
  /** Looks after idle things; tells whether there are any left to look after. */
  readonly #upkeep: (now_ms: number) => boolean;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #delay_ms = 0;
  #due_ms = 0;
  #upkeep_ms = 0;
  #stalled = false;
  readonly #tick = (): void => this.#run();

  constructor(upkeep: (now_ms: number) => boolean) {
    this.#upkeep = upkeep;
  }

  /** `performance.now()` as of a moment ago: right to a tick while there are members. */
  now_ms = 0;

  get size(): number {
    return this.#members.size;
  }

  add(member: Timed, now_ms: number): void {
    this.now_ms = now_ms;
    this.#members.add(member);
    if (this.#delay_ms !== TICK_MS) this.#schedule(TICK_MS, now_ms);
  }

  remove(member: Timed): void {
    this.#members.remove(member);
  }

  #schedule(delay_ms: number, now_ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#delay_ms = delay_ms;
    this.#due_ms = now_ms + delay_ms;
    this.#timer = setTimeout(this.#tick, delay_ms);
    // Exchanges hold the process by their sockets; the clock alone does not.
    this.#timer.unref();
  }

  #run(): void {
    this.#timer = null;
    const now_ms = performance.now();
    this.now_ms = now_ms;
    // After a stall the answers that came meanwhile are read before anyone is called late, once.
    if (now_ms - this.#due_ms > STALL_MS && !this.#stalled) {
      this.#stalled = true;
      this.#schedule(TICK_MS, now_ms);
      return;
    }
    this.#stalled = false;
    let is_needed = true;
    try {
      // From the end, since a check may remove its member (the last one then takes its place).
      const { members } = this.#members;
      for (let i = members.length - 1; i >= 0; i--) members[i]?.check(now_ms);
      if (now_ms - this.#upkeep_ms >= IDLE_TICK_MS || this.#members.size === 0) {
        this.#upkeep_ms = now_ms;
        is_needed = this.#upkeep(now_ms);
      }
    } finally {
      this.#delay_ms = 0;
      if (this.#members.size > 0) this.#schedule(TICK_MS, now_ms);
      else if (is_needed) this.#schedule(IDLE_TICK_MS, now_ms);
    }
  }
}
