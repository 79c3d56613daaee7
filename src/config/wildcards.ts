// Models whose name has a `*`: one entry for many names. What the star stands for takes the place of the star in the targets' names.

import { compileCapabilities } from "./capabilities.ts";
import type { CapabilitiesConfig } from "./capabilities_schema.ts";
import { spokenFor } from "./clouds.ts";
import type { ModelPlan, Plan, TargetPlan, WildcardPlan } from "./plan.ts";
import { SIM_MODELS } from "./providers.ts";
import type { Config, ModelConfig } from "./schema.ts";

const utf8 = new TextEncoder();

/** What lies before and behind the star of a name; null for a name without one. */
export function wildcardOf(name: string): Pick<WildcardPlan, "before" | "after"> | null {
  const star = name.indexOf("*");
  return star < 0 ? null : { before: name.slice(0, star), after: name.slice(star + 1) };
}

/** What the star of a pattern stands for in a name, at least one character; null where the name is not meant. */
export function starIn(
  name: string,
  { before, after }: Pick<WildcardPlan, "before" | "after">,
): string | null {
  const is_meant =
    name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after);
  return is_meant ? name.slice(before.length, name.length - after.length) : null;
}

/** Whether `provider/model` comes before a pattern: those that do not name a provider's names leave them alone. */
function givesWay({ before }: Pick<WildcardPlan, "before">, name: string, providers: HasName): boolean {
  const slash = name.indexOf("/");
  return slash > 0 && !before.includes("/") && providers.has(name.slice(0, slash));
}

interface HasName {
  has(name: string): boolean;
}

/** The most precise of some patterns that means a name, by the length of what is not the star. */
function mostPrecise<T>(
  patterns: Iterable<readonly [Pick<WildcardPlan, "before" | "after">, T]>,
  name: string,
  providers: HasName,
): { readonly star: string; readonly of: T } | null {
  let best: { star: string; of: T } | null = null;
  for (const [pattern, of] of patterns) {
    const star = starIn(name, pattern);
    if (star === null || givesWay(pattern, name, providers)) continue;
    if (best === null || star.length < best.star.length) best = { star, of };
  }
  return best;
}

/** The entry of `models` that a name is of: its own, or one with a `*`. */
export function modelConfigOf(
  { models, providers }: Pick<Config, "models" | "providers">,
  name: string,
): ModelConfig | undefined {
  if (Object.hasOwn(models, name)) return models[name];
  const patterns = Object.entries(models).flatMap(([pattern, model]) => {
    const parts = wildcardOf(pattern);
    return parts === null ? [] : [[parts, model] as const];
  });
  const names = { has: (provider: string) => provider === "sim" || Object.hasOwn(providers, provider) };
  return mostPrecise(patterns, name, names)?.of;
}

/** Whether one of some names is, or stands for, a model's name. */
export function isNamed(names: readonly string[], name: string): boolean {
  if (name.includes("*")) return false;
  return names.some((one) => {
    const parts = wildcardOf(one);
    return parts === null ? one === name : starIn(name, parts) !== null;
  });
}

/** The model that a name stands for by a `*`; null where none does. Not frozen, and not kept. */
export function wildcardModel({ wildcards, providers }: Plan, name: string): ModelPlan | null {
  const found = mostPrecise(
    wildcards.map((model) => [model.wildcard!, model] as const),
    name,
    providers,
  );
  if (found === null) return null;
  const { star, of: model } = found;
  const { said } = model.wildcard!;
  const targets = model.targets
    .map((target, index) => starredTarget(target, star, said[index]!))
    .filter((target) => target.provider.client !== "sim" || SIM_MODELS.includes(target.model));
  return targets.length === 0 ? null : { ...model, name, targets, wildcard: null };
}

function starredTarget(
  target: TargetPlan,
  star: string,
  said: readonly (CapabilitiesConfig | undefined)[],
): TargetPlan {
  const { provider } = target;
  // What stands for the star is no pattern of a replacement.
  const model = target.model.replace("*", () => star);
  return {
    ...target,
    model,
    speaks: spokenFor(provider.kind, provider.speaks, model),
    model_json: utf8.encode(JSON.stringify(model)),
    capabilities: compileCapabilities(provider, model, ...said),
  };
}
