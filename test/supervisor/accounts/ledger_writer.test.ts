// The supervisor's hand on the ledger: what it promises is on the disk, whatever becomes of the thread that writes it.

import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/load.ts";
import type { ResolvedConfig } from "../../../src/config/schema.ts";
import type { Budget } from "../../../src/ledger/budgets.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { type LedgerWriter, startLedgerWriter } from "../../../src/supervisor/accounts/ledger_writer.ts";
import { HookServer } from "../../ledger/delivery/hook_server.ts";
import { ledgerRow } from "../../ledger/store/rows.ts";

let folder: string;
let said: string[];
let writer: LedgerWriter | null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  said = [];
  writer = null;
});
afterEach(async () => {
  await writer?.close();
  rmSync(folder, { recursive: true });
});

function config(yaml = ""): ResolvedConfig {
  const loaded = parseConfig(Buffer.from(`data: ./data\n${yaml}`), "test.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function start(yaml = "", budgets: () => readonly Budget[] = () => []): LedgerWriter {
  writer = startLedgerWriter({ folder, config: config(yaml), budgets, log: (line) => said.push(line) });
  return writer;
}

const linesOf = (...texts: readonly string[]) => Buffer.from(texts.join("\n"));
const rowsOf = (count: number) =>
  linesOf(...Array.from({ length: count }, () => writeRow(ledgerRow({ time: Date.now() }))));

/** Counts rows as another process would see them. */
function rows(): number {
  const db = new Database(join(folder, "ledger.sqlite"), { readonly: true });
  const { n } = db.query<{ n: number }, []>("SELECT count(*) AS n FROM calls").get()!;
  db.close();
  return n;
}

function changeLedger(sql: string): void {
  const db = new Database(join(folder, "ledger.sqlite"));
  db.run(sql);
  db.close();
}

describe("a ledger's writer", () => {
  test("promises what is on the disk, batch by batch", async () => {
    const writing = start();
    expect(await writing.open()).toBe(null);
    await writing.write(linesOf());
    for (const count of [1, 10, 500]) {
      const before = rows();
      await writing.write(rowsOf(count));
      expect(rows()).toBe(before + count);
    }
    expect(said).toEqual([]);
  });

  test("has written what it was given when it is closed, and has left one file", async () => {
    const writing = start();
    const promises = Array.from({ length: 20 }, () => writing.write(rowsOf(20)));
    await Promise.all([writing.close(), writing.close()]);
    await Promise.all(promises);
    expect(existsSync(join(folder, "ledger.sqlite-wal"))).toBe(false);
    expect(rows()).toBe(400);
    await expect(writing.write(rowsOf(1))).rejects.toThrow("the ledger is closed");
  });

  test("says of texts that are no rows how many there were, and keeps the promise for the others", async () => {
    const writing = start();
    await writing.write(Buffer.concat([linesOf("{\n"), rowsOf(2)]));
    expect(rows()).toBe(2);
    expect(said).toEqual(["ledger: 1 of 3 lines are no rows and were left out"]);
  });

  test("says in words why a ledger cannot be opened, and promises nothing of it", async () => {
    const first = start();
    await first.open();
    await first.close();
    changeLedger("PRAGMA user_version = 99");
    const writing = start();
    const promise = writing.write(rowsOf(1));
    await expect(promise).rejects.toThrow("newer version of Venturi");
    expect(await writing.open()).toContain("newer version of Venturi");
    await expect(writing.write(rowsOf(1))).rejects.toThrow("newer version of Venturi");
  });

  test("starts its thread again when that dies, and writes what it still owes", async () => {
    const writing = start();
    await writing.write(rowsOf(3));
    // Whoever is to be told for the first time gets a cursor; this one cannot be made.
    changeLedger("CREATE TRIGGER broken BEFORE INSERT ON cursors BEGIN SELECT raise(ABORT, 'broken'); END");
    writing.configure(config("ledger: { billing: { file: billing.ndjson } }"));
    const promises = [writing.write(rowsOf(4)), writing.write(rowsOf(5))];
    while (!said.some((line) => line.includes("started again"))) await Bun.sleep(5);
    changeLedger("DROP TRIGGER broken");
    await Promise.all(promises);
    expect(rows()).toBe(12);
    expect(said.some((line) => line.includes("broken"))).toBe(true);
    await writing.close();
    expect(existsSync(join(folder, "billing.ndjson"))).toBe(true);
  });

  test("alerts of budgets of the configuration and of those that it is told of", async () => {
    const server = new HookServer();
    const of_keys: Budget[] = [{ scope: "key", name: "made", period: "month", nano_usd: 1000n }];
    const yaml = (usd: number) => `
alerts: { webhook: "${server.url}", at: [1] }
tiers: { paid: { limits: { usd_per_day: ${usd} } } }
keys: [{ name: configured, key: secret-of-a-test, tier: paid }]`;
    const writing = start(yaml(10), () => of_keys);
    const spend = (key: string, cost_nano_usd: number) =>
      writing.write(linesOf(writeRow(ledgerRow({ key, cost_nano_usd, time: Date.now() }))));
    await spend("made", 1000);
    await spend("configured", 5_000_000_000);
    await server.until(() => server.taken.length === 1);
    writing.configure(config(yaml(5)));
    await server.until(() => server.taken.length === 2);
    of_keys.push({ scope: "tenant", name: "acme", period: "day", nano_usd: 5n });
    writing.configure(config(yaml(5)));
    await server.until(() => server.taken.length === 3);
    const names = (server.taken as { name: string; limit_usd: number }[]).map(({ name, limit_usd }) => [
      name,
      limit_usd,
    ]);
    expect(names).toEqual([
      ["made", 0.000001],
      ["configured", 5],
      ["acme", 0.000000005],
    ]);
    await server.stop();
  });
});
