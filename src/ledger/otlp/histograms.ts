// What calls come to, as histograms of OpenTelemetry (metrics/v1) by what the conventions for generative AI tell them apart by.
// Sums since the start (cumulative): what a collector misses is in the next.

import type { LedgerRow } from "../row.ts";
import { attributesOf, nanosOf, type OtlpAttribute } from "./attributes.ts";
import { errorType, type KnownProvider, operationOf, providerName } from "./gen_ai.ts";

/** An instrument, with the bounds that the conventions recommend. */
interface Instrument {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly bounds: readonly number[];
}

const TOKEN_BOUNDS = Array.from({ length: 14 }, (_, power) => 4 ** power);
const DURATION_BOUNDS = Array.from({ length: 14 }, (_, power) => 2 ** power / 100);
const FIRST_TOKEN_BOUNDS = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
];
const PER_TOKEN_BOUNDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

const INSTRUMENTS = {
  tokens: {
    name: "gen_ai.client.token.usage",
    unit: "{token}",
    description: "Number of input and output tokens used.",
    bounds: TOKEN_BOUNDS,
  },
  duration: {
    name: "gen_ai.server.request.duration",
    unit: "s",
    description: "Duration of a call, from its arrival to the last byte of its answer.",
    bounds: DURATION_BOUNDS,
  },
  first_token: {
    name: "gen_ai.server.time_to_first_token",
    unit: "s",
    description: "Time from a call's arrival to the first byte of its answer.",
    bounds: FIRST_TOKEN_BOUNDS,
  },
  per_token: {
    name: "gen_ai.server.time_per_output_token",
    unit: "s",
    description: "Time for each token of an answer after the first.",
    bounds: PER_TOKEN_BOUNDS,
  },
} as const satisfies Record<string, Instrument>;

type InstrumentName = keyof typeof INSTRUMENTS;

/** Sets of attributes of an instrument; what is beyond counts as one. */
const SERIES_MAX = 1_000;
const OVERFLOW: readonly OtlpAttribute[] = [{ key: "otel.metric.overflow", value: { boolValue: true } }];

interface Series {
  readonly attributes: readonly OtlpAttribute[];
  readonly counts: number[];
  count: number;
  sum: number;
  min: number;
  max: number;
}

const CUMULATIVE = 2;

/** Histograms since the start. */
export class CallHistograms {
  readonly #start: string;
  readonly #series: Readonly<Record<InstrumentName, Map<string, Series>>> = {
    tokens: new Map(),
    duration: new Map(),
    first_token: new Map(),
    per_token: new Map(),
  };

  constructor(start_ms: number) {
    this.#start = nanosOf(start_ms);
  }

  /** Counts a call. `isKnown` says whether a model is one of the configuration: others are told as none. */
  count(
    row: LedgerRow,
    providers: ReadonlyMap<string, KnownProvider>,
    isKnown: (model: string) => boolean,
  ): void {
    const { provider, model, usage, timings_us } = row;
    const facts = {
      "gen_ai.operation.name": operationOf(row),
      "gen_ai.provider.name": provider === null ? "none" : providerName(provider, providers.get(provider)),
      "gen_ai.request.model": model !== null && isKnown(model) ? model : "other",
    };
    const error = errorType(row);
    const { total, connect, first_byte, answer } = timings_us;
    if (total !== undefined)
      this.#add("duration", error === null ? facts : { ...facts, "error.type": error }, total / 1e6);
    if (usage.input_tokens > 0)
      this.#add("tokens", { ...facts, "gen_ai.token.type": "input" }, usage.input_tokens);
    if (usage.output_tokens > 0)
      this.#add("tokens", { ...facts, "gen_ai.token.type": "output" }, usage.output_tokens);
    if (error !== null || total === undefined || first_byte === undefined || connect === undefined) return;
    const first_us = total - (answer ?? 0);
    this.#add("first_token", facts, first_us / 1e6);
    if (row.stream && usage.output_tokens > 1 && answer !== undefined)
      this.#add("per_token", facts, answer / 1e6 / (usage.output_tokens - 1));
  }

  /** Whether anything has been counted. */
  get is_empty(): boolean {
    return Object.values(this.#series).every((series) => series.size === 0);
  }

  /** As `Metric`s until a moment. */
  metrics(now_ms: number) {
    const time = nanosOf(now_ms);
    return Object.entries(INSTRUMENTS).flatMap(([key, { name, unit, description, bounds }]) => {
      const series = [...this.#series[key as InstrumentName].values()];
      if (series.length === 0) return [];
      const dataPoints = series.map((one) => ({
        ...{ attributes: one.attributes, startTimeUnixNano: this.#start, timeUnixNano: time },
        ...{ count: String(one.count), sum: one.sum, min: one.min, max: one.max },
        ...{ bucketCounts: one.counts.map(String), explicitBounds: bounds },
      }));
      return { name, unit, description, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
    });
  }

  #add(instrument: InstrumentName, facts: Readonly<Record<string, string>>, value: number): void {
    const all = this.#series[instrument];
    const key = JSON.stringify(Object.values(facts));
    const one = all.get(key) ?? this.#make(all, key, instrument, attributesOf(facts));
    const { bounds } = INSTRUMENTS[instrument];
    const bucket = bounds.findIndex((bound) => value <= bound);
    one.counts[bucket < 0 ? bounds.length : bucket]! += 1;
    one.count += 1;
    one.sum += value;
    one.min = Math.min(one.min, value);
    one.max = Math.max(one.max, value);
  }

  #make(
    all: Map<string, Series>,
    key: string,
    instrument: InstrumentName,
    attributes: readonly OtlpAttribute[],
  ): Series {
    const is_full = all.size >= SERIES_MAX;
    const before = is_full ? all.get("") : undefined;
    if (before !== undefined) return before;
    const { bounds } = INSTRUMENTS[instrument];
    const made: Series = {
      attributes: is_full ? OVERFLOW : attributes,
      counts: new Array<number>(bounds.length + 1).fill(0),
      ...{ count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: 0 },
    };
    all.set(is_full ? "" : key, made);
    return made;
  }
}
