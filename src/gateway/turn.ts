// A target's turn: which of its keys to try next, after what wait, and when to give the target up.
// It decides and remembers; the trying is done by `attempt`.

import type { KeyRefusal } from "../access/key_limits.ts";
import type { ProviderKey, ProviderPlan, TargetPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Affinity } from "../routing/affinity.ts";
import type { Candidate } from "../routing/order.ts";
import { backoffMs } from "../routing/retry.ts";
import type { KeyChoice, KeyRotation } from "../routing/rotation.ts";
import { type FailedAnswer, type Failure, limitedFailure, ownAnswer, refuse } from "./failure.ts";

/** A target's turn. */
export class Turn {
  /** The request itself is at fault, or is spent: no other target is to be tried either. */
  is_final = false;
  /** Whether the target was given up only because it may not be asked now: it may be gone on with when there is a place. */
  is_saturated = false;

  /** Whether it need not wait behind others, because it is not for want of a place that it would fail. */
  is_past_queue = false;

  readonly candidate: Candidate;
  readonly affinity: Affinity;

  readonly #replayable: boolean;
  readonly #rotation: KeyRotation;
  readonly #retries: number;
  #retries_left: number;
  #failed: Failure | null = null;
  #is_over = false;
  /** How long the last failure asks to wait; null: another key can be tried at once. */
  #wait_ms: number | null = null;
  /** Keys that failed, from the first failure on. */
  #tried: Set<ProviderKey> | null = null;
  #next: KeyChoice | null = null;

  /**
   * @param affinity calls of the same one get the same key
   * @param retries in place of the model's; null: as the model says
   */
  constructor(
    candidate: Candidate,
    replayable: boolean,
    rotation: KeyRotation,
    affinity: Affinity,
    retries: number | null = null,
  ) {
    this.affinity = affinity;
    this.candidate = candidate;
    this.#replayable = replayable;
    this.#rotation = rotation;
    const may_retry = replayable && candidate.reason === "free";
    this.#retries = may_retry ? (retries ?? candidate.model.retries.attempts) : 0;
    this.#retries_left = this.#retries;
  }

  /** Whether no try has failed. */
  get is_untried(): boolean {
    return this.#failed === null;
  }

  /** What to tell when the target was given up. */
  get answer(): FailedAnswer {
    return this.#failed?.answer ?? credentialsExhausted(this.candidate.target.provider);
  }

  /**
   * What to do next: try a key, wait so many milliseconds, or give the target up (null).
   * @param end_ms when the call's time is over, on the same clock as `now_ms`
   */
  next(now_ms: number, end_ms: number): ProviderKey | number | null {
    if (this.#is_over || this.is_saturated) return null;
    if (this.#wait_ms !== null) {
      const wait_ms = this.#wait_ms;
      this.#wait_ms = null;
      return this.#wait(wait_ms, end_ms - now_ms);
    }
    const choice = this.#next ?? this.#choose(now_ms);
    this.#next = null;
    if (choice.key !== null) return choice.key;
    if (choice.reason === "refused") this.#failed = null;
    // A timer may be early by a fraction of a millisecond.
    else this.saturate(choice.wait_ms + 1);
    return null;
  }

  /** The target may not be asked now, for about so long at least. */
  saturate(wait_ms: number | null): void {
    this.is_saturated = true;
    this.#failed ??= restingFailure(this.candidate.target.provider, wait_ms);
  }

  /** There is a place: this key is tried next. Null: there is none, and never will be, which is for the next try to find. */
  goOnWith(key: ProviderKey | null): void {
    this.is_saturated = false;
    this.is_past_queue = key === null;
    this.#tried = null;
    this.#next = key === null ? null : { key };
  }

  /** A try with a key failed: the key rests where the failure says so, and the turn ends where it must. */
  failWith(key: ProviderKey, failure: Failure, now_ms: number): void {
    const { target, model } = this.candidate;
    const { provider } = target;
    const { verdict, answer, retry_after_ms } = failure;
    this.#failed = failure;
    restKey(target, key, failure, this.#rotation, now_ms);
    if (verdict === "final" || verdict === "next" || !this.#replayable) {
      this.#failed = { ...failure, answer: withoutCredentials(provider, answer) };
      this.#is_over = true;
      this.is_final = verdict === "final" || !this.#replayable;
      return;
    }
    this.#tried ??= new Set();
    this.#tried.add(key);
    // Every refusal takes a key out of rotation, so this ends.
    if (verdict === "key") return;
    if (verdict === "rest" && provider.keys.length > 1) {
      const other = this.#choose(now_ms, this.#tried);
      if (other.key !== null) {
        this.#next = other;
        return;
      }
    }
    if (verdict === "rest" && retry_after_ms !== null) {
      // It is asked again when it has a place, which costs a retry.
      this.#is_over = this.#retries_left === 0;
      this.#retries_left -= 1;
      this.is_saturated = !this.#is_over;
      return;
    }
    // Without a word on when, another target is the better guess.
    if (verdict === "rest" && !this.candidate.is_last) {
      this.#is_over = true;
      return;
    }
    const retry_number = this.#retries - this.#retries_left + 1;
    this.#wait_ms =
      retry_after_ms === null ? backoffMs(retry_number, model.retries.backoff_ms) : retry_after_ms + 1;
  }

  /** The target is not to be tried any more. */
  giveUp(failure: Failure): void {
    this.#failed = failure;
    this.#is_over = true;
  }

  /** A key is at its limits, and nothing was sent: another may not be. */
  failLimited(key: ProviderKey, { retry_after_ms }: KeyRefusal, now_ms: number): void {
    const { provider } = this.candidate.target;
    this.#tried ??= new Set();
    this.#tried.add(key);
    const other = provider.keys.length > 1 ? this.#choose(now_ms, this.#tried) : null;
    if (other?.key) this.#next = other;
    else if (retry_after_ms !== null) this.saturate(retry_after_ms);
    else {
      this.#failed = limitedFailure(provider.name, null);
      this.#is_over = true;
    }
  }

  #choose(now_ms: number, except?: ReadonlySet<ProviderKey>): KeyChoice {
    const { provider, model } = this.candidate.target;
    return this.#rotation.choose(provider, model, now_ms, except, this.affinity);
  }

  /** Spends a retry on a wait, unless there is none left or it would take too long. */
  #wait(wait_ms: number, left_ms: number): number | null {
    if (this.#retries_left === 0 || wait_ms >= left_ms) return null;
    this.#retries_left -= 1;
    return wait_ms;
  }
}

/** Takes a key out of rotation where the failure says so. */
export function restKey(
  target: TargetPlan,
  key: ProviderKey,
  failure: Failure,
  rotation: KeyRotation,
  now_ms: number,
): void {
  const { provider, model } = target;
  const { verdict, retry_after_ms } = failure;
  if (verdict === "key") rotation.refuse(provider, key, now_ms);
  else if (verdict === "rest" && retry_after_ms) rotation.rest(provider, key, model, retry_after_ms, now_ms);
}

/** A provider may not be asked now, by what is known of its limits. */
function restingFailure(provider: ProviderPlan, wait_ms: number | null): Failure {
  const when = wait_ms === null ? "in a moment" : `in ${Math.ceil(wait_ms / 1_000)} s`;
  const error = new GatewayError(
    "rate_limit_exceeded",
    `Provider ${provider.name} may not be asked now: the limits of its keys are reached. Try again ${when}.`,
    wait_ms === null ? {} : { retry_after_ms: wait_ms },
  );
  return { verdict: "rest", answer: ownAnswer(error), retry_after_ms: wait_ms, outcome: "resting" };
}

function credentialsExhausted(provider: ProviderPlan): FailedAnswer {
  return refuse(
    "upstream_credentials_exhausted",
    `Provider ${provider.name} refuses every key that this gateway has for it (401, 402 or 403). Whoever runs the gateway must renew them.`,
  );
}

/** A provider's word on the gateway's credentials never reaches a client, whose own key is not meant by it. */
function withoutCredentials(provider: ProviderPlan, answer: FailedAnswer): FailedAnswer {
  const is_on_credentials = answer.status === 401 || answer.status === 402 || answer.status === 403;
  return is_on_credentials ? credentialsExhausted(provider) : answer;
}
