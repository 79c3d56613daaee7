// What becomes of the tries of a call: counted, told to the health of their targets and keys, and noted for the call's row.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import { NO_USAGE } from "../dialects/usage.ts";
import type { AttemptTools } from "./attempt.ts";
import type { Call } from "./call.ts";
import { DRILL_OUTCOME } from "./drill.ts";
import { type Failure, showingOf } from "./failure.ts";
import type { EndedTry } from "./hedge.ts";
import type { Tried, Try } from "./one_try.ts";
import type { Receiver, TryResult } from "./receiver.ts";
import { restKey } from "./turn.ts";

/** A target is not tried because its breaker is open. */
export function passOver(call: Call, target: TargetPlan, { health }: Pick<AttemptTools, "health">): void {
  call.tries = [...call.tries, triedOf(target, "open")];
  health.of(target).countPassedOver();
}

/** Counts a try, and tells the key's rotation of a good one. */
export function note(call: Call, ended: EndedTry, asked: ModelPlan, tools: AttemptTools): void {
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
export function noteBeside(call: Call, ended: EndedTry, tools: AttemptTools): void {
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

/** A try as its call remembers it; one that was not sent has no times. */
export function triedOf(
  { provider, model }: TargetPlan,
  outcome: string,
  times: Tried["times"] = null,
  ended_ms = 0,
): Tried {
  return { provider: provider.name, model, outcome, times, ended_ms };
}
