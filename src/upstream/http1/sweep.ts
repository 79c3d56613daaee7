// The clock of a client: one timer for all its exchanges, instead of one each.
// Every 25 ms it asks whoever is under way whether its time is over; deadlines are late by that much, never early. Those that have
// seconds are asked every half second: to ask ten thousand silent streams forty times a second would take a fifth of a processor.

import type { Timeouts } from "../../config/plan.ts";
import { Roster } from "../../memory/roster.ts";

/** Something that may run out of time. */
export interface Timed {
  /** Its place in the sweep; -1 when it is in none. Only the sweep writes it. */
  sweep_slot: number;
  /** Whether it is asked every half second; always the same. */
  readonly is_patient: boolean;
  /** Called now and then with `performance.now()`. */
  check(now_ms: number): void;
}

const TICK_MS = 25;
/** In so many ticks all that are patient are asked once. */
const PATIENT_TICKS = 20;
/** Limits from here on may be told half a second late. */
const PATIENT_MS = 4_000;

/** Whether limits, of which 0 is none, allow to be patient. */
export function arePatient({ connect_ms, first_byte_ms, idle_ms, total_ms }: Timeouts): boolean {
  return isPatient(connect_ms) && isPatient(first_byte_ms) && isPatient(idle_ms) && isPatient(total_ms);
}

/** Whether a limit, of which 0 is none, allows to be patient. */
export function isPatient(limit_ms: number): boolean {
  return limit_ms === 0 || limit_ms >= PATIENT_MS;
}
const IDLE_TICK_MS = 1_000;
/** A tick that comes later than this means that the loop stood still, and that sockets are unread. */
const STALL_MS = 250;

/** Runs `check` of its members while there are any, and `upkeep` about once a second. */
export class Sweep {
  readonly #hasty = new Roster<"sweep_slot", Timed>("sweep_slot");
  readonly #patient = new Roster<"sweep_slot", Timed>("sweep_slot");
  /** Behind whom of the patient ones the next tick goes on; they are walked from the end. */
  #place = 0;
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
    return this.#hasty.size + this.#patient.size;
  }

  add(member: Timed, now_ms: number): void {
    this.now_ms = now_ms;
    this.#rosterOf(member).add(member);
    if (this.#delay_ms !== TICK_MS) this.#schedule(TICK_MS, now_ms);
  }

  remove(member: Timed): void {
    this.#rosterOf(member).remove(member);
  }

  #rosterOf({ is_patient }: Timed): Roster<"sweep_slot", Timed> {
    return is_patient ? this.#patient : this.#hasty;
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
      const { members } = this.#hasty;
      for (let i = members.length - 1; i >= 0; i--) members[i]?.check(now_ms);
      this.#checkPatient(now_ms);
      if (now_ms - this.#upkeep_ms >= IDLE_TICK_MS || this.size === 0) {
        this.#upkeep_ms = now_ms;
        is_needed = this.#upkeep(now_ms);
      }
    } finally {
      this.#delay_ms = 0;
      if (this.size > 0) this.#schedule(TICK_MS, now_ms);
      else if (is_needed) this.#schedule(IDLE_TICK_MS, now_ms);
    }
  }

  /** Asks the next few. */
  #checkPatient(now_ms: number): void {
    const { members } = this.#patient;
    for (let left = Math.ceil(members.length / PATIENT_TICKS); left > 0; left--) {
      if (this.#place <= 0 || this.#place > members.length) this.#place = members.length;
      this.#place -= 1;
      members[this.#place]?.check(now_ms);
    }
  }
}
