// The ledger with a month of calls in it: how fast rows are written, each batch of them on the disk before it counts; how large
// they are; and how long the questions take that people ask.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dimension } from "../src/ledger/store/groups.ts";
import { ledgerPath, openToWrite } from "../src/ledger/store/open.ts";
import { type LedgerReader, openLedgerReader } from "../src/ledger/store/query.ts";
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

/** What is asked. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  "usage by key, 30 days": usageOf(["key"], 30),
  "usage by feature and model, 7 days": usageOf(["feature", "model"], 7),
  "usage by user, 24 hours": usageOf(["user"], 1),
  ...seriesQuestions(),
  "dashboard: latency of the newest calls": async (reader, now_ms) => [
    await reader.latency(now_ms - 3_600_000),
  ],
  "newest 100 calls": (reader) => reader.calls({ limit: 100 }),
  "newest 100 failed calls of a key": (reader) =>
    reader.calls({ limit: 100, filters: { key: "key-9", error: "upstream_error" } }),
  "newest 100 calls of a user": (reader) => reader.calls({ limit: 100, filters: { user: "user-170" } }),
  "calls of the last hour": (reader, now_ms) => reader.calls({ limit: 100, since_ms: now_ms - 3_600_000 }),
  "one request id": async (reader) => {
    const [newest] = await reader.calls({ limit: 1 });
    return reader.calls({ request_id: newest!.row.request_id, limit: 10 });
  },
};

/** What the dashboard asks when somebody looks at its costs: a month by day, some days by hour, the hours of a day by minute. */
function seriesQuestions(): Record<string, Question> {
  const ask =
    (by: "feature" | "key" | "user" | "model" | null, step: Level, days: number): Question =>
    async (reader, now_ms) => {
      const range = { since_ms: now_ms - days * DAY_MS, until_ms: now_ms };
      return (await reader.series({ by, step, ...range, names: 8 })).points;
    };
  return {
    "dashboard: by feature, 30 days": ask("feature", "day", 30),
    "dashboard: by model, 30 days": ask("model", "day", 30),
    "dashboard: by key, 30 days": ask("key", "day", 30),
    "dashboard: by user, 30 days": ask("user", "day", 30),
    "dashboard: forecast, 28 days": ask(null, "day", 28),
    "dashboard: by feature, 4 days in hours": ask("feature", "hour", 4),
    "dashboard: last hour in minutes": ask(null, "minute", 1 / 24),
    "dashboard: movers by feature, 30 days before": usageOf(["feature"], 30, 15),
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
  const found = await question(reader, now_ms);
  const query_ms = performance.now() - begin_ms;
  return { values: { query_ms }, fault: found.length === 0 ? "nothing was found" : null, raw: { query_ms } };
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
      const reader = openLedgerReader(folder);
      if ("fault" in reader) throw new Error(reader.fault);
      for (const [row, question] of Object.entries(QUESTIONS)) {
        const samples: Sample[] = [];
        while (samples.length < sizes.rounds) samples.push(await ask(reader, question, now_ms));
        cases.push(caseOf(row, "venturi", samples));
      }
      reader.close();
      return cases;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
