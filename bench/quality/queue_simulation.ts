// A provider with so many places at once, and calls of several tiers and tenants that come to several processes of a gateway: the very
// queues and limits of the gateway, on one table of counters, under a clock that only events move. The same seed gives the same run.

import { makeLimitSet } from "../../src/access/limit_set.ts";
import {
  ProviderQueue,
  type QueueBounds,
  type Turned,
  type Waiter,
} from "../../src/access/provider_queue.ts";
import { QueueBoard } from "../../src/access/queue_board.ts";
import { Reservation } from "../../src/access/reservation.ts";
import { CounterTable } from "../../src/memory/counter_table.ts";
import { SERIES_OFFSET } from "../../src/memory/layout.ts";
import { ownMemory } from "../../src/memory/mapping.ts";
import { seededRandom } from "./arrivals.ts";

/** How often processes look at their queues while anybody waits. */
const TICK_MS = 2;
/** The virtual clock begins some time after the epoch of windows. */
const START_MS = Date.UTC(2026, 0, 1);

/** Calls of one tier. */
export interface SimulatedTier {
  readonly name: string;
  readonly weight: number;
  /** Calls in a second of each tenant (a Poisson process), by the tenants' names. */
  readonly tenants: Readonly<Record<string, number>>;
  /** Processes that its calls come to; all by default. */
  readonly processes?: readonly number[];
}

/** What is simulated. */
export interface Simulation {
  readonly seed: number;
  readonly processes: number;
  /** Places at the provider. */
  readonly places: number;
  /** How long a call has its place, on average; exponentially spread. */
  readonly service_ms: number;
  readonly duration_ms: number;
  readonly tiers: readonly SimulatedTier[];
  readonly bounds?: QueueBounds;
  readonly max_wait_ms?: number;
  /** When a process is killed with all that it has, and how long its column stays as it was. */
  readonly kill?: { readonly process: number; readonly at_ms: number; readonly buried_after_ms: number };
}

/** What became of the calls of a tier. */
export interface TierResult {
  readonly served: number;
  /** The same by tenant. */
  readonly by_tenant: Readonly<Record<string, number>>;
  readonly turned_away: number;
  /** The same by why. */
  readonly by_reason: Readonly<Record<string, number>>;
  /** What those were told who came too late: when to come again. */
  readonly told_ms: readonly number[];
  /** From arrival to the answer, of those that were served; in order. */
  readonly latencies_ms: readonly number[];
  /** How long those of one tenant and process had waited that were served, in the order of service. */
  readonly is_in_order: boolean;
}

/** What came of a run. */
export interface SimulationResult {
  readonly tiers: Readonly<Record<string, TierResult>>;
  /** The most places that were taken at once. */
  readonly most_at_once: number;
  /** Share of the time of places that was used. */
  readonly used: number;
}

/** The quantile of numbers in order. */
export function quantile(ordered: readonly number[], at: number): number {
  return ordered[Math.min(ordered.length - 1, Math.floor(at * ordered.length))] ?? Number.NaN;
}

/** Events in the order of their times. */
class Agenda {
  readonly #heap: { readonly at_ms: number; readonly order: number; readonly run: () => void }[] = [];
  #count = 0;

  add(at_ms: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at_ms, order: this.#count++, run });
    for (let place = heap.length - 1; place > 0; ) {
      const above = (place - 1) >> 1;
      if (!this.#isBefore(place, above)) break;
      this.#swap(place, above);
      place = above;
    }
  }

  take(): { readonly at_ms: number; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0 && last !== undefined) {
      heap[0] = last;
      for (let place = 0; ; ) {
        const left = place * 2 + 1;
        if (left >= heap.length) break;
        const least = left + 1 < heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
        if (!this.#isBefore(least, place)) break;
        this.#swap(place, least);
        place = least;
      }
    }
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!];
    return one.at_ms < other.at_ms || (one.at_ms === other.at_ms && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  }
}

interface Tally {
  served: number;
  turned_away: number;
  readonly by_reason: Record<string, number>;
  readonly told_ms: number[];
  readonly by_tenant: Record<string, number>;
  readonly latencies_ms: number[];
  readonly last_arrival: Map<string, number>;
  is_in_order: boolean;
}

/** Runs a simulation. */
export function simulateQueue(simulation: Simulation): SimulationResult {
  const { seed, processes, places, service_ms, duration_ms, tiers, kill } = simulation;
  const bounds = simulation.bounds ?? { max: 10_000, max_bytes: 2 ** 40 };
  const max_wait_ms = simulation.max_wait_ms ?? 600_000;
  const random = seededRandom(seed);
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;
  const agenda = new Agenda();
  let now_ms = START_MS;
  const counters = new CounterTable(ownMemory(SERIES_OFFSET));
  const limits = {
    windows: [],
    concurrency: places,
    nano_usd_per_day: null,
    nano_usd_per_month: null,
  };
  const sets = [makeLimitSet("*", "provider_key", "p#0", limits)!];
  const weights = tiers.map(({ name, weight }) => [name, weight] as const);
  const tallies = new Map(
    tiers.map(({ name }): [string, Tally] => [
      name,
      {
        ...{ served: 0, turned_away: 0, by_reason: {}, told_ms: [], by_tenant: {}, latencies_ms: [] },
        ...{ last_arrival: new Map(), is_in_order: true },
      },
    ]),
  );
  let at_once = 0;
  let most_at_once = 0;
  let used_ms = 0;

  const gateways = Array.from({ length: processes }, (_, column) => {
    const tools = { counters, column, shared: null, now_ms: () => now_ms, wall_ms: () => now_ms };
    const queue = new ProviderQueue(new QueueBoard("p", tools), () => now_ms);
    queue.setTiers(weights);
    return { tools, queue, is_alive: true, is_ticking: false };
  });

  function arrive(tier: SimulatedTier, tenant: string, column: number): void {
    const gateway = gateways[column]!;
    if (!gateway.is_alive) return;
    const tally = tallies.get(tier.name)!;
    const arrived_ms = now_ms;
    const serve = (reservation: Reservation) => {
      at_once += 1;
      most_at_once = Math.max(most_at_once, at_once);
      const took_ms = exponential(service_ms);
      const end_ms = Math.min(now_ms + took_ms, START_MS + duration_ms);
      used_ms += end_ms - now_ms;
      const line = `${tenant} ${column}`;
      if ((tally.last_arrival.get(line) ?? 0) > arrived_ms) tally.is_in_order = false;
      tally.last_arrival.set(line, arrived_ms);
      agenda.add(now_ms + took_ms, () => {
        if (!gateway.is_alive) return;
        at_once -= 1;
        tally.served += 1;
        tally.by_tenant[tenant] = (tally.by_tenant[tenant] ?? 0) + 1;
        tally.latencies_ms.push(now_ms - arrived_ms);
        reservation.settle({ tokens: 0, nano_usd: 0 });
        gateway.queue.wake();
      });
    };
    const take = () => {
      const taken = Reservation.take(sets, { tokens: 0, nano_usd: 0 }, gateway.tools);
      if (taken instanceof Reservation) serve(taken);
      return taken instanceof Reservation;
    };
    if (!gateway.queue.board.is_contended && take()) return;
    const waiter: Waiter = {
      ...{ tier: tier.name, weight: tier.weight, tenant, model: "m", bytes: 100, arrival: 0 },
      until_ms: now_ms + max_wait_ms,
      take: () => (take() ? null : { wait_ms: null, per_second: null, is_of_model: false }),
      onTurned: (turned) => turnAway(tally, turned),
    };
    const turned = gateway.queue.enter(waiter, bounds);
    if (turned !== null) turnAway(tally, turned);
    tick(column);
  }

  function tick(column: number): void {
    const gateway = gateways[column]!;
    if (gateway.is_ticking || gateway.queue.size === 0) return;
    gateway.is_ticking = true;
    agenda.add(now_ms + TICK_MS, () => {
      gateway.is_ticking = false;
      if (!gateway.is_alive) return;
      gateway.queue.tick();
      tick(column);
    });
  }

  for (const tier of tiers) {
    const columns = tier.processes ?? gateways.map((_, column) => column);
    for (const [tenant, per_second] of Object.entries(tier.tenants)) {
      const next = () => {
        arrive(tier, tenant, columns[Math.floor(random() * columns.length)]!);
        agenda.add(now_ms + exponential(1_000 / per_second), next);
      };
      agenda.add(now_ms + exponential(1_000 / per_second), next);
    }
  }
  if (kill !== undefined) {
    agenda.add(START_MS + kill.at_ms, () => {
      gateways[kill.process]!.is_alive = false;
      // What it had asked goes on at nobody: its places are free for the provider.
      at_once -= heldBy(counters, sets[0]!.concurrency!.counter, kill.process, now_ms);
    });
    agenda.add(START_MS + kill.at_ms + kill.buried_after_ms, () => counters.releaseColumn(kill.process));
  }

  for (let event = agenda.take(); event !== undefined; event = agenda.take()) {
    if (event.at_ms > START_MS + duration_ms) break;
    now_ms = event.at_ms;
    event.run();
  }
  return {
    tiers: Object.fromEntries(
      [...tallies].map(([name, { last_arrival: _, latencies_ms, ...tally }]) => [
        name,
        { ...tally, latencies_ms: latencies_ms.sort((a, b) => a - b) },
      ]),
    ),
    most_at_once,
    used: used_ms / (places * duration_ms),
  };
}

function turnAway(tally: Tally, { reason, retry_after_ms }: Turned): void {
  tally.turned_away += 1;
  tally.by_reason[reason] = (tally.by_reason[reason] ?? 0) + 1;
  if (reason === "late") tally.told_ms.push(retry_after_ms);
}

function heldBy(
  counters: CounterTable,
  key: Parameters<CounterTable["find"]>[0],
  column: number,
  now_ms: number,
): number {
  return counters.words[counters.find(key, now_ms) + column]!;
}
