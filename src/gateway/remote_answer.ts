// What guards that are asked over the network make of one call's answer: of a whole one at once, of a stream window by window.

import type { RemoteGuardPlan } from "../config/remote_guards.ts";
import { AnswerTexts } from "../privacy/answer_texts.ts";
import type { GuardAction } from "../privacy/guards/guard.ts";
import { JudgedAnswer } from "../privacy/guards/remote/judged_answer.ts";
import type { JudgedText } from "../privacy/guards/remote/question.ts";
import type { AskedCall } from "../privacy/guards/remote/webhook.ts";
import { StreamRestorer } from "../privacy/restore_stream.ts";
import { answerBlocked } from "./answer_guarding.ts";
import type { Call } from "./call.ts";
import { type AskTools, askGuards, mayBlock, type Ruling } from "./remote_guards.ts";
import { type GatedClient, StreamGate } from "./stream_gate.ts";

/** Rewrites the texts of a whole answer, be it one body or the events of a stream. */
export type Treat = (bytes: Uint8Array, texts: AnswerTexts) => Uint8Array;

/** The guards of one call's answer that are asked over the network. */
export class RemoteAnswer {
  /** Whether they may keep something from the client. */
  readonly enforces: boolean;
  readonly #call: Call;
  readonly #about: AskedCall;
  readonly #plans: readonly RemoteGuardPlan[];
  readonly #tools: AskTools;
  readonly #onFinding: (name: string, action: GuardAction) => void;

  constructor(
    call: Call,
    about: AskedCall,
    plans: readonly RemoteGuardPlan[],
    tools: AskTools,
    onFinding: (name: string, action: GuardAction) => void,
  ) {
    this.enforces = plans.some(mayBlock);
    this.#call = call;
    this.#about = about;
    this.#plans = plans;
    this.#tools = tools;
    this.#onFinding = onFinding;
  }

  /** What may be given of a whole answer, values put back; or the error in its place. Waits no longer than the call lasts. */
  async judgeWhole(bytes: Uint8Array, treat: Treat): Promise<Uint8Array | ReturnType<typeof answerBlocked>> {
    const { mapping, answer_guard } = this.#call;
    const judged = new JudgedAnswer();
    const texts = new AnswerTexts(null, answer_guard, judged.collect);
    const left = treat(bytes, texts);
    if (texts.is_blocked) return answerBlocked();
    const asked = judged.take();
    const stopping = new AbortController();
    const { listener } = this.#call;
    if (this.#call.stopped !== null) stopping.abort();
    this.#call.listener = { onStop: () => stopping.abort() };
    const asked_ms = performance.now();
    const ruling = asked.length === 0 ? NOTHING_SAID : await this.#ask(this.#plans, asked, stopping.signal);
    this.#call.guards_ms += performance.now() - asked_ms;
    if (this.#call.stopped === null) this.#call.listener = listener;
    if (ruling.blocked !== null) return answerBlocked(ruling.blocked);
    judged.settle(ruling.spans);
    const given = treat(left, new AnswerTexts(mapping, null, judged.cut));
    return judged.has_leaked && this.enforces ? answerBlocked() : given;
  }

  /** What judges a stream of events; with what has to see its events first. */
  judgeStream(client: GatedClient): { readonly restorer: StreamRestorer; readonly gate: StreamGate } {
    const { mapping, answer_guard } = this.#call;
    const judged = new JudgedAnswer();
    // A guard that did not answer would hold up every window of the stream.
    const left = new Set(this.#plans);
    const ask = async (texts: readonly JudgedText[], signal: AbortSignal) => {
      const ruling = await this.#ask([...left], texts, signal);
      for (const plan of ruling.failed) left.delete(plan);
      return ruling;
    };
    const restorer = new StreamRestorer(new AnswerTexts(null, answer_guard, judged.collect));
    const behind = new StreamRestorer(new AnswerTexts(mapping, null, judged.cut));
    const giveUp = () => {
      for (const { name, on_failure } of left) this.#onFinding(`${name}_failed`, on_failure);
    };
    const { enforces } = this;
    return { restorer, gate: new StreamGate({ judged, restorer: behind, ask, giveUp, enforces, client }) };
  }

  #ask(
    plans: readonly RemoteGuardPlan[],
    texts: readonly JudgedText[],
    signal: AbortSignal,
  ): Promise<Ruling> {
    return askGuards(plans, { stage: "output", texts }, this.#about, this.#tools, signal, this.#onFinding);
  }
}

const NOTHING_SAID: Ruling = { blocked: null, spans: [], failed: [] };
