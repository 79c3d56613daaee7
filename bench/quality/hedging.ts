// What hedging does to the latencies of a heavy-tailed provider: `bun bench/quality/hedging.ts`.

import { type HedgeRule, type Outcome, simulate, type Upstream } from "./hedging_model.ts";

const CALLS = 100_000;
const SEED = 20_260_101;

const UPSTREAMS: readonly (readonly [name: string, upstream: Upstream])[] = [
  ["4 % of calls hang", { slow_share: 0.04, brownout: null }],
  ["1.5 % of calls hang", { slow_share: 0.015, brownout: null }],
  [
    "4 % hang, and for a tenth of the time all are 5 times as slow",
    { slow_share: 0.04, brownout: { from: 0.5, to: 0.6, times: 5 } },
  ],
];

const RULES: readonly (readonly [name: string, rule: HedgeRule])[] = [
  ["none", { after: null, max_extra: 0.05 }],
  ["p95, 0.05", { after: "p95", max_extra: 0.05 }],
  ["p95, 0.02", { after: "p95", max_extra: 0.02 }],
  ["800ms, 0.05", { after: 800, max_extra: 0.05 }],
];

function row(name: string, { p50_ms, p95_ms, p99_ms, p999_ms, extra }: Outcome): string {
  const times = [p50_ms, p95_ms, p99_ms, p999_ms].map((ms) => Math.round(ms));
  return `| ${[name, ...times, `${(extra * 100).toFixed(2)} %`].join(" | ")} |`;
}

for (const [title, upstream] of UPSTREAMS) {
  console.log(`\n${title}; ${CALLS} calls, seed ${SEED}; milliseconds\n`);
  console.log("| hedge | p50 | p95 | p99 | p99.9 | extra calls |\n| --- | --- | --- | --- | --- | --- |");
  for (const [name, rule] of RULES) console.log(row(name, simulate(rule, upstream, CALLS, SEED)));
}
