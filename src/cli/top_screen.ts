// What `venturi top` shows: a look at the gateway as lines of text. Two looks make a rate.

import { alignTable, showCount, showUsd } from "./table.ts";

/** Sums since the counts began, as the admin API's `pulse` tells them. */
export interface PulseCounts {
  readonly calls: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly in_flight: number;
  readonly sockets: number;
}

/** Milliseconds. */
interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** An answer of `pulse`. */
export interface Pulse {
  readonly time: string;
  /** Null: no gateway runs. */
  readonly counts: PulseCounts | null;
  readonly latency: { readonly first_byte_ms: Quantiles | null; readonly total_ms: Quantiles | null };
  readonly today: {
    readonly calls: number;
    readonly errors: number;
    readonly cost_usd: number;
    readonly saved_usd: number;
  };
}

/** A target, as `health` tells of it. */
export interface TopTarget {
  readonly provider: string;
  readonly model: string;
  readonly state: string;
  readonly calls: number;
  readonly failures: number;
  readonly in_flight: number;
  readonly p95_ms: number | null;
}

/** A call, as `calls` tells of it. */
export interface TopCall {
  readonly time: number;
  readonly model: string | null;
  readonly provider: string | null;
  readonly served_model: string | null;
  readonly key: string | null;
  readonly status: number;
  readonly error: string | null;
  readonly cost_usd: number | null;
  readonly timings_us: { readonly total?: number | null };
}

/** What was seen at one moment. */
export interface Look {
  readonly pulse: Pulse;
  readonly targets: readonly TopTarget[];
  readonly calls: readonly TopCall[];
}

/** What happened a second between two looks. */
export interface Rates {
  readonly calls: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** The rates between two looks; null where one of them has no counts, or no time lies between them. */
export function ratesBetween(before: Pulse, now: Pulse): Rates | null {
  const seconds = (Date.parse(now.time) - Date.parse(before.time)) / 1_000;
  const [from, to] = [before.counts, now.counts];
  if (from === null || to === null || !(seconds > 0)) return null;
  // Counts begin anew with a new file of them.
  const rate = (name: keyof Rates) => Math.max(0, to[name] - from[name]) / seconds;
  return {
    calls: rate("calls"),
    errors: rate("errors"),
    input_tokens: rate("input_tokens"),
    output_tokens: rate("output_tokens"),
  };
}

/** How text is marked on a terminal; plain where there is none. */
export interface Ink {
  strong(text: string): string;
  bad(text: string): string;
  faint(text: string): string;
}

const marked = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;

/** Colours of a terminal. */
export const COLOURS: Ink = { strong: marked(1), bad: marked(31), faint: marked(2) };
const as_is = (text: string) => text;
/** None. */
export const PLAIN: Ink = { strong: as_is, bad: as_is, faint: as_is };

/** A duration in microseconds, short. */
export function showDuration(us: number | null | undefined): string {
  if (us === null || us === undefined) return "–";
  if (us < 999.5) return `${Math.round(us)} µs`;
  if (us < 999_500) return `${(us / 1_000).toFixed(us < 10_000 ? 1 : 0)} ms`;
  return `${(us / 1_000_000).toFixed(us < 10_000_000 ? 2 : 1)} s`;
}

const showRate = (rate: number) => (rate < 10 ? rate.toFixed(1) : showCount(Math.round(rate)));

function showQuantiles(quantiles: Quantiles | null): string {
  if (quantiles === null) return "–";
  const { p50, p95, p99 } = quantiles;
  return [p50, p95, p99].map((ms) => showDuration(ms * 1_000)).join(" / ");
}

/** The lines of a screen with so many rows and columns; longer lines are cut, and calls fill what is left of the rows. */
export function screenLines(
  look: Look,
  rates: Rates | null,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  ink: Ink,
): string[] {
  const { pulse, targets, calls } = look;
  const { counts, latency, today } = pulse;
  const cut = (line: string) => (Bun.stringWidth(line) > columns ? Bun.sliceAnsi(line, 0, columns) : line);
  const head = [
    `${ink.strong("venturi")}  ${pulse.time.slice(0, 19).replace("T", " ")} UTC`,
    rates === null
      ? "calls – /s"
      : `calls ${ink.strong(showRate(rates.calls))}/s  failed ${rates.errors > 0 ? ink.bad(showRate(rates.errors)) : "0"}/s  tokens ${showRate(rates.input_tokens)} in, ${showRate(rates.output_tokens)} out /s`,
    `in flight ${showCount(counts?.in_flight ?? 0)}  sockets ${showCount(counts?.sockets ?? 0)}  first byte ${showQuantiles(latency.first_byte_ms)}  whole ${showQuantiles(latency.total_ms)}`,
    `today ${showCount(today.calls)} calls, ${showCount(today.errors)} failed, ${showUsd(today.cost_usd)} spent, ${showUsd(today.saved_usd)} saved`,
    "",
  ];
  const told = [...targets].sort((a, b) => b.calls - a.calls).slice(0, Math.max(3, Math.floor(rows / 3)));
  const health = alignTable(
    ["target", "breaker", "30 s", "failed", "in flight", "p95"],
    told.map((one) => [
      ...[`${one.provider}/${one.model}`, one.state, showCount(one.calls), showCount(one.failures)],
      ...[showCount(one.in_flight), one.p95_ms === null ? "–" : showDuration(one.p95_ms * 1_000)],
    ]),
    ["left", "left", "right", "right", "right", "right"],
  ).map((line, index) => {
    const target = told[index - 2];
    if (target === undefined) return ink.faint(line);
    return target.state === "open" ? ink.bad(line) : line;
  });
  const left = Math.max(0, rows - head.length - health.length - 4);
  const newest = calls.slice(0, left);
  const latest = alignTable(
    ["time", "model", "answered by", "key", "status", "took", "cost"],
    newest.map((call) => [
      ...[new Date(call.time).toISOString().slice(11, 19), call.model ?? "–"],
      ...[call.provider === null ? "–" : `${call.provider}/${call.served_model ?? "–"}`, call.key ?? "–"],
      ...[call.error === null ? String(call.status) : `${call.status} ${call.error}`],
      ...[showDuration(call.timings_us.total), showUsd(call.cost_usd)],
    ]),
    ["left", "left", "left", "left", "left", "right", "right"],
  ).map((line, index) => {
    const call = newest[index - 2];
    if (call === undefined) return ink.faint(line);
    return call.status >= 400 || call.error !== null ? ink.bad(line) : line;
  });
  const none = targets.length === 0 ? [ink.faint("no target was asked yet")] : health;
  return [...head, ...none, "", ...latest].slice(0, Math.max(1, rows - 1)).map(cut);
}

/** What a line of a look has as JSON, for programs that read it. */
export function lookJson({ pulse, targets }: Look, rates: Rates | null): string {
  return JSON.stringify({ ...pulse, per_second: rates, targets });
}
