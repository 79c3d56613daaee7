// All that an inference process is, without the process: embedders, models for names, the index and the socket. It answers from its first moment,
// and what cannot be opened is said and tried again.

import { join } from "node:path";
import { readPostgresAddress } from "../config/postgres_address.ts";
import { embedderName, type InferenceConfig } from "./config.ts";
import { Desk } from "./desk.ts";
import { type EmbedderMaker, EmbedderSet } from "./embedders/embedder_set.ts";
import { type LoadNer, NameSet } from "./ner/name_set.ts";
import { loadBuiltinNer } from "./ner/ner.ts";
import { InferenceServer, type Outcome } from "./server.ts";
import { inferenceSocketPath } from "./socket.ts";
import type { EntryIndex } from "./vectors/entry_index.ts";
import { openVectorIndex } from "./vectors/vector_index.ts";

/** Requests that wait or are worked on. */
const QUEUE_MAX = 512;
/** How often it is tried to open an index that another process has, and one that cannot be opened. */
const OWNED_RETRY_MS = 100;
const FAULT_RETRY_MS = 30_000;

/** What it is started with. */
export interface InferenceOptions {
  readonly config: InferenceConfig;
  /** Whether what is stored is not to be trusted. */
  readonly is_distrusted: boolean;
  readonly makeEmbedder: EmbedderMaker;
  /** Loads the built-in model for names; left out, from the source tree. */
  readonly loadNer?: LoadNer;
  readonly queue_max?: number;
  /** What is stored was found to be damaged: this process should end, and the next one begins anew. */
  onDamage(): void;
  log(line: string): void;
}

/** Starts it; or says why it cannot listen. */
export function startInference(options: InferenceOptions): Inference | { readonly fault: string } {
  const path = inferenceSocketPath(options.config.data);
  if (typeof path !== "string") return path;
  try {
    return new Inference(path, options);
  } catch (error) {
    return { fault: `${path} cannot be made (${error instanceof Error ? error.message : String(error)})` };
  }
}

/** It, running. */
export class Inference {
  readonly #options: InferenceOptions;
  readonly #server: InferenceServer;
  readonly #embedders: EmbedderSet;
  readonly #names: NameSet;
  #config: InferenceConfig;
  #index: EntryIndex | null = null;
  #index_fault: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #is_distrusted: boolean;
  #is_stopped = false;

  constructor(path: string, options: InferenceOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#is_distrusted = options.is_distrusted;
    this.#embedders = new EmbedderSet(options.makeEmbedder, options.log);
    this.#embedders.configure(options.config);
    this.#names = new NameSet(options.loadNer ?? (() => loadBuiltinNer()), options.log);
    this.#names.configure(options.config.names ?? [], options.config.threads);
    const desk = new Desk({
      embedder: (name) => this.#embedders.get(name),
      index: () => this.#index,
      names: this.#names,
      stats: () => this.#stats(),
    });
    const queue_max = options.queue_max ?? QUEUE_MAX;
    this.#server = new InferenceServer({ path, queue_max, work: desk.work });
    this.#open();
  }

  /** Takes another configuration; the data folder stays. */
  configure(config: InferenceConfig): void {
    this.#config = config;
    this.#embedders.configure(config);
    this.#names.configure(config.names ?? [], config.threads);
    this.#index?.limit(config.max_entries);
  }

  /** Lets go of the index for good. */
  async release(): Promise<void> {
    this.#is_stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const index = this.#index;
    this.#index = null;
    this.#index_fault = "another process has it";
    await index?.close();
  }

  /** Answers what it has begun, for so many milliseconds at most, and closes everything. */
  async stop(max_ms: number): Promise<void> {
    this.#is_stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#server.stop(max_ms);
    const index = this.#index;
    this.#index = null;
    await index?.close();
    await this.#embedders.close();
    await this.#names.close();
  }

  /** The index that hosts share; its code is loaded where there is one. */
  async #openShared(url: string): Promise<void> {
    const { PostgresIndex } = await import("./vectors/postgres_index.ts");
    const address = readPostgresAddress(url);
    if ("fault" in address || this.#is_stopped) return;
    const { max_entries } = this.#config;
    this.#index = new PostgresIndex({ address, max_entries, log: this.#options.log });
  }

  #open(): void {
    const { data, max_entries, vectors } = this.#config;
    if (vectors !== undefined) {
      void this.#openShared(vectors);
      return;
    }
    const { log, onDamage } = this.#options;
    const index = openVectorIndex({
      folder: join(data, "cache", "vectors"),
      max_entries,
      is_distrusted: this.#is_distrusted,
      onDamage,
      log,
    });
    if (index !== null && !("fault" in index)) {
      this.#index = index;
      this.#index_fault = null;
      this.#is_distrusted = false;
      const { no_graphs } = index.stats();
      if (no_graphs !== null) log(`large parts of the semantic cache are searched slowly: ${no_graphs}`);
      return;
    }
    if (index !== null && this.#index_fault !== index.fault) log(`no semantic cache: ${index.fault}`);
    this.#index_fault = index === null ? "another process has it" : index.fault;
    if (this.#is_stopped) return;
    this.#timer = setTimeout(() => this.#open(), index === null ? OWNED_RETRY_MS : FAULT_RETRY_MS);
  }

  #stats(): Outcome {
    return {
      kind: "stats",
      stats: {
        index: this.#index?.stats() ?? null,
        index_fault: this.#index_fault,
        embedders: this.#config.embedders.map((source) => {
          const name = embedderName(source);
          return { name, fault: this.#embedders.faultOf(name) };
        }),
        ...this.#server.counts,
        memory_bytes: process.memoryUsage.rss(),
      },
    };
  }
}
