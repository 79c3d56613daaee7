// What the admin API answers, as far as the page shows it.

import type { ShownRow } from "../../ledger/row.ts";

/** A call. */
export type CallRow = ShownRow;

/** A page of calls. */
export interface CallsPage {
  readonly data: readonly CallRow[];
  readonly has_more: boolean;
  readonly next: number | null;
}

/** A row of usage; the fields that were asked for stand beside the sums. */
export interface UsageRow {
  readonly calls: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly cache_hits: number;
  readonly saved_usd: number;
  readonly cost_usd: number | null;
  readonly unpriced_calls: number;
  readonly [field: string]: string | number | null;
}

/** Usage. */
export interface Usage {
  readonly since: string;
  readonly until: string;
  readonly data: readonly UsageRow[];
}

/** A step of usage over time. */
export interface UsagePoint {
  readonly start: string;
  /** The place of its name. */
  readonly name: number;
  readonly calls: number;
  readonly errors: number;
  readonly cost_usd: number;
}

/** Usage over time. */
export interface UsageSeries {
  readonly names: readonly (string | null)[];
  readonly has_others: boolean;
  readonly step_s: number;
  readonly since: string;
  readonly until: string;
  readonly points: readonly UsagePoint[];
}

/** What a month is expected to cost. */
export interface Forecast {
  readonly month: string;
  readonly spent_usd: number;
  readonly expected_usd: number;
  readonly spread_usd: number;
  readonly method: string;
}

/** Quantiles in milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How the gateway does at the moment. */
export interface Pulse {
  readonly time: string;
  readonly counts: {
    readonly calls: number;
    readonly errors: number;
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly in_flight: number;
    readonly sockets: number;
  } | null;
  readonly latency: {
    readonly calls: number;
    readonly first_byte_ms: Quantiles | null;
    readonly total_ms: Quantiles | null;
  };
  readonly today: {
    readonly calls: number;
    readonly errors: number;
    readonly cost_usd: number;
    readonly saved_usd: number;
  };
}

/** How a target does. */
export interface Target {
  readonly provider: string;
  readonly model: string;
  readonly of: readonly string[];
  readonly state: "closed" | "open" | "probing" | "slow_start" | "off";
  readonly reason: string;
  readonly calls: number;
  readonly failures: number;
  readonly in_flight: number;
  readonly average_ms: number | null;
  readonly p95_ms: number | null;
  readonly attempts: Readonly<Record<string, number>>;
}

/** A list. */
export interface List<T> {
  readonly data: readonly T[];
}

/** How far a limit is used. */
export interface Limit {
  readonly scope: string;
  readonly name: string;
  readonly of: "requests" | "tokens" | "concurrency" | "usd";
  readonly window: number | "day" | "month" | null;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly reset_s: number | null;
}

/** Whether prompts and answers are kept, and of how many calls they are. */
export interface ContentState {
  readonly store: "on" | "off" | null;
  readonly calls: number;
}

/** What a call was asked and answered. */
export interface CallContent {
  readonly id: string;
  readonly endpoint: string;
  readonly model: string;
  readonly stream: boolean;
  readonly expires: string;
  readonly request: unknown;
  readonly answer: unknown;
  readonly answer_text: string | null;
  readonly answer_events: string | null;
  readonly answer_left_out: string | null;
}

/** One side of a replay. */
export interface ReplaySide {
  readonly call: CallRow | null;
  readonly text: string | null;
  readonly answer_events: string | null;
}

/** A call that is made again. */
export interface Replay {
  readonly id: string;
  readonly model: string;
  readonly state: "running" | "done" | "failed";
  readonly elapsed_ms: number;
  readonly received_bytes: number;
  readonly error: string | null;
  readonly before: ReplaySide;
  readonly after: ReplaySide | null;
}
