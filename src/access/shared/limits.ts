// Limits that several hosts share, as a gateway process sees them: how much of each this host may have used, and whom to ask for more.
// Looking costs some loads of mapped memory. Who finds too little tells the keeper, and may wait for its answer.

import type { CounterKey } from "../../memory/counter_key.ts";
import { type HostFacts, LOST } from "../../memory/host_facts.ts";
import type { LeaseAsk } from "./ask.ts";
import { LeaseWords, type Moment } from "./lease.ts";

/** After how long an ask that was not answered is sent again, in milliseconds. */
const ASK_AGAIN_MS = 20;

/** Where a process asks for more of limits. */
export interface LeaseDesk {
  ask(asks: readonly LeaseAsk[]): void;
  /** Hears that asks were answered, whatever the answer. */
  onAnswer: () => void;
}

/** What a process needs to share limits. */
export interface SharedLimitsOptions {
  readonly table: { readonly words: Int32Array; readonly longs: BigInt64Array };
  readonly facts: HostFacts;
  readonly desk: LeaseDesk;
  /** The host's monotonic time in milliseconds. */
  steady_ms(): number;
  wall_ms(): number;
}

/** Why a counter has too little: more was asked for; there is no more anywhere; nobody can be asked. */
export type Lack = "short" | "full" | "lost";

/** How strictly parts are kept. */
type Mode = "strict" | "alone" | "owing";

/** Limits that hosts share. */
export class SharedLimits {
  /** What becomes of calls while the state cannot be reached. */
  on_loss: "local" | "reject" = "local";
  /** The same for a call that has waited for long enough: by this host's own counts. */
  readonly alone: SharedLimits;
  /** The same for what cannot wait: it takes what others are not known to have, and the keeper makes up for it. */
  readonly owing: SharedLimits;
  readonly facts: HostFacts;
  readonly words: LeaseWords;
  readonly #options: SharedLimitsOptions;
  readonly #mode: Mode;
  readonly #asked = new WeakMap<CounterKey, { answers: number; at_ms: number }>();
  readonly #asks: LeaseAsk[] = [];
  readonly #waiting = new Set<(is_answered: boolean) => void>();

  constructor(options: SharedLimitsOptions, mode: Mode = "strict") {
    this.#options = options;
    this.#mode = mode;
    this.facts = options.facts;
    this.words = new LeaseWords(options.table);
    this.alone = mode === "strict" ? new SharedLimits(options, "alone") : this;
    this.owing = mode === "strict" ? new SharedLimits(options, "owing") : this;
    if (mode === "strict") options.desk.onAnswer = () => this.#wake();
  }

  /** Whether the state cannot be reached. */
  get is_lost(): boolean {
    return this.facts.shared === LOST;
  }

  /** The moment by both clocks. */
  now(): Moment {
    return { steady: this.#options.steady_ms() | 0, wall: this.#options.wall_ms() | 0 };
  }

  /** How much of a limit this host may have used now. */
  limitOf(at: number, limit: number): number {
    const share = this.words.isLive(at, this.now()) ? Math.min(limit, this.words.share(at)) : 0;
    if (this.#goesAlone()) {
      const part = Math.ceil(limit / this.facts.hosts);
      // An answer that is late is none; but what was heard a moment ago still holds.
      if (this.is_lost) return Math.max(share, part);
      return this.words.isFull(at, this.now())
        ? share
        : Math.max(share, Math.min(part, limit - this.elsewhere(at)));
    }
    return this.#owes(at) ? Math.max(share, limit - this.elsewhere(at)) : share;
  }

  /** The same of money, in nano-dollars. */
  moneyLimitOf(at: number, limit: bigint): bigint {
    const held = this.words.isLive(at, this.now()) ? this.words.shareOfMoney(at) : 0n;
    const share = held < limit ? held : limit;
    const is_alone = this.#goesAlone();
    if (!is_alone && !this.#owes(at)) return share;
    const is_full = !this.is_lost && this.words.isFull(at, this.now());
    const left = limit - this.elsewhereOfMoney(at);
    const part = is_alone ? limit / BigInt(this.facts.hosts) : left;
    const most = part < left || this.is_lost ? part : left;
    return is_full || share > most ? share : most;
  }

  /** What other hosts have of a limit, as far as it was heard a moment ago. */
  elsewhere(at: number): number {
    return this.words.isLive(at, this.now()) ? this.words.elsewhere(at) : 0;
  }

  /** The same of money, in nano-dollars. */
  elsewhereOfMoney(at: number): bigint {
    return this.words.isLive(at, this.now()) ? this.words.elsewhereOfMoney(at) : 0n;
  }

  /** A call found too little: the keeper hears of it. Says whether to wait for more. */
  lack(at: number, key: CounterKey, ask: LeaseAsk, units: number): Lack {
    if (this.#goesAlone()) return "full";
    if (this.facts.shared === LOST) return "lost";
    this.words.need(at, units);
    if (this.words.isFull(at, this.now())) return "full";
    this.#askFor(at, key, ask);
    return "short";
  }

  /** What was used has changed after the fact: the keeper hears of it, unless it looks anyway. */
  changed(at: number, key: CounterKey, ask: () => LeaseAsk): void {
    if (!this.words.isLive(at, this.now())) this.#askFor(at, key, ask());
  }

  /** When there may be room again, from now, in milliseconds; Infinity: nobody knows. */
  roomInMs(at: number): number {
    return this.words.roomInMs(at, this.now());
  }

  /** Waits for the next answer, but no longer than this; whether one has come. */
  answered(budget_ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), Math.max(0, budget_ms));
      const done = (is_answered: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(is_answered);
      };
      this.#waiting.add(done);
    });
  }

  #goesAlone(): boolean {
    return this.#mode === "alone" || (this.on_loss === "local" && this.facts.shared === LOST);
  }

  #owes(at: number): boolean {
    return this.#mode === "owing" && !this.words.isFull(at, this.now());
  }

  #askFor(at: number, key: CounterKey, ask: LeaseAsk): void {
    const answers = this.words.answers(at);
    const now_ms = this.#options.steady_ms();
    const before = this.#asked.get(key);
    if (before !== undefined && before.answers === answers && now_ms - before.at_ms < ASK_AGAIN_MS) return;
    this.#asked.set(key, { answers, at_ms: now_ms });
    if (this.#asks.push(ask) === 1) queueMicrotask(() => this.#options.desk.ask(this.#asks.splice(0)));
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done(true);
  }
}
