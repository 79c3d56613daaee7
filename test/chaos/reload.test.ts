// Changing the configuration of a gateway that runs: what is noticed, what changes, and that no call hears of it.

import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Script, type ScriptedUpstream, startUpstream } from "../scripted_upstream.ts";
import { echo } from "./flaky_upstream.ts";
import { chat, metric, Venturi } from "./harness.ts";
import { Connection, callOnce, type Outcome, startLoad } from "./load_client.ts";
import { isAlive, tcpRows } from "./processes.ts";

const running: Venturi[] = [];
const upstreams: ScriptedUpstream[] = [];

/** A gateway whose listener is what the file says. */
async function start(config: string, args: readonly string[] = []): Promise<Venturi> {
  const venturi = new Venturi({ command: ["serve", "--data", "./data", ...args], config });
  running.push(venturi);
  return venturi.ready();
}

async function startUp(script: Script): Promise<ScriptedUpstream> {
  const upstream = await startUpstream(script);
  upstreams.push(upstream);
  return upstream;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((venturi) => venturi.end()));
  for (const upstream of upstreams.splice(0)) upstream.stop();
});

const LISTEN = "listen: { host: 127.0.0.1, port: 0, workers: 2 }\n";
const withAlias = (alias: string): string => `${LISTEN}models: { ${alias}: { targets: [sim/echo] } }\n`;

/** A port that nobody listens on, of those that no connection is given for its own end: none of them takes it in the meantime. */
function freePort(): number {
  for (let tries = 0; tries < 100; tries++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    try {
      Bun.listen({ hostname: "0.0.0.0", port, exclusive: true, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Somebody has it.
    }
  }
  throw new Error("there is no free port");
}

function statusOf(outcome: Outcome): number | string {
  return outcome.kind === "answered" ? outcome.status : outcome.kind;
}

/** The statuses that calls on connections of their own get, so that every process is met. */
async function statuses(venturi: Venturi, model: string, headers = {}): Promise<Set<number | string>> {
  const found = new Set<number | string>();
  for (let call = 0; call < 16; call++) {
    found.add(statusOf(await callOnce(venturi.port, "/v1/chat/completions", chat(model), headers)));
  }
  return found;
}

const isListening = (port: number) => tcpRows().some((row) => row.state === "0A" && row.local_port === port);

describe("a changed file is noticed", () => {
  const changes: readonly (readonly [string, (venturi: Venturi, text: string) => void])[] = [
    ["written in place", (venturi, text) => venturi.writeConfig(text)],
    [
      "replaced by renaming another over it",
      (venturi, text) => {
        const other = join(venturi.folder, "other.yaml");
        writeFileSync(other, text);
        renameSync(other, venturi.config_path);
      },
    ],
    [
      "that a symbolic link names in place of another",
      (venturi, text) => {
        const link = join(venturi.folder, "link");
        writeFileSync(join(venturi.folder, "next.yaml"), text);
        symlinkSync("next.yaml", link);
        renameSync(link, venturi.config_path);
      },
    ],
    [
      "that was away for a while",
      (venturi, text) => {
        rmSync(venturi.config_path);
        setTimeout(() => venturi.writeConfig(text), 700);
      },
    ],
  ];

  test.each(changes)("%s", async (_how, change) => {
    const venturi = await start(withAlias("one"));
    expect(await statuses(venturi, "one")).toEqual(new Set([200]));
    expect(await statuses(venturi, "two")).toEqual(new Set([404]));
    change(venturi, withAlias("two"));
    await venturi.line(/configuration reloaded/);
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
    expect(await statuses(venturi, "one")).toEqual(new Set([404]));
    expect(venturi.lines).toHaveLength(2);
  });

  test("by SIGHUP at once", async () => {
    const venturi = await start(withAlias("one"));
    const asked_ms = performance.now();
    venturi.writeConfig(withAlias("two"));
    venturi.kill("SIGHUP");
    await venturi.line(/configuration reloaded/);
    expect(performance.now() - asked_ms).toBeLessThan(400);
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
  });
});

describe("a reload", () => {
  test("of a bad file changes nothing and says where the fault is", async () => {
    const venturi = await start(withAlias("one"));
    venturi.writeConfig(`${withAlias("two")}providers: { up: { kind: opneai } }\n`);
    venturi.kill("SIGHUP");
    await venturi.line(/nothing changes/);
    expect(venturi.lines[1]).toMatch(/^venturi: venturi\.yaml:3:\d+: .*opneai.*openai/);
    expect(await statuses(venturi, "one")).toEqual(new Set([200]));
    venturi.writeConfig("listen: [");
    venturi.kill("SIGHUP");
    await venturi.line(/venturi\.yaml:1:\d+: /, 3);
    expect(await statuses(venturi, "one")).toEqual(new Set([200]));
    venturi.writeConfig(withAlias("two"));
    venturi.kill("SIGHUP");
    await venturi.line(/configuration reloaded/);
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
  });

  test("changes keys at once in every process", async () => {
    const withKey = (key: string) => `${LISTEN}keys: [{ name: a, key: ${key} }]\n`;
    const venturi = await start(withKey("first-key"));
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
    expect(await statuses(venturi, "sim/echo", bearer("first-key"))).toEqual(new Set([200]));
    venturi.writeConfig(withKey("second-key"));
    venturi.kill("SIGHUP");
    await venturi.line(/configuration reloaded/);
    expect(await statuses(venturi, "sim/echo", bearer("first-key"))).toEqual(new Set([401]));
    expect(await statuses(venturi, "sim/echo", bearer("second-key"))).toEqual(new Set([200]));
  });

  test("is there in a process that starts after it", async () => {
    const venturi = await start(withAlias("one"));
    venturi.writeConfig(withAlias("two"));
    venturi.kill("SIGHUP");
    await venturi.line(/configuration reloaded/);
    const victims = venturi.gateways;
    for (const victim of victims) process.kill(victim, "SIGKILL");
    await venturi.until(() => !victims.some(isAlive), "deaths");
    await venturi.until(() => venturi.gateways.length === 2 && isListening(venturi.port), "successors");
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
  });

  test("leaves a stream in flight its providers and its address", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const upstream = await startUp(async (_request, reply) => {
      void reply.sse({ choices: [{ index: 0, delta: { content: "first" }, finish_reason: null }] });
      await released;
      void reply.sse({ choices: [{ index: 0, delta: { content: " last" }, finish_reason: "stop" }] });
      void reply.sse("[DONE]");
    });
    const venturi = await start(
      `${LISTEN}providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }\n`,
    );
    const connection = await Connection.open(venturi.port);
    if (typeof connection === "string") throw new Error(connection);
    const outcome = connection.call("/v1/chat/completions", chat("up/m", "x", { stream: true }));
    await connection.firstBytes;
    const old_port = venturi.port;
    const old_gateways = venturi.gateways;
    venturi.writeConfig(`listen: { port: ${freePort()} }\nmodels: { two: { targets: [sim/echo] } }\n`);
    venturi.kill("SIGHUP");
    await venturi.line(/configuration reloaded/);
    expect(venturi.port).not.toBe(old_port);
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
    expect(await statuses(venturi, "up/m")).toEqual(new Set([404]));
    await venturi.until(() => !isListening(old_port), "end of the old listener");
    await venturi.until(() => old_gateways.filter(isAlive).length === 1, "end of the idle process");
    release();
    expect(await outcome).toMatchObject({ kind: "answered", status: 200 });
    expect((await outcome) as { body: string }).toHaveProperty(
      "body",
      expect.stringMatching(/first.* last.*\[DONE\]/s),
    );
    await venturi.until(() => !old_gateways.some(isAlive), "end of the old processes");
  });

  test("moves to another host on the same port", async () => {
    const port = freePort();
    const listen = (host: string) => `listen: { host: ${host}, port: ${port}, workers: 1 }\n`;
    const keys = "keys: [{ name: a, key: k }]\n";
    const venturi = await start(listen("127.0.0.1") + keys);
    for (const host of ["0.0.0.0", "127.0.0.2", "127.0.0.1"]) {
      const from = venturi.lines.length;
      venturi.writeConfig(listen(host) + keys);
      venturi.kill("SIGHUP");
      // The file is seen to change too, so that two reloads may tell of it, the second at any time.
      await venturi.line(new RegExp(`listening on http://${RegExp.escape(host)}:${port} `), from);
      const answer = await fetch(`http://${host === "0.0.0.0" ? "127.0.0.3" : host}:${port}/health/live`, {
        keepalive: false,
      });
      expect(answer.status).toBe(200);
    }
  });

  test("to a port that is taken keeps the old one, and applies the rest", async () => {
    const venturi = await start(withAlias("one"));
    const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = venturi;
    venturi.writeConfig(withAlias("two").replace("port: 0", `port: ${other.port}`));
    venturi.kill("SIGHUP");
    const line = await venturi.line(/cannot be listened to/);
    expect(line).toContain(`port ${other.port} of 127.0.0.1 is in use by another program`);
    expect(venturi.port).toBe(port);
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
    // Once it is free, the same file is enough.
    other.stop(true);
    venturi.kill("SIGHUP");
    await venturi.line(/listening on/, 1);
    expect(venturi.port).toBe(other.port);
    expect(await statuses(venturi, "two")).toEqual(new Set([200]));
  });
});

describe("a reload under load", () => {
  test("that changes the number of processes, and then the port, loses no call and no count", async () => {
    const upstream = await startUp(echo);
    const config = (port: number, workers: number) =>
      `listen: { port: ${port}, workers: ${workers} }\nproviders: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }\n`;
    const venturi = await start(config(0, 2));
    const progress = { answered: 0 };
    const faults: string[] = [];
    const load = startLoad({
      port: () => venturi.port,
      connections: 32,
      calls: Number.POSITIVE_INFINITY,
      calls_per_connection: 10,
      body: (number) => chat("up/m", `call-${number}`),
      onRecord: ({ outcome, answers_before }, number) => {
        progress.answered += 1;
        const is_good = outcome.kind === "answered" && outcome.body.includes(`"call-${number}"`);
        if (!is_good) faults.push(`${statusOf(outcome)}, answers before: ${answers_before}`);
      },
    });
    const counts: number[] = [];
    const steps = [config(0, 3), config(0, 1), config(0, 2), config(freePort(), 2), config(freePort(), 1)];
    for (const [step, text] of steps.entries()) {
      await venturi.until(() => progress.answered > 300 * (step + 1), "calls");
      counts.push(await metric(venturi.url, "venturi_calls_total"));
      const from = venturi.lines.length;
      const old_port = venturi.port;
      const old_gateways = venturi.gateways;
      venturi.writeConfig(text);
      venturi.kill("SIGHUP");
      await venturi.line(/configuration reloaded/, from);
      // Whoever still connects to the old port of a moved gateway is refused, and that is no loss.
      if (venturi.port !== old_port) {
        await venturi.until(() => !isListening(old_port), "end of the old listener");
      }
      while (old_gateways.some(isAlive)) {
        counts.push(await metric(venturi.url, "venturi_calls_total"));
        await Bun.sleep(50);
      }
    }
    load.stop();
    await load.done;
    expect(faults.filter((fault) => !fault.startsWith("refused"))).toEqual([]);
    expect(venturi.gateways).toHaveLength(1);
    counts.push(await metric(venturi.url, "venturi_calls_total"));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(progress.answered - faults.length);
    expect(venturi.lines.join("\n")).not.toContain("ended with");
    expect(await metric(venturi.url, "venturi_calls_in_flight")).toBe(0);
  }, 60_000);
});
