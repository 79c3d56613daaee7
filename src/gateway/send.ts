// Sends one try of a call: the request as its target takes it, with one key.

import type { KeyRefusal } from "../access/key_limits.ts";
import type { Timeouts } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Health } from "../routing/health/health.ts";
import type { Candidate } from "../routing/order.ts";
import type { Second } from "../routing/second.ts";
import { requestPath } from "../upstream/addressing.ts";
import { UpstreamError, type UpstreamRequest } from "../upstream/exchange.ts";
import { SeveralExchanges } from "../upstream/several.ts";
import { authorized } from "../upstream/signing/authorize.ts";
import type { AttemptTools, Outgoing, Sending } from "./attempt.ts";
import type { Call } from "./call.ts";
import { drillClient } from "./drill.ts";
import { connectionFailure, type Failure, unwritable } from "./failure.ts";
import type { Try } from "./one_try.ts";

/** What came of sending: a try under way; why there is none; null where nobody wants it any more, or somebody else probes its target. */
export type Sent = Try | Failure | { readonly limit: KeyRefusal } | null;

/**
 * Sends one try: one exchange with one key. At once, unless its request takes time to be written or signed.
 * @param isWanted asked at the last moment
 */
export function send(
  call: Call,
  second: Second,
  outgoing: Outgoing,
  tools: AttemptTools,
  isWanted: (() => boolean) | null = null,
): Sent | Promise<Sent> {
  const written = outgoing.write(second.candidate.target);
  if (written instanceof Promise || second.key.signing !== null)
    return sendWhenReady(call, second, written, outgoing, tools, isWanted);
  if (written instanceof GatewayError) return unwritable(written);
  return sendNow(call, second, requestsTo(second, outgoing, written, tools.health), written, outgoing, tools);
}

async function sendWhenReady(
  call: Call,
  second: Second,
  writing: ReturnType<Outgoing["write"]>,
  outgoing: Outgoing,
  tools: AttemptTools,
  isWanted: (() => boolean) | null,
): Promise<Sent> {
  const { key, candidate } = second;
  const sending = await writing;
  if (sending instanceof GatewayError) return unwritable(sending);
  const plain = requestsTo(second, outgoing, sending, tools.health);
  const requests = key.signing === null ? plain : await authorized(plain, key.signing);
  if (call.stopped !== null || isWanted?.() === false) return null;
  if (requests instanceof UpstreamError) return connectionFailure(candidate.target.provider.name, requests);
  return sendNow(call, second, requests, sending, outgoing, tools);
}

function sendNow(
  call: Call,
  { candidate, key }: Second,
  requests: readonly UpstreamRequest[],
  sending: Sending,
  { is_stream }: Outgoing,
  tools: AttemptTools,
): Sent {
  const { target, model } = candidate;
  const { provider } = target;
  const { dropped, account } = call;
  const trial = tools.health.begin(target, is_stream, candidate.reason);
  if (trial === null) return null;
  const limit = account?.takeProviderKey(provider, key, target.model) ?? null;
  if (limit !== null) {
    trial.end();
    return { limit };
  }
  call.attempts += 1;
  call.target = target;
  call.model = model;
  account?.sending(model, target);
  const receiver = sending.receiver();
  receiver.trial = trial;
  receiver.drain = provider.drain;
  const mark = account?.place?.mark ?? null;
  receiver.limits = tools.key_limits.hearer(provider, key, target.model, mark);
  if (call.asked_ms === 0) call.asked_ms = performance.now();
  const drill = tools.health.drillOf(target);
  const client = drill === null ? tools.clientOf(provider) : drillClient(drill);
  // Of our own client alone it is known when it has done with a body.
  if (provider.client !== "http1" || drill !== null) call.keepBody();
  // Nobody is waited for.
  if (drill !== null) trial.endWaiting();
  receiver.attach(
    sending.several === undefined
      ? client.exchange(requests[0]!, receiver)
      : new SeveralExchanges(client, requests, receiver),
  );
  return { candidate, key, requests, receiver, dropped, is_drill: drill !== null };
}

/** A request as it is sent with one key, or several in its place; at least one. */
function requestsTo(
  { candidate, key }: Second,
  outgoing: Outgoing,
  sending: Sending,
  health: Health,
): readonly UpstreamRequest[] {
  const { target } = candidate;
  const { provider } = target;
  const request: UpstreamRequest = {
    origin: provider.origin,
    pool: key.name,
    method: outgoing.method,
    path: requestPath(provider, target.model, sending.path, sending.is_compatible),
    headers: outgoing.pass ? key.pass_headers : key.headers,
    extra_headers: sending.extra_headers,
    body: sending.body,
    timeouts: timeoutsOf(candidate, outgoing.is_stream, health),
  };
  return sending.several?.map((body) => ({ ...request, body: [body] })) ?? [request];
}

/** A call that probes while others could answer it does not wait for a target that hangs as long as for one that is well. */
function timeoutsOf({ target, reason, is_last }: Candidate, is_stream: boolean, health: Health): Timeouts {
  const timeouts = is_stream ? target.timeouts.stream : target.timeouts.plain;
  if (reason !== "probe" || is_last) return timeouts;
  const patience_ms = health.patienceMs(target, is_stream);
  const { first_byte_ms } = timeouts;
  if (patience_ms === null || (first_byte_ms > 0 && first_byte_ms <= patience_ms)) return timeouts;
  return { ...timeouts, first_byte_ms: patience_ms };
}
