// The supervisor: loads the configuration, keeps N gateway processes on one port, reloads, drains.
// It never touches a call; when it is slow, nobody notices.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadResult } from "../config/load.ts";
import type { Plan } from "../config/plan.ts";
import { formatProblem } from "../config/problem.ts";
import type { ResolvedConfig } from "../config/schema.ts";
import { type MetricsSnapshot, mergeSnapshots } from "../ledger/metrics.ts";
import { watchFile } from "./watch.ts";
import { Worker } from "./worker.ts";

/** How long a process may take to tell its counts before its last ones are used, in milliseconds. */
const SNAPSHOT_MAX_MS = 1_000;

/** What to supervise. */
export interface SupervisorOptions {
  /** Loads the configuration anew: flags, file, environment. */
  load(): LoadResult;
  /** The file to watch; null without one. */
  readonly file: string | null;
  /** Where events are told to a person. */
  log(line: string): void;
}

/** A set of gateway processes on one address. */
interface Generation {
  readonly hostname: string;
  readonly port: number;
  readonly workers: readonly Worker[];
}

interface Loaded {
  readonly config: ResolvedConfig;
  readonly plan: Plan;
}

/** Runs until it is told to stop by a signal; gives the exit status. */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { log } = options;
  const first = options.load();
  if (!first.ok) {
    for (const problem of first.problems) log(formatProblem(problem));
    return 1;
  }
  let loaded: Loaded = first;
  let retired: MetricsSnapshot = { in_flight: 0, series: [] };
  let changing: Promise<void> = Promise.resolve();
  let current: Generation;

  function makeGeneration(hostname: string, port: number, count: number): Generation {
    const workers: Worker[] = [];
    for (let index = 0; index < count; index++) {
      const worker = new Worker({
        config: () => loaded.config,
        hostname,
        port,
        onCollect: (reply) => void collect().then(({ snapshot, processes }) => reply(snapshot, processes)),
        onDeath: (pid, status, restart_ms) =>
          log(
            `gateway process ${pid} ended with ${status}; another starts ${restart_ms === 0 ? "at once" : `in ${restart_ms} ms`}`,
          ),
        onLastCounts: (snapshot) => {
          retired = mergeSnapshots([retired, { ...snapshot, in_flight: 0 }]);
        },
      });
      workers.push(worker);
    }
    return { hostname, port, workers };
  }

  async function collect(): Promise<{ snapshot: MetricsSnapshot; processes: number }> {
    const told = await Promise.all(current.workers.map((worker) => worker.snapshot(SNAPSHOT_MAX_MS)));
    const snapshots = told.filter((snapshot) => snapshot !== null);
    return { snapshot: mergeSnapshots([retired, ...snapshots]), processes: snapshots.length };
  }

  /** Starts a generation; on failure nothing of it stays. */
  async function start(plan: Plan): Promise<Generation> {
    const { host, workers } = plan.listen;
    const port = claimPort(host, plan.listen.port);
    const generation = makeGeneration(host, port, workers);
    try {
      await Promise.all(generation.workers.map((worker) => worker.start()));
    } catch (error) {
      for (const worker of generation.workers) worker.kill();
      throw error;
    }
    return generation;
  }

  async function reload(): Promise<void> {
    const next = options.load();
    if (!next.ok) {
      for (const problem of next.problems) log(formatProblem(problem));
      log("the configuration has faults: nothing changes");
      return;
    }
    const before = loaded.plan.listen;
    const { host, port, workers } = next.plan.listen;
    const is_elsewhere = host !== before.host || (port !== before.port && port !== current.port);
    const previous = loaded;
    loaded = next;
    for (const worker of current.workers) worker.configure(next.config);
    if (is_elsewhere || workers !== before.workers) {
      try {
        await replace(next.plan, is_elsewhere);
      } catch (error) {
        loaded = { config: { ...next.config }, plan: { ...next.plan, listen: previous.plan.listen } };
        log(`cannot listen as configured, so the old address stays: ${reason(error)}`);
        return;
      }
    }
    log("configuration reloaded");
  }

  /** Puts another generation in the place of the current one: the new listens before the old drains. */
  async function replace(plan: Plan, is_elsewhere: boolean): Promise<void> {
    const old = current;
    if (is_elsewhere) {
      current = await start(plan);
    } else {
      const generation = makeGeneration(old.hostname, old.port, plan.listen.workers);
      await Promise.all(generation.workers.map((worker) => worker.start()));
      current = generation;
    }
    announce();
    void Promise.all(old.workers.map((worker) => worker.drain(plan.listen.drain_ms)));
  }

  function announce(): void {
    const { hostname, port, workers } = current;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    log(
      `listening on http://${host}:${port} (${workers.length} gateway process${workers.length === 1 ? "" : "es"})`,
    );
  }

  try {
    current = await start(loaded.plan);
  } catch (error) {
    log(`cannot start: ${reason(error)}`);
    return 1;
  }
  const removePidFile = writePidFile(loaded.config.data, current.port, log);
  announce();

  const reloadInTurn = () => {
    changing = changing.then(reload);
  };
  const endWatch = options.file === null ? () => {} : watchFile(options.file, reloadInTurn);
  process.on("SIGHUP", reloadInTurn);

  const signal = await stopSignal();
  log(`${signal}: finishing the calls in flight`);
  endWatch();
  process.on("SIGINT", () => process.exit(130));
  await changing;
  await Promise.all(current.workers.map((worker) => worker.drain(loaded.plan.listen.drain_ms)));
  removePidFile();
  log("stopped");
  return 0;
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Makes sure that nobody else has the port, and finds a free one for 0. Gateway processes share their port by SO_REUSEPORT, which
 * would let a second gateway of the same user share it unnoticed.
 */
function claimPort(hostname: string, port: number): number {
  try {
    const probe = Bun.listen({ hostname, port, exclusive: true, socket: { data() {} } });
    const claimed = probe.port;
    probe.stop(true);
    return claimed;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EADDRINUSE")
      throw new Error(`port ${port} of ${hostname} is in use by another program; choose one with --port`);
    if (code === "EACCES")
      throw new Error(`port ${port} of ${hostname} is not allowed for this user; choose one with --port`);
    throw new Error(`cannot listen on ${hostname}:${port} (${code ?? reason(error)})`);
  }
}

/** Leaves the process id in the data folder, for scripts that send signals. */
function writePidFile(data: string, port: number, log: (line: string) => void): () => void {
  const path = join(data, "venturi.pid");
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${process.pid}\n`);
    return () => rmSync(path, { force: true });
  } catch (error) {
    log(`cannot write ${path} (port ${port}): ${reason(error)}`);
    return () => {};
  }
}
