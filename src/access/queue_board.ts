// What the processes of a gateway tell each other of one provider's queue: who of them is there, how many wait in each tier, and who
// is next by the tags of fair queueing. A process takes a place only if nobody is before it in any other process that is alive.
// Everything that one process writes is a column of its own, which is emptied when it dies.

import type { CounterKey } from "../memory/counter_key.ts";
import type { CounterTable } from "../memory/counter_table.ts";
import { COLUMNS, heldIn } from "../memory/gauge.ts";
import { ALL_TENANTS, counterKey, type Dimension } from "./counter_key.ts";
import { ahead, serve, startTag, stepOf } from "./virtual_time.ts";

/** Who has not looked for so long does not keep places from the others: it is dead, stopped or busy. */
export const ABSENT_MS = 100;
/** After how long without use a queue begins anew. */
const IDLE_MS = 600_000;

/** Words behind the columns. Of the queue: its virtual time, and how many were let through since it was made. */
const NOW = COLUMNS;
const SERVED = COLUMNS + 1;
/** Of a tier: where its last service ended, and the virtual time of its tenants. */
const FINISH = COLUMNS;
const TENANTS_NOW = COLUMNS + 1;

/** Tenants whose places are remembered. */
const TENANTS_MAX = 10_000;
/** What every tenant's service costs: they share alike. */
const TENANT_STEP = stepOf(1);

/** What a board needs of its process. */
export interface BoardTools {
  readonly counters: CounterTable;
  /** The column of this process. */
  readonly column: number;
  /** Steady time, the same for all processes. */
  now_ms(): number;
  wall_ms(): number;
}

/** The counters of a tier. */
interface TierKeys {
  readonly heads: CounterKey;
  readonly waiting: CounterKey;
}

/** The board of one provider's queue. */
export class QueueBoard {
  readonly #provider: string;
  readonly #tools: BoardTools;
  readonly #turns: CounterKey;
  readonly #tiers = new Map<string, TierKeys>();
  readonly #tenants = new Map<string, CounterKey>();

  constructor(provider: string, tools: BoardTools) {
    this.#provider = provider;
    this.#tools = tools;
    this.#turns = this.#key(ALL_TENANTS, "turns", "");
  }

  /** Whether anybody waits, in any process, who could be served: whoever comes now has to wait behind him. */
  get is_contended(): boolean {
    const at = this.#find(this.#turns);
    if (at < 0) return false;
    const { counters } = this.#tools;
    for (let column = 0; column < COLUMNS; column++) {
      const seen = Atomics.load(counters.words, at + column);
      if (seen !== 0 && this.#isPresent(seen)) return true;
    }
    return false;
  }

  /** Whether anybody of a tier has waited lately. */
  hasSeen(tier: string): boolean {
    return this.#find(this.#tierKeys(tier).waiting) >= 0;
  }

  /** This process has looked after those who wait here, or has nobody. */
  beat(is_anyone_here: boolean): void {
    const at = is_anyone_here ? this.#at(this.#turns) : this.#find(this.#turns);
    if (at < 0) return;
    const seen = is_anyone_here ? this.#moment() : 0;
    Atomics.store(this.#tools.counters.words, at + this.#tools.column, seen);
  }

  /** How many were let through since the queue was made. */
  get served(): number {
    const at = this.#find(this.#turns);
    return at < 0 ? 0 : Atomics.load(this.#tools.counters.words, at + SERVED);
  }

  /** How many wait in a tier, in all processes. */
  waitingIn(tier: string): number {
    const at = this.#find(this.#tierKeys(tier).waiting);
    return at < 0 ? 0 : heldIn(this.#tools.counters.words, at);
  }

  /** How many of a tenant wait in a tier, in all processes. */
  waitingOf(tier: string, tenant: string): number {
    const at = this.#find(this.#tenantKey(tier, tenant));
    return at < 0 ? 0 : heldIn(this.#tools.counters.words, at);
  }

  /** One more waits here, or (-1) one less. */
  count(tier: string, tenant: string, change: 1 | -1): void {
    const { counters, column } = this.#tools;
    for (const key of [this.#tierKeys(tier).waiting, this.#tenantKey(tier, tenant)]) {
      const at = this.#at(key);
      // There may have been no room to count it when it came.
      const is_counted = at >= 0 && (change > 0 || Atomics.load(counters.words, at + column) > 0);
      if (is_counted) Atomics.add(counters.words, at + column, change);
    }
  }

  /** The tag by which a tier is to be served. */
  tagOfTier(tier: string, weight: number): number {
    const at = this.#find(this.#tierKeys(tier).heads);
    return this.#startAt(at < 0 ? -1 : at + FINISH, this.#timeAt(), stepOf(weight));
  }

  /** The tag by which a tenant is to be served within a tier. */
  tagOfTenant(tier: string, tenant: string): number {
    const tier_at = this.#find(this.#tierKeys(tier).heads);
    const at = this.#find(this.#tenantKey(tier, tenant));
    const time_at = tier_at < 0 ? -1 : tier_at + TENANTS_NOW;
    return this.#startAt(at < 0 ? -1 : at + FINISH, time_at, TENANT_STEP);
  }

  /** The smallest tag of those who wait in a tier in other processes, or null: nobody does. */
  headElsewhere(tier: string, turns_at = this.#find(this.#turns)): number | null {
    const at = this.#find(this.#tierKeys(tier).heads);
    if (at < 0 || turns_at < 0) return null;
    const { counters, column } = this.#tools;
    const { words } = counters;
    const now = Atomics.load(words, at + TENANTS_NOW);
    let first: number | null = null;
    for (let other = 0; other < COLUMNS; other++) {
      const tag = other === column ? 0 : Atomics.load(words, at + other);
      if (tag === 0 || !this.#isPresent(Atomics.load(words, turns_at + other))) continue;
      // Time has gone on for whoever waits for his first turn.
      const present = ahead(tag, now) < 0 ? now : tag;
      if (first === null || ahead(present, first) < 0) first = present;
    }
    return first;
  }

  /** Tells the others the tag of whoever is next in a tier here; null: nobody is. */
  publish(tier: string, tag: number | null): void {
    const key = this.#tierKeys(tier).heads;
    const at = tag === null ? this.#find(key) : this.#at(key);
    if (at < 0) return;
    Atomics.store(this.#tools.counters.words, at + this.#tools.column, tag === null ? 0 : tag || 1);
  }

  /** One of a tenant was let through: tier and tenant move on. */
  turn(tier: string, weight: number, tenant: string): void {
    const { words } = this.#tools.counters;
    const turns_at = this.#at(this.#turns);
    const tier_at = this.#at(this.#tierKeys(tier).heads);
    const tenant_at = this.#at(this.#tenantKey(tier, tenant));
    if (turns_at < 0 || tier_at < 0 || tenant_at < 0) return;
    serve(words, tier_at + FINISH, turns_at + NOW, stepOf(weight));
    serve(words, tenant_at + FINISH, tier_at + TENANTS_NOW, TENANT_STEP);
    Atomics.add(words, turns_at + SERVED, 1);
  }

  #startAt(finish_at: number, now_at: number, step: number): number {
    const { words } = this.#tools.counters;
    const now = now_at < 0 ? 0 : Atomics.load(words, now_at);
    return finish_at < 0 ? now : startTag(Atomics.load(words, finish_at), now, step);
  }

  #timeAt(): number {
    const at = this.#find(this.#turns);
    return at < 0 ? -1 : at + NOW;
  }

  /** A moment of steady time in a word, never 0. */
  #moment(): number {
    return (this.#tools.now_ms() % 2 ** 31) | 0 || 1;
  }

  #isPresent(seen: number): boolean {
    return seen !== 0 && Math.abs((this.#moment() - seen) | 0) <= ABSENT_MS;
  }

  #tierKeys(tier: string): TierKeys {
    let keys = this.#tiers.get(tier);
    if (keys === undefined) {
      const made = (dimension: Dimension) => this.#key(ALL_TENANTS, dimension, tier);
      keys = { heads: made("heads"), waiting: made("waiting") };
      this.#tiers.set(tier, keys);
    }
    return keys;
  }

  #tenantKey(tier: string, tenant: string): CounterKey {
    const name = JSON.stringify([tier, tenant]);
    let key = this.#tenants.get(name);
    if (key === undefined) {
      if (this.#tenants.size >= TENANTS_MAX) this.#tenants.clear();
      key = this.#key(tenant, "tenant", tier);
      this.#tenants.set(name, key);
    }
    return key;
  }

  #key(tenant: string, dimension: Dimension, tier: string): CounterKey {
    return counterKey({ tenant, scope: "queue", name: this.#provider, dimension, window: tier }, IDLE_MS);
  }

  #find(key: CounterKey): number {
    return this.#tools.counters.find(key, this.#tools.wall_ms());
  }

  #at(key: CounterKey): number {
    return this.#tools.counters.at(key, this.#tools.wall_ms());
  }
}
