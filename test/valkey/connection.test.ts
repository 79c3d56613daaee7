// The ways to a server: with passwords, over TLS, through sentinels, in a cluster. Hosts share a limit over each of them.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeLimitSet } from "../../src/access/limit_set.ts";
import { Reservation } from "../../src/access/reservation.ts";
import type { StatePlan } from "../../src/config/plan.ts";
import { REACHED } from "../../src/memory/host_facts.ts";
import { openValkey } from "../../src/valkey/connection.ts";
import { startHost, statePlan, type TestHost } from "../access/shared/hosts.ts";
import { freePort, NEEDS_SERVER, type RedisServer, SERVER, startRedis } from "../redis_server.ts";
import { until } from "../until.ts";

const OPENSSL = Bun.which("openssl");

/** Tests run at once: what they started ends after the last of them. */
const undone: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of undone.reverse()) await undo();
});

const limits = {
  windows: [{ of: "requests" as const, window_ms: 60_000, limit: 6 }],
  ...{ concurrency: null, nano_usd_per_day: null, nano_usd_per_month: null },
};

async function start(url: string, name: string, plan: Partial<StatePlan> = {}): Promise<TestHost> {
  const host = await startHost({ url, name, plan });
  undone.push(() => host.close());
  return host;
}

/** Two hosts on it are let through as often as the limit says, together. */
async function sharesLimits(url: string, plan: Partial<StatePlan> = {}): Promise<void> {
  const hosts = [await start(url, "one", plan), await start(url, "two", plan)];
  // Counters of several groups, so that a cluster has them in several places.
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    const sets = [makeLimitSet("acme", "key", name, limits)!];
    let count = 0;
    const end_ms = performance.now() + 8_000;
    while (count < 6 && performance.now() < end_ms) {
      for (const host of hosts) if ((await host.take(sets)) instanceof Reservation) count += 1;
    }
    expect(count).toBe(6);
    for (const host of hosts) expect(await host.take(sets)).toMatchObject({ of: "requests" });
  }
}

async function server(lines: readonly string[] = [], port = 0): Promise<RedisServer> {
  const redis = await startRedis(lines, port);
  undone.push(() => redis.stop());
  return redis;
}

/** What is said where a server lets nobody in. */
async function faultOf(url: string, plan: Partial<StatePlan> = {}): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const valkey = await openValkey({
    plan: statePlan(url, plan),
    scripts: { one: "return 1" },
    timeout_ms: 500,
    onChange: (is_up, why) => resolve(is_up ? "" : why),
  });
  undone.push(() => valkey.close());
  const said = await promise;
  const failed = await valkey.run("one", { keys: ["a"], args: [] }).then(
    () => "",
    (error: unknown) => String(error),
  );
  return `${said} ${failed}`;
}

describe.skipIf(SERVER === null)(`connections${NEEDS_SERVER}`, { concurrent: true }, () => {
  test("a user and a password are asked for, and never told", async () => {
    const redis = await server([
      "user gateway on >geheim-geheim ~test:* +@all -@dangerous +info",
      "user default off",
    ]);
    await sharesLimits(`valkey://gateway:geheim-geheim@127.0.0.1:${redis.port}`);
    const wrong = await faultOf(`valkey://gateway:falsch-falsch@127.0.0.1:${redis.port}`);
    expect(wrong).not.toBe(" ");
    expect(wrong).not.toContain("falsch");
    expect(wrong).not.toContain("geheim");
  }, 40_000);

  test("the password of a server without users does", async () => {
    const redis = await server(["requirepass nur-ein-passwort"]);
    const host = await start(`valkey://:nur-ein-passwort@127.0.0.1:${redis.port}`, "one");
    expect(host.state.facts.shared).toBe(REACHED);
  }, 40_000);

  test.skipIf(OPENSSL === null)(
    "a server's certificate is verified",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "venturi-tls-"));
      undone.push(() => rmSync(folder, { recursive: true }));
      const made = Bun.spawnSync(
        [
          ...[
            OPENSSL!,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
          ],
          ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"],
          ...["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")],
        ],
        { stderr: "ignore" },
      );
      expect(made.exitCode).toBe(0);
      const tls_port = await freePort();
      await server([
        ...[`tls-port ${tls_port}`, `tls-cert-file ${folder}/cert.pem`, `tls-key-file ${folder}/key.pem`],
        ...[`tls-ca-cert-file ${folder}/cert.pem`, "tls-auth-clients no"],
      ]);
      const ca = readFileSync(join(folder, "cert.pem"), "utf8");
      await sharesLimits(`valkeys://localhost:${tls_port}`, { ca });
      expect(await faultOf(`valkeys://localhost:${tls_port}`)).toMatch(/certificate|self.signed/i);
    },
    40_000,
  );

  test("sentinels say who is the primary, and who is when that one is dead", async () => {
    const primary = await server();
    const replica = await server([`replicaof 127.0.0.1 ${primary.port}`, "repl-diskless-sync-delay 0"]);
    const folder = mkdtempSync(join(tmpdir(), "venturi-sentinel-"));
    const port = await freePort();
    const file = join(folder, "sentinel.conf");
    await Bun.write(
      file,
      [
        ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder}`],
        ...[`sentinel monitor mymaster 127.0.0.1 ${primary.port} 1`],
        ...["sentinel down-after-milliseconds mymaster 600", "sentinel failover-timeout mymaster 3000"],
      ].join("\n"),
    );
    const sentinel = Bun.spawn([SERVER!, file, "--sentinel"], { stdout: "ignore", stderr: "ignore" });
    undone.push(async () => {
      sentinel.kill("SIGKILL");
      await sentinel.exited;
      rmSync(folder, { recursive: true });
    });
    const url = `valkey+sentinel://127.0.0.1:${port}/mymaster`;
    const host = await start(url, "one");
    const set = makeLimitSet("acme", "key", "failover", {
      ...limits,
      windows: [{ ...limits.windows[0]!, limit: 4 }],
    })!;
    let count = 0;
    const take = async () => {
      if ((await host.take([set])) instanceof Reservation) count += 1;
    };
    await take();
    await take();
    expect(count).toBe(2);
    // Until the sentinel knows of the replica there is nobody to take over.
    await until(
      async () => String(await replica.run("INFO", "replication")).includes("master_link_status:up"),
      20_000,
    );
    await until(async () => {
      const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
      const told = await client.send("SENTINEL", ["REPLICAS", "mymaster"]).catch(() => []);
      client.close();
      return Array.isArray(told) && told.length > 0;
    }, 20_000);
    await primary.kill();
    await until(async () => String(await replica.run("ROLE")).startsWith("master"), 20_000);
    const other = await start(url, "two");
    await until(() => host.state.facts.shared === REACHED && other.state.facts.shared === REACHED, 20_000);
    // What was used before the failover is not forgotten, whoever asks.
    for (let tries = 0; tries < 30; tries++) if ((await other.take([set])) instanceof Reservation) count += 1;
    await take();
    expect(count).toBeLessThanOrEqual(4);
    expect(count).toBeGreaterThan(2);
  }, 60_000);

  test("a cluster has counters in all its places", async () => {
    const lines = ["cluster-enabled yes", "cluster-node-timeout 2000"];
    const nodes = await Promise.all([server(lines), server(lines), server(lines)]);
    const bounds = [0, 5_461, 10_923, 16_384];
    for (const [index, node] of nodes.entries()) {
      await node.run("CLUSTER", "ADDSLOTSRANGE", String(bounds[index]), String(bounds[index + 1]! - 1));
      await node.run("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    }
    for (const other of nodes.slice(1))
      await nodes[0]!.run("CLUSTER", "MEET", "127.0.0.1", String(other.port));
    for (const node of nodes)
      await until(async () => String(await node.run("CLUSTER", "INFO")).includes("cluster_state:ok"), 20_000);
    await sharesLimits(`valkey+cluster://127.0.0.1:${nodes[0]!.port},127.0.0.1:${nodes[1]!.port}`);
    const sizes = await Promise.all(nodes.map((node) => node.run("DBSIZE")));
    for (const size of sizes) expect(Number(size)).toBeGreaterThan(0);
  }, 60_000);
});
