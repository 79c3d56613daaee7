// The life of the processes, as a user sees it: start, refusals to start, signals, deaths, the end.

import { Database } from "bun:sqlite";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { startUpstream } from "../scripted_upstream.ts";
import { chat, metric, type RunOptions, Venturi } from "./harness.ts";
import { Connection, callOnce, type Outcome } from "./load_client.ts";
import { isAlive, tcpRows } from "./processes.ts";

const running: Venturi[] = [];
const upstreams: { stop(): void }[] = [];

function run(options: RunOptions = {}): Venturi {
  const venturi = new Venturi(options);
  running.push(venturi);
  return venturi;
}

function start(options: RunOptions = {}): Promise<Venturi> {
  return run(options).ready();
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((venturi) => venturi.end()));
  for (const upstream of upstreams.splice(0)) upstream.stop();
});

/** An upstream whose answers wait until they are let go: plain ones whole, streams after their first words. */
async function startSlowUpstream() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const upstream = await startUpstream(async (request, reply) => {
    const { stream } = request.json() as { stream?: boolean };
    if (stream !== true) {
      await Promise.race([released, request.aborted]);
      return reply.json(200, { choices: [{ message: { content: "late" }, finish_reason: "stop" }] });
    }
    void reply.sse({ choices: [{ index: 0, delta: { content: "first" }, finish_reason: null }] });
    await Promise.race([released, request.aborted]);
    void reply.sse({ choices: [{ index: 0, delta: { content: " last" }, finish_reason: "stop" }] });
    void reply.sse("[DONE]");
  });
  upstreams.push(upstream);
  return { upstream, release };
}

function configFor(base_url: string, listen = ""): string {
  return `listen: { ${listen} }\nproviders:\n  up: { kind: openai, base_url: "${base_url}", api_keys: [none] }\n`;
}

/** A call in flight: sent, and seen by the upstream. */
async function sendSlow(
  venturi: Venturi,
  upstream: { waitFor: Upstream["waitFor"]; requests: readonly unknown[] },
  extra = {},
) {
  const before = upstream.requests.length;
  const connection = await Connection.open(venturi.port);
  if (typeof connection === "string") throw new Error(connection);
  const outcome = connection.call("/v1/chat/completions", chat("up/m", "wait", extra));
  await upstream.waitFor(() => upstream.requests.length > before);
  return { connection, outcome };
}

type Answered = Extract<Outcome, { readonly kind: "answered" }>;

function answered(outcome: Outcome): Answered {
  if (outcome.kind !== "answered") throw new Error(`the call was ${outcome.kind}`);
  return outcome;
}

type Upstream = Awaited<ReturnType<typeof startUpstream>>;

const isListening = (port: number) => tcpRows().some((row) => row.state === "0A" && row.local_port === port);

describe("starting", () => {
  test.each([1, 2])("with no configuration %d process(es) answer on loopback", async (workers) => {
    const venturi = await start({ args: ["--workers", String(workers)] });
    expect(venturi.lines).toEqual([
      `venturi: listening on http://127.0.0.1:${venturi.port} (${workers} gateway process${workers === 1 ? "" : "es"})`,
    ]);
    expect(venturi.gateways).toHaveLength(workers);
    // Scripts read it as soon as that is said.
    expect(readFileSync(join(venturi.folder, "data", "venturi.pid"), "utf8")).toBe(`${venturi.pid}\n`);
    const answer = await callOnce(venturi.port, "/v1/chat/completions", chat("sim/echo", "hello there"));
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
    expect(JSON.parse(answered(answer).body).choices[0].message.content).toBe("hello there");
    expect(await metric(venturi.url, "venturi_processes")).toBe(workers);
    const live = await callOnce(venturi.port, "/health/live");
    const ready = await callOnce(venturi.port, "/health/ready");
    expect([live, ready]).toMatchObject([
      { status: 200, body: '{"status":"ok"}' },
      { status: 200, body: '{"status":"ok"}' },
    ]);
  });

  test("the metrics are the sum over all processes, whoever is asked", async () => {
    const venturi = await start({ args: ["--workers", "2"] });
    for (let call = 0; call < 24; call++)
      await callOnce(venturi.port, "/v1/chat/completions", chat("sim/echo"));
    for (let look = 0; look < 8; look++) {
      expect(await metric(venturi.url, "venturi_calls_total", 'model="echo"', 'status="200"')).toBe(24);
    }
  });

  test("a second gateway on the same port is refused, and the first does not notice", async () => {
    const first = await start({ args: ["--workers", "2"] });
    const second = run({ command: ["serve", "--port", String(first.port), "--data", "./data"] });
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.lines).toEqual([
      `venturi: cannot start: port ${first.port} of 127.0.0.1 is in use by another program; choose one with --port`,
    ]);
    for (let call = 0; call < 10; call++) {
      expect(await callOnce(first.port, "/v1/chat/completions", chat("sim/echo"))).toMatchObject({
        status: 200,
      });
    }
  });

  test("a ledger that cannot be opened ends the start, with all that has started", async () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-"));
    const ledger = new Database(join(folder, "ledger.sqlite"));
    ledger.run("PRAGMA user_version = 99");
    ledger.close();
    const venturi = run({ args: ["--workers", "2", "--data", folder] });
    expect(await venturi.exited).toMatchObject({ code: 1 });
    expect(venturi.lines.filter((line) => line.includes("listening on"))).toEqual([]);
    expect(venturi.lines.at(-1)).toMatch(/^venturi: cannot start: .*newer version of Venturi/);
    rmSync(folder, { recursive: true });
  });

  test.each([
    [["--port", "70000"], '--port must be a whole number from 0 to 65535, not "70000"'],
    [["--port", ""], "--port must be"],
    [["--workers", "0"], "--workers must be a whole number from 1 to 62"],
    [["--workers", "two"], '--workers must be a whole number from 1 to 62, not "two"'],
    [["--frobnicate"], "--frobnicate"],
    [["--config"], "--config"],
    [["--host", ""], "--host must not be empty"],
    [["extra"], "extra"],
  ])("bad flags %j end with status 2 and say what is wrong", async (args, message) => {
    const venturi = run({ command: ["serve", ...args] });
    expect(await venturi.exited).toMatchObject({ code: 2 });
    expect(venturi.lines.join("\n")).toContain(message);
    expect(venturi.lines.join("\n")).toContain("usage: venturi serve");
  });

  test("an unknown command ends with status 2, help with 0", async () => {
    const unknown = run({ command: ["sevre"] });
    expect(await unknown.exited).toMatchObject({ code: 2 });
    expect(unknown.lines[0]).toBe('venturi: unknown command "sevre"');
    for (const command of [["help"], ["serve", "--help"]]) {
      const help = run({ command });
      expect(await help.exited).toMatchObject({ code: 0 });
      expect(help.output).toContain("venturi serve [--config");
    }
  });

  test("a bad configuration ends with status 1 and the place of the fault", async () => {
    const venturi = run({ config: "listen:\n  prot: 8080\n" });
    expect(await venturi.exited).toMatchObject({ code: 1 });
    expect(venturi.lines).toHaveLength(1);
    expect(venturi.lines[0]).toMatch(/^venturi: venturi\.yaml:2:3: .*prot.*port/);
  });

  test("a configuration that is not there ends with status 1", async () => {
    const venturi = run({ args: ["--config", "nowhere.yaml"] });
    expect(await venturi.exited).toMatchObject({ code: 1 });
    expect(venturi.lines.join()).toContain("nowhere.yaml:1:1: there is no such file");
  });

  test.each(["0.0.0.0", "::"])("without keys the address %s is refused", async (host) => {
    const venturi = run({ args: ["--host", host] });
    expect(await venturi.exited).toMatchObject({ code: 1 });
    expect(venturi.lines.join()).toContain("--host");
    expect(venturi.lines.join()).toContain("key");
  });

  test("an address that this machine does not have is a clear error", async () => {
    const config = 'keys: [{ name: a, key: "k1" }]\nlisten: { host: 192.0.2.1 }\n';
    const venturi = run({ config });
    expect(await venturi.exited).toMatchObject({ code: 1 });
    expect(venturi.lines.join()).toContain("192.0.2.1");
  });

  test("a signal in the middle of the start ends it with status 0 and leaves no process", async () => {
    const venturi = run({ args: ["--workers", "2"] });
    await venturi.until(() => venturi.gateways.length > 0, "gateway process");
    const { gateways } = venturi;
    venturi.kill("SIGTERM");
    expect(await venturi.exited).toMatchObject({ code: 0 });
    expect(gateways.filter(isAlive)).toEqual([]);
  });
});

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("ends an idle gateway at once, with idle connections too", async () => {
    const venturi = await start({ args: ["--workers", "2"] });
    const { gateways } = venturi;
    const idle = await Connection.open(venturi.port);
    if (typeof idle === "string") throw new Error(idle);
    await idle.call("/health/live", "");
    const asked_ms = performance.now();
    venturi.kill(signal);
    expect(await venturi.exited).toMatchObject({ code: 0 });
    expect(performance.now() - asked_ms).toBeLessThan(2_500);
    expect(venturi.lines.slice(1)).toEqual([
      `venturi: ${signal}: finishing the calls in flight`,
      "venturi: stopped",
    ]);
    expect(gateways.filter(isAlive)).toEqual([]);
    expect(isListening(venturi.port)).toBe(false);
  });

  test("lets calls in flight finish, plain and streamed, and refuses new connections meanwhile", async () => {
    const { upstream, release } = await startSlowUpstream();
    const venturi = await start({ args: ["--workers", "2"], config: configFor(upstream.base_url) });
    const plain = await sendSlow(venturi, upstream);
    const streamed = await sendSlow(venturi, upstream, { stream: true });
    venturi.kill(signal);
    await venturi.until(() => !isListening(venturi.port), "closed listener");
    expect(await callOnce(venturi.port, "/health/live")).toEqual({ kind: "refused", code: "ECONNREFUSED" });
    // Longer than idle connections are left open.
    await Bun.sleep(1_300);
    release();
    expect(await plain.outcome).toMatchObject({ kind: "answered", status: 200 });
    const stream = await streamed.outcome;
    expect(stream).toMatchObject({ kind: "answered", status: 200 });
    expect(answered(stream).body).toMatch(/first.* last.*data: \[DONE\]\n\n$/s);
    expect(await venturi.exited).toMatchObject({ code: 0 });
  });

  test("answers a call on an old connection, and closes it with that answer", async () => {
    const { upstream, release } = await startSlowUpstream();
    const venturi = await start({ args: ["--workers", "1"], config: configFor(upstream.base_url) });
    const slow = await sendSlow(venturi, upstream);
    const old = await Connection.open(venturi.port);
    if (typeof old === "string") throw new Error(old);
    await old.call("/health/live", "");
    venturi.kill(signal);
    await venturi.until(() => !isListening(venturi.port), "closed listener");
    const answer = await old.call("/v1/chat/completions", chat("sim/echo"));
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
    expect(answered(answer).headers.get("connection")).toBe("close");
    release();
    expect(await slow.outcome).toMatchObject({ kind: "answered", status: 200 });
  });

  test("sent to every process, as terminals and service managers do, is the same", async () => {
    const { upstream, release } = await startSlowUpstream();
    const venturi = await start({ args: ["--workers", "2"], config: configFor(upstream.base_url) });
    const slow = await sendSlow(venturi, upstream);
    const { gateways } = venturi;
    for (const pid of [...gateways, venturi.pid]) process.kill(pid, signal);
    await venturi.until(() => !isListening(venturi.port), "closed listener");
    release();
    expect(await slow.outcome).toMatchObject({ kind: "answered", status: 200 });
    expect(await venturi.exited).toMatchObject({ code: 0 });
    expect(gateways.filter(isAlive)).toEqual([]);
    expect(isListening(venturi.port)).toBe(false);
  });

  test("waits for a client that reads a large answer slowly", async () => {
    const content = "x".repeat(8 * 1024 * 1024);
    const upstream = await startUpstream((_request, reply) =>
      reply.json(200, { choices: [{ message: { content }, finish_reason: "stop" }] }),
    );
    upstreams.push(upstream);
    const venturi = await start({ args: ["--workers", "1"], config: configFor(upstream.base_url) });
    const connection = await Connection.open(venturi.port);
    if (typeof connection === "string") throw new Error(connection);
    const outcome = connection.call("/v1/chat/completions", chat("up/m"));
    await connection.firstBytes;
    connection.socket.pause();
    venturi.kill(signal);
    // Longer than idle connections are left open.
    await venturi.until(() => !isListening(venturi.port), "closed listener");
    await Bun.sleep(1_500);
    connection.socket.resume();
    expect(JSON.parse(answered(await outcome).body).choices[0].message.content).toHaveLength(content.length);
    expect(await venturi.exited).toMatchObject({ code: 0 });
  });

  test("cuts calls that take longer than drain_ms with an error that says so", async () => {
    const { upstream } = await startSlowUpstream();
    const config = configFor(upstream.base_url, "drain_ms: 600");
    const venturi = await start({ args: ["--workers", "1"], config });
    const plain = await sendSlow(venturi, upstream);
    const streamed = await sendSlow(venturi, upstream, { stream: true });
    await streamed.connection.firstBytes;
    const asked_ms = performance.now();
    venturi.kill(signal);
    const refused = await plain.outcome;
    expect(refused).toMatchObject({ kind: "answered", status: 503 });
    const { headers, body } = answered(refused);
    expect(headers.get("retry-after")).toBe("1");
    const error = { type: "server_error", code: "unavailable" };
    expect(JSON.parse(body)).toMatchObject({ error });
    const stream = await streamed.outcome;
    expect(stream).toMatchObject({ kind: "answered", status: 200 });
    const events = answered(stream).body.trim().split("\n\n");
    expect(events[0]).toContain("first");
    expect(JSON.parse(events.at(-1)!.replace(/^(event: error\n)?data: /, ""))).toMatchObject({ error });
    expect(await venturi.exited).toMatchObject({ code: 0 });
    expect(performance.now() - asked_ms).toBeLessThan(2_500);
  });
});

describe("ending at once", () => {
  test("a second SIGINT ends everything, and a burst of them is one", async () => {
    const { upstream } = await startSlowUpstream();
    const venturi = await start({ args: ["--workers", "2"], config: configFor(upstream.base_url) });
    const slow = await sendSlow(venturi, upstream);
    const { gateways } = venturi;
    venturi.kill("SIGINT");
    await venturi.line(/SIGINT/);
    venturi.kill("SIGINT");
    // A terminal and npm send it twice; the call is still there.
    await Bun.sleep(700);
    expect(isAlive(venturi.pid)).toBe(true);
    venturi.kill("SIGINT");
    expect(await venturi.exited).toMatchObject({ code: 130 });
    expect(await slow.outcome).toMatchObject({ kind: "cut" });
    await venturi.until(() => !gateways.some(isAlive), "end of the gateway processes", 2_000);
  });
});

describe("a gateway process that dies", () => {
  test("by SIGKILL is back at once, is told of, and its counts survive", async () => {
    const venturi = await start({ args: ["--workers", "2"] });
    const count = () => metric(venturi.url, "venturi_calls_total", 'model="echo"');
    for (let call = 0; call < 12; call++)
      await callOnce(venturi.port, "/v1/chat/completions", chat("sim/echo"));
    expect(await count()).toBe(12);
    const [victim] = venturi.gateways;
    process.kill(victim!, "SIGKILL");
    const sums: number[] = [];
    await venturi.line(
      new RegExp(`gateway process ${victim} ended with signal SIGKILL; another starts at once`),
    );
    await venturi.until(() => venturi.gateways.length === 2, "successor", 2_000);
    while (sums.length < 30) {
      const outcome = await callOnce(venturi.port, "/health/live");
      if (outcome.kind === "answered") sums.push(await count().catch(() => 12));
      await Bun.sleep(10);
    }
    expect(new Set(sums)).toEqual(new Set([12]));
    // A process is there before it serves.
    await expect.poll(() => metric(venturi.url, "venturi_processes"), { timeout: 20_000 }).toBe(2);
    for (let call = 0; call < 12; call++)
      await callOnce(venturi.port, "/v1/chat/completions", chat("sim/echo"));
    expect(await count()).toBe(24);
  });

  test("again and again is started with growing pauses", async () => {
    const venturi = await start({ args: ["--workers", "1"] });
    for (let death = 0; death < 4; death++) {
      await venturi.until(() => venturi.gateways.length === 1, "gateway process");
      process.kill(venturi.gateways[0]!, "SIGKILL");
      await venturi.until(
        () => venturi.lines.filter((line) => /ended with/.test(line)).length > death,
        "death",
      );
    }
    const pauses = venturi.lines.flatMap((line) => /another starts (.*)$/.exec(line)?.[1] ?? []);
    expect(pauses).toEqual(["at once", "in 100 ms", "in 200 ms", "in 400 ms"]);
  });

  test("because it cannot listen any more is started again until it can", async () => {
    const venturi = await start({ args: ["--workers", "1"] });
    const [victim] = venturi.gateways;
    // The port is taken while the process is dead: a stopped one cannot notice, a listener without SO_REUSEPORT keeps it away.
    process.kill(victim!, "SIGKILL");
    await venturi.until(() => !isListening(venturi.port), "closed listener", 2_000);
    const thief = Bun.listen({ hostname: "127.0.0.1", port: venturi.port, socket: { data() {} } });
    await venturi.line(/ended with .*(in use|listen).*another starts in/);
    thief.stop(true);
    await venturi.until(() => isListening(venturi.port), "listener", 5_000);
    expect(await callOnce(venturi.port, "/health/live")).toMatchObject({ status: 200 });
  });

  test("told to end by SIGTERM is replaced first, and its calls finish", async () => {
    const { upstream, release } = await startSlowUpstream();
    const venturi = await start({ args: ["--workers", "1"], config: configFor(upstream.base_url) });
    const slow = await sendSlow(venturi, upstream);
    const [leaver] = venturi.gateways;
    process.kill(leaver!, "SIGTERM");
    await venturi.line(new RegExp(`gateway process ${leaver} was told to end; another takes its place`));
    while (venturi.gateways.length < 2)
      expect(await callOnce(venturi.port, "/health/live")).toMatchObject({ status: 200 });
    release();
    expect(await slow.outcome).toMatchObject({ kind: "answered", status: 200 });
    await venturi.until(() => !isAlive(leaver!), "end of the old process", 5_000);
    expect(await callOnce(venturi.port, "/health/live")).toMatchObject({ status: 200 });
    expect(venturi.gateways).toHaveLength(1);
    expect(venturi.lines.join()).not.toContain("ended with");
    expect(await metric(venturi.url, "venturi_calls_total", 'provider="up"')).toBe(1);
  });
});

describe("a supervisor that is killed", () => {
  test("leaves gateway processes that finish their calls and go", async () => {
    const { upstream, release } = await startSlowUpstream();
    const venturi = await start({ args: ["--workers", "2"], config: configFor(upstream.base_url) });
    const slow = await sendSlow(venturi, upstream);
    const { gateways } = venturi;
    venturi.kill("SIGKILL");
    expect(await venturi.exited).toMatchObject({ signal: "SIGKILL" });
    await venturi.until(() => !isListening(venturi.port), "closed listener", 3_000);
    await venturi.until(() => gateways.filter(isAlive).length === 1, "end of the idle process", 5_000);
    release();
    expect(await slow.outcome).toMatchObject({ kind: "answered", status: 200 });
    await venturi.until(() => !gateways.some(isAlive), "end of the last process", 5_000);
    // The port is free for the next.
    const next = run({ command: ["serve", "--port", String(venturi.port), "--data", "./data"] });
    await next.ready();
  });
});
