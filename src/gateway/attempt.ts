// From a routed request to the first answer: targets in order, each with its keys and retries, under one deadline.
// Nothing here has sent the client a byte, so everything here may be tried again.

import type { KeyLimits, KeyRefusal } from "../access/key_limits.ts";
import type { HeaderFields, ModelPlan, ProviderPlan, TargetPlan, Timeouts } from "../config/plan.ts";
import { NO_USAGE } from "../dialects/usage.ts";
import { GatewayError } from "../errors.ts";
import type { Metrics } from "../ledger/metrics.ts";
import { admitted, asLastResort, soonestProbeMs } from "../routing/admission.ts";
import type { Affinity } from "../routing/affinity.ts";
import type { Health } from "../routing/health/health.ts";
import { type Candidate, needsAffinity, orderTargets } from "../routing/order.ts";
import type { KeyRotation } from "../routing/rotation.ts";
import { type Second, secondOf } from "../routing/second.ts";
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
import { DRILL_OUTCOME, drillClient } from "./drill.ts";
import {
  connectionFailure,
  type FailedAnswer,
  type Failure,
  ownAnswer,
  refuse,
  showingOf,
  unwritable,
} from "./failure.ts";
import { type EndedTry, endedAlone, Hedge } from "./hedge.ts";
import type { Tried, Try } from "./one_try.ts";
import type { Queues } from "./queues.ts";
import type { Receiver, TryResult } from "./receiver.ts";
import { restKey, Turn } from "./turn.ts";
import { tooLate } from "./worth_starting.ts";

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
  readonly health: Health;
  readonly metrics: Metrics;
  readonly key_limits: KeyLimits;
  readonly queues: Queues;
  clientOf(provider: Pick<ProviderPlan, "client">): UpstreamClient;
}

/** What all attempts together came to. */
export type Answer =
  | (Exclude<TryResult, { readonly kind: "failed" }> & {
      /** Whether what it used is in the call's account already; not by default. */
      readonly is_charged?: boolean;
    })
  | { readonly kind: "error"; readonly answer: FailedAnswer };

/** Tries a model's targets until one answers. Those that may not be asked now are waited for when no other has answered. */
export async function attempt(
  call: Call,
  model: ModelPlan,
  outgoing: Outgoing,
  tools: AttemptTools,
): Promise<Answer> {
  let last: FailedAnswer | null = null;
  const affinity = needsAffinity(model) ? outgoing.affinity() : null;
  const hedge =
    model.hedge === null || !outgoing.replayable
      ? null
      : new Hedge(call, model.hedge, tools.health, outgoing.is_stream);
  const all = orderTargets(model, {
    ...{ affinity, health: tools.health, is_stream: outgoing.is_stream, may_measure: true },
    costOf: (one, target) => call.account?.expectedCostAt(one, target) ?? null,
    random: Math.random,
  });
  const order = admitted(all, tools.health, (target) => passOver(call, target, tools));
  const targets: Targets = { model, order, affinity, outgoing, hedge, tools };
  const saturated: Turn[] = [];
  for (const candidate of order) {
    const turn = new Turn(candidate, outgoing.replayable, tools.rotation, affinity);
    const answer = await tryTarget(call, turn, targets, last === null);
    if (answer === "passed over") continue;
    if (answer !== null) return answer;
    last = preferred(last, turn.answer);
    if (turn.is_final) return { kind: "error", answer: last };
    const may_wait = call.may_wait && candidate.target.provider.queue !== null;
    if (turn.is_saturated && may_wait) saturated.push(turn);
  }
  while (saturated.length > 0) {
    const granted = await tools.queues.wait(call, saturated);
    if (granted === null) return { kind: "stopped" };
    if (granted instanceof GatewayError) {
      last = preferred(last, ownAnswer(granted));
      break;
    }
    const { turn, key } = granted;
    turn.goOnWith(key);
    const answer = await tryTarget(call, turn, targets, last === null);
    if (answer !== null && answer !== "passed over") return answer;
    last = preferred(last, turn.answer);
    if (turn.is_final) break;
    if (!turn.is_saturated) saturated.splice(saturated.indexOf(turn), 1);
  }
  return { kind: "error", answer: last ?? nobodyLeft(model, all, tools.health) };
}

/** A target is not tried because its breaker is open. */
export function passOver(call: Call, target: TargetPlan, { health }: Pick<AttemptTools, "health">): void {
  call.tries = [...call.tries, triedOf(target, "open")];
  health.of(target).countPassedOver();
}

/** No target was tried: as many calls as may try one that fails do so already. */
function nobodyLeft({ name }: ModelPlan, order: readonly Candidate[], health: Health): FailedAnswer {
  if (order.length === 0) return refuse("upstream_error", `Model ${name} has no target.`);
  const retry_after_ms = Math.max(1_000, soonestProbeMs(order, health));
  const message = `Everything that could answer for ${name} is failing. Try again in ${Math.ceil(retry_after_ms / 1_000)} s.`;
  return ownAnswer(new GatewayError("unavailable", message, { retry_after_ms }));
}

/** What the targets of one call have in common. */
interface Targets {
  readonly model: ModelPlan;
  readonly order: readonly Candidate[];
  readonly affinity: Affinity;
  readonly outgoing: Outgoing;
  readonly hedge: Hedge | null;
  readonly tools: AttemptTools;
}

/**
 * Tries one target, with its keys and retries. Null: it is given up.
 * @param is_only no other target has failed yet
 */
async function tryTarget(
  call: Call,
  turn: Turn,
  targets: Targets,
  is_only: boolean,
): Promise<Answer | "passed over" | null> {
  const { candidate } = turn;
  const { target } = candidate;
  const { model, outgoing, hedge, tools } = targets;
  for (;;) {
    if (call.stopped !== null) return stopped(call);
    const step = turn.next(performance.now(), call.at_ms);
    if (step === null) return null;
    if (typeof step === "number") {
      await call.sleep(step);
      continue;
    }
    // Whoever comes while others wait for a provider waits behind them.
    const is_next = turn.is_past_queue || call.account?.hasPlaceAt(step) === true;
    if (!is_next && tools.queues.isContended(target.provider)) {
      turn.saturate(null);
      continue;
    }
    const late = tooLate(call, target, outgoing.is_stream, tools.health);
    if (late !== null) {
      call.account?.cancelKept();
      call.tries = [...call.tries, triedOf(target, late.outcome)];
      turn.giveUp(late);
      return null;
    }
    let sent = await send(call, { candidate, key: step }, outgoing, tools);
    // Somebody else is probing it; but there is nobody else to ask.
    if (sent === null && call.stopped === null && candidate.is_last && is_only)
      sent = await send(call, { candidate: asLastResort(candidate), key: step }, outgoing, tools);
    if (sent === null) {
      if (call.stopped !== null) return stopped(call);
      call.account?.cancelKept();
      passOver(call, target, tools);
      return turn.is_untried ? "passed over" : null;
    }
    if ("limit" in sent) {
      turn.failLimited(step, sent.limit, performance.now());
      continue;
    }
    if ("verdict" in sent) {
      call.account?.cancelKept();
      turn.failWith(step, sent, performance.now());
      continue;
    }
    const first = sent;
    const { goes_on, beside, beside_was_first } =
      hedge === null
        ? endedAlone(first, await first.receiver.result)
        : await hedge.race(first, () => sendSecond(call, first, targets));
    if (beside !== null && beside_was_first) noteBeside(call, beside, tools);
    note(call, goes_on, model, tools);
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
    // Whoever opened its breaker, to try it again would be one failure more.
    if (candidate.reason === "free" && tools.health.of(target).look(target.breaker) !== "free") {
      turn.is_saturated = false;
      return null;
    }
  }
}

/** The call ends before anything was sent to the target that it has a place at. */
function stopped(call: Call): Answer {
  call.account?.cancelKept();
  return { kind: "stopped" };
}

/** The try beside one that takes long; null where it cannot be made, or is not wanted any more. */
async function sendSecond(call: Call, first: Try, { order, affinity, outgoing, tools }: Targets) {
  const second = secondOf(order, first, tools.rotation, affinity, performance.now());
  const { target } = second.candidate;
  // Nobody is asked twice where others wait to be asked once, or where the answer would come too late.
  if (tools.queues.isSaturated(target)) return null;
  if (tooLate(call, target, outgoing.is_stream, tools.health) !== null) return null;
  const sent = await send(call, second, outgoing, tools, () => !first.receiver.is_settled);
  return sent === null || "limit" in sent || "verdict" in sent ? null : sent;
}

/** Of two failures the one to tell: the later, unless only the earlier is a provider's own word. */
export function preferred(earlier: FailedAnswer | null, later: FailedAnswer): FailedAnswer {
  return earlier?.from_provider && !later.from_provider ? earlier : later;
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

/**
 * Sends one try: one exchange with one key. Gives why it could not be sent, or null where nobody wants it any more, or where it was
 * to probe its target and somebody else does so already.
 * @param isWanted asked at the last moment
 */
async function send(
  call: Call,
  second: Second,
  outgoing: Outgoing,
  tools: AttemptTools,
  isWanted = () => true,
): Promise<Try | Failure | { readonly limit: KeyRefusal } | null> {
  const { candidate, key } = second;
  const { target, model } = candidate;
  const { provider } = target;
  const written = outgoing.write(target);
  const sending = written instanceof Promise ? await written : written;
  if (sending instanceof GatewayError) return unwritable(sending);
  const { dropped } = call;
  const plain = requestsTo(second, outgoing, sending, tools.health);
  const requests = key.signing === null ? plain : await authorized(plain, key.signing);
  if (call.stopped !== null || !isWanted()) return null;
  if (requests instanceof UpstreamError) return connectionFailure(provider.name, requests);
  const trial = tools.health.begin(target, outgoing.is_stream, candidate.reason);
  if (trial === null) return null;
  const limit = call.account?.takeProviderKey(provider, key, target.model) ?? null;
  if (limit !== null) {
    trial.end();
    return { limit };
  }
  call.attempts += 1;
  call.target = target;
  call.model = model;
  call.account?.sending(model, target);
  const receiver = sending.receiver();
  receiver.trial = trial;
  receiver.drain = provider.drain;
  const mark = call.account?.place?.mark ?? null;
  receiver.onLimits = (fields) => tools.key_limits.learn(provider, key, target.model, fields, mark);
  if (call.asked_ms === 0) call.asked_ms = performance.now();
  const drill = tools.health.drillOf(target);
  const client = drill === null ? tools.clientOf(provider) : drillClient(drill);
  // Nobody is waited for.
  if (drill !== null) trial.endWaiting();
  receiver.attach(
    sending.several === undefined
      ? client.exchange(requests[0]!, receiver)
      : new SeveralExchanges(client, requests, receiver),
  );
  return { candidate, key, requests, receiver, dropped, is_drill: drill !== null };
}

/** Counts a try, and tells the key's rotation of a good one. */
function note(call: Call, ended: EndedTry, asked: ModelPlan, tools: AttemptTools): void {
  const { one, result, outcome } = ended;
  const { trial } = one.receiver;
  const word = wordOf(one, result, outcome);
  tryEnded(call, ended, word);
  if (result.kind === "stopped") {
    if (isTooSlow(call, asked, one.receiver)) trial?.shows("ill", "deadline");
    trial?.end();
    return;
  }
  const { metrics } = tools;
  const { provider, model } = one.candidate.target;
  const series = metrics.of(provider.name, model || "none");
  series.countAttempt(word);
  const took_ms = performance.now() - one.receiver.exchange.times.started_ms;
  if (result.kind === "failed") {
    trial?.end();
    countKeyFailure(one, result.failure, word, tools);
    call.account?.leaveProviderKey(NO_USAGE);
    call.listener = null;
    return;
  }
  tools.rotation.served(provider, one.key, model, performance.now());
  const { started_ms, first_byte_ms } = one.receiver.exchange.times;
  series.countFirstByte((first_byte_ms - started_ms) * 1000);
  trial?.answered(first_byte_ms - started_ms);
  tools.health.countKey(provider, one.key, false, took_ms, word);
  // A stream is under way until its call is over.
  if (result.kind === "flow") call.trial = trial;
  else trial?.end();
}

/** Whether a try took most of the time that the model itself allows, and nothing came; what clients wish shows nothing. */
function isTooSlow(call: Call, { deadline_ms }: ModelPlan, { exchange }: Receiver): boolean {
  if (call.stopped !== "deadline" || deadline_ms === 0) return false;
  const is_own_deadline = call.at_ms - call.arrived_ms >= deadline_ms - 1;
  return is_own_deadline && performance.now() - exchange.times.started_ms > deadline_ms / 2;
}

/** Counts a try that was not needed, or failed beside another; what its provider told of its usage is paid for. */
function noteBeside(call: Call, ended: EndedTry, tools: AttemptTools): void {
  const { one, result, outcome, place } = ended;
  const { candidate, key, receiver } = one;
  const { target, model } = candidate;
  const usage = receiver.told_usage ?? NO_USAGE;
  const word = wordOf(one, result, outcome);
  tryEnded(call, ended, word);
  receiver.trial?.end();
  place?.settle({ tokens: usage.input_tokens + usage.output_tokens, nano_usd: 0 });
  if (usage !== NO_USAGE) call.account?.usedBeside(model, target, usage);
  if (outcome === "stopped") return;
  tools.metrics.of(target.provider.name, target.model || "none").countAttempt(word);
  if (result.kind !== "failed") return;
  countKeyFailure(one, result.failure, word, tools);
  restKey(target, key, result.failure, tools.rotation, performance.now());
}

/** What a failure shows of the key that it came with. */
function countKeyFailure(one: Try, failure: Failure, word: string, { health }: AttemptTools): void {
  const showing = showingOf(failure);
  if (showing === "nothing" || one.is_drill) return;
  const took_ms = performance.now() - one.receiver.exchange.times.started_ms;
  health.countKey(one.candidate.target.provider, one.key, showing === "ill", took_ms, word);
}

/** How the ledger and the metrics call what became of a try. */
function wordOf({ is_drill }: Try, { kind }: TryResult, outcome: string): string {
  return is_drill && kind === "failed" ? DRILL_OUTCOME : outcome;
}

function tryEnded(call: Call, { one, result }: EndedTry, outcome: string): void {
  const { exchange, settled_ms } = one.receiver;
  // A stream ends with its call.
  const ended_ms = result.kind === "flow" ? 0 : settled_ms;
  call.tries = [...call.tries, triedOf(one.candidate.target, outcome, exchange.times, ended_ms)];
}

function triedOf(
  { provider, model }: TargetPlan,
  outcome: string,
  times: Tried["times"] = null,
  ended_ms = 0,
): Tried {
  return { provider: provider.name, model, outcome, times, ended_ms };
}
