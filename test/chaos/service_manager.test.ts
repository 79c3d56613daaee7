// Under a service manager: the socket that it hands over is served, kept through a restart, and never closed; and it hears how the
// gateway is doing.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { CertificateAuthority, HAS_OPENSSL } from "../certificate_authority.ts";
import { chat, type RunOptions, Venturi } from "./harness.ts";
import { callOnce, startLoad } from "./load_client.ts";
import { isAlive } from "./processes.ts";
import { ListeningSocket, NotifySocket } from "./service_sockets.ts";

const undone: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of undone.splice(0).reverse()) await undo();
});

function start(options: RunOptions): Promise<Venturi> {
  const venturi = new Venturi(options);
  undone.push(() => venturi.end());
  return venturi.ready();
}

function listen(): ListeningSocket {
  const socket = new ListeningSocket();
  undone.push(() => socket.close());
  return socket;
}

describe.skipIf(process.platform !== "linux")("a socket that is handed over", () => {
  test("is served by every process, and what connects during a restart waits", async () => {
    const socket = listen();
    const options = { command: ["serve", "--data", "./data", "--workers", "2"], socket: socket.descriptor };
    const first = await start(options);
    expect(first.port).toBe(socket.port);
    expect(await first.line(/listening on/)).toContain(
      `http://127.0.0.1:${socket.port} (2 gateway processes)`,
    );
    const call = () => callOnce(socket.port, "/v1/chat/completions", chat("sim/echo"));
    const many = await Promise.all(Array.from({ length: 40 }, call));
    expect(new Set(many.map((one) => one.kind === "answered" && one.status))).toEqual(new Set([200]));

    first.kill("SIGTERM");
    expect((await first.exited).code).toBe(0);
    const waiting = Promise.all(Array.from({ length: 5 }, call));
    await start(options);
    expect((await waiting).map((one) => one.kind === "answered" && one.status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
  });

  test("goes on under another number of processes, and when one of them dies", async () => {
    const socket = listen();
    const config = (workers: number) => `listen: { host: 127.0.0.9, port: 1, workers: ${workers} }\n`;
    const venturi = await start({
      command: ["serve", "--data", "./data"],
      ...{ config: config(1), socket: socket.descriptor },
    });
    const answers = async () => (await callOnce(socket.port, "/health/live")).kind;
    const [only] = venturi.gateways;
    process.kill(only!, "SIGKILL");
    await venturi.line(/another starts at once/);
    expect(await answers()).toBe("answered");
    venturi.writeConfig(config(2));
    await venturi.line(/2 gateway processes/);
    expect(await answers()).toBe("answered");
  });

  test.skipIf(!HAS_OPENSSL)("may be given TLS while it is served (needs openssl)", async () => {
    const authority = new CertificateAuthority();
    undone.push(() => authority.dispose());
    const { cert, key } = authority.issue(["localhost"]);
    const socket = listen();
    const venturi = await start({
      command: ["serve", "--data", "./data", "--workers", "1"],
      ...{ config: "{}", socket: socket.descriptor },
    });
    await Bun.write(join(venturi.folder, "cert.pem"), cert);
    await Bun.write(join(venturi.folder, "key.pem"), key);
    venturi.writeConfig("listen: { tls: { cert: cert.pem, key: key.pem } }\n");
    await venturi.line(/configuration reloaded/);
    const ask = () =>
      fetch(`https://localhost:${socket.port}/health/live`, { tls: { ca: authority.cert }, keepalive: false })
        .then(({ status }) => status)
        .catch(() => 0);
    for (let look = 0; look < 200 && (await ask()) !== 200; look++) await Bun.sleep(20);
    expect(await Promise.all(Array.from({ length: 10 }, ask))).toEqual(Array(10).fill(200));
    // And other certificates after that, more than once.
    for (const name of ["one.test", "two.test"]) {
      const from = venturi.lines.length;
      const next = authority.issue(["localhost", name]);
      await Bun.write(join(venturi.folder, "key.pem"), next.key);
      await Bun.write(join(venturi.folder, "cert.pem"), next.cert);
      await venturi.line(/configuration reloaded/, from);
      for (let call = 0; call < 20; call++) expect(await ask()).toBe(200);
    }
  });

  test("is left to others by a process that still finishes a call", async () => {
    const socket = listen();
    const config = (workers: number) => `listen: { workers: ${workers} }\n`;
    const venturi = await start({
      command: ["serve", "--data", "./data"],
      ...{ config: config(1), socket: socket.descriptor },
    });
    const [old] = venturi.gateways;
    const words = Array.from({ length: 60 }, (_, word) => `word${word}`).join(" ");
    const stream = await fetch(`http://127.0.0.1:${socket.port}/v1/chat/completions`, {
      ...{ method: "POST", body: chat("sim/slow", words, { stream: true }) },
    });
    venturi.writeConfig(config(2));
    await venturi.line(/2 gateway processes/);
    // Nothing is asked of the socket by who drains, and no waking is taken from those that accept.
    let answered = 0;
    while (isAlive(old!) && answered < 300) {
      const outcome = await callOnce(socket.port, "/health/live");
      expect(outcome.kind).toBe("answered");
      answered += 1;
    }
    expect(answered).toBeGreaterThan(20);
    expect(await stream.text()).toContain("[DONE]");
  });

  test("goes on to the program that takes over, twice, of which the manager is told", async () => {
    const socket = listen();
    const folder = mkdtempSync(join(tmpdir(), "venturi-notify-"));
    const manager = new NotifySocket(join(folder, "notify"));
    undone.push(() => {
      manager.close();
      rmSync(folder, { recursive: true });
    });
    const venturi = await start({
      command: ["serve", "--data", "./data", "--workers", "1"],
      ...{ socket: socket.descriptor, env: { NOTIFY_SOCKET: join(folder, "notify") } },
    });
    const supervisor = () => Number(readFileSync(join(venturi.folder, "data", "venturi.pid"), "utf8"));
    undone.push(async () => {
      const last = supervisor();
      process.kill(last, "SIGTERM");
      await venturi.until(() => !isAlive(last), "end of the last supervisor", 30_000);
    });
    const load = startLoad({
      ...{
        port: () => socket.port,
        connections: 6,
        calls: Number.POSITIVE_INFINITY,
        calls_per_connection: 5,
      },
      body: (number) => chat("sim/echo", `call-${number}`),
    });
    for (let upgrades = 0; upgrades < 2; upgrades++) {
      const before = supervisor();
      process.kill(before, "SIGUSR2");
      await venturi.until(() => supervisor() !== before && !isAlive(before), "upgrade", 60_000);
      expect(manager.hasHeard(new RegExp(`MAINPID=${supervisor()}\\b`))).toBe(true);
    }
    load.stop();
    await load.done;
    const outcomes = load.records.map(({ outcome }) =>
      outcome.kind === "answered" ? outcome.status : outcome.kind,
    );
    expect(new Set(outcomes)).toEqual(new Set([200]));
    expect(outcomes.length).toBeGreaterThan(20);
  }, 60_000);

  test("is refused in words where it is none", async () => {
    const venturi = new Venturi({ socket: 1 });
    undone.push(() => venturi.end());
    await venturi.line(/cannot start with the socket that was handed over: descriptor 3 is no socket/);
    expect((await venturi.exited).code).toBe(1);
  });
});

describe.skipIf(process.platform !== "linux")("a service manager", () => {
  test("hears that the gateway is ready, reloads, lives and stops", async () => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-notify-"));
    undone.push(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "notify");
    const socket = new NotifySocket(path);
    undone.push(() => socket.close());
    const venturi = await start({
      args: ["--workers", "1"],
      ...{ config: "{}", env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" } },
    });
    const hears = (pattern: RegExp) =>
      venturi.until(() => socket.hasHeard(pattern), `message like ${pattern}`);
    await hears(/^READY=1\nMAINPID=\d+\nSTATUS=listening on http:/);
    expect(socket.heard.join("\n")).toContain(`MAINPID=${venturi.pid}\n`);
    await hears(/^WATCHDOG=1$/);
    venturi.kill("SIGHUP");
    await hears(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    await venturi.until(
      () => socket.hasHeard(/^READY/) && socket.heard.filter((one) => one.startsWith("READY=1")).length > 1,
      "second word that it is ready",
    );
    venturi.kill("SIGTERM");
    await hears(/^STOPPING=1\nSTATUS=.*\nEXTEND_TIMEOUT_USEC=60000000$/);
    expect((await venturi.exited).code).toBe(0);
  });
});
