// What calls showed of a target, or of a key of a provider, and whether it is passed over for that. It lies in shared memory, so that
// all processes know it. Where the table has no room, it counts as closed.

import type { BreakerPlan } from "../../config/plan.ts";
import { CounterKey } from "../../memory/counter_key.ts";
import type { CounterTable } from "../../memory/counter_table.ts";
import {
  breakerWord,
  CLOSED,
  DRILLED,
  dueWord,
  isEnough,
  leftMs,
  OPEN,
  type Phase,
  PROBE_LEASE_MS,
  PROBING,
  phaseOf,
  restMs,
  startShare,
} from "./breaker.ts";
import { countIn, countsOf, emptyWindow, type WindowCounts } from "./window.ts";

/** After how long without use everything that is known begins anew, in milliseconds. */
const IDLE_MS = 3_600_000;

/** Words of the entry of calls: the breaker, failures in a row, openings without a recovery; what metrics tell; the window. */
const BREAKER = 0;
const IN_ROW = 1;
const OPENINGS = 2;
const OPENED = 3;
const CLOSED_AGAIN = 4;
const PASSED_OVER = 5;
const WINDOW = 8;

/** Whether a call may go to a target: as any, as the one that probes, or not. */
export type Admission = "free" | "probe" | "open";

/** What a try showed of its target; nothing, where it ended for reasons that are not the target's. */
export type Showing = "well" | "ill" | "nothing";

/** What all processes share, and which of them this is. */
export interface HealthMemory {
  readonly table: CounterTable;
  /** The process' column in gauges. */
  readonly column: number;
  /** Columns that can be in use. */
  readonly columns: number;
  now_ms(): number;
  /** From now on, for a while, calls look at breakers before they choose. */
  beCareful(for_ms: number): void;
  /** Whether a drill makes a provider's model fail. */
  isDrilled(provider: string, model: string): boolean;
  /** Hears of a breaker that opens or closes. */
  onChange(circuit: Circuit, is_open: boolean, why: string): void;
}

/** A breaker as it is. */
export interface BreakerState {
  readonly phase: Phase;
  /** How long until it may be probed, or since it has closed (below 0). */
  readonly left_ms: number;
  readonly has_been_open: boolean;
  readonly in_row: number;
  readonly opened: number;
  readonly closed: number;
  readonly passed_over: number;
}

const digest = new Uint8Array(32);
const digest_words = new Int32Array(digest.buffer);

/** The name of an entry: a hash of what it is about. */
export function keyOf(names: readonly string[], is_gauge = false): CounterKey {
  Bun.SHA256.hash(JSON.stringify(names), digest);
  const [one, two, three, four] = digest_words;
  return new CounterKey([one!, two!, three!, four!], IDLE_MS, is_gauge);
}

/** The circuit of a target or a key, as one process sees and changes it. */
export class Circuit {
  readonly provider: string;
  /** Of a key, its name. */
  readonly model: string;
  protected readonly memory: HealthMemory;
  protected readonly words: Int32Array;
  readonly #calls: CounterKey;

  /** @param identity tells it from all others; of a key it is a hash, never the key */
  constructor(memory: HealthMemory, provider: string, model: string, identity: readonly string[]) {
    this.provider = provider;
    this.model = model;
    this.memory = memory;
    this.words = memory.table.words;
    this.#calls = keyOf(["calls", ...identity]);
  }

  /** The time by the clock that all processes share. */
  get now_ms(): number {
    return this.memory.now_ms();
  }

  /** Whether a call may go to it now. A probe is the caller's when it takes it. */
  look(plan: BreakerPlan | null): Admission {
    const word = this.#read(BREAKER);
    const phase = phaseOf(word);
    if (plan === null || phase === CLOSED) return "free";
    if (phase === DRILLED && !this.memory.isDrilled(this.provider, this.model)) {
      this.#close(word, true, "its drill is over");
      return "free";
    }
    return this.#isDue(plan, word) ? "probe" : "open";
  }

  /** Takes the probe if it is to be had; gives what it is held by, 0 if somebody else has it. */
  takeProbe(plan: BreakerPlan): number {
    const at = this.at(this.#calls);
    if (at < 0) return 0;
    const word = Atomics.load(this.words, at + BREAKER);
    if (phaseOf(word) === CLOSED || !this.#isDue(plan, word)) return 0;
    const phase = phaseOf(word) === DRILLED ? DRILLED : PROBING;
    const held = breakerWord(phase, this.memory.now_ms() + PROBE_LEASE_MS);
    return Atomics.compareExchange(this.words, at + BREAKER, word, held) === word ? held : 0;
  }

  /** The prober ended without having seen anything: the next call may probe. */
  leaveProbe(held: number): void {
    const at = this.at(this.#calls);
    if (at < 0) return;
    const phase = phaseOf(held) === DRILLED ? DRILLED : OPEN;
    const due = dueWord(phase, this.memory.now_ms());
    Atomics.compareExchange(this.words, at + BREAKER, held, due);
  }

  /** Who may open the breaker again saw an answer: it closes. */
  recover(): void {
    const word = this.#read(BREAKER);
    if (phaseOf(word) !== CLOSED) this.#close(word, false, "it answers again");
  }

  /**
   * Counts what became of a try, and opens the breaker where that is due.
   * @param plan null: it never opens
   * @param is_ill whether it failed by the target's fault
   * @param took_ms how long ago it began: what began before the breaker closed says nothing about the time since
   * @param probe what it held as a probe; 0 if it was none
   */
  count(
    plan: BreakerPlan | null,
    is_ill: boolean,
    took_ms: number,
    probe: number,
    why: string,
    now_ms = this.memory.now_ms(),
  ): void {
    const at = this.at(this.#calls, now_ms);
    if (at < 0) return;
    const words = this.words;
    const word = Atomics.load(words, at + BREAKER);
    if (word !== 0 && phaseOf(word) === CLOSED && is_ill && -leftMs(word, now_ms) < took_ms) return;
    countIn(words, at + WINDOW, now_ms, is_ill);
    if (!is_ill) {
      if (Atomics.load(words, at + IN_ROW) !== 0) Atomics.store(words, at + IN_ROW, 0);
      return;
    }
    const in_row = Atomics.add(words, at + IN_ROW, 1) + 1;
    if (plan === null) return;
    if (probe !== 0) this.#open(plan, at, probe, why);
    else if (phaseOf(word) === CLOSED && isEnough(plan, in_row, countsOf(words, at + WINDOW, now_ms)))
      this.#open(plan, at, word, why);
  }

  /**
   * The same of one of several keys of a provider: nobody waits for its probe, and whichever call it is used for next decides it.
   */
  countKey(plan: BreakerPlan, is_ill: boolean, took_ms: number, why: string): void {
    const word = this.#read(BREAKER);
    const is_probed = phaseOf(word) === PROBING;
    if (is_probed && !is_ill) this.recover();
    this.count(plan, is_ill, took_ms, is_probed ? word : 0, why);
  }

  /** A check from outside failed: as a call in a row, but none of the window. */
  countCheck(plan: BreakerPlan, why: string): void {
    const at = this.at(this.#calls);
    if (at < 0) return;
    const in_row = Atomics.add(this.words, at + IN_ROW, 1) + 1;
    const word = Atomics.load(this.words, at + BREAKER);
    if (phaseOf(word) === CLOSED && in_row >= plan.failures) this.#open(plan, at, word, why);
  }

  /** It was passed over because its breaker is open. */
  countPassedOver(): void {
    const at = this.at(this.#calls);
    if (at >= 0) Atomics.add(this.words, at + PASSED_OVER, 1);
  }

  /** It fails elsewhere: one failure here is enough to open the breaker, and one success says that it is well. */
  expectFailure(plan: BreakerPlan | null): void {
    const at = plan === null ? -1 : this.at(this.#calls);
    if (at < 0 || phaseOf(Atomics.load(this.words, at + BREAKER)) !== CLOSED) return;
    const before = Atomics.load(this.words, at + IN_ROW);
    const expected = plan!.failures - 1;
    if (before < expected) Atomics.compareExchange(this.words, at + IN_ROW, before, expected);
  }

  /** There is reason to think that it is back: the next call may probe. */
  endRest(): void {
    const at = this.at(this.#calls);
    if (at < 0) return;
    const word = Atomics.load(this.words, at + BREAKER);
    if (phaseOf(word) !== OPEN) return;
    Atomics.compareExchange(this.words, at + BREAKER, word, dueWord(OPEN, this.memory.now_ms()));
  }

  /** Calls and failures of the last half minute. */
  get counts(): WindowCounts {
    const now_ms = this.memory.now_ms();
    const at = this.find(this.#calls, now_ms);
    return at < 0 ? { calls: 0, failures: 0 } : countsOf(this.words, at + WINDOW, now_ms);
  }

  /** What share of its calls it is to get: less than 1 for a while after it was open. */
  startShare(plan: BreakerPlan | null): number {
    const word = this.#read(BREAKER);
    return plan === null || word === 0 ? 1 : startShare(plan, word, this.memory.now_ms());
  }

  get breaker(): BreakerState {
    const word = this.#read(BREAKER);
    return {
      phase: phaseOf(word),
      left_ms: leftMs(word, this.memory.now_ms()),
      has_been_open: word !== 0,
      in_row: this.#read(IN_ROW),
      opened: this.#read(OPENED),
      closed: this.#read(CLOSED_AGAIN),
      passed_over: this.#read(PASSED_OVER),
    };
  }

  /** Whether a word's time has come. One that is too far away was written by another clock. */
  #isDue(plan: BreakerPlan, word: number): boolean {
    const left_ms = leftMs(word, this.memory.now_ms());
    return left_ms <= 0 || left_ms > Math.max(plan.rest_max_ms, PROBE_LEASE_MS) + 1_000;
  }

  #open(plan: BreakerPlan, at: number, word: number, why: string): void {
    const now_ms = this.memory.now_ms();
    const is_relapse = phaseOf(word) !== CLOSED || startShare(plan, word, now_ms) < 1;
    const openings = is_relapse ? Atomics.load(this.words, at + OPENINGS) + 1 : 1;
    const rest_ms = restMs(plan, openings);
    const phase = this.memory.isDrilled(this.provider, this.model) ? DRILLED : OPEN;
    // Before it is open: who does not look yet finds it closed, which it still is.
    this.memory.beCareful(rest_ms + IDLE_MS);
    const next = breakerWord(phase, now_ms + rest_ms);
    if (Atomics.compareExchange(this.words, at + BREAKER, word, next) !== word) return;
    Atomics.store(this.words, at + OPENINGS, openings);
    if (phaseOf(word) !== CLOSED) return;
    Atomics.add(this.words, at + OPENED, 1);
    this.memory.onChange(this, true, why);
  }

  /** Neither what failed before nor what is in the window is to open it again. */
  #close(word: number, at_once: boolean, why: string): void {
    const at = this.at(this.#calls);
    if (at < 0) return;
    emptyWindow(this.words, at + WINDOW);
    Atomics.store(this.words, at + IN_ROW, 0);
    const closed = at_once ? 0 : breakerWord(CLOSED, this.memory.now_ms());
    if (Atomics.compareExchange(this.words, at + BREAKER, word, closed) !== word) return;
    Atomics.add(this.words, at + CLOSED_AGAIN, 1);
    this.memory.onChange(this, false, why);
  }

  #read(field: number): number {
    const at = this.find(this.#calls);
    return at < 0 ? 0 : Atomics.load(this.words, at + field);
  }

  /** Where an entry is, made if it is not there; -1 where there is no room. */
  protected at(key: CounterKey, now_ms = this.memory.now_ms()): number {
    return this.memory.table.at(key, now_ms);
  }

  /** Where an entry is; -1 where there is none. */
  protected find(key: CounterKey, now_ms = this.memory.now_ms()): number {
    return this.memory.table.find(key, now_ms);
  }
}
