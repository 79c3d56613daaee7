// The supervisor's end of the inference process: started when the configuration needs one, spoken to, started again when it dies
// or hangs. Its death costs semantic hits for as long as it takes to start; nothing else waits for it.

import { inferenceEnvironment } from "../../config/environment.ts";
import type { InferenceConfig } from "../../inference/config.ts";
import type { FromInference, ToInference } from "../../inference/protocol.ts";
import { roleCommand } from "../../program/parts.ts";

/** First and longest wait before a dead process is started again; the first death costs nothing. */
const RESTART_BASE_MS = 100;
const RESTART_MAX_MS = 5_000;
/** A process that lived this long has had a good start: the backoff begins anew. */
const HEALTHY_AFTER_MS = 10_000;
/** A process that has not said for so long that it is alive is ended; loading a large graph takes seconds. */
const SILENT_MAX_MS = 30_000;
/** How long it may take to end when it is told to: a large graph is written. */
const DRAIN_MAX_MS = 20_000;
/** After so many deaths in turn by a fault of memory, what is stored is not opened again. */
const FAULTS_MAX = 3;
/** Signals of such a fault. */
const FAULT_SIGNALS: readonly string[] = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGTRAP", "SIGFPE"];

/** What an inference process is started with. */
export interface InferenceWorkerOptions {
  /** Where events are told to a person. */
  log(line: string): void;
  /** The command that starts the process; by default this program in that role. */
  readonly command?: readonly string[];
  /** How long a process may be silent before it is ended. */
  readonly silent_max_ms?: number;
}

/** A process, from its start to its burial. */
class Life {
  readonly started_ms = performance.now();
  heard_ms = performance.now();
  process: Bun.Subprocess | null = null;
  /** What it said, or was found to be, at fault. */
  fault: string | null = null;
  readonly listening = Promise.withResolvers<void>();
  readonly gone = Promise.withResolvers<void>();
}

/** The inference process and its successors, as long as one is needed. */
export class InferenceWorker {
  readonly #log: (line: string) => void;
  readonly #command: readonly string[];
  readonly #silent_max_ms: number;
  #config: InferenceConfig | null = null;
  #life: Life | null = null;
  #is_stopped = false;
  #deaths = 0;
  /** What the last one that died said of why; to hear it once is enough. */
  #last_fault: string | null = null;
  /** Deaths in turn by a fault of memory. */
  #memory_faults = 0;
  #restart_timer: ReturnType<typeof setTimeout> | null = null;
  readonly #watch_timer: ReturnType<typeof setInterval>;

  constructor({ log, command, silent_max_ms }: InferenceWorkerOptions) {
    this.#log = log;
    this.#command = command ?? roleCommand("inference");
    this.#silent_max_ms = silent_max_ms ?? SILENT_MAX_MS;
    this.#watch_timer = setInterval(() => this.#watch(), this.#silent_max_ms / 4);
    this.#watch_timer.unref();
  }

  /** The process that runs; null while there is none. */
  get pid(): number | null {
    return this.#life?.process?.pid ?? null;
  }

  /** Starts a process, tells it of another configuration, or with null lets it end. */
  configure(config: InferenceConfig | null): void {
    if (this.#is_stopped) return;
    const is_needed = config !== null;
    this.#config = config;
    if (this.#life !== null) {
      // What is ending already is followed by another as soon as it is gone.
      this.#tell(this.#life, is_needed ? { kind: "config", config } : { kind: "drain" });
      if (!is_needed) this.#endIn(this.#life, DRAIN_MAX_MS);
    } else if (is_needed && this.#restart_timer === null) this.#spawn(config);
    else if (!is_needed) this.#rest();
  }

  /** Resolves when the process listens that is needed, if any is, or after so long. */
  async listening(max_ms: number): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    await Promise.race([life.listening.promise, life.gone.promise, Bun.sleep(max_ms)]);
  }

  /** Lets another process have what is stored; what is embedded and found besides goes on until `stop`. */
  release(): void {
    if (this.#life !== null) this.#tell(this.#life, { kind: "release" });
  }

  /** Ends the process, and another takes its place. */
  renew(): void {
    if (this.#life !== null) this.#tell(this.#life, { kind: "drain" });
  }

  /** Lets the process finish what it has begun; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#is_stopped = true;
    this.#config = null;
    clearInterval(this.#watch_timer);
    this.#rest();
    const life = this.#life;
    if (life === null) return;
    this.#tell(life, { kind: "drain" });
    this.#endIn(life, DRAIN_MAX_MS);
    await life.gone.promise;
  }

  /** Ends it at once. */
  kill(): void {
    this.#is_stopped = true;
    this.#config = null;
    clearInterval(this.#watch_timer);
    this.#rest();
    this.#life?.process?.kill("SIGKILL");
  }

  #rest(): void {
    if (this.#restart_timer !== null) clearTimeout(this.#restart_timer);
    this.#restart_timer = null;
  }

  #tell({ process }: Life, message: ToInference): void {
    try {
      process?.send(message);
    } catch {
      // It has just died; its end is handled where its exit is heard.
    }
  }

  #endIn(life: Life, max_ms: number): void {
    const timer = setTimeout(() => life.process?.kill("SIGKILL"), max_ms);
    void life.gone.promise.then(() => clearTimeout(timer));
  }

  #spawn(config: InferenceConfig): void {
    const life = new Life();
    this.#life = life;
    this.#restart_timer = null;
    const is_distrusted = this.#memory_faults >= FAULTS_MAX;
    try {
      life.process = Bun.spawn([...this.#command], {
        stdin: "ignore",
        stdout: "inherit",
        stderr: "inherit",
        env: inferenceEnvironment(),
        ipc: (message: FromInference) => {
          life.heard_ms = performance.now();
          if (message.kind === "hello") {
            // The newest configuration, or the one that it was started for.
            this.#tell(life, { kind: "start", config: this.#config ?? config, is_distrusted });
          } else if (message.kind === "listening") {
            life.listening.resolve();
            if (is_distrusted) this.#memory_faults = 0;
          } else if (message.kind === "failed") {
            life.fault = message.message;
            life.process?.kill("SIGKILL");
          }
        },
        onExit: (_process, code, signal) => this.#bury(life, code, signal),
      });
    } catch (error) {
      life.fault = `it cannot be started: ${error instanceof Error ? error.message : String(error)}`;
      queueMicrotask(() => this.#bury(life, null, null));
    }
  }

  /** Ends a process whose loop does not go round. */
  #watch(): void {
    const life = this.#life;
    if (life === null || performance.now() - life.heard_ms < this.#silent_max_ms) return;
    life.fault = `it was silent for ${this.#silent_max_ms / 1000} s`;
    life.process?.kill("SIGKILL");
  }

  #bury(life: Life, code: number | null, signal: number | string | null): void {
    this.#life = null;
    life.gone.resolve();
    const config = this.#config;
    if (config === null) return;
    const lived_ms = performance.now() - life.started_ms;
    const name = signalName(life, signal);
    this.#memory_faults = FAULT_SIGNALS.includes(name) && lived_ms < 60_000 ? this.#memory_faults + 1 : 0;
    if (lived_ms > HEALTHY_AFTER_MS) this.#deaths = 0;
    const restart_ms =
      this.#deaths === 0 ? 0 : Math.min(RESTART_BASE_MS * 2 ** (this.#deaths - 1), RESTART_MAX_MS);
    this.#deaths += 1;
    const how = name === "" ? `status ${code}` : `signal ${name}`;
    const why = life.fault === null ? "" : ` (${life.fault})`;
    const when = restart_ms === 0 ? "at once" : `in ${restart_ms} ms`;
    const is_news = life.fault === null || life.fault !== this.#last_fault;
    this.#last_fault = life.fault;
    if (is_news) this.#log(`the inference process ended with ${how}${why}; another starts ${when}`);
    this.#restart_timer = setTimeout(() => this.#spawn(this.#config ?? config), restart_ms);
  }
}

/** The name of the signal that ended a process; empty if none did. */
function signalName({ process }: Life, signal: number | string | null): string {
  return String(process?.signalCode ?? signal ?? "");
}
