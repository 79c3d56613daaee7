// What a model's guards make of a request, before anything else sees it, and of its answer, before its client does. What they
// cannot look at does not pass where they would block.

import { type GuardsPlan, joinSchemaPlans } from "../config/guards.ts";
import { isFields } from "../dialects/fields.ts";
import { GatewayError } from "../errors.ts";
import type { GuardAction, TextGuardPlan } from "../privacy/guards/guard.ts";
import { loadInjectionScorer } from "../privacy/guards/injection/injection.ts";
import { InputGuards } from "../privacy/guards/input/input_guards.ts";
import { contentsOf, type RequestContents } from "../privacy/guards/input/request_texts.ts";
import { rewriteTexts } from "../privacy/guards/input/rewrite.ts";
import { lastTexts } from "../privacy/guards/input/topics.ts";
import { AnswerGuard } from "../privacy/guards/output/answer_guard.ts";
import { makeLeakGuard } from "../privacy/guards/output/prompt_leak.ts";
import {
  askedIn,
  makeTextGuards,
  type PersonalKnowledge,
  type TextGuard,
} from "../privacy/guards/output/text_guards.ts";
import { cutSpans } from "../privacy/guards/remote/question.ts";
import type { AskedCall } from "../privacy/guards/remote/webhook.ts";
import { isJudged, type JudgedEndpoint } from "../privacy/guards/schema/answer_choices.ts";
import { type AskedFormat, readAskedFormat } from "../privacy/guards/schema/asked_format.ts";
import { SchemaStore } from "../privacy/guards/schema/schema_store.ts";
import { PLACES } from "../privacy/places/places.ts";
import { type CheckedFormat, noteFinding, placesOf } from "./answer_guarding.ts";
import { AnswerNames } from "./answer_names.ts";
import type { Call } from "./call.ts";
import type { Prepared } from "./prepare.ts";
import { RemoteAnswer } from "./remote_answer.ts";
import { type AskTools, askGuards, mayBlock } from "./remote_guards.ts";
import { TopicFinder } from "./topics.ts";

/** What looks at the requests and answers of a process. */
export class Guards {
  readonly #made = new WeakMap<GuardsPlan, InputGuards>();
  readonly #schemas = new SchemaStore();
  readonly #topics: TopicFinder;
  readonly #made_for_answers = new WeakMap<GuardsPlan, readonly GuardMaker[]>();
  readonly #names = new AnswerNames();

  /** @param folder the data folder, where the inference process is found; null: there is none */
  constructor(folder: string | null) {
    this.#topics = new TopicFinder(folder);
  }

  /** The call with a request that may go on: itself where nothing is taken out; or why it may not. */
  judge(call: Call, prepared: Prepared, plan: GuardsPlan): Prepared | GatewayError {
    const { endpoint, read_body } = prepared;
    // What is passed on unread must not be the way around the guards of a key.
    if (endpoint === null && holdsAnswers(call.client?.guards))
      return refused("its answer could not be judged");
    // To look at what must not be said is what moderations are for.
    const { remote } = plan;
    if (plan.input.length + remote.input.length === 0 || endpoint === "/moderations") return prepared;
    const contents = endpoint === null || read_body === null ? null : read(read_body);
    if (contents === null || read_body === null || contents.has_unreadable) {
      return plan.input.some(enforces) || remote.input.some(mayBlock)
        ? refused("its texts cannot be read")
        : prepared;
    }
    const guards = this.#guardsOf(plan);
    if (guards instanceof GatewayError) return guards;
    const findings = guards.judge(contents);
    if (findings.length === 0) return prepared;
    for (const { guard, action } of findings) noteFinding(call, guard, action);
    const last = findings.at(-1)!;
    if (last.action === "block") return refused(`${last.what} (${last.guard})`);
    const body = rewriteTexts(read_body, contents.texts, placesOf(prepared).request);
    return body === read_body ? prepared : prepared.withBody(body);
  }

  /** Why a request may not go on because of what it is about; null where it may. */
  async topicRefusal(
    call: Call,
    { endpoint, read_body }: Prepared,
    { input }: GuardsPlan,
  ): Promise<GatewayError | null> {
    if (endpoint === null || read_body === null || !PLACES[endpoint].has_answer) return null;
    for (const plan of input) {
      if (plan.guard !== "denied_topics") continue;
      const found = await this.#topics.find(plan, lastTexts(read_body, plan.tools));
      const topic = found === "unknown" ? null : found.topic;
      if (found !== "unknown" && topic === null) continue;
      const action = topic === null ? plan.on_failure : plan.action;
      noteFinding(call, plan.guard, action);
      if (action !== "block") continue;
      const why =
        topic === null ? "it cannot be told what it is about" : `it is about a denied topic, ${topic}`;
      return refused(`${why} (${plan.guard})`);
    }
    return null;
  }

  close(): void {
    this.#topics.close();
  }

  /** The same by guards that are asked over the network. Waits no longer than the call lasts. */
  async ask(
    call: Call,
    prepared: Prepared,
    plan: GuardsPlan,
    tools: AskTools,
  ): Promise<Prepared | GatewayError> {
    const plans = plan.remote.input;
    const { endpoint, read_body, model } = prepared;
    if (plans.length === 0 || endpoint === "/moderations" || read_body === null) return prepared;
    const contents = read(read_body);
    if (contents === null || contents.texts.length === 0) return prepared;
    const stopping = new AbortController();
    call.listener = { onStop: () => stopping.abort() };
    const texts = contents.texts.map(({ source, text }) => ({ source, text, given: 0 }));
    const question = { stage: "input", texts } as const;
    const about = aboutOf(call, model.name);
    const asked_ms = performance.now();
    const { blocked, spans } = await askGuards(
      plans,
      question,
      about,
      tools,
      stopping.signal,
      (guard, action) => noteFinding(call, guard, action),
    );
    call.guards_ms += performance.now() - asked_ms;
    call.listener = null;
    if (blocked !== null) return refused(blocked);
    for (const [index, found] of Map.groupBy(spans, ({ text }) => text)) {
      const changed = contents.texts[index]!;
      changed.text = cutSpans(changed.text, found);
    }
    const body = rewriteTexts(read_body, contents.texts, placesOf(prepared).request);
    return body === read_body ? prepared : prepared.withBody(body);
  }

  /** Lets the answer of a call be judged, where it has texts. */
  guardAnswer(call: Call, prepared: Prepared, plan: GuardsPlan, tools: AskTools): void {
    const { output } = plan.remote;
    if (plan.output.length + output.length === 0) return;
    call.answer_guard = this.#answerGuard(call, prepared, plan);
    if (call.answer_guard === null || output.length === 0) return;
    const onFinding = (guard: string, action: GuardAction) => noteFinding(call, guard, action);
    call.remote_answer = new RemoteAnswer(call, aboutOf(call, prepared.model.name), output, tools, onFinding);
  }

  /** What judges the answer of a call; null where the answer has no texts. */
  #answerGuard(call: Call, { endpoint, read_body }: Prepared, plan: GuardsPlan): AnswerGuard | null {
    if (endpoint === null || !PLACES[endpoint].has_answer) return null;
    let makers = this.#made_for_answers.get(plan);
    if (makers === undefined) {
      const { names_budget_ms, custom } = call.plan.privacy;
      const knowledge = { custom, findNames: this.#names.within(names_budget_ms) };
      makers = plan.output.filter((one) => one.guard !== "json_schema").map((one) => makerOf(one, knowledge));
      this.#made_for_answers.set(plan, makers);
    }
    if (makers.length + plan.remote.output.length === 0) return null;
    const guards = makers.flatMap((make) => make(read_body));
    const values = Array.from(call.mapping ?? [], ({ value }) => value);
    return new AnswerGuard(
      guards,
      askedIn(read_body, values),
      ({ guard, action }) => noteFinding(call, guard, action),
      plan.remote.output.some(mayBlock),
    );
  }

  /** The form that a call's answer is to have; null where nobody looks; or why the call may not go on. */
  askedFormat(
    call: Call,
    { endpoint, read_body }: Prepared,
    { output }: GuardsPlan,
  ): CheckedFormat | GatewayError | null {
    const plan = joinSchemaPlans(output.filter((one) => one.guard === "json_schema"));
    if (plan === null || !isJudged(endpoint) || read_body === null) return null;
    const format = this.formatOf(read_body, endpoint, call.client!.tenant);
    if (format === null) return null;
    if (format.schema_fault === null || plan.action !== "block") return { plan, format };
    return new GatewayError(
      "invalid_value",
      `Answers of this model are checked by the schema that is asked for, and this one cannot be used: ${format.schema_fault}.`,
      { param: SCHEMA_PARAMS[endpoint] },
    );
  }

  /** The form that a request asks its answer to have; null for none. */
  formatOf(body: Uint8Array, endpoint: JudgedEndpoint, tenant: string): AskedFormat | null {
    return readAskedFormat(body, endpoint, tenant, this.#schemas);
  }

  #guardsOf(plan: GuardsPlan): InputGuards | GatewayError {
    let guards = this.#made.get(plan);
    if (guards === undefined) {
      const needs_scorer = plan.input.some(({ guard }) => guard === "prompt_injection");
      const scorer = needs_scorer ? loadInjectionScorer() : null;
      if (scorer !== null && "fault" in scorer) {
        return new GatewayError("internal_error", `Requests cannot be judged: ${scorer.fault}.`);
      }
      guards = new InputGuards(
        plan.input.filter((one) => one.guard !== "denied_topics"),
        scorer,
      );
      this.#made.set(plan, guards);
    }
    return guards;
  }
}

/** How a schema is called where it is asked for. */
const SCHEMA_PARAMS: Readonly<Record<JudgedEndpoint, string>> = {
  "/chat/completions": "response_format.json_schema.schema",
  "/responses": "text.format.schema",
  "/messages": "output_config.format.schema",
  "/generateContent": "generationConfig.responseJsonSchema",
};

/** Makes guards for the answer to one request. */
type GuardMaker = (request: Uint8Array | null) => readonly TextGuard[];

function makerOf(plan: TextGuardPlan, knowledge: PersonalKnowledge): GuardMaker {
  if (plan.guard === "prompt_leak") return (request) => [makeLeakGuard(plan, () => promptOf(request))];
  const guards = makeTextGuards(plan, knowledge);
  return () => guards;
}

/** What the operator told the model. */
function promptOf(request: Uint8Array | null): string[] {
  const texts = request === null ? null : read(request)?.texts;
  return (texts ?? []).filter(({ source }) => source === "system").map(({ text }) => text);
}

function enforces({ action }: { readonly action: GuardAction }): boolean {
  return action === "block" || action === "redact";
}

/** Whether guards may take something out of answers, or keep them back. */
function holdsAnswers(guards: GuardsPlan | null | undefined): boolean {
  return guards ? guards.output.some(enforces) || guards.remote.output.some(mayBlock) : false;
}

/** What others are told of a call whose texts they judge. */
function aboutOf({ client, id }: Call, model: string): AskedCall {
  return { model, tenant: client!.tenant, key: client!.name, request_id: id };
}

function read(body: Uint8Array): RequestContents | null {
  try {
    const request: unknown = JSON.parse(new TextDecoder().decode(body));
    return isFields(request) ? contentsOf(request) : null;
  } catch {
    return null;
  }
}

function refused(why: string): GatewayError {
  return new GatewayError(
    "content_blocked",
    `The guards of this model do not let the request through: ${why}.`,
  );
}
