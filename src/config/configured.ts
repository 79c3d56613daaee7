// Which models metrics may tell apart: those that a configuration names, and those that the tables of models know by exactly that
// name. Clients can ask for any other, and as many as they like.

import { knownFacts } from "./facts.ts";
import type { Plan } from "./plan.ts";
import { SIM_MODELS } from "./providers.ts";

interface Configured {
  /** Names that clients may ask for. */
  readonly names: ReadonlySet<string>;
  /** Providers' own names of models, as `provider/model`. */
  readonly served: ReadonlySet<string>;
}

const of_plans = new WeakMap<Plan, Configured>();
let known: ReadonlySet<string> | null = null;

function configured(plan: Plan): Configured {
  let found = of_plans.get(plan);
  if (found === undefined) {
    const served = new Set<string>();
    for (const { targets } of plan.models.values())
      for (const { provider, model } of targets) served.add(`${provider.name}/${model}`);
    found = { names: new Set([...plan.models.keys(), ...plan.route_names.keys()]), served };
    of_plans.set(plan, found);
  }
  return found;
}

/** Whether a provider's model is one of those, by its own name. */
export function isServed(plan: Plan, provider: string, model: string): boolean {
  if (configured(plan).served.has(`${provider}/${model}`)) return true;
  if (plan.providers.get(provider)?.client === "sim") return SIM_MODELS.includes(model);
  known ??= new Set(knownFacts().map((fact) => fact.model));
  return known.has(model);
}

/** Whether clients ask for one of those by this name: an alias, or `provider/model`. */
export function isAskedFor(plan: Plan, name: string): boolean {
  if (configured(plan).names.has(name)) return true;
  const slash = name.indexOf("/");
  return slash > 0 && isServed(plan, name.slice(0, slash), name.slice(slash + 1));
}
