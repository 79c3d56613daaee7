// What the kernel allows: its version, open files, connections, memory, and what a container's limits leave of that.

import { readFileSync } from "node:fs";
import { availableParallelism, freemem, release, totalmem } from "node:os";
import { bad, bytesText, type Finding, ok } from "./finding.ts";

/** The oldest kernel that the runtime supports, and the one from which on it recommends (bun.com/docs/installation). */
const KERNEL_LEAST = [5, 1] as const;
const KERNEL_GOOD = [5, 6] as const;
/** Descriptors of a gateway process besides those of its calls: databases, rings, the listener, sockets that are idle. */
const OWN_FILES = 1_024;
/** Connections that wait to be accepted, as the server asks for. */
const BACKLOG = 512;
/** Memory of a supervisor with an inference process, and of a gateway process under load, in bytes. */
const BASE_BYTES = 300_000_000;
const WORKER_BYTES = 200_000_000;
/** Ports for connections to providers; fewer run out under load. */
const PORTS_LEAST = 10_000;

/** How much is asked of the host. */
export interface Load {
  /** Gateway processes. */
  readonly workers: number;
  /** Calls in flight of one of them at most. */
  readonly max_calls: number;
}

/** Reads a file of /proc or /sys; null where there is none. */
export type ReadSystem = (path: string) => string | null;

/** The system's own files. */
export const readSystem: ReadSystem = (path) => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
};

/** The findings. */
export function checkKernel(load: Load, read: ReadSystem = readSystem): Finding[] {
  return [
    kernelVersion(process.platform, release()),
    openFiles(read("/proc/self/limits"), load),
    memory(read, load),
    cores(read("/sys/fs/cgroup/cpu.max"), load),
    tasks(read("/sys/fs/cgroup/pids.max"), load),
    backlog(read("/proc/sys/net/core/somaxconn")),
    localPorts(read("/proc/sys/net/ipv4/ip_local_port_range")),
    overcommit(read("/proc/sys/vm/overcommit_memory")),
    user(process.getuid?.() ?? null),
  ].filter((finding) => finding !== null);
}

/** @param version such as `6.1.0-28-amd64` */
export function kernelVersion(platform: string, version: string): Finding {
  const what = "kernel";
  const found = `${platform} ${version}`;
  if (platform !== "linux")
    return bad(
      "note",
      what,
      found,
      "run it on Linux in production: elsewhere a stop may cut calls, and processes cannot share a port",
    );
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const isBefore = ([a, b]: readonly [number, number]) => major < a || (major === a && minor < b);
  if (isBefore(KERNEL_LEAST))
    return bad(
      "fail",
      what,
      found,
      `the runtime needs ${KERNEL_LEAST.join(".")} or later: upgrade the kernel`,
    );
  if (isBefore(KERNEL_GOOD))
    return bad("warn", what, found, `${KERNEL_GOOD.join(".")} or later is recommended: upgrade the kernel`);
  return ok(what, found);
}

/** @param limits the text of /proc/self/limits */
export function openFiles(limits: string | null, { max_calls }: Load): Finding | null {
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits ?? "") ?? [];
  if (soft === undefined || hard === undefined) return null;
  const what = "open files";
  // A call has a connection to its client and one to its provider.
  const needed = 2 * max_calls + OWN_FILES;
  // The runtime raises the soft limit to the hard one.
  const allowed = hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard);
  const found = `${hard} for each process (${soft} before they are raised)`;
  const advice = `allow ${needed} (listen.max_calls is ${max_calls}): LimitNOFILE= of the unit, or nofile in /etc/security/limits.conf; or lower listen.max_calls`;
  if (allowed < 1_024) return bad("fail", what, found, advice);
  return allowed < needed ? bad("warn", what, found, advice) : ok(what, found);
}

/** Memory of the machine, or of the container where that is less. */
export function memory(read: ReadSystem, { workers }: Load): Finding {
  const limit = Number(read("/sys/fs/cgroup/memory.max") ?? Number.NaN);
  const used = Number(read("/sys/fs/cgroup/memory.current") ?? Number.NaN);
  const available = Number(
    /^MemAvailable:\s+(\d+) kB$/m.exec(read("/proc/meminfo") ?? "")?.[1] ?? Number.NaN,
  );
  const free = Number.isNaN(available) ? freemem() : available * 1_024;
  const is_limited = !Number.isNaN(limit) && limit < totalmem();
  const left = is_limited ? Math.min(free, limit - (Number.isNaN(used) ? 0 : used)) : free;
  const needed = BASE_BYTES + workers * WORKER_BYTES;
  const found = `${bytesText(left)} available${is_limited ? ` of a limit of ${bytesText(limit)}` : ` of ${bytesText(totalmem())}`}`;
  const advice = `allow ${bytesText(needed)} for ${workers} gateway process${workers === 1 ? "" : "es"} (MemoryMax= or the container's limit), or lower listen.workers`;
  if (left < needed / 3) return bad("fail", "memory", found, advice);
  return left < needed ? bad("warn", "memory", found, advice) : ok("memory", found);
}

/** @param quota the text of cpu.max: microseconds of a period, such as `150000 100000`, or `max 100000` */
export function cores(quota: string | null, { workers }: Load): Finding {
  const [allowed, period] = (quota ?? "max").split(" ").map(Number);
  const limit = Number.isNaN(allowed!) ? Number.POSITIVE_INFINITY : allowed! / (period || 100_000);
  const here = availableParallelism();
  const found = limit < here ? `${here}, of which ${limit.toFixed(1)} may be used` : `${here}`;
  if (workers > Math.max(1, Math.ceil(Math.min(limit, here))))
    return bad(
      "warn",
      "processors",
      found,
      `lower listen.workers, which is ${workers}: more processes than processors wait for each other`,
    );
  if (limit < 1)
    return bad(
      "warn",
      "processors",
      found,
      "allow one whole processor: a quota stops the gateway in the middle of calls",
    );
  return ok("processors", found);
}

function tasks(most: string | null, { workers }: Load): Finding | null {
  if (most === null) return null;
  const needed = 40 + workers * 20;
  if (most === "max" || Number(most) >= needed) return ok("threads", `${most} allowed`);
  return bad(
    "warn",
    "threads",
    `${most} allowed`,
    `allow ${needed} (TasksMax=, or the container's pids limit)`,
  );
}

function backlog(text: string | null): Finding | null {
  if (text === null) return null;
  const what = "waiting connections";
  if (Number(text) >= BACKLOG) return ok(what, `${text} (net.core.somaxconn)`);
  return bad(
    "warn",
    what,
    `${text} (net.core.somaxconn)`,
    `sysctl -w net.core.somaxconn=4096: connections that come at once are refused`,
  );
}

function localPorts(text: string | null): Finding | null {
  if (text === null) return null;
  const [from = 0, to = 0] = text.split(/\s+/).map(Number);
  const found = `${to - from + 1} (net.ipv4.ip_local_port_range)`;
  if (to - from + 1 >= PORTS_LEAST) return ok("local ports", found);
  return bad(
    "warn",
    "local ports",
    found,
    'sysctl -w net.ipv4.ip_local_port_range="10240 65535": connections to providers need one each',
  );
}

function overcommit(text: string | null): Finding | null {
  if (text === null) return null;
  const what = "overcommit";
  if (text !== "2") return ok(what, `vm.overcommit_memory is ${text}`);
  return bad(
    "warn",
    what,
    "vm.overcommit_memory is 2",
    "sysctl -w vm.overcommit_memory=0: files that are mapped count as memory although they are not, and processes may not start",
  );
}

function user(uid: number | null): Finding | null {
  if (uid === null) return null;
  return uid === 0
    ? bad(
        "warn",
        "user",
        "root",
        "run it as a user of its own (deploy/systemd has DynamicUser=yes); it needs no rights of root",
      )
    : ok("user", `uid ${uid}`);
}
