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

/** What a table says of one way to choose. */
interface Row {
  readonly mean_ms: number;
  readonly p95_ms: number;
  readonly at_best: number;
  /** Calls whose first try failed, as a share. */
  readonly failed_first: number;
  readonly failed: number;
}

function rowOf(calls: readonly SimulatedCall[], { upstreams }: SimulationCase): Row {
  const sorted = calls.flatMap(({ latency_ms }) => latency_ms ?? []).sort((a, b) => a - b);
  const share = (count: number) => count / calls.length;
  return {
    mean_ms: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
    p95_ms: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    at_best: share(calls.filter(({ at_s, tried }) => tried[0] === bestPlace(upstreams, at_s)).length),
    failed_first: share(calls.filter(({ tried }) => tried.length > 1).length),
    failed: share(calls.filter(({ latency_ms }) => latency_ms === null).length),
  };
}

function ways(one: SimulationCase): Readonly<Record<string, Partial<Simulation>>> {
  return {
    "whoever knew": { order: bestFirst(one.upstreams) },
    "least-latency": { model: chatModel(PROVIDERS, "strategy: least-latency") },
    "least-busy": { model: chatModel(PROVIDERS, "strategy: least-busy") },
    "weighted, with breakers": { model: chatModel(PROVIDERS, "strategy: weighted") },
    "round robin, without": { order: inTurn },
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    rate: { type: "string", default: "20" },
    seeds: { type: "string", default: "5" },
  },
});
const base = {
  model: chatModel(PROVIDERS),
  ...{ seconds: Number(values.seconds), calls_per_s: Number(values.rate) },
  ...{ processes: PROCESSES, streaming_ms: STREAMING_MS },
};
for (const one of CASES) {
  console.log(`\n**${one.name}**\n`);
  console.log("| | mean | p95 | regret | at the best | first try failed | failed |");
  console.log("| --- | --: | --: | --: | --: | --: | --: |");
  let best_ms = 0;
  for (const [name, way] of Object.entries(ways(one))) {
    const calls = Array.from({ length: Number(values.seeds) }, (_, index) =>
      simulate({ ...base, upstreams: one.upstreams, seed: 1_000 * (index + 1), ...way }),
    ).flat();
    const { mean_ms, p95_ms, at_best, failed_first, failed } = rowOf(calls, one);
    if (best_ms === 0) best_ms = mean_ms;
    const cells = [`${mean_ms.toFixed(0)} ms`, `${p95_ms.toFixed(0)} ms`, percent(mean_ms / best_ms - 1)];
    console.log(
      `| ${name} | ${[...cells, percent(at_best), percent(failed_first), percent(failed)].join(" | ")} |`,
    );
  }
}
