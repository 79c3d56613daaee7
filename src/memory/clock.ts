// A clock for windows that all processes of a gateway read alike, and that goes on when somebody sets the host's clock back.
// It runs on the host's monotonic time (the same for all processes) from a wall time that the supervisor read once.

/** A moment on both clocks, in milliseconds. It can be sent to other processes of the same host. */
export interface ClockBase {
  readonly wall_ms: number;
  readonly monotonic_ms: number;
}

/** The host's monotonic time in milliseconds, the same for all its processes. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** The present on both clocks. */
export function clockBase(): ClockBase {
  return { wall_ms: Date.now(), monotonic_ms: monotonicMs() };
}

/** Milliseconds since 1970 by a base, never going back. */
export class SteadyClock {
  readonly #offset_ms: number;

  constructor(base: ClockBase) {
    // `performance.now()` runs with the monotonic clock, and is the cheapest to read.
    this.#offset_ms = base.wall_ms - base.monotonic_ms + monotonicMs() - performance.now();
  }

  now_ms(): number {
    return performance.now() + this.#offset_ms;
  }
}
