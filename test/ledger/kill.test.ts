// kill -9 of the process that writes the ledger, in the middle, 20 times: what it said is written is there, once; the sums are
// what the rows add up to; and whoever bills from it is told of every row, in order.

import { Database } from "bun:sqlite";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import type { LedgerRow } from "../../src/ledger/row.ts";
import { ledgerSettings } from "../../src/ledger/settings.ts";
import { readerOf } from "../../src/ledger/store/query.ts";
import { Writer } from "../../src/ledger/writer.ts";
import { HookServer } from "./delivery/hook_server.ts";
import { randomFrom } from "./store/rows.ts";
import { BATCH_ROWS } from "./writing_child.ts";

const CHILD = join(import.meta.dirname, "writing_child.ts");
const KILLS = 20;
/** More batches than a process lives to write. */
const ENDLESS = 1_000_000;

let folder: string;
let server: HookServer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "venturi-"));
  server = new HookServer();
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Lets a process write from a batch on, and kills it when it has said so many; gives what it had said by then. */
async function writeUntilKilled(yaml: string, first: number, count: number): Promise<number[]> {
  const child = Bun.spawn([process.execPath, CHILD, folder, yaml, String(first), String(ENDLESS)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  // A last line without its end may be cut.
  return output.split("\n").slice(0, -1).map(Number);
}

test("nothing that was written is lost or counted twice, and billing is told of all of it", {
  timeout: 120_000,
}, async () => {
  const yaml = `ledger: { billing: { webhook: "${server.url}", file: billing.ndjson, batch: 40 } }`;
  const random = randomFrom(11);
  let posts = 0;
  server.decide = () => ({ status: ++posts % 5 === 0 ? 500 : 200 });
  const written = new Set<number>();
  let next = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const said = await writeUntilKilled(yaml, next, 1 + Math.floor(random() * 25));
    expect(said.length).toBeGreaterThan(0);
    for (const number of said) written.add(number);
    // Some that are there already come again; none is left out.
    next = Math.max(0, Math.max(...said) - 4);
  }
  // The last one may write to its end.
  const end = next + 10;
  const last = Bun.spawn([process.execPath, CHILD, folder, yaml, String(next), String(end)], {
    stdout: "pipe",
  });
  const output = await new Response(last.stdout).text();
  expect(await last.exited).toBe(0);
  expect(output.endsWith("closed\n")).toBe(true);
  for (let number = 0; number < end; number++)
    if (!written.has(number) && number < next) throw new Error(`batch ${number} was never said`);

  const db = new Database(join(folder, "ledger.sqlite"), { readonly: true });
  expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  const ids = db
    .query<{ id: string }, []>("SELECT id FROM calls ORDER BY seq")
    .all()
    .map(({ id }) => id);
  const expected = Array.from(
    { length: end * BATCH_ROWS },
    (_, index) => `${Math.floor(index / BATCH_ROWS)}-${index % BATCH_ROWS}`,
  );
  expect(ids.toSorted()).toEqual(expected.toSorted());
  const reader = readerOf(db);
  const rows = (await reader.calls({ limit: ids.length + 1 })).map(({ row }) => row);
  expect(rows.length).toBe(ids.length);
  const sum = (amount: (row: LedgerRow) => number) => rows.reduce((total, row) => total + amount(row), 0);
  const sums = {
    calls: rows.length,
    input: sum(({ usage }) => usage.input_tokens),
    cost: sum(({ cost_nano_usd }) => cost_nano_usd ?? 0),
    errors: sum(({ error }) => (error === null ? 0 : 1)),
  };
  for (const level of ["minute", "hour", "day"]) {
    const rolled =
      "sum(calls) AS calls, sum(input_tokens) AS input, sum(cost_nano_usd) AS cost, sum(errors) AS errors";
    expect(db.query(`SELECT ${rolled} FROM rollup_${level}`).get()).toEqual(sums);
  }
  const spent = db
    .query("SELECT sum(nano_usd) AS n FROM spend WHERE scope = 'tenant' AND period = 'day'")
    .get();
  expect(spent).toEqual({ n: sums.cost });
  db.close();

  // Whatever came twice, each came first in its turn.
  const inTurn = (events: readonly { id: string }[]) => [...new Set(events.map(({ id }) => id))];
  const lines = readFileSync(join(folder, "billing.ndjson"), "utf8").trimEnd().split("\n");
  expect(inTurn(lines.map((line) => JSON.parse(line)))).toEqual(ids);
  const loaded = parseConfig(Buffer.from(yaml), "test.yaml", { env: {} });
  if (!loaded.ok) throw new Error("the configuration has faults");
  const rest = Writer.open({ folder, settings: ledgerSettings(loaded.config), log: () => {} });
  if (!(rest instanceof Writer)) throw new Error(rest.fault);
  const taken = () => (server.taken as { events: { id: string }[] }[]).flatMap(({ events }) => events);
  const lastTaken = () =>
    (server.taken.at(-1) as { events: { id: string }[] } | undefined)?.events.at(-1)?.id;
  await server.until(() => lastTaken() === ids.at(-1), 30_000);
  await rest.close();
  expect(inTurn(taken())).toEqual(ids);
});
