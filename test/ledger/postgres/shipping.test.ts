// Rows on their way into Postgres, from several hosts: processes that are killed, a server that is stopped, killed and back, and in
// the end every row that was said to be written is there once, with sums that are what the rows add up to.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/load.ts";
import { writeRow } from "../../../src/ledger/row_line.ts";
import { type LedgerSettings, ledgerSettings } from "../../../src/ledger/settings.ts";
import { Writer } from "../../../src/ledger/writer.ts";
import type { LedgerStoreStatus } from "../../../src/memory/host_facts.ts";
import { PostgresServer, postgres_missing } from "../../postgres/server.ts";
import { until } from "../../until.ts";
import { HookServer } from "../delivery/hook_server.ts";
import { SchemaLedger } from "../store/engines.ts";
import { ledgerRow } from "../store/rows.ts";
import { BATCH_ROWS } from "../writing_child.ts";

const CHILD = join(import.meta.dirname, "..", "writing_child.ts");
/** Numbers of batches that one host may write. */
const SHARE = 1_000_000;
const LONG = { timeout: 120_000 };

let server: PostgresServer;
const folders: string[] = [];
const writers: Writer[] = [];
let schemas = 0;
let schema: string;

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "venturi-"));
  folders.push(made);
  return made;
}

function settings(url: string, more = ""): LedgerSettings {
  const yaml = `ledger: { store: "${url}" }\n${more}`;
  const loaded = parseConfig(Buffer.from(yaml), "test.yaml", { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return ledgerSettings(loaded.config);
}

interface Host {
  readonly writer: Writer;
  readonly said: string[];
  status(): LedgerStoreStatus | null;
}

function host(of: LedgerSettings, at = folder()): Host {
  const said: string[] = [];
  let status: LedgerStoreStatus | null = null;
  const writer = Writer.open({
    ...{ folder: at, settings: of, log: (line: string) => void said.push(line) },
    onStatus: (told) => {
      status = told;
    },
  });
  if (!(writer instanceof Writer)) throw new Error(writer.fault);
  writers.push(writer);
  return { writer, said, status: () => status };
}

const lines = (count: number, changes = {}) =>
  Array.from({ length: count }, () => writeRow(ledgerRow({ time: Date.now(), ...changes })));

describe.skipIf(postgres_missing !== null)("rows on their way into Postgres", () => {
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.stop());
  beforeEach(() => {
    schema = `shipping_${++schemas}`;
  });
  afterEach(async () => {
    await Promise.all(writers.splice(0).map((writer) => writer.close()));
    for (const made of folders.splice(0)) rmSync(made, { recursive: true });
  });

  test("arrive with those of other hosts, and what was there before comes too", LONG, async () => {
    const first = folder();
    const before = host(ledgerSettings(loaded("ledger: sqlite")), first);
    await before.writer.write(lines(30));
    await before.writer.close();
    const [a, b] = [host(settings(server.url(schema)), first), host(settings(server.url(schema)))];
    await Promise.all([a.writer.write(lines(1_500)), b.writer.write(lines(700))]);
    expect(await a.writer.flush(30_000)).toBe(true);
    expect(await b.writer.flush(30_000)).toBe(true);
    const ledger = await SchemaLedger.open(server.url(schema));
    expect(await ledger.all("SELECT sum(calls) AS calls FROM rollup_day")).toEqual([{ calls: 2_230 }]);
    expect(await ledger.reader.lastSeq()).toBeGreaterThanOrEqual(2_230);
    await until(() => a.status()?.waiting === 0 && a.status()?.is_up === true, 30_000, "nothing waits");
    await ledger.close();
    expect([...a.said, ...b.said].join("\n")).not.toContain("secret");
  });

  test("wait while the server is stopped or gone, are counted, and come when it is back", LONG, async () => {
    const one = host(settings(server.url(schema)));
    await one.writer.write(lines(10));
    expect(await one.writer.flush(30_000)).toBe(true);
    server.pause();
    try {
      await one.writer.write(lines(25));
      await until(() => one.status()?.waiting === 25, 30_000, "rows that wait are told");
      // The disk does not wait for the database.
      expect((await one.writer.write(lines(5))).written).toBe(5);
      expect(await one.writer.flush(0)).toBe(false);
    } finally {
      server.resume();
    }
    await until(() => one.status()?.waiting === 0, 30_000, "rows arrive when the server goes on");
    await server.kill();
    await one.writer.write(lines(40));
    await until(() => one.status()?.is_up === false, 30_000, "that it is gone is told");
    await server.go();
    await until(() => one.status()?.waiting === 0, 30_000, "rows arrive when it is back");
    const ledger = await SchemaLedger.open(server.url(schema));
    expect(await ledger.all("SELECT sum(calls) AS calls FROM rollup_hour")).toEqual([{ calls: 80 }]);
    expect(await ledger.all("SELECT count(*) AS calls FROM calls")).toEqual([{ calls: 80 }]);
    await ledger.close();
    expect(one.said.join("\n")).toContain("not delivered");
    expect(one.said.join("\n")).not.toContain("secret");
  });

  test("are kept beyond the size of their file until they have arrived", LONG, async () => {
    const nowhere = "postgres://venturi:secret@127.0.0.1:1/postgres";
    const of = settings(nowhere);
    const one = host({ ...of, ledger: { ...of.ledger, max_mb: 1 } });
    await one.writer.write(lines(12_000));
    await one.writer.clean();
    await until(() => one.status()?.waiting === 12_000, 30_000, "all of them wait");
    expect(one.said.join("\n")).toContain("old rows are kept");
  });

  test("are summed up by budgets over all hosts, and each alert is sent once", LONG, async () => {
    const hook = new HookServer();
    const more = `alerts: { webhook: "${hook.url}", at: [0.5, 1] }
keys: [{ name: checkout, key: some-secret, tenant: acme, limits: { usd_per_day: 1 } }]`;
    const hosts = [0, 1, 2].map(() => host(settings(server.url(schema), more)));
    for (let round = 0; round < 2; round++) {
      for (const { writer } of hosts) {
        await writer.write(lines(10, { cost_nano_usd: 20_000_000 }));
        expect(await writer.flush(30_000)).toBe(true);
      }
    }
    const shares = () => (hook.taken as { share: number }[]).map(({ share }) => share);
    await hook.until(() => shares().length === 2, 30_000);
    expect(shares()).toEqual([0.5, 1]);
    await hook.stop();
  });

  test("are each there once, whatever is killed", LONG, async () => {
    const url = server.url(schema);
    const hosts = [folder(), folder()];
    const said = new Set<number>();
    const next = hosts.map((_, index) => index * SHARE);
    for (let round = 0; round < 3; round++) {
      const children = hosts.map((at, index) =>
        Bun.spawn(
          [process.execPath, CHILD, at, `ledger: "${url}"`, String(next[index]), String((index + 1) * SHARE)],
          { stdout: "pipe", stderr: "inherit" },
        ),
      );
      const reading = children.map(async (child, index) => {
        let text = "";
        for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
          text += chunk;
          if (text.split("\n").length > 40) child.kill("SIGKILL");
          if (round > 0 && index === 0 && text === chunk) await trouble(round);
        }
        const numbers = text.split("\n").slice(0, -1).map(Number);
        for (const number of numbers) said.add(number);
        // Some that are there already come again.
        next[index] = Math.max(next[index]!, Math.max(...numbers) - 3);
      });
      await Promise.all(reading);
    }
    const rest = hosts.map((at) => host(settings(url), at));
    for (const { writer } of rest) expect(await writer.flush(60_000)).toBe(true);
    const ledger = await SchemaLedger.open(url);
    const rows = (await ledger.reader.calls({ limit: 1_000_000 })).map(({ row }) => row);
    const ids = new Set(rows.map(({ id }) => id));
    expect(ids.size).toBe(rows.length);
    const missing = [...said].flatMap((number) =>
      Array.from({ length: BATCH_ROWS }, (_, index) => `${number}-${index}`).filter((id) => !ids.has(id)),
    );
    expect(missing).toEqual([]);
    expect(said.size).toBeGreaterThan(100);
    const sums = {
      calls: rows.length,
      input: rows.reduce((sum, { usage }) => sum + usage.input_tokens, 0),
      cost: rows.reduce((sum, { cost_nano_usd }) => sum + (cost_nano_usd ?? 0), 0),
      errors: rows.filter(({ error }) => error !== null).length,
    };
    for (const level of ["minute", "hour", "day"]) {
      const asked =
        "sum(calls) AS calls, sum(input_tokens) AS input, sum(cost_nano_usd) AS cost, sum(errors) AS errors";
      expect(await ledger.all(`SELECT ${asked} FROM rollup_${level}`)).toEqual([sums]);
    }
    const spent = "SELECT sum(nano_usd) AS n FROM spend WHERE scope = 'tenant' AND period = 'day'";
    expect(await ledger.all(spent)).toEqual([{ n: sums.cost }]);
    await ledger.close();
  });

  /** What happens to the server while rows come: it is stopped for a while, or killed. */
  async function trouble(round: number): Promise<void> {
    if (round === 1) {
      server.pause();
      await Bun.sleep(200);
      server.resume();
      return;
    }
    await server.kill();
    await server.go();
  }
});

function loaded(yaml: string) {
  const found = parseConfig(Buffer.from(yaml), "test.yaml", { env: {} });
  if (!found.ok) throw new Error(JSON.stringify(found.problems));
  return found.config;
}
