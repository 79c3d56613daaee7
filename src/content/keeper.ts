// Hands calls to the thread that keeps their content. Nobody waits for it: what it cannot take in time is let go and counted.

import { threadUrl } from "../program/parts.ts";
import type { ContentKeys } from "./cards.ts";
import type { KeeperOrder, KeeperReport } from "./keeper_thread.ts";
import type { ContentCall } from "./record.ts";

/** What is held until it is kept, of all calls together; what is more is let go. */
const HELD_MAX_BYTES = 32 * 1024 * 1024;
/** Calls are handed over together: after so long, or when there are so many bytes of them. */
const GATHER_MS = 50;
const GATHERED_MAX_BYTES = 1024 * 1024;
/** How long a thread that has died is left before it is started again. */
const RESTART_MS = 1_000;
/** How long a stop waits for what is under way. */
const CLOSE_MAX_MS = 2_000;
/** A fault is told once in this time. */
const TOLD_EVERY_MS = 60_000;

/** Where content is kept, and who hears what became of it. */
export interface KeeperOptions {
  readonly folder: string;
  readonly keys: ContentKeys;
  onKept(calls: number): void;
  /** They could not be kept in time, or not at all. */
  onDropped(calls: number): void;
  log(line: string): void;
}

interface Batch {
  readonly calls: number;
  readonly bytes: number;
}

/** The writer of content of one process. */
export class ContentKeeper {
  readonly #options: KeeperOptions;
  readonly #under_way = new Map<number, Batch>();
  #gathered: ContentCall[] = [];
  #gathered_bytes = 0;
  #held_bytes = 0;
  #max_bytes = 0;
  #last_batch = 0;
  #gathering: ReturnType<typeof setTimeout> | null = null;
  #restarting: ReturnType<typeof setTimeout> | null = null;
  #thread: Worker | null = null;
  #told_ms = Number.NEGATIVE_INFINITY;
  #onIdle: (() => void) | null = null;
  #is_closed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /**
   * Takes a call, whose bytes must not be changed until they are copied, which is soon; or lets it go.
   * @param max_bytes what the store may have in it
   */
  keep(call: ContentCall, max_bytes: number): void {
    this.#max_bytes = max_bytes;
    const bytes = bytesOf(call);
    if (this.#is_closed || this.#held_bytes + bytes > HELD_MAX_BYTES) {
      this.#options.onDropped(1);
      return;
    }
    this.#held_bytes += bytes;
    this.#gathered.push(call);
    this.#gathered_bytes += bytes;
    if (this.#gathered_bytes >= GATHERED_MAX_BYTES) this.#handOver();
    else this.#gathering ??= setTimeout(() => this.#handOver(), GATHER_MS);
  }

  /** Ends when all is kept that was taken, or it takes too long. */
  async close(): Promise<void> {
    this.#is_closed = true;
    this.#handOver();
    if (this.#under_way.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      await Promise.race([promise, Bun.sleep(CLOSE_MAX_MS)]);
    }
    this.#letGo();
    if (this.#restarting !== null) clearTimeout(this.#restarting);
    this.#thread?.terminate();
    this.#thread = null;
  }

  #handOver(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#gathered.length === 0) return;
    const calls = this.#gathered.map(ownBytes);
    const bytes = this.#gathered_bytes;
    this.#gathered = [];
    this.#gathered_bytes = 0;
    this.#last_batch += 1;
    this.#under_way.set(this.#last_batch, { calls: calls.length, bytes });
    if (this.#thread === null && this.#restarting === null) this.#start();
    const buffers = calls.flatMap(({ request, answer }) =>
      answer === null ? [request.buffer] : [request.buffer, answer.bytes.buffer],
    );
    // A thread that has just died takes nothing: what was under way is let go when that shows.
    const order = { kind: "keep", batch: this.#last_batch, calls, max_bytes: this.#max_bytes } as const;
    this.#order(order, buffers as ArrayBuffer[]);
    if (this.#thread === null) this.#letGo();
  }

  #start(): void {
    this.#restarting = null;
    const thread = new Worker(threadUrl("content/keeper_thread.ts"));
    thread.onmessage = ({ data }: MessageEvent<KeeperReport>) => this.#hear(data);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#tell(event.message);
    };
    thread.addEventListener("close", () => this.#restart(thread));
    this.#thread = thread;
    const { folder, keys } = this.#options;
    this.#order({ kind: "open", folder, keys });
  }

  #restart(thread: Worker): void {
    if (thread !== this.#thread || this.#is_closed) return;
    this.#thread = null;
    this.#tell("its thread has died; it is started again");
    this.#letGo();
    this.#restarting = setTimeout(() => this.#start(), RESTART_MS);
    this.#restarting.unref();
  }

  #order(order: KeeperOrder, buffers: ArrayBuffer[] = []): void {
    this.#thread?.postMessage(order, buffers);
  }

  #hear({ batch, fault }: KeeperReport): void {
    const known = this.#under_way.get(batch);
    if (known === undefined) return;
    this.#under_way.delete(batch);
    this.#held_bytes -= known.bytes;
    if (fault === null) this.#options.onKept(known.calls);
    else {
      this.#options.onDropped(known.calls);
      this.#tell(fault);
    }
    if (this.#under_way.size === 0) this.#onIdle?.();
  }

  /** Nobody keeps what is under way any more. */
  #letGo(): void {
    for (const { calls, bytes } of this.#under_way.values()) {
      this.#held_bytes -= bytes;
      this.#options.onDropped(calls);
    }
    this.#under_way.clear();
    this.#onIdle?.();
  }

  #tell(fault: string): void {
    const now_ms = performance.now();
    if (now_ms - this.#told_ms < TOLD_EVERY_MS) return;
    this.#told_ms = now_ms;
    this.#options.log(`content is not kept: ${fault}`);
  }
}

function bytesOf({ request, answer }: ContentCall): number {
  return request.length + (answer?.bytes.length ?? 0);
}

/** The call with bytes of its own, which can be given away. */
function ownBytes(call: ContentCall): ContentCall {
  const { answer } = call;
  return {
    ...call,
    request: Uint8Array.from(call.request),
    answer: answer === null ? null : { ...answer, bytes: Uint8Array.from(answer.bytes) },
  };
}
