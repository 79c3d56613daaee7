// Which limits a call is under: those of its key, the key's user, its team, its tenant and its model.

import type { ClientKey, ModelPlan, Plan, ProviderKey, ProviderPlan } from "../config/plan.ts";
import { ALL_TENANTS } from "./counter_key.ts";
import { type LimitSet, makeLimitSet } from "./limit_set.ts";

/** Users whose limits are kept made; clients can name any user. */
const USERS_MAX = 10_000;

/** The limits of a Plan, made as they are needed. */
class PlanLimits {
  readonly #plan: Plan;
  readonly #callers = new WeakMap<ClientKey, readonly LimitSet[]>();
  readonly #users = new Map<string, LimitSet>();
  readonly #models = new WeakMap<ModelPlan, LimitSet | null>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Of a key, its team and its tenant. */
  ofCaller(client: ClientKey): readonly LimitSet[] {
    let sets = this.#callers.get(client);
    if (sets === undefined) {
      const { tenant, team } = client;
      const team_limits = team === null ? null : this.#plan.teams.get(`${tenant}/${team}`);
      sets = [
        makeLimitSet(tenant, "key", client.name, client.limits),
        makeLimitSet(tenant, "team", team ?? "", team_limits),
        makeLimitSet(tenant, "tenant", tenant, this.#plan.tenants.get(tenant)),
      ].filter((set) => set !== null);
      this.#callers.set(client, sets);
    }
    return sets;
  }

  /** Of one user of a key. */
  ofUser(client: ClientKey, user: string): LimitSet | null {
    if (client.per_user === null) return null;
    const name = userName(client, user);
    const id = `${client.tenant}\n${name}`;
    let set = this.#users.get(id);
    if (set === undefined) {
      // Forgetting what was made costs the making of it again, no count.
      if (this.#users.size >= USERS_MAX) this.#users.clear();
      set = makeLimitSet(client.tenant, "user", name, client.per_user)!;
      this.#users.set(id, set);
    }
    return set;
  }

  ofModel(model: ModelPlan): LimitSet | null {
    let set = this.#models.get(model);
    if (set === undefined) {
      set = makeLimitSet(ALL_TENANTS, "model", model.configured_as, model.limits);
      this.#models.set(model, set);
    }
    return set;
  }
}

/** A user's name as counters know it: users of different keys are different users. */
export function userName(client: ClientKey, user: string): string {
  return JSON.stringify([client.name, user]);
}

const made = new WeakMap<Plan, PlanLimits>();

function limitsOf(plan: Plan): PlanLimits {
  let limits = made.get(plan);
  if (limits === undefined) {
    limits = new PlanLimits(plan);
    made.set(plan, limits);
  }
  return limits;
}

/** The limits that a call is under, those that refuse most cheaply first; empty for most gateways. */
export function limitsOfCall(
  plan: Plan,
  client: ClientKey,
  user: string | null,
  model: ModelPlan,
): readonly LimitSet[] {
  const limits = limitsOf(plan);
  const caller = limits.ofCaller(client);
  const of_user = user === null ? null : limits.ofUser(client, user);
  const of_model = limits.ofModel(model);
  if (of_user === null && of_model === null) return caller;
  return [...caller, of_user, of_model].filter((set) => set !== null);
}

/** The limits of a key, its team and its tenant. */
export function limitsOfCaller(plan: Plan, client: ClientKey): readonly LimitSet[] {
  return limitsOf(plan).ofCaller(client);
}

/** The limits of a model; null where it has none. */
export function limitsOfModel(plan: Plan, model: ModelPlan): LimitSet | null {
  return limitsOf(plan).ofModel(model);
}

/** The limits of a provider's key; null where it has none. */
export function limitsOfProviderKey({ limits }: ProviderPlan, key: ProviderKey): LimitSet | null {
  if (limits === null) return null;
  let set = provider_keys.get(key);
  if (set === undefined) {
    set = makeLimitSet(ALL_TENANTS, "provider_key", key.name, limits);
    provider_keys.set(key, set);
  }
  return set;
}

const provider_keys = new WeakMap<ProviderKey, LimitSet | null>();
