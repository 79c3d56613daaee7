// Three gateways that share their state, keys and ledger, restarted one after the other under load, as an update of a cluster does it:
// no call is lost, each has one row, and the limit that they share holds over all of it. Calls come over kept connections, by a list of
// those that are ready, as a Service of Kubernetes' gives it, and through HAProxy with its own look at readiness.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SchemaLedger } from "../ledger/store/engines.ts";
import { PostgresServer, postgres_missing } from "../postgres/server.ts";
import { freePort, NEEDS_SERVER, SERVER, startRedis } from "../redis_server.ts";
import { startUpstream } from "../scripted_upstream.ts";
import { until } from "../until.ts";
import { echo } from "./flaky_upstream.ts";
import { chat, metric, Venturi } from "./harness.ts";
import { type CallRecord, type Load, startLoad } from "./load_client.ts";

const HOSTS = 3;
const KEY = "rolling-key-0123456789";
const HAPROXY = Bun.which("haproxy", { PATH: `${process.env["PATH"]}:/usr/sbin` });
if (HAPROXY === null) console.warn("haproxy is not installed: a rolling restart is tried without a balancer");

const undone: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of undone.reverse()) await undo();
});

/** A host: its folder and port stay, what runs there changes. */
interface Host {
  readonly data: string;
  readonly port: number;
  run: Venturi;
}

async function startHaproxy(ports: readonly number[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "venturi-haproxy-"));
  const [port, file] = [await freePort(), join(folder, "haproxy.cfg")];
  const servers = ports.map((own, index) => `  server host${index} 127.0.0.1:${own} check`);
  writeFileSync(
    file,
    `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  retries 3
  retry-on conn-failure
  option redispatch 1
listen gateways
  bind 127.0.0.1:${port}
  option httpchk GET /health/ready
  http-check expect status 200
  default-server inter 100ms fall 1 rise 1
${servers.join("\n")}
`,
  );
  const child = Bun.spawn([HAPROXY!, "-db", "-f", file], { stdout: "ignore", stderr: "ignore" });
  undone.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  });
  const answers = async () =>
    (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null))?.ok === true;
  await until(answers, 30_000, "the balancer has gateways");
  return port;
}

const missing = postgres_missing ?? (SERVER === null ? NEEDS_SERVER : null);

describe.skipIf(missing !== null)(
  `a rolling restart${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    test("of gateways that share everything loses no call and doubles no row", {
      timeout: 120_000,
    }, async () => {
      const redis = await startRedis();
      undone.push(() => redis.stop());
      const database = await PostgresServer.start();
      undone.push(() => database.stop());
      const upstream = await startUpstream(echo);
      undone.push(() => upstream.stop());
      const config = `
listen: { workers: 1 }
state: { url: "valkey://127.0.0.1:${redis.port}", lease_ms: 800 }
on_state_loss: reject
ledger: "${database.url("rolling")}"
keys: { store: "${database.url("rolling")}", list: [{ name: k, key: ${KEY}, models: ["*"], limits: { rpm: 1000000, usd_per_day: 1000 } }] }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/m], retries: { attempts: 0 }, price: { input_per_mtok: 1, output_per_mtok: 2 } } }
`;
      const launch = (data: string, port: number) =>
        new Venturi({
          config,
          command: ["serve", "--config", "venturi.yaml", "--port", String(port), "--data", data],
        }).ready();
      const hosts: Host[] = [];
      for (let index = 0; index < HOSTS; index++) {
        const data = mkdtempSync(join(tmpdir(), "venturi-host-"));
        const run = await launch(data, 0);
        const host = { data, port: run.port, run };
        hosts.push(host);
        undone.push(async () => {
          await host.run.end();
          rmSync(data, { recursive: true, force: true });
        });
      }

      const ready = new Set(hosts.map(({ port }) => port));
      let turns = 0;
      const faults: unknown[] = [];
      const take = ({ outcome }: CallRecord, number: number) => {
        const is_good =
          outcome.kind === "answered" &&
          outcome.status === 200 &&
          (number % 3 === 0
            ? outcome.body.trimEnd().endsWith("data: [DONE]")
            : outcome.body.includes(`"call-${number}"`));
        if (!is_good) faults.push(outcome);
      };
      const press = (port: () => number): Load =>
        startLoad({
          ...{ port, connections: 8, calls: Number.POSITIVE_INFINITY, calls_per_connection: 40 },
          headers: { authorization: `Bearer ${KEY}` },
          body: (number) => chat("chat", `call-${number}`, { stream: number % 3 === 0 }),
          onRecord: take,
        });
      const loads = [press(() => [...ready][turns++ % ready.size]!)];
      if (HAPROXY !== null) {
        const balancer = await startHaproxy(hosts.map(({ port }) => port));
        loads.push(press(() => balancer));
      }
      const served = ({ run }: Host) => metric(run.url, "venturi_calls_total", 'status="200"');
      for (const host of hosts) {
        await until(async () => (await served(host)) > 100, 30_000, "the host serves");
        ready.delete(host.port);
        const before = host.run;
        before.kill("SIGTERM");
        expect(await before.exited).toMatchObject({ code: 0 });
        host.run = await launch(host.data, host.port);
        await before.end();
        ready.add(host.port);
        await until(async () => (await served(host)) > 100, 30_000, "the host serves again");
      }
      for (const load of loads) load.stop();
      await Promise.all(loads.map(({ done }) => done));
      expect(faults).toEqual([]);

      const calls = loads.reduce((sum, { records }) => sum + records.length, 0);
      expect(upstream.requests.length).toBe(calls);
      const ledger = await SchemaLedger.open(database.url("rolling"));
      undone.push(() => ledger.close());
      const rows = async (what: string) =>
        (await ledger.all(`SELECT count(${what}) AS n FROM calls`))[0]!["n"]!;
      await until(async () => (await rows("*")) >= calls, 30_000, "every call has its row");
      expect(await rows("*")).toBe(calls);
      expect(await ledger.all("SELECT sum(calls) AS n FROM rollup_day")).toEqual([{ n: calls }]);
    });
  },
);
