// `venturi usage`: what was used and what it cost, by whom or what one likes. It reads the ledger itself, so that it works
// whether a gateway runs or not, and keeps none that does waiting.

import type { Dimension } from "../ledger/store/groups.ts";
import { USAGE_FIELDS, type UsageAnswer, type UsageRow, usdOf } from "../ledger/store/query.ts";
import { FLAG, HELP, parseFlags, SWITCH, voiceOf } from "./command_line.ts";
import { findDataFolder, openLedgerOf } from "./data_folder.ts";
import { flushLedger } from "./flush_ledger.ts";
import { MOMENT_EXAMPLES, readRange, showMoment } from "./moment.ts";
import { alignTable, csvLines, showCount, showUsd } from "./table.ts";

const USAGE = `usage: venturi usage [--by FIELD,...] [--since T] [--until T] [--format table|json|csv] [--flush] [--config F] [--data DIR]
fields: ${USAGE_FIELDS.join(", ")}; by default model
times: ${MOMENT_EXAMPLES}, in UTC; by default the last 30 days`;
const { help, misuse, failed } = voiceOf("usage", USAGE);

const FORMATS = ["table", "json", "csv"] as const;
type Format = (typeof FORMATS)[number];

interface Flags {
  readonly by: readonly Dimension[];
  readonly since_ms: number;
  readonly until_ms: number;
  readonly format: Format;
  readonly is_flush: boolean;
  readonly data: string | undefined;
  readonly config: string | undefined;
}

/** Prints usage. Returns the exit code: 0, 1 where there is no ledger to read, 2 for misuse. */
export async function usage(args: readonly string[]): Promise<number> {
  const now_ms = Date.now();
  const flags = readFlags(args, now_ms);
  if (flags === "help") return help();
  if (typeof flags === "string") return misuse(flags);
  const folder = findDataFolder(flags.data, flags.config);
  if (typeof folder !== "string") return failed(folder.fault);
  if (flags.is_flush) {
    const fault = await flush(folder);
    // What is there is told all the same.
    if (fault !== null) failed(fault);
  }
  const reader = await openLedgerOf(flags.data, flags.config);
  if ("fault" in reader) return failed(reader.fault);
  try {
    const answer = await reader.usage(flags, now_ms);
    const { by } = flags;
    const lines = { table: tableLines, json: jsonLines, csv: csvOf }[flags.format](answer, by);
    console.log(lines.join("\n"));
    return 0;
  } finally {
    reader.close();
  }
}

/** The flags; in words what is wrong with them; or `help`. */
function readFlags(args: readonly string[], now_ms: number): Flags | string {
  const options = {
    by: FLAG,
    since: FLAG,
    until: FLAG,
    format: FLAG,
    data: FLAG,
    config: FLAG,
    flush: SWITCH,
    help: HELP,
  };
  const parsed = parseFlags(args, { options });
  if (typeof parsed === "string") return parsed;
  const { values } = parsed;
  if (values.help === true) return "help";
  const by = (values.by ?? "model").split(",").map((field) => field.trim());
  const unknown = by.find((field) => !(USAGE_FIELDS as readonly string[]).includes(field));
  if (unknown !== undefined)
    return `there is no field "${unknown}" for --by; there are ${USAGE_FIELDS.join(", ")}`;
  const range = readRange(values, "30d", now_ms);
  if (typeof range === "string") return range;
  const format = FORMATS.find((name) => name === (values.format ?? "table"));
  if (format === undefined) return `--format must be ${FORMATS.join(", ")}, not "${values.format}"`;
  if (values.data === "") return "--data must not be empty";
  const { data, config, flush: is_flush = false } = values;
  return { by: by as Dimension[], ...range, format, is_flush, data, config };
}

/** Has the gateway write what waits to be written. In words, why it did not. */
async function flush(folder: string): Promise<string | null> {
  const flushed = await flushLedger(folder);
  switch (flushed) {
    case "flushed":
      return null;
    case "late":
      return "the gateway did not flush its ledger in time; this is what is written so far";
    case "absent":
      return `no gateway runs on ${folder}; this is what its ledger has`;
    default:
      return `the gateway did not flush its ledger (it answered ${flushed}); this is what is written so far`;
  }
}

/** A row as JSON and CSV have it. */
function plainRow(row: UsageRow, by: readonly Dimension[]): Record<string, string | number | null> {
  return {
    ...Object.fromEntries(by.map((field) => [field, row.by[field] ?? null])),
    calls: row.calls,
    errors: row.errors,
    input_tokens: row.input_tokens,
    cached_input_tokens: row.cached_input_tokens,
    output_tokens: row.output_tokens,
    reasoning_tokens: row.reasoning_tokens,
    cost_usd: usdOf(row),
    cost_nano_usd: Number(row.cost_nano_usd),
    unpriced_calls: row.unpriced_calls,
    estimated_calls: row.estimated_calls,
    cache_hits: row.cache_hits,
    saved_usd: Number(row.saved_nano_usd) / 1e9,
  };
}

function jsonLines({ rows }: UsageAnswer, by: readonly Dimension[]): string[] {
  return [
    JSON.stringify(
      rows.map((row) => plainRow(row, by)),
      null,
      2,
    ),
  ];
}

function csvOf({ rows }: UsageAnswer, by: readonly Dimension[]): string[] {
  const none: UsageRow = { ...NOTHING, by: {} };
  const head = Object.keys(plainRow(none, by));
  return csvLines([head, ...rows.map((row) => Object.values(plainRow(row, by)))]);
}

const NOTHING: Omit<UsageRow, "by"> = {
  ...{ calls: 0, errors: 0, input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, reasoning_tokens: 0 },
  ...{ cache_hits: 0, saved_nano_usd: 0n, cost_nano_usd: 0n, unpriced_calls: 0, estimated_calls: 0 },
};

function tableLines({ rows, since_ms, until_ms }: UsageAnswer, by: readonly Dimension[]): string[] {
  const range = `${showMoment(since_ms)} to ${showMoment(until_ms)} UTC`;
  if (rows.length === 0) return [`No calls from ${range}.`];
  const has_unpriced = rows.some(({ unpriced_calls }) => unpriced_calls > 0);
  const has_hits = rows.some(({ cache_hits }) => cache_hits > 0);
  const has_estimated = rows.some(({ estimated_calls }) => estimated_calls > 0);
  const cells = (row: UsageRow): string[] => [
    ...[row.calls, row.errors, row.input_tokens, row.cached_input_tokens].map(showCount),
    ...[row.output_tokens, row.reasoning_tokens].map(showCount),
    showUsd(usdOf(row)),
    ...(has_hits ? [showCount(row.cache_hits), showUsd(Number(row.saved_nano_usd) / 1e9)] : []),
    ...(has_unpriced ? [showCount(row.unpriced_calls)] : []),
    ...(has_estimated ? [showCount(row.estimated_calls)] : []),
  ];
  const head = [
    ...[...by, "calls", "errors", "input", "cached", "output", "reasoning", "cost"],
    ...(has_hits ? ["cache hits", "saved"] : []),
    ...(has_unpriced ? ["unpriced"] : []),
    ...(has_estimated ? ["estimated"] : []),
  ];
  const sides = head.map((_, column) => (column < by.length ? "left" : "right") as "left" | "right");
  const body = rows.map((row) => [...by.map((field) => row.by[field] ?? "–"), ...cells(row)]);
  const total = ["total", ...by.slice(1).map(() => ""), ...cells(totalOf(rows))];
  return [`Usage from ${range}, tokens by kind`, "", ...alignTable(head, body, sides, total)];
}

function totalOf(rows: readonly UsageRow[]): UsageRow {
  return rows.reduce(
    (sum, row): UsageRow => ({
      by: {},
      calls: sum.calls + row.calls,
      errors: sum.errors + row.errors,
      input_tokens: sum.input_tokens + row.input_tokens,
      cached_input_tokens: sum.cached_input_tokens + row.cached_input_tokens,
      output_tokens: sum.output_tokens + row.output_tokens,
      reasoning_tokens: sum.reasoning_tokens + row.reasoning_tokens,
      cache_hits: sum.cache_hits + row.cache_hits,
      saved_nano_usd: sum.saved_nano_usd + row.saved_nano_usd,
      cost_nano_usd: sum.cost_nano_usd + row.cost_nano_usd,
      unpriced_calls: sum.unpriced_calls + row.unpriced_calls,
      estimated_calls: sum.estimated_calls + row.estimated_calls,
    }),
    { ...NOTHING, by: {} },
  );
}
