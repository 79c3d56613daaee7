// bun bench/quality/fair_queue.ts: what the queue of a saturated provider does to tiers and tenants, in simulations of the gateway's own
// queues under a virtual clock. Printed as the tables of docs/provider-limits.md.

import { quantile, type SimulatedTier, type Simulation, simulateQueue } from "./queue_simulation.ts";

const SEEDS = [1, 2, 3, 4, 5];
const base = { places: 32, service_ms: 400, duration_ms: 120_000, max_wait_ms: 30_000 };
const bounds = { max: 1_000, max_bytes: 2 ** 40 };
/** Calls in a second that the provider can serve: 80. */
const CAPACITY = (base.places * 1_000) / base.service_ms;

/** Half of what the provider can serve, of two tenants. */
const PAID: SimulatedTier = { name: "paid", weight: 8, tenants: { a: CAPACITY / 4, b: CAPACITY / 4 } };
/** Fifty times its share of a ninth. */
const FREE: SimulatedTier = { name: "free", weight: 1, tenants: { f: (50 * CAPACITY) / 9 } };
/** More than there is for everybody. */
const PAID_OVER: SimulatedTier = { ...PAID, tenants: { a: CAPACITY, b: 3 * CAPACITY } };
const FREE_OVER: SimulatedTier = { ...FREE, tenants: { f: CAPACITY, g: 9 * CAPACITY } };

const run = (simulation: Omit<Simulation, "seed">) =>
  SEEDS.map((seed) => simulateQueue({ bounds, ...simulation, seed }));

const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const ms = (duration_ms: number) => `${Math.round(duration_ms)} ms`;

/** A paid tier at half of the provider's speed, alone and beside a free one at fifty times its share. */
function protection(): string[] {
  const lines = [
    "| processes | paid p95 alone | paid p95 beside free × 50 | change | paid refused | places used |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  for (const processes of [1, 2, 4]) {
    const alone = run({ ...base, processes, tiers: [PAID] });
    const beside = run({ ...base, processes, tiers: [PAID, FREE] });
    const p95 = (results: typeof alone) =>
      mean(results.map(({ tiers }) => quantile(tiers["paid"]!.latencies_ms, 0.95)));
    const refused = mean(beside.map(({ tiers }) => tiers["paid"]!.turned_away));
    lines.push(
      `| ${processes} | ${ms(p95(alone))} | ${ms(p95(beside))} | ${percent(p95(beside) / p95(alone) - 1)} | ${refused} | ${percent(mean(beside.map(({ used }) => used)))} |`,
    );
  }
  return lines;
}

/** The same with fewer places: who comes waits until one of those is done that have a place, whoever they are. */
function fewPlaces(): string[] {
  const lines = [
    "| places | paid p95 alone | paid p95 beside free × 50 | change |",
    "| --- | --- | --- | --- |",
  ];
  for (const places of [2, 4, 8, 16]) {
    const per_second = (places * 1_000) / base.service_ms;
    const paid = { ...PAID, tenants: { a: per_second / 4, b: per_second / 4 } };
    const free = { ...FREE, tenants: { f: (50 * per_second) / 9 } };
    const p95 = (tiers: readonly SimulatedTier[]) =>
      mean(
        run({ ...base, places, duration_ms: 600_000, processes: 2, tiers }).map(({ tiers: of }) =>
          quantile(of["paid"]!.latencies_ms, 0.95),
        ),
      );
    const [alone, beside] = [p95([paid]), p95([paid, free])];
    lines.push(`| ${places} | ${ms(alone)} | ${ms(beside)} | ${percent(beside / alone - 1)} |`);
  }
  return lines;
}

/** Both tiers, and two tenants in each, ask for more than there is. */
function shares(): string[] {
  const lines = [
    "| processes | paid (8/9 = 88.9 %) | free (1/9 = 11.1 %) | tenant a of paid (50 %) | tenant f of free (50 %) | places used |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  const cases: readonly [string, number, readonly SimulatedTier[]][] = [
    ["1", 1, [PAID_OVER, FREE_OVER]],
    ["2", 2, [PAID_OVER, FREE_OVER]],
    ["4", 4, [PAID_OVER, FREE_OVER]],
    [
      "2, a tier in each",
      2,
      [
        { ...PAID_OVER, processes: [0] },
        { ...FREE_OVER, processes: [1] },
      ],
    ],
  ];
  for (const [name, processes, tiers] of cases) {
    const results = run({ ...base, processes, tiers });
    const shareOf = (pick: (result: (typeof results)[number]) => [number, number]) =>
      percent(mean(results.map((result) => pick(result)).map(([part, all]) => part / all)));
    const served = (result: (typeof results)[number], tier: string) => result.tiers[tier]!.served;
    const all = (result: (typeof results)[number]) => served(result, "paid") + served(result, "free");
    lines.push(
      `| ${name} | ${shareOf((one) => [served(one, "paid"), all(one)])} | ${shareOf((one) => [served(one, "free"), all(one)])} | ${shareOf((one) => [one.tiers["paid"]!.by_tenant["a"] ?? 0, served(one, "paid")])} | ${shareOf((one) => [one.tiers["free"]!.by_tenant["f"] ?? 0, served(one, "free")])} | ${percent(mean(results.map(({ used }) => used)))} |`,
    );
  }
  return lines;
}

console.log(
  `${base.places} places, ${base.service_ms} ms each on average (exponential), ${CAPACITY} calls a second; ${base.duration_ms / 1_000} s, ${SEEDS.length} seeds.\n`,
);
console.log(protection().join("\n"));
console.log(`\n${fewPlaces().join("\n")}`);
console.log(`\n${shares().join("\n")}`);
