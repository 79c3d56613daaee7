// The answers of a session, each with an account and a row of its own: what it may use is reserved when it is asked for, or when the
// provider begins one by itself, and settled by what the provider tells when it is done.

import { authenticate } from "../../access/client_keys.ts";
import type { LimitPart } from "../../access/limit_set.ts";
import { makeTarget } from "../../config/models.ts";
import type { ModelPlan } from "../../config/plan.ts";
import type { Usage } from "../../dialects/usage.ts";
import { GatewayError } from "../../errors.ts";
import { Account, type Asked } from "../account.ts";
import type { Call } from "../call.ts";
import type { CallEnd } from "../call_row.ts";
import { type FailedAnswer, limitedFailure, ownAnswer } from "../failure.ts";
import type { PipelineTools } from "../pipeline_tools.ts";
import { NOTHING_CAME, settle } from "../settle.ts";
import type { Provision } from "./connecting.ts";
import type { EndedResponse, Settings } from "./events.ts";

/** Answers that a session may have asked for and not got. */
const OPEN_MAX = 64;
/** What an answer is to be like where nobody says. */
const USUAL: Settings = { max_output_tokens: null, is_spoken: true, transcription_model: null };

/** An answer that was asked for, or is under way. */
interface Answer {
  readonly call: Call;
  /** The client's name for the event that asked for it; null where it has none, or nobody asked. */
  readonly event_id: string | null;
  /** Tokens of it that have come, about. */
  tokens: number;
}

/** What an account of a session is about. */
export function askedOf(
  model: ModelPlan,
  limits: LimitPart,
  rest: Partial<Pick<Asked, "max_output_tokens" | "is_spoken" | "has_tokens" | "estimateInput">> = {},
): Asked {
  const nothing = { has_tokens: false, max_output_tokens: 0, estimateInput: () => 0 };
  return { ...nothing, ...rest, model, limits, user: null, choices: 1, read_body: null, is_stream: true };
}

/** The answers of one session. */
export class Answers {
  readonly #session: Call;
  readonly #model: ModelPlan;
  readonly #provision: Provision;
  readonly #tools: PipelineTools;
  /** Those that were asked for, in order, until the provider begins them. */
  readonly #asked: Answer[] = [];
  readonly #under_way = new Map<string, Answer>();
  #settings = USUAL;
  /** About how many tokens the next answer has to read. */
  #context_tokens = 0;
  /** Prices of transcriptions are those of their own model. */
  #transcribing: { readonly model: ModelPlan; readonly target: Provision["target"] } | null = null;

  constructor(session: Call, model: ModelPlan, provision: Provision, tools: PipelineTools) {
    this.#session = session;
    this.#model = model;
    this.#provision = provision;
    this.#tools = tools;
  }

  /** What the session is like from now on. */
  set(settings: Settings): void {
    this.#settings = over(this.#settings, settings);
  }

  /** So many tokens more are in the conversation, about. */
  read(tokens: number): void {
    this.#context_tokens += tokens;
  }

  /** An answer is asked for; why it cannot be, or null. */
  ask(event_id: string | null, settings: Settings): FailedAnswer | null {
    if (this.#asked.length >= OPEN_MAX) {
      const message = `${OPEN_MAX} answers are asked for already that have not begun.`;
      return ownAnswer(new GatewayError("rate_limit_exceeded", message));
    }
    const opened = this.#open(event_id, settings);
    if (!("call" in opened)) return opened;
    this.#asked.push(opened);
    return null;
  }

  /** The provider begins an answer: one that was asked for, or its own, which may not be had. */
  begun(id: string): FailedAnswer | null {
    const asked = this.#asked.shift();
    const opened = asked ?? this.#open(null, NO_SETTINGS);
    if (!("call" in opened)) return opened;
    opened.call.connected_ms = performance.now();
    this.#under_way.set(id, opened);
    return null;
  }

  /** A piece of an answer has come; false: there is no money for more. */
  came(id: string, tokens: number): boolean {
    const answer = this.#under_way.get(id);
    if (answer === undefined) return true;
    answer.call.first_byte_ms ||= performance.now();
    answer.tokens += tokens;
    return answer.call.account!.progressed(Math.ceil(answer.tokens));
  }

  /** The provider is done with an answer. */
  done({ id, usage, finish_reason, error }: EndedResponse): void {
    if (usage !== null) this.#context_tokens = usage.input_tokens + usage.output_tokens;
    const answer = this.#under_way.get(id);
    if (answer === undefined) {
      // Nobody might have it, but it was cancelled too late to cost nothing.
      if (usage !== null && usage.output_tokens + usage.input_tokens > 0) this.#record(usage, finish_reason);
      return;
    }
    this.#under_way.delete(id);
    this.#close(answer, { status: 200, code: error, usage, finish_reason });
  }

  /** The provider says that it will not answer what an event asked for. */
  refused(event_id: string | null, code: string | null): void {
    const is_busy = code === "conversation_already_has_active_response";
    const at = this.#asked.findIndex((answer) => event_id !== null && answer.event_id === event_id);
    const index = at < 0 && is_busy ? 0 : at;
    if (index < 0) return;
    const [answer] = this.#asked.splice(index, 1);
    if (answer !== undefined) this.#close(answer, { ...NOTHING_CAME, status: 400, code });
  }

  /** What was heard has been written down, which costs something of its own. */
  transcribed(usage: Usage | null): void {
    if (usage === null) return;
    this.#record(usage, null, this.#transcriber());
  }

  /** The session is over, and with it what was under way. */
  end(status: number, code: string): void {
    const open = [...this.#asked.splice(0), ...this.#under_way.values()];
    this.#under_way.clear();
    for (const answer of open) this.#close(answer, { usage: null, finish_reason: null, status, code });
  }

  #open(event_id: string | null, own: Settings): Answer | FailedAnswer {
    const tools = this.#tools;
    const { target, key, model } = this.#provision;
    const { max_output_tokens, is_spoken } = over(this.#settings, own);
    const call = this.#part();
    const input_tokens = Math.ceil(this.#context_tokens);
    const asked = askedOf(this.#model, "use", {
      ...{ max_output_tokens, is_spoken: is_spoken !== false, has_tokens: true },
      estimateInput: () => input_tokens,
    });
    const account = new Account(call, asked, tools.books);
    call.account = account;
    // A key that was taken away since then is nobody's any more.
    const client = authenticate(call.plan, tools.stored_keys, call.request.headers);
    const error = client instanceof GatewayError ? client : account.reserveAtOnce();
    if (error !== null) return this.#refuse(call, ownAnswer(error));
    const refusal = account.takeProviderKey(target.provider, key, target.model, true);
    if (refusal !== null) {
      return this.#refuse(call, limitedFailure(target.provider.name, refusal.retry_after_ms).answer);
    }
    call.model = model;
    call.target = target;
    call.attempts = 1;
    call.tries = [
      { provider: target.provider.name, model: target.model, outcome: "ok", times: null, ended_ms: 0 },
    ];
    account.sending(model, target);
    call.asked_ms = performance.now();
    call.answered_ms = call.asked_ms;
    call.overhead_us = (call.asked_ms - call.arrived_ms) * 1_000;
    return { call, event_id, tokens: 0 };
  }

  #refuse(call: Call, answer: FailedAnswer): FailedAnswer {
    settle(call, this.#tools, { ...NOTHING_CAME, status: answer.status, code: answer.error.code });
    return answer;
  }

  #close({ call, tokens }: Answer, end: Omit<CallEnd, "counted_tokens"> & Partial<CallEnd>): void {
    settle(call, this.#tools, {
      counted_tokens: end.usage === null && tokens > 0 ? Math.ceil(tokens) : null,
      ...end,
    });
  }

  /** A row of what was used without having been asked for. */
  #record(
    usage: Usage,
    finish_reason: string | null,
    by: Pick<Provision, "model" | "target"> = this.#provision,
  ): void {
    const call = this.#part();
    const account = new Account(call, askedOf(by.model, "cost"), this.#tools.books);
    call.account = account;
    call.model = by.model;
    call.target = by.target;
    // Where there is nothing left to take it from, it was used all the same.
    account.reserveAtOnce();
    settle(call, this.#tools, { status: 200, code: null, usage, finish_reason, counted_tokens: null });
  }

  #part(): Call {
    return this.#session.part();
  }

  /** What writes down what is heard, as far as its name is known. */
  #transcriber(): Pick<Provision, "model" | "target"> {
    const { target } = this.#provision;
    const name = this.#settings.transcription_model ?? "";
    if (this.#transcribing?.target.model !== name) {
      this.#transcribing = {
        model: { ...this.#model, price: null },
        target: makeTarget(target.provider, name),
      };
    }
    return this.#transcribing!;
  }
}

const NO_SETTINGS: Settings = { max_output_tokens: null, is_spoken: null, transcription_model: null };

/** Settings with what others say in place of what they do not. */
function over(before: Settings, after: Settings): Settings {
  return {
    max_output_tokens: after.max_output_tokens ?? before.max_output_tokens,
    is_spoken: after.is_spoken ?? before.is_spoken,
    transcription_model: after.transcription_model ?? before.transcription_model,
  };
}
