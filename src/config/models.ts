// What a model name stands for: an alias of the configuration, or `provider/model`, made when first asked for.
// The made ones are kept per Plan, and boundedly, because clients choose the names.

import { compileCapabilities } from "./capabilities.ts";
import type { CapabilitiesConfig } from "./capabilities_schema.ts";
import { spokenFor } from "./clouds.ts";
import { compileBreaker } from "./health.ts";
import type { BreakerConfig } from "./health_schema.ts";
import { nearest } from "./nearest.ts";
import type { ModelPlan, Plan, ProviderPlan, RetryPlan, TargetPlan, TimeoutPlan, Timeouts } from "./plan.ts";
import { SIM_MODELS } from "./providers.ts";
import type { TimeoutsConfig } from "./schema.ts";
import { wildcardModel } from "./wildcards.ts";

/** Where a model configures none. */
export const DEFAULT_RETRIES: RetryPlan = Object.freeze({ attempts: 2, backoff_ms: 200 });
/** Where a model configures none; milliseconds. */
export const DEFAULT_DEADLINE_MS = 600_000;
/** Made models that a Plan keeps; the oldest goes first. */
const MAX_MADE = 1000;
/** Longer names are nobody's model. */
const MAX_NAME = 512;
/** Names that a suggestion is looked for among. */
const MAX_CANDIDATES = 1000;

const made = new WeakMap<Plan, Map<string, ModelPlan>>();
const utf8 = new TextEncoder();

/**
 * The model of a name: an alias, which shadows everything of the same name, else one whose `*` stands for it, else `provider/model`
 * split at the first slash. Null where there is no such alias or provider, or the simulator has no such model.
 */
export function resolveModel(plan: Plan, name: string): ModelPlan | null {
  const alias = plan.models.get(name);
  if (alias !== undefined) return alias.wildcard === null ? alias : null;
  const known = made.get(plan)?.get(name);
  if (known !== undefined) return known;
  if (plan.wildcards.length > 0 && name.length <= MAX_NAME) {
    const model = wildcardModel(plan, name);
    if (model !== null) return keep(plan, model);
  }
  const slash = name.indexOf("/");
  if (slash <= 0 || slash === name.length - 1 || name.length > MAX_NAME) return null;
  const provider = plan.providers.get(name.slice(0, slash));
  if (provider === undefined) return null;
  const model_name = name.slice(slash + 1);
  if (provider.client === "sim" && !SIM_MODELS.includes(model_name)) return null;
  const model = makeModel(name, [Object.freeze(makeTarget(provider, model_name))]);
  Object.freeze(model.fallbacks);
  return keep(plan, model);
}

/** Keeps a model that was made, for the next who asks for it. */
function keep(plan: Plan, model: ModelPlan): ModelPlan {
  Object.freeze(model.targets);
  let cache = made.get(plan);
  if (cache === undefined) {
    cache = new Map();
    made.set(plan, cache);
  }
  if (cache.size >= MAX_MADE) cache.delete(cache.keys().next().value!);
  cache.set(model.name, Object.freeze(model));
  return model;
}

/**
 * The name that an unknown one most likely meant, or null. `allowed` keeps names from a client that may not call them.
 */
export function nearestModel(
  plan: Plan,
  name: string,
  allowed: (name: string) => boolean = () => true,
): string | null {
  const candidates = new Set<string>([...plan.models.keys(), ...plan.route_names.keys()]);
  for (const { name } of plan.wildcards) candidates.delete(name);
  for (const model of plan.models.values())
    for (const target of model.wildcard === null ? model.targets : [])
      candidates.add(`${target.provider.name}/${target.model}`);
  for (const provider of plan.providers.values())
    if (provider.client === "sim")
      for (const model of SIM_MODELS) candidates.add(`${provider.name}/${model}`);
  const usable = [...candidates].slice(0, MAX_CANDIDATES).filter(allowed);
  // A provider's own name for a model is often right but for its provider.
  const suffix = usable.find((candidate) => candidate.endsWith(`/${name}`));
  if (suffix !== undefined) return suffix;
  const slash = name.indexOf("/");
  if (slash > 0 && !plan.providers.has(name.slice(0, slash))) {
    const provider = nearest(name.slice(0, slash), plan.providers.keys());
    const corrected = `${provider}${name.slice(slash)}`;
    if (provider !== null && resolveModel(plan, corrected) !== null && allowed(corrected)) return corrected;
  }
  return nearest(name, usable);
}

/**
 * A target; what is left out is the provider's own.
 * @param said what the configuration says that it can do; of several words the last counts
 */
export function makeTarget(
  provider: ProviderPlan,
  model: string,
  weight = 1,
  timeouts?: TimeoutsConfig,
  breaker?: BreakerConfig,
  ...said: readonly (CapabilitiesConfig | undefined)[]
): TargetPlan {
  return {
    provider,
    speaks: spokenFor(provider.kind, provider.speaks, model),
    model,
    model_json: utf8.encode(JSON.stringify(model)),
    weight,
    timeouts: overrideTimeouts(provider.timeouts, timeouts),
    breaker: compileBreaker(breaker, provider.breaker),
    capabilities: compileCapabilities(provider, model, ...said),
  };
}

/** A model; what is left out is the default. */
export function makeModel(
  name: string,
  targets: readonly TargetPlan[],
  rest: Partial<Omit<ModelPlan, "name" | "configured_as" | "targets">> = {},
): ModelPlan {
  return {
    name,
    configured_as: name,
    wildcard: rest.wildcard ?? null,
    strategy: rest.strategy ?? "priority",
    max_latency_ms: rest.max_latency_ms ?? null,
    targets,
    fallbacks: rest.fallbacks ?? [],
    retries: rest.retries ?? DEFAULT_RETRIES,
    hedge: rest.hedge ?? null,
    cascade: rest.cascade ?? null,
    shadow: rest.shadow ?? null,
    deadline_ms: rest.deadline_ms ?? DEFAULT_DEADLINE_MS,
    stream_deadline_ms: rest.stream_deadline_ms ?? 0,
    limits: rest.limits ?? null,
    price: rest.price ?? null,
    cache: rest.cache ?? null,
    region: rest.region ?? null,
    privacy: rest.privacy ?? null,
    privacy_by_key: rest.privacy_by_key ?? null,
    guards: rest.guards ?? null,
    on_unsupported: rest.on_unsupported ?? "default",
    has_prompt_cache: rest.has_prompt_cache ?? false,
  };
}

/** Timeouts with what is configured in place of what is inherited; a first byte's limit holds for both kinds of call. */
export function overrideTimeouts(inherited: TimeoutPlan, config: TimeoutsConfig | undefined): TimeoutPlan {
  if (config === undefined) return inherited;
  const merge = (base: Timeouts): Timeouts =>
    Object.freeze({
      connect_ms: config.connect_ms ?? base.connect_ms,
      first_byte_ms: config.first_byte_ms ?? base.first_byte_ms,
      idle_ms: config.idle_ms ?? base.idle_ms,
      total_ms: config.total_ms ?? base.total_ms,
    });
  return Object.freeze({ plain: merge(inherited.plain), stream: merge(inherited.stream) });
}
