// Where requests may go: targets elsewhere, and those of which nobody says where they are, are not tried, not even when all others
// fail.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";

/** Models as they are within regions, made once each. */
const made = new WeakMap<ModelPlan, Map<string, ModelPlan | null>>();

/** Regions of one model that are kept; clients choose the names. */
const MADE_MAX = 100;

/**
 * A model with the targets and fallbacks that lie in all of some regions; itself where none are demanded, null where nothing is left.
 * `eu` holds `eu-west-1` too.
 */
export function withinRegions(model: ModelPlan, regions: readonly string[]): ModelPlan | null {
  if (regions.length === 0) return model;
  let known = made.get(model);
  if (known === undefined) {
    known = new Map();
    made.set(model, known);
  }
  const name = regions.join(" ");
  let within = known.get(name);
  if (within === undefined) {
    within = limited(model, regions);
    if (known.size >= MADE_MAX) known.clear();
    known.set(name, within);
  }
  return within;
}

function limited(model: ModelPlan, regions: readonly string[]): ModelPlan | null {
  const isThere = (target: TargetPlan) => isWithin(target, regions);
  const fallbacks = model.fallbacks.flatMap((fallback) => {
    const targets = fallback.targets.filter(isThere);
    return targets.length === 0 ? [] : [{ ...fallback, targets }];
  });
  const targets = model.targets.filter(isThere);
  return targets.length === 0 && fallbacks.length === 0 ? null : { ...model, targets, fallbacks };
}

/** Whether a target lies in all of some regions. */
export function isWithin({ provider }: TargetPlan, regions: readonly string[]): boolean {
  return regions.every((region) => holdsRegion(region, provider.region));
}

/** Whether a place lies in a region: `eu` holds `eu-west-1`. */
export function holdsRegion(region: string, place: string | null): boolean {
  return place !== null && (place === region || place.startsWith(`${region}-`));
}
