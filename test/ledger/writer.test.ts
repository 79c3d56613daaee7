// The writer: what it is told of by webhook and file, in order and at least once; alerts, each once; disks and files that fail.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LedgerRow, shownRow } from "../../src/ledger/row.ts";
import { writeRow } from "../../src/ledger/row_line.ts";
import type { LedgerSettings } from "../../src/ledger/settings.ts";
import { openLedgerReader } from "../../src/ledger/store/query.ts";
import { Writer } from "../../src/ledger/writer.ts";
import { HookServer } from "./delivery/hook_server.ts";
import { ledgerRow } from "./store/rows.ts";

const PATIENCE = { first_ms: 1, most_ms: 4, lasting_ms: 60_000 };
type Billing = NonNullable<LedgerSettings["ledger"]["billing"]>;
let folder: string;
let server: HookServer;
let said: string[];
let onSaid: () => void;
let writer: Writer | null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  server = new HookServer();
  said = [];
  onSaid = () => {};
  writer = null;
});
afterEach(async () => {
  await writer?.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

function settings(billing: Partial<Billing> | null, rest: Partial<LedgerSettings> = {}): LedgerSettings {
  const own: Billing = { rotate_mb: 100, keep_files: 30, batch: 10, ...billing };
  return {
    ledger: {
      store: "sqlite",
      retention_days: 400,
      max_mb: 1000,
      ...(billing === null ? {} : { billing: own }),
    },
    alerts: null,
    otlp: null,
    budgets: [],
    watches_quality: true,
    ...rest,
  };
}

function open(of: LedgerSettings): Writer {
  const opened = Writer.open({ folder, settings: of, log: hear, patience: PATIENCE });
  if (!(opened instanceof Writer)) throw new Error(opened.fault);
  writer = opened;
  return opened;
}

function hear(line: string): void {
  said.push(line);
  onSaid();
}

/** Waits until something is said that contains this. */
function told(text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  onSaid = () => {
    if (said.some((line) => line.includes(text))) resolve();
  };
  onSaid();
  return promise;
}

const rows = (count: number) => Array.from({ length: count }, () => ledgerRow());
const texts = (of: readonly LedgerRow[]) => of.map(writeRow);
const ids = (of: readonly LedgerRow[]) => of.map(({ id }) => id);
const takenEvents = () =>
  (server.taken as { events: (LedgerRow & { seq: number; cost_usd: number })[] }[]).flatMap(
    ({ events }) => events,
  );

describe("billing events", () => {
  test("are posted in batches, whole and in order, whatever fails in between", async () => {
    const all = rows(35);
    server.answers.push({ status: 500 }, { status: 200 }, { status: 429 }, { status: 503 });
    await open(settings({ webhook: server.url })).write(texts(all));
    await server.until(() => takenEvents().length >= 35);
    expect(ids(takenEvents())).toEqual(ids(all));
    expect(takenEvents().map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    const { seq: _, ...shown } = takenEvents()[3]!;
    expect(shown).toEqual(shownRow(all[3]!));
    expect(shown.cost_usd).toBe(1234 / 1e9);
    expect(server.taken.map((body) => (body as { events: unknown[] }).events.length)).toEqual([
      10, 10, 10, 5,
    ]);
  });

  test("that are refused wait for a change of the configuration, and are not left out", async () => {
    const all = rows(3);
    server.answers.push({ status: 400 });
    const writer = open(settings({ webhook: `${server.url}?wrong` }));
    await writer.write(texts(all));
    await told("calls 1 to 3 not delivered (it answered 400)");
    writer.configure(settings({ webhook: server.url }));
    await server.until(() => takenEvents().length === 3);
    expect(ids(takenEvents())).toEqual(ids(all));
  });

  test("go on behind what had arrived when the gateway was stopped", async () => {
    const [first, second] = [rows(5), rows(5)];
    const begun = open(settings({ webhook: server.url }));
    await begun.write(texts(first));
    await server.until(() => takenEvents().length === 5);
    await begun.close();
    // Nobody is told meanwhile.
    const silent = open(settings(null));
    await silent.write(texts(second));
    await silent.close();
    open(settings({ webhook: server.url }));
    await server.until(() => takenEvents().length >= 10);
    expect(ids(takenEvents())).toEqual(ids([...first, ...second]));
  });

  test("begin where the ledger is when somebody is to be told for the first time", async () => {
    const silent = open(settings(null));
    await silent.write(texts(rows(4)));
    silent.configure(settings({ webhook: server.url }));
    const next = rows(1);
    await silent.write(texts(next));
    await server.until(() => takenEvents().length > 0);
    expect(ids(takenEvents())).toEqual(ids(next));
  });

  test("are lines of a file beside the ledger", async () => {
    const all = rows(2500);
    await open(settings({ file: "billing/events.ndjson" })).write(texts(all));
    await writer!.close();
    writer = null;
    const lines = readFileSync(join(folder, "billing/events.ndjson"), "utf8").trimEnd().split("\n");
    expect(ids(lines.map((line) => JSON.parse(line)))).toEqual(ids(all));
  });

  test("that nobody has taken keep their rows from being deleted, and that is said", async () => {
    server.decide = () => ({ status: 500 });
    const old = rows(3).map((row) => ({ ...row, time: Date.now() - 500 * 86_400_000 }));
    const writer = open(settings({ webhook: server.url }));
    await writer.write(texts(old));
    await writer.clean();
    expect(said.some((line) => line.includes("not everybody who is told of them"))).toBe(true);
    server.decide = () => ({ status: 200 });
    await server.until(() => takenEvents().length === 3);
    // The rows are free once the arrival is remembered.
    await writer.write(texts(rows(1)));
    await server.until(() => takenEvents().length === 4);
    await writer.clean();
    const reader = openLedgerReader(folder);
    if ("fault" in reader) throw new Error(reader.fault);
    expect(await reader.calls({ limit: 10 })).toHaveLength(1);
    reader.close();
  });
});

describe("budget alerts", () => {
  const budgets = [{ scope: "key", name: "checkout", period: "month", nano_usd: 1000n }] as const;
  const alerting = () => settings(null, { alerts: { webhook: server.url, at: [0.5, 1] }, budgets });
  const shares = () => (server.taken as { share: number }[]).map(({ share }) => share);
  const spend = (nano: number) => texts([ledgerRow({ cost_nano_usd: nano, time: Date.now() })]);

  test("arrive once each, after failures and over restarts", async () => {
    server.answers.push({ status: 500 }, { status: 502 });
    const begun = open(alerting());
    await begun.write(spend(600));
    await server.until(() => shares().length === 1);
    await begun.write(spend(100));
    await begun.close();
    const again = open(alerting());
    await again.write(spend(300));
    await server.until(() => shares().length >= 2);
    await again.write(spend(5000));
    await again.close();
    writer = null;
    expect(shares()).toEqual([0.5, 1]);
    expect(server.posted).toHaveLength(4);
  });

  test("that could not be delivered are delivered after a restart", async () => {
    server.decide = () => ({ status: 500 });
    const begun = open(alerting());
    await begun.write(spend(600));
    await server.until(() => server.posted.length > 0);
    await begun.close();
    server.decide = () => ({ status: 200 });
    open(alerting());
    await server.until(() => shares().length === 1);
  });
});

describe("a ledger that fails while it is written", () => {
  test("because of a row that cannot be written leaves out that row alone, and says so", async () => {
    const writer = open(settings(null));
    const poisonous = ledgerRow({ id: "poison" });
    // What the table would not take: a trigger stands for it.
    const { Database } = await import("bun:sqlite");
    const other = new Database(join(folder, "ledger.sqlite"));
    other.run(
      "CREATE TRIGGER poison BEFORE INSERT ON calls WHEN new.id = 'poison' BEGIN SELECT raise(ABORT, 'never'); END",
    );
    other.close();
    const counts = await writer.write(texts([...rows(4), poisonous, ...rows(6)]));
    expect(counts).toEqual({ written: 10, known: 0, faults: 1 });
    expect(said.some((line) => line.startsWith("this row cannot be written (never)"))).toBe(true);
  });

  test("because it is locked waits, and writes when it is free", async () => {
    const writer = open(settings(null));
    const program = `
      const { Database } = require("bun:sqlite");
      const db = new Database(process.argv[1]);
      db.run("BEGIN IMMEDIATE");
      console.log("locked");
      setTimeout(() => db.run("COMMIT"), 200);`;
    const other = Bun.spawn([process.execPath, "-e", program, join(folder, "ledger.sqlite")], {
      stdout: "pipe",
    });
    await other.stdout.getReader().read();
    const counts = await writer.write(texts(rows(3)));
    expect(await other.exited).toBe(0);
    expect(counts.written).toBe(3);
  });

  test("because its pages are damaged goes on in a new file", async () => {
    const writer = open(settings(null));
    await writer.write(texts(rows(200)));
    await writer.close();
    // Behind the pages that are looked at when it is opened.
    const path = join(folder, "ledger.sqlite");
    const bytes = readFileSync(path);
    const again = open(settings(null));
    bytes.fill(0xff, 4096 * 2);
    writeFileSync(path, bytes);
    const counts = await again.write(texts(rows(5)));
    expect(counts.written).toBe(5);
    expect(said.some((line) => line.includes("THE LEDGER IS DAMAGED"))).toBe(true);
    expect(readdirSync(folder).some((name) => name.startsWith("ledger.sqlite.damaged-"))).toBe(true);
    await again.close();
    const reader = openLedgerReader(folder);
    if ("fault" in reader) throw new Error(reader.fault);
    expect(await reader.calls({ limit: 10 })).toHaveLength(5);
    reader.close();
  });
});

describe("models that answer otherwise than they used to", () => {
  const DAY_MS = 86_400_000;
  const answers = (day: number, count: number, refused: number) =>
    Array.from({ length: count }, (_, index) =>
      ledgerRow({
        time: Date.now() - day * DAY_MS - 3_600_000,
        judged: { refused: index < refused, cut: false, json: null, tools: null },
      }),
    );
  const usual = [1, 2, 3, 4, 5].flatMap((day) => answers(day, 100, 1));

  /** A writer, and what it says of shifts. */
  function watching(of: LedgerSettings) {
    const heard: { count: number; news: readonly string[] }[] = [];
    const onShifts = (count: number, news: readonly string[]) => heard.push({ count, news });
    const opened = Writer.open({ folder, settings: of, log: hear, onShifts, patience: PATIENCE });
    if (!(opened instanceof Writer)) throw new Error(opened.fault);
    writer = opened;
    return { watcher: opened, heard };
  }

  test("are told of once, in words and by webhook, and counted every time", async () => {
    const of = settings(null, { alerts: { webhook: server.url, at: [1] } });
    const first = watching(of);
    await first.watcher.write(texts([...usual, ...answers(0, 100, 40)]));
    await first.watcher.clean();
    expect(first.heard).toEqual([
      {
        count: 1,
        news: [
          "openai/gpt-4o-mini answers otherwise than usual: refusals 40.0 % of 100 answers in the last 24 hours, 1.0 % before",
        ],
      },
    ]);
    await server.until(() => server.taken.length === 1);
    expect(server.taken[0]).toMatchObject({
      ...{ alert: "quality", provider: "openai", model: "gpt-4o-mini", measure: "refusals" },
      ...{ now: 0.4, usual: 0.01, answers: 100, p: expect.any(Number), time: expect.any(Number) },
    });
    // In the same hour it is not looked again; a writer that starts does look.
    await first.watcher.clean();
    expect(first.heard).toHaveLength(1);
    await first.watcher.close();
    const again = watching(of);
    await again.watcher.clean();
    expect(again.heard).toEqual([{ count: 1, news: [] }]);
    expect(server.taken).toHaveLength(1);
  });

  test("are not looked for where nobody wants to know, and nothing is told of what is as ever", async () => {
    const calm = watching(settings(null));
    await calm.watcher.write(texts([...usual, ...answers(0, 100, 2)]));
    await calm.watcher.clean();
    expect(calm.heard).toEqual([{ count: 0, news: [] }]);
    await calm.watcher.close();
    const silent = watching(settings(null, { watches_quality: false }));
    await silent.watcher.write(texts(answers(0, 100, 90)));
    await silent.watcher.clean();
    expect(silent.heard).toEqual([]);
  });
});
