// The program is followed by another one while calls go on: plain ones, streams and sockets. Nobody's call is lost, every one is counted
// once, and what cannot take over changes nothing.

import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import * as layout from "../../src/memory/layout.ts";
import { openSocket, type SocketClient } from "../gateway/websocket/socket_client.ts";
import { copyProject } from "../project_copy.ts";
import { startUpstream } from "../scripted_upstream.ts";
import { echo } from "./flaky_upstream.ts";
import { chat, type RunOptions, Venturi } from "./harness.ts";
import { callOnce, startLoad } from "./load_client.ts";
import { isAlive } from "./processes.ts";

const PROJECT = resolve(import.meta.dirname, "../..");
const MAIN = join(PROJECT, "src/main.ts");
const UPGRADES = 10;
const DEADLINE_MS = 120_000;

const built = mkdtempSync(join(tmpdir(), "venturi-built-"));
const executable = join(built, "venturi");
const undone: (() => unknown)[] = [];

beforeAll(() => {
  const made = Bun.spawnSync([process.execPath, MAIN, "build", "--output", executable], { stderr: "pipe" });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
}, DEADLINE_MS);

afterAll(() => rmSync(built, { recursive: true, force: true }));

afterEach(async () => {
  for (const undo of undone.splice(0).reverse()) await undo();
});

const dataOf = (venturi: Venturi) => join(venturi.folder, "data");

/** The supervisor that has the data folder. */
function supervisorOf(venturi: Venturi): number {
  return Number(readFileSync(join(dataOf(venturi), "venturi.pid"), "utf8"));
}

async function start(options: RunOptions): Promise<Venturi> {
  const venturi = new Venturi(options);
  undone.push(async () => {
    await stop(venturi);
    await venturi.end();
  });
  return venturi.ready();
}

/** Ends whoever has the folder by now. */
async function stop(venturi: Venturi): Promise<void> {
  let pid = 0;
  try {
    pid = supervisorOf(venturi);
  } catch {
    return;
  }
  if (isAlive(pid)) process.kill(pid, "SIGTERM");
  await venturi.until(() => !isAlive(pid), "end of the last supervisor", 30_000);
}

function command(program: readonly string[], venturi: Venturi, ...args: readonly string[]) {
  const run = Bun.spawnSync([...program, ...args, "--data", dataOf(venturi)], { cwd: venturi.folder });
  return { code: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

/** Calls that the ledger knows. */
function callsOf(venturi: Venturi): number {
  const { stdout } = command([process.execPath, MAIN], venturi, "usage", "--flush", "--format", "json");
  return (JSON.parse(stdout) as { readonly calls: number }[]).reduce((sum, { calls }) => sum + calls, 0);
}

/** Calls on sockets, one after another, each socket until it is told that its gateway goes. */
function startSockets(venturi: Venturi, count: number) {
  const seen = { calls: 0, goaways: 0 };
  const faults: unknown[] = [];
  let is_stopped = false;
  const isGoing = ({ frames }: SocketClient) => frames.some(({ event }) => event === "goaway");
  const lane = async (name: number): Promise<void> => {
    while (!is_stopped) {
      const client = await openSocket(venturi.port);
      for (let number = 0; !is_stopped && !isGoing(client) && client.closed === null; number++) {
        const id = `${name}-${number}`;
        client.call(id, { model: "up/m" });
        const last = (await client.end(id)).at(-1)!;
        seen.calls += 1;
        if (last.event !== "done") faults.push(last);
      }
      if (isGoing(client)) seen.goaways += 1;
      client.socket.terminate();
    }
  };
  const done = Promise.all(Array.from({ length: count }, (_, name) => lane(name)));
  return {
    seen,
    faults,
    async stop() {
      is_stopped = true;
      await done;
    },
  };
}

describe("an upgrade", () => {
  test(
    `loses no call and counts each once, ${UPGRADES} times under load`,
    async () => {
      const upstream = await startUpstream(echo);
      undone.push(() => upstream.stop());
      const program = join(built, "running");
      copyFileSync(executable, program);
      const config = `
listen: { port: 0, workers: 1 }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
`;
      const venturi = await start({ program: [program], command: ["serve", "--data", "./data"], config });
      const { port } = venturi;
      const faults: unknown[] = [];
      let answered = 0;
      const load = (kind: Record<string, unknown>, connections: number) =>
        startLoad({
          port: () => port,
          connections,
          calls: Number.POSITIVE_INFINITY,
          calls_per_connection: 10,
          body: (number) => chat("up/m", `call-${number}`, kind),
          onRecord: ({ outcome }, number) => {
            answered += 1;
            const is_good =
              outcome.kind === "answered" &&
              outcome.status === 200 &&
              (outcome.body.includes(`"call-${number}"`) || outcome.body.trimEnd().endsWith("data: [DONE]"));
            if (!is_good) faults.push(outcome);
          },
        });
      const loads = [load({}, 6), load({ stream: true }, 6)];
      const sockets = startSockets(venturi, 4);
      const supervisors = [venturi.pid];
      for (let number = 1; number <= UPGRADES; number++) {
        const before = answered;
        await venturi.until(() => answered > before + 50, "calls");
        // As people do it: another file in the place of the one that runs.
        if (number === 1) {
          const next = join(built, "next");
          copyFileSync(executable, next);
          renameSync(next, program);
        }
        process.kill(supervisors.at(-1)!, "SIGUSR2");
        await venturi.until(() => supervisorOf(venturi) !== supervisors.at(-1), `upgrade ${number}`, 60_000);
        supervisors.push(supervisorOf(venturi));
        await venturi.line(new RegExp(`process ${supervisors.at(-1)} has taken over`));
      }
      for (const one of loads) one.stop();
      await Promise.all([...loads.map(({ done }) => done), sockets.stop()]);
      expect(faults).toEqual([]);
      expect(sockets.faults).toEqual([]);
      expect(sockets.seen.goaways).toBeGreaterThan(0);
      expect(venturi.port).toBe(port);
      const gone = supervisors.slice(0, -1);
      await venturi.until(() => !gone.some(isAlive), "end of those before", 40_000);

      await stop(venturi);
      expect(callsOf(venturi)).toBe(answered + sockets.seen.calls);
      expect(venturi.lines.filter((line) => /ended with|died|ledger|cannot/.test(line))).toEqual([]);
      expect(readdirSync(dataOf(venturi)).filter((name) => /^(spill|trial|state\.)/.test(name))).toEqual([]);
    },
    DEADLINE_MS,
  );

  test(
    "by what cannot start, or fails half-way, changes nothing",
    async () => {
      const config = "listen: { workers: 1 }\n";
      const venturi = await start({ config });
      const program = [process.execPath, MAIN];
      const upgrade = (to: string) => command(program, venturi, "upgrade", to);
      const call = async () => {
        const outcome = await callOnce(venturi.port, "/v1/chat/completions", chat("sim/echo"));
        return outcome.kind === "answered" ? outcome.status : outcome.kind;
      };
      expect(upgrade("/bin/false")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("it ended with 1"),
      });
      expect(upgrade("missing")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("there is no missing"),
      });
      expect(await call()).toBe(200);

      // It does well when it is tried, says that it is prepared, is given the folder, and dies.
      const liar = join(venturi.folder, "liar.ts");
      writeFileSync(
        liar,
        `if (process.env.VENTURI_PREDECESSOR === undefined) await import(${JSON.stringify(MAIN)});
else { process.on("message", () => process.exit(5)); process.send({ kind: "prepared" }); }`,
      );
      const failed = upgrade(liar);
      expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("it ended with status 5") });
      expect(supervisorOf(venturi)).toBe(venturi.pid);
      expect(await call()).toBe(200);

      // What was taken back works, the ledger too, and it can be handed over after all.
      expect(callsOf(venturi)).toBe(2);
      const gateway = venturi.gateways[0]!;
      process.kill(gateway, "SIGKILL");
      await venturi.until(() => venturi.gateways.some((pid) => pid !== gateway), "another gateway process");
      expect(command(program, venturi, "upgrade").code).toBe(0);
      expect(supervisorOf(venturi)).not.toBe(venturi.pid);
      expect(await call()).toBe(200);
      expect((await venturi.exited).code).toBe(0);
      expect(callsOf(venturi)).toBe(3);
      expect(command(program, venturi, "audit").stdout.match(/ upgrade /g)).toHaveLength(3);
    },
    DEADLINE_MS,
  );

  test(
    "to a version with another mapped file loses nothing, and there is no way back",
    async () => {
      const upstream = await startUpstream(echo);
      undone.push(() => upstream.stop());
      const next = nextLayout();
      const config = `
listen: { port: 0, workers: 1 }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
keys: [{ name: a, key: k, limits: { requests_per_day: 1000000 } }]
`;
      const venturi = await start({ config, command: ["serve", "--data", "./data"] });
      const headers = { authorization: "Bearer k" };
      const faults: unknown[] = [];
      let answered = 0;
      const load = startLoad({
        port: () => venturi.port,
        connections: 8,
        calls: Number.POSITIVE_INFINITY,
        calls_per_connection: 10,
        headers,
        body: (number) => chat("up/m", `call-${number}`, { stream: number % 2 === 0 }),
        onRecord: ({ outcome }) => {
          answered += 1;
          if (outcome.kind !== "answered" || outcome.status !== 200) faults.push(outcome);
        },
      });
      await venturi.until(() => answered > 100, "calls");
      const program = [process.execPath, MAIN];
      const counted = answered;
      expect(command(program, venturi, "upgrade", next)).toMatchObject({ code: 0 });
      const before = answered;
      await venturi.until(
        () => !isAlive(venturi.pid) && answered > before + 100,
        "end of the one before",
        40_000,
      );
      load.stop();
      await load.done;
      expect(faults).toEqual([]);
      expect(venturi.lines.some((line) => /was brought from layout \d+ to \d+/.test(line))).toBe(true);
      expect(callsOf(venturi)).toBe(answered);
      expect(readdirSync(dataOf(venturi)).filter((name) => /^(\.?spill|state\.)/.test(name))).toEqual([]);
      // What was counted before still counts; what the processes of the one before let in afterwards does not.
      const last = await callOnce(venturi.port, "/v1/chat/completions", chat("up/m"), headers);
      const left =
        last.kind === "answered" ? Number(last.headers.get("x-ratelimit-remaining-requests")) : NaN;
      expect(1_000_000 - left).toBeGreaterThan(counted);

      const back = command([process.execPath, next], venturi, "upgrade", MAIN);
      expect(back).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("laid out by a newer version of Venturi"),
      });
      expect((await callOnce(venturi.port, "/v1/chat/completions", chat("up/m"), headers)).kind).toBe(
        "answered",
      );
      await stop(venturi);
      const again = command(program, venturi, "serve", "--port", "0");
      expect(again).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("laid out by a newer version"),
      });
    },
    DEADLINE_MS,
  );
});

/** The `main.ts` of a next version, whose mapped file is laid out otherwise. */
function nextLayout(): string {
  const project = join(built, "next-layout");
  copyProject(project);
  const change = (path: string, from: RegExp, to: (found: string, ...parts: string[]) => string) => {
    const text = readFileSync(join(project, path), "utf8");
    expect(text).toMatch(from);
    writeFileSync(join(project, path), text.replace(from, to));
  };
  const { LAYOUT_VERSION: version, SERIES_BYTES: bytes } = layout;
  change("src/memory/layout.ts", /LAYOUT_VERSION = \d+/, () => `LAYOUT_VERSION = ${version + 1}`);
  change("src/memory/layout.ts", /SERIES_BYTES = \d+/, () => `SERIES_BYTES = ${bytes + 1024}`);
  change("src/memory/earlier.ts", /= \{ 5: 6144/, (found) => `${found}, ${version}: ${bytes}`);
  return join(project, "src/main.ts");
}
