// A spin lock in the mapped file, for what is rare and short: putting a new counter in its place.
// It is taken from the dead, never from the living: a process that was stopped in the middle would go on writing.

import { OWN_PID, startOf } from "./liveness.ts";

/** Bits that tell turns of one process apart; process ids have at most 22. */
const TURN_BITS = 9;
const TURN_MASK = (1 << TURN_BITS) - 1;
/** Tries before a look at who holds it: some microseconds, several times as long as it is commonly held. */
const SPINS = 1_000;
/** How long to wait for one holder that lives: on a busy machine it may have lost its core for some time slices. */
const WAIT_MAX_MS = 100;
const NAP_MS = 0.2;

const nap_cell = new Int32Array(new SharedArrayBuffer(4));

/** A lock that processes share: a word that is 0, or the holder's process id and turn. */
export class SpinLock {
  readonly #words: Int32Array;
  readonly #at: number;
  #turn = 0;
  /** The holder that was waited for in vain, so that it is not waited for again. */
  #given_up = 0;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Takes it; false if a living process keeps it for longer than any process should. */
  take(): boolean {
    this.#turn = (this.#turn + 1) & TURN_MASK;
    const mine = (OWN_PID << TURN_BITS) | this.#turn;
    const is_mine =
      Atomics.compareExchange(this.#words, this.#at, 0, mine) === 0 || this.#takeAfterWait(mine);
    if (is_mine) this.#given_up = 0;
    return is_mine;
  }

  /** Lets it go. */
  release(): void {
    Atomics.store(this.#words, this.#at, 0);
  }

  #takeAfterWait(mine: number): boolean {
    let waited_for = 0;
    let since_ms = 0;
    for (;;) {
      const holder = this.#spin(mine);
      if (holder === 0) return true;
      if (holder === this.#given_up) return false;
      if (startOf(holder >>> TURN_BITS) === 0) {
        if (Atomics.compareExchange(this.#words, this.#at, holder, mine) === holder) return true;
        continue;
      }
      // Others may have it in turn, as long as it goes round.
      if (holder !== waited_for) since_ms = performance.now();
      waited_for = holder;
      if (performance.now() - since_ms > WAIT_MAX_MS) {
        this.#given_up = holder;
        return false;
      }
      // The holder may need this very core.
      Atomics.wait(nap_cell, 0, 0, NAP_MS);
    }
  }

  /** Tries for a moment; gives 0 when it has been taken, else who has it. */
  #spin(mine: number): number {
    for (let tries = 1; ; tries++) {
      const holder = Atomics.compareExchange(this.#words, this.#at, 0, mine);
      if (holder === 0 || holder === this.#given_up || tries === SPINS) return holder;
    }
  }
}
