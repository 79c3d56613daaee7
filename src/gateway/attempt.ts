// From a routed request to the first answer: targets in order, each with its keys and retries, under one deadline.
// Nothing here has sent the client a byte, so everything here may be tried again.

import type { HeaderFields, ModelPlan, ProviderKey, ProviderPlan, TargetPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Metrics } from "../ledger/metrics.ts";
import { type Candidate, orderTargets } from "../routing/order.ts";
import { backoffMs, WAIT_MAX_MS, WAIT_WITH_ALTERNATIVES_MAX_MS } from "../routing/retry.ts";
import type { KeyChoice, KeyRotation } from "../routing/rotation.ts";
import { requestPath } from "../upstream/addressing.ts";
import type { UploadBody, UpstreamClient } from "../upstream/exchange.ts";
import type { Call } from "./call.ts";
import { type FailedAnswer, type Failure, ownAnswer, refuse } from "./failure.ts";
import type { Receiver, TryResult } from "./receiver.ts";

/** A request as it would be sent to any of its targets. */
export interface Outgoing {
  readonly method: string;
  /** Below the provider's base path. */
  readonly path: string;
  /** Whether the body can be sent more than once. */
  readonly replayable: boolean;
  /** Pass the client's own format on untranslated, with the provider's native authorization. */
  readonly pass: boolean;
  readonly extra_headers: HeaderFields;
  body(target: TargetPlan): readonly Uint8Array[] | UploadBody | null;
  /** A new receiving end for one try. */
  receiver(target: TargetPlan): Receiver;
  /** Whether the answer is a stream: its first byte comes early. */
  readonly is_stream: boolean;
}

/** What the attempts need of the gateway. */
export interface AttemptTools {
  readonly rotation: KeyRotation;
  readonly metrics: Metrics;
  clientOf(provider: ProviderPlan): UpstreamClient;
}

/** What all attempts together came to. */
export type Answer =
  | Exclude<TryResult, { readonly kind: "failed" }>
  | { readonly kind: "error"; readonly answer: FailedAnswer };

/** What one target came to: an answer, or a failure to remember while the next is tried. */
type TargetResult =
  | Exclude<TryResult, { readonly kind: "failed" }>
  | { readonly kind: "failed"; readonly answer: FailedAnswer; readonly is_final: boolean };

/** Tries a model's targets until one answers. */
export async function attempt(
  call: Call,
  model: ModelPlan,
  outgoing: Outgoing,
  tools: AttemptTools,
): Promise<Answer> {
  let last: FailedAnswer | null = null;
  for (const candidate of orderTargets(model)) {
    const result = await tryTarget(call, candidate, outgoing, tools);
    if (result.kind !== "failed") return result;
    last = preferred(last, result.answer);
    if (result.is_final) break;
  }
  return { kind: "error", answer: last ?? refuse("upstream_error", `Model ${model.name} has no target.`) };
}

/** Of two failures the one to tell: the later, unless only the earlier is a provider's own word. */
function preferred(earlier: FailedAnswer | null, later: FailedAnswer): FailedAnswer {
  return earlier?.from_provider && !later.from_provider ? earlier : later;
}

async function tryTarget(
  call: Call,
  candidate: Candidate,
  outgoing: Outgoing,
  tools: AttemptTools,
): Promise<TargetResult> {
  const { target, model, is_last } = candidate;
  const { provider } = target;
  const wait_max_ms = is_last ? WAIT_MAX_MS : WAIT_WITH_ALTERNATIVES_MAX_MS;
  let retries_left = outgoing.replayable ? model.retries.attempts : 0;
  const tried = new Set<ProviderKey>();
  let failed: Failure | null = null;
  let next: KeyChoice | null = null;
  for (;;) {
    if (call.stopped !== null) return { kind: "stopped" };
    const choice: KeyChoice = next ?? tools.rotation.choose(provider, target.model, performance.now());
    next = null;
    let wait_ms: number;
    if (choice.key === null) {
      if (choice.reason === "refused") {
        return { kind: "failed", answer: credentialsExhausted(provider), is_final: false };
      }
      // A timer may be early by a fraction of a millisecond.
      wait_ms = choice.wait_ms + 1;
      if (failed === null) {
        failed = restingFailure(provider, wait_ms);
        // Nothing was tried yet, and another target is at hand.
        if (!is_last) return { kind: "failed", answer: failed.answer, is_final: false };
      }
    } else {
      const result = await tryOnce(call, target, choice.key, outgoing, tools);
      if (result.kind !== "failed") return result;
      failed = result.failure;
      tried.add(choice.key);
      restKey(target, choice.key, failed, tools.rotation);
      const { verdict, answer, retry_after_ms } = failed;
      if (verdict === "final" || verdict === "next" || !outgoing.replayable) {
        const is_final = verdict === "final" || !outgoing.replayable;
        return { kind: "failed", answer: withoutCredentials(provider, answer), is_final };
      }
      // Every refusal takes a key out of rotation, so this ends.
      if (verdict === "key") continue;
      if (verdict === "rest" && provider.keys.length > 1) {
        const other = tools.rotation.choose(provider, target.model, performance.now(), tried);
        if (other.key !== null) {
          next = other;
          continue;
        }
      }
      const retry_number = model.retries.attempts - retries_left + 1;
      wait_ms =
        retry_after_ms === null ? backoffMs(retry_number, model.retries.backoff_ms) : retry_after_ms + 1;
    }
    const is_hopeless = retries_left === 0 || wait_ms > wait_max_ms || wait_ms >= call.left_ms;
    if (is_hopeless) return { kind: "failed", answer: failed.answer, is_final: false };
    retries_left -= 1;
    await call.sleep(wait_ms);
  }
}

/** Takes a key out of rotation where the failure says so. */
function restKey(target: TargetPlan, key: ProviderKey, failure: Failure, rotation: KeyRotation): void {
  const { provider, model } = target;
  const { verdict, retry_after_ms } = failure;
  const now_ms = performance.now();
  if (verdict === "key") rotation.refuse(provider, key, now_ms);
  else if (verdict === "rest" && retry_after_ms) rotation.rest(provider, key, model, retry_after_ms, now_ms);
}

/** All keys of a provider rest because of its rate limits, by what earlier calls heard. */
function restingFailure(provider: ProviderPlan, wait_ms: number): Failure {
  const error = new GatewayError(
    "rate_limit_exceeded",
    `Provider ${provider.name} asked not to be called for another ${Math.ceil(wait_ms / 1000)} s. Try again then.`,
    { retry_after_ms: wait_ms },
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

/** One try: one exchange with one key. */
async function tryOnce(
  call: Call,
  target: TargetPlan,
  key: ProviderKey,
  outgoing: Outgoing,
  tools: AttemptTools,
): Promise<TryResult> {
  const { provider } = target;
  call.attempts += 1;
  call.provider = provider.name;
  call.served_model = target.model;
  const receiver = outgoing.receiver(target);
  const request = {
    origin: provider.origin,
    pool: key.name,
    method: outgoing.method,
    path: requestPath(provider, target.model, outgoing.path),
    headers: outgoing.pass ? key.pass_headers : key.headers,
    extra_headers: outgoing.extra_headers,
    body: outgoing.body(target),
    timeouts: outgoing.is_stream ? target.timeouts.stream : target.timeouts.plain,
  };
  if (call.times.asked === 0) call.times.asked = performance.now();
  receiver.attach(tools.clientOf(provider).exchange(request, receiver));
  const result = await receiver.result;
  if (result.kind === "failed") {
    tools.metrics.attempt(provider.name, target.model, result.failure.outcome);
    call.onStop = null;
  } else if (result.kind !== "stopped") {
    tools.metrics.attempt(provider.name, target.model, "ok");
    tools.rotation.served(provider, key, target.model);
    const { started_ms, first_byte_ms } = receiver.exchange.times;
    tools.metrics.firstByte(provider.name, target.model, (first_byte_ms - started_ms) * 1000);
  }
  return result;
}
