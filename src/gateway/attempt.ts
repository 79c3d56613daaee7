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
import { type Second, secondOf } from "../routing/second.ts";
import { requestPath } from "../upstream/addressing.ts";
import {
  type UploadBody,
  type UpstreamClient,
  UpstreamError,
  type UpstreamHead,
  type UpstreamRequest,
} from "../upstream/exchange.ts";
import { SeveralExchanges } from "../upstream/several.ts";
import { authorized, wasAccepted, wasRefused } from "../upstream/signing/authorize.ts";
import type { Call } from "./call.ts";
import {
  connectionFailure,
  type FailedAnswer,
  type Failure,
  limitedFailure,
  refuse,
  unwritable,
} from "./failure.ts";
import { type EndedTry, endedAlone, Hedge } from "./hedge.ts";
import type { Try } from "./one_try.ts";
import type { Receiver, TryResult } from "./receiver.ts";
import { restKey, Turn } from "./turn.ts";

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
  const hedge = model.hedge === null || !outgoing.replayable ? null : new Hedge(call, model.hedge);
  const order = orderTargets(model, affinity);
  for (const [place, candidate] of order.entries()) {
    const turn = new Turn(candidate, outgoing.replayable, tools.rotation, affinity);
    for (;;) {
      if (call.stopped !== null) return { kind: "stopped" };
      const step = turn.next(performance.now(), call.at_ms);
      if (step === null) break;
      if (typeof step === "number") {
        await call.sleep(step);
        continue;
      }
      const sent = await send(call, { candidate, key: step }, outgoing, tools);
      if (sent === null) return { kind: "stopped" };
      if ("verdict" in sent) {
        turn.failWith(step, sent, performance.now());
        continue;
      }
      const sendSecond = () => {
        const second = secondOf(order, place, step, tools.rotation, affinity, performance.now());
        return send(call, second, outgoing, tools, () => !sent.receiver.is_settled);
      };
      const { goes_on, beside, beside_was_first } =
        hedge === null ? endedAlone(sent, await sent.receiver.result) : await hedge.race(sent, sendSecond);
      if (beside !== null && beside_was_first) noteBeside(call, beside, tools);
      note(call, goes_on, tools);
      if (beside !== null && !beside_was_first) noteBeside(call, beside, tools);
      const { one, result } = goes_on;
      const { signing } = one.key;
      if (result.kind !== "failed") {
        if (signing !== null) wasAccepted(signing, one.requests[0]!);
        return result;
      }
      const { failure } = result;
      const is_outdated =
        failure.outcome === "401" && signing !== null && wasRefused(signing, one.requests[0]!);
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

/**
 * Sends one try: one exchange with one key. Gives why it could not be sent, or null where nobody wants it any more.
 * @param isWanted asked at the last moment
 */
async function send(
  call: Call,
  { candidate, key }: Second,
  outgoing: Outgoing,
  tools: AttemptTools,
  isWanted = () => true,
): Promise<Try | Failure | null> {
  const { target, model } = candidate;
  const { provider } = target;
  const written = outgoing.write(target);
  const sending = written instanceof Promise ? await written : written;
  if (sending instanceof GatewayError) return unwritable(sending);
  const { dropped } = call;
  const plain = requestsTo(target, key, outgoing, sending);
  const requests = key.signing === null ? plain : await authorized(plain, key.signing);
  if (call.stopped !== null || !isWanted()) return null;
  if (requests instanceof UpstreamError) return connectionFailure(provider.name, requests);
  const refusal = call.account?.takeProviderKey(provider, key) ?? null;
  if (refusal !== null) return limitedFailure(provider.name, refusal.retry_after_ms);
  call.attempts += 1;
  call.target = target;
  call.model = model;
  call.account?.sending(model, target);
  const receiver = sending.receiver();
  if (call.asked_ms === 0) call.asked_ms = performance.now();
  const client = tools.clientOf(provider);
  receiver.attach(
    sending.several === undefined
      ? client.exchange(requests[0]!, receiver)
      : new SeveralExchanges(client, requests, receiver),
  );
  return { candidate, key, requests, receiver, dropped };
}

/** Counts a try, and tells the key's rotation of a good one. */
function note(call: Call, { one, result, outcome }: EndedTry, tools: AttemptTools): void {
  tryEnded(call, one, outcome);
  if (result.kind === "stopped") return;
  const { metrics } = tools;
  const { provider, model } = one.candidate.target;
  const series = metrics.of(provider.name, model || "none");
  series.countAttempt(outcome);
  if (result.kind === "failed") {
    call.account?.leaveProviderKey(NO_USAGE);
    call.listener = null;
    return;
  }
  served(call, one, result, tools);
  const { started_ms, first_byte_ms } = one.receiver.exchange.times;
  series.countFirstByte((first_byte_ms - started_ms) * 1000);
}

/** Counts a try that was not needed, or failed beside another; what its provider told of its usage is paid for. */
function noteBeside(call: Call, { one, result, outcome, place }: EndedTry, tools: AttemptTools): void {
  const { candidate, key, receiver } = one;
  const { target, model } = candidate;
  const usage = receiver.told_usage ?? NO_USAGE;
  tryEnded(call, one, outcome);
  place?.settle({ tokens: usage.input_tokens + usage.output_tokens, nano_usd: 0 });
  if (usage !== NO_USAGE) call.account?.usedBeside(model, target, usage);
  if (outcome === "stopped") return;
  tools.metrics.of(target.provider.name, target.model || "none").countAttempt(outcome);
  if (result.kind === "failed") restKey(target, key, result.failure, tools.rotation, performance.now());
}

function tryEnded(call: Call, { candidate: { target } }: Try, outcome: string): void {
  call.tries = [...call.tries, { provider: target.provider.name, model: target.model, outcome }];
}

/** A key served: it does not rest, unless it has nothing left. */
function served(
  call: Call,
  { candidate: { target }, key }: Try,
  { head }: Extract<TryResult, { readonly head: UpstreamHead }>,
  { rotation }: AttemptTools,
): void {
  const { provider, model } = target;
  rotation.served(provider, key, model);
  // A key that has nothing left is not asked again until it has.
  const rest_ms = providerRestMs((name) => head.headers.get(name), call.wall_ms);
  if (rest_ms !== null) rotation.rest(provider, key, model, rest_ms, performance.now());
}
