// The machine that is measured on, and where on it: generator and provider on one core, the target on another.

import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** Where the processes run: numbers of cores, or null where they cannot be pinned. */
export interface Placement {
  readonly load_core: number;
  readonly target_core: number;
}

/** What the results say of the machine. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly bun: string;
  readonly haproxy: string;
  readonly nginx: string;
  readonly placement: string;
  /** Load of the machine when the part began: what else it did. */
  readonly load_average: string;
}

/** The cores that this process may use. */
function allowedCores(): number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
    return list.split(",").flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
  } catch {
    return [];
  }
}

/** Two cores, where there are two and `taskset` is there. */
export function findPlacement(): Placement | null {
  const [load_core, target_core] = allowedCores();
  if (load_core === undefined || target_core === undefined || Bun.which("taskset") === null) return null;
  return { load_core, target_core };
}

/** The command, pinned to a core. */
export function pinned(command: readonly string[], core: number | undefined): string[] {
  return core === undefined ? [...command] : ["taskset", "-c", String(core), ...command];
}

/** Where a program of this machine is; null where it is not installed. */
export function findProgram(name: string): string | null {
  return Bun.which(name, { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` });
}

/** The version that a program tells, or that it is not there. */
export function versionOf(name: string, flag: string): string {
  const path = findProgram(name);
  if (path === null) return "not installed";
  const { stdout, stderr } = Bun.spawnSync([path, flag]);
  return /\d+\.\d+[\w.+-]*/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}

/** Describes it. */
export function describeMachine(placement: Placement | null): Machine {
  let load_average = "unknown";
  try {
    load_average = readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" ");
  } catch {
    // Not Linux.
  }
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    bun: Bun.version,
    haproxy: versionOf("haproxy", "-v"),
    nginx: versionOf("nginx", "-v"),
    placement:
      placement === null
        ? "not pinned: there is one core, or no taskset"
        : `generator and provider on core ${placement.load_core}, the target on core ${placement.target_core}`,
    load_average,
  };
}
