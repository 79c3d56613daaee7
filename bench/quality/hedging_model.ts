// A heavy-tailed provider and a model that hedges its calls, in simulated time: the gateway's own budget and its own measure of the
// p95, with latencies that are drawn. The same seed gives the same figures.

import { averageMs, observe, quantileOf } from "../../src/routing/health/latency.ts";
import { HedgeBudget } from "../../src/routing/hedge_budget.ts";
import { seededRandom } from "./arrivals.ts";

/** When a second call is made. */
export interface HedgeRule {
  /** Null: never. */
  readonly after: "p95" | number | null;
  readonly max_extra: number;
}

/** What is drawn. */
export interface Upstream {
  /** Share of calls that hang. */
  readonly slow_share: number;
  /** From when to when, as shares of the whole time, all calls take several times as long. */
  readonly brownout: { readonly from: number; readonly to: number; readonly times: number } | null;
}

/** What came of it. */
export interface Outcome {
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly p999_ms: number;
  /** Calls beside the first, as a share of all. */
  readonly extra: number;
}

const BODY_MEDIAN_MS = 400;
const BODY_SIGMA = 0.35;
/** Pareto: the time that a call which hangs takes at least, its exponent, and when the provider gives up. */
const SLOW_MIN_MS = 1_600;
const SLOW_EXPONENT = 1.2;
const SLOW_MAX_MS = 60_000;
const ARRIVAL_MEAN_MS = 20;
/** Fewer samples have no p95, as in the gateway. */
const SAMPLES_MIN = 100;
const WORDS = 128;

interface Event {
  readonly at_ms: number;
  happen(now_ms: number): void;
}

/** Events in the order of their time: a binary heap. */
class Agenda {
  readonly #events: Event[] = [];

  add(at_ms: number, happen: (now_ms: number) => void): void {
    const events = this.#events;
    let at = events.push({ at_ms, happen }) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (events[above]!.at_ms <= events[at]!.at_ms) break;
      [events[above], events[at]] = [events[at]!, events[above]!];
      at = above;
    }
  }

  run(): void {
    const events = this.#events;
    while (events.length > 0) {
      const { at_ms, happen } = events[0]!;
      const last = events.pop()!;
      if (events.length > 0) {
        events[0] = last;
        this.#sink();
      }
      happen(at_ms);
    }
  }

  #sink(): void {
    const events = this.#events;
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2])
        if (below < events.length && events[below]!.at_ms < events[least]!.at_ms) least = below;
      if (least === at) return;
      [events[least], events[at]] = [events[at]!, events[least]!];
      at = least;
    }
  }
}

/** Runs so many calls. Every call has the same latencies whatever the rule is: they are drawn beforehand. */
export function simulate(rule: HedgeRule, upstream: Upstream, calls: number, seed: number): Outcome {
  const random = seededRandom(seed);
  const agenda = new Agenda();
  const budget = new HedgeBudget(rule.max_extra);
  const words = new Int32Array(WORDS);
  const took_ms: number[] = [];
  let extra = 0;
  const end_ms = calls * ARRIVAL_MEAN_MS;
  const draw = (at_ms: number): number => {
    const [hangs, one, other] = [random(), random(), random()];
    const { slow_share, brownout } = upstream;
    const normal = Math.sqrt(-2 * Math.log(1 - one)) * Math.cos(2 * Math.PI * other);
    const body_ms = BODY_MEDIAN_MS * Math.exp(BODY_SIGMA * normal);
    const slow_ms = Math.min(SLOW_MIN_MS * (1 - one) ** (-1 / SLOW_EXPONENT), SLOW_MAX_MS);
    const share = at_ms / end_ms;
    const times = brownout !== null && share >= brownout.from && share < brownout.to ? brownout.times : 1;
    return (hangs < slow_share ? slow_ms : body_ms) * times;
  };
  const afterMs = (): number | null => {
    if (rule.after !== "p95") return rule.after;
    const p95 = quantileOf(words, 0, 0.95);
    return p95 !== null && p95.samples >= SAMPLES_MIN ? p95.ms : null;
  };
  const end = (began_ms: number, now_ms: number, asked_ms: number, beside_ms: number | null): void => {
    took_ms.push(now_ms - began_ms);
    observe(words, 0, (now_ms - asked_ms) * 1_000, now_ms);
    // The other one is given up: it would have taken at least this.
    if (beside_ms !== null && now_ms - beside_ms > averageMs(words, 0))
      observe(words, 0, (now_ms - beside_ms) * 1_000, now_ms);
  };
  const begin = (began_ms: number, first_ms: number, second_ms: number): void => {
    budget.count();
    const after_ms = afterMs();
    askSecond(began_ms, first_ms, second_ms, after_ms ?? Number.POSITIVE_INFINITY);
  };
  const askSecond = (began_ms: number, first_ms: number, second_ms: number, wait_ms: number): void => {
    if (first_ms <= wait_ms) {
      agenda.add(began_ms + first_ms, (now_ms) => end(began_ms, now_ms, began_ms, null));
      return;
    }
    agenda.add(began_ms + wait_ms, (asked_ms) => {
      if (!budget.take()) return askSecond(began_ms, first_ms, second_ms, wait_ms * 2);
      extra += 1;
      const is_first = first_ms <= wait_ms + second_ms;
      const ends_ms = is_first ? began_ms + first_ms : asked_ms + second_ms;
      agenda.add(ends_ms, (now_ms) =>
        end(began_ms, now_ms, is_first ? began_ms : asked_ms, is_first ? asked_ms : began_ms),
      );
    });
  };
  let at_ms = 0;
  for (let call = 0; call < calls; call++) {
    at_ms -= Math.log(1 - random()) * ARRIVAL_MEAN_MS;
    const [first_ms, second_ms] = [draw(at_ms), draw(at_ms)];
    agenda.add(at_ms, (now_ms) => begin(now_ms, first_ms, second_ms));
  }
  agenda.run();
  took_ms.sort((one, other) => one - other);
  const quantile = (share: number) => took_ms[Math.min(calls - 1, Math.floor(share * calls))]!;
  return {
    ...{ p50_ms: quantile(0.5), p95_ms: quantile(0.95), p99_ms: quantile(0.99), p999_ms: quantile(0.999) },
    extra: extra / calls,
  };
}
