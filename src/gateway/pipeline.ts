// The way of a call, in the order in which things happen. Whoever has read this file has read the gateway.
// Each stage is a function of its own; a stage that refuses gives an error as a value, and the call ends with it.

import { authenticate } from "../access/client_keys.ts";
import type { CacheKey } from "../cache/key.ts";
import type { ClientKey } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import { Account } from "./account.ts";
import { callHeaders, errorResponse, withMore } from "./answer.ts";
import { type Answer, attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { PreparedCount } from "./counting.ts";
import { deadlineOf } from "./deadline.ts";
import type { Endpoint, ResponseEndpoint } from "./endpoints.ts";
import { ownAnswer } from "./failure.ts";
import { guardsInForce } from "./guards_in_force.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { privacyMode } from "./privacy_mode.ts";
import { followFlow, giveKept, relayWhole } from "./relay.ts";
import { relayFlow } from "./relay_flow.ts";
import { asCollected, repaired } from "./repair.ts";
import { cutShort, NOTHING_CAME, refuse, settle } from "./settle.ts";
import { bothOf } from "./witness.ts";

/** Answers one call; who may not call at all is told at once. */
export function answerCall(
  call: Call,
  endpoint: Endpoint,
  tools: PipelineTools,
): Response | Promise<Response> {
  const client = authenticate(call.plan, tools.stored_keys, call.request.headers);
  return client instanceof GatewayError
    ? refuse(call, ownAnswer(client), tools)
    : answerAs(call, client, endpoint, tools);
}

/** Answers one call of a caller who is known. */
export function answerAs(
  call: Call,
  client: ClientKey,
  endpoint: Endpoint,
  tools: PipelineTools,
): Promise<Response> {
  call.client = client;
  tools.onCallBegin(call);
  call.authenticated_ms = performance.now();
  return answerKnownCaller(call, endpoint, tools);
}

async function answerKnownCaller(call: Call, endpoint: Endpoint, tools: PipelineTools): Promise<Response> {
  // What is kept of a call tells nothing of a person, where anybody asks for that.
  if (call.plan.privacy.is_asked || call.client!.privacy !== null) {
    call.discreet = (await tools.privacy.get()).discretionOf(call.plan);
  }

  // What is asked of an answer that the gateway keeps, it answers itself.
  if (endpoint.kind === "response") {
    const own = await answerOfKept(call, endpoint, tools);
    if (own !== null) return own;
  }

  // Read as much of the request as it takes to route it, and find the model.
  const routed = await prepare(call, endpoint, tools.clocks);
  if (routed instanceof GatewayError) return refuse(call, ownAnswer(routed), tools);

  // Put what was said before in the place of the id that stands for it.
  const has_turns = endpoint.path === "/responses" || endpoint.path === "/responses/input_tokens";
  const given = has_turns ? await withEarlierTurns(call, routed, tools) : routed;
  if (given instanceof GatewayError) return refuse(call, ownAnswer(given), tools);
  call.routed_ms = performance.now();

  // Let the model's guards look at the request, and take personal data out before anything else sees it.
  const guards = guardsInForce(call, given.model);
  const judged = guards === null ? given : (await tools.guards.get()).judge(call, given, guards);
  if (judged instanceof GatewayError) return refuse(call, ownAnswer(judged), tools);
  const mode = privacyMode(call, judged);
  const privacy = tools.privacy.value ?? (mode === null ? null : await tools.privacy.get());
  const cleaned = mode === null || privacy === null ? judged : await privacy.clean(call, judged, mode);
  if (cleaned instanceof GatewayError) return refuse(call, ownAnswer(cleaned), tools);
  call.account = new Account(call, cleaned, tools.books);

  // From here on the clock ticks: one deadline over all that is to come.
  const deadline_ms = deadlineOf(call, cleaned);
  if (deadline_ms instanceof GatewayError) return refuse(call, ownAnswer(deadline_ms), tools);
  if (deadline_ms > 0) call.setDeadline(call.arrived_ms + deadline_ms);

  // See what the answer is to be like, and what the request is about.
  if (guards !== null) {
    const judges = await tools.guards.get();
    const asked = judges.askedFormat(call, cleaned, guards);
    if (asked instanceof GatewayError) return refuse(call, ownAnswer(asked), tools);
    call.asked_format = asked;
    const refusal = await judges.topicRefusal(call, cleaned, guards);
    if (refusal !== null) return refuse(call, ownAnswer(refusal), tools);
  }

  // Ask those guards that are elsewhere: what was taken out is not for them either.
  const prepared =
    guards === null ? cleaned : await (await tools.guards.get()).ask(call, cleaned, guards, tools);
  if (guards !== null) call.guarded_ms = performance.now();
  if (call.stopped !== null) return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  if (prepared instanceof GatewayError) return refuse(call, ownAnswer(prepared), tools);
  if (prepared !== cleaned) call.account = new Account(call, prepared, tools.books);
  if (guards !== null) (await tools.guards.get()).guardAnswer(call, prepared, guards, tools);

  // Keep what is asked and answered from here on, where that is wanted.
  const { content } = call.plan;
  if (content !== null && tools.content !== null)
    call.content = (tools.content.value ?? (await tools.content.get())).begin(call, prepared, content);

  // Look whether the answer is there, or on its way to somebody who asked the same.
  const { cache } = prepared.model;
  if (cache !== null && tools.caches !== null && call.may_be_kept && prepared.counting === null) {
    const caches = tools.caches.value ?? (await tools.caches.get());
    const found = await caches.lookUp(call, prepared, cache);
    call.looked_ms = performance.now();
    switch (found.kind) {
      case "give":
        if (found.stale !== null) void refresh(call, prepared, found.stale, tools);
        return giveKept(call, found.entry, found.bytes, prepared, deadline_ms, tools);
      case "follow":
        return followFlow(call, found.recording, found.flight, prepared, tools);
      case "refused":
        return refuse(call, found.answer, tools);
      case "stopped":
        return refuse(call, cutShort(call.stopped, deadline_ms), tools);
    }
  }
  return ask(call, call.account!, prepared, deadline_ms, tools);
}

/** The answer to what is asked of a kept one; null where none of that id is kept for this caller. */
async function answerOfKept(
  call: Call,
  { wish }: ResponseEndpoint,
  tools: PipelineTools,
): Promise<Response | null> {
  if (wish === null || tools.responses === null) return null;
  const { answerWish } = await import("./response_routes.ts");
  const own = await answerWish(call, wish, await tools.responses.get());
  if (own === null) return null;
  if (own instanceof GatewayError) return refuse(call, ownAnswer(own), tools);
  settle(call, tools, { ...NOTHING_CAME, status: 200, code: null });
  return new Response(JSON.stringify(own), { headers: callHeaders(call, "application/json") });
}

async function cascaded(
  call: Call,
  account: Account,
  asked: Prepared,
  came: Answer,
  tools: PipelineTools,
): Promise<Answer> {
  const { escalated } = await import("./cascade.ts");
  return escalated(call, account, asked, came, tools);
}

async function withEarlierTurns(
  call: Call,
  prepared: Prepared,
  tools: PipelineTools,
): Promise<Prepared | GatewayError> {
  const { takeUp } = await import("./response_turn.ts");
  return takeUp(call, prepared, (await tools.responses?.get()) ?? null);
}

/** Asks upstream, for this call and for whoever asks the same. */
async function ask(
  call: Call,
  account: Account,
  prepared: Prepared,
  deadline_ms: number,
  tools: PipelineTools,
): Promise<Response> {
  // Take what the call may use from every limit that it is under, or from none.
  const reserved = account.reserve();
  const refusal = reserved instanceof Promise ? await reserved : reserved;
  if (refusal !== null) return refuse(call, ownAnswer(refusal), tools);

  // Count here where no provider counts.
  const { counting } = prepared;
  if (counting !== null && !counting.can_be_asked) return countHere(call, counting, tools);

  // Ask: target by target, key by key, until one begins to answer; a better model where the answer is not good enough; and once more
  // where that is wanted of an answer without the form that was asked for.
  // What an operator tries out is no call to learn from.
  const { quality } = call.plan.telemetry;
  const is_own = call.replay_of === null;
  if (quality !== null && is_own) call.witness = tools.quality.draw(call, prepared, quality);
  if (prepared.model.shadow !== null && is_own)
    call.witness = bothOf(call.witness, (await tools.shadows.get()).draw(call, prepared));
  const asked = asCollected(call, prepared);
  if (asked instanceof GatewayError) return refuse(call, ownAnswer(asked), tools);
  const came = await attempt(call, prepared.model, asked, tools);
  const chosen = prepared.model.cascade === null ? came : await cascaded(call, account, asked, came, tools);
  const answer = chosen.kind === "whole" ? await repaired(call, account, asked, chosen, tools) : chosen;

  // Relay what came, and settle when it is over.
  switch (answer.kind) {
    case "whole": {
      const asStream = prepared.is_stream ? (await import("./stream_form.ts")).streamForm : null;
      return relayWhole(call, answer, prepared, deadline_ms, asStream, tools);
    }
    case "flow":
      return relayFlow(call, answer.head, answer.flow, prepared, deadline_ms, tools);
    case "error":
      if (counting !== null && NO_SUCH_ENDPOINT.has(answer.answer.status))
        return countHere(call, counting, tools);
      call.lead?.failed(answer.answer);
      return refuse(call, answer.answer, tools);
    case "stopped":
      return refuse(call, cutShort(call.stopped, deadline_ms), tools);
  }
}

/** What providers say who do not count. */
const NO_SUCH_ENDPOINT: ReadonlySet<number> = new Set([404, 405, 501]);

/** The gateway's own count, marked as what it is. */
async function countHere(call: Call, counting: PreparedCount, tools: PipelineTools): Promise<Response> {
  const counted = await counting.here(tools.books.counter);
  if (call.stopped !== null) return refuse(call, cutShort(call.stopped, counting.model.deadline_ms), tools);
  if (counted instanceof GatewayError) return refuse(call, ownAnswer(counted), tools);
  settle(call, tools, { ...NOTHING_CAME, status: 200, code: null });
  const headers = withMore(callHeaders(call, "application/json"), {
    "x-venturi-estimated": "true",
    ...call.account?.headers(),
  });
  return new Response(counted, { headers });
}

/** Asks for a stale answer anew, for nobody but those who come later, unless somebody does so already. */
async function refresh(call: Call, prepared: Prepared, key: CacheKey, tools: PipelineTools): Promise<void> {
  call.keepBody();
  const caches = await tools.caches!.get();
  if (!(await caches.takeRefresh(key))) return;
  const twin = call.twin();
  try {
    tools.onCallBegin(twin);
    const own = prepared.again(twin);
    twin.asked_format = call.asked_format;
    const account = new Account(twin, own, tools.books);
    twin.account = account;
    const { deadline_ms } = own.model;
    if (deadline_ms > 0) twin.setDeadline(twin.arrived_ms + deadline_ms);
    if (caches.leadRefresh(twin, own)) {
      const response = await ask(twin, account, own, deadline_ms, tools);
      for await (const _ of response.body ?? []);
    } else settle(twin, tools, { ...NOTHING_CAME, status: 200, code: null });
  } catch {
    failCall(twin, tools);
  } finally {
    caches.endRefresh(key);
  }
}

/** Ends a call that a fault of the gateway broke, trusting as little of it as possible. */
export function failCall(call: Call, tools: PipelineTools): Response {
  const { listener } = call;
  call.listener = null;
  listener?.onStop("gone");
  call.lead?.leave();
  const error = new GatewayError("internal_error", "The gateway failed at this call by a fault of its own.");
  settle(call, tools, { ...NOTHING_CAME, status: error.status, code: error.code });
  return errorResponse(call, ownAnswer(error));
}
