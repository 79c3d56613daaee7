// Questions to the ledger: usage from the rollups, calls from their rows. A reader never keeps a writer waiting.
// Usage is exact over whole minutes, or over whole hours and days where only these are still kept; what a client chose for a
// name beyond a day's bound of groups is in it as "other".

import type { Database } from "bun:sqlite";
import { madeOf } from "../request_id.ts";
import { CACHE_HITS } from "../row.ts";
import { CALL_RECORDS, type CallRecord, type ColumnValue, callRecords, rowOf } from "./columns.ts";
import type { PlacedRow } from "./cursors.ts";
import { type ExperimentsAnswer, type ExperimentsQuery, readExperiments } from "./experiments.ts";
import { DIMENSIONS, type Dimension, FOLDED, OTHER } from "./groups.ts";
import { type Latency, recentLatency } from "./latency.ts";
import { ledgerPath, openToRead } from "./open.ts";
import { type SeriesAnswer, type SeriesQuery, usageSeries } from "./series.ts";
import { type Span, spansOf } from "./spans.ts";
import { coverRange } from "./windows.ts";

/** What usage can be told by. */
export const USAGE_FIELDS: readonly Dimension[] = DIMENSIONS;

/** A question for usage. */
export interface UsageQuery {
  /** In this order; with none, there is one row of all. */
  readonly by: readonly Dimension[];
  readonly since_ms: number;
  readonly until_ms: number;
}

/** What was used, by the fields that were asked for. */
export interface UsageRow {
  /** The fields; null where calls had none. */
  readonly by: Readonly<Partial<Record<Dimension, string | null>>>;
  readonly calls: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  /** Calls that were answered from a cache, and what they would have cost. */
  readonly cache_hits: number;
  readonly saved_nano_usd: bigint;
  /** Of the calls whose price is known. */
  readonly cost_nano_usd: bigint;
  /** Calls whose price is not known. */
  readonly unpriced_calls: number;
  readonly estimated_calls: number;
}

/** Groups up to which it is looked for when their calls were: calls of more than these are not rare. */
const GROUPS_MAX = 5_000;

/** The sums that are asked for: each more of them is sorted with every row. */
const ASKED_SUMS = [
  ...["calls", "errors", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"],
  ...["cache_hits", "saved_nano_usd", "cost_nano_usd", "unpriced_calls", "estimated_calls"],
];

/** Usage, and the range that it is of: whole windows around the one that was asked for. */
export interface UsageAnswer {
  /** The dearest first. */
  readonly rows: readonly UsageRow[];
  readonly since_ms: number;
  readonly until_ms: number;
}

/** Fields that calls can be filtered by. */
export const CALL_FILTERS = [...DIMENSIONS, "status", "error", "cache"] as const;

/** A question for calls. */
export interface CallsQuery {
  /** The client's `x-request-id`, or the call's id. */
  readonly request_id?: string | undefined;
  readonly id?: string | undefined;
  readonly since_ms?: number | undefined;
  readonly until_ms?: number | undefined;
  /** Only rows before this one: the next page. */
  readonly before_seq?: number | undefined;
  /** Only rows after this one: what is new. */
  readonly after_seq?: number | undefined;
  readonly filters?: Readonly<Partial<Record<(typeof CALL_FILTERS)[number], string | number>>> | undefined;
  readonly limit: number;
}

/** Answers questions, wherever the ledger is. */
export interface LedgerReader {
  usage(query: UsageQuery, now_ms?: number): Promise<UsageAnswer>;
  /** Usage over time. */
  series(query: SeriesQuery): Promise<SeriesAnswer>;
  /** How long the newest calls since a time took. */
  latency(since_ms: number): Promise<Latency>;
  /** The newest first; with `after_seq`, the oldest first. */
  calls(query: CallsQuery): Promise<PlacedRow[]>;
  /** What tests and shadows have shown. */
  experiments(query: ExperimentsQuery): Promise<ExperimentsAnswer>;
  /** The seq of the newest row; 0 without any. */
  lastSeq(): Promise<number>;
  close(): void;
}

/** Asks sums of a database, whose whole numbers are bigints. The statements are both SQLite's and Postgres'. */
export type AskSums = (text: string, ...values: number[]) => Promise<Record<string, string | bigint>[]>;

/** Opens the ledger of a data folder to ask it; in words, why it cannot be. */
export function openLedgerReader(folder: string): LedgerReader | { readonly fault: string } {
  const db = openToRead(ledgerPath(folder));
  return "fault" in db ? db : readerOf(db);
}

/** Asks a ledger that is open. */
export function readerOf(db: Database): LedgerReader {
  const sums: AskSums = async (text, ...values) =>
    db
      .query<Record<string, string | bigint>, number[]>(text)
      .safeIntegers(true)
      .all(...values);
  return {
    usage: (query, now_ms = Date.now()) => usage(sums, query, now_ms),
    series: (query) => usageSeries(sums, query),
    latency: async (since_ms) => recentLatency(db, since_ms),
    calls: async (query) => calls(db, query),
    experiments: async (query) => readExperiments(db, query),
    lastSeq: async () =>
      db.query<{ seq: number | null }, []>("SELECT max(seq) AS seq FROM calls").get()?.seq ?? 0,
    close: () => db.close(),
  };
}

/** Usage, of whatever database answers sums. */
export async function usage(
  ask: AskSums,
  { by, since_ms, until_ms }: UsageQuery,
  now_ms: number,
): Promise<UsageAnswer> {
  const cover = coverRange(since_ms, until_ms, now_ms);
  const range = { since_ms: cover.since_ms, until_ms: cover.until_ms };
  if (cover.spans.length === 0) return { rows: [], ...range };
  const fields = [...new Set(by)].filter((field) => DIMENSIONS.includes(field));
  const columns = ASKED_SUMS.map((name) => `CAST(sum(${name}) AS BIGINT) AS ${name}`).join(", ");
  // Summed by group first: then a group's names are looked up once.
  const sums = cover.spans
    .map(
      ({ level }) =>
        `SELECT group_id, ${columns} FROM rollup_${level} WHERE start_ms >= ? AND start_ms < ? GROUP BY group_id`,
    )
    .join(" UNION ALL ");
  const names = fields.map((field) => `groups.${field}`);
  const found = await ask(
    `SELECT ${[...names, columns].join(", ")} FROM (${sums}) AS found JOIN groups ON groups.id = group_id
       ${names.length === 0 ? "" : `GROUP BY ${names.join(", ")}`} ORDER BY cost_nano_usd DESC, calls DESC`,
    ...cover.spans.flatMap((span) => [span.since_ms, span.until_ms]),
  );
  const rows = found.filter(({ calls: count }) => count !== null).map((record) => usageRow(record, fields));
  return { rows, ...range };
}

function usageRow(record: Readonly<Record<string, string | bigint>>, fields: readonly Dimension[]): UsageRow {
  const count = (name: string) => Number(record[name]);
  return {
    by: Object.fromEntries(
      fields.map((field) => [field, record[field] === "" ? null : String(record[field])]),
    ),
    calls: count("calls"),
    errors: count("errors"),
    input_tokens: count("input_tokens"),
    cached_input_tokens: count("cached_input_tokens"),
    output_tokens: count("output_tokens"),
    reasoning_tokens: count("reasoning_tokens"),
    cache_hits: count("cache_hits"),
    saved_nano_usd: record["saved_nano_usd"] as bigint,
    cost_nano_usd: record["cost_nano_usd"] as bigint,
    unpriced_calls: count("unpriced_calls"),
    estimated_calls: count("estimated_calls"),
  };
}

/** What `usage` shows in dollars: null where not one call has a known price. */
export function usdOf({ calls: count, unpriced_calls, cost_nano_usd }: UsageRow): number | null {
  return count > 0 && unpriced_calls === count ? null : Number(cost_nano_usd) / 1e9;
}

/** Conditions on rows of `calls` that are joined with their groups. */
class Conditions {
  readonly #texts: string[] = [];
  readonly #values: ColumnValue[] = [];

  add(text: string, ...values: ColumnValue[]): void {
    this.#texts.push(text);
    this.#values.push(...values);
  }

  get values(): readonly ColumnValue[] {
    return this.#values;
  }

  get text(): string {
    return this.#texts.length === 0 ? "true" : this.#texts.join(" AND ");
  }
}

/** The groups that calls with these names may be in: by their names, or as "other". Null where that are all, or too many to look for. */
function groupsOf(db: Database, filters: NonNullable<CallsQuery["filters"]>): number[] | null {
  const names = DIMENSIONS.filter((dimension) => filters[dimension] !== undefined);
  if (names.length === 0) return null;
  const where = new Conditions();
  for (const name of names) {
    const value = filters[name]!;
    // Users that are "other" are found by themselves.
    if (FOLDED.includes(name) && name !== "user") where.add(`${name} IN (?, ?)`, value, OTHER);
    else where.add(`${name} = ?`, value);
  }
  const groups = db
    .query<{ id: number }, ColumnValue[]>(`SELECT id FROM groups WHERE ${where.text} ORDER BY id LIMIT ?`)
    .all(...where.values, GROUPS_MAX + 1);
  return groups.length > GROUPS_MAX ? null : groups.map(({ id }) => id);
}

function conditionsOf(
  query: CallsQuery,
  groups: readonly number[] | null,
  is_other_user: boolean,
): Conditions {
  const where = new Conditions();
  const { request_id, filters = {} } = query;
  if (request_id !== undefined) {
    where.add(
      "seq IN (SELECT seq FROM calls WHERE request_id = ? UNION SELECT seq FROM calls WHERE calls.id IN (?, ?))",
      ...[request_id, request_id, madeOf(request_id)],
    );
  }
  if (query.id !== undefined) where.add("calls.id = ?", query.id);
  if (query.before_seq !== undefined) where.add("seq < ?", query.before_seq);
  if (query.after_seq !== undefined) where.add("seq > ?", query.after_seq);
  if (query.since_ms !== undefined) where.add("time >= ?", query.since_ms);
  if (query.until_ms !== undefined) where.add("time < ?", query.until_ms);
  if (groups !== null) where.add(`group_id IN (${groups.join(", ")})`);
  for (const name of DIMENSIONS) {
    const value = filters[name];
    if (value === undefined) continue;
    const own = FOLDED.includes(name) ? `coalesce(names ->> '${name}', groups.${name})` : `groups.${name}`;
    if (name !== "user") where.add(`${own} = ?`, value);
    else if (is_other_user) where.add("names IS NOT NULL AND names ->> 'user' = ?", value);
    else where.add("names ->> 'user' IS NULL AND groups.user = ?", value);
  }
  if (filters.status !== undefined) where.add("status = ?", filters.status);
  if (filters.error !== undefined) where.add("error = ?", filters.error);
  if (filters.cache !== undefined) where.add("coalesce(cache, 'bypass') = ?", filters.cache);
  return where;
}

function calls(db: Database, query: CallsQuery): PlacedRow[] {
  const groups = groupsOf(db, query.filters ?? {});
  const outcome = outcomeOf(db, query, groups);
  const where = conditionsOf(query, groups, false);
  if (outcome !== null) where.add(outcome.where, ...outcome.values);
  const order = query.after_seq === undefined ? "DESC" : "ASC";
  const is_named = query.id !== undefined || query.request_id !== undefined;
  // Where it is known in which places rows lie, no index is better than to read them.
  const way = is_named ? "" : outcome === null ? "NOT INDEXED" : `INDEXED BY ${outcome.index}`;
  const select = db.prepare<CallRecord, ColumnValue[]>(
    `${callRecords(way)} WHERE ${where.text} AND seq BETWEEN ? AND ? ORDER BY seq ${order} LIMIT ?`,
  );
  const found: PlacedRow[] = [];
  for (const { first_seq, last_seq } of placesOf(db, query, outcome === null ? groups : null, outcome)) {
    const records = select.all(...where.values, first_seq, last_seq, query.limit - found.length);
    for (const record of records) found.push({ seq: record.seq, row: rowOf(record) });
    if (found.length >= query.limit) break;
  }
  const others = callsOfOther(db, query);
  if (others.length === 0) return found;
  const sign = order === "DESC" ? -1 : 1;
  return [...found, ...others].sort((a, b) => sign * (a.seq - b.seq)).slice(0, query.limit);
}

/** What came of calls, where few enough came to that for all of them to be looked at. */
interface Outcome {
  readonly index: string;
  /** A condition of the index, and of the question. */
  readonly where: string;
  readonly values: readonly ColumnValue[];
}

/** Rows of one outcome, of all groups, that can be looked at within the time that somebody waits. */
const OUTCOME_ROWS_MAX = 200_000;
/** Of fewer calls than this the hours in which they were are read: that are fewer rows. */
const GROUP_ROWS_MIN = 60;

/** By which outcome rows are found; null: by their groups and their time. */
function outcomeOf(db: Database, query: CallsQuery, groups: readonly number[] | null): Outcome | null {
  const { id, request_id, filters = {} } = query;
  if (id !== undefined || request_id !== undefined) return null;
  const { status, error, cache } = filters;
  const found: Outcome[] = [];
  if (status !== undefined && Number(status) !== 200)
    found.push({ index: "calls_by_status", where: "status <> 200 AND status = ?", values: [status] });
  if (error !== undefined) found.push({ index: "calls_by_error", where: "error = ?", values: [error] });
  if (cache !== undefined && cache !== "miss" && cache !== "bypass")
    found.push({ index: "calls_by_cache", where: "cache <> 'miss' AND cache = ?", values: [cache] });
  // Of all groups the newest are soon found, however many there are.
  if (found.length === 0 || groups === null) return found[0] ?? null;
  if (sumOfGroups(db, cache === undefined ? "errors" : "cache_hits", groups) < GROUP_ROWS_MIN) return null;
  return found.find((outcome) => isRare(db, outcome)) ?? null;
}

function sumOfGroups(db: Database, sum: "errors" | "cache_hits", groups: readonly number[]): number {
  const text = `SELECT sum(${sum}) AS sum FROM rollup_day WHERE group_id IN (${groups.join(", ")})`;
  return db.query<{ sum: number | null }, []>(text).get()?.sum ?? 0;
}

function isRare(db: Database, { index, where, values }: Outcome): boolean {
  const { rows } = db
    .query<{ rows: number }, ColumnValue[]>(
      `SELECT count(*) AS rows FROM (SELECT 1 FROM calls INDEXED BY ${index} WHERE ${where} LIMIT ?)`,
    )
    .get(...values, OUTCOME_ROWS_MAX + 1)!;
  return rows <= OUTCOME_ROWS_MAX;
}

/** Calls of a user that are in groups of "other" users. */
function callsOfOther(db: Database, query: CallsQuery): PlacedRow[] {
  if (query.filters?.user === undefined) return [];
  const where = conditionsOf(query, null, true);
  const order = query.after_seq === undefined ? "DESC" : "ASC";
  const records = db
    .query<CallRecord, ColumnValue[]>(`${CALL_RECORDS} WHERE ${where.text} ORDER BY seq ${order} LIMIT ?`)
    .all(...where.values, query.limit);
  return records.map((record) => ({ seq: record.seq, row: rowOf(record) }));
}

/** Where the rows may be that are asked for, the newest first; everywhere, where they are found by their ids or their order. */
function placesOf(
  db: Database,
  query: CallsQuery,
  groups: readonly number[] | null,
  outcome: Outcome | null,
): Iterable<Span> {
  const { id, request_id, after_seq, since_ms, until_ms, filters = {} } = query;
  if (id !== undefined || request_id !== undefined || after_seq !== undefined) return EVERYWHERE;
  const has_failed = filters.error !== undefined && outcome === null;
  const has_hit = CACHE_HITS.has(String(filters.cache)) && outcome === null;
  if (groups === null && !has_failed && !has_hit && since_ms === undefined && until_ms === undefined)
    return EVERYWHERE;
  return spansOf(db, {
    ...{ groups, has_failed, has_hit },
    since_ms: since_ms ?? 0,
    until_ms: until_ms ?? Number.MAX_SAFE_INTEGER,
  });
}

const EVERYWHERE: readonly Span[] = [{ first_seq: 0, last_seq: Number.MAX_SAFE_INTEGER }];
