// What providers do, for simulations: as upstreams over five minutes.

import type { Upstream } from "./simulation.ts";

/** A case: what is shown by it, and its upstreams. */
export interface SimulationCase {
  readonly name: string;
  readonly upstreams: readonly Upstream[];
}

/** Whether a moment lies between two seconds. */
function isIn(at_s: number, from_s: number, to_s: number): boolean {
  return at_s >= from_s && at_s < to_s;
}

const steady =
  (median_ms: number, sigma = 0.3): Upstream =>
  () => ({ median_ms, sigma });

/** The cases, by name. */
export const CASES: readonly SimulationCase[] = [
  { name: "steady", upstreams: [steady(1_200), steady(400), steady(200)] },
  { name: "heavy tails", upstreams: [steady(1_200, 0.8), steady(400, 0.8), steady(200, 0.8)] },
  {
    name: "the best becomes ten times slower for a minute",
    upstreams: [steady(1_200), steady(400), (at_s) => ({ median_ms: isIn(at_s, 60, 120) ? 2_000 : 200 })],
  },
  {
    name: "the slowest becomes the best",
    upstreams: [(at_s) => ({ median_ms: at_s < 100 ? 1_200 : 100 }), steady(400), steady(200)],
  },
  {
    name: "the best fails three of ten calls for two minutes",
    upstreams: [
      steady(1_200),
      steady(400),
      (at_s) => ({ median_ms: 200, failing: isIn(at_s, 60, 180) ? 0.3 : 0 }),
    ],
  },
  {
    name: "the best is down for two minutes",
    upstreams: [
      steady(1_200),
      steady(400),
      (at_s) => ({ median_ms: 200, failing: isIn(at_s, 60, 180) ? 1 : 0 }),
    ],
  },
  {
    name: "the best hangs for two minutes (10 s timeout)",
    upstreams: [
      steady(1_200),
      steady(400),
      (at_s) => ({ median_ms: 200, failing: isIn(at_s, 60, 180) ? 1 : 0, failure_ms: 10_000 }),
    ],
  },
  {
    name: "the best has room for ten calls",
    upstreams: [steady(1_200), steady(400), () => ({ median_ms: 200, room: 10 })],
  },
];
