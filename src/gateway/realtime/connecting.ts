// From a session that may begin to one that has its provider: targets in order, each with its keys and retries, as for every call.

import type { HeaderFields, ModelPlan, ProviderKey, TargetPlan } from "../../config/plan.ts";
import { NO_USAGE } from "../../dialects/usage.ts";
import { GatewayError } from "../../errors.ts";
import { admitted } from "../../routing/admission.ts";
import { orderTargets } from "../../routing/order.ts";
import { realtimePath } from "../../upstream/addressing.ts";
import { UpstreamError, type UpstreamHead } from "../../upstream/exchange.ts";
import type { Dialler } from "../../upstream/websocket/dialler.ts";
import { UpstreamSocket } from "../../upstream/websocket/socket.ts";
import { type AttemptTools, preferred } from "../attempt.ts";
import type { Call } from "../call.ts";
import { DRILL_OUTCOME } from "../drill.ts";
import {
  connectionFailure,
  type FailedAnswer,
  type Failure,
  limitedFailure,
  refuse,
  showingOf,
  statusFailure,
  unwritable,
} from "../failure.ts";
import { traceHeaders } from "../passing.ts";
import { passOver } from "../tries.ts";
import { Turn } from "../turn.ts";

/** What a session speaks with. */
export interface Provision {
  readonly socket: UpstreamSocket;
  readonly target: TargetPlan;
  readonly key: ProviderKey;
  readonly model: ModelPlan;
}

/** Who hears of the provider that was found, and from then on of what it says. */
export interface ProvisionListener {
  onProvision(provision: Provision): void;
  onMessageOfProvider(is_text: boolean, payload: Uint8Array): void;
  /** 1005 where it gave no code, 1006 where the connection broke. */
  onClosedByProvider(code: number, reason: string): void;
}

/** What connecting needs. */
export interface ConnectTools extends AttemptTools {
  readonly dialler: Dialler;
}

/** What a try came to. */
type Tried = "open" | "stopped" | Failure;

/** Looks for a provider; tells the listener, or gives what to tell the client. Null: it is found, or the call was stopped. */
export async function connect(
  call: Call,
  model: ModelPlan,
  passed: Readonly<Record<string, string>>,
  listener: ProvisionListener,
  tools: ConnectTools,
): Promise<FailedAnswer | null> {
  let last: FailedAnswer | null = null;
  const order = orderTargets(model, {
    ...{ health: tools.health, affinity: null, is_stream: true, may_measure: false },
    costOf: (one, target) => call.account?.expectedCostAt(one, target) ?? null,
    random: Math.random,
  });
  for (const candidate of admitted(order, tools.health, (target) => passOver(call, target, tools))) {
    const { target, model: tried } = candidate;
    const turn = new Turn(candidate, true, tools.rotation, null);
    let is_passed_over = false;
    for (;;) {
      if (call.stopped !== null) return null;
      const step = turn.next(performance.now(), call.at_ms);
      if (step === null) break;
      if (typeof step === "number") {
        await call.sleep(step);
        continue;
      }
      const trial = tools.health.begin(target, true, candidate.reason);
      if (trial === null) {
        // Somebody else is probing it.
        is_passed_over = turn.is_untried;
        break;
      }
      const result = await tryOnce(call, { target, key: step, model: tried }, passed, listener, tools);
      if (result === "open") trial.shows("well", result);
      else if (result !== "stopped") trial.shows(showingOf(result), result.outcome);
      trial.end();
      if (result === "open" || result === "stopped") return null;
      turn.failWith(step, result, performance.now());
    }
    if (!is_passed_over) last = preferred(last, turn.answer);
    if (turn.is_final) break;
  }
  return last ?? refuse("upstream_error", `Model ${model.name} has no target.`);
}

/** Why a target can hold no session; null where it can. */
function unfit({ provider: { name, kind } }: TargetPlan): Failure | null {
  if (kind === "openai" || kind === "azure") return null;
  return unwritable(
    new GatewayError("invalid_value", `Provider ${name} has no Realtime.`, { param: "model" }),
  );
}

/** What a drill says of a target; null where there is none. No session fails by a status, so it is always the connection. */
function drilled(target: TargetPlan, { health }: ConnectTools): Failure | null {
  if (health.drillOf(target) === null) return null;
  const error = new UpstreamError("connect", "it is made to fail by a drill");
  return { ...connectionFailure(target.provider.name, error), outcome: DRILL_OUTCOME };
}

async function tryOnce(
  call: Call,
  where: Omit<Provision, "socket">,
  passed: Readonly<Record<string, string>>,
  listener: ProvisionListener,
  tools: ConnectTools,
): Promise<Tried> {
  const { target, key } = where;
  const { provider, model } = target;
  const failure = unfit(target) ?? drilled(target, tools);
  if (failure !== null) return failure;
  const refusal = call.account?.takeProviderKey(provider, key, model, true) ?? null;
  if (refusal !== null) return limitedFailure(provider.name, refusal.retry_after_ms);
  call.model = where.model;
  call.target = target;
  call.attempts += 1;
  if (call.asked_ms === 0) call.asked_ms = performance.now();
  const tried = await new Promise<Tried>((resolve) => {
    const socket: UpstreamSocket = new UpstreamSocket(
      {
        origin: provider.origin,
        path: realtimePath(provider, model, passed),
        headers: [...key.pass_headers, ...ownHeaders(call)],
        timeouts: target.timeouts.stream,
        max_message_bytes: call.plan.listen.websocket.max_message_bytes,
      },
      tools.dialler,
      {
        onOpen: () => {
          call.listener = null;
          resolve("open");
          // What it says next may be that nothing is left of its key.
          tools.rotation.served(provider, key, model, performance.now());
          listener.onProvision({ ...where, socket });
        },
        onRefused: (head: UpstreamHead, body: Uint8Array) =>
          resolve(statusFailure(provider.name, head, body, () => null)),
        onFailed: (error: UpstreamError) => resolve(connectionFailure(provider.name, error)),
        onMessage: (is_text, payload) => listener.onMessageOfProvider(is_text, payload),
        onClosed: (code, reason) => listener.onClosedByProvider(code, reason),
      },
    );
    call.listener = {
      onStop: () => {
        socket.abort();
        resolve("stopped");
      },
    };
  });
  note(call, where, tried, tools);
  return tried;
}

/** What is said of a session itself, where the client says it. */
function ownHeaders(call: Call): HeaderFields {
  const beta = call.request.headers.get("openai-beta");
  return beta === null ? traceHeaders(call) : [...traceHeaders(call), ["openai-beta", beta]];
}

/** Counts a try. */
function note(
  call: Call,
  { target: { provider, model } }: Omit<Provision, "socket">,
  tried: Tried,
  { metrics }: ConnectTools,
): void {
  const outcome = tried === "open" ? "ok" : tried === "stopped" ? tried : tried.outcome;
  call.tries = [...call.tries, { provider: provider.name, model, outcome, times: null, ended_ms: 0 }];
  if (tried === "stopped") return;
  metrics.of(provider.name, model || "none").countAttempt(outcome);
  if (tried !== "open") {
    call.account?.leaveProviderKey(NO_USAGE);
    call.listener = null;
  }
}
