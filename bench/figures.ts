// From rounds to figures: medians, spread, ratios, and the table that shows them.

import type { Case } from "./part.ts";

/** A measure: how it is shown, and whether less of it is better. */
export interface Measure {
  readonly title: string;
  readonly digits: number;
  readonly is_cost: boolean;
}

const cost = (title: string, digits = 1): Measure => ({ title, digits, is_cost: true });

/** Every measure of the suite, by its name in the results. */
export const MEASURES: Readonly<Record<string, Measure>> = {
  gateway_cpu_us: cost("gateway process, CPU µs/call"),
  cpu_us: cost("CPU µs/call"),
  cpu_us_per_chunk: cost("CPU µs/chunk", 2),
  calls_per_s: { title: "calls/s", digits: 0, is_cost: false },
  chunks_per_s: { title: "chunks/s", digits: 0, is_cost: false },
  asked_per_s: { title: "asked/s", digits: 0, is_cost: false },
  p50_us: cost("p50 µs", 0),
  p99_us: cost("p99 µs", 0),
  p999_us: cost("p99.9 µs", 0),
  added_p50_us: cost("added p50 µs", 0),
  added_p99_us: cost("added p99 µs", 0),
  added_p999_us: cost("added p99.9 µs", 0),
  first_p50_us: cost("first p50 µs", 0),
  first_p99_us: cost("first p99 µs", 0),
  added_first_p50_us: cost("added first p50 µs", 0),
  added_first_p99_us: cost("added first p99 µs", 0),
  lag_p99_us: { title: "generator's lag p99 µs", digits: 0, is_cost: false },
  event_p50_us: cost("an event's way, p50 µs", 0),
  event_p99_us: cost("an event's way, p99 µs", 0),
  added_event_p50_us: cost("added to an event, p50 µs", 0),
  added_event_p99_us: cost("added to an event, p99 µs", 0),
  sockets: { title: "sockets", digits: 0, is_cost: false },
  streams: { title: "streams", digits: 0, is_cost: false },
  kb_per_stream: cost("KB/stream"),
  first_200_ms: cost("first 200, ms", 0),
  memory_mb: cost("memory MB"),
  private_mb: cost("of it private MB"),
  processes: { title: "processes", digits: 0, is_cost: false },
  share_percent: cost("share %", 2),
  busiest_share: cost("busiest / even share", 2),
  system_calls: cost("system calls/call", 2),
  early_mb: { title: "early MB", digits: 1, is_cost: false },
  late_mb: { title: "late MB", digits: 1, is_cost: false },
  growth_percent: cost("growth %"),
  longest_ms: cost("longest turn ms", 2),
  whole_ms: cost("all turns ms", 1),
  ns: cost("ns", 0),
  cpu_us_per_operation: cost("CPU µs each", 2),
  operations_per_s: { title: "a second", digits: 0, is_cost: false },
  longest_us: cost("longest µs", 0),
  refused_percent: cost("refused %", 2),
  rows: { title: "rows", digits: 0, is_cost: false },
  rows_per_s: { title: "rows/s", digits: 0, is_cost: false },
  bytes_per_row: cost("bytes/row", 0),
  file_mb: { title: "file MB", digits: 0, is_cost: false },
  query_ms: cost("query ms", 2),
  query_cpu_ms: cost("CPU ms/query", 2),
  recall_percent: { title: "nearest found %", digits: 1, is_cost: false },
  first_ms: cost("first answer ms", 0),
  load_ms: cost("all loaded ms", 0),
  gb_per_s: { title: "GB/s", digits: 2, is_cost: false },
};

/** The middle value; between the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** Half the range of values. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / 2;
}

/** The median of a measure, or null where there is no figure. */
export function medianOf(
  cases: readonly Case[],
  row: string,
  target: string,
  measure: string,
): number | null {
  const values = cases.find((found) => found.row === row && found.target === target)?.values[measure];
  return values === undefined || values.length === 0 ? null : median(values);
}

/** How many times HAProxy's figure it is; null where one of them is missing or not above zero. */
export function ratioToHaproxy(
  cases: readonly Case[],
  row: string,
  target: string,
  measure: string,
): number | null {
  const own = medianOf(cases, row, target, measure);
  const floor = medianOf(cases, row, "haproxy", measure);
  return own === null || floor === null || floor <= 0 ? null : own / floor;
}

/** A number with its digits. */
export function show(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Tables of the cases, one for the rows that have the same measures: a line for each row and target. */
export function tablesOf(cases: readonly Case[]): string[][][] {
  const groups = new Map<string, Case[]>();
  for (const row of new Set(cases.map((found) => found.row))) {
    const own = cases.filter((found) => found.row === row);
    const key = measuresOf(own).join();
    groups.set(key, [...(groups.get(key) ?? []), ...own]);
  }
  return [...groups.values()].map(tableOf);
}

/** The measures that some of the cases have, in the order of `MEASURES`. */
function measuresOf(cases: readonly Case[]): string[] {
  return Object.keys(MEASURES).filter((name) => cases.some(({ values }) => name in values));
}

/** A table of the cases; the ratio to HAProxy stands beside the costs. */
function tableOf(cases: readonly Case[]): string[][] {
  const names = measuresOf(cases);
  const cell = ({ row, target, values }: Case, name: string) => {
    const all = values[name];
    if (all === undefined) return "";
    const { digits, is_cost } = MEASURES[name]!;
    const is_floor = target === "haproxy" || target === "direct";
    const ratio = is_cost && !is_floor ? ratioToHaproxy(cases, row, target, name) : null;
    const times = ratio === null ? "" : ` (${show(ratio, 2)}×)`;
    return `${show(median(all), digits)} ±${show(spread(all), digits)}${times}`;
  };
  const lines = cases.map((found) => {
    const cells =
      found.fault === null ? names.map((name) => cell(found, name)) : [`no figure: ${found.fault}`];
    return [found.row, found.target, ...cells];
  });
  return [["row", "target", ...names.map((name) => MEASURES[name]!.title)], ...lines];
}

/** The table for a terminal. */
export function alignTable(table: readonly (readonly string[])[]): string[] {
  const widths = table[0]!.map((_, column) =>
    Math.max(
      ...table.filter((line) => line.length > 3 || column < 2).map((line) => line[column]?.length ?? 0),
    ),
  );
  return table.map((line) =>
    line
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

/** The table as Markdown. */
export function markdownTable(table: readonly (readonly string[])[]): string[] {
  const width = table[0]!.length;
  const line = (cells: readonly string[]) =>
    `| ${Array.from({ length: width }, (_, column) => cells[column]?.replaceAll("|", "\\|") ?? "").join(" | ")} |`;
  const rule = `| ${Array.from({ length: width }, (_, column) => (column < 2 ? "---" : "---:")).join(" | ")} |`;
  return [line(table[0]!), rule, ...table.slice(1).map(line)];
}
