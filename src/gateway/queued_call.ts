// A call that waits for a place: in the queue of every provider that could serve it, until one of them has a place for it, all of them
// have turned it away, or it is stopped.

import type { NoPlace, ProviderQueue, Turned, Waiter } from "../access/provider_queue.ts";
import type { ProviderKey, ProviderPlan, QueuePlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { KeyRotation } from "../routing/rotation.ts";
import type { Call, StopListener, StopReason } from "./call.ts";
import type { Turn } from "./turn.ts";

/** Keys that are tried for one place. */
const KEYS_MAX = 16;

/** A place that a call has come to: the turn to go on with, and the key that it is at; null: there is something to be told. */
export interface Granted {
  readonly turn: Turn;
  readonly key: ProviderKey | null;
}

/** How waiting ended: with a place, by being turned away, or because the call was stopped. */
export type Waited = Granted | (Turned & { readonly provider: ProviderPlan }) | StopReason;

/** A call in queues. */
export class QueuedCall implements StopListener {
  readonly call: Call;
  readonly #rotation: KeyRotation;
  readonly #tickets = new Map<Ticket, ProviderQueue>();
  readonly #ended = Promise.withResolvers<Waited>();
  #turned: (Turned & { readonly provider: ProviderPlan }) | null = null;
  #is_over = false;

  constructor(call: Call, rotation: KeyRotation) {
    this.call = call;
    this.#rotation = rotation;
  }

  /** Whether it waits no more. */
  get is_over(): boolean {
    return this.#is_over;
  }

  /** Joins the queue of a turn's provider, unless it gets a place there at once. */
  enter(queue: ProviderQueue, plan: QueuePlan, turn: Turn, now_ms: number): void {
    const ticket = new Ticket(this, turn, now_ms + Math.min(plan.max_wait_ms, this.call.left_ms));
    this.#tickets.set(ticket, queue);
    const turned = queue.enter(ticket, plan);
    if (turned !== null) this.turnAway(ticket, turned);
  }

  /** It waits from here on. */
  ended(): Promise<Waited> {
    if (!this.#is_over) {
      if (this.call.stopped !== null) this.onStop(this.call.stopped);
      else if (this.#tickets.size === 0) this.#end(this.#turned!);
      else this.call.listener = this;
    }
    return this.#ended.promise;
  }

  onStop(reason: StopReason): void {
    this.#end(reason);
  }

  /** Takes a place with any key that has one; or tells why there is none. */
  take({ turn }: Ticket): NoPlace | null {
    const { candidate, affinity } = turn;
    const { provider, model } = candidate.target;
    const { account } = this.call;
    let except: Set<ProviderKey> | undefined;
    let none: NoPlace | null = null;
    for (let tried = 0; tried < KEYS_MAX; tried++) {
      const choice = this.#rotation.choose(provider, model, performance.now(), except, affinity);
      if (choice.key === null) {
        // Where no key is any good, there is nothing to wait for.
        if (choice.reason === "refused" && none === null) break;
        return none ?? { wait_ms: choice.wait_ms, per_second: null, is_of_model: true };
      }
      const refusal = account?.keepProviderKey(provider, choice.key, model) ?? null;
      if (refusal === null) {
        this.#end({ turn, key: choice.key });
        return null;
      }
      if (refusal.retry_after_ms === null) break;
      none = none === null ? refusal : soonerOf(none, refusal);
      except ??= new Set();
      except.add(choice.key);
      if (except.size === provider.keys.length) return none;
    }
    if (none !== null) return none;
    this.#end({ turn, key: null });
    return null;
  }

  /** A queue does not want it: it waits in the others, if it is in any. */
  turnAway(ticket: Ticket, turned: Turned): void {
    this.#tickets.delete(ticket);
    const is_sooner = this.#turned === null || turned.retry_after_ms < this.#turned.retry_after_ms;
    if (is_sooner) this.#turned = { ...turned, provider: ticket.turn.candidate.target.provider };
    // Its time may be over at this very moment.
    if (turned.reason === "overdue" && this.call.left_ms <= 0) this.call.stop("deadline");
    if (this.#tickets.size === 0 && this.call.listener === this) this.#end(this.#turned!);
  }

  #end(waited: Waited): void {
    if (this.#is_over) return;
    this.#is_over = true;
    if (this.call.listener === this) this.call.listener = null;
    for (const [ticket, queue] of this.#tickets) {
      // The queue that it is served by takes it out itself.
      if (typeof waited !== "object" || !("turn" in waited) || ticket.turn !== waited.turn)
        queue.leave(ticket);
    }
    this.#tickets.clear();
    this.#ended.resolve(waited);
  }
}

/** A call's place in one queue. */
class Ticket implements Waiter {
  readonly tier: string;
  readonly weight: number;
  readonly tenant: string;
  readonly model: string;
  readonly bytes: number;
  readonly until_ms: number;
  readonly turn: Turn;
  arrival = 0;
  readonly #queued: QueuedCall;

  constructor(queued: QueuedCall, turn: Turn, until_ms: number) {
    const { client, plan, account } = queued.call;
    this.#queued = queued;
    this.turn = turn;
    this.until_ms = until_ms;
    this.tier = client?.tier ?? NO_TIER;
    this.weight = plan.tiers.get(this.tier)?.weight ?? 1;
    this.tenant = client?.tenant ?? "";
    this.model = turn.candidate.target.model;
    this.bytes = account?.request_bytes ?? 0;
  }

  take(): NoPlace | null {
    return this.#queued.take(this);
  }

  onTurned(turned: Turned): void {
    this.#queued.turnAway(this, turned);
  }
}

/** The tier of keys that name none; it weighs 1. */
export const NO_TIER = "";

/** What is known of two places: the earlier of them. */
function soonerOf(one: NoPlace, other: NoPlace): NoPlace {
  if (one.wait_ms === null) return one;
  return other.wait_ms === null || other.wait_ms < one.wait_ms ? other : one;
}

/** What a call is told that may not wait. */
export function turnedError({
  reason,
  retry_after_ms,
  provider,
}: Turned & { readonly provider: ProviderPlan }) {
  const why = {
    full: "its queue is full",
    late: "this call would not be served in time",
    overdue: "this call has waited for as long as it may",
  }[reason];
  const message = `Provider ${provider.name} is saturated, and ${why}. Try again in ${Math.ceil(retry_after_ms / 1_000)} s.`;
  return new GatewayError("rate_limit_exceeded", message, { retry_after_ms });
}
