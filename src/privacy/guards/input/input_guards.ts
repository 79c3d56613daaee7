// The guards of a model's requests: each looks at what the ones before it left, and the strictest that finds something decides.

import type { Modality } from "../../../config/guards.ts";
import { DeniedWords } from "../denied_words.ts";
import { type GuardAction, REMOVED, type RequestGuardPlan, replaceSpans } from "../guard.ts";
import type { InjectionScorer } from "../injection/injection.ts";
import { findHidden } from "./hidden_text.ts";
import type { RequestContents, RequestText, TextSource } from "./request_texts.ts";

const ATTACK_REMOVED = "[removed: prompt injection]";

/** What a guard found. */
export interface InputFinding {
  readonly guard: RequestGuardPlan["guard"];
  readonly action: GuardAction;
  /** What it found, in words that hold nothing of the request. */
  readonly what: string;
}

/** Looks at one request; what `redact` takes out of its texts is gone from them afterwards. */
type Check = (contents: RequestContents) => string | null;

/** The guards of a model, made once. */
export class InputGuards {
  readonly #checks: readonly { readonly plan: RequestGuardPlan; readonly check: Check }[];

  /** @param scorer what judges prompt injections; needed where there is such a guard */
  constructor(plans: readonly RequestGuardPlan[], scorer: InjectionScorer | null) {
    this.#checks = plans.map((plan) => ({ plan, check: checkOf(plan, scorer) }));
  }

  /** What the guards find, in their order and up to the first that blocks. */
  judge(contents: RequestContents): InputFinding[] {
    const findings: InputFinding[] = [];
    for (const { plan, check } of this.#checks) {
      const what = check(contents);
      if (what === null) continue;
      findings.push({ guard: plan.guard, action: plan.action, what });
      if (plan.action === "block") break;
    }
    return findings;
  }
}

function checkOf(plan: RequestGuardPlan, scorer: InjectionScorer | null): Check {
  switch (plan.guard) {
    case "denied_words":
      return deniedWords(new DeniedWords(plan.words), plan.action);
    case "hidden_text":
      return hiddenText(plan.action);
    case "limits":
      return (contents) => overLimits(plan, contents);
    case "prompt_injection":
      if (scorer === null) throw new Error("prompt_injection needs a scorer");
      return promptInjection(scorer, plan);
  }
}

/** What people and tools say; what the operator's own prompt says, and the model said, is not denied. */
const SAID: ReadonlySet<TextSource> = new Set(["user", "tool"]);

function deniedWords(denied: DeniedWords, action: GuardAction): Check {
  return ({ texts }) => {
    let count = 0;
    for (const text of texts) {
      if (!SAID.has(text.source)) continue;
      const spans = denied.find(text.text);
      count += spans.length;
      if (spans.length === 0 || action !== "redact") continue;
      text.text = replaceSpans(text.text, spans, REMOVED);
    }
    return count === 0 ? null : "it has words that are denied";
  };
}

function hiddenText(action: GuardAction): Check {
  return ({ texts }) => {
    let is_found = false;
    for (const text of texts) {
      const spans = findHidden(text.text);
      if (spans.length === 0) continue;
      is_found = true;
      if (action === "redact") text.text = replaceSpans(text.text, spans, "");
    }
    return is_found ? "it has characters that nobody sees" : null;
  };
}

function promptInjection(
  scorer: InjectionScorer,
  { threshold, action }: Extract<RequestGuardPlan, { guard: "prompt_injection" }>,
): Check {
  const isAttack = ({ text, source }: RequestText) => {
    if (source === "system" || source === "assistant") return false;
    return scorer.score(text, source === "user" ? "user" : "tool") >= threshold;
  };
  return ({ texts }) => {
    const attacks = texts.filter(isAttack);
    if (attacks.length === 0) return null;
    if (action === "redact") for (const attack of attacks) attack.text = ATTACK_REMOVED;
    return attacks.some(({ source }) => source === "user")
      ? "a text of the user looks like a prompt injection"
      : "what a tool gave looks like a prompt injection";
  };
}

function overLimits(
  plan: Extract<RequestGuardPlan, { guard: "limits" }>,
  { texts, messages, tools, modalities }: RequestContents,
): string | null {
  const chars = texts.reduce((sum, { text }) => sum + text.length, 0);
  if (chars > (plan.max_chars ?? Infinity)) return `its texts have over ${plan.max_chars} characters`;
  if (messages > (plan.max_messages ?? Infinity)) return `it has over ${plan.max_messages} messages`;
  if (tools > (plan.max_tools ?? Infinity)) return `it has over ${plan.max_tools} tools`;
  const allowed = plan.modalities;
  const denied = allowed === null ? [] : [...modalities].filter((one: Modality) => !allowed.includes(one));
  return denied.length > 0 ? `it has parts of a kind that is not allowed: ${denied.join(", ")}` : null;
}
