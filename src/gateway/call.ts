// One call from its arrival to its end: who calls, under which Plan, until when, and what became of it.
// Whatever ends a call early (the client leaves, its time is over, the gateway stops) goes through `stop`, in the same tick.

import type { ClientKey, Plan } from "../config/plan.ts";
import type { Alarm, Alarms } from "./alarms.ts";

/** Why a call ends before its answer is complete. */
export type StopReason = "gone" | "deadline" | "draining";

/** Moments of a call on the clock of `performance.now()`, in milliseconds; 0 until they have come. */
interface CallTimes {
  readonly arrived: number;
  authenticated: number;
  /** The request body was complete. */
  body: number;
  scanned: number;
  routed: number;
  /** The first try was handed to the upstream client. */
  asked: number;
  /** The last try got its connection. */
  connected: number;
  /** The last try's first byte arrived. */
  first_byte: number;
  /** What the answer to the client could begin with had arrived. */
  answered: number;
}

/** A call being answered. */
export class Call implements Alarm {
  readonly id: string;
  readonly request: Request;
  readonly plan: Plan;
  readonly times: CallTimes;
  client: ClientKey | null = null;
  /** Tries sent upstream. */
  attempts = 0;
  /** Provider and model of the last try, as metrics and headers name them. */
  provider = "";
  served_model = "";
  /** The gateway's own share of the time to the answer's beginning, once that is known. */
  overhead_us: number | null = null;
  stopped: StopReason | null = null;
  /** When its time is over; the sweep stops it then. */
  at_ms = Number.POSITIVE_INFINITY;
  alarm_slot = -1;
  /** Its place among the calls in flight. */
  call_slot = -1;
  /** What has to happen at once when the call is stopped: one thing at a time. */
  onStop: ((reason: StopReason) => void) | null = null;

  readonly #alarms: Alarms;

  constructor(id: string, request: Request, plan: Plan, alarms: Alarms) {
    this.id = id;
    this.request = request;
    this.plan = plan;
    this.#alarms = alarms;
    this.times = {
      arrived: performance.now(),
      authenticated: 0,
      body: 0,
      scanned: 0,
      routed: 0,
      asked: 0,
      connected: 0,
      first_byte: 0,
      answered: 0,
    };
  }

  /** Sets or moves the deadline; Infinity takes it away. */
  setDeadline(at_ms: number): void {
    this.at_ms = at_ms;
    if (at_ms === Number.POSITIVE_INFINITY) this.#alarms.remove(this);
    else this.#alarms.add(this);
  }

  /** Time left until the deadline, in milliseconds. */
  get left_ms(): number {
    return this.at_ms - performance.now();
  }

  ring(): void {
    this.stop("deadline");
  }

  stop(reason: StopReason): void {
    if (this.stopped !== null) return;
    this.stopped = reason;
    const react = this.onStop;
    this.onStop = null;
    react?.(reason);
  }

  /** Waits, but not beyond the call's end. */
  sleep(duration_ms: number): Promise<void> {
    if (this.stopped !== null || duration_ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.onStop = null;
        resolve();
      };
      const timer = setTimeout(wake, duration_ms);
      this.onStop = wake;
    });
  }

  /** Ends the bookkeeping. */
  close(): void {
    this.#alarms.remove(this);
    this.onStop = null;
  }
}
