// The load generator's process: takes orders over IPC, runs them (several at once if asked to), and tells the results.
// One process serves a whole part of the suite, so that its own warming up is not measured again and again.

import { closedLoop, holdStreams } from "./load_closed.ts";
import { openLoop } from "./load_open.ts";
import type { FromLoad, LoadOrder, LoadResult, ToLoad } from "./load_order.ts";

function serve(): void {
  const releases = new Map<number, () => void>();
  const tell = (message: FromLoad) => process.send?.(message);

  const run = (id: number, order: LoadOrder): Promise<LoadResult> => {
    if (order.loop === "closed") return closedLoop(order);
    if (order.loop === "open") return openLoop(order);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    releases.set(id, release);
    return holdStreams(order, () => tell({ id, held: true }), released);
  };

  process.on("message", async (said: ToLoad) => {
    if ("release" in said) {
      releases.get(said.id)?.();
      return;
    }
    try {
      tell({ id: said.id, result: await run(said.id, said.order) });
    } catch (error) {
      tell({ id: said.id, fault: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on("disconnect", () => process.exit());
  tell({ ready: true });
}

if (import.meta.main) serve();
