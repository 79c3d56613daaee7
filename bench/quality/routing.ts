// How well targets are chosen: calls over upstreams that change, simulated, the same for the same seed.
// `bun bench/quality/routing.ts [--seconds 300] [--rate 20] [--seeds 5]`; docs/routing-health.md has the tables.

import { parseArgs } from "node:util";
import { chatModel } from "../../test/routing/health_room.ts";
import {
  bestFirst,
  bestPlace,
  inTurn,
  type SimulatedCall,
  type Simulation,
  simulate,
} from "../../test/routing/simulation.ts";
import { CASES, type SimulationCase } from "../../test/routing/simulation_cases.ts";

const PROVIDERS = ["a", "b", "c"];
const PROCESSES = 4;
const STREAMING_MS = 2_000;

/** What is told of one way to choose. */
interface Figures {
  readonly mean_ms: number;
  readonly p95_ms: number;
  /** Share of the calls that asked the best target first. */
  readonly at_best: number;
  /** Share of the calls whose first try failed. */
  readonly failed_first: number;
}

function figuresOf(calls: readonly SimulatedCall[], { upstreams }: SimulationCase): Figures {
  const sorted = calls.flatMap(({ latency_ms }) => latency_ms ?? []).sort((a, b) => a - b);
  if (sorted.length < calls.length) throw new Error("a call got no answer, though two targets were well");
  const share = (count: number) => count / calls.length;
  return {
    mean_ms: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
    p95_ms: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    at_best: share(calls.filter(({ at_s, tried }) => tried[0] === bestPlace(upstreams, at_s)).length),
    failed_first: share(calls.filter(({ tried }) => tried.length > 1).length),
  };
}

/** Who chooses: by strategy, or without the gateway. */
function waysOf(one: SimulationCase): Readonly<Record<string, Partial<Simulation>>> {
  return {
    "whoever knew": { order: bestFirst(one.upstreams) },
    "least-latency": { model: chatModel(PROVIDERS, "strategy: least-latency") },
    "least-busy": { model: chatModel(PROVIDERS, "strategy: least-busy") },
    weighted: { model: chatModel(PROVIDERS, "strategy: weighted") },
    "round robin, no breakers": { order: inTurn },
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    rate: { type: "string", default: "20" },
    seeds: { type: "string", default: "3" },
  },
});
const base = {
  model: chatModel(PROVIDERS),
  ...{ seconds: Number(values.seconds), calls_per_s: Number(values.rate) },
  ...{ processes: PROCESSES, streaming_ms: STREAMING_MS },
};
console.log("| | who chooses | mean | p95 | regret | at the best | first try failed |");
console.log("| --- | --- | --: | --: | --: | --: | --: |");
for (const one of CASES) {
  let best_ms = 0;
  for (const [way, more] of Object.entries(waysOf(one))) {
    const calls = Array.from({ length: Number(values.seeds) }, (_, index) =>
      simulate({ ...base, upstreams: one.upstreams, seed: 1_000 * (index + 1), ...more }),
    ).flat();
    const { mean_ms, p95_ms, at_best, failed_first } = figuresOf(calls, one);
    const name = best_ms === 0 ? one.name : "";
    if (best_ms === 0) best_ms = mean_ms;
    const times = [`${mean_ms.toFixed(0)} ms`, `${p95_ms.toFixed(0)} ms`, percent(mean_ms / best_ms - 1)];
    console.log(`| ${[name, way, ...times, percent(at_best), percent(failed_first)].join(" | ")} |`);
  }
}
