// LiteLLM's proxy configuration (`config.yaml`) as one of this gateway.
// Every group of `model_list` becomes a model, every key with its address and its rates a provider.

import { Draft, type ModelInput, modelNameOf, type TargetInput } from "../draft.ts";
import type { Source } from "../source.ts";
import { readCache } from "./caching.ts";
import { type Deployment, readDeployment } from "./deployment.ts";
import { type FindModel, readFallbacks } from "./fallbacks.ts";
import { readGuardrails } from "./guardrails.ts";
import { References } from "./references.ts";
import { readReliability, readRouterRest, readStrategy } from "./router.ts";
import { readGeneral, readSettings } from "./settings.ts";

/** Reads all of a source. */
export function importLitellm(top: Source): Draft {
  const draft = new Draft();
  const references = new References(top.at("environment_variables"));
  const router = top.at("router_settings");
  const settings = top.at("litellm_settings");
  const general = top.at("general_settings");
  const strategy = readStrategy(router);
  const by_tag = router.at("enable_tag_filtering").flag() === true;
  for (const [name, deployments] of groupsOf(top.at("model_list"), draft, references))
    addModel(draft, name, deployments, strategy, by_tag);
  if (by_tag) router.at("enable_tag_filtering").carried("rules that look at the tags of requests");
  const aliases = readAliases([router.at("model_group_alias"), settings.at("model_alias_map")], draft);
  const find: FindModel = (name) => {
    const own = modelNameOf(aliases.get(name) ?? name) ?? "";
    return draft.hasModel(own) ? own : null;
  };
  readReliability(router, settings, general, draft);
  readFallbacks([router, settings], draft, find);
  readCache(settings, draft, find);
  readProviderBudgets(router.at("provider_budget_config"), draft);
  readGeneral(general, draft, references);
  readSettings(settings, draft);
  readGuardrails(top.at("guardrails"), draft);
  readRouterRest(router);
  top.leave(
    ["mcp_servers", "mcp_tools", "mcp_aliases"],
    "the gateway has no part of MCP; clients ask such servers themselves",
  );
  top.leave(
    ["files_settings", "finetune_settings", "batch_settings"],
    "such calls go to x-venturi-provider, or to listen.default_provider",
  );
  top.leave(
    ["policies", "policy_attachments", "prompts", "search_tools", "vector_store_registry", "agent_list"],
    "has no equal here",
  );
  top.rest();
  return draft;
}

/** Deployments by the name of their group, in the order of the list. */
function groupsOf(list: Source, draft: Draft, references: References): Map<string, Deployment[]> {
  const groups = new Map<string, Deployment[]>();
  for (const entry of list.items()) {
    const given = entry.at("model_name");
    const name = modelNameOf(given.text() ?? "");
    if (name === null) {
      entry.left("has no model_name");
      continue;
    }
    if (name !== given.text())
      given.changed(`clients ask for ${name}: names have visible ASCII characters and no spaces`);
    const target = entry.at("litellm_params").at("model");
    const wanted = (target.text() ?? "").split("*").length;
    if (name.split("*").length > 2 || (wanted > 1 && !name.includes("*")) || target.text() === "*") {
      entry.left(
        target.text() === "*"
          ? "a star alone is no provider's model; name a provider, such as openai/*"
          : "one star in the name stands for one star in the model, and nothing else",
      );
      continue;
    }
    const deployment = readDeployment(entry, draft, references);
    if (deployment === null) continue;
    groups.set(name, [...(groups.get(name) ?? []), deployment]);
    entry.carried(`${name}: ${deployment.target.provider}, ${deployment.target.model}`);
  }
  return groups;
}

function addModel(
  draft: Draft,
  name: string,
  all: readonly Deployment[],
  strategy: NonNullable<ModelInput["strategy"]>,
  by_tag: boolean,
): void {
  const { models, routes } = draft.config;
  const open = all.filter(({ tags }) => tags.length === 0 || tags.includes("default"));
  models[name] = modelOf(by_tag && open.length > 0 ? open : all, strategy);
  draft.from(["models", name], all[0]!.source.path);
  for (const [index, { source }] of all.entries())
    draft.from(["models", name, "targets", index], source.path);
  if (!by_tag || name.includes("*")) return;
  for (const tag of new Set(all.flatMap(({ tags }) => tags))) {
    if (tag === "default" || tag.includes("=") || tag.includes("*")) continue;
    const own = modelNameOf(`${name}@${tag}`)!;
    const tagged = all.filter(({ tags }) => tags.includes(tag));
    models[own] = modelOf(tagged, strategy);
    draft.from(["models", own], tagged[0]!.source.path);
    routes.push({ when: { model: name, tags: [tag] }, use: own });
  }
}

function modelOf(
  deployments: readonly Deployment[],
  strategy: NonNullable<ModelInput["strategy"]>,
): ModelInput {
  const ordered = deployments.some(({ order }) => order !== null);
  const sorted = ordered
    ? deployments.toSorted((a, b) => (a.order ?? Number.MAX_VALUE) - (b.order ?? Number.MAX_VALUE))
    : deployments;
  const targets = sorted.map(({ target }): TargetInput => ({ ...target }));
  const model: ModelInput = { targets };
  if (targets.length > 1 && !ordered) {
    model.strategy = strategy;
    if (strategy === "weighted") weigh(targets, sorted);
  }
  const tries = sorted.map(({ retries }) => retries).filter((one) => one !== null);
  if (tries.length > 0) model.retries = { attempts: Math.min(100, Math.max(...tries)) };
  const price = sorted.find((one) => one.price !== null)?.price ?? null;
  if (price !== null) model.price = { ...price };
  const prices = new Set(sorted.map((one) => JSON.stringify(one.price)));
  if (prices.size > 1)
    sorted
      .find((one) => one.price !== null)!
      .source.changed("a model has one price here: that of this deployment");
  return model;
}

/** Shares by the first of weight, rpm and tpm that any of them has, as LiteLLM's simple-shuffle draws. */
function weigh(targets: readonly TargetInput[], deployments: readonly Deployment[]): void {
  const by = [0, 1, 2].find((index) => deployments.some(({ weights }) => (weights[index] ?? 0) > 0));
  if (by === undefined) return;
  const most = Math.max(...deployments.map(({ weights }) => weights[by] ?? 0));
  for (const [index, { weights }] of deployments.entries()) {
    const weight = weights[by] ?? 0;
    targets[index]!.weight = most > 1_000_000 ? (weight * 1_000_000) / most : weight;
  }
}

/** Other names of models become rules; gives the models' names by them. */
function readAliases(maps: readonly Source[], draft: Draft): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const map of maps) {
    for (const [alias, source] of map.entries()) {
      const model = source.is_map ? source.at("model").text() : source.text();
      const own = modelNameOf(model ?? "");
      const name = modelNameOf(alias);
      if (own === null || name === null || !draft.hasModel(own)) {
        source.left("there is no such model in model_list");
        continue;
      }
      aliases.set(alias, own);
      draft.config.routes.push({ when: { model: name }, use: own });
      draft.from(["routes", draft.config.routes.length - 1], source.path);
      source.carried(`a rule: ${name} is ${own}`);
    }
  }
  return aliases;
}

function readProviderBudgets(budgets: Source, { config }: Draft): void {
  for (const [prefix, source] of budgets.entries()) {
    const usd = source.first("budget_limit", "max_budget").number();
    const period = source.first("time_period", "budget_duration").text();
    const names = Object.keys(config.providers).filter(
      (name) => name === prefix || name.startsWith(`${prefix}-`),
    );
    const limits = usd === null ? null : period === "1d" ? { usd_per_day: usd } : { usd_per_month: usd };
    if (limits === null || names.length === 0 || !/^(1d|30d|1mo)$/.test(period ?? "")) {
      source.left("there are budgets of a day and a month, of providers that model_list uses");
      continue;
    }
    for (const name of names)
      config.providers[name]!.limits = { ...config.providers[name]!.limits, ...limits };
    if (names.length > 1) source.changed(`a budget of each of ${names.join(", ")}`);
    else source.carried(`a budget of ${names[0]}`);
  }
}
