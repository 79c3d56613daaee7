// The network between hosts and the database that they share is cut for one of them, under load, and healed: calls go on, each has one
// row in the end, and what was changed meanwhile is known everywhere by itself. What is under way when a cable is cut is lost without a
// word in either direction, the database's answer to a transaction that it has made among it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SchemaLedger } from "../ledger/store/engines.ts";
import { NetworkSpace } from "../network_space.ts";
import { PostgresServer, postgres_missing } from "../postgres/server.ts";
import { until } from "../until.ts";
import { admin, chat, metric, Venturi } from "./harness.ts";

/** Each takes as long as a statement may that nobody answers. */
const CUTS = 1;
const SPACE = postgres_missing === null ? NetworkSpace.lay(2, 10) : null;
const why = postgres_missing ?? (SPACE === null ? "network namespaces cannot be made here" : null);

const undone: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of undone.reverse()) await undo();
  SPACE?.takeAway();
});

interface Host {
  readonly data: string;
  readonly run: Venturi;
}

async function call({ run }: Host, key: string, id: string): Promise<number> {
  const response = await fetch(`${run.url}/v1/chat/completions`, {
    ...{ method: "POST", body: chat("sim/echo", id) },
    headers: { authorization: `Bearer ${key}`, "x-request-id": id },
  });
  await response.text();
  return response.status;
}

describe.skipIf(why !== null)(
  `a database behind a network that is cut${why === null ? "" : ` (skipped: ${why})`}`,
  () => {
    test("gets every row once, and its hosts all changes, when it is healed", {
      timeout: 150_000,
    }, async () => {
      const { cables, place } = SPACE!;
      const server = await PostgresServer.start([], place);
      undone.push(() => server.stop());
      const hosts: Host[] = [];
      for (const cable of cables) {
        const url = server.url("cut", "", cable.server);
        const data = mkdtempSync(join(tmpdir(), "venturi-host-"));
        const config = `listen: { workers: 1 }\nkeys: "${url}"\nledger: "${url}"\n`;
        const run = await new Venturi({ config, args: ["--data", data] }).ready();
        hosts.push({ data, run });
        undone.push(async () => {
          await run.end();
          rmSync(data, { recursive: true, force: true });
        });
      }
      const [near, far] = hosts as [Host, Host];
      const make = async (name: string) =>
        ((await (await admin(near.data, "POST", "keys", { name })).json()) as { key: string }).key;
      const key = await make("till");
      for (const host of hosts)
        await until(async () => (await call(host, key, "known")) === 200, 60_000, "a key works");

      const answered: string[] = [];
      let is_over = false;
      const press = async (host: Host) => {
        while (!is_over) {
          const id = crypto.randomUUID();
          expect(await call(host, key, id)).toBe(200);
          answered.push(id);
          await Bun.sleep(5);
        }
      };
      const loads = [press(near), press(near), press(far), press(far)];
      const more = async () => {
        const before = answered.length;
        await until(() => answered.length > before + 150, 60_000, "calls go on");
      };
      const isUp = () => metric(far.run.url, "venturi_ledger_store_up");
      const fresh: string[] = [];
      for (let cut = 1; cut <= CUTS; cut++) {
        await more();
        cables[1]!.cut();
        await more();
        fresh.push(await make(`made-${cut}`));
        expect(await call(far, fresh.at(-1)!, "unknown")).toBe(401);
        await until(async () => (await isUp()) === 0, 60_000, "the host notices");
        cables[1]!.heal();
        await until(async () => (await isUp()) === 1, 60_000, "the host reaches the database");
        await until(
          async () => (await call(far, fresh.at(-1)!, "known")) === 200,
          60_000,
          "a key made meanwhile works",
        );
      }
      is_over = true;
      await Promise.all(loads);

      const ledger = await SchemaLedger.open(server.url("cut"));
      undone.push(() => ledger.close());
      const waiting = async () =>
        (
          await Promise.all(hosts.map(({ run }) => metric(run.url, "venturi_ledger_store_waiting_rows")))
        ).reduce((sum, rows) => sum + rows, 0);
      for (const host of hosts) expect((await admin(host.data, "POST", "ledger/flush")).status).toBe(200);
      await until(async () => (await waiting()) === 0, 60_000, "no row waits");
      const found = await ledger.reader.calls({ limit: 100_000 });
      const known = Map.groupBy(found, ({ row }) => row.request_id);
      expect(answered.filter((id) => known.get(id)?.length !== 1)).toEqual([]);
      const counts = await ledger.all("SELECT count(*) AS n FROM calls");
      for (const level of ["minute", "hour", "day"])
        expect(await ledger.all(`SELECT sum(calls) AS n FROM rollup_${level}`)).toEqual(counts);
      // A key taken away while a host is cut off works there until the network is healed, and no longer.
      cables[1]!.cut();
      expect((await admin(near.data, "DELETE", "keys/till")).status).toBe(200);
      await until(async () => (await call(near, key, "gone")) === 401, 60_000, "the key is gone");
      expect(await call(far, key, "gone")).toBe(200);
      cables[1]!.heal();
      await until(async () => (await call(far, key, "gone")) === 401, 60_000, "the key is gone everywhere");
    });
  },
);
