// The targets of a model for a request: those that would be tried, in their order, and those that are left out, with the reasons.

import type { ModelPlan, TargetPlan } from "../../config/plan.ts";
import { dollarsOf } from "../../ledger/dollars.ts";
import { expectedCost } from "../../ledger/prices/cost.ts";
import { admitted } from "../../routing/admission.ts";
import type { Affinity } from "../../routing/affinity.ts";
import { shortfallOf } from "../../routing/capabilities.ts";
import type { HealthReport } from "../../routing/health/health.ts";
import { orderTargets } from "../../routing/order.ts";
import { isWithin } from "../../routing/region.ts";
import type { KeyRotation } from "../../routing/rotation.ts";
import type { Sight } from "../../routing/strategies.ts";
import { shortfallText } from "../abilities.ts";
import type { Books } from "../books.ts";
import type { Call } from "../call.ts";
import { regionsOf } from "../find_model.ts";
import type { PipelineTools } from "../pipeline_tools.ts";
import type { RequestView } from "../request_view.ts";

/** A target. */
export interface TargetReport {
  readonly provider: string;
  readonly model: string;
  /** The model of the configuration that it is a target of: the one that was asked for, or a fallback. */
  readonly of: string;
  /** When it would be tried, counted from 1; null: not at all. */
  readonly place: number | null;
  /** Why it would not be tried; null where it would. */
  readonly why: string | null;
  /** Its share of the calls, where the first is drawn by weight. */
  readonly weight: number | null;
  readonly health: HealthReport;
  /** Whether nothing can be asked of it now: its keys rest or are full, or others wait for them. The next is asked, or the call waits. */
  readonly is_saturated: boolean;
  /** Its provider's keys, and how many of them rest. */
  readonly keys: { readonly all: number; readonly resting: number };
  readonly context_tokens: number | null;
  readonly is_deprecated: boolean;
  /** What the call may cost there, in dollars; null where its price is not known. */
  readonly cost_usd: string | null;
}

/** What the targets are reported for. */
export interface TargetsSubject {
  readonly call: Call;
  readonly view: RequestView;
  /** As the name stands for it, before anything is left out. */
  readonly named: ModelPlan;
  /** As the request leaves it; null where nothing is left. */
  readonly model: ModelPlan | null;
  readonly affinity: Affinity;
  readonly is_stream: boolean;
  readonly tokens: { readonly input_tokens: number; readonly output_tokens: number };
}

/** Reports all targets of a model: those that would be tried first. */
export function reportTargets(
  subject: TargetsSubject,
  tools: Pick<PipelineTools, "health" | "books" | "queues" | "rotation">,
): readonly TargetReport[] {
  const { named, model, affinity } = subject;
  const passed = new Set<TargetPlan>();
  const sight: Sight = {
    ...{ affinity, health: tools.health, is_stream: subject.is_stream, may_measure: false },
    costOf: (one, target) => subject.call.account?.expectedCostAt(one, target) ?? null,
    random: Math.random,
  };
  const all = model === null ? [] : orderTargets(model, sight);
  const order = admitted(all, tools.health, (target) => void passed.add(target)).map(({ target }) => target);
  const reports = [named, ...named.fallbacks].flatMap((one) =>
    one.targets.map((target): TargetReport => {
      const place = order.indexOf(target);
      const health = tools.health.healthOf(target, subject.is_stream);
      const why = place >= 0 ? null : whyNot(target, subject, passed.has(target) ? health.reason : null);
      const { provider, capabilities } = target;
      return {
        ...{ provider: provider.name, model: target.model, of: one.name, why, health },
        place: place < 0 ? null : place + 1,
        is_saturated: tools.queues.isSaturated(target),
        keys: keysOf(target, tools.rotation),
        weight: one.strategy === "weighted" && one.targets.length > 1 ? target.weight : null,
        context_tokens: Number.isFinite(capabilities.context_tokens) ? capabilities.context_tokens : null,
        is_deprecated: capabilities.is_deprecated,
        cost_usd: costAt(one, target, subject, tools.books),
      };
    }),
  );
  return reports.toSorted(
    (a, b) => (a.place ?? Number.POSITIVE_INFINITY) - (b.place ?? Number.POSITIVE_INFINITY),
  );
}

/** Why a target is not tried. */
function whyNot(target: TargetPlan, { call, view, named }: TargetsSubject, ill: string | null): string {
  const regions = regionsOf(call, named);
  if (!isWithin(target, regions))
    return `the request may not leave ${regions.join(" and ")}, and the target is in ${target.provider.region ?? "nobody says which region"}`;
  const shortfall = shortfallOf(target, view.demands);
  if (shortfall !== null) return `it ${shortfallText(target, shortfall)}`;
  if (ill !== null) return `its breaker is open: ${ill}`;
  return "as many calls as may ask a target that fails do so already";
}

function keysOf({ provider, model }: TargetPlan, rotation: KeyRotation): TargetReport["keys"] {
  const now_ms = performance.now();
  const resting = provider.keys.filter((key) => rotation.isResting(provider, key, model, now_ms));
  return { all: provider.keys.length, resting: resting.length };
}

function costAt(
  model: ModelPlan,
  target: TargetPlan,
  { tokens, call }: TargetsSubject,
  books: Books,
): string | null {
  const price = books.priceOf(model, target);
  if (price === null) return null;
  return dollarsOf(expectedCost(price, tokens.input_tokens, tokens.output_tokens, call.wall_ms));
}
