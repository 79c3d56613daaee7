// Equal calls share one: the first asks, the others wait for its answer, or follow its stream from the beginning and then live.
// It knows nothing of calls and clients; who leaves, and what leaving means, is the business of those who join.

import type { CacheEntry } from "./entry.ts";
import type { CacheKey } from "./key.ts";
import type { Recording } from "./recording.ts";

/** What becomes of who joined; `E` is what an error is told as. */
export type Joined<E> =
  | {
      readonly kind: "answer";
      /** Where it is kept, or will be. */
      readonly key: CacheKey;
      readonly entry: CacheEntry;
      readonly similarity: number | null;
    }
  | { readonly kind: "error"; readonly error: E }
  /** The stream is there to be followed. */
  | { readonly kind: "follow"; readonly recording: Recording }
  /** Whoever led is gone, and nothing has come: ask in its place. */
  | { readonly kind: "lead" }
  /** The answer is not to be shared: ask alone. */
  | { readonly kind: "alone" };

/** Somebody who joined a flight and waits. */
export interface Waiter<E> {
  /** Whether a stream will do before it has ended. */
  readonly follows: boolean;
  settle(joined: Joined<E>): void;
}

/** One call under way, for all who ask the same. */
export class Flight<E> {
  readonly #waiters = new Set<Waiter<E>>();
  readonly #onOver: () => void;
  #recording: Recording | null = null;
  #onUnwanted: (() => void) | null = null;
  /** What all are told who join from now on. */
  #outcome: Joined<E> | null = null;

  /** @param onOver it is over, and to be forgotten */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Joins; `settle` is called once, perhaps at once, unless the waiter leaves before. */
  join(waiter: Waiter<E>): void {
    const recording = this.#recording;
    if (this.#outcome !== null) waiter.settle(this.#outcome);
    else if (recording?.is_cut) waiter.settle({ kind: "alone" });
    else if (recording !== null && waiter.follows) waiter.settle({ kind: "follow", recording });
    else this.#waiters.add(waiter);
  }

  /** A waiter does not wait any more. */
  leave(waiter: Waiter<E>): void {
    if (this.#waiters.delete(waiter)) this.lookWhetherWanted();
  }

  /** Whether what it was for has come. */
  get is_over(): boolean {
    return this.#outcome !== null;
  }

  /** Whether anybody but the leader wants the answer. */
  get is_wanted(): boolean {
    return this.#waiters.size > 0 || (this.#recording?.followers ?? 0) > 0;
  }

  /** The leader is gone, and the stream goes on for the others: `onUnwanted` is called when the last of them is gone too. */
  goOnWithout(onUnwanted: () => void): void {
    this.#onUnwanted = onUnwanted;
  }

  /** To be called when a follower has left. */
  lookWhetherWanted(): void {
    if (this.is_wanted) return;
    const onUnwanted = this.#onUnwanted;
    this.#onUnwanted = null;
    onUnwanted?.();
  }

  /** The stream has begun. */
  flow(recording: Recording): void {
    this.#recording = recording;
    for (const waiter of [...this.#waiters]) {
      if (!waiter.follows) continue;
      this.#waiters.delete(waiter);
      waiter.settle({ kind: "follow", recording });
    }
  }

  /** The leader gives up before anything has come: the one who waits longest leads. */
  abandon(): void {
    const [next] = this.#waiters;
    if (next === undefined) {
      this.#onOver();
      return;
    }
    this.#waiters.delete(next);
    next.settle({ kind: "lead" });
  }

  /** It is over: all who wait are told the same, and all who join until it is forgotten. */
  end(joined: Joined<E>): void {
    if (this.#outcome !== null) return;
    this.#outcome = joined;
    this.#onUnwanted = null;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.settle(joined);
  }

  /** From here on equal calls do not meet it. */
  forget(): void {
    this.#onOver();
  }
}
