// A config of Portkey's (the JSON of `x-portkey-config`) as models of this gateway: what a request carried there is a model's name here.
// https://portkey.ai/docs/api-reference/inference-api/config-object; src/middlewares/requestValidator/schema/config.ts of Portkey-AI/gateway.

import { Draft, type ModelInput, modelNameOf, type TargetInput } from "../draft.ts";
import type { Source } from "../source.ts";
import { readConditions } from "./conditions.ts";
import { readHooks } from "./hooks.ts";
import { readTarget, saysModel } from "./target.ts";

/** What targets inherit from what they stand in. */
interface Inherited {
  readonly model: Pick<ModelInput, "cache" | "retries" | "guards" | "privacy">;
  readonly first_byte_ms: number | null;
  /** `override_params.model` of a level above. */
  readonly served: string | null;
  /** Whether targets may be asked for what the client asked for. */
  readonly has_star: boolean;
}

/** Reads a config. Clients ask for it by `name`, the file's. */
export function importPortkey(name: string, top: Source): Draft {
  const draft = new Draft();
  // What the API of Portkey's control plane gives has the config within.
  const config = [top.at("config"), top.at("data").at("config")].find((one) => one.is_map) ?? top;
  const reader = new Reader(draft);
  // Where targets leave the model to the request, so does this: whatever name a client says that is no other's.
  const has_star = letsThrough(config);
  const model = has_star ? "*" : (modelNameOf(name) ?? "portkey");
  reader.node(config, model, { model: {}, first_byte_ms: null, served: null, has_star }, true);
  draft.comment(
    ["models", model],
    has_star
      ? "Every name that no other model has: the targets are asked for what the client asks for."
      : "Clients ask for this model in place of sending the config.",
  );
  if (config !== top) top.rest("is no part of the config");
  return draft;
}

/** Whether a config of one level has targets that leave the model to the request. */
function letsThrough(config: Source): boolean {
  const targets = config.at("targets").items();
  if (config.at("override_params").at("model").is_there || targets.some((one) => !isPlain(one))) return false;
  if (config.at("strategy").at("mode").text() === "conditional") return false;
  return (targets.length === 0 ? [config] : targets).some((one) => !saysModel(one));
}

class Reader {
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** Makes a model of a level and what is below it; false where nothing of it can be called. */
  node(source: Source, name: string, above: Inherited, is_top: boolean): boolean {
    const within = inherit(source, above);
    const strategy = source.at("strategy");
    const targets = source.at("targets").items();
    const mode = strategy.at("mode").text() ?? (targets.length > 1 ? "fallback" : "single");
    strategy
      .at("on_status_codes")
      .left("what is tried again and passed on is not configured here (docs/routing-health.md)");
    source
      .at("on_status_codes")
      .left("what is tried again and passed on is not configured here (docs/routing-health.md)");
    const made =
      targets.length === 0
        ? this.#leaf(source, name, within)
        : mode === "loadbalance"
          ? this.#balanced(source, targets, name, within, is_top)
          : mode === "conditional"
            ? this.#conditional(strategy, targets, name, within, is_top)
            : this.#inOrder(mode === "single" ? targets.slice(0, 1) : targets, name, within);
    if (made) {
      const path = ["models", name];
      this.#draft.from(path, source.path);
      strategy.at("mode").carried(`${mode}: the model ${name}`);
    }
    source.at("name");
    source.at("weight");
    strategy.rest();
    source.rest();
    return made;
  }

  #leaf(source: Source, name: string, within: Inherited): boolean {
    const target = this.#target(source, within);
    if (target !== null) this.#add(name, { ...within.model, targets: [target] });
    return target !== null;
  }

  #target(source: Source, within: Inherited): TargetInput | null {
    const target = readTarget(source, this.#draft, within.served, within.has_star);
    const ms = within.first_byte_ms;
    return target === null || ms === null ? target : { ...target, timeouts: { first_byte_ms: ms } };
  }

  /** One after the other: targets as long as they are plain, models of their own from the first that is not. */
  #inOrder(all: readonly Source[], name: string, within: Inherited): boolean {
    const plain = all.findIndex((one) => !isPlain(one));
    const count = plain < 0 ? all.length : plain;
    const targets = all.slice(0, count).flatMap((one) => this.#plain(one, within) ?? []);
    const fallbacks = all
      .slice(count)
      .map((one, index) => [one, `${name}-${one.at("name").text() ?? count + index + 1}`] as const)
      .filter(([one, own]) => this.node(one, modelNameOf(own)!, within, false))
      .map(([, own]) => modelNameOf(own)!);
    const first = fallbacks[0];
    if (targets.length === 0 && first !== undefined) {
      // What comes first decides what this model is; the rest stands in for it.
      const own = structuredClone(this.#draft.config.models[first]!);
      own.fallbacks = [...(own.fallbacks ?? []), ...fallbacks.slice(1)];
      if (own.fallbacks.length === 0) delete own.fallbacks;
      this.#add(name, own);
      return true;
    }
    if (targets.length > 0)
      this.#add(name, { ...within.model, targets, ...(fallbacks.length === 0 ? {} : { fallbacks }) });
    return targets.length > 0;
  }

  #balanced(
    source: Source,
    all: readonly Source[],
    name: string,
    within: Inherited,
    is_top: boolean,
  ): boolean {
    if (all.every(isPlain)) {
      const targets = all.flatMap((one) => {
        const target = this.#plain(one, within);
        return target === null ? [] : [{ ...target, weight: weightOf(one) }];
      });
      if (targets.length > 0) this.#add(name, { ...within.model, strategy: "weighted", targets });
      return targets.length > 0;
    }
    if (!is_top) {
      source.at("strategy").changed("asked in order: shares among groups are of the whole config alone");
      return this.#inOrder(all, name, within);
    }
    const shares: Record<string, number> = {};
    all.forEach((one, index) => {
      const own = modelNameOf(`${name}-${one.at("name").text() ?? index + 1}`)!;
      if (this.node(one, own, within, false)) shares[own] = weightOf(one);
    });
    const first = Object.keys(shares)[0];
    if (first === undefined) return false;
    this.#draft.config.routes.push({ when: { model: name }, split: shares });
    this.#draft.config.models[name] = structuredClone(this.#draft.config.models[first]!);
    source
      .at("strategy")
      .changed("a rule splits the calls; a session, a user or a key always gets the same part");
    return true;
  }

  #conditional(
    strategy: Source,
    all: readonly Source[],
    name: string,
    within: Inherited,
    is_top: boolean,
  ): boolean {
    const names = new Map<string, string>();
    for (const [index, one] of all.entries()) {
      const label = one.at("name").text() ?? String(index + 1);
      const own = modelNameOf(`${name}-${label}`)!;
      if (this.node(one, own, within, false)) names.set(label, own);
    }
    const fallback = strategy.at("default");
    const otherwise = names.get(fallback.text() ?? "") ?? [...names.values()][0];
    if (otherwise === undefined) return false;
    if (is_top) readConditions(strategy.at("conditions"), name, names, this.#draft);
    else strategy.at("conditions").left("conditions are looked at once, at the top of a config");
    this.#draft.config.models[name] = structuredClone(this.#draft.config.models[otherwise]!);
    fallback.carried(`${name} is ${otherwise} where no rule holds`);
    return true;
  }

  /** A plain target with its own settings; those of a model that it has are the level's. */
  #plain(source: Source, within: Inherited): TargetInput | null {
    const own = inherit(source, within);
    const target = this.#target(source, own);
    if (JSON.stringify(own.model) !== JSON.stringify(within.model))
      source.changed(
        "retries, caches and guards are a model's, not a target's: those of the level above hold",
      );
    source.at("strategy").left("a target alone has no strategy");
    source.at("name");
    source.at("weight");
    source.rest();
    return target;
  }

  #add(name: string, model: ModelInput): void {
    this.#draft.config.models[name] = structuredClone(model);
  }
}

function isPlain(source: Source): boolean {
  return !source.at("targets").is_there;
}

function weightOf(source: Source): number {
  return Math.max(0, source.at("weight").number() ?? 1);
}

/** What a level says itself, over what it inherits. */
function inherit(source: Source, above: Inherited): Inherited {
  const model = { ...above.model };
  const retry = source.at("retry");
  const attempts = retry.at("attempts").number();
  if (attempts !== null) {
    model.retries = { attempts: Math.min(100, Math.max(0, Math.round(attempts))) };
    retry.carried("retries.attempts");
  }
  retry.at("on_status_codes").left("what is tried again is not configured here (docs/routing-health.md)");
  retry.at("use_retry_after_header").carried("a provider's retry-after is always kept");
  const cache = source.at("cache");
  const kind = cache.is_map ? cache.at("mode").text() : cache.text();
  if (kind === "simple" || kind === "semantic") {
    const age = cache.at("max_age").number();
    // Portkey's answers live for a week where nobody says otherwise.
    const ttl = { ttl_s: age === null ? 604_800 : Math.min(31_622_400, Math.max(1, Math.round(age))) };
    model.cache = kind === "simple" ? { exact: ttl } : { exact: ttl, semantic: ttl };
    cache.carried(kind === "simple" ? "cache.exact" : "cache.exact and cache.semantic");
  }
  const timeout = source.at("request_timeout").number();
  if (timeout !== null) source.at("request_timeout").carried("timeouts.first_byte_ms");
  readHooks(source, model);
  return {
    model,
    first_byte_ms:
      timeout === null ? above.first_byte_ms : Math.min(86_400_000, Math.max(1, Math.round(timeout))),
    served: source.at("override_params").at("model").text() ?? above.served,
    has_star: above.has_star,
  };
}
