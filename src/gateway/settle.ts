// The end of every call: what its client is told if there is no answer, what is counted, and the row that is written, once.

import { GatewayError } from "../errors.ts";
import { OPEN } from "../privacy/discretion.ts";
import { errorResponse, measureOverhead, serverOf } from "./answer.ts";
import type { Call, StopReason } from "./call.ts";
import { type CallEnd, recordRefused } from "./call_row.ts";
import { type FailedAnswer, ownAnswer } from "./failure.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import type { Rest } from "./rest_reader.ts";

/** What a client gets that went away: nobody reads it, but the server wants a response. */
export const GONE = 499;

/** What a call is told that the gateway ends before its answer is complete. */
export function cutShort(reason: StopReason | null, deadline_ms: number): FailedAnswer {
  return reason === "draining" ? ownAnswer(draining()) : deadlineExceeded(deadline_ms);
}

/** The refusal of a gateway that is about to be gone. */
export function draining(): GatewayError {
  return new GatewayError("unavailable", "This gateway is stopping. Try again: another will answer.", {
    retry_after_ms: 1_000,
  });
}

function deadlineExceeded(deadline_ms: number): FailedAnswer {
  return ownAnswer(
    new GatewayError(
      "deadline_exceeded",
      `The deadline of ${deadline_ms} ms was over before the answer was there.`,
    ),
  );
}

/** How the ledger has it that a client gets an answer, an error in its place, or is gone. */
export function endOf(
  call: Call,
  status: number,
  failed: FailedAnswer | null,
): Pick<CallEnd, "status" | "code"> {
  if (call.stopped === "gone") return { status: GONE, code: "client_closed" };
  if (failed === null) return { status, code: null };
  return { status: failed.status, code: failed.error.code };
}

/** Ends a call with an error. */
export function refuse(call: Call, answer: FailedAnswer, tools: PipelineTools): Response {
  call.lead?.leave();
  // A body that ends too early may be its client's leaving, of which nothing else has told yet.
  if (answer.error.code === "body_incomplete") call.hearClient();
  if (call.stopped === "gone") return gone(call, tools);
  let more = call.account?.headers() ?? {};
  // What is still to come of this request must not be waited for.
  if (answer.error.code === "body_incomplete") more = { ...more, connection: "close" };
  const response = errorResponse(call, answer, more);
  settle(call, tools, {
    ...NOTHING_CAME,
    status: answer.status,
    code: answer.error.code ?? answer.error.type,
  });
  return response;
}

function gone(call: Call, tools: PipelineTools): Response {
  settle(call, tools, { ...NOTHING_CAME, status: GONE, code: "client_closed" });
  return new Response(null, { status: GONE });
}

/** Of a call that got no answer. */
export const NOTHING_CAME = { usage: null, finish_reason: null, counted_tokens: null } as const;

/** The end of every call: counted once, and its row written. */
export function settle(call: Call, tools: PipelineTools, told: CallEnd): void {
  const end = discreetEnd(call, told);
  const { status, code, usage, saved } = end;
  measureOverhead(call);
  if (call.rest !== null) noteRest(call, call.rest);
  if (call.account !== null) call.cost_nano_usd = call.account.close(end);
  else recordRefused(call, end, tools.books);
  const server = serverOf(call);
  const series = tools.metrics.of(server?.provider ?? "none", server?.model || "none");
  series.countCall(status, code);
  series.countTotal((performance.now() - call.arrived_ms) * 1_000);
  if (call.overhead_us !== null && call.attempts > 0) series.countOverhead(call.overhead_us);
  if (usage !== null) series.countTokens(usage);
  if (call.cost_nano_usd !== null) series.countCost(call.cost_nano_usd);
  if (call.judged !== null) series.countJudged(call.judged);
  if (call.refused_by !== null) series.countRefusal(call.refused_by.set.scope, call.refused_by.of);
  call.usage = usage;
  if (call.cache !== "bypass") series.countCache(call.cache, saved ?? null);
  call.close();
  call.witness?.over();
  call.content?.over();
  call.giveBackBody();
  tools.onCallEnd(call);
}

/** The row says of the last try what became of the rest of its answer. */
function noteRest(call: Call, outcome: Rest): void {
  const last = call.tries.at(-1);
  if (last !== undefined) call.tries = [...call.tries.slice(0, -1), { ...last, outcome }];
}

/** What a provider says of itself and its answer may repeat what it was asked. */
function discreetEnd({ discreet }: Call, end: CallEnd): CallEnd {
  if (discreet === OPEN) return end;
  const { code, finish_reason, model } = end;
  return {
    ...end,
    code: code === null ? null : discreet(code),
    finish_reason: finish_reason === null ? null : discreet(finish_reason),
    ...(model === undefined || model === null ? {} : { model: discreet(model) }),
  };
}
