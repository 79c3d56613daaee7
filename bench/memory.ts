// Memory of all processes of a target: started without any configuration, started as measured elsewhere, and after a load.

import { readFileSync } from "node:fs";
import { residentBytes } from "../test/chaos/processes.ts";
import { type Case, caseOf, load, onStage, orderFor, type Part, type Sample } from "./part.ts";
import { HAPROXY, NGINX, type Program, startProgram, type Target, VENTURI } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

const MB = 1e6;
/** Sizes of the bodies of the load, in kilobytes. */
const LOAD_BODIES_KB = [1, 100];

/** Venturi as it starts from the environment alone. */
const ZERO_CONFIG: Program = {
  name: "venturi",
  command: (port, _, folder) => [
    ...VENTURI.command(port, 1, folder)!.slice(0, 2),
    "serve",
    "--port",
    String(port),
  ],
  env: { OPENAI_API_KEY: "none" },
};

/** Pages of files that a process has in memory, above all of the program itself. */
function fileBytes(pid: number): number {
  try {
    return Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Memory of all processes of a target: their private pages, and with them the pages of files. Those count once, with the process
 * that has most of them, because the others share them; the proportional share that the kernel tells (Pss) would be too low
 * here, where the suite's own processes run the same program.
 */
export function memoryOf(target: Target): { memory_mb: number; private_mb: number; processes: number } {
  const pids = target.pids();
  const private_mb = pids.reduce((total, pid) => total + residentBytes(pid), 0) / MB;
  const file_mb = Math.max(...pids.map(fileBytes)) / MB;
  return { memory_mb: private_mb + file_mb, private_mb, processes: pids.length };
}

/** Memory, idle and after load. */
export const memory: Part = {
  name: "memory",
  about:
    "Memory of all processes together (private pages, and those of files once; 1 MB = 10⁶ bytes): idle for 2 seconds after the start, and after plain calls of 1 and 100 KB.",
  usual: { rounds: 2, seconds: 2, connections: 32 },
  run: (sizes, log) =>
    onStage(sizes, log, [], async (stage) => {
      await stage.provider.play(PLAIN_SCRIPT);
      const samples = new Map<string, Sample[]>();
      const keep = (row: string, target: Target, fault: string | null) => {
        const key = `${row}/${target.name}`;
        const values = { ...memoryOf(target) };
        samples.set(key, [...(samples.get(key) ?? []), { values, fault, raw: values }]);
      };
      const once = async (program: Program, use: (target: Target) => Promise<void>) => {
        const placement = program === ZERO_CONFIG ? null : stage.placement;
        const target = await startProgram(program, stage.provider.port, placement, log);
        if (target === null) return;
        try {
          await Bun.sleep(sizes.seconds * 1000);
          await use(target);
        } finally {
          await target.stop();
        }
      };
      for (let round = 0; round < sizes.rounds; round++) {
        await once(ZERO_CONFIG, async (target) => keep("zero-config, idle", target, null));
        for (const program of [VENTURI, HAPROXY, NGINX]) {
          await once(program, async (target) => {
            keep("configured, idle", target, null);
            let fault: string | null = null;
            for (const body_kb of LOAD_BODIES_KB) {
              fault ??= (await load(stage, target, orderFor(stage, target, { body_kb }))).fault;
            }
            await Bun.sleep(sizes.seconds * 1000);
            keep("after load", target, fault);
          });
        }
      }
      return [...samples].map(([key, all]): Case => caseOf(key.split("/")[0]!, key.split("/")[1]!, all));
    }),
};
