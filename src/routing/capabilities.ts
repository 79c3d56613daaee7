// Which of a model's targets can serve a request at all: those that cannot are not tried, not even when all others fail. What a
// request needs is worked out only as far as it makes a difference to some target.

import { type NeedBits, NO_NEEDS } from "../config/needs.ts";
import type { ModelPlan, TargetPlan } from "../config/plan.ts";

/** A request, as far as targets may not be up to it. */
export interface Demands {
  /** What it needs of these needs. */
  needsAmong(wanted: NeedBits): NeedBits;
  /** At most as many tokens has its prompt. */
  readonly body_bytes: number;
  /** Tokens that its answer may have. */
  readonly asked_tokens: number;
  /** About how many tokens its prompt and its answer may have; null where nobody can tell. */
  readonly context_tokens: number | null;
}

/** What a target lacks for a request. */
export interface Shortfall {
  readonly lacks: NeedBits;
  /** Tokens that it would have to have room for; null: it has. */
  readonly context_tokens: number | null;
}

/**
 * How far an estimate of tokens may be off, upwards: where a request fits no target by the estimate alone, those are tried that it
 * may fit.
 */
const ESTIMATE_SLACK = 0.8;

/** What the targets of a model lack at most, all together. */
interface Checks {
  readonly lacks: NeedBits;
  readonly least_context: number;
}

const checks = new WeakMap<ModelPlan, Checks>();

function checksOf(model: ModelPlan): Checks {
  let known = checks.get(model);
  if (known === undefined) {
    let lacks = NO_NEEDS;
    let least_context = Number.POSITIVE_INFINITY;
    for (const one of [model, ...model.fallbacks])
      for (const { capabilities } of one.targets) {
        lacks |= capabilities.lacks;
        least_context = Math.min(least_context, capabilities.context_tokens);
      }
    known = { lacks, least_context };
    checks.set(model, known);
  }
  return known;
}

/** Whether there is a request that some target of a model is not up to. */
export function isChecked(model: ModelPlan): boolean {
  const { lacks, least_context } = checksOf(model);
  return lacks !== NO_NEEDS || least_context !== Number.POSITIVE_INFINITY;
}

/** What a target lacks for a request; null: nothing. */
export function shortfallOf({ capabilities }: TargetPlan, demands: Demands, slack = 1): Shortfall | null {
  const lacks = capabilities.lacks === NO_NEEDS ? NO_NEEDS : demands.needsAmong(capabilities.lacks);
  const context_tokens = contextOf(capabilities.context_tokens, demands);
  const is_too_long = context_tokens * slack > capabilities.context_tokens;
  if (lacks === NO_NEEDS && !is_too_long) return null;
  return { lacks, context_tokens: is_too_long ? context_tokens : null };
}

/** About how many tokens a request takes; 0 where its very bytes are so few that it does not matter. */
function contextOf(room: number, demands: Demands): number {
  if (room === Number.POSITIVE_INFINITY) return 0;
  return demands.body_bytes + demands.asked_tokens <= room ? 0 : (demands.context_tokens ?? 0);
}

/** Models as requests leave them, by which targets are left; made once each. */
const made = new WeakMap<ModelPlan, Map<string, ModelPlan>>();
/** Of one model that are kept: there are hardly more ways in which its targets differ. */
const MADE_MAX = 100;

/** A model with the targets and fallbacks that can serve a request; itself where all can, null where none can. */
export function ableModel(model: ModelPlan, demands: Demands): ModelPlan | null {
  if (!isChecked(model)) return model;
  return ableBut(model, demands, 1) ?? ableBut(model, demands, ESTIMATE_SLACK);
}

function ableBut(model: ModelPlan, demands: Demands, slack: number): ModelPlan | null {
  const { lacks, least_context } = checksOf(model);
  const is_plain = lacks === NO_NEEDS || demands.needsAmong(lacks) === NO_NEEDS;
  if (is_plain && contextOf(least_context, demands) <= least_context) return model;
  const models = [model, ...model.fallbacks];
  const isAble = (target: TargetPlan) => shortfallOf(target, demands, slack) === null;
  const left = models.map(({ targets }) => targets.filter(isAble));
  if (left.every((targets, index) => targets.length === models[index]!.targets.length)) return model;
  if (left.every((targets) => targets.length === 0)) return null;
  return limitedTo(model, left);
}

function limitedTo(model: ModelPlan, left: readonly (readonly TargetPlan[])[]): ModelPlan {
  let known = made.get(model);
  if (known === undefined) {
    known = new Map();
    made.set(model, known);
  }
  const models = [model, ...model.fallbacks];
  const name = left
    .map((targets, index) => targets.map((target) => models[index]!.targets.indexOf(target)).join(","))
    .join(" ");
  let limited = known.get(name);
  if (limited === undefined) {
    const [targets = [], ...rest] = left;
    const fallbacks = model.fallbacks
      .map((fallback, index) => ({ ...fallback, targets: rest[index] ?? [] }))
      .filter((fallback) => fallback.targets.length > 0);
    limited = { ...model, targets, fallbacks };
    if (known.size >= MADE_MAX) known.clear();
    known.set(name, limited);
  }
  return limited;
}
