// Where calls wait for a provider that may not be asked now: a queue for each provider, and one timer for all of them, that runs while
// anybody waits. A call waits for all its saturated targets at once, and goes on with the first that has a place for it.

import { ProviderQueue } from "../access/provider_queue.ts";
import { QueueBoard } from "../access/queue_board.ts";
import type { Plan, ProviderPlan, TargetPlan } from "../config/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { Metrics, OtherMetric } from "../ledger/metrics.ts";
import type { KeyRotation } from "../routing/rotation.ts";
import type { Books } from "./books.ts";
import type { Call } from "./call.ts";
import { type Granted, NO_TIER, QueuedCall, turnedError, type Waited } from "./queued_call.ts";
import { draining } from "./settle.ts";
import type { Turn } from "./turn.ts";

/** How often the queues are looked at while anybody waits: places that another process has given back are seen then. */
const TICK_MS = 2;

/** The queues of one process. */
export class Queues {
  readonly #books: Books;
  readonly #rotation: KeyRotation;
  readonly #metrics: Metrics;
  readonly #queues = new Map<string, ProviderQueue>();
  readonly #waiting = new Set<QueuedCall>();
  #timer: ReturnType<typeof setInterval> | null = null;
  #is_draining = false;

  constructor(books: Books, rotation: KeyRotation, metrics: Metrics) {
    this.#books = books;
    this.#rotation = rotation;
    this.#metrics = metrics;
    books.key_limits.onFreed = (provider) => this.#queues.get(provider)?.wake();
  }

  /** Whether others wait for a provider: whoever comes now has to wait behind them. */
  isContended({ name, queue }: ProviderPlan): boolean {
    return queue !== null && this.#of(name).board.is_contended;
  }

  /** Whether a target has nothing left that could be asked for now: others wait for it, or all its keys rest or are full. */
  isSaturated({ provider, model }: TargetPlan): boolean {
    if (this.isContended(provider)) return true;
    const { key_limits } = this.#books;
    const now_ms = performance.now();
    return provider.keys.every(
      (key) =>
        this.#rotation.isResting(provider, key, model, now_ms) ||
        key_limits.shareOf(provider, key, model) === 0,
    );
  }

  /** Waits for a place at one of some saturated targets whose providers have queues. Null: the call was stopped. */
  async wait(call: Call, turns: readonly Turn[]): Promise<Granted | GatewayError | null> {
    if (this.#is_draining) return draining();
    const began_ms = performance.now();
    const queued = new QueuedCall(call, this.#rotation);
    this.#waiting.add(queued);
    for (const turn of turns) {
      const { provider } = turn.candidate.target;
      if (provider.queue === null || queued.is_over) continue;
      const queue = this.#of(provider.name);
      queue.setTiers(tiersOf(call.plan));
      queued.enter(queue, provider.queue, turn, this.#books.reservations.now_ms());
    }
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    const waited = await queued.ended();
    this.#waiting.delete(queued);
    this.#note(call, turns[0]!, performance.now() - began_ms, waited);
    if (typeof waited === "string") return null;
    return "turn" in waited ? waited : turnedError(waited);
  }

  /** Nobody waits here any more: the process is about to go. */
  drain(): void {
    this.#is_draining = true;
    for (const { call } of [...this.#waiting]) call.stop("draining");
  }

  /** How many wait, in all processes. */
  lengths(plan: Plan): OtherMetric {
    const samples: Record<string, number> = {};
    for (const { name, queue } of plan.providers.values()) {
      if (queue === null) continue;
      const { board } = this.#of(name);
      for (const [tier] of tiersOf(plan)) {
        const labels = `{provider=${JSON.stringify(name)},tier=${JSON.stringify(tier)}}`;
        if (board.hasSeen(tier)) samples[labels] = board.waitingIn(tier);
      }
    }
    return {
      ...{ name: "venturi_queue_length", type: "gauge", samples },
      help: "Calls that wait for a saturated provider, in all processes.",
    };
  }

  #note(call: Call, first: Turn, waited_ms: number, waited: Waited): void {
    if (call.asked_ms === 0) call.queued_first_ms += waited_ms;
    call.queued_ms += waited_ms;
    const turn = typeof waited === "object" && "turn" in waited ? waited.turn : first;
    const { provider, model } = turn.candidate.target;
    const series = this.#metrics.of(provider.name, model || "none");
    if (typeof waited === "string") series.countQueueEnd(waited);
    else if ("reason" in waited) series.countQueueEnd(waited.reason);
    else series.countQueued(waited_ms);
  }

  #tick(): void {
    for (const queue of this.#queues.values()) if (queue.size > 0) queue.tick();
    if (this.#waiting.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #of(provider: string): ProviderQueue {
    let queue = this.#queues.get(provider);
    if (queue === undefined) {
      const { reservations } = this.#books;
      queue = new ProviderQueue(new QueueBoard(provider, reservations), () => reservations.now_ms());
      this.#queues.set(provider, queue);
    }
    return queue;
  }
}

/** The tiers of a Plan with their weights, and that of keys which name none. */
function* tiersOf({ tiers }: Plan): Iterable<readonly [string, number]> {
  yield [NO_TIER, 1];
  for (const [name, { weight }] of tiers) yield [name, weight];
}
