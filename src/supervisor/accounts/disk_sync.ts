// Brings the mapped file to the disk once a second, so that a power cut costs the limits no more than that.
// Killed processes need none of it: what they wrote is in the machine's memory.

import type { State } from "../../memory/state.ts";

const SYNC_MS = 1_000;

/** Does so until what it gives is called. A disk that does not take it is told of once. */
export function syncToDisk(state: State, log: (line: string) => void): () => void {
  let is_busy = false;
  let is_failing = false;
  const timer = setInterval(async () => {
    if (is_busy) return;
    is_busy = true;
    try {
      await state.flush();
      is_failing = false;
    } catch (error) {
      if (!is_failing) log(`the limits' state does not reach the disk: ${String(error)}`);
      is_failing = true;
    }
    is_busy = false;
  }, SYNC_MS);
  timer.unref();
  return () => clearInterval(timer);
}
