// One connection, one call at a time: the latency that a target adds when nothing else is going on.

import { measureCalls } from "./calls.ts";
import { addOverDirect, type Case, onStage, type Part, type Stage } from "./part.ts";
import { RELAYS } from "./targets.ts";
import { PLAIN_SCRIPT } from "./upstream.ts";

/** Name of the part's only row. */
export const SINGLE_ROW = "one connection";

/** Measures it. */
export async function measureSingle(stage: Stage): Promise<Case[]> {
  await stage.provider.play(PLAIN_SCRIPT);
  const cases = await measureCalls(stage, SINGLE_ROW, { connections: 1 });
  return addOverDirect(cases, ["p50_us", "p99_us"]);
}

/** Latency added at one connection. */
export const single: Part = {
  name: "single",
  about: "Plain 1 KB calls on one connection, one after the other; added is over direct in the same round.",
  usual: { rounds: 5, seconds: 2 },
  run: (sizes, log) => onStage(sizes, log, RELAYS, measureSingle),
};
