// Those who wait in this process until a provider may be asked again: by tier and its weight, by tenant within a tier, first come
// first served within a tenant. It lets nobody through who has somebody before him in another process (`queue_board.ts`), and nobody
// wait who cannot be served in time, as far as the speed of the last turns tells.

import type { QueueBoard } from "./queue_board.ts";
import { ServiceRate } from "./service_rate.ts";
import { ahead } from "./virtual_time.ts";
import { type InLine, type Tier, WaitingLines } from "./waiting_lines.ts";

/** Most turns of one look, so that a look is short. */
const TURNS_MAX = 64;
/** How often those are looked for who have waited for too long. */
const OVERDUE_LOOK_MS = 20;
/** How often those are looked for who will not be served in time; and how much of an estimate has to be more than they have. */
const HOPELESS_LOOK_MS = 250;
const HOPE = 0.8;
/** How long a place that frees itself with time is not looked for again; one that somebody gives back wakes the queue at once. */
const LOOK_AGAIN_MS = 25;
/** When to come again where nobody can tell. */
const GUESS_MS = 1_000;

/** Why there is no place. */
export interface NoPlace {
  /** When there may be one, in milliseconds; null: when somebody gives his back. */
  readonly wait_ms: number | null;
  /** How many of them there are in a second, where limits say so; null where it depends on those who have one. */
  readonly per_second: number | null;
  /** Whether other models of the provider may have places all the same. */
  readonly is_of_model: boolean;
}

/** Somebody who waits. */
export interface Waiter extends InLine {
  readonly model: string;
  /** How long it may wait, on the clock of the queue. */
  readonly until_ms: number;
  /** Takes a place: null, or why there is none. Whoever has taken one is in the queue no more. */
  take(): NoPlace | null;
  /** It may wait no longer, and is in the queue no more. */
  onTurned(turned: Turned): void;
  /** Order of arrival in its process. */
  arrival: number;
}

/** Bounds of a queue in one process. */
export interface QueueBounds {
  readonly max: number;
  readonly max_bytes: number;
}

/** Why somebody may not wait: there are too many, he would not be served in time, or has not been. */
export interface Turned {
  readonly reason: "full" | "late" | "overdue";
  /** When a place is to be expected, at an honest guess. */
  readonly retry_after_ms: number;
}

/** One who could be next. */
interface Head {
  readonly waiter: Waiter;
  readonly tag: number;
}

/** The queue of one provider in one process. */
export class ProviderQueue {
  readonly board: QueueBoard;
  readonly #nowMs: () => number;
  readonly #lines = new WaitingLines<Waiter>();
  readonly #rate: ServiceRate;
  /** Models that have no place, and until when that is not asked again. */
  readonly #blocked = new Map<string, NoPlace & { readonly until_ms: number }>();
  #stuck: (NoPlace & { readonly until_ms: number }) | null = null;
  #arrivals = 0;
  #overdue_at_ms = 0;
  #hopeless_at_ms = 0;

  constructor(board: QueueBoard, nowMs: () => number) {
    this.board = board;
    this.#nowMs = nowMs;
    this.#rate = new ServiceRate(() => board.served);
  }

  /** How many wait here. */
  get size(): number {
    return this.#lines.size;
  }

  /** The tiers that there are: those of other processes may have somebody in one that nobody here is of. */
  setTiers(weights: Iterable<readonly [string, number]>): void {
    for (const [name, weight] of weights) this.#lines.tier(name, weight);
  }

  /**
   * Takes somebody in, unless he is served at once; or says why he may not wait. Where the queue is full, whoever came last of those who
   * have most of it for their weight has to go (Suter et al., "Design considerations for supporting TCP with per-flow queueing",
   * INFOCOM 1998): nobody can keep others out by filling it.
   */
  enter(waiter: Waiter, bounds: QueueBounds): Turned | null {
    this.#add(waiter);
    this.look();
    if (!this.#lines.has(waiter)) return null;
    const now_ms = this.#nowMs();
    const retry_after_ms = this.#estimate(waiter, now_ms);
    if (retry_after_ms !== null && now_ms + retry_after_ms > waiter.until_ms) {
      this.leave(waiter);
      return { reason: "late", retry_after_ms };
    }
    while (this.#lines.size > bounds.max || this.#lines.bytes > bounds.max_bytes) {
      const last = this.#lines.lastOfMost(waiter);
      const turned = { reason: "full", retry_after_ms: this.#estimate(last, now_ms) ?? GUESS_MS } as const;
      this.leave(last);
      if (last === waiter) return turned;
      last.onTurned(turned);
    }
    return null;
  }

  /** He waits no more; harmless if he does not. */
  leave(waiter: Waiter): void {
    if (!this.#lines.has(waiter)) return;
    this.#remove(waiter);
    this.#tell();
  }

  /** A place may be free: of the provider, or only of time. */
  wake(): void {
    this.#stuck = null;
    this.look();
  }

  /** Lets through whoever can be, and tells the other processes of who is next here. */
  look(): void {
    if (this.#lines.size === 0) return;
    const now_ms = this.#nowMs();
    for (const [model, { until_ms }] of this.#blocked) if (until_ms <= now_ms) this.#blocked.delete(model);
    if (this.#stuck !== null && this.#stuck.until_ms <= now_ms) this.#stuck = null;
    for (let turn = 0; turn < TURNS_MAX && this.#stuck === null; turn++) {
      const waiter = this.#next();
      if (waiter === null) break;
      const none = waiter.take();
      if (none === null) {
        this.#remove(waiter);
        this.board.turn(waiter.tier, waiter.weight, waiter.tenant);
        continue;
      }
      const until_ms = now_ms + (none.wait_ms === null ? 0 : Math.min(none.wait_ms, LOOK_AGAIN_MS));
      if (none.is_of_model) this.#blocked.set(waiter.model, { ...none, until_ms: until_ms + 1 });
      else this.#stuck = { ...none, until_ms };
    }
    this.#tell();
  }

  /** To be called every few milliseconds while anybody waits. */
  tick(): void {
    const now_ms = this.#nowMs();
    this.look();
    // Speed is measured while it is the others' leaving that is waited for.
    const is_of_time = this.#blocked.size > 0 || (this.#stuck !== null && this.#stuck.wait_ms !== null);
    if (this.#lines.size > 0 && !is_of_time) this.#rate.measure(now_ms);
    else this.#rate.pause();
    if (now_ms >= this.#overdue_at_ms) {
      this.#overdue_at_ms = now_ms + OVERDUE_LOOK_MS;
      this.#turnOutOverdue(now_ms);
    }
    if (now_ms >= this.#hopeless_at_ms) {
      this.#hopeless_at_ms = now_ms + HOPELESS_LOOK_MS;
      this.#turnOutHopeless(now_ms);
    }
  }

  #turnOutOverdue(now_ms: number): void {
    for (const waiter of this.#lines) {
      // Whoever came when there was hope may have none any more.
      const wait_ms = (this.#blocked.get(waiter.model) ?? this.#stuck)?.wait_ms ?? 0;
      if (waiter.until_ms > now_ms + wait_ms) continue;
      const retry_after_ms = this.#estimate(waiter, now_ms) ?? GUESS_MS;
      this.leave(waiter);
      waiter.onTurned({ reason: waiter.until_ms > now_ms ? "late" : "overdue", retry_after_ms });
    }
  }

  /** Who was let in before it was known how slow it goes: the last of every line, for as long as they come too late by a good deal. */
  #turnOutHopeless(now_ms: number): void {
    for (const { tenants } of this.#lines.tiers.values()) {
      for (const line of tenants.values()) {
        for (const waiter of [...line].reverse()) {
          const retry_after_ms = this.#estimate(waiter, now_ms);
          if (retry_after_ms === null || now_ms + retry_after_ms * HOPE <= waiter.until_ms) break;
          this.leave(waiter);
          waiter.onTurned({ reason: "late", retry_after_ms });
        }
      }
    }
  }

  /** Who is to be served next, of all processes; null if he is not here, or nobody can be. */
  #next(): Waiter | null {
    let first: { readonly head: Head | null; readonly tag: number; readonly weight: number } | null = null;
    for (const [name, tier] of this.#lines.tiers) {
      const own = this.#headOf(name, tier);
      const other = this.board.headElsewhere(name);
      if (own === null && other === null) continue;
      const tag = this.board.tagOfTier(name, tier.weight);
      const lead = first === null ? -1 : ahead(tag, first.tag);
      if (first !== null && (lead > 0 || (lead === 0 && tier.weight <= first.weight))) continue;
      const is_here = own !== null && (other === null || ahead(own.tag, other) <= 0);
      first = { head: is_here ? own : null, tag, weight: tier.weight };
    }
    return first?.head?.waiter ?? null;
  }

  /** Who is next of a tier, of those here who can be served. */
  #headOf(name: string, { size, tenants }: Tier<Waiter>): Head | null {
    if (size === 0) return null;
    let head: Head | null = null;
    for (const [tenant, line] of tenants) {
      const waiter = this.#servable(line);
      if (waiter === null) continue;
      const tag = this.board.tagOfTenant(name, tenant);
      const lead = head === null ? -1 : ahead(tag, head.tag);
      if (head === null || lead < 0 || (lead === 0 && waiter.arrival < head.waiter.arrival))
        head = { waiter, tag };
    }
    return head;
  }

  /** The first of a tenant's whose model may have a place. */
  #servable(line: ReadonlySet<Waiter>): Waiter | null {
    for (const waiter of line) if (!this.#blocked.has(waiter.model)) return waiter;
    return null;
  }

  /** Tells the others who is next here. */
  #tell(): void {
    let is_anyone = false;
    for (const [name, tier] of this.#lines.tiers) {
      const head = this.#headOf(name, tier);
      this.board.publish(name, head?.tag ?? null);
      is_anyone ||= head !== null;
    }
    this.board.beat(is_anyone);
  }

  /**
   * How long somebody would wait, in milliseconds; null where nobody can tell.
   * His turn comes when his tier has had its share often enough, and within it his tenant; and at the latest when all are gone who
   * are there now.
   */
  #estimate({ tier: name, tenant, model, weight }: Waiter, now_ms: number): number | null {
    const none = this.#blocked.get(model) ?? this.#stuck;
    const per_second = none?.per_second ?? this.#rate.perSecond(now_ms);
    const wait_ms = none?.wait_ms ?? null;
    if (per_second === null) return wait_ms;
    let weights = 0;
    let everybody = 0;
    for (const [other, tier] of this.#lines.tiers) {
      const waiting = this.board.waitingIn(other);
      everybody += waiting;
      if (waiting > 0 && other !== name) weights += tier.weight;
    }
    const tenants = Math.max(1, this.#lines.tiers.get(name)?.tenants.size ?? 1);
    const in_tier = Math.min(this.board.waitingIn(name), this.board.waitingOf(name, tenant) * tenants);
    const turns = Math.min(everybody, Math.ceil((in_tier * (weights + weight)) / weight));
    // Where a place comes with time, the first turn is at that time.
    const behind = wait_ms === null ? turns : Math.max(0, turns - 1);
    return (wait_ms ?? 0) + (behind * 1_000) / per_second;
  }

  #add(waiter: Waiter): void {
    waiter.arrival = this.#arrivals++;
    this.#lines.add(waiter);
    this.board.count(waiter.tier, waiter.tenant, 1);
  }

  #remove(waiter: Waiter): void {
    this.#lines.remove(waiter);
    this.board.count(waiter.tier, waiter.tenant, -1);
    if (this.#lines.size > 0) return;
    this.#stuck = null;
    this.#blocked.clear();
  }
}
