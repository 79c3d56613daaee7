// In which order targets that may all answer are asked: by what they cost, how fast they are, how busy, or what they have cached.
// What is known of them is shared by all processes, so none of these orders is a guess from a part of the calls.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import { type Affinity, inAffinityOrder } from "./affinity.ts";
import type { Health } from "./health/health.ts";
import { WINDOW_MS } from "./health/window.ts";

/** What an order can depend on besides the model. */
export interface Sight {
  readonly health: Health;
  /** What the call has in common with others that should meet. */
  readonly affinity: Affinity;
  readonly is_stream: boolean;
  /** What the call would cost at a target, in nano-dollars; null where nobody knows. */
  costOf(model: ModelPlan, target: TargetPlan): number | null;
  /** A number in [0, 1), as `Math.random`. */
  random(): number;
  /** Whether the call may be sent to a target to measure it; not where it is only asked what would be. */
  readonly may_measure: boolean;
}

/** Share of the calls that measure again what was not measured for `STALE_MS`: the fastest may be another by now. */
const EXPLORED_SHARE = 0.02;
const STALE_MS = 10_000;
/** How often one call may go to a target that was never measured. */
const FIRST_MEASURE_MS = 1_000;
/** Targets whose expected times differ by less are as good as each other. */
const ALIKE = 1.25;
/** How much more than its share of the calls under way a target may have before a prefix goes elsewhere. */
const BOUND = 1.25;

/** Orders a model's targets by its strategy. Not for `priority`, in which they stand as listed. */
export function byStrategy(model: ModelPlan, sight: Sight): readonly TargetPlan[] {
  const { targets, strategy } = model;
  switch (strategy) {
    case "priority":
      return targets;
    case "weighted":
      return sight.affinity === null ? byWeight(targets, sight) : byAffinity(targets, sight.affinity, sight);
    case "least-latency":
      return withoutWeightLast(byLatency(targets, sight));
    case "least-cost":
      return withoutWeightLast(byCost(model, sight));
    case "least-busy":
      return withoutWeightLast(byLoad(targets, sight));
    case "prefix":
      return sight.affinity === null ? byWeight(targets, sight) : byPrefix(targets, sight.affinity, sight);
  }
}

/** A target of weight 0 only stands in for the others. */
function withoutWeightLast(targets: readonly TargetPlan[]): readonly TargetPlan[] {
  if (targets.every(({ weight }) => weight > 0)) return targets;
  return targets.toSorted((a, b) => Number(a.weight === 0) - Number(b.weight === 0));
}

/** A target's weight; less while it starts slowly after an outage. */
function weightOf(target: TargetPlan, { health }: Sight): number {
  return health.is_careful ? target.weight * health.of(target).startShare(target.breaker) : target.weight;
}

/** Draws without replacement, each draw in proportion to the weights that are left. A weight of 0 comes last. */
function byWeight(targets: readonly TargetPlan[], sight: Sight): TargetPlan[] {
  const left = targets.map((target) => ({ target, weight: weightOf(target, sight) }));
  const drawn: TargetPlan[] = [];
  let total = left.reduce((sum, { weight }) => sum + weight, 0);
  while (left.length > 0) {
    let point = sight.random() * total;
    const index = left.findIndex(({ weight }) => {
      point -= weight;
      return point < 0;
    });
    const [{ target, weight }] = left.splice(Math.max(0, index), 1) as [(typeof left)[number]];
    total -= weight;
    drawn.push(target);
  }
  return drawn;
}

function byAffinity(targets: readonly TargetPlan[], affinity: string, sight: Sight): TargetPlan[] {
  const nameOf = ({ provider, model }: TargetPlan) => `${provider.name}/${model}`;
  return inAffinityOrder(targets, affinity, nameOf, (target) => weightOf(target, sight));
}

/**
 * Where a prompt's beginning was seen before, unless the target has more than its share of the calls under way: then the next one.
 * (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016.)
 */
function byPrefix(targets: readonly TargetPlan[], affinity: string, sight: Sight): TargetPlan[] {
  const loads = new Map(targets.map((target) => [target, sight.health.of(target).load.in_flight]));
  let [in_flight, weights] = [1, 0];
  for (const [target, load] of loads) {
    in_flight += load;
    weights += target.weight;
  }
  const hasRoom = (target: TargetPlan) =>
    loads.get(target)! < Math.ceil((BOUND * in_flight * target.weight) / weights);
  const order = byAffinity(targets, affinity, sight);
  return [...order.filter(hasRoom), ...order.filter((target) => !hasRoom(target))];
}

/** A target, and how good it is to ask: the less the better. */
interface Scored {
  readonly target: TargetPlan;
  readonly score: number;
}

/** Sorts by score; among equals chance decides. */
function byScore(scored: readonly Scored[], random: () => number): TargetPlan[] {
  return scored
    .map(({ target, score }) => ({ target, score, draw: random() }))
    .sort((a, b) => (a.score === b.score ? a.draw - b.draw : a.score - b.score))
    .map(({ target }) => target);
}

/**
 * By the peak-sensitive average time to the first byte: the better of two drawn among those that are nearly as good as the best
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001), so that many calls of one moment do not all go the
 * same way.
 */
function byLatency(targets: readonly TargetPlan[], sight: Sight): TargetPlan[] {
  const measuring = toMeasure(targets, sight);
  const scored = targets.map((target) => ({ target, score: latencyScore(target, sight) }));
  const sorted = byScore(scored, sight.random);
  const first = measuring ?? oneOfTheBest(scored, sight.random);
  return [first, ...sorted.filter((target) => target !== first)];
}

/**
 * The average, worse where more calls wait than twice what is usual for so many calls (Little, 1961), and by what it takes to ask again
 * where some of them fail.
 */
function latencyScore(target: TargetPlan, { health, is_stream }: Sight): number {
  const known = health.of(target);
  const average_ms = known.averageMs(is_stream);
  // Others are asked before it until it is known how fast it is.
  if (average_ms === 0) return Number.MAX_VALUE * (1 - 1 / (2 + known.load.waiting));
  const { calls, failures } = known.counts;
  const served = calls === 0 ? 1 : Math.max(0.05, 1 - failures / calls);
  const crowd = Math.max(1, (known.load.waiting + 1) / (2 * ((calls / WINDOW_MS) * average_ms + 1)));
  return (average_ms * crowd) / served / known.startShare(target.breaker);
}

function oneOfTheBest(scored: readonly Scored[], random: () => number): TargetPlan {
  const best = Math.min(...scored.map(({ score }) => score));
  const alike = scored.filter(({ score }) => score <= best * ALIKE);
  const one = alike[Math.floor(random() * alike.length)]!;
  const other = alike[Math.floor(random() * alike.length)]!;
  return one.score <= other.score ? one.target : other.target;
}

/** The target that this call is to measure, if it is to measure one at all. */
function toMeasure(targets: readonly TargetPlan[], sight: Sight): TargetPlan | null {
  if (!sight.may_measure) return null;
  const { health, is_stream, random } = sight;
  let [stalest, stale_ms]: [TargetPlan | null, number] = [null, STALE_MS];
  for (const target of targets) {
    const known = health.of(target);
    if (target.weight === 0 || known.look(target.breaker) !== "free") continue;
    const not_since_ms = known.staleMs(is_stream);
    if (not_since_ms === Number.POSITIVE_INFINITY) {
      if (known.takeExploration(is_stream, FIRST_MEASURE_MS)) return target;
    } else if (not_since_ms >= stale_ms) [stalest, stale_ms] = [target, not_since_ms];
  }
  if (stalest === null || random() >= EXPLORED_SHARE) return null;
  return health.of(stalest).takeExploration(is_stream, STALE_MS) ? stalest : null;
}

/** By price; those that are slower than they may be come behind, the fastest of them first. */
function byCost(model: ModelPlan, sight: Sight): TargetPlan[] {
  const { targets, max_latency_ms } = model;
  const measuring = max_latency_ms === null ? null : toMeasure(targets, sight);
  const [quick, slow]: [Scored[], Scored[]] = [[], []];
  for (const target of targets) {
    const average_ms = max_latency_ms === null ? 0 : sight.health.of(target).averageMs(sight.is_stream);
    if (max_latency_ms === null || average_ms <= max_latency_ms || target === measuring)
      quick.push({ target, score: sight.costOf(model, target) ?? Number.MAX_VALUE });
    else slow.push({ target, score: average_ms });
  }
  return [...byScore(quick, sight.random), ...byScore(slow, sight.random)];
}

/** By calls under way, as a share of what each may have at once where all say so; else by their number and weight. */
function byLoad(targets: readonly TargetPlan[], sight: Sight): TargetPlan[] {
  const rooms = targets.map(concurrencyOf);
  const is_limited = rooms.every((room) => room !== null);
  const scored = targets.map((target, index) => {
    const known = sight.health.of(target);
    const size = (is_limited ? rooms[index]! : target.weight) * known.startShare(target.breaker);
    return { target, score: (known.load.in_flight + 1) / size };
  });
  return byScore(scored, sight.random);
}

/** How many calls a target's provider may have at once, over all its keys; null where nobody says. */
function concurrencyOf({ provider: { limits, keys } }: TargetPlan): number | null {
  return limits?.concurrency ? limits.concurrency * keys.length : null;
}
