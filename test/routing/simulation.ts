// Calls over upstreams that are fast, slow, broken or full, on a clock that jumps from event to event: the same for the same seed.
// The orders and breakers are the gateway's own; only the upstreams are made up.

import type { ModelPlan, TargetPlan } from "../../src/config/plan.ts";
import { admitted } from "../../src/routing/admission.ts";
import type { Health } from "../../src/routing/health/health.ts";
import { type Candidate, orderTargets } from "../../src/routing/order.ts";
import { ownHealths, seededRandom } from "./health_room.ts";

/** How an upstream does at a moment. */
export interface Doing {
  /** Median time to the first byte, in milliseconds; the spread is log-normal. */
  readonly median_ms: number;
  readonly sigma: number;
  /** Share of its calls that fail, after `failure_ms`. */
  readonly failing: number;
  readonly failure_ms: number;
  /** Calls at once over which everybody waits in proportion; 0 is no limit. */
  readonly room: number;
}

/** An upstream, by the seconds since the beginning. */
export type Upstream = (at_s: number) => Partial<Doing> & Pick<Doing, "median_ms">;

/** What is simulated. */
export interface Simulation {
  readonly model: ModelPlan;
  /** One per target. */
  readonly upstreams: readonly Upstream[];
  readonly seconds: number;
  readonly calls_per_s: number;
  readonly processes: number;
  readonly seed: number;
  /** How long an answer goes on after its first byte, in milliseconds. */
  readonly streaming_ms: number;
  /** Orders targets in place of the gateway, which then knows nothing of their health. */
  readonly order?: (targets: readonly TargetPlan[], call: number, at_s: number) => readonly TargetPlan[];
}

/** What became of a call. */
export interface SimulatedCall {
  readonly at_s: number;
  /** To the first byte, over all its tries; null where all failed. */
  readonly latency_ms: number | null;
  /** Places of the targets that were tried, in turn. */
  readonly tried: readonly number[];
  /** The probes among them. */
  readonly probes: number;
}

const EVERYTHING_FINE: Omit<Doing, "median_ms"> = { sigma: 0.3, failing: 0, failure_ms: 50, room: 0 };
const EPOCH_MS = Date.UTC(2026, 10, 26);

/** How an upstream does. */
export function doingOf(upstream: Upstream, at_s: number): Doing {
  return { ...EVERYTHING_FINE, ...upstream(at_s) };
}

/** Runs a simulation to its end. */
export function simulate(simulation: Simulation): readonly SimulatedCall[] {
  const { model, upstreams, seconds, calls_per_s, seed, streaming_ms } = simulation;
  const random = seededRandom(seed);
  // What befalls an upstream's calls is drawn apart, so that all strategies meet the same.
  const fate = seededRandom(seed + 1);
  let now_ms = 0;
  const healths = ownHealths(simulation.processes, () => EPOCH_MS + now_ms);
  const events = new Events();
  const under_way = upstreams.map(() => 0);
  const done: SimulatedCall[] = [];
  const places = new Map(model.targets.map((target, place) => [target, place]));

  function arrive(number: number): void {
    const gap_ms = (-Math.log(1 - fate()) / calls_per_s) * 1_000;
    if (now_ms + gap_ms < seconds * 1_000) events.add(now_ms + gap_ms, () => arrive(number + 1));
    const health = healths[number % healths.length]!;
    const at_s = now_ms / 1_000;
    const order = candidatesOf(health, number, at_s);
    tryNext({ health, order, began_ms: now_ms, at_s, tried: [], probes: 0 });
  }

  function candidatesOf(health: Health, number: number, at_s: number): Candidate[] {
    const own = simulation.order?.(model.targets, number, at_s);
    if (own !== undefined) return own.map((target) => ({ target, model, is_last: false, reason: "free" }));
    const sight = { health, affinity: null, is_stream: true, may_measure: true, costOf: () => null, random };
    return [...admitted(orderTargets(model, sight), health, () => {})];
  }

  function tryNext(call: CallUnderWay): void {
    const candidate = call.order.shift();
    if (candidate === undefined) {
      done.push({ at_s: call.at_s, latency_ms: null, tried: call.tried, probes: call.probes });
      return;
    }
    const { target, reason } = candidate;
    const trial = call.health.begin(target, true, reason);
    if (trial === null) {
      tryNext(call);
      return;
    }
    const place = places.get(target)!;
    call.tried.push(place);
    if (reason === "probe") call.probes += 1;
    const { median_ms, sigma, failing, failure_ms, room } = doingOf(upstreams[place]!, now_ms / 1_000);
    const crowd = room === 0 ? 1 : Math.max(1, (under_way[place]! + 1) / room);
    under_way[place]! += 1;
    const takes_ms = median_ms * Math.exp(sigma * normal(fate)) * crowd;
    if (fate() < failing) {
      events.add(now_ms + failure_ms, () => {
        under_way[place]! -= 1;
        trial.shows("ill", "503");
        trial.end();
        tryNext(call);
      });
      return;
    }
    events.add(now_ms + takes_ms, () => {
      trial.answered(takes_ms);
      const { at_s, tried, probes } = call;
      done.push({ at_s, latency_ms: now_ms - call.began_ms, tried, probes });
      events.add(now_ms + streaming_ms, () => {
        under_way[place]! -= 1;
        trial.end();
      });
    });
  }

  arrive(0);
  for (let event = events.next(); event !== null; event = events.next()) {
    now_ms = event.at_ms;
    event.act();
  }
  return done;
}

interface CallUnderWay {
  readonly health: Health;
  readonly order: Candidate[];
  readonly began_ms: number;
  readonly at_s: number;
  readonly tried: number[];
  probes: number;
}

interface Event {
  readonly at_ms: number;
  act(): void;
}

/** What is to happen, the soonest first: a binary heap. */
class Events {
  readonly #heap: Event[] = [];

  add(at_ms: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ at_ms, act });
    for (let index = heap.length - 1; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at_ms <= heap[index]!.at_ms) break;
      [heap[parent], heap[index]] = [heap[index]!, heap[parent]!];
      index = parent;
    }
  }

  next(): Event | null {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      let least = index;
      for (const child of [left, left + 1])
        if (child < heap.length && heap[child]!.at_ms < heap[least]!.at_ms) least = child;
      if (least === index) return first;
      [heap[least], heap[index]] = [heap[index]!, heap[least]!];
      index = least;
    }
  }
}

/** A number of the normal distribution (Box and Muller, 1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Round robin: every target in turn, the others behind it. */
export function inTurn(targets: readonly TargetPlan[], call: number): readonly TargetPlan[] {
  const first = call % targets.length;
  return [...targets.slice(first), ...targets.slice(0, first)];
}

/** Whoever knew how the upstreams do: the one whose first byte comes soonest, failures included, first. */
export function bestFirst(upstreams: readonly Upstream[]) {
  return (targets: readonly TargetPlan[], _call: number, at_s: number): readonly TargetPlan[] => {
    const scored = targets.map((target, place) => ({ target, cost_ms: expectedMs(upstreams[place]!, at_s) }));
    return scored.sort((a, b) => a.cost_ms - b.cost_ms).map(({ target }) => target);
  };
}

/** The place of the best upstream at a moment. */
export function bestPlace(upstreams: readonly Upstream[], at_s: number): number {
  const costs = upstreams.map((upstream) => expectedMs(upstream, at_s));
  return costs.indexOf(Math.min(...costs));
}

function expectedMs(upstream: Upstream, at_s: number): number {
  const { median_ms, sigma, failing, failure_ms } = doingOf(upstream, at_s);
  const mean_ms = median_ms * Math.exp(sigma ** 2 / 2);
  // Another target has to answer what fails here.
  return failing >= 1
    ? Number.POSITIVE_INFINITY
    : mean_ms + (failing / (1 - failing)) * (mean_ms + failure_ms);
}
