// A supervisor's end of its upgrade: another one is started, prepares itself, is given the data folder, and answers calls; only then does
// this one go. Whatever goes wrong before, the folder is taken back, and nobody's call has noticed.

import { successorEnvironment } from "../../config/environment.ts";
import { HANDED_DESCRIPTOR } from "../../gateway/protocol.ts";
import { LAYOUT_VERSION } from "../../memory/layout.ts";
import type { FromSuccessor, ListenedAddress, ToSuccessor } from "./handover.ts";

/** How long a successor may take until its configuration is read. */
const PREPARE_MAX_MS = 30_000;
/** And until it answers calls: a ledger of many millions of calls may have to be brought to another format. */
const SERVE_MAX_MS = 15 * 60_000;

/** How it is handed over. */
export interface HandOverOptions {
  /** The command line of the successor. */
  readonly command: readonly string[];
  readonly address: ListenedAddress;
  /** A listening socket that goes on to it. */
  readonly descriptor: number | null;
  /** Lets go of the data folder; `is_alike` says whether the successor maps the same file. */
  release(is_alike: boolean): Promise<void>;
  /** Takes it back; in words, why it could not. */
  regain(): Promise<string | null>;
}

/** A hand-over under way. */
export interface HandOver {
  /** The successor's process id when it answers calls; in words, why it does not. */
  readonly done: Promise<{ readonly pid: number } | { readonly fault: string }>;
  /** Ends the successor, unless it answers calls already. */
  abort(): void;
}

/** Starts a successor and hands over to it. */
export function handOver(options: HandOverOptions): HandOver {
  let successor: Successor;
  try {
    successor = new Successor(options);
  } catch (error) {
    const fault = `it cannot be started: ${error instanceof Error ? error.message : String(error)}`;
    return { done: Promise.resolve({ fault }), abort() {} };
  }
  return { done: goThrough(successor, options), abort: () => successor.kill() };
}

async function goThrough(
  successor: Successor,
  { address, release, regain }: HandOverOptions,
): Promise<{ readonly pid: number } | { readonly fault: string }> {
  const unprepared = await successor.hear("prepared", PREPARE_MAX_MS);
  if (unprepared !== null) {
    await successor.end();
    return { fault: unprepared };
  }
  await release(successor.layout === LAYOUT_VERSION);
  successor.tell({ kind: "take", address });
  const fault = await successor.hear("serving", SERVE_MAX_MS);
  if (fault === null) return { pid: successor.pid };
  await successor.end();
  const lasting = await regain();
  return {
    fault: lasting === null ? fault : `${fault}; and the data folder could not be taken back: ${lasting}`,
  };
}

/** The process, as this one sees it. */
class Successor {
  readonly #process: Bun.Subprocess;
  readonly #heard = new Set<FromSuccessor["kind"]>();
  /** The version of its mapped file, once it is prepared. */
  layout = 0;
  #fault: string | null = null;
  #wake = () => {};

  constructor({ command, descriptor }: HandOverOptions) {
    const handed = descriptor === null ? [] : [descriptor];
    if (handed.length > 0 && HANDED_DESCRIPTOR !== 3)
      throw new Error("sockets are handed over as descriptor 3");
    this.#process = Bun.spawn([...command], {
      stdio: ["ignore", "inherit", "inherit", ...handed],
      env: successorEnvironment(process.pid, handed.length),
      ipc: (message: FromSuccessor) => {
        if (message.kind === "prepared") this.layout = message.layout;
        if (message.kind === "failed") this.#fault ??= message.message;
        this.#heard.add(message.kind);
        this.#wake();
      },
      onExit: (_process, code, signal) => {
        this.#fault ??= signal === null ? `it ended with status ${code}` : `it was ended by signal ${signal}`;
        this.#wake();
      },
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Waits until it says so; in words, why it never will. */
  async hear(kind: FromSuccessor["kind"], within_ms: number): Promise<string | null> {
    const late_ms = performance.now() + within_ms;
    while (!this.#heard.has(kind) && this.#fault === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        this.#fault ??= `it did not come so far within ${Math.round(within_ms / 1_000)} s`;
        resolve();
      }, late_ms - performance.now());
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
    }
    return this.#heard.has(kind) ? null : this.#fault;
  }

  tell(message: ToSuccessor): void {
    try {
      this.#process.send(message);
    } catch {
      // It has just died; its end is heard of.
    }
  }

  kill(): void {
    if (!this.#heard.has("serving")) this.#process.kill("SIGKILL");
  }

  /** Resolves when it is gone. */
  async end(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}
