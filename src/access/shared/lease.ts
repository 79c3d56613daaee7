// A host's part of a limit that several hosts share, as it lies in the counter's own entry behind what is counted: how much this host
// may have used in the window, at once, or in the period, and until when it may. The keeper (`keeper.ts`) writes it, calls read it.
//
// The parts of all hosts together never exceed the limit, and no host uses more than its part: so the sum over hosts never does
// either, and a call asks nobody.

/** How much this host may have used; of money, the long word. */
const SHARE = 66;
const SHARE_LONG = 38;
/** When the lease ends, by the monotonic clock and by the host's: whichever comes first, because a machine that was paused has one that did not run. */
const ENDS_STEADY = 67;
const ENDS_WALL = 68;
/** How often the keeper has answered. */
const ANSWERS = 69;
/** Until when there is no more to be had, and when there may be; by the monotonic clock. */
const FULL_UNTIL = 70;
const ROOM_AT = 71;
/** The largest amount that a call did not get since the keeper looked; of money in its units. */
const NEEDED = 72;
/** What other hosts have. */
const ELSEWHERE = 73;
const ELSEWHERE_LONG = 39;

const AMOUNT_MAX = 2 ** 31 - 1;

/** Moments as words hold them: differences of up to 24 days are right. */
export interface Moment {
  readonly steady: number;
  readonly wall: number;
}

/** What the keeper writes when it has an answer. */
export interface Answered {
  /** In the unit of the counter: requests, tokens, calls; of money nano-dollars. */
  readonly share: number | bigint;
  readonly ends: Moment;
  readonly elsewhere: number | bigint;
  /** Null: calls got what they needed. */
  readonly full: { readonly until: number; readonly room_at: number } | null;
}

/** Leases in the entries of one mapped table. */
export class LeaseWords {
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;

  constructor(table: { readonly words: Int32Array; readonly longs: BigInt64Array }) {
    this.#words = table.words;
    this.#longs = table.longs;
  }

  /** Whether a lease has not ended. */
  isLive(at: number, { steady, wall }: Moment): boolean {
    const words = this.#words;
    const ends = Atomics.load(words, at + ENDS_STEADY);
    return ends !== 0 && ((ends - steady) | 0) > 0 && ((Atomics.load(words, at + ENDS_WALL) - wall) | 0) > 0;
  }

  /** For how long a lease still lasts, in milliseconds; 0: it has ended. */
  leftMs(at: number, now: Moment): number {
    return this.isLive(at, now) ? (Atomics.load(this.#words, at + ENDS_STEADY) - now.steady) | 0 : 0;
  }

  share(at: number): number {
    return Atomics.load(this.#words, at + SHARE);
  }

  shareOfMoney(at: number): bigint {
    return Atomics.load(this.#longs, (at >> 1) + SHARE_LONG);
  }

  /** Makes a part smaller or larger, as it is. */
  setShare(at: number, share: number | bigint): void {
    if (typeof share === "bigint") Atomics.store(this.#longs, (at >> 1) + SHARE_LONG, share);
    else Atomics.store(this.#words, at + SHARE, Math.min(share, AMOUNT_MAX));
  }

  elsewhere(at: number): number {
    return Atomics.load(this.#words, at + ELSEWHERE);
  }

  elsewhereOfMoney(at: number): bigint {
    return Atomics.load(this.#longs, (at >> 1) + ELSEWHERE_LONG);
  }

  answers(at: number): number {
    return Atomics.load(this.#words, at + ANSWERS);
  }

  /** Whether the keeper has heard that there is no more, a moment ago. */
  isFull(at: number, { steady }: Moment): boolean {
    const until = Atomics.load(this.#words, at + FULL_UNTIL);
    return until !== 0 && ((until - steady) | 0) > 0;
  }

  /** When there may be room again, from now, in milliseconds; Infinity: nobody knows. */
  roomInMs(at: number, { steady }: Moment): number {
    const left_ms = (Atomics.load(this.#words, at + ROOM_AT) - steady) | 0;
    return left_ms > 0 ? left_ms : Number.POSITIVE_INFINITY;
  }

  /** A call did not get this much. */
  need(at: number, units: number): void {
    const amount = Math.min(Math.ceil(units), AMOUNT_MAX);
    for (;;) {
      const before = Atomics.load(this.#words, at + NEEDED);
      if (before >= amount) return;
      if (Atomics.compareExchange(this.#words, at + NEEDED, before, amount) === before) return;
    }
  }

  /** The largest amount that a call did not get; asked by the keeper alone, and forgotten with it. */
  takeNeed(at: number): number {
    return Atomics.exchange(this.#words, at + NEEDED, 0);
  }

  hasNeed(at: number): boolean {
    return Atomics.load(this.#words, at + NEEDED) !== 0;
  }

  /** Writes an answer. The share is there before the lease lasts longer. */
  answer(at: number, { share, ends, elsewhere, full }: Answered): void {
    const words = this.#words;
    this.setShare(at, share);
    if (typeof elsewhere === "bigint") Atomics.store(this.#longs, (at >> 1) + ELSEWHERE_LONG, elsewhere);
    else Atomics.store(words, at + ELSEWHERE, Math.min(elsewhere, AMOUNT_MAX));
    Atomics.store(words, at + FULL_UNTIL, full === null ? 0 : full.until || 1);
    Atomics.store(words, at + ROOM_AT, full?.room_at ?? 0);
    Atomics.store(words, at + ENDS_WALL, ends.wall);
    Atomics.store(words, at + ENDS_STEADY, ends.steady || 1);
    Atomics.add(words, at + ANSWERS, 1);
  }

  /** Ends a lease. */
  end(at: number): void {
    Atomics.store(this.#words, at + ENDS_STEADY, 0);
  }
}
