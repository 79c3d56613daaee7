// Guards that are asked over the network: all of a call at once, each with its own time. Whoever blocks first ends the asking.

import { GUARD_ACTIONS, type GuardAction } from "../config/guards.ts";
import type { ModerationPlan, RemoteGuardPlan } from "../config/remote_guards.ts";
import { readModeration, writeModerations } from "../privacy/guards/remote/moderation.ts";
import {
  type Fault,
  mergeSpans,
  NOTHING_FOUND,
  type Question,
  type TextSpan,
  type Verdict,
} from "../privacy/guards/remote/question.ts";
import {
  type AskedCall,
  readWebhookVerdict,
  writeWebhookQuestion,
} from "../privacy/guards/remote/webhook.ts";
import { retryAfterMs } from "../routing/retry.ts";
import { requestPath } from "../upstream/addressing.ts";
import type { AttemptTools } from "./attempt.ts";
import type { Books } from "./books.ts";
import { postJson } from "./post_json.ts";

/** What the asking needs of the gateway. */
export type AskTools = Pick<AttemptTools, "clientOf" | "rotation"> & { readonly books: Pick<Books, "tell"> };

/** What all guards together say. */
export interface Ruling {
  /** Why nothing may go on; null: it may. */
  readonly blocked: string | null;
  /** What is to be taken out of the texts. */
  readonly spans: readonly TextSpan[];
  /** Guards that could not be asked. */
  readonly failed: readonly RemoteGuardPlan[];
}

/** How long a key rests from moderating that is over its rate, where nobody says how long, or refused; milliseconds. */
const RATE_REST_MS = 1_000;
const REFUSED_REST_MS = 60_000;

/** Whether a guard may keep something from going on. */
export function mayBlock({ action, on_failure }: RemoteGuardPlan): boolean {
  return action === "block" || on_failure === "block";
}

/**
 * Asks guards, and tells `onFinding` of what becomes of what they find. A guard that cannot be asked counts by its `on_failure`, under
 * its name with `_failed`.
 */
export async function askGuards(
  plans: readonly RemoteGuardPlan[],
  question: Question,
  about: AskedCall,
  tools: AskTools,
  signal: AbortSignal,
  onFinding: (name: string, action: GuardAction) => void,
): Promise<Ruling> {
  const decided = new AbortController();
  const either = AbortSignal.any([signal, decided.signal]);
  const failed: RemoteGuardPlan[] = [];
  let blocked: string | null = null;
  const all_spans = await Promise.all(
    plans.map(async (plan) => {
      const verdict = await askGuard(plan, question, about, tools, either);
      // What a call was not asked to its end says nothing.
      if (either.aborted) return [];
      const is_failed = "fault" in verdict;
      if (is_failed) {
        failed.push(plan);
        tools.books.tell(`the guard ${plan.name} of ${about.model} failed: ${verdict.fault}`);
      }
      const action = is_failed ? plan.on_failure : milder(verdict.action, plan.action);
      if (action === null) return [];
      onFinding(is_failed ? `${plan.name}_failed` : plan.name, action);
      if (action === "block") {
        const why = is_failed ? `it could not be judged: ${verdict.fault}` : verdict.reason;
        blocked = `${why ?? "it is not allowed"} (${plan.name})`;
        decided.abort();
      }
      return action === "redact" && !is_failed ? verdict.spans : [];
    }),
  );
  return { blocked, spans: mergeSpans(all_spans.flat()), failed };
}

function milder(found: GuardAction | null, at_most: GuardAction): GuardAction | null {
  if (found === null) return null;
  return GUARD_ACTIONS.indexOf(found) <= GUARD_ACTIONS.indexOf(at_most) ? found : at_most;
}

function askGuard(
  plan: RemoteGuardPlan,
  question: Question,
  about: AskedCall,
  tools: AskTools,
  signal: AbortSignal,
): Promise<Verdict | Fault> {
  return plan.guard === "webhook"
    ? askWebhook(plan, question, about, tools, signal)
    : askModeration(plan, question, tools, signal);
}

async function askWebhook(
  plan: Extract<RemoteGuardPlan, { guard: "webhook" }>,
  question: Question,
  about: AskedCall,
  tools: AskTools,
  signal: AbortSignal,
): Promise<Verdict | Fault> {
  const { origin, path, headers, timeout_ms } = plan;
  const body = writeWebhookQuestion(question, about);
  const client = tools.clientOf({ client: "http1" });
  const answer = await postJson(client, { origin, path, headers, body, pool: "webhook" }, timeout_ms, signal);
  if ("fault" in answer) return answer;
  const { status } = answer.head;
  if (status !== 200) return { fault: `it answered with status ${status}` };
  return readWebhookVerdict(answer.body, question.texts);
}

async function askModeration(
  plan: ModerationPlan,
  { stage, texts }: Question,
  tools: AskTools,
  signal: AbortSignal,
): Promise<Verdict | Fault> {
  const requests = writeModerations(plan, stage, texts);
  if ("fault" in requests) return requests;
  const verdicts = await Promise.all(
    requests.map(({ body, count }) => postModeration(plan, body, count, tools, signal)),
  );
  const found = verdicts.find((verdict) => "action" in verdict && verdict.action !== null);
  return found ?? verdicts.find((verdict) => "fault" in verdict) ?? NOTHING_FOUND;
}

async function postModeration(
  plan: ModerationPlan,
  body: Uint8Array,
  count: number,
  { clientOf, rotation }: AskTools,
  signal: AbortSignal,
): Promise<Verdict | Fault> {
  const { provider, model, timeout_ms } = plan;
  const { key } = rotation.choose(provider, model, performance.now());
  if (key === null) return { fault: "no key of its provider can be used at this moment" };
  const { origin } = provider;
  const path = requestPath(provider, model, "/moderations", true);
  const post = { origin, path, headers: key.headers, pool: key.name, body };
  const answer = await postJson(clientOf(provider), post, timeout_ms, signal);
  if ("fault" in answer) return answer;
  const { status, headers } = answer.head;
  if (status === 200) {
    rotation.served(provider, key, model, performance.now());
    return readModeration(answer.body, count, plan);
  }
  // The next question takes another key, where there is one. A key that may not moderate may well be good for all else.
  const rest = (rest_ms: number) => rotation.rest(provider, key, model, rest_ms, performance.now());
  if (status === 401 || status === 402 || status === 403) rest(REFUSED_REST_MS);
  if (status === 429) rest(retryAfterMs((name) => headers.get(name), Date.now()) ?? RATE_REST_MS);
  return { fault: `it answered with status ${status}` };
}
