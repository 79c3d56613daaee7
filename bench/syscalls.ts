// System calls of the gateway process per call, counted by strace over a fixed number of calls.
// A traced process is slower, so that more calls wait for it at 32 connections: the figure is of a busy process.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./machine.ts";
import { type Case, inTurn, load, onStage, orderFor, type Part, type Sample } from "./part.ts";
import { RELAYS, type Target } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** How long strace may take to attach. */
const ATTACH_MAX_MS = 5_000;
/** Numbers of connections that are measured. */
const CONNECTIONS = [1, 32];

/** Name of the row of so many connections. */
export const rowOfConnections = (connections: number) =>
  connections === 1 ? "1 connection" : `${connections} connections`;

/** The processes that answer calls: those below a supervisor, or the only one. */
function answering(target: Target): number[] {
  const pids = target.pids();
  return pids.length === 1 ? pids : pids.slice(1);
}

/** Counts the system calls of processes while `act` runs: all, and by name. */
async function traced<T>(pids: readonly number[], act: () => Promise<T>) {
  const folder = mkdtempSync(join(tmpdir(), "venturi-strace-"));
  const file = join(folder, "counts");
  const attach = pids.flatMap((pid) => ["-p", String(pid)]);
  const tracer = Bun.spawn(["strace", "-c", "-f", "-o", file, ...attach], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    let said = "";
    const { promise: attached, resolve: tell } = Promise.withResolvers<boolean>();
    // It is heard to its end: strace stops counting when it finds nobody to tell of another thread.
    void (async () => {
      for await (const piece of tracer.stderr) {
        said += Buffer.from(piece).toString();
        if (said.split(" attached").length > pids.length) tell(true);
      }
      tell(false);
    })();
    const is_attached = await Promise.race([attached, Bun.sleep(ATTACH_MAX_MS).then(() => false)]);
    if (!is_attached) throw new Error(`strace cannot attach: ${said.trim()}`);
    const result = await act();
    tracer.kill("SIGINT");
    await tracer.exited;
    const by_name: Record<string, number> = {};
    for (const line of readFileSync(file, "utf8").split("\n")) {
      const columns = line.trim().split(/\s+/);
      if (/^\d+$/.test(columns[3] ?? "")) by_name[columns.at(-1)!] = Number(columns[3]);
    }
    const { total = 0, ...calls } = by_name;
    return { result, total, calls };
  } finally {
    tracer.kill("SIGINT");
    await tracer.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** System calls per proxied call. */
export const syscalls: Part = {
  name: "syscalls",
  about: "System calls of the process that answers, per plain 1 KB call, counted by strace.",
  usual: { rounds: 3, calls: 2000 },
  run: async (sizes, log) => {
    if (findProgram("strace") === null) {
      log("strace is not installed: left out");
      return [];
    }
    return onStage(sizes, log, RELAYS, async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      const cases: Case[] = [];
      for (const connections of CONNECTIONS) {
        const measure = async (target: Target, is_warm_up: boolean): Promise<Sample> => {
          const order = orderFor(stage, target, { connections, calls: sizes.calls });
          if (is_warm_up) {
            await load(stage, target, orderFor(stage, target, { connections, seconds: sizes.warm_seconds }));
            return { values: {}, fault: null, raw: null };
          }
          const { result, total, calls } = await traced(answering(target), () => load(stage, target, order));
          const values = { system_calls: total / result.result.calls };
          return { values, fault: result.fault, raw: { total, calls, answered: result.result.calls } };
        };
        const gateways = stage.targets.filter(({ name }) => name !== "direct");
        cases.push(...(await inTurn(stage, rowOfConnections(connections), measure, gateways)));
      }
      return cases;
    });
  },
};
