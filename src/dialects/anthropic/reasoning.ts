// How much the model thinks, both ways, and what thinking excludes.
// Sources: https://platform.claude.com/docs/en/build-with-claude/thinking; .../extended-thinking, "Feature compatibility"; .../effort.

import { isFields } from "../fields.ts";
import { effortOfBudget } from "../neutral/effort.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest, Reasoning } from "../neutral/request.ts";
import type { Claude } from "./claude.ts";
import { type Fields, FORMAT } from "./own.ts";
import { badField } from "./read_blocks.ts";

/** The least that the provider takes, tokens. */
const LEAST_BUDGET = 1024;
/** Budgets for models that are told tokens, by effort. */
const BUDGETS: Readonly<Record<string, number>> = {
  ...{ minimal: 1024, low: 2048, medium: 8192, high: 16_384, xhigh: 32_768, max: 32_768 },
};
/** How much of an answer thinking may be where the budget is not told. */
const THINKING_SHARE = 0.8;

/**
 * Reads `thinking` and `output_config.effort`; null where neither is there. Kinds of thinking that are not known are left to `own`.
 * @throws GatewayError that names the field
 */
export function readReasoning(thinking: unknown, effort: unknown): Reasoning | null {
  const told = typeof effort === "string" ? { effort } : {};
  if (!isKnownThinking(thinking)) return typeof effort === "string" ? told : null;
  const { type, budget_tokens, display } = thinking;
  const shown = display === "omitted" ? "none" : "auto";
  const summary = display === "omitted" || display === "summarized" ? { summary: shown } : {};
  if (type === "disabled") return { ...told, mode: "off" };
  if (type === "adaptive") return { ...told, mode: "adaptive", ...summary };
  if (typeof budget_tokens !== "number") throw badField("thinking.budget_tokens", "a valid integer");
  return { ...told, mode: "on", budget_tokens, ...summary };
}

/** Whether a `thinking` is one that the neutral model can say. */
export function isKnownThinking(thinking: unknown): thinking is Fields {
  if (!isFields(thinking)) return false;
  const type = thinking["type"];
  return type === "disabled" || type === "adaptive" || type === "enabled";
}

/** What a request says of thinking, written. */
export interface WrittenReasoning {
  readonly thinking: Fields | null;
  /** For `output_config`. */
  readonly effort: string | null;
  /** As asked, or raised so that the answer has room behind the thinking. */
  readonly max_tokens: number;
}

/** What decides about thinking, beside the wish for it. */
export interface ThinkingCase {
  /** The model has to call a tool, which excludes thinking. */
  readonly is_forced: boolean;
  /** See `Conversation`. */
  readonly lacks_thinking: boolean;
  readonly max_tokens: number;
}

/** Writes how much the model is to think. */
export function writeReasoning(
  request: ChatRequest,
  claude: Claude,
  { is_forced, lacks_thinking, max_tokens }: ThinkingCase,
  losses: Losses,
): WrittenReasoning {
  const { reasoning } = request;
  const is_own = request.own?.format === FORMAT;
  const none = { thinking: null, effort: null, max_tokens };
  if (reasoning === null) {
    const has_to_stop = is_forced && claude.thinks_unasked && !is_own;
    return { ...none, thinking: has_to_stop ? offOf(claude) : null };
  }
  const effort = effortOf(reasoning, claude);
  const is_effort_alone = reasoning.mode === undefined && reasoning.budget_tokens === undefined;
  if (isOff(reasoning)) {
    const off = offOf(claude);
    if (off === null && claude.thinking !== "none") losses.lose("reasoning", "hint");
    return { thinking: off, effort: withoutThinking(effort, claude), max_tokens };
  }
  // Who only says how thoughts are to be shown leaves it to the model whether there are any.
  if (is_effort_alone && reasoning.effort === undefined && !claude.thinks_unasked) return none;
  // In this format effort alone is no wish to think.
  if (is_own && is_effort_alone) {
    if (effort === null) losses.lose("output_config.effort", "hint");
    return { ...none, effort };
  }
  const form = formOf(reasoning, claude);
  if (form === null || (lacks_thinking && form === "budget") || (is_forced && claude.off !== null)) {
    losses.lose("reasoning", "hint");
    return { thinking: offOf(claude), effort: withoutThinking(effort, claude), max_tokens };
  }
  const display = displayOf(reasoning);
  if (form === "adaptive") {
    if (reasoning.budget_tokens !== undefined) losses.lose("reasoning.budget_tokens", "hint");
    return { thinking: { type: "adaptive", ...display }, effort, max_tokens };
  }
  const budget = budgetOf(reasoning, max_tokens);
  // An answer that has no room for the least of thinking gets it beside.
  const room = budget < max_tokens ? max_tokens : max_tokens + budget;
  return { thinking: { type: "enabled", budget_tokens: budget, ...display }, effort, max_tokens: room };
}

function isOff({ mode, effort, budget_tokens }: Reasoning): boolean {
  return mode === "off" || (mode === undefined && (effort === "none" || budget_tokens === 0));
}

function offOf(claude: Claude): Fields | null {
  return claude.thinking === "none" || claude.off === null ? null : { type: claude.off };
}

function formOf(reasoning: Reasoning, { thinking, is_known }: Claude): "budget" | "adaptive" | null {
  if (thinking === "none") return null;
  if (thinking !== "both") return thinking;
  if (reasoning.mode === "adaptive") return "adaptive";
  // Models that know both think better as they find fit; servers of other models know budgets.
  return reasoning.budget_tokens !== undefined || !is_known ? "budget" : "adaptive";
}

/** The value of `output_config.effort` that is nearest to what is asked; null: none. */
function effortOf(
  { effort, budget_tokens, mode }: Reasoning,
  { efforts, thinking, is_known }: Claude,
): string | null {
  if (effort === undefined) {
    // A budget that cannot be told says how hard to try.
    if (budget_tokens === undefined || thinking !== "adaptive" || mode === "off") return null;
    return effortOfBudget(budget_tokens);
  }
  if (efforts.length === 0 || effort === "none") return null;
  if (!is_known && mode === undefined) return null;
  if (efforts.includes(effort)) return effort;
  return effort === "minimal" ? "low" : effort === "xhigh" || effort === "max" ? "high" : null;
}

/** Models that think unasked take no more while they may not. */
function withoutThinking(effort: string | null, { thinks_unasked }: Claude): string | null {
  return thinks_unasked && (effort === "xhigh" || effort === "max") ? "high" : effort;
}

function budgetOf({ budget_tokens, effort, mode }: Reasoning, max_tokens: number): number {
  const most = Math.max(LEAST_BUDGET, Math.floor(max_tokens * THINKING_SHARE));
  if (budget_tokens !== undefined && budget_tokens >= LEAST_BUDGET && budget_tokens < max_tokens)
    return budget_tokens;
  const by_effort = BUDGETS[effort ?? (mode === "adaptive" ? "high" : "medium")] ?? BUDGETS["medium"];
  return Math.max(LEAST_BUDGET, Math.min(budget_tokens ?? by_effort ?? LEAST_BUDGET, most));
}

function displayOf({ summary }: Reasoning): Fields {
  if (summary === undefined) return {};
  return { display: summary === "none" ? "omitted" : "summarized" };
}

/** Writes temperature and its like: some models take none, and none goes with thinking. */
export function writeSampling(request: ChatRequest, claude: Claude, thinks: boolean, losses: Losses): Fields {
  const { temperature, top_p, top_k } = request;
  const written: Record<string, number> = {};
  if (temperature !== null && isTaken(temperature === 1, claude.samples && !thinks)) {
    // Others go up to 2.
    if (temperature > 1) losses.lose("temperature", "hint");
    written["temperature"] = Math.min(temperature, 1);
  } else if (temperature !== null && temperature !== 1) losses.lose("temperature", "hint");
  const has_room = claude.samples_both || !("temperature" in written);
  const fits = !thinks || (top_p !== null && top_p >= 0.95);
  if (top_p !== null && claude.samples && has_room && fits) written["top_p"] = top_p;
  else if (top_p !== null && top_p !== 1) losses.lose("top_p", "hint");
  if (top_k !== null && claude.samples && !thinks) written["top_k"] = top_k;
  else if (top_k !== null) losses.lose("top_k", "hint");
  return written;
}

/** The default is taken everywhere. */
function isTaken(is_default: boolean, samples: boolean): boolean {
  return samples || is_default;
}
