// What a load generator is told to do, and what it answers: the language between the suite and its process.

/** A load to put on a target. */
export interface LoadOrder {
  /**
   * `closed`: each connection sends its next call when the last is answered.
   * `open`: calls are sent when a fixed schedule says, on whatever connection is free.
   * `hold`: each connection opens a stream and leaves it open until `release`.
   */
  readonly loop: "closed" | "open" | "hold";
  readonly port: number;
  /** Path and additional head lines of the calls, each line with its line end. */
  readonly path: string;
  readonly headers: string;
  readonly model: string;
  /** An agent's chat of `body_kb`, one with an address of mail in it, or a short question that is asked again and again in other white space. */
  readonly text: "agent" | "personal" | "question";
  readonly body_kb: number;
  /** How many bodies there are, sent again and again; 0: every call's is another. */
  readonly bodies: number;
  readonly is_stream: boolean;
  /** Events that a good stream has at least, `[DONE]` counted. */
  readonly events: number;
  /** What the data of its last event is. */
  readonly last_event: string;
  readonly expect_status: number;
  /** Connections; in the open loop the most that there may be. */
  readonly connections: number;
  /** How many of them are opened at once; a listen queue may overflow. */
  readonly open_at_once: number;
  readonly seconds: number;
  /** Stops after so many calls instead of after the time; 0 for no such limit. */
  readonly calls: number;
  /** Spreads the first calls of the connections over this time. */
  readonly ramp_ms: number;
  /** Leaves every stream after so many events, to call anew; 0 for never. */
  readonly leave_after_events: number;
  /** Calls per second of the open loop, and how they come. */
  readonly rate: number;
  readonly arrivals: "constant" | "poisson";
}

/** An order of the usual kind, to be changed where another is wanted. */
export const PLAIN_ORDER: Omit<LoadOrder, "port"> = {
  loop: "closed",
  path: "/v1/chat/completions",
  headers: "",
  model: "bench/bench",
  text: "agent",
  body_kb: 1,
  bodies: 0,
  is_stream: false,
  events: 0,
  last_event: "[DONE]",
  expect_status: 200,
  connections: 32,
  open_at_once: 64,
  seconds: 2,
  calls: 0,
  ramp_ms: 0,
  leave_after_events: 0,
  rate: 0,
  arrivals: "poisson",
};

/** Percentiles of a latency, in microseconds. */
export interface Latency {
  readonly count: number;
  readonly p50_us: number;
  readonly p75_us: number;
  readonly p90_us: number;
  readonly p95_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly max_us: number;
}

/** What came of an order. */
export interface LoadResult {
  /** All calls that were sent, those of the warm-up too. */
  readonly calls: number;
  /** Calls that were left by the client on purpose. */
  readonly left: number;
  readonly errors: number;
  /** What was wrong with the first of them. */
  readonly fault: string | null;
  /** Events of streams, all. */
  readonly events: number;
  /** Without the warm-up. */
  readonly calls_per_s: number;
  readonly events_per_s: number;
  /** From the send (closed) or from the intended send (open) to the end of the answer, without the warm-up. */
  readonly latency: Latency;
  /** The same to the first event of a stream. */
  readonly first_event: Latency;
  /** How late the open loop sent, for want of processor time. */
  readonly lag: Latency;
  readonly asked_per_s: number;
  readonly connections: number;
}

/** What the suite says to the process: an order under a number, or the end of one that holds. */
export type ToLoad =
  | { readonly id: number; readonly order: LoadOrder }
  | { readonly id: number; readonly release: true };
/** What it answers; `held` says that all streams of an order that holds are open. */
export type FromLoad =
  | { readonly ready: true }
  | { readonly id: number; readonly held: true }
  | { readonly id: number; readonly result: LoadResult }
  | { readonly id: number; readonly fault: string };

/** Percentiles of values in milliseconds. */
export function latencyOf(values_ms: readonly number[]): Latency {
  const sorted = Float64Array.from(values_ms).sort();
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10_000) / 10;
  return {
    count: sorted.length,
    p50_us: at(0.5),
    p75_us: at(0.75),
    p90_us: at(0.9),
    p95_us: at(0.95),
    p99_us: at(0.99),
    p999_us: at(0.999),
    max_us: at(1),
  };
}
