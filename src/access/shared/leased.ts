// A counter that the keeper has a lease of: what is used of it, how much of it to have ahead, what to tell and to ask.

import { CounterKey } from "../../memory/counter_key.ts";
import type { CounterTable } from "../../memory/counter_table.ts";
import { heldIn } from "../../memory/gauge.ts";
import { leavingOf, slotAt, usedIn } from "../sliding_window.ts";
import type { LeaseAsk, LeaseKind } from "./ask.ts";

/** Kinds as the script knows them. */
const KINDS: Readonly<Record<LeaseKind, number>> = { window: 0, gauge: 1, money: 2 };
/** Parts of a window that are told apart in what leaves it. */
const PROFILE_PARTS = 8;
/** What a host takes ahead of a limit at first, as a part of it. */
const AHEAD_FIRST_PART = 1 / 32;
/** The most that it takes ahead, as a part of the limit. */
const AHEAD_MAX_PART = 1 / 4;
/** Looks with more than half of it left after which less is taken ahead. */
const CALM_LOOKS = 16;
const HOUR_MS = 3_600_000;
/** Counters of money are kept for longer than the longest period. */
const MONEY_KEPT_MS = 40 * 24 * HOUR_MS;
const KEPT_MORE_MS = 60_000;

/** What a counter is told and asked with. */
export interface LeaseRequest {
  readonly args: readonly (string | number)[];
  /** In units: what calls did not get. */
  readonly need: number;
  /** What this host has with it all the same. */
  readonly base: number;
  readonly is_last: boolean;
}

/** A counter of the keeper's. */
export class Leased {
  readonly key: CounterKey;
  readonly id: string;
  readonly kind: LeaseKind;
  readonly unit: number;
  limit: number;
  readonly window_ms: number;
  /** In units. */
  share = 0;
  used = 0;
  /** How much to have ahead, in units. */
  ahead: number;
  /** What each host may have, where all together want more than there is; -1: there is enough. */
  level = -1;
  /** What was told of it: its share, or what was used beyond that. */
  told = 0;
  /** What others had when that was heard last, and since when the server had run then, by its own clock. */
  others = 0;
  born_ms = 0;
  seq = 0;
  /** On the monotonic clock, in milliseconds; 0: none. */
  ends_ms = 0;
  told_ms = 0;
  busy_ms: number;
  full_until_ms = 0;
  /** More is not taken ahead before, because there was none. */
  low_until_ms = 0;
  is_asked = true;
  is_under_way = false;
  #calm = 0;

  constructor(ask: LeaseAsk, now_ms: number) {
    const { words, idle_s, kind, limit, unit, window_ms } = ask;
    this.key = new CounterKey(words, idle_s * 1_000, kind === "gauge");
    this.id = idOf(words);
    this.kind = kind;
    this.unit = unit;
    this.limit = limit;
    this.window_ms = window_ms;
    this.ahead = Math.max(1, Math.floor(limit * AHEAD_FIRST_PART));
    this.busy_ms = now_ms;
  }

  /** What is used of it on this host, in units. */
  look({ words, longs }: CounterTable, at: number, clock_ms: number): number {
    if (this.kind === "window") return usedIn(words, at, slotAt(clock_ms, this.window_ms));
    if (this.kind === "gauge") return Math.max(0, heldIn(words, at));
    const nano_usd = Number(Atomics.load(longs, at >> 1));
    return Math.max(0, Math.ceil(nano_usd / this.unit));
  }

  /** A share as the mapped entry has it. */
  asWord(units: number): number | bigint {
    return this.kind === "money" ? BigInt(units) * BigInt(this.unit) : units;
  }

  /** Looks how much of what was taken ahead is left, and learns how much to take. */
  learn(used: number, now_ms: number): void {
    if (used > this.used) this.busy_ms = now_ms;
    this.used = used;
    const room = this.share - used;
    if (room * 4 < this.ahead) {
      this.grow();
    } else if (room * 2 > this.ahead) {
      this.#calm += 1;
      if (this.#calm < CALM_LOOKS) return;
      this.ahead = Math.max(1, Math.floor(this.ahead / 2));
    }
    this.#calm = 0;
  }

  /** It was not enough. */
  grow(at_least = 0): void {
    const most = Math.max(1, Math.floor(this.limit * AHEAD_MAX_PART));
    this.ahead = Math.min(most, Math.max(this.ahead * 2, at_least * 4));
  }

  /**
   * What this host is to have, in units, when nobody waits: not more than its level, where others need it, even if it has used more:
   * what leaves its window goes to them.
   */
  get target(): number {
    const wanted = this.used + this.ahead;
    return this.level < 0 ? wanted : Math.min(wanted, this.level);
  }

  /** The arguments of the script; the share is what it holds at this moment. */
  request(need: number, is_last: boolean, profile: string): LeaseRequest {
    this.seq += 1;
    const base = Math.max(this.share, this.used);
    const missing = Math.max(0, this.used + need - base);
    this.told = base;
    const want = Math.max(this.used + need, is_last ? 0 : this.used + this.ahead);
    const kept_ms = this.kind === "money" ? MONEY_KEPT_MS : this.window_ms * 1.1 + KEPT_MORE_MS;
    const keep = Math.ceil(is_last ? -kept_ms : kept_ms);
    return {
      need: missing,
      base,
      is_last,
      args: [
        ...[this.seq, KINDS[this.kind], this.limit, this.window_ms, this.share, this.used, want, missing],
        ...[profile, keep, this.born_ms, this.others],
      ],
    };
  }

  /** When what is used leaves the window, in the script's words. */
  profile({ words }: CounterTable, at: number, clock_ms: number): string {
    if (this.kind !== "window") return "";
    return leavingOf(words, at, clock_ms, this.window_ms, PROFILE_PARTS)
      .map(([ms, amount]) => `${Math.ceil(ms)}:${amount}`)
      .join(" ");
  }
}

/** A counter's name in hexadecimal. */
export function idOf(words: readonly number[]): string {
  return words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
