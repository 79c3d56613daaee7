// What the supervisor knows and gateway processes tell of: words of the header's page, written by it alone; and what all of them count together.

import {
  CONTENT_WORD,
  LEDGER_STORE_WORD,
  OTLP_DROPPED_WORD,
  QUALITY_SHIFTS_WORD,
  SHARED_STATE_WORD,
  STARTED_WORD,
} from "./layout.ts";

/** What becomes of the content of a call where content is kept: in the order of their words, at most eight. */
export const CONTENT_OUTCOMES = ["kept", "dropped", "too_long", "private"] as const;

/** One of them. */
export type ContentOutcome = (typeof CONTENT_OUTCOMES)[number];

const UP = 1;
const AWAY = 2;

/** How a store of rows does. */
export interface LedgerStoreStatus {
  /** Whether the last try arrived. */
  readonly is_up: boolean;
  /** Rows that it does not have yet. */
  readonly waiting: number;
  /** Rows that it has got since the start. */
  readonly rows: number;
  /** When the oldest of those that wait was made, in seconds since 1970; 0 without any. */
  readonly oldest_s: number;
}

/** How the state is that hosts share: there is none. */
export const NOT_SHARED = 0;
/** It answers. */
export const REACHED = 1;
/** It does not. */
export const LOST = 2;
/** One of these. */
export type SharedState = typeof NOT_SHARED | typeof REACHED | typeof LOST;

/** What is counted of it: answers to asks for more of a limit, calls that waited for one, went on by this host's own counts, were rejected. */
export const SHARED_COUNTS = [
  "answers",
  "losses",
  "waited",
  "local",
  "rejected",
  "cache_hits",
  "cache_misses",
] as const;
/** One of these. */
export type SharedCount = (typeof SHARED_COUNTS)[number];

const SHARED_COUNTS_WORD = SHARED_STATE_WORD + 2;
const KEEPER_WORD = SHARED_COUNTS_WORD + SHARED_COUNTS.length;

/** What is known of the gateway as a whole. */
export class HostFacts {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** When the supervisor started, in seconds since 1970; 0 where none has. */
  get started_s(): number {
    return Atomics.load(this.#words, STARTED_WORD) >>> 0;
  }

  set started_s(started_s: number) {
    Atomics.store(this.#words, STARTED_WORD, started_s | 0);
  }

  /** Spans that no collector got, since the file was made. */
  get otlp_dropped(): number {
    return Atomics.load(this.#words, OTLP_DROPPED_WORD) >>> 0;
  }

  /** In how many measures models answer otherwise than usual, as it was found last. */
  get quality_shifts(): number {
    return Atomics.load(this.#words, QUALITY_SHIFTS_WORD);
  }

  set quality_shifts(count: number) {
    Atomics.store(this.#words, QUALITY_SHIFTS_WORD, count);
  }

  /** How the store that rows go to beyond the data folder does; null where there is none. */
  get store_status(): LedgerStoreStatus | null {
    const [state, waiting, rows, oldest_s] = [0, 1, 2, 3].map(
      (index) => Atomics.load(this.#words, LEDGER_STORE_WORD + index) >>> 0,
    ) as [number, number, number, number];
    return state === 0 ? null : { is_up: state === UP, waiting, rows, oldest_s };
  }

  /** Tells how it does. */
  setStoreStatus(status: LedgerStoreStatus | null): void {
    const state = status === null ? 0 : status.is_up ? UP : AWAY;
    const words = [state, status?.waiting ?? 0, status?.rows ?? 0, status?.oldest_s ?? 0];
    for (const [index, word] of words.entries())
      Atomics.store(this.#words, LEDGER_STORE_WORD + index, word | 0);
  }

  addOtlpDropped(spans: number): void {
    Atomics.add(this.#words, OTLP_DROPPED_WORD, spans | 0);
  }

  /** Calls of whose content this has become, since the file was made. */
  contentCalls(outcome: ContentOutcome): number {
    return Atomics.load(this.#words, CONTENT_WORD + CONTENT_OUTCOMES.indexOf(outcome)) >>> 0;
  }

  countContent(outcome: ContentOutcome, calls: number): void {
    Atomics.add(this.#words, CONTENT_WORD + CONTENT_OUTCOMES.indexOf(outcome), calls);
  }

  get shared(): SharedState {
    return Atomics.load(this.#words, SHARED_STATE_WORD) as SharedState;
  }

  set shared(state: SharedState) {
    Atomics.store(this.#words, SHARED_STATE_WORD, state);
  }

  /** How many hosts share the state, as far as it was last heard; at least one. */
  get hosts(): number {
    return Math.max(1, Atomics.load(this.#words, SHARED_STATE_WORD + 1));
  }

  set hosts(hosts: number) {
    Atomics.store(this.#words, SHARED_STATE_WORD + 1, hosts);
  }

  /** Which keeper of leases this host has: a number that each makes for itself. */
  get keeper(): number {
    return Atomics.load(this.#words, KEEPER_WORD);
  }

  set keeper(number: number) {
    Atomics.store(this.#words, KEEPER_WORD, number | 0);
  }

  /** Counts something of the shared state. */
  countShared(what: SharedCount): void {
    Atomics.add(this.#words, SHARED_COUNTS_WORD + SHARED_COUNTS.indexOf(what), 1);
  }

  /** What was counted of it, since the file was made. */
  sharedCount(what: SharedCount): number {
    return Atomics.load(this.#words, SHARED_COUNTS_WORD + SHARED_COUNTS.indexOf(what)) >>> 0;
  }
}
