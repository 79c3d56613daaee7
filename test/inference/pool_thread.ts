// What the threads of a test's pool run.

import { threadId, workerData } from "node:worker_threads";

/** Greets as the thread was told to. */
export function greet(name: string): string {
  const { greeting } = workerData as { greeting: string };
  return `${greeting} ${name}`;
}

let met = 0;

/** Its thread; lingers for a moment, so that another task needs another thread. */
export async function meet(): Promise<number> {
  met += 1;
  await Bun.sleep(met * 30);
  return threadId;
}

/** Fails. */
export function fail(message: string): never {
  throw new Error(message);
}

/** Takes so long. */
export async function linger(ms: number): Promise<void> {
  await Bun.sleep(ms);
}
