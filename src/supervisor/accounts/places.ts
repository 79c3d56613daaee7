// The places of gateway processes in shared memory: each has one as long as it lives, and leaves it when its accounts are closed.

import type { Place } from "../../gateway/protocol.ts";
import { type ClockBase, clockBase } from "../../memory/clock.ts";
import type { Bookkeeper } from "./bookkeeper.ts";

/** How often it is looked whether a process of an earlier supervisor lives, in milliseconds. */
const LOOK_MS = 250;

/** The places that there are. */
export class Places {
  readonly #folder: string;
  readonly #keeper: Bookkeeper;
  /** What all processes go by, this one too. */
  readonly clock: ClockBase = clockBase();
  readonly #free: number[];
  /** Those of living processes. */
  readonly #taken = new Set<number>();
  /** While another supervisor may look after them: the places that were left meanwhile. */
  #held: Place[] | null = null;
  /** Whether none is given any more. */
  #is_closed = false;

  constructor(folder: string, free: readonly number[], keeper: Bookkeeper) {
    this.#folder = folder;
    this.#keeper = keeper;
    this.#free = free.toReversed();
  }

  /** A place that is free; null without one. */
  take(): Place | null {
    const index = this.#held === null && !this.#is_closed ? this.#free.pop() : undefined;
    if (index === undefined) return null;
    this.#taken.add(index);
    return { folder: this.#folder, index, clock: this.clock };
  }

  /** A place that a process of an earlier supervisor has not left yet: it is free when that one is gone. */
  awaitLeft(index: number, isLeft: () => boolean): void {
    const timer = setInterval(() => {
      if (this.#held !== null || !isLeft()) return;
      clearInterval(timer);
      void this.#keeper.bury(index).then(() => this.#free.unshift(index));
    }, LOOK_MS);
    timer.unref();
  }

  /** The process of a place is gone: what it held is free at once, the place when its calls are accounted for. */
  leave(place: Place): void {
    this.#taken.delete(place.index);
    if (this.#held !== null) {
      this.#held.push(place);
      return;
    }
    void this.#keeper.bury(place.index).then(() => this.#free.unshift(place.index));
  }

  /** From here on none is given, nor freed; the places of living processes. */
  hold(): ReadonlySet<number> {
    this.#held ??= [];
    return this.#taken;
  }

  /** None is given any more, but those that are there are looked after. */
  close(): void {
    this.unhold();
    this.#is_closed = true;
  }

  /** All is as before, and what was left meanwhile is free when it is accounted for. */
  unhold(): void {
    this.#is_closed = false;
    const left = this.#held ?? [];
    this.#held = null;
    for (const place of left) this.leave(place);
  }
}
