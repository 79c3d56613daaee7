// All gateway processes of a gateway: those that listen on its address, and those that still drain on an earlier one.
// Those of an earlier address drain as soon as the new ones listen.

import type { LeaseAsk } from "../../access/shared/ask.ts";
import type { ResolvedConfig } from "../../config/schema.ts";
import type { ReplayOrder, ReplayOutcome } from "../../gateway/replay.ts";
import { Worker, type WorkerHooks } from "./worker.ts";

/** What the fleet needs to know and to tell. */
export interface FleetHooks extends Pick<WorkerHooks, "takePlace" | "leavePlace"> {
  config(): ResolvedConfig;
  log(line: string): void;
  /** A process asks for more of limits that hosts share. */
  onAsks(asks: readonly LeaseAsk[]): void;
}

/** Where gateway processes listen. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
  /** Descriptor of a socket that listens there already; without one, each process opens its own. */
  readonly descriptor?: number;
}

/** The gateway processes of one supervisor. */
export class Fleet {
  readonly #hooks: FleetHooks;
  /** Those that answer calls. */
  #current = new Set<Worker>();
  /** These, those that start and those that drain. */
  readonly #all = new Set<Worker>();
  /** How many were asked for: they take turns. */
  #replays = 0;
  #address: Address = { hostname: "", port: 0 };

  constructor(hooks: FleetHooks) {
    this.#hooks = hooks;
  }

  get address(): Address {
    return this.#address;
  }

  /** How many processes should answer calls. */
  get size(): number {
    return this.#current.size;
  }

  /** Starts processes in the place of those that are there, which drain once the new ones listen. On failure nothing changes. */
  async launch(address: Address, count: number): Promise<void> {
    const workers = Array.from({ length: count }, () => this.#make(address));
    try {
      await Promise.all(workers.map((worker) => worker.start()));
    } catch (error) {
      for (const worker of workers) {
        worker.kill();
        this.#all.delete(worker);
      }
      throw error;
    }
    const old = this.#current;
    this.#current = new Set(workers);
    this.#address = address;
    for (const worker of old) void this.#retire(worker);
  }

  /** Tells all of another configuration. */
  configure(config: ResolvedConfig): void {
    for (const worker of this.#all) worker.configure(config);
  }

  /** Has one of those that answer calls make one again; null where it is gone before that is over, or there is none. */
  async replay(
    order: ReplayOrder,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<ReplayOutcome | null> {
    const workers = [...this.#current];
    this.#replays += 1;
    return (await workers[this.#replays % workers.length]?.replay(order, onBytes, signal)) ?? null;
  }

  /** Tells those that have asked for more of limits that they were answered. */
  tellAnswers(): void {
    for (const worker of this.#all) worker.tellAnswers();
  }

  /** Lets all finish their calls; resolves when they are gone. */
  async drain(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => this.#retire(worker)));
  }

  /** Ends all at once. */
  kill(): void {
    for (const worker of this.#all) worker.kill();
  }

  async #retire(worker: Worker): Promise<void> {
    await worker.drain(this.#hooks.config().listen.drain_ms);
    this.#all.delete(worker);
  }

  #make(address: Address): Worker {
    const { config, takePlace, leavePlace, log, onAsks } = this.#hooks;
    const worker = new Worker({
      ...{ config, takePlace, leavePlace, onAsks },
      ...address,
      onLeaving: (pid) => {
        log(`gateway process ${pid} was told to end; another takes its place`);
        this.#replace(worker, address);
      },
      onDeath: (pid, status, restart_ms) =>
        log(
          `gateway process ${pid} ended with ${status}; another starts ${restart_ms === 0 ? "at once" : `in ${restart_ms} ms`}`,
        ),
    });
    this.#all.add(worker);
    return worker;
  }

  /** Puts a new process in the place of one that wants to leave; it drains once the new one listens. */
  #replace(leaving: Worker, address: Address): void {
    if (!this.#current.delete(leaving)) return;
    const successor = this.#make(address);
    this.#current.add(successor);
    void successor.start(true).then(() => this.#retire(leaving));
  }
}
