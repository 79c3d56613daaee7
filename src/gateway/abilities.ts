// A model without the targets that cannot serve a request, or in words what each of them lacks.

import { type Need, needNames } from "../config/needs.ts";
import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import { ableModel, isChecked, type Shortfall, shortfallOf } from "../routing/capabilities.ts";
import type { Call } from "./call.ts";
import type { JsonPath } from "./endpoints.ts";
import type { RequestView } from "./request_view.ts";

/** The endpoints whose requests may be too much for a target: chats. */
const CHATS: ReadonlySet<JsonPath | null> = new Set<JsonPath>([
  ...(["/chat/completions", "/completions", "/responses", "/messages", "/generateContent"] as const),
]);

/** Whether a call's request may be too much for some target of a model. */
export function mayBeTooMuch(call: Call, model: ModelPlan): boolean {
  return CHATS.has(call.endpoint) && isChecked(model);
}

/** A model without the targets that cannot serve a request; an error where none can. */
export function withinAbilities(model: ModelPlan, view: RequestView): ModelPlan | GatewayError {
  return ableModel(model, view.demands) ?? new GatewayError("no_capable_target", incapableText(model, view));
}

/** Targets that a message names. */
const NAMED_MAX = 5;

/** What is missing where. */
function incapableText({ name, targets, fallbacks }: ModelPlan, { demands }: RequestView): string {
  const all = [...targets, ...fallbacks.flatMap((fallback) => fallback.targets)];
  const missing = all.slice(0, NAMED_MAX).map((target) => {
    const shortfall = shortfallOf(target, demands)!;
    return `${target.provider.name}/${target.model} ${shortfallText(target, shortfall)}`;
  });
  const rest = all.length > NAMED_MAX ? `; and ${all.length - NAMED_MAX} more` : "";
  return `No target of '${name.slice(0, 200)}' can serve this request: ${missing.join("; ")}${rest}.`;
}

const WORDS: Readonly<Record<Need, string>> = {
  vision: "images",
  audio: "sound",
  video: "video",
  pdf: "PDF files",
  tools: "tools",
  json_schema: "JSON schemas",
  reasoning: "wishes for reasoning",
};

/** `takes no images`, `has room for 8192 tokens, and about 12000 are needed`. */
export function shortfallText({ capabilities }: TargetPlan, { lacks, context_tokens }: Shortfall): string {
  const missing = needNames(lacks).map((need) => WORDS[need]);
  const parts = missing.length === 0 ? [] : [`takes no ${missing.join(" and no ")}`];
  if (context_tokens !== null)
    parts.push(
      `has room for ${capabilities.context_tokens} tokens, and about ${Math.ceil(context_tokens)} are needed`,
    );
  return parts.join(" and ");
}
