// Threads for what takes long and keeps a processor busy: models. A thread that fails is replaced, and tasks that wait are bounded.

import type { Piscina } from "piscina";
import { IS_EXECUTABLE } from "../program/parts.ts";

/** What a pool is started with. */
export interface PoolOptions {
  /** The file that a thread runs; it exports the functions that can be called. */
  readonly file: URL;
  readonly threads: number;
  /** Tasks that wait for a thread. */
  readonly queue_max: number;
  /** Handed to every thread as `workerData`. */
  readonly data: unknown;
}

/** Threads that run functions of a file. */
export class Pool {
  readonly #options: PoolOptions;
  /** Started with the first task, because its module is not needed before. */
  #piscina: Promise<Piscina> | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Runs a function of the file in a thread; or says why it did not come to an end. What it gives has to be checked. */
  async run(name: string, task: unknown): Promise<{ readonly value: unknown } | { readonly fault: string }> {
    try {
      this.#piscina ??= this.#start();
      const piscina = await this.#piscina;
      if (piscina.queueSize >= this.#options.queue_max) return { fault: "too many tasks wait" };
      return { value: await piscina.run(task, { name }) };
    } catch (error) {
      return { fault: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    const piscina = await this.#piscina?.catch(() => null);
    await piscina?.destroy();
  }

  async #start(): Promise<Piscina> {
    if (IS_EXECUTABLE)
      throw new Error("models of the hub run from the sources only; the executable holds none");
    const { Piscina } = await import("piscina");
    const { file, threads, data, queue_max } = this.#options;
    const pool = new Piscina({
      filename: file.href,
      minThreads: threads,
      maxThreads: threads,
      maxQueue: queue_max + 1,
      // Threads stay: to end one is what crashes.
      idleTimeout: Number.POSITIVE_INFINITY,
      // A thread that waits asleep would not run what its own promises are about.
      atomics: "disabled",
      workerData: data,
    });
    // A thread that fails without a task would end the process.
    pool.on("error", () => {});
    return pool;
  }
}
