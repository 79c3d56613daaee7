// From a routed request to the first answer: targets in order, each with its keys and retries, under one deadline.
// Nothing here has sent the client a byte, so everything here may be tried again.

import type { KeyLimits } from "../access/key_limits.ts";
import type { HeaderFields, ModelPlan, ProviderPlan, TargetPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Metrics } from "../ledger/metrics.ts";
import { admitted, asLastResort, soonestProbeMs } from "../routing/admission.ts";
import type { Affinity } from "../routing/affinity.ts";
import type { Health } from "../routing/health/health.ts";
import { type Candidate, fixedOrder, needsAffinity, orderTargets } from "../routing/order.ts";
import type { KeyRotation } from "../routing/rotation.ts";
import { secondOf } from "../routing/second.ts";
import type { Sight } from "../routing/strategies.ts";
import type { UploadBody, UpstreamClient } from "../upstream/exchange.ts";
import { wasAccepted, wasRefused } from "../upstream/signing/authorize.ts";
import type { Call } from "./call.ts";
import { type FailedAnswer, ownAnswer, refuse } from "./failure.ts";
import { endedAlone, Hedge } from "./hedge.ts";
import type { Try } from "./one_try.ts";
import type { Queues } from "./queues.ts";
import type { Receiver, TryResult } from "./receiver.ts";
import { sendWhenRefilled } from "./refill.ts";
import { send } from "./send.ts";
import { note, noteBeside, passOver, triedOf } from "./tries.ts";
import { Turn } from "./turn.ts";
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
  const all = fixedOrder(model) ?? orderTargets(model, sightOf(call, affinity, outgoing, tools));
  const order = admitted(all, tools.health, (target) => passOver(call, target, tools));
  const targets: Targets = { model, order, affinity, outgoing, hedge, tools };
  const saturated: Turn[] = [];
  for (const candidate of order) {
    const turn = new Turn(candidate, outgoing.replayable, tools.rotation, affinity, call.retries);
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

/** What an order that is not fixed is made by. */
function sightOf(call: Call, affinity: Affinity, { is_stream }: Outgoing, { health }: AttemptTools): Sight {
  return {
    ...{ affinity, health, is_stream, may_measure: true, random: Math.random },
    costOf: (model, target) => call.account?.expectedCostAt(model, target) ?? null,
  };
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
    const sending = send(call, { candidate, key: step }, outgoing, tools);
    let sent = sending instanceof Promise ? await sending : sending;
    // Somebody else is probing it; but there is nobody else to ask.
    if (sent === null && call.stopped === null && candidate.is_last && is_only)
      sent = await send(call, { candidate: asLastResort(candidate), key: step }, outgoing, tools);
    if (sent === null) {
      if (call.stopped !== null) return stopped(call);
      call.account?.cancelKept();
      passOver(call, target, tools);
      return turn.is_untried ? "passed over" : null;
    }
    if ("limit" in sent && sent.limit.lack !== undefined) {
      sent = await sendWhenRefilled(call, { candidate, key: step }, sent.limit, outgoing, tools);
      if (sent === null) return stopped(call);
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
    const { goes_on, beside, beside_was_first } =
      hedge === null ? endedAlone(sent, await sent.receiver.result) : await raced(call, sent, hedge, targets);
    if (beside !== null && beside_was_first) noteBeside(call, beside, tools);
    note(call, goes_on, model, tools);
    if (beside !== null && !beside_was_first) noteBeside(call, beside, tools);
    const { one, result } = goes_on;
    const { signing } = one.key;
    if (result.kind !== "failed") {
      // An answer that comes before all of its request has gone is followed by the rest of it.
      if (result.kind === "flow" && one.requests.some(({ body }) => body !== null)) call.keepBody();
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

/** A try that another may be sent beside, if it takes long. */
function raced(call: Call, first: Try, hedge: Hedge, targets: Targets): ReturnType<Hedge["race"]> {
  return hedge.race(first, () => sendSecond(call, first, targets));
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
