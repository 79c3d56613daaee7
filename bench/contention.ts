// What many gateway processes share, under all of them at once: the counters of one key, which every process changes with every
// call, beside counters of each process' own; and the answers of the exact cache, which all of them read. With fewer cores than
// processes nobody waits for a cache line of another core for long, so that this shows what waiting for each other costs where
// processes are stopped in the middle of something; how a cache line is passed on between 32 cores it does not show.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createState } from "../src/memory/state.ts";
import { CONTENDED, type Contended, fillAnswers } from "./contention_process.ts";
import { type Case, caseOf, type Part, type Sample } from "./part.ts";

/** Processes at once, up to as many as there are connections elsewhere. */
const PROCESSES = [1, 2, 8, 32] as const;
/** How long it may take until all processes have begun. */
const BEGIN_MAX_MS = 60_000;

/** What one process did. */
export interface Done {
  readonly operations: number;
  /** Operations that were refused because somebody who had been stopped held the table's lock. */
  readonly refused: number;
  readonly cpu_us: number;
  /** The longest that one of a hundred operations in a row took on average, in microseconds: what a stopped process costs others. */
  readonly longest_us: number;
}

/** Lets so many processes do the same at once. */
async function measure(what: Contended, processes: number, folder: string, seconds: number): Promise<Sample> {
  const children: Bun.Subprocess[] = [];
  try {
    const begun: Promise<void>[] = [];
    const ended: Promise<Done>[] = [];
    for (let index = 0; index < processes; index++) {
      const ready = Promise.withResolvers<void>();
      const done = Promise.withResolvers<Done>();
      begun.push(ready.promise);
      ended.push(done.promise);
      const command = [process.execPath, join(import.meta.dirname, "contention_process.ts")];
      children.push(
        Bun.spawn([...command, what, folder, String(index), String(seconds)], {
          stdio: ["ignore", "ignore", "inherit"],
          ipc: (said: "ready" | Done) => (said === "ready" ? ready.resolve() : done.resolve(said)),
          onExit: (_, status) => done.reject(new Error(`a process ended with ${status}`)),
        }),
      );
    }
    const late = Bun.sleep(BEGIN_MAX_MS + seconds * 1_000 * processes).then(() => {
      throw new Error("the processes took too long");
    });
    const allEnded = Promise.all(ended);
    await Promise.race([Promise.all(begun), allEnded, late]);
    for (const child of children) child.send("go");
    const all = await Promise.race([allEnded, late]);
    const operations = all.reduce((sum, one) => sum + one.operations, 0);
    const cpu_us = all.reduce((sum, one) => sum + one.cpu_us, 0);
    const values = {
      cpu_us_per_operation: cpu_us / operations,
      operations_per_s: operations / seconds,
      longest_us: Math.max(...all.map(({ longest_us }) => longest_us)),
      refused_percent: (100 * all.reduce((sum, { refused }) => sum + refused, 0)) / operations,
    };
    return { values, fault: null, raw: all };
  } catch (error) {
    return { values: {}, fault: error instanceof Error ? error.message : String(error), raw: null };
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ exited }) => exited));
  }
}

/** Processor time of an operation by the number of processes that do it at once. */
export const contention: Part = {
  name: "contention",
  about:
    "Up to 32 processes at once at what gateway processes share (nothing is pinned): reservations of six counters, all of one key or each of a key of its own, and answers read from the exact cache.",
  usual: { rounds: 3, seconds: 2, connections: 32 },
  run: async ({ rounds, seconds, connections }) => {
    const folder = mkdtempSync(join(tmpdir(), "venturi-bench-"));
    try {
      createState(folder, { areas: Math.max(...PROCESSES), call_slots: 64 }, () => {});
      await fillAnswers(folder);
      const samples = new Map<string, { row: Contended; target: string; all: Sample[] }>();
      for (let round = 0; round < rounds; round++) {
        for (const row of CONTENDED) {
          for (const processes of PROCESSES.filter((count) => count <= connections)) {
            const target = processes === 1 ? "1 process" : `${processes} processes`;
            const known = samples.get(`${row} ${target}`) ?? { row, target, all: [] };
            known.all.push(await measure(row, processes, folder, seconds));
            samples.set(`${row} ${target}`, known);
          }
        }
      }
      return [...samples.values()].map(({ row, target, all }): Case => caseOf(row, target, all));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
