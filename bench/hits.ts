// Calls whose answers are kept: what an answer costs that nobody is asked for, beside HAProxy's relaying of the same calls.

import { measureCalls } from "./calls.ts";
import type { LoadResult } from "./load_order.ts";
import { type Case, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { CACHED_MODEL, RELAYS, SIMILAR_MODEL, type Target } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** The name of the row of the very same requests, and of that of similar ones. */
export const HIT_ROW = "the same request, 1 KB";
export const SIMILAR_ROW = "a similar request, one connection";
/** How many different requests there are of the first. */
export const HIT_BODIES = 500;

/** Has Venturi ask for every answer once that it is to keep. */
export function keepAnswers(stage: Stage, venturi: Target): Promise<LoadResult> {
  const changes = { model: CACHED_MODEL, bodies: HIT_BODIES, calls: HIT_BODIES };
  return stage.generator.run(orderFor(stage, venturi, changes));
}

/** CPU per call, calls per second and latencies of answers from the caches. */
export const hits: Part = {
  name: "hits",
  about: `Calls that Venturi answers from its caches while the others relay them: ${HIT_BODIES} bodies of 1 KB again and again; and one question in ever other white space, which the built-in embedder has to find.`,
  usual: { rounds: 5, seconds: 1.5, connections: 32, warm_seconds: 12 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage): Promise<Case[]> => {
      await stage.provider.play(PLAIN_SCRIPT);
      return [
        ...(await measureCalls(
          stage,
          HIT_ROW,
          { bodies: HIT_BODIES },
          { model: CACHED_MODEL, is_kept: true },
        )),
        ...(await measureCalls(
          stage,
          SIMILAR_ROW,
          { text: "question", connections: 1 },
          { model: SIMILAR_MODEL, is_kept: true },
        )),
      ];
    }),
};
