// Bifrost's governance: virtual keys, customers and teams with their budgets and rates.
// https://docs.getbifrost.ai/features/governance/virtual-keys, https://docs.getbifrost.ai/features/governance/budget-and-limits

import type { Draft, LimitsInput } from "../draft.ts";
import { budgetOf, rateOf } from "../periods.ts";
import type { Source } from "../source.ts";
import { type Became, textOf } from "./provider.ts";

/** Lists of a kind by the ids of what is in them. */
type ById = ReadonlyMap<string, Source>;

/**
 * Reads the governance of a source.
 * @param became what the providers of the source are here
 * @param empty_is_all whether an empty list of models allows all
 */
export function readGovernance(
  governance: Source,
  draft: Draft,
  became: ReadonlyMap<string, Became>,
  empty_is_all: boolean,
): void {
  const budgets = byId(governance.at("budgets"));
  const rates = byId(governance.at("rate_limits"));
  const customers = byId(governance.at("customers"));
  const teams = byId(governance.at("teams"));
  const limitsOf = (source: Source): LimitsInput | null => limits(source, budgets, rates);
  const { config } = draft;
  for (const [id, customer] of customers) {
    const own = limitsOf(customer);
    const name = nameOf(customer, id);
    if (own === null) continue;
    config.tenants[name] = { limits: own };
    customer.carried(`limits of the tenant ${name}`);
  }
  for (const [id, team] of teams) {
    const own = limitsOf(team);
    if (own === null) continue;
    const name = `${tenantOf(team, customers)}/${nameOf(team, id)}`;
    config.teams[name] = { limits: own };
    team.carried(`limits of the team ${name}`);
  }
  for (const key of governance.at("virtual_keys").items())
    readKey(key, draft, { customers, teams, limitsOf, became, empty_is_all });
  governance.at("auth_config").left("the admin API has a token of its own (admin.token), or its socket");
  governance.leave(["routing_rules"], "rules are written as routes (docs/routing-policy.md)");
  governance.leave(
    ["model_configs", "pricing_overrides", "providers"],
    "see models.*.limits and models.*.price",
  );
  governance.rest();
}

function byId(list: Source): ById {
  return new Map(list.items().map((item) => [item.at("id").text() ?? item.at("name").text() ?? "", item]));
}

function nameOf(source: Source, id: string): string {
  return (source.at("name").text() ?? id).replaceAll("/", "-").slice(0, 128);
}

function tenantOf(source: Source, customers: ById): string {
  const id = source.at("customer_id").text();
  const customer = id === null ? undefined : customers.get(id);
  return customer === undefined ? "default" : nameOf(customer, id!);
}

interface Scopes {
  readonly customers: ById;
  readonly teams: ById;
  readonly limitsOf: (source: Source) => LimitsInput | null;
  readonly became: ReadonlyMap<string, Became>;
  readonly empty_is_all: boolean;
}

function readKey(key: Source, draft: Draft, scopes: Scopes): void {
  const { config } = draft;
  const { customers, teams, limitsOf } = scopes;
  const name = key.at("name").text() ?? key.at("id").text() ?? `key-${config.keys.length + 1}`;
  const value = textOf(key.at("value"));
  if (config.keys.some((one) => one.name === name || one.key === value)) {
    key.left("there is a client key of this name or value already");
    return;
  }
  if (key.at("is_active").flag() === false) {
    key.left("it is switched off");
    return;
  }
  if (value === null) {
    key.left("its value is not in this file; make a key: venturi keys create");
    return;
  }
  const team_id = key.at("team_id").text();
  const team = team_id === null ? undefined : teams.get(team_id);
  const tenant = tenantOf(team ?? key, customers);
  const limits = limitsOf(key);
  const providers = key.at("provider_configs").items();
  const models = providers.flatMap((provider) => patternsOf(provider, name, draft, scopes));
  if (key.at("provider_configs").is_there && models.length === 0) {
    key.left("it may call nothing");
    return;
  }
  config.keys.push({
    name,
    key: value,
    ...(tenant === "default" ? {} : { tenant }),
    ...(team === undefined ? {} : { team: nameOf(team, team_id!) }),
    ...(models.length === 0 ? {} : { models: [...new Set(models)] }),
    ...(limits === null ? {} : { limits }),
  });
  key.carried(`the client key ${name}`);
  for (const provider of providers) {
    provider.leave(["weight"], "clients name the provider; shares are those of a model's targets");
    provider.leave(
      ["budget_id", "budgets", "rate_limit_id", "rate_limit"],
      "limits of a key are for all that it calls",
    );
    provider.rest();
  }
  for (const read of ["id", "description", "rate_limit_id", "budget_id", "budgets"]) key.at(read);
  key.rest();
}

/** Which models a key may call of a provider, as patterns. */
function patternsOf(
  provider: Source,
  key: string,
  draft: Draft,
  { became, empty_is_all }: Scopes,
): readonly string[] {
  const name = provider.at("provider").text() ?? "*";
  const listed = provider.at("allowed_models");
  const named = listed.items().flatMap((one) => one.text() ?? []);
  const allowed = named.length === 0 && (empty_is_all || !listed.is_there) ? ["*"] : named;
  const ids = provider.at("key_ids");
  const wanted = ids.items().flatMap((id) => id.text() ?? []);
  const known = became.get(name);
  if (known === undefined || wanted.length === 0 || wanted.includes("*"))
    return allowed.map((model) => `${name}/${model}`);
  const parts = new Set(wanted.flatMap((id) => known.of_key.get(id) ?? []));
  if (parts.size === known.names.length) return allowed.map((model) => `${name}/${model}`);
  if (parts.size === 0) {
    ids.left("none of these keys is in this file: nothing can be called of this provider");
    return [];
  }
  bind(name, key, parts, draft);
  ids.changed(
    `it may call ${[...parts].join(", ")} alone: rules lead ${name}/… there, and other names of it are refused`,
  );
  return [...parts].flatMap((part) => allowed.map((model) => `${part}/${model}`));
}

/** Leads what a client key asks of a provider to those providers that it may use: its keys of the source may be those of a region. */
function bind(provider: string, key: string, parts: ReadonlySet<string>, { config }: Draft): void {
  for (const [model, { targets }] of Object.entries(config.models)) {
    if (!model.startsWith(`${provider}/`) || model.includes("*")) continue;
    const own = targets.find((target) => typeof target !== "string" && parts.has(target.provider));
    if (own === undefined || typeof own === "string") continue;
    config.routes.push({ when: { key, model }, use: `${own.provider}/${own.model}` });
  }
}

/** Limits that something has by itself or by ids. */
function limits(source: Source, budgets: ById, rates: ById): LimitsInput | null {
  const found: LimitsInput = {};
  const budget_id = source.at("budget_id").text();
  const named = budget_id === null ? undefined : budgets.get(budget_id);
  for (const budget of [
    ...source.at("budgets").items(),
    source.at("budget"),
    ...(named === undefined ? [] : [named]),
  ]) {
    const usd = budget.at("max_limit").number();
    const period = budget.at("reset_duration").text();
    const money = usd === null ? null : budgetOf(usd, period);
    if (money !== null) Object.assign(found, money);
    else budget.left(`there are budgets of a day and a month, not of ${period ?? "no time"}`);
  }
  const rate_id = source.at("rate_limit_id").text();
  const rate = (rate_id === null ? undefined : rates.get(rate_id)) ?? source.at("rate_limit");
  for (const of of ["request", "token"] as const) {
    const limit = rate.at(`${of}_max_limit`);
    const count = limit.number();
    const period = rate.at(`${of}_reset_duration`).text();
    const own = count === null ? null : rateOf(`${of}s`, count, period);
    if (own !== null) Object.assign(found, own);
    else limit.left(`there are limits of a minute, an hour and a day, not of ${period ?? "no time"}`);
  }
  return Object.keys(found).length === 0 ? null : found;
}
