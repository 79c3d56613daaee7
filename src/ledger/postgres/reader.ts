// Questions to a ledger in Postgres: the same answers as from a file, of all hosts that write to it.

import { readPostgresAddress } from "../../config/postgres_address.ts";
import { Database, type Value } from "../../postgres/database.ts";
import { faultOf } from "../../postgres/fault.ts";
import { unreadable } from "../../postgres/migrate.ts";
import { madeOf } from "../request_id.ts";
import { STAGES } from "../row.ts";
import { readAmounts, rowOf } from "../row_reader.ts";
import type { PlacedRow } from "../store/cursors.ts";
import {
  ADDED_MAX,
  type ExperimentsAnswer,
  type ExperimentsQuery,
  type FoundRows,
  type PairRow,
  type SplitRow,
  tellExperiments,
} from "../store/experiments.ts";
import { type Latency, quantilesOf, ROWS_MAX } from "../store/latency.ts";
import { type AskSums, CALL_FILTERS, type CallsQuery, type LedgerReader, usage } from "../store/query.ts";
import { usageSeries } from "../store/series.ts";
import { MIGRATIONS } from "./schema.ts";

/** Questions at once, and how long one may take: a month of millions of calls is asked too. */
const CONNECTIONS = 2;
const TIMEOUT_MS = 60_000;
/** Ids that are looked up by one statement. */
const IDS = 5_000;

/** Opens a ledger to ask it; in words, why it cannot be. Its connections are made when it is asked, and kept until it is closed. */
export async function openPostgresReader(url: string): Promise<LedgerReader | { readonly fault: string }> {
  const address = readPostgresAddress(url);
  if ("fault" in address) return { fault: `the address of the ledger ${address.fault}` };
  const db = new Database(address, { max: CONNECTIONS, timeout_ms: TIMEOUT_MS });
  try {
    const fault = await unreadable(db, "ledger", MIGRATIONS);
    if (fault === null) return postgresReader(db);
    await db.close();
    return { fault: `${address.shown}: ${fault}` };
  } catch (error) {
    await db.close();
    return { fault: `${address.shown} cannot be asked: ${faultOf(error).message}` };
  }
}

/** Asks a ledger whose tables are there. */
export function postgresReader(db: Database): LedgerReader {
  const sums = ((text, ...values) => db.ask(text, ...values)) as AskSums;
  return {
    usage: (query, now_ms = Date.now()) => usage(sums, query, now_ms),
    series: (query) => usageSeries(sums, query),
    latency: (since_ms) => latency(db, since_ms),
    calls: (query) => calls(db, query),
    experiments: (query) => experiments(db, query),
    lastSeq: async () => Number((await db.ask("SELECT max(seq) AS seq FROM calls"))[0]?.["seq"] ?? 0),
    close: () => void db.close(),
  };
}

async function latency(db: Database, since_ms: number): Promise<Latency> {
  const rows = await db.ask<{ time: bigint; rest: string }>(
    'SELECT "time", rest FROM calls ORDER BY seq DESC LIMIT ?',
    ROWS_MAX,
  );
  const timings = rows
    .filter(({ time }) => Number(time) >= since_ms)
    .map(({ rest }) => (JSON.parse(rest) as { timings_us?: (number | null)[] }).timings_us ?? []);
  const of = (stage: (typeof STAGES)[number]) =>
    quantilesOf(timings.map((stages) => stages[STAGES.indexOf(stage)] ?? null));
  return { calls: timings.length, first_byte_ms: of("first_byte"), total_ms: of("total") };
}

/** Conditions, and the values that they are about. */
class Conditions {
  readonly #texts: string[] = [];
  readonly values: Value[] = [];

  add(text: string, ...values: Value[]): void {
    this.#texts.push(text);
    this.values.push(...values);
  }

  get text(): string {
    return this.#texts.length === 0 ? "true" : this.#texts.join(" AND ");
  }
}

function conditionsOf(query: CallsQuery): Conditions {
  const where = new Conditions();
  const { request_id, filters = {} } = query;
  if (request_id !== undefined) {
    where.add("(request_id = ? OR id = ? OR id = ?)", request_id, request_id, madeOf(request_id));
  }
  if (query.id !== undefined) where.add("id = ?", query.id);
  if (query.before_seq !== undefined) where.add("seq < ?", query.before_seq);
  if (query.after_seq !== undefined) where.add("seq > ?", query.after_seq);
  if (query.since_ms !== undefined) where.add('"time" >= ?', query.since_ms);
  if (query.until_ms !== undefined) where.add('"time" < ?', query.until_ms);
  for (const name of CALL_FILTERS) {
    const value = filters[name];
    if (value === undefined) continue;
    if (name === "user") where.add('left("user", 64) = left(?, 64)', String(value));
    where.add(name === "status" ? "status = ?" : `calls."${name}" = ?`, value);
  }
  return where;
}

interface CallColumns {
  readonly seq: bigint;
  readonly id: string;
  readonly request_id: string | null;
  readonly time: bigint;
  readonly status: number;
  readonly tenant: string;
  readonly team: string | null;
  readonly key: string | null;
  readonly user: string | null;
  readonly feature: string | null;
  readonly model: string | null;
  readonly provider: string | null;
  readonly served_model: string | null;
  readonly error: string | null;
  readonly cache: string;
  readonly amounts: string;
  readonly rest: string;
}

async function calls(db: Database, query: CallsQuery): Promise<PlacedRow[]> {
  const where = conditionsOf(query);
  const order = query.after_seq === undefined ? "DESC" : "ASC";
  const found = await db.ask<CallColumns>(
    `SELECT seq, id, request_id, "time", status, tenant, team, key, "user", feature, model, provider, served_model, error, cache, amounts, rest
     FROM calls WHERE ${where.text} ORDER BY seq ${order} LIMIT ?`,
    ...where.values,
    query.limit,
  );
  return found.map(placedRow);
}

function placedRow({ seq, id, request_id, time, status, amounts, rest, ...names }: CallColumns): PlacedRow {
  const row = rowOf({ id, request_id, time: Number(time), status, names, ...readAmounts(amounts), rest });
  return { seq: Number(seq), row };
}

async function experiments(db: Database, query: ExperimentsQuery): Promise<ExperimentsAnswer> {
  return tellExperiments(query, await splits(db, query), await shadows(db, query));
}

async function splits(db: Database, { since_ms, until_ms }: ExperimentsQuery): Promise<FoundRows<SplitRow>> {
  const rows = await db.ask<SplitRow>(
    `SELECT error, cache, amounts, rest FROM calls
     WHERE "time" >= ? AND "time" < ? AND strpos(rest, '"split":true') > 0 ORDER BY seq DESC LIMIT ?`,
    ...[since_ms, until_ms, ADDED_MAX],
  );
  return { rows, is_cut: rows.length === ADDED_MAX };
}

/** Calls of candidates, and what they are beside. */
async function shadows(db: Database, { since_ms, until_ms }: ExperimentsQuery): Promise<FoundRows<PairRow>> {
  const found = await db.ask<Record<"error" | "amounts" | "rest" | "model", string>>(
    `SELECT error, amounts, rest, model FROM calls
     WHERE "time" >= ? AND "time" < ? AND strpos(rest, '"shadow":{') > 0 ORDER BY seq DESC LIMIT ?`,
    ...[since_ms, until_ms, ADDED_MAX],
  );
  const ids = found.map(({ rest }) => (JSON.parse(rest) as { shadow?: { of?: string } }).shadow?.of ?? "");
  const own = new Map<string, Record<"error" | "amounts" | "rest" | "model", string>>();
  for (let from = 0; from < ids.length; from += IDS) {
    const some = await db.ask<Record<"id" | "error" | "amounts" | "rest" | "model", string>>(
      "SELECT id, error, amounts, rest, model FROM calls WHERE id IN (SELECT json_array_elements_text(?::text::json))",
      JSON.stringify(ids.slice(from, from + IDS)),
    );
    for (const row of some) own.set(row.id, row);
  }
  const rows = found.flatMap(({ error, amounts, rest, model: candidate }, index) => {
    const of = own.get(ids[index]!);
    if (of === undefined) return [];
    const { error: of_error, amounts: of_amounts, rest: of_rest, model } = of;
    return [{ error, amounts, rest, candidate, of_error, of_amounts, of_rest, model }];
  });
  return { rows, is_cut: found.length === ADDED_MAX };
}
