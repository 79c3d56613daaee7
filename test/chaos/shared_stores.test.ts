// Three hosts on one machine that share keys and a ledger in Postgres, under load: gateway processes and a supervisor killed, the
// database stopped, killed and back. Every call that was answered has one row, and a key is known, or no more, on every host at once.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SchemaLedger } from "../ledger/store/engines.ts";
import { PostgresServer, postgres_missing } from "../postgres/server.ts";
import { admin, chat, Venturi } from "./harness.ts";
import { isAlive } from "./processes.ts";

/** How soon a change of keys is in force on every host. */
const PROMISED_MS = 2_000;
/** Callers of each host, and the calls of each. */
const CALLERS = 2;
const CALLS = 150;

interface Host {
  readonly data: string;
  run: Venturi;
}

let server: PostgresServer;
const hosts: Host[] = [];

function config(): string {
  const url = server.url("hosts");
  return `listen: { workers: 1 }\nkeys: "${url}"\nledger: "${url}"\n`;
}

function launch(data: string): Promise<Venturi> {
  return new Venturi({ config: config(), args: ["--data", data] }).ready();
}

/** The status of a call; 0 where it was not answered. */
async function call({ run }: Host, key: string, id: string): Promise<number> {
  try {
    const response = await fetch(`${run.url}/v1/chat/completions`, {
      ...{ method: "POST", body: chat("sim/echo", id) },
      headers: { authorization: `Bearer ${key}`, "x-request-id": id },
      signal: AbortSignal.timeout(10_000),
    });
    await response.text();
    return response.status;
  } catch {
    return 0;
  }
}

async function within(limit_ms: number, isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const end_ms = performance.now() + limit_ms; !(await isSo()); await Bun.sleep(20)) {
    if (performance.now() > end_ms) throw new Error(`not within ${limit_ms} ms: ${what}`);
  }
}

describe.skipIf(postgres_missing !== null)("hosts that share keys and a ledger", () => {
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(hosts.map(({ run }) => run.end()));
    for (const { data } of hosts.splice(0)) rmSync(data, { recursive: true, force: true });
  });
  afterAll(() => server?.stop());

  test("lose no row and count none twice, whatever is killed", { timeout: 180_000 }, async () => {
    for (let index = 0; index < 3; index++) {
      const data = mkdtempSync(join(tmpdir(), "venturi-host-"));
      hosts.push({ data, run: await launch(data) });
    }
    const [first, second, third] = hosts as [Host, Host, Host];
    // Nobody is let in before there is a key, on this machine either.
    expect(await call(first, "vk-none", "before")).toBe(401);
    const { key } = (await (await admin(first.data, "POST", "keys", { name: "till" })).json()) as {
      key: string;
    };
    for (const host of hosts)
      await within(
        PROMISED_MS,
        async () => (await call(host, key, crypto.randomUUID())) === 200,
        "a new key works",
      );

    const answered: string[] = [];
    const callers = hosts.flatMap((host) =>
      Array.from({ length: CALLERS }, async () => {
        for (let count = 0; count < CALLS; count++) {
          const id = crypto.randomUUID();
          if ((await call(host, key, id)) === 200) answered.push(id);
          await Bun.sleep(15);
        }
      }),
    );
    const trouble = async () => {
      process.kill(first.run.gateways[0]!, "SIGKILL");
      server.pause();
      await Bun.sleep(700);
      server.resume();
      const orphans = second.run.gateways;
      second.run.kill("SIGKILL");
      await second.run.exited;
      await within(
        20_000,
        async () => !orphans.some(isAlive),
        "the processes of a supervisor that is gone end",
      );
      const before = second.run;
      second.run = await launch(second.data);
      await before.end();
      await server.kill();
      // Known keys go on working, and none is made.
      expect(await call(third, key, crypto.randomUUID())).toBe(200);
      expect((await admin(third.data, "POST", "keys", { name: "other" })).status).toBe(503);
      await server.go();
    };
    await Promise.all([...callers, trouble()]);
    expect(answered.length).toBeGreaterThan(300);
    for (const host of hosts) expect((await admin(host.data, "POST", "ledger/flush")).status).toBe(200);

    const ledger = await SchemaLedger.open(server.url("hosts"));
    const ids = async () => {
      const found = await ledger.reader.calls({ limit: 100_000 });
      return Map.groupBy(found, ({ row }) => row.request_id);
    };
    const missing = async () => {
      const known = await ids();
      return answered.filter((id) => !known.has(id)).length === 0;
    };
    await within(30_000, missing, "every answered call has its row in the database");
    const known = await ids();
    expect(answered.filter((id) => known.get(id)!.length !== 1)).toEqual([]);
    const rows = await ledger.reader.lastSeq();
    expect(rows).toBeGreaterThanOrEqual(answered.length);
    const counts = await ledger.all("SELECT count(*) AS n FROM calls");
    for (const level of ["minute", "hour", "day"])
      expect(await ledger.all(`SELECT sum(calls) AS n FROM rollup_${level}`)).toEqual(counts);
    await ledger.close();

    // Every host tells of all of them.
    for (const host of hosts) {
      const { data } = (await (await admin(host.data, "GET", "usage?by=key")).json()) as {
        data: { calls: number }[];
      };
      expect(data.reduce((sum, { calls }) => sum + calls, 0)).toBe(counts[0]!["n"]!);
      // It is told when the last of them has been acknowledged, which may be a moment after they can be read.
      const isTold = async () => {
        const metrics = await (await fetch(`${host.run.url}/metrics`)).text();
        const told = ["venturi_ledger_store_up 1\n", "venturi_ledger_store_waiting_rows 0\n"];
        return told.every((line) => metrics.includes(line));
      };
      await within(10_000, isTold, "a host tells that nothing waits for the database");
    }
    const gone = async () => (await admin(third.data, "DELETE", "keys/till")).status === 200;
    await within(20_000, gone, "keys can be changed again");
    for (const host of hosts)
      await within(
        PROMISED_MS,
        async () => (await call(host, key, crypto.randomUUID())) === 401,
        "a revoked key is refused",
      );
    const said = hosts.flatMap(({ run }) => run.lines).join("\n");
    expect(said).not.toContain("secret-of-tests");
  });
});
