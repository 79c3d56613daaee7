// Calls whose answers are kept: what an answer costs that nobody is asked for, beside HAProxy's relaying of the same calls.

import { type Case, inTurn, load, onStage, orderFor, type Part } from "./part.ts";
import { CACHED_MODEL, RELAYS, VENTURI } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** The name of the row of the very same requests. */
export const HIT_ROW = "the same request, 1 KB";
/** How many different requests there are. */
export const HIT_BODIES = 500;

/** CPU per call, calls per second and latencies of answers from the cache. */
export const hits: Part = {
  name: "hits",
  about: `1 KB calls of ${HIT_BODIES} different bodies again and again: Venturi answers from its exact cache, the others relay.`,
  usual: { rounds: 5, seconds: 1.5, connections: 32 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage): Promise<Case[]> => {
      await stage.provider.play(PLAIN_SCRIPT);
      return inTurn(stage, HIT_ROW, async (target, is_warm_up) => {
        const is_ours = target.name === VENTURI.name;
        const order = orderFor(stage, target, {
          ...(is_ours ? { model: CACHED_MODEL } : {}),
          bodies: HIT_BODIES,
          seconds: is_warm_up ? sizes.warm_seconds : sizes.seconds,
        });
        const { result, cpu_ms, fault } = await load(stage, target, order, (calls) => (is_ours ? 0 : calls));
        const { p50_us, p99_us } = result.latency;
        const cpu_us = (cpu_ms * 1000) / result.calls;
        return {
          values: { cpu_us, calls_per_s: result.calls_per_s, p50_us, p99_us },
          fault,
          raw: { ...result, cpu_ms },
        };
      });
    }),
};
