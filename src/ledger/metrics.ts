// Counts and durations of calls, by provider and model, and their Prometheus text.
// Each gateway process counts in its own part of the mapped file; snapshots of them add up to the gateway's.

import { BUCKETS, bucketBound } from "../memory/histogram.ts";
import type { HistogramCounts, SeriesRecord } from "../memory/series.ts";
import { SeriesBlock } from "../memory/series_block.ts";
import { fastest } from "../wire/kernels.ts";
import type { Judged } from "./judged.ts";

/** Pairs of provider and model that become labels of their own; further ones count as "other". */
const SERIES_MAX = 500;
/** What has no labels of its own. */
export const OTHER = "other";

/** Tokens of a call by kind, as its provider counted them. */
interface TokenCounts {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
}

/** What is counted under labels; a label in the file is one of these and a value. */
const COUNTED = [
  "calls",
  "errors",
  "attempts",
  "tokens",
  "cache",
  "saved",
  "queue",
  "turned",
  "refused",
  "cost",
  "judged",
] as const;
type Counted = (typeof COUNTED)[number];

/** Bounds of the waits that are told apart, in seconds. */
const QUEUE_BOUNDS_S = [0.01, 0.1, 1, 10, 100] as const;

/** The histograms of a series. */
const FIRST_BYTE = 0;
const OVERHEAD = 1;
const TOTAL = 2;

/** What is counted for one pair of provider and model. */
export class Series {
  readonly #record: SeriesRecord;
  /** Where the numbers of labels are. */
  readonly #places: Readonly<Record<Counted, Map<string | number, number>>> = {
    calls: new Map(),
    errors: new Map(),
    attempts: new Map(),
    tokens: new Map(),
    cache: new Map(),
    saved: new Map(),
    queue: new Map(),
    turned: new Map(),
    refused: new Map(),
    cost: new Map(),
    judged: new Map(),
  };

  constructor(record: SeriesRecord) {
    this.#record = record;
  }

  /** Counts the end of a call; 499 is a client that went away. `code` is the error's, or null. */
  countCall(status: number, code: string | null): void {
    this.#add("calls", status, 1);
    if (code !== null) this.#add("errors", code, 1);
  }

  /** Counts a try sent upstream: `ok`, a status, or a failure of the connection. */
  countAttempt(outcome: string): void {
    this.#add("attempts", outcome, 1);
  }

  /** Tokens by kind, as the provider reported them. */
  countTokens(usage: TokenCounts): void {
    this.#add("tokens", "input", usage.input_tokens);
    this.#add("tokens", "cached_input", usage.cached_input_tokens);
    this.#add("tokens", "output", usage.output_tokens);
    this.#add("tokens", "reasoning", usage.reasoning_tokens);
  }

  /** What the caches did for a call, and what it would have taken without them. */
  countCache(
    outcome: string,
    saved: { readonly nano_usd: number; readonly duration_ms: number } | null,
  ): void {
    this.#add("cache", outcome, 1);
    if (saved === null) return;
    this.#add("saved", "nano_usd", saved.nano_usd);
    this.#add("saved", "duration_ms", saved.duration_ms);
  }

  /** A call came to a place after so many milliseconds in a queue. */
  countQueued(waited_ms: number): void {
    const bound = QUEUE_BOUNDS_S.find((bound_s) => waited_ms <= bound_s * 1_000) ?? "+Inf";
    this.#add("queue", bound, 1);
    this.#add("queue", "sum_ms", waited_ms);
  }

  /** A call waits no more, without having come to a place. */
  countQueueEnd(reason: string): void {
    this.#add("turned", reason, 1);
  }

  /** A limit refused a call: whose it is, and what it is about. */
  countRefusal(scope: string, of: string): void {
    this.#add("refused", `${scope}:${of}`, 1);
  }

  /** What an answer was seen to be. */
  countJudged({ refused, cut, json, tools }: Judged): void {
    this.#add("judged", "judged", 1);
    if (refused) this.#add("judged", "refused", 1);
    if (cut) this.#add("judged", "cut", 1);
    if (json !== null) this.#add("judged", json ? "json_valid" : "json_invalid", 1);
    if (tools !== null) this.#add("judged", tools ? "tools_called" : "tools_failed", 1);
  }

  /** What a call cost. */
  countCost(nano_usd: number): void {
    this.#add("cost", "nano_usd", nano_usd);
  }

  /** Time from asking the provider to its first byte, in microseconds. */
  countFirstByte(duration_us: number): void {
    this.#record.observe(FIRST_BYTE, duration_us);
  }

  /** Time that the gateway itself took, in microseconds. */
  countOverhead(duration_us: number): void {
    this.#record.observe(OVERHEAD, duration_us);
  }

  /** Time from a call's arrival to its end, in microseconds. */
  countTotal(duration_us: number): void {
    this.#record.observe(TOTAL, duration_us);
  }

  #add(what: Counted, value: string | number, amount: number): void {
    if (!(amount > 0)) return;
    let place = this.#places[what].get(value);
    if (place === undefined) {
      place = this.#record.placeOf(`${what}:${value}`);
      this.#places[what].set(value, place);
    }
    this.#record.add(place, amount);
  }
}

/** A gateway process' counts as plain data. */
export interface MetricsSnapshot {
  readonly in_flight: number;
  readonly sockets: number;
  readonly series: readonly SeriesSnapshot[];
}

interface SeriesSnapshot extends Readonly<Record<Counted, Readonly<Record<string, number>>>> {
  readonly provider: string;
  readonly model: string;
  readonly first_byte: HistogramCounts;
  readonly overhead: HistogramCounts;
  readonly total: HistogramCounts;
}

function addTo(counts: Record<string, number>, name: string, amount: number): void {
  if (amount > 0) counts[name] = (counts[name] ?? 0) + amount;
}

/** Provider and model of a series in the file; null if it has no name that can be read. */
function namesOf(record: SeriesRecord): readonly [provider: string, model: string] | null {
  try {
    return JSON.parse(record.name) as [string, string];
  } catch {
    return null;
  }
}

/** What a gateway process has counted. */
export function snapshotOf(block: SeriesBlock): MetricsSnapshot {
  const series = block.records.flatMap((record): SeriesSnapshot[] => {
    const names = namesOf(record);
    if (names === null) return [];
    const [provider, model] = names;
    const counts = Object.fromEntries(COUNTED.map((what) => [what, {}])) as Record<
      Counted,
      Record<string, number>
    >;
    for (const [label, number] of record.numbers()) {
      const what = COUNTED.find((one) => label.startsWith(`${one}:`));
      if (what !== undefined) addTo(counts[what], label.slice(what.length + 1), number);
    }
    const [first_byte, overhead] = [record.histogram(FIRST_BYTE), record.histogram(OVERHEAD)];
    return [{ provider, model, ...counts, first_byte, overhead, total: record.histogram(TOTAL) }];
  });
  return { in_flight: block.in_flight, sockets: block.sockets, series };
}

/** A gateway process' counters. */
export class Metrics {
  readonly #block: SeriesBlock;
  readonly #series = new Map<string, Map<string, Series>>();
  readonly #isTold: (provider: string, model: string) => boolean;

  /**
   * Counts on from what the block holds; without one, for this process alone.
   * @param isTold whether a model has labels of its own; clients can name any
   */
  constructor(
    block: SeriesBlock = SeriesBlock.own(),
    isTold: (provider: string, model: string) => boolean = () => true,
  ) {
    this.#block = block;
    this.#isTold = isTold;
    for (const record of block.records) {
      const names = namesOf(record);
      if (names !== null) this.#keep(names[0], names[1], new Series(record));
    }
  }

  get in_flight(): number {
    return this.#block.in_flight;
  }

  set in_flight(calls: number) {
    this.#block.in_flight = calls;
  }

  set sockets(open: number) {
    this.#block.sockets = open;
  }

  snapshot(): MetricsSnapshot {
    return snapshotOf(this.#block);
  }

  /** The counts of a provider and one of its models. */
  of(provider: string, model: string): Series {
    return this.#series.get(provider)?.get(model) ?? this.#make(provider, model);
  }

  #make(provider: string, model: string): Series {
    const is_other = provider === OTHER && model === OTHER;
    // Nothing is kept of its name: there is no end to them.
    if (!is_other && model !== OTHER && model !== "none" && !this.#isTold(provider, model))
      return this.of(provider, OTHER);
    // There is always room for what has no name of its own.
    const is_full = !is_other && this.#block.count >= SERIES_MAX;
    const record = is_full ? null : this.#block.append(JSON.stringify([provider, model]));
    if (record === null) {
      if (is_other) throw new Error("there are more series than can be");
      return this.of(OTHER, OTHER);
    }
    const made = new Series(record);
    this.#keep(provider, model, made);
    return made;
  }

  #keep(provider: string, model: string, series: Series): void {
    const models = this.#series.get(provider);
    if (models === undefined) this.#series.set(provider, new Map([[model, series]]));
    else models.set(model, series);
  }
}

function sumRecords(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  for (const [name, amount] of Object.entries(b)) addTo(sum, name, amount);
  return sum;
}

function sumHistograms(a: HistogramCounts, b: HistogramCounts): HistogramCounts {
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
            cache: sumRecords(before.cache, one.cache),
            saved: sumRecords(before.saved, one.saved),
            queue: sumRecords(before.queue, one.queue),
            turned: sumRecords(before.turned, one.turned),
            refused: sumRecords(before.refused, one.refused),
            cost: sumRecords(before.cost, one.cost),
            judged: sumRecords(before.judged, one.judged),
            first_byte: sumHistograms(before.first_byte, one.first_byte),
            overhead: sumHistograms(before.overhead, one.overhead),
            total: sumHistograms(before.total, one.total),
          },
    );
  }
  const in_flight = snapshots.reduce((sum, snapshot) => sum + snapshot.in_flight, 0);
  const sockets = snapshots.reduce((sum, snapshot) => sum + snapshot.sockets, 0);
  return { in_flight, sockets, series: [...merged.values()] };
}

/** Escapes a label's value (Prometheus text format 0.0.4, "Comments, help text, and type information"). */
export function labelText(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function labels(one: SeriesSnapshot, extra: string): string {
  return `{provider="${labelText(one.provider)}",model="${labelText(one.model)}"${extra}}`;
}

function counterLines(
  name: string,
  help: string,
  dimension: string,
  series: readonly SeriesSnapshot[],
  counts: (one: SeriesSnapshot) => Readonly<Record<string, number>>,
): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} counter`];
  for (const one of series) {
    for (const [value, amount] of Object.entries(counts(one))) {
      lines.push(`${name}${labels(one, `,${dimension}="${labelText(value)}"`)} ${amount}`);
    }
  }
  return lines;
}

function savedLines(
  name: string,
  help: string,
  series: readonly SeriesSnapshot[],
  what: string,
  per_unit: number,
): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} counter`];
  for (const one of series) {
    const saved = one.saved[what];
    if (saved !== undefined) lines.push(`${name}${labels(one, "")} ${saved / per_unit}`);
  }
  return lines;
}

function histogramLines(
  name: string,
  help: string,
  series: readonly SeriesSnapshot[],
  histogram: (one: SeriesSnapshot) => HistogramCounts,
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

/** What calls have cost whose price is known. */
function costLines(series: readonly SeriesSnapshot[]): string[] {
  const name = "venturi_cost_usd_total";
  const lines = [`# HELP ${name} Dollars that calls cost whose price is known.`, `# TYPE ${name} counter`];
  for (const one of series) {
    const nano_usd = one.cost["nano_usd"];
    if (nano_usd !== undefined) lines.push(`${name}${labels(one, "")} ${nano_usd / 1e9}`);
  }
  return lines;
}

/** Which limits refused calls: nobody has been asked for those, so that they have no provider. */
function refusalLines(series: readonly SeriesSnapshot[]): string[] {
  const name = "venturi_limit_refusals_total";
  const sums: Record<string, number> = {};
  for (const { refused } of series)
    for (const [what, count] of Object.entries(refused)) addTo(sums, what, count);
  const lines = Object.entries(sums).map(([what, count]) => {
    const [scope = "", of = ""] = what.split(":");
    return `${name}{scope="${labelText(scope)}",limit="${labelText(of)}"} ${count}`;
  });
  return [
    `# HELP ${name} Calls that a limit refused, by whose it is and what it is about.`,
    `# TYPE ${name} counter`,
    ...lines,
  ];
}

/** How long calls waited that came to a place. */
function queueLines(series: readonly SeriesSnapshot[]): string[] {
  const name = "venturi_queue_wait_seconds";
  const lines = [`# HELP ${name} Time in a queue of calls that came to a place.`, `# TYPE ${name} histogram`];
  for (const one of series) {
    if (one.queue["sum_ms"] === undefined) continue;
    let below = 0;
    for (const bound of [...QUEUE_BOUNDS_S, "+Inf"]) {
      below += one.queue[bound] ?? 0;
      lines.push(`${name}_bucket${labels(one, `,le="${bound}"`)} ${below}`);
    }
    lines.push(`${name}_sum${labels(one, "")} ${one.queue["sum_ms"] / 1e3}`);
    lines.push(`${name}_count${labels(one, "")} ${below}`);
  }
  return lines;
}

/** What is counted elsewhere than in series: a name, what it is, and its samples by their labels' text. */
export interface OtherMetric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: Readonly<Record<string, number>>;
}

function otherLines({ name, type, help, samples }: OtherMetric): string[] {
  const lines = Object.entries(samples).map(([label_text, value]) => `${name}${label_text} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

/** The Prometheus text (exposition format 0.0.4) of a snapshot. Durations are in seconds. */
export function renderPrometheus(
  snapshot: MetricsSnapshot,
  processes: number,
  lag_events = 0,
  others: readonly OtherMetric[] = [],
): string {
  const { series } = snapshot;
  const lines = [
    "# HELP venturi_processes Gateway processes that answer calls.",
    "# TYPE venturi_processes gauge",
    `venturi_processes ${processes}`,
    "# HELP venturi_calls_in_flight Calls being answered now.",
    "# TYPE venturi_calls_in_flight gauge",
    `venturi_calls_in_flight ${snapshot.in_flight}`,
    "# HELP venturi_websockets_open Clients' WebSockets that are open now.",
    "# TYPE venturi_websockets_open gauge",
    `venturi_websockets_open ${snapshot.sockets}`,
    "# HELP venturi_ledger_lag_events Rows of calls that wait to be written to the ledger.",
    "# TYPE venturi_ledger_lag_events gauge",
    `venturi_ledger_lag_events ${lag_events}`,
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
    ...counterLines(
      "venturi_cache_calls_total",
      "Calls of models that keep their answers, by what the caches did.",
      "outcome",
      series,
      (one) => one.cache,
    ),
    ...costLines(series),
    ...counterLines(
      "venturi_quality_answers_total",
      "Answers that were looked at, and what they were found to be.",
      "found",
      series,
      (one) => one.judged,
    ),
    ...refusalLines(series),
    ...savedLines("venturi_cache_saved_usd_total", "Dollars saved by kept answers.", series, "nano_usd", 1e9),
    ...savedLines(
      "venturi_cache_saved_seconds_total",
      "Time of asking saved by kept answers.",
      series,
      "duration_ms",
      1e3,
    ),
    ...histogramLines(
      "venturi_first_byte_seconds",
      "Time from asking a provider to its first byte.",
      series,
      (one) => one.first_byte,
    ),
    ...histogramLines(
      "venturi_call_seconds",
      "Time from a call's arrival to its end; of streams, to their last byte.",
      series,
      (one) => one.total,
    ),
    ...histogramLines(
      "venturi_overhead_seconds",
      "Time that the gateway itself took for a call.",
      series,
      (one) => one.overhead,
    ),
    ...queueLines(series),
    ...counterLines(
      "venturi_queue_rejected_total",
      "Calls that left a queue, or were not let in, without having come to a place.",
      "reason",
      series,
      (one) => one.turned,
    ),
    ...others.flatMap(otherLines),
  ];
  return `${lines.join("\n")}\n`;
}
