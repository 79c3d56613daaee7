// Calls whose answers are kept: what an answer costs that nobody is asked for, beside HAProxy's relaying of the same calls.

import type { LoadOrder } from "./load_order.ts";
import { type Case, inTurn, load, onStage, orderFor, type Part, type Stage } from "./part.ts";
import { CACHED_MODEL, RELAYS, SIMILAR_MODEL, VENTURI } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** The name of the row of the very same requests, and of that of similar ones. */
export const HIT_ROW = "the same request, 1 KB";
export const SIMILAR_ROW = "a similar request, one connection";
/** How many different requests there are of the first. */
export const HIT_BODIES = 500;

/** CPU per call, calls per second and latencies of answers from the caches. */
export const hits: Part = {
  name: "hits",
  about: `Calls that Venturi answers from its caches while the others relay them: ${HIT_BODIES} bodies of 1 KB again and again; and one question in ever other white space, which the built-in embedder has to find.`,
  usual: { rounds: 5, seconds: 1.5, connections: 32 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage): Promise<Case[]> => {
      await stage.provider.play(PLAIN_SCRIPT);
      return [
        ...(await measureHits(stage, HIT_ROW, CACHED_MODEL, { bodies: HIT_BODIES })),
        ...(await measureHits(stage, SIMILAR_ROW, SIMILAR_MODEL, { text: "question", connections: 1 })),
      ];
    }),
};

/** One row; the provider must see none of the calls to Venturi after the warm-up. */
function measureHits(stage: Stage, row: string, model: string, changes: Partial<LoadOrder>): Promise<Case[]> {
  return inTurn(stage, row, async (target, is_warm_up) => {
    const is_ours = target.name === VENTURI.name;
    const order = orderFor(stage, target, {
      ...(is_ours ? { model } : {}),
      ...changes,
      seconds: is_warm_up ? stage.sizes.warm_seconds : stage.sizes.seconds,
    });
    const { result, cpu_ms, fault } = await load(stage, target, order, (calls) => (is_ours ? 0 : calls));
    const { p50_us, p99_us } = result.latency;
    const cpu_us = (cpu_ms * 1000) / result.calls;
    const values = { cpu_us, calls_per_s: result.calls_per_s, p50_us, p99_us };
    return { values, fault, raw: { ...result, cpu_ms } };
  });
}
