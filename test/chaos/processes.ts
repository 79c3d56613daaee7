// What /proc tells of processes and their sockets (Linux).

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The children of a process that live. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      // The name in parentheses may hold anything; behind it come state and parent.
      const [state, parent] = read(`/proc/${name}/stat`).split(") ").at(-1)!.split(" ");
      return Number(parent) === pid && state !== "Z";
    })
    .map(Number);
}

/** The role that a process of the gateway's was started in. */
export function roleOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).split("\0").filter(Boolean).at(-1) ?? "";
}

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

/** Resident memory in bytes, file pages of the program itself not counted. */
export function residentBytes(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** Processor time of a process so far, user and system, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A thread of a process. */
export interface Thread {
  readonly tid: number;
  /** At most 15 characters of it. */
  readonly name: string;
  /** Processor time so far, in nanoseconds. */
  readonly cpu_ns: number;
}

/** The threads of a process that live. */
export function threadsOf(pid: number): Thread[] {
  let tids: string[] = [];
  try {
    tids = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return tids.map((tid) => ({
    tid: Number(tid),
    name: read(`/proc/${pid}/task/${tid}/comm`).trim(),
    cpu_ns: Number(read(`/proc/${pid}/task/${tid}/schedstat`).split(" ")[0]),
  }));
}

/** Inodes of the sockets that a process holds. */
export function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  let descriptors: string[] = [];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return inodes;
  }
  for (const descriptor of descriptors) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed in between.
    }
  }
  return inodes;
}

/** A row of /proc/net/tcp. */
export interface TcpRow {
  readonly local_port: number;
  readonly remote_port: number;
  /** As the kernel writes it: 01 is established, 0A listens. */
  readonly state: string;
  readonly inode: string;
}

/** All TCP sockets over IPv4. */
export function tcpRows(): TcpRow[] {
  return read("/proc/net/tcp")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length > 9)
    .map((columns) => ({
      local_port: Number.parseInt(columns[1]!.split(":")[1]!, 16),
      remote_port: Number.parseInt(columns[2]!.split(":")[1]!, 16),
      state: columns[3]!,
      inode: columns[9]!,
    }));
}

/** TCP connections of a process, its listeners not counted. */
export function connectionsOf(pid: number): TcpRow[] {
  const inodes = socketsOf(pid);
  return tcpRows().filter((row) => row.state !== "0A" && inodes.has(row.inode));
}
