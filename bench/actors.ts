// The two ends of every measurement as the suite holds them: the provider's process and the load generator's.

import { join } from "node:path";
import type { FromLoad, LoadOrder, LoadResult, ToLoad } from "./load_order.ts";
import { type Placement, pinned } from "./machine.ts";
import type { Counts, FromUpstream, Script, ToUpstream } from "./upstream.ts";

/** How much longer than its time an order may take until it has failed. */
const ORDER_MARGIN_MS = 60_000;
/** How long a process may take to start, or to answer a question. */
const ANSWER_MAX_MS = 10_000;

/** Rejects if it takes longer. */
async function within<T>(limit_ms: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} took longer than ${limit_ms} ms`)), limit_ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function spawn<From>(file: string, placement: Placement | null, onMessage: (message: From) => void) {
  const command = [process.execPath, join(import.meta.dirname, file)];
  return Bun.spawn(pinned(command, placement?.load_core), {
    stdio: ["ignore", "ignore", "inherit"],
    ipc: (message) => onMessage(message as From),
  });
}

/** The provider. */
export interface Provider {
  readonly pid: number;
  readonly port: number;
  /** Answers from here on as the script says. */
  play(script: Script): Promise<void>;
  counts(): Promise<Counts>;
  stop(): Promise<void>;
}

/** Starts the provider's process. */
export async function startProvider(placement: Placement | null): Promise<Provider> {
  const started = Promise.withResolvers<number>();
  let answered = Promise.withResolvers<Counts | null>();
  const child = spawn<FromUpstream>("upstream.ts", placement, (said) => {
    if ("port" in said) started.resolve(said.port);
    else answered.resolve("counts" in said ? said.counts : null);
  });
  const ask = (message: ToUpstream) => {
    answered = Promise.withResolvers();
    child.send(message);
    return within(ANSWER_MAX_MS, "the provider's answer", answered.promise);
  };
  return {
    pid: child.pid,
    port: await within(ANSWER_MAX_MS, "the provider's start", started.promise),
    play: async (script) => void (await ask({ script })),
    counts: async () => (await ask({ ask: true }))!,
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}

/** Streams that are held open. */
export interface Held {
  /** Leaves them. */
  release(): Promise<LoadResult>;
}

/** The load generator. */
export interface Generator {
  readonly pid: number;
  /** Puts a load on a target, several at once if called so. */
  run(order: LoadOrder): Promise<LoadResult>;
  /** Opens streams and leaves them open; resolves when every one has had its first event. */
  hold(order: LoadOrder): Promise<Held>;
  stop(): Promise<void>;
}

interface Waiting {
  readonly result: PromiseWithResolvers<LoadResult>;
  readonly held: PromiseWithResolvers<void>;
}

/** Starts the load generator's process. */
export async function startGenerator(placement: Placement | null): Promise<Generator> {
  const ready = Promise.withResolvers<void>();
  const waiting = new Map<number, Waiting>();
  let last_id = 0;
  const child = spawn<FromLoad>("load.ts", placement, (said) => {
    if ("ready" in said) {
      ready.resolve();
      return;
    }
    const { result, held } = waiting.get(said.id)!;
    if ("held" in said) held.resolve();
    else if ("result" in said) result.resolve(said.result);
    else {
      result.reject(new Error(said.fault));
      held.reject(new Error(said.fault));
    }
  });
  child.exited.then(() => {
    const error = new Error("the load generator is gone");
    ready.reject(error);
    for (const { result, held } of waiting.values()) {
      result.reject(error);
      held.reject(error);
    }
  });
  const send = (order: LoadOrder): { id: number } & Waiting => {
    last_id += 1;
    const entry: Waiting = { result: Promise.withResolvers(), held: Promise.withResolvers() };
    // Who waits for the one does not wait for the other; a rejection is told where it is awaited.
    entry.result.promise.catch(() => {});
    entry.held.promise.catch(() => {});
    waiting.set(last_id, entry);
    child.send({ id: last_id, order } satisfies ToLoad);
    return { id: last_id, ...entry };
  };
  await within(ANSWER_MAX_MS, "the generator's start", ready.promise);
  return {
    pid: child.pid,
    run: (order) => within(order.seconds * 1000 + ORDER_MARGIN_MS, "a load", send(order).result.promise),
    hold: async (order) => {
      const { id, result, held } = send(order);
      await within(ORDER_MARGIN_MS, "opening the streams", held.promise);
      const release = () => {
        child.send({ id, release: true } satisfies ToLoad);
        return within(ANSWER_MAX_MS, "leaving the streams", result.promise);
      };
      return { release };
    },
    stop: async () => {
      child.kill();
      await child.exited;
    },
  };
}
