// Counts and durations of calls, by provider and model, and their Prometheus text.
// Each gateway process counts in its own plain objects; snapshots of them add up to the gateway's.

import { BUCKETS, bucketBound, createHistogram, type Histogram, observe } from "../memory/histogram.ts";
import { fastest } from "../wire/kernels.ts";

/** Pairs of provider and model that become labels of their own; further ones count as "other". */
const SERIES_MAX = 500;

/** Tokens of a call by kind, as its provider counted them. */
interface TokenCounts {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
}

/** What is counted for one pair of provider and model. */
export class Series {
  readonly provider: string;
  readonly model: string;
  /** Finished calls by status; 499 is a client that went away. */
  readonly calls: Record<string, number> = {};
  /** Failed calls by error code. */
  readonly errors: Record<string, number> = {};
  /** Tries sent upstream, by what came of them. */
  readonly attempts: Record<string, number> = {};
  /** Tokens by kind, as the providers reported them. */
  readonly tokens: Record<string, number> = {};
  readonly first_byte: Histogram = createHistogram();
  readonly overhead: Histogram = createHistogram();

  constructor(provider: string, model: string) {
    this.provider = provider;
    this.model = model;
  }

  /** Counts the end of a call. `code` is the error's, or null. */
  countCall(status: number, code: string | null): void {
    addTo(this.calls, String(status), 1);
    if (code !== null) addTo(this.errors, code, 1);
  }

  /** Counts a try sent upstream: `ok`, a status, or a failure of the connection. */
  countAttempt(outcome: string): void {
    addTo(this.attempts, outcome, 1);
  }

  countTokens(usage: TokenCounts): void {
    addTo(this.tokens, "input", usage.input_tokens);
    addTo(this.tokens, "cached_input", usage.cached_input_tokens);
    addTo(this.tokens, "output", usage.output_tokens);
    addTo(this.tokens, "reasoning", usage.reasoning_tokens);
  }

  /** Time from asking the provider to its first byte, in microseconds. */
  countFirstByte(duration_us: number): void {
    observe(this.first_byte, duration_us);
  }

  /** Time that the gateway itself took, in microseconds. */
  countOverhead(duration_us: number): void {
    observe(this.overhead, duration_us);
  }
}

/** A gateway process' counts as plain data. */
export interface MetricsSnapshot {
  readonly in_flight: number;
  readonly series: readonly SeriesSnapshot[];
}

interface HistogramSnapshot {
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum_us: number;
}

type Counts = "provider" | "model" | "calls" | "errors" | "attempts" | "tokens";

interface SeriesSnapshot extends Pick<Series, Counts> {
  readonly first_byte: HistogramSnapshot;
  readonly overhead: HistogramSnapshot;
}

function addTo(counts: Record<string, number>, name: string, amount: number): void {
  if (amount > 0) counts[name] = (counts[name] ?? 0) + amount;
}

/** A gateway process' counters. */
export class Metrics {
  in_flight = 0;
  readonly #series = new Map<string, Map<string, Series>>();
  #series_count = 0;

  snapshot(): MetricsSnapshot {
    const series: SeriesSnapshot[] = [];
    for (const models of this.#series.values()) {
      for (const one of models.values()) {
        series.push({ ...one, first_byte: plain(one.first_byte), overhead: plain(one.overhead) });
      }
    }
    return { in_flight: this.in_flight, series };
  }

  /** The counts of a provider and one of its models. */
  of(provider: string, model: string): Series {
    let models = this.#series.get(provider);
    if (models === undefined) {
      models = new Map();
      this.#series.set(provider, models);
    }
    const found = models.get(model);
    if (found !== undefined) return found;
    if (this.#series_count >= SERIES_MAX && !(provider === "other" && model === "other")) {
      return this.of("other", "other");
    }
    const made = new Series(provider, model);
    models.set(model, made);
    this.#series_count += 1;
    return made;
  }
}

function plain(histogram: Histogram): HistogramSnapshot {
  return { counts: Array.from(histogram.counts), count: histogram.count, sum_us: histogram.sum_us };
}

function sumRecords(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sum = { ...a };
  for (const [name, amount] of Object.entries(b)) addTo(sum, name, amount);
  return sum;
}

function sumHistograms(a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  return {
    counts: a.counts.map((count, bucket) => count + (b.counts[bucket] ?? 0)),
    count: a.count + b.count,
    sum_us: a.sum_us + b.sum_us,
  };
}

/** Adds up the counts of several processes. */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const merged = new Map<string, SeriesSnapshot>();
  for (const one of snapshots.flatMap((snapshot) => snapshot.series)) {
    const name = JSON.stringify([one.provider, one.model]);
    const before = merged.get(name);
    merged.set(
      name,
      before === undefined
        ? one
        : {
            provider: one.provider,
            model: one.model,
            calls: sumRecords(before.calls, one.calls),
            errors: sumRecords(before.errors, one.errors),
            attempts: sumRecords(before.attempts, one.attempts),
            tokens: sumRecords(before.tokens, one.tokens),
            first_byte: sumHistograms(before.first_byte, one.first_byte),
            overhead: sumHistograms(before.overhead, one.overhead),
          },
    );
  }
  const in_flight = snapshots.reduce((sum, snapshot) => sum + snapshot.in_flight, 0);
  return { in_flight, series: [...merged.values()] };
}

/** Escapes a label's value (Prometheus text format 0.0.4, "Comments, help text, and type information"). */
function label(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function labels(one: SeriesSnapshot, extra: string): string {
  return `{provider="${label(one.provider)}",model="${label(one.model)}"${extra}}`;
}

function counterLines(
  name: string,
  help: string,
  dimension: string,
  series: readonly SeriesSnapshot[],
  counts: (one: SeriesSnapshot) => Record<string, number>,
): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} counter`];
  for (const one of series) {
    for (const [value, amount] of Object.entries(counts(one))) {
      lines.push(`${name}${labels(one, `,${dimension}="${label(value)}"`)} ${amount}`);
    }
  }
  return lines;
}

function histogramLines(
  name: string,
  help: string,
  series: readonly SeriesSnapshot[],
  histogram: (one: SeriesSnapshot) => HistogramSnapshot,
): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const one of series) {
    const { counts, count, sum_us } = histogram(one);
    if (count === 0) continue;
    let below = 0;
    // Every fourth bound, that is every doubling, is enough for a quantile and keeps a scrape small.
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += counts[bucket] ?? 0;
      if (bucket % 4 !== 3 || bucketBound(bucket) > 1e9) continue;
      lines.push(`${name}_bucket${labels(one, `,le="${bucketBound(bucket) / 1e6}"`)} ${below}`);
    }
    lines.push(`${name}_bucket${labels(one, ',le="+Inf"')} ${count}`);
    lines.push(`${name}_sum${labels(one, "")} ${sum_us / 1e6}`);
    lines.push(`${name}_count${labels(one, "")} ${count}`);
  }
  return lines;
}

/** The Prometheus text (exposition format 0.0.4) of a snapshot. Durations are in seconds. */
export function renderPrometheus(snapshot: MetricsSnapshot, processes: number): string {
  const { series } = snapshot;
  const lines = [
    "# HELP venturi_processes Gateway processes that answer calls.",
    "# TYPE venturi_processes gauge",
    `venturi_processes ${processes}`,
    "# HELP venturi_calls_in_flight Calls being answered now.",
    "# TYPE venturi_calls_in_flight gauge",
    `venturi_calls_in_flight ${snapshot.in_flight}`,
    "# HELP venturi_native Which implementation scans bytes: typescript, or native code by its instructions.",
    "# TYPE venturi_native gauge",
    `venturi_native{level="${fastest.level}"} 1`,
    ...counterLines("venturi_calls_total", "Calls ended.", "status", series, (one) => one.calls),
    ...counterLines("venturi_errors_total", "Calls that failed.", "code", series, (one) => one.errors),
    ...counterLines(
      "venturi_attempts_total",
      "Tries sent to providers.",
      "outcome",
      series,
      (one) => one.attempts,
    ),
    ...counterLines(
      "venturi_tokens_total",
      "Tokens as reported by providers.",
      "kind",
      series,
      (one) => one.tokens,
    ),
    ...histogramLines(
      "venturi_first_byte_seconds",
      "Time from asking a provider to its first byte.",
      series,
      (one) => one.first_byte,
    ),
    ...histogramLines(
      "venturi_overhead_seconds",
      "Time that the gateway itself took for a call.",
      series,
      (one) => one.overhead,
    ),
  ];
  return `${lines.join("\n")}\n`;
}
