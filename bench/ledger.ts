// The ledger with a month of calls in it: how fast rows are written, each batch of them on the disk before it counts; how large
// they are; and how long the questions take that people ask.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askQuality } from "../src/ledger/quality/report.ts";
import type { Dimension } from "../src/ledger/store/groups.ts";
import { ledgerPath, openToWrite } from "../src/ledger/store/open.ts";
import {
  type CallsQuery,
  type LedgerReader,
  openLedgerReader,
  USAGE_FIELDS,
} from "../src/ledger/store/query.ts";
import { Store } from "../src/ledger/store/store.ts";
import type { Level } from "../src/ledger/store/windows.ts";
import { monthOfRows } from "./ledger_rows.ts";
import { type Case, caseOf, type Part, type Sample } from "./part.ts";

/** Rows of a transaction, as when a busy gateway's ring is emptied every 100 ms or so. */
const BATCH_ROWS = 1000;
const DAY_MS = 86_400_000;

type Question = (reader: LedgerReader, now_ms: number) => Promise<readonly unknown[]>;

function usageOf(by: readonly Dimension[], since_days: number, until_days = 0): Question {
  return async (reader, now_ms) => {
    const range = { since_ms: now_ms - since_days * DAY_MS, until_ms: now_ms - until_days * DAY_MS };
    return (await reader.usage({ by, ...range }, now_ms)).rows;
  };
}

/** What is asked: by `venturi usage` and the dashboard, of all times and by everything that they can ask by. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  ...Object.fromEntries(USAGE_FIELDS.map((field) => [`usage by ${field}, 30 days`, usageOf([field], 30)])),
  "usage by feature and model, 7 days": usageOf(["feature", "model"], 7),
  "usage by user, 24 hours": usageOf(["user"], 1),
  ...seriesQuestions(),
  ...callQuestions(),
  "dashboard: latency of the newest calls": async (reader, now_ms) => [
    await reader.latency(now_ms - 3_600_000),
  ],
  "tests and shadows, 7 days": async (reader, now_ms) =>
    (await reader.experiments({ since_ms: now_ms - 7 * DAY_MS, until_ms: now_ms })).experiments,
  "tests and shadows, 30 days": async (reader, now_ms) =>
    (await reader.experiments({ since_ms: now_ms - 30 * DAY_MS, until_ms: now_ms })).experiments,
};

/** What the dashboard asks when somebody looks at its costs: a month by day, some days by hour, the hours of a day by minute. */
function seriesQuestions(): Record<string, Question> {
  const ask =
    (by: Dimension | null, step: Level, days: number): Question =>
    async (reader, now_ms) => {
      const range = { since_ms: now_ms - days * DAY_MS, until_ms: now_ms };
      return (await reader.series({ by, step, ...range, names: 8 })).points;
    };
  return {
    ...Object.fromEntries(
      USAGE_FIELDS.map((field) => [`dashboard: by ${field}, 30 days`, ask(field, "day", 30)]),
    ),
    "dashboard: forecast, 28 days": ask(null, "day", 28),
    "dashboard: by feature, 4 days in hours": ask("feature", "hour", 4),
    "dashboard: by user, 4 days in hours": ask("user", "hour", 4),
    "dashboard: last hour in minutes": ask(null, "minute", 1 / 24),
    "dashboard: last five minutes": usageOf([], 5 / 1_440),
    "dashboard: spent today": usageOf([], 1),
    "dashboard: shares of targets, 24 hours": usageOf(["model", "provider", "served_model"], 1),
    "dashboard: movers by feature, 30 days before": usageOf(["feature"], 30, 15),
    "dashboard: movers by user, 30 days before": usageOf(["user"], 30, 15),
  };
}

/** What the dashboard's page of calls and `venturi logs` ask: the newest of all, of what many have, of what hardly any has. */
function callQuestions(): Record<string, Question> {
  const ask =
    (query: Omit<CallsQuery, "limit">): Question =>
    (reader) =>
      reader.calls({ ...query, limit: 100 });
  const error = "upstream_error";
  return {
    "newest 100 calls": ask({}),
    "newest 100 calls of a key": ask({ filters: { key: "key-9" } }),
    "newest 100 calls of a rare key": ask({ filters: { key: "key-299" } }),
    "newest 100 calls of a user": ask({ filters: { user: "user-170" } }),
    "newest 100 calls of a rare user": ask({ filters: { user: "user-4999" } }),
    "newest 100 calls of a provider": ask({ filters: { provider: "groq" } }),
    "newest 100 calls of a status": ask({ filters: { status: 503 } }),
    "newest 100 calls of a rare status": ask({ filters: { status: 429 } }),
    "calls of a rare status of a tenant": ask({ filters: { tenant: "tenant-19", status: 429 } }),
    "newest 100 kept answers": ask({ filters: { cache: "hit" } }),
    "newest 100 kept answers of a rare key": ask({ filters: { key: "key-299", cache: "hit" } }),
    "newest 100 failed calls of a key": ask({ filters: { key: "key-9", error } }),
    "newest 100 failed calls of a rare key": ask({ filters: { key: "key-299", error } }),
    "newest 100 failed calls of a user": ask({ filters: { user: "user-170", error } }),
    "failed calls of a rare user": ask({ filters: { user: "user-4999", error } }),
    "calls of the last hour": (reader, now_ms) => reader.calls({ limit: 100, since_ms: now_ms - 3_600_000 }),
    "calls of an hour three weeks ago": (reader, now_ms) =>
      reader.calls({
        limit: 100,
        since_ms: now_ms - 21 * DAY_MS,
        until_ms: now_ms - 21 * DAY_MS + 3_600_000,
      }),
    "one request id": async (reader) => {
      const [newest] = await reader.calls({ limit: 1 });
      return reader.calls({ request_id: newest!.row.request_id, limit: 10 });
    },
  };
}

async function writeMonth(
  folder: string,
  count: number,
  now_ms: number,
  log: (line: string) => void,
): Promise<Sample> {
  const db = openToWrite(ledgerPath(folder), log);
  if (!(db instanceof Database)) return { values: {}, fault: db.fault, raw: null };
  const store = new Store(db);
  let writing_ms = 0;
  let cpu_us = 0;
  let written = 0;
  // Making the rows is not counted.
  for (const lines of monthOfRows(count, BATCH_ROWS, now_ms)) {
    const begin_ms = performance.now();
    const begin = process.cpuUsage();
    written += store.write(lines, now_ms).written;
    writing_ms += performance.now() - begin_ms;
    const { user, system } = process.cpuUsage(begin);
    cpu_us += user + system;
    // Signals are heard in between.
    await new Promise((next) => setImmediate(next));
    if (written % 1_000_000 < BATCH_ROWS && written >= 1_000_000) {
      log(`${written} rows, ${Math.round((written / writing_ms) * 1000)} rows/s so far`);
    }
  }
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const file_bytes = statSync(ledgerPath(folder)).size;
  const values = {
    rows: written,
    rows_per_s: (written / writing_ms) * 1000,
    cpu_us: cpu_us / written,
    file_mb: file_bytes / 1e6,
    bytes_per_row: file_bytes / written,
  };
  return {
    values,
    fault: written === count ? null : `${written} of ${count} rows were written`,
    raw: values,
  };
}

async function ask(reader: LedgerReader, question: Question, now_ms: number): Promise<Sample> {
  const begin_ms = performance.now();
  const begin = process.cpuUsage();
  const found = await question(reader, now_ms);
  const query_ms = performance.now() - begin_ms;
  // What it takes where nothing else wants the processor: the file is in memory.
  const { user, system } = process.cpuUsage(begin);
  const values = { query_ms, query_cpu_ms: (user + system) / 1000 };
  return { values, fault: found.length === 0 ? "nothing was found" : null, raw: values };
}

/** Writing a month of calls, and asking about it. */
export const ledger: Part = {
  name: "ledger",
  about: `A month of generated calls in the ledger: written in transactions of ${BATCH_ROWS} rows, each on the disk before the next; then asked about, by a reader of its own.`,
  usual: { calls: 5_000_000, rounds: 9 },
  run: async (sizes, log) => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-bench-ledger-"));
    try {
      const now_ms = Date.now();
      const cases: Case[] = [
        caseOf("writing", "venturi", [await writeMonth(folder, sizes.calls, now_ms, log)]),
      ];
      return [...cases, ...(await askAll(folder, sizes.rounds, now_ms))];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** Asks all questions of the ledger in a folder whose month ends at a time. */
export async function askAll(folder: string, rounds: number, now_ms: number): Promise<Case[]> {
  const reader = openLedgerReader(folder);
  if ("fault" in reader) throw new Error(reader.fault);
  const questions: Record<string, Question> = {
    ...QUESTIONS,
    "how models answer": async (_, asked_ms) => {
      const report = askQuality(folder, asked_ms);
      return "fault" in report ? [] : report.models;
    },
  };
  const cases: Case[] = [];
  for (const [row, question] of Object.entries(questions)) {
    const samples: Sample[] = [];
    while (samples.length < rounds) samples.push(await ask(reader, question, now_ms));
    cases.push(caseOf(row, "venturi", samples));
  }
  reader.close();
  return cases;
}
