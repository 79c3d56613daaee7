// How fast a queue moves: an average of what was served in stretches of a quarter of a second, while it was busy. What was served
// while nobody waited says only how little was asked for.

/** The stretch that is counted. */
const STRETCH_MS = 250;
/** Weight of the newest stretch. */
const WEIGHT = 0.2;
/** After how long without a measure nothing is known any more. */
const FORGET_MS = 60_000;

/** The speed of a queue. */
export class ServiceRate {
  readonly #served: () => number;
  #per_second: number | null = null;
  #measured_ms = 0;
  /** Where the stretch began; null: none has. */
  #from: { readonly ms: number; readonly served: number } | null = null;

  /** @param served how many were served since any moment; a word that comes round */
  constructor(served: () => number) {
    this.#served = served;
  }

  /** The queue is busy; to be called often. */
  measure(now_ms: number): void {
    const from = this.#from;
    if (from !== null && now_ms - from.ms < STRETCH_MS) return;
    const served = this.#served();
    this.#from = { ms: now_ms, served };
    if (from === null) return;
    const per_second = (((served - from.served) | 0) * 1_000) / (now_ms - from.ms);
    const before = this.perSecond(now_ms);
    this.#per_second = before === null ? per_second : before + (per_second - before) * WEIGHT;
    this.#measured_ms = now_ms;
  }

  /** It is not, or does not move for a reason that tells nothing of its speed. */
  pause(): void {
    this.#from = null;
  }

  /** How many are served in a second; null where nobody knows, or none have been. */
  perSecond(now_ms: number): number | null {
    const is_known = this.#per_second !== null && now_ms - this.#measured_ms <= FORGET_MS;
    return is_known && this.#per_second! > 0 ? this.#per_second : null;
  }
}
