// The supervisor's end of one gateway process: spawned, spoken to, counted, and started again when it dies.

import type { ResolvedConfig } from "../config/schema.ts";
import type { FromGateway, ToGateway } from "../gateway/protocol.ts";
import type { MetricsSnapshot } from "../ledger/metrics.ts";

/** First and longest wait before a dead process is started again, in milliseconds; the first death costs nothing. */
const RESTART_BASE_MS = 100;
const RESTART_MAX_MS = 5_000;
/** A process that lived this long has had a good start: the backoff begins anew. */
const HEALTHY_AFTER_MS = 10_000;
/** How much longer than `drain_ms` a draining process may take before it is killed. */
const KILL_MARGIN_MS = 2_000;

/** What a worker needs to know and to tell. */
export interface WorkerHooks {
  /** The current configuration, asked for at every start. */
  config(): ResolvedConfig;
  readonly hostname: string;
  readonly port: number;
  /** Somebody asked this worker for the counts of all. */
  onCollect(reply: (snapshot: MetricsSnapshot, processes: number) => void): void;
  /** It died unasked and will be started again after so many milliseconds. */
  onDeath(pid: number, status: string, restart_ms: number): void;
  /** The last counts of a process that is no more. */
  onLastCounts(snapshot: MetricsSnapshot): void;
}

/** The command that starts this very program in another role; also from the compiled executable. */
export function roleCommand(role: string): string[] {
  const is_compiled = Bun.main.startsWith("/$bunfs/") || Bun.main.startsWith("B:\\~BUN\\");
  return is_compiled ? [process.execPath, role] : [process.execPath, Bun.main, role];
}

/** One gateway process, and its successors. */
export class Worker {
  readonly #hooks: WorkerHooks;
  #process: Bun.Subprocess | null = null;
  #counts: MetricsSnapshot | null = null;
  #deaths = 0;
  #is_stopping = false;
  #restart_timer: ReturnType<typeof setTimeout> | null = null;
  #snapshot_id = 0;
  readonly #snapshots = new Map<number, (snapshot: MetricsSnapshot | null) => void>();

  constructor(hooks: WorkerHooks) {
    this.#hooks = hooks;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Starts the first process. Resolves when it listens; rejects with the reason when it cannot. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => this.#spawn(resolve, reject));
  }

  /** Tells it of another configuration. */
  configure(config: ResolvedConfig): void {
    this.#tell({ kind: "config", config });
  }

  /** Its counts now, or the last that it told if it does not answer in time. */
  snapshot(timeout_ms: number): Promise<MetricsSnapshot | null> {
    if (this.#process === null) return Promise.resolve(null);
    this.#snapshot_id += 1;
    const id = this.#snapshot_id;
    return new Promise((resolve) => {
      const settle = (snapshot: MetricsSnapshot | null) => {
        clearTimeout(timer);
        this.#snapshots.delete(id);
        resolve(snapshot ?? this.#counts);
      };
      const timer = setTimeout(() => settle(null), timeout_ms);
      this.#snapshots.set(id, settle);
      this.#tell({ kind: "snapshot", id });
    });
  }

  /** Lets it finish its calls, and ends it if it takes longer than it may. */
  async drain(drain_ms: number): Promise<void> {
    this.#is_stopping = true;
    if (this.#restart_timer !== null) clearTimeout(this.#restart_timer);
    const running = this.#process;
    if (running === null) return;
    this.#tell({ kind: "drain" });
    const timer = setTimeout(() => running.kill("SIGKILL"), drain_ms + KILL_MARGIN_MS);
    await running.exited;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.#is_stopping = true;
    this.#process?.kill("SIGKILL");
  }

  #tell(message: ToGateway): void {
    try {
      this.#process?.send(message);
    } catch {
      // It has just died; its end is handled where its exit is heard.
    }
  }

  #spawn(onListening: () => void, onFailed: (error: Error) => void): void {
    const started_ms = performance.now();
    const spawned = Bun.spawn(roleCommand("gateway"), {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      // A reload sends the configuration by IPC; nothing secret is handed over in any other way.
      ipc: (message: FromGateway) => this.#hear(message, onListening, onFailed),
      onExit: (_process, code, signal) => {
        const status = signal === null ? `status ${code}` : `signal ${signal}`;
        onFailed(new Error(`the gateway process ended with ${status} before it listened`));
        this.#buryAndRestart(spawned.pid, status, performance.now() - started_ms);
      },
    });
    this.#process = spawned;
  }

  #hear(message: FromGateway, onListening: () => void, onFailed: (error: Error) => void): void {
    switch (message.kind) {
      case "hello": {
        const { hostname, port } = this.#hooks;
        this.#tell({ kind: "start", config: this.#hooks.config(), hostname, port });
        break;
      }
      case "listening":
        onListening();
        break;
      case "failed":
        this.#is_stopping = true;
        onFailed(new Error(message.message));
        this.#process?.kill("SIGKILL");
        break;
      case "snapshot":
        this.#counts = message.snapshot;
        if (message.id !== null) this.#snapshots.get(message.id)?.(message.snapshot);
        break;
      case "collect":
        this.#hooks.onCollect((snapshot, processes) => {
          this.#tell({ kind: "collected", snapshot, processes, id: message.id });
        });
        break;
    }
  }

  #buryAndRestart(pid: number, status: string, lived_ms: number): void {
    this.#process = null;
    for (const settle of [...this.#snapshots.values()]) settle(null);
    if (this.#counts !== null) this.#hooks.onLastCounts(this.#counts);
    this.#counts = null;
    if (this.#is_stopping) return;
    if (lived_ms > HEALTHY_AFTER_MS) this.#deaths = 0;
    const restart_ms =
      this.#deaths === 0 ? 0 : Math.min(RESTART_BASE_MS * 2 ** (this.#deaths - 1), RESTART_MAX_MS);
    this.#deaths += 1;
    this.#hooks.onDeath(pid, status, restart_ms);
    const ignore = () => {};
    this.#restart_timer = setTimeout(() => this.#spawn(ignore, ignore), restart_ms);
  }
}
