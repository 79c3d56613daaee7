// The supervisor's end of one gateway process: spawned, spoken to, and started again when it dies.

import type { LeaseAsk } from "../../access/shared/ask.ts";
import { gatewayEnvironment } from "../../config/environment.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import { type FromGateway, HANDED_DESCRIPTOR, type Place, type ToGateway } from "../../gateway/protocol.ts";
import type { ReplayOrder, ReplayOutcome } from "../../gateway/replay.ts";
import { roleCommand } from "../../program/parts.ts";
import { Replays } from "./replays.ts";

/** First and longest wait before a dead process is started again, in milliseconds; the first death costs nothing. */
const RESTART_BASE_MS = 100;
const RESTART_MAX_MS = 5_000;
/** A process that lived this long has had a good start: the backoff begins anew. */
const HEALTHY_AFTER_MS = 10_000;
/** How long a process may take until it listens, in milliseconds. */
const START_MAX_MS = 30_000;
/** How much longer than `drain_ms` a draining process may take before it is killed. */
const KILL_MARGIN_MS = 4_000;

/** What a worker needs to know and to tell. */
export interface WorkerHooks {
  /** The current configuration, asked for at every start. */
  config(): ResolvedConfig;
  readonly hostname: string;
  readonly port: number;
  /** Of a socket that listens there already. */
  readonly descriptor?: number;
  /** A place for a process that is about to start; null while there is none. */
  takePlace(): Place | null;
  /** The process of a place is gone. */
  leavePlace(place: Place): void;
  /** It was told to end by somebody else, and waits to be drained. */
  onLeaving(pid: number): void;
  /** Its calls ask for more of limits that hosts share. */
  onAsks(asks: readonly LeaseAsk[]): void;
  /** It died unasked and will be started again after so many milliseconds. */
  onDeath(pid: number, status: string, restart_ms: number): void;
}

/** A process of a worker, from its start to its burial. */
class Life {
  readonly started_ms = performance.now();
  /** Null if it could not even be spawned. */
  process: Bun.Subprocess | null = null;
  /** Where its accounts are; null if there was no place. */
  place: Place | null = null;
  /** What it said, or was found to be, at fault. */
  fault: string | null = null;
  /** Resolves when it is gone and all that it said is heard. */
  readonly gone = Promise.withResolvers<void>();
}

/** One gateway process, and its successors. */
export class Worker {
  readonly #hooks: WorkerHooks;
  readonly #replays = new Replays((message) => this.#tell(message));
  #life: Life | null = null;
  #deaths = 0;
  #is_stopping = false;
  /** Who waits for the first process to listen. */
  #first: PromiseWithResolvers<void> | null = null;
  #is_kept = false;
  /** Whether it waits for an answer to its asks. */
  #asks = false;
  #restart_timer: ReturnType<typeof setTimeout> | null = null;

  constructor(hooks: WorkerHooks) {
    this.#hooks = hooks;
  }

  /**
   * Starts the first process. Resolves when it listens; rejects with the reason when it cannot, and then that was all,
   * unless it `is_kept`: then it is started again until it listens.
   */
  start(is_kept = false): Promise<void> {
    this.#first = Promise.withResolvers();
    this.#is_kept = is_kept;
    this.#spawn();
    return this.#first.promise;
  }

  /** Tells it of another configuration. */
  configure(config: ResolvedConfig): void {
    this.#tell({ kind: "config", config });
  }

  /** Has it make a call again; null where it is gone before that is over. */
  replay(
    order: ReplayOrder,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<ReplayOutcome | null> {
    return this.#life === null ? Promise.resolve(null) : this.#replays.ask(order, onBytes, signal);
  }

  /** Its asks were answered, if it has asked. */
  tellAnswers(): void {
    if (!this.#asks) return;
    this.#asks = false;
    this.#tell({ kind: "leases" });
  }

  /** Lets it finish its calls, and ends it if it takes longer than it may. */
  async drain(drain_ms: number): Promise<void> {
    this.#rest();
    const life = this.#life;
    if (life === null) return;
    this.#tell({ kind: "drain" });
    const timer = setTimeout(() => life.process?.kill("SIGKILL"), drain_ms + KILL_MARGIN_MS);
    await life.gone.promise;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.#rest();
    this.#life?.process?.kill("SIGKILL");
  }

  /** From here on no process is started again. */
  #rest(): void {
    this.#is_stopping = true;
    if (this.#restart_timer !== null) clearTimeout(this.#restart_timer);
    this.#restart_timer = null;
  }

  #tell(message: ToGateway): void {
    try {
      this.#life?.process?.send(message);
    } catch {
      // It has just died; its end is handled where its exit is heard.
    }
  }

  #spawn(): void {
    const life = new Life();
    this.#life = life;
    const timer = setTimeout(
      () => this.#fail(life, `it did not listen within ${START_MAX_MS} ms`),
      START_MAX_MS,
    );
    let status: string | null = null;
    let is_cut = false;
    // What it said last may be heard after its exit, but not after the end of the channel; the two come in any order.
    const bury = () => {
      if (status === null || !is_cut) return;
      clearTimeout(timer);
      this.#bury(life, status);
    };
    const { descriptor } = this.#hooks;
    try {
      life.place = this.#hooks.takePlace();
      if (life.place === null) throw new Error("as many processes as there can be have not ended yet");
      life.process = Bun.spawn(roleCommand("gateway"), {
        // A listening socket of its own comes behind the usual three.
        stdio: ["ignore", "inherit", "inherit", ...(descriptor === undefined ? [] : [descriptor])],
        env: gatewayEnvironment(),
        // The configuration is sent by IPC; nothing secret is handed over in any other way.
        ipc: (message: FromGateway) => {
          if (message.kind === "listening") clearTimeout(timer);
          this.#hear(life, message);
        },
        onDisconnect: () => {
          is_cut = true;
          bury();
        },
        onExit: (_process, code, signal) => {
          status = signal === null ? `status ${code}` : `signal ${signal}`;
          bury();
        },
      });
    } catch (error) {
      life.fault = `it cannot be started: ${error instanceof Error ? error.message : String(error)}`;
      status = "a fault";
      is_cut = true;
      queueMicrotask(bury);
    }
  }

  #hear(life: Life, message: FromGateway): void {
    switch (message.kind) {
      case "hello": {
        const { hostname, port, descriptor } = this.#hooks;
        this.#tell({
          ...{ kind: "start", config: this.#hooks.config(), hostname, port, place: life.place! },
          descriptor: descriptor === undefined ? null : HANDED_DESCRIPTOR,
        });
        break;
      }
      case "listening":
        this.#first?.resolve();
        this.#first = null;
        break;
      case "failed":
        this.#fail(life, message.message);
        break;
      case "asks":
        this.#asks = true;
        this.#hooks.onAsks(message.asks);
        break;
      case "leaving":
        if (!this.#is_stopping) this.#hooks.onLeaving(life.process?.pid ?? 0);
        break;
      case "replaying":
      case "replayed":
        this.#replays.hear(message);
        break;
    }
  }

  #fail(life: Life, fault: string): void {
    life.fault = fault;
    life.process?.kill("SIGKILL");
  }

  #bury(life: Life, status: string): void {
    this.#life = null;
    this.#replays.giveUp();
    if (life.place !== null) this.#hooks.leavePlace(life.place);
    life.gone.resolve();
    if (this.#first !== null && !this.#is_kept) {
      this.#rest();
      this.#first.reject(
        new Error(life.fault ?? `the gateway process ended with ${status} before it listened`),
      );
      this.#first = null;
    }
    if (this.#is_stopping) return;
    if (performance.now() - life.started_ms > HEALTHY_AFTER_MS) this.#deaths = 0;
    const restart_ms =
      this.#deaths === 0 ? 0 : Math.min(RESTART_BASE_MS * 2 ** (this.#deaths - 1), RESTART_MAX_MS);
    this.#deaths += 1;
    this.#hooks.onDeath(
      life.process?.pid ?? 0,
      life.fault === null ? status : `${status} (${life.fault})`,
      restart_ms,
    );
    this.#restart_timer = setTimeout(() => this.#spawn(), restart_ms);
  }
}
