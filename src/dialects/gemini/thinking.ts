// How much a model is to think, as its generation of Gemini is told.
// Source: https://ai.google.dev/gemini-api/docs/thinking (levels from 3 on, budgets for 2.5); what an effort of OpenAI's is worth:
// https://ai.google.dev/gemini-api/docs/openai, "Thinking"

import type { Losses } from "../neutral/losses.ts";
import type { Reasoning } from "../neutral/request.ts";
import { generationOf } from "./model.ts";
import { camelFields, textOf } from "./names.ts";

type Json = Readonly<Record<string, unknown>>;

/** Tokens to think, for an effort. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};
const PRO_BUDGET_MAX = 32_768;
/** The least that 2.5 Pro thinks: it cannot be turned off. */
const PRO_BUDGET_MIN = 128;

const LEVELS: Readonly<Record<string, string>> = {
  minimal: "MINIMAL",
  low: "LOW",
  medium: "MEDIUM",
  high: "HIGH",
  xhigh: "HIGH",
  max: "HIGH",
};

/** Reads a `thinkingConfig`; null where it says nothing. */
export function readThinking(value: unknown): Reasoning | null {
  const config = camelFields(value);
  if (config === null) return null;
  const { thinkingBudget, includeThoughts } = config;
  const level = textOf(config["thinkingLevel"])?.toLowerCase();
  const reasoning: Reasoning = {
    ...(level === undefined || level === "thinking_level_unspecified" ? {} : { effort: level }),
    ...(typeof thinkingBudget === "number" ? ofBudget(thinkingBudget) : {}),
    ...(typeof includeThoughts === "boolean" ? { summary: includeThoughts ? "auto" : "none" } : {}),
  };
  return Object.keys(reasoning).length === 0 ? null : reasoning;
}

function ofBudget(budget: number): Reasoning {
  if (budget > 0) return { budget_tokens: budget };
  return { mode: budget === 0 ? "off" : "adaptive" };
}

/** The `thinkingConfig`; undefined where there is nothing to say, or the model does not think. */
export function writeThinking(reasoning: Reasoning, model: string, losses: Losses): Json | undefined {
  const generation = generationOf(model);
  if (generation < 2.5) {
    if (reasoning.mode !== "off" && reasoning.effort !== "none") losses.lose("reasoning_effort", "hint");
    return undefined;
  }
  const amount = generation < 3 ? writeBudget(reasoning, model) : writeLevel(reasoning, model);
  const { summary } = reasoning;
  const config = { ...amount, ...(summary === undefined ? {} : { includeThoughts: summary !== "none" }) };
  return Object.keys(config).length === 0 ? undefined : config;
}

function isOff({ mode, effort }: Reasoning): boolean {
  return mode === "off" || (effort === "none" && mode === undefined);
}

function writeBudget(reasoning: Reasoning, model: string): Json {
  const { effort, budget_tokens, mode } = reasoning;
  const is_pro = model.includes("pro");
  if (isOff(reasoning)) return { thinkingBudget: is_pro ? PRO_BUDGET_MIN : 0 };
  if (budget_tokens !== undefined) return { thinkingBudget: budget_tokens };
  if (effort !== undefined && Object.hasOwn(BUDGETS, effort)) {
    const is_most = effort === "xhigh" || effort === "max";
    return { thinkingBudget: is_pro && is_most ? PRO_BUDGET_MAX : BUDGETS[effort]! };
  }
  return mode === "adaptive" ? { thinkingBudget: -1 } : {};
}

/** A level, else a budget, which these models still take; both are refused. */
function writeLevel(reasoning: Reasoning, model: string): Json {
  const { effort, budget_tokens } = reasoning;
  if (isOff(reasoning)) return { thinkingLevel: levelFor("minimal", model) };
  if (effort !== undefined && Object.hasOwn(LEVELS, effort))
    return { thinkingLevel: levelFor(effort, model) };
  return budget_tokens === undefined ? {} : { thinkingBudget: budget_tokens };
}

/** The first Flash models of the generation know MINIMAL, and all but 3 Pro know MEDIUM. */
function levelFor(effort: string, model: string): string {
  const name = model.slice(model.lastIndexOf("/") + 1);
  if (effort === "minimal" && !KNOWS_MINIMAL.some((start) => name.startsWith(start))) return "LOW";
  if (effort === "medium" && name.startsWith("gemini-3-pro")) return "HIGH";
  return LEVELS[effort]!;
}
const KNOWS_MINIMAL = ["gemini-3-flash", "gemini-3.1-flash", "gemini-3.5-flash"];
