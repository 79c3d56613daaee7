// Shadows: when a call is over, a candidate may be asked the same, and both answers are compared. Nobody waits for it, nobody pays for
// it, and nothing but numbers is kept of it. A gateway that is busy with as many already, or that stops, lets it be.

import type { ModelPlan } from "../config/plan.ts";
import { agreementOf } from "../dialects/agreement.ts";
import { writtenIn } from "../dialects/other_form.ts";
import { wholeForm } from "../dialects/whole_form.ts";
import { GatewayError } from "../errors.ts";
import { choicesOfAnswer, isJudged } from "../privacy/guards/schema/answer_choices.ts";
import { Account } from "./account.ts";
import { type AnswerCopy, COMPARED_MAX_BYTES } from "./answer_copy.ts";
import { isRefused } from "./answer_verdict.ts";
import { type Answer, attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { CallEnd } from "./call_row.ts";
import { modelBeside } from "./model_beside.ts";
import type { PipelineTools } from "./pipeline_tools.ts";
import type { Prepared } from "./prepare.ts";
import { cutShort, NOTHING_CAME } from "./settle.ts";
import type { Witness } from "./witness.ts";

/** Candidates that are asked at once in one process; calls beyond have none. */
const AT_ONCE_MAX = 16;

/** The shadows of one process. */
export class Shadows {
  readonly #tools: PipelineTools;
  readonly #isServing: () => boolean;
  readonly #running = new Set<Call>();

  /** @param isServing false: the process stops, and begins no others */
  constructor(tools: PipelineTools, isServing: () => boolean) {
    this.#tools = tools;
    this.#isServing = isServing;
  }

  /** Whether a call gets one, and what has to hear of the call then; null where it gets none. */
  draw(call: Call, prepared: Prepared, random: () => number = Math.random): Shadowing | null {
    const { shadow } = prepared.model;
    if (shadow === null || !prepared.replayable || prepared.read_body === null) return null;
    if (this.#isBusy || random() >= shadow.share) return null;
    const candidate = modelBeside(call, prepared, shadow.model);
    return candidate instanceof GatewayError ? null : new Shadowing(call, prepared, candidate, this);
  }

  /** Asks the candidate, unless too many are asked already, or others may need what there is of it. */
  async ask(shadowing: Shadowing): Promise<void> {
    const { queues } = this.#tools;
    if (this.#isBusy || shadowing.candidate.targets.every((target) => queues.isSaturated(target))) return;
    const call = shadowing.call.candidate();
    this.#running.add(call);
    try {
      await shadowing.ask(call, this.#tools);
    } catch (fault) {
      this.#tools.books.tell(`a shadow failed by a fault of the gateway: ${String(fault)}`);
    } finally {
      this.#running.delete(call);
      call.close();
    }
  }

  /** Ends those that are under way. */
  close(): void {
    for (const call of [...this.#running]) call.stop("draining");
  }

  get #isBusy(): boolean {
    return !this.#isServing() || this.#running.size >= AT_ONCE_MAX;
  }
}

/** A call that a candidate will be asked for, and what is known of its answer. */
export class Shadowing implements Witness {
  readonly call: Call;
  readonly #prepared: Prepared;
  readonly candidate: ModelPlan;
  readonly #shadows: Shadows;
  #answer: Uint8Array | null = null;

  constructor(call: Call, prepared: Prepared, candidate: ModelPlan, shadows: Shadows) {
    this.call = call;
    this.#prepared = prepared;
    this.candidate = candidate;
    this.#shadows = shadows;
  }

  came(body: Uint8Array): void {
    if (body.length <= COMPARED_MAX_BYTES) this.#answer = body;
  }

  flowed(copy: AnswerCopy): void {
    const events = copy.bytes();
    const is_short = events !== null && events.length <= COMPARED_MAX_BYTES;
    this.#answer = !is_short ? null : wholeForm(this.call.format.name, events, this.#prepared.choices);
  }

  /** What it took nobody has to wait for any more. One that its client or the gateway gave up shows nothing. */
  over(): void {
    const { stopped } = this.call;
    if (stopped === "gone" || stopped === "draining") return;
    setImmediate(() => this.#shadows.ask(this));
  }

  /** Asks the candidate for a whole answer, and writes the row of it. */
  async ask(call: Call, tools: PipelineTools): Promise<void> {
    const { candidate } = this;
    call.shadow = { of: this.call.ledger_id, agreement: null, of_refused: null };
    const asked = this.#prepared.again(call).asPlain();
    if (asked instanceof GatewayError) return;
    call.account = new Account(
      call,
      {
        ...{ user: null, model: { ...candidate, limits: null }, is_stream: false },
        ...{ has_tokens: asked.has_tokens, max_output_tokens: asked.max_output_tokens },
        ...{ choices: asked.choices, read_body: asked.read_body },
        estimateInput: () => asked.estimateInput(),
      },
      tools.books,
    );
    const { deadline_ms } = candidate;
    if (deadline_ms > 0) call.setDeadline(call.arrived_ms + deadline_ms);
    const answer = await attempt(call, candidate, asked, tools);
    if (answer.kind === "whole") this.#compare(call, answer.body);
    if (answer.kind === "flow") {
      call.listener?.onStop("gone");
      answer.flow.drop();
    }
    call.account.close(endOf(call, answer, deadline_ms));
  }

  /** What both answers have in common, as numbers. */
  #compare(call: Call, body: Uint8Array): void {
    const { endpoint, format } = call;
    const answer = this.#answer;
    if (answer === null || !isJudged(endpoint)) return;
    const { name } = format;
    // Those that are judged are formats of chats.
    if (name === "embeddings" || name === "moderations" || name === "rerank") return;
    const [text, other] = [writtenIn(name, answer), writtenIn(name, body)];
    call.refused = choicesOfAnswer(body, endpoint)?.some(isRefused) ?? false;
    call.shadow = {
      ...{ of: this.call.ledger_id, of_refused: choicesOfAnswer(answer, endpoint)?.some(isRefused) ?? null },
      agreement: text === null || other === null ? null : rounded(agreementOf(text, other)),
    };
  }
}

function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}

/** How the candidate's call ended. */
function endOf(call: Call, answer: Answer, deadline_ms: number): CallEnd {
  const { format } = call;
  switch (answer.kind) {
    case "whole": {
      const { head, body, told_usage } = answer;
      const usage = told_usage === undefined ? format.usageOf(body) : told_usage;
      return {
        ...{ status: head.status, code: null, usage, finish_reason: format.finishReasonOf(body) },
        counted_tokens: usage === null ? format.estimateAnswer(body) : null,
        answer: usage === null ? [body] : null,
      };
    }
    case "flow":
      return { ...NOTHING_CAME, status: 502, code: "answer_too_long" };
    case "error":
      return failed(answer.answer);
    case "stopped":
      return failed(cutShort(call.stopped, deadline_ms));
  }
}

function failed({
  status,
  error,
}: {
  readonly status: number;
  readonly error: { readonly code: string | null; readonly type: string };
}): CallEnd {
  return { ...NOTHING_CAME, status, code: error.code ?? error.type };
}
