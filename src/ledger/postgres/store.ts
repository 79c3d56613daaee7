// The store in Postgres, which any number of hosts write to: rows go in here, each once, and with them everything that is counted
// by them, in one transaction. One host after another has the ledger's lock, so that seq grows from commit to commit, sums are
// never waited for in different orders, and a row whose id is there already changes nothing.

import type { Database, Transaction } from "../../postgres/database.ts";
import { migrate } from "../../postgres/migrate.ts";
import { AMOUNTS } from "../row_line.ts";
import { COST, LineReader, type Names, readNames } from "../row_reader.ts";
import type { LedgerSettings } from "../settings.ts";
import type { Alert } from "../store/alert_book.ts";
import { Batch, Kind } from "../store/batch.ts";
import { BudgetWatch } from "../store/budget_watch.ts";
import { DAY_GROUPS_MAX, Groups, type Placed } from "../store/groups.ts";
import { SUM_COLUMNS, type Windows, widened } from "../store/rollups.ts";
import { type Expense, type Spending, spendersOf } from "../store/spend.ts";
import type { BatchCounts } from "../store/store.ts";
import { LEVELS, type Level, periodStart, startOf } from "../store/windows.ts";
import { digestOf, PostgresGroups } from "./groups.ts";
import { MIGRATIONS } from "./schema.ts";

/** What a store is opened with. */
export interface PostgresStoreOptions {
  /** Combinations of names in a day that are groups of their own. */
  readonly day_groups_max?: number;
  /** An alert is this host's to send: kept for good before it counts as told, so that it is never lost. */
  takeAlert?(alert: Alert): void;
}

/** A row as it is sent to the database. */
interface SentRow extends Names {
  readonly id: string;
  readonly request_id: string | null;
  readonly time: number;
  readonly status: number;
  readonly cost_nano_usd: number | null;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly group_id: number;
  readonly amounts: string;
  readonly rest: string;
}

const INPUT = AMOUNTS.indexOf("input_tokens");
const CACHED = AMOUNTS.indexOf("cached_input_tokens");
const OUTPUT = AMOUNTS.indexOf("output_tokens");

/** Columns of `calls` by their types, in the order in which they are sent. */
const CALL_TYPES = {
  ...{ id: "text", tenant: "text", request_id: "text", '"time"': "bigint", team: "text", key: "text" },
  ...{ '"user"': "text", feature: "text", model: "text", provider: "text", served_model: "text" },
  ...{ status: "integer", error: "text", cache: "text", cost_nano_usd: "bigint", input_tokens: "bigint" },
  ...{ cached_input_tokens: "bigint", output_tokens: "bigint", group_id: "integer", amounts: "text" },
  rest: "text",
};
const CALL_NAMES = Object.keys(CALL_TYPES).join(", ");

const INSERT_CALLS = `INSERT INTO calls (${CALL_NAMES})
  SELECT ${CALL_NAMES} FROM ROWS FROM (json_to_recordset(?::text::json) AS (${typed(CALL_TYPES)}))
    WITH ORDINALITY AS sent (${CALL_NAMES}, place) ORDER BY place
  ON CONFLICT DO NOTHING RETURNING id, tenant`;

const SUM_TYPES = Object.fromEntries(
  ["start_ms", "group_id", ...SUM_COLUMNS].map((name) => [name, name === "group_id" ? "integer" : "bigint"]),
);

const addRollups = (level: Level) => `INSERT INTO rollup_${level} (${Object.keys(SUM_TYPES).join(", ")})
  SELECT * FROM json_to_recordset(?::text::json) AS sums (${typed(SUM_TYPES)})
  ON CONFLICT (start_ms, group_id) DO UPDATE SET
    ${SUM_COLUMNS.map((name) => `${name} = rollup_${level}.${name} + excluded.${name}`).join(", ")}`;

const SPEND_TYPES = {
  ...{ scope: "text", name: "text", '"user"': "text", period: "text", start_ms: "bigint" },
  ...{ digest: "text", nano_usd: "bigint" },
};
const SPEND_NAMES = Object.keys(SPEND_TYPES).join(", ");

const ADD_SPEND = `INSERT INTO spend (${SPEND_NAMES})
  SELECT ${SPEND_NAMES} FROM json_to_recordset(?::text::json) AS spent (${typed(SPEND_TYPES)})
  ON CONFLICT (scope, period, start_ms, digest) DO UPDATE SET nano_usd = spend.nano_usd + excluded.nano_usd
  RETURNING scope, name, "user", period, start_ms, nano_usd`;

const ALERT_TYPES = {
  ...{ scope: "text", name: "text", '"user"': "text", period: "text", start_ms: "bigint" },
  ...{ digest: "text", share: "double precision", body: "text" },
};
const ALERT_NAMES = Object.keys(ALERT_TYPES).join(", ");

const ADD_ALERTS = `INSERT INTO alerts (${ALERT_NAMES})
  SELECT ${ALERT_NAMES} FROM json_to_recordset(?::text::json) AS told (${typed(ALERT_TYPES)})
  ON CONFLICT DO NOTHING RETURNING scope, name, "user", period, start_ms, share, body`;

/** The ledger's tables in Postgres, to be written. */
export class PostgresStore {
  readonly db: Database;
  readonly #groups = new PostgresGroups();
  readonly #watch = new BudgetWatch();
  readonly #day_groups_max: number;
  readonly #takeAlert: (alert: Alert) => void;

  /** Of a database whose tables are there. */
  constructor(
    db: Database,
    { day_groups_max = DAY_GROUPS_MAX, takeAlert = () => {} }: PostgresStoreOptions = {},
  ) {
    this.db = db;
    this.#day_groups_max = day_groups_max;
    this.#takeAlert = takeAlert;
  }

  /** Brings the tables to the newest version, then opens them. It throws `DatabaseFault`. */
  static async open(db: Database, options: PostgresStoreOptions = {}): Promise<PostgresStore> {
    await migrate(db, "ledger", MIGRATIONS);
    return new PostgresStore(db, options);
  }

  /** Takes other budgets and shares, and compares what all hosts have spent with them. */
  async configure(settings: LedgerSettings, now_ms: number): Promise<void> {
    this.#watch.configure(settings);
    await this.db.transact(async (tx) => {
      for (const { scope, name, period } of this.#watch.budgets) {
        const spent = await tx.ask<Spending>(
          'SELECT scope, name, "user", period, start_ms, nano_usd FROM spend WHERE scope = ? AND name = ? AND period = ? AND start_ms = ?',
          ...[scope, name, period, periodStart(period, now_ms)],
        );
        await this.#compare(tx, spent.map(spendingOf), now_ms);
      }
    });
  }

  /** Writes the rows of these lines: when it resolves, they are committed. It throws `DatabaseFault`. */
  async write(lines: readonly string[], now_ms: number): Promise<BatchCounts> {
    const parcel = readParcel(lines);
    if (parcel.rows.length === 0) return { written: 0, known: 0, faults: parcel.faults };
    try {
      return await this.db.transact((tx) => this.#write(tx, parcel, now_ms));
    } catch (error) {
      // What was learned in a transaction that was undone is not so.
      this.#groups.forget();
      throw error;
    }
  }

  async #write(tx: Transaction, { rows, kinds, faults }: Parcel, now_ms: number): Promise<BatchCounts> {
    await tx.lock("ledger");
    await this.#groups.learn(tx, kinds.values());
    const groups = new Groups(this.#groups, this.#day_groups_max);
    const placed = new Map<string, Placed>();
    for (const [id, { names, day_ms }] of kinds) placed.set(id, groups.groupOf(names, day_ms));
    await this.#groups.save(tx);
    const sent = rows.map((row) => sentRow(row, placed.get(row.kind)!.group));
    const found = await tx.ask<{ id: string; tenant: string }>(INSERT_CALLS, JSON.stringify(sent));
    const written = found.length;
    if (written === 0) return { written, known: rows.length, faults };
    const batch = batchOf(rows, placed, new Set(found.map(({ id, tenant }) => `${id}\0${tenant}`)));
    await addSums(tx, batch.windows);
    await this.#spend(tx, [...spendersOf(batch.kinds, this.#watch.countsUsers)], now_ms);
    return { written, known: rows.length - written, faults };
  }

  async #spend(tx: Transaction, expenses: readonly Expense[], now_ms: number): Promise<void> {
    if (expenses.length === 0) return;
    const sent = expenses.map(({ spender, cost }) => ({
      ...{ ...spender, digest: digestOf([spender.name, spender.user]), nano_usd: String(cost.sum) },
    }));
    const totals = await tx.ask<Spending>(ADD_SPEND, JSON.stringify(sent));
    const spendings = totals.map(spendingOf);
    await this.#compare(
      tx,
      spendings.filter((spending) => this.#watch.isWatched(spending)),
      now_ms,
    );
  }

  /** The host whose transaction tells of it first has the alert. */
  async #compare(tx: Transaction, spendings: readonly Spending[], now_ms: number): Promise<void> {
    const alerts = this.#watch.alertsOf(spendings, now_ms);
    if (alerts.length === 0) return;
    const sent = alerts.map((alert) => ({ ...alert, digest: digestOf([alert.name, alert.user]) }));
    const told = await tx.ask<Alert>(ADD_ALERTS, JSON.stringify(sent));
    for (const alert of told) this.#takeAlert({ ...alert, start_ms: Number(alert.start_ms) });
  }
}

/** A line that is a row. */
interface ParcelRow extends Omit<SentRow, keyof Names | "group_id"> {
  readonly line: string;
  readonly names: Names;
  /** Names and day, as `Parcel.kinds` has them. */
  readonly kind: string;
}

interface Parcel {
  readonly rows: readonly ParcelRow[];
  /** What rows share that are counted alike: their names, and the day. */
  readonly kinds: ReadonlyMap<string, { readonly names: Names; readonly day_ms: number }>;
  /** Lines that are no rows. */
  readonly faults: number;
}

function readParcel(lines: readonly string[]): Parcel {
  const reader = new LineReader();
  const rows: ParcelRow[] = [];
  const kinds = new Map<string, { names: Names; day_ms: number }>();
  let faults = 0;
  for (const line of lines) {
    const row = reader.read(line) ? parcelRow(reader, line, kinds) : null;
    if (row === null) faults += 1;
    else rows.push(row);
  }
  return { rows, kinds, faults };
}

function parcelRow(
  reader: LineReader,
  line: string,
  kinds: Map<string, { names: Names; day_ms: number }>,
): ParcelRow | null {
  const day_ms = startOf("day", reader.time);
  const kind = `${day_ms}${reader.names}`;
  const names = kinds.get(kind)?.names ?? readNames(reader.names);
  if (names === null) return null;
  if (!kinds.has(kind)) kinds.set(kind, { names, day_ms });
  const { id, request_id, time, status, amounts, has_cost, amounts_text, rest } = reader;
  return {
    ...{ line, names, kind, time, status },
    ...{ id: storable(id), request_id: request_id === null ? null : storable(request_id) },
    ...{ amounts: amounts_text, rest: storable(rest), cost_nano_usd: has_cost ? amounts[COST]! : null },
    input_tokens: amounts[INPUT]!,
    ...{ cached_input_tokens: amounts[CACHED]!, output_tokens: amounts[OUTPUT]! },
  };
}

/** Text as Postgres takes it: it has no NUL. */
function storable(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", " ") : text;
}

function sentRow({ line: _, names, kind: __, ...row }: ParcelRow, group_id: number): SentRow {
  return { ...row, ...names, group_id };
}

/** What the rows add up to that are new; each once, however often it was sent. */
function batchOf(rows: readonly ParcelRow[], placed: ReadonlyMap<string, Placed>, fresh: Set<string>): Batch {
  const reader = new LineReader();
  const batch = new Batch();
  for (const { line, id, names, kind } of rows) {
    if (!fresh.delete(`${id}\0${names.tenant}`) || !reader.read(line)) continue;
    const found = batch.kindOf(reader, (text, day_ms) => new Kind(text, names, day_ms, placed.get(kind)!));
    if (found !== null) batch.count(reader, found, 0);
  }
  return batch;
}

async function addSums(tx: Transaction, minutes: Windows): Promise<void> {
  let windows = minutes;
  for (const level of LEVELS) {
    if (level !== "minute") windows = widened(windows, level);
    const sums: Record<string, number | string>[] = [];
    for (const [start_ms, groups] of windows) {
      for (const [group_id, { values }] of groups) {
        const named = SUM_COLUMNS.map((name, index) => [name, String(values[index])] as const);
        sums.push({ start_ms, group_id, ...Object.fromEntries(named) });
      }
    }
    await tx.ask(addRollups(level), JSON.stringify(sums));
  }
}

function spendingOf(spending: Spending): Spending {
  return { ...spending, start_ms: Number(spending.start_ms) };
}

function typed(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ");
}
