// From a routed request to the first answer: targets in order, each with its keys and retries, under one deadline.
// Nothing here has sent the client a byte, so everything here may be tried again.

import { providerRestMs } from "../access/rate_headers.ts";
import type { HeaderFields, ModelPlan, ProviderKey, ProviderPlan, TargetPlan } from "../config/plan.ts";
import { NO_USAGE } from "../dialects/usage.ts";
import { GatewayError } from "../errors.ts";
import type { Metrics } from "../ledger/metrics.ts";
import type { Affinity } from "../routing/affinity.ts";
import { orderTargets } from "../routing/order.ts";
import type { KeyRotation } from "../routing/rotation.ts";
import { requestPath } from "../upstream/addressing.ts";
import {
  type UploadBody,
  type UpstreamClient,
  UpstreamError,
  type UpstreamRequest,
} from "../upstream/exchange.ts";
import { SeveralExchanges } from "../upstream/several.ts";
import { authorized, wasAccepted, wasRefused } from "../upstream/signing/authorize.ts";
import type { Call } from "./call.ts";
import { connectionFailure, type FailedAnswer, limitedFailure, refuse, unwritable } from "./failure.ts";
import type { Receiver, TryResult } from "./receiver.ts";
import { Turn } from "./turn.ts";

/** A request as it would be sent to any of its targets. */
export interface Outgoing {
  readonly method: string;
  /** Whether the body can be sent more than once. */
  readonly replayable: boolean;
  /** Pass the client's own format on untranslated, with the provider's native authorization. */
  readonly pass: boolean;
  /** What it has in common with other requests that a provider's own cache may know. */
  affinity(): Affinity;
  /** The request as a target takes it, or why it cannot be said to it. */
  write(target: TargetPlan): Sending | GatewayError | Promise<Sending | GatewayError>;
  /** Whether the answer is a stream: its first byte comes early. */
  readonly is_stream: boolean;
}

/** A request for one target, and who receives its answer. */
export interface Sending {
  /** Below the provider's base path. */
  readonly path: string;
  /** Whether the path is one of OpenAI's format, which some providers have in a place of its own. */
  readonly is_compatible: boolean;
  readonly extra_headers: HeaderFields;
  readonly body: readonly Uint8Array[] | UploadBody | null;
  /** Bodies to be sent one by one in its place, for providers that take one thing at a time; their answers come as one list. */
  readonly several?: readonly Uint8Array[];
  /** A new receiving end for one try. */
  receiver(): Receiver;
}

/** What the attempts need of the gateway. */
export interface AttemptTools {
  readonly rotation: KeyRotation;
  readonly metrics: Metrics;
  clientOf(provider: Pick<ProviderPlan, "client">): UpstreamClient;
}

/** What all attempts together came to. */
export type Answer =
  | Exclude<TryResult, { readonly kind: "failed" }>
  | { readonly kind: "error"; readonly answer: FailedAnswer };

/** Tries a model's targets until one answers. */
export async function attempt(
  call: Call,
  model: ModelPlan,
  outgoing: Outgoing,
  tools: AttemptTools,
): Promise<Answer> {
  let last: FailedAnswer | null = null;
  const affinity = model.has_prompt_cache ? outgoing.affinity() : null;
  for (const candidate of orderTargets(model, affinity)) {
    const { target, model: tried } = candidate;
    const turn = new Turn(candidate, outgoing.replayable, tools.rotation, affinity);
    for (;;) {
      if (call.stopped !== null) return { kind: "stopped" };
      const step = turn.next(performance.now(), call.at_ms);
      if (step === null) break;
      if (typeof step === "number") {
        await call.sleep(step);
        continue;
      }
      const written = outgoing.write(target);
      const sending = written instanceof Promise ? await written : written;
      if (sending instanceof GatewayError) {
        turn.failWith(step, unwritable(sending), performance.now());
        continue;
      }
      const plain = requestsTo(target, step, outgoing, sending);
      const requests = step.signing === null ? plain : await authorized(plain, step.signing);
      if (call.stopped !== null) return { kind: "stopped" };
      if (requests instanceof UpstreamError) {
        turn.failWith(step, connectionFailure(target.provider.name, requests), performance.now());
        continue;
      }
      const refusal = call.account?.takeProviderKey(target.provider, step) ?? null;
      if (refusal !== null) {
        turn.failWith(step, limitedFailure(target.provider.name, refusal.retry_after_ms), performance.now());
        continue;
      }
      call.model = tried;
      const receiver = tryOnce(call, target, requests, sending, tools);
      const result = await receiver.result;
      note(call, target, step, receiver, result, tools);
      if (result.kind !== "failed") {
        if (step.signing !== null) wasAccepted(step.signing, requests[0]!);
        return result;
      }
      const { failure } = result;
      const is_outdated =
        failure.outcome === "401" && step.signing !== null && wasRefused(step.signing, requests[0]!);
      turn.failWith(step, is_outdated ? { ...failure, verdict: "same" } : failure, performance.now());
    }
    last = preferred(last, turn.answer);
    if (turn.is_final) break;
  }
  return { kind: "error", answer: last ?? refuse("upstream_error", `Model ${model.name} has no target.`) };
}

/** Of two failures the one to tell: the later, unless only the earlier is a provider's own word. */
export function preferred(earlier: FailedAnswer | null, later: FailedAnswer): FailedAnswer {
  return earlier?.from_provider && !later.from_provider ? earlier : later;
}

/** A request as it is sent with one key, or several in its place; at least one. */
function requestsTo(
  target: TargetPlan,
  key: ProviderKey,
  outgoing: Outgoing,
  sending: Sending,
): readonly UpstreamRequest[] {
  const { provider } = target;
  const request: UpstreamRequest = {
    origin: provider.origin,
    pool: key.name,
    method: outgoing.method,
    path: requestPath(provider, target.model, sending.path, sending.is_compatible),
    headers: outgoing.pass ? key.pass_headers : key.headers,
    extra_headers: sending.extra_headers,
    body: sending.body,
    timeouts: outgoing.is_stream ? target.timeouts.stream : target.timeouts.plain,
  };
  return sending.several?.map((body) => ({ ...request, body: [body] })) ?? [request];
}

/** One try: one exchange with one key. */
function tryOnce(
  call: Call,
  target: TargetPlan,
  requests: readonly UpstreamRequest[],
  sending: Sending,
  tools: AttemptTools,
): Receiver {
  call.attempts += 1;
  call.target = target;
  call.account?.sending(call.model!, target);
  const receiver = sending.receiver();
  if (call.asked_ms === 0) call.asked_ms = performance.now();
  const client = tools.clientOf(target.provider);
  receiver.attach(
    sending.several === undefined
      ? client.exchange(requests[0]!, receiver)
      : new SeveralExchanges(client, requests, receiver),
  );
  return receiver;
}

/** Counts a try, and tells the key's rotation of a good one. */
function note(
  call: Call,
  { provider, model }: TargetPlan,
  key: ProviderKey,
  receiver: Receiver,
  result: TryResult,
  { metrics, rotation }: AttemptTools,
): void {
  const outcome =
    result.kind === "failed" ? result.failure.outcome : result.kind === "stopped" ? "stopped" : "ok";
  call.tries = [...call.tries, { provider: provider.name, model, outcome }];
  if (result.kind === "stopped") return;
  const series = metrics.of(provider.name, model || "none");
  if (result.kind === "failed") {
    series.countAttempt(outcome);
    call.account?.leaveProviderKey(NO_USAGE);
    call.listener = null;
    return;
  }
  series.countAttempt(outcome);
  rotation.served(provider, key, model);
  // A key that has nothing left is not asked again until it has.
  const rest_ms = providerRestMs((name) => result.head.headers.get(name), call.wall_ms);
  if (rest_ms !== null) rotation.rest(provider, key, model, rest_ms, performance.now());
  const { started_ms, first_byte_ms } = receiver.exchange.times;
  series.countFirstByte((first_byte_ms - started_ms) * 1000);
}
