// What a schema cannot say: names that must exist, things that must not be there twice, addresses and header fields.
// It sees a configuration that is valid by itself, and reports everything, each finding at its path.

import { headerNameFault, headerValueFault, isLoopback, urlFault } from "./address.ts";
import { checkCascade } from "./cascade_check.ts";
import { checkCloud, isCloud, type ReadGoogle } from "./cloud_check.ts";
import { ENTITIES, NAME_ENTITIES } from "./entities.ts";
import { type Finding, instead, valueAt } from "./explain.ts";
import { isRemote } from "./guards.ts";
import type { GuardsConfig } from "./guards_schema.ts";
import { patternFault } from "./patterns.ts";
import { formatPath, type Path } from "./problem.ts";
import { AZURE_ENDPOINT_VARIABLE, providerEntry, SIM_MODELS } from "./providers.ts";
import { providerOfGuard, type RemoteGuardConfig } from "./remote_guards.ts";
import { checkRoutes } from "./routes_check.ts";
import type { Config, ProviderConfig } from "./schema.ts";
import { checkShadow } from "./shadow_check.ts";
import { checkState } from "./state_check.ts";
import { checkStores, placesOf, type StorePlaces } from "./stores_schema.ts";
import { isNamed } from "./wildcards.ts";

/** First segments of the gateway's own paths; a provider of that name could not be reached at `/{provider}/v1`. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "admin",
  "health",
  "metrics",
  "openapi.json",
  "ui",
  "v1",
  "v1beta",
]);

/** Certificates of `tls.ca`, or what is wrong with the file. */
export type ReadCa = (path: string) => { readonly pem: string } | { readonly fault: string };

/** What the file declares, the faulty parts included: nothing is "not there" because it is wrong. */
export interface Declared {
  readonly providers: readonly string[];
  readonly models: readonly string[];
  readonly keys: boolean;
  /** Where the settings of stores stand. */
  readonly places: StorePlaces;
}

/** What a tree that may not be valid declares. */
export function declaredIn(tree: unknown): Declared {
  const names = (key: string): string[] => {
    const map = valueAt(tree, [key]);
    return typeof map === "object" && map !== null ? Object.keys(map) : [];
  };
  return {
    providers: names("providers"),
    models: names("models"),
    keys: names("keys").length > 0,
    places: placesOf(tree),
  };
}

/** Findings of a whole configuration. `sourceOf` names the variables that a value came from, null for none. */
export function crossCheck(
  config: Config,
  declared: Declared,
  sourceOf: (path: Path) => string | null,
  readCa: ReadCa,
  readGoogle: ReadGoogle,
  hasStoredKeys: (data: string) => boolean = () => false,
  checkCustom: (custom: Config["privacy"]["custom"][number]) => string | null = ({ pattern }) =>
    patternFault(pattern),
): Finding[] {
  const findings: Finding[] = [];
  const add = (path: Path, message: string, part: "key" | "value" = "value"): void => {
    findings.push({ path, part, message });
  };
  /** A name for a message; its source where it came from the environment. */
  const shown = (value: string, path: Path): string => {
    const source = sourceOf(path);
    return source === null ? JSON.stringify(value) : `that ${source} names`;
  };
  const fault = (path: Path, what: string | null): void => {
    const source = sourceOf(path);
    if (what !== null)
      add(path, `${formatPath(path)} ${what}${source === null ? "" : ` (its value comes from ${source})`}`);
  };
  const names = [...new Set([...declared.providers, "sim"])];
  const alternatives = (value: string, path: Path, known: readonly string[]): string =>
    sourceOf(path) === null ? instead(value, known) : `known are ${known.join(", ")}`;

  const provider = (value: string, path: Path): boolean => {
    if (names.includes(value)) return true;
    add(path, `there is no provider ${shown(value, path)}; ${alternatives(value, path, names)}`);
    return false;
  };
  /** An embedder of a provider. */
  const checkEmbedder = (embedder: string, path: Path): void => {
    const [kind, named = ""] = splitOnce(embedder, ":");
    const name = splitOnce(named, "/")[0];
    if (kind !== "provider" || !provider(name, path)) return;
    const item = config.providers[name];
    if (item !== undefined && isCloud(providerEntry(name, item.kind, item.base_url)))
      add(path, `${formatPath(path)} names a provider that has no endpoint of OpenAI's format`);
  };
  /** `provider/model`, with the simulator's few models known. */
  const providerModel = (value: string, path: Path): void => {
    const slash = value.indexOf("/");
    if (slash <= 0 || slash === value.length - 1) {
      add(path, `${formatPath(path)} must be written as provider/model`);
      return;
    }
    const name = value.slice(0, slash);
    if (provider(name, path)) simModel(name, value.slice(slash + 1), path);
  };
  const simModel = (name: string, model: string, path: Path): void => {
    const is_sim = (config.providers[name]?.kind ?? name) === "sim";
    if (is_sim && !model.includes("*") && !SIM_MODELS.includes(model))
      add(path, `the simulator has no model ${shown(model, path)}; ${alternatives(model, path, SIM_MODELS)}`);
  };

  /** A model of the configuration, or `provider/model`. */
  function checkModel(name: string, path: Path, part: "key" | "value" = "value"): void {
    if (isNamed(declared.models, name)) return;
    if (name.includes("/")) providerModel(name, path);
    else {
      const near = alternatives(name, path, declared.models);
      add(path, `there is no model ${shown(name, path)}; ${near} (or write provider/model)`, part);
    }
  }

  checkStores(config, declared.places, fault, readCa);

  const { listen } = config;
  // On such an address a key is asked for in any case; with the admin API one can still be made.
  const may_have_keys = declared.keys || config.key_store !== null || config.admin !== undefined;
  if (!isLoopback(listen.host) && !may_have_keys && !hasStoredKeys(config.data))
    add(
      ["listen", "host"],
      "without client keys the gateway listens on loopback only; add keys, or set listen.host to 127.0.0.1",
    );
  if (/[\s/]/.test(listen.host))
    fault(["listen", "host"], "must be an address or a host name alone, such as 127.0.0.1");
  if (listen.default_provider !== undefined)
    provider(listen.default_provider, ["listen", "default_provider"]);
  for (const [index, origin] of (listen.cors?.origins ?? []).entries())
    if (origin !== "*" && (!URL.canParse(origin) || new URL(origin).origin !== origin))
      fault(
        ["listen", "cors", "origins", index],
        'must be an origin such as https://app.example.com (no path), or "*"',
      );

  if (config.admin !== undefined && config.admin.content_token === config.admin.token)
    fault(["admin", "content_token"], "must be another secret than admin.token: it opens more");

  checkState(config, add, fault, readCa);
  for (const [name, item] of Object.entries(config.providers))
    checkProvider(name, item, add, fault, readCa, readGoogle);

  const entities = [...ENTITIES, ...NAME_ENTITIES, ...config.privacy.custom.map((one) => one.name)];
  function checkEntities(named: readonly string[], path: Path): void {
    for (const [index, name] of named.entries()) {
      if (!entities.includes(name)) {
        add([...path, index], `there is no kind of personal data "${name}"; ${instead(name, entities)}`);
      }
    }
  }
  function checkGuards(guards: GuardsConfig | undefined, at: Path): void {
    for (const stage of ["input", "output"] as const) {
      for (const [index, guard] of (guards?.[stage] ?? []).entries()) {
        const path = [...at, stage, index];
        if (isRemote(guard)) checkRemoteGuard(guard, path);
        else if (typeof guard !== "string" && guard.guard === "personal_data")
          checkEntities(guard.entities ?? [], [...path, "entities"]);
        else if (typeof guard !== "string" && guard.guard === "denied_topics")
          checkEmbedder(guard.embedder, [...path, "embedder"]);
      }
    }
  }
  function checkRemoteGuard(guard: RemoteGuardConfig, at: Path): void {
    const asked = providerOfGuard(guard);
    if (asked !== null) provider(asked, guard === "moderation" ? at : [...at, "provider"]);
    if (guard === "moderation") return;
    if (guard.guard === "webhook") {
      fault([...at, "url"], urlFault(guard.url, "webhook"));
      checkHeaders(guard.headers, [...at, "headers"], add, fault);
    } else {
      const { categories = null, thresholds } = guard;
      for (const name of Object.keys(thresholds)) {
        if (categories === null || categories.includes(name)) continue;
        const path = [...at, "thresholds", name];
        add(
          path,
          `${formatPath(path)} has no effect: ${formatPath([...at, "categories"])} leaves it out`,
          "key",
        );
      }
    }
  }
  for (const [index, custom] of config.privacy.custom.entries()) {
    const path = ["privacy", "custom", index];
    const is_taken = ENTITIES.includes(custom.name) || NAME_ENTITIES.includes(custom.name);
    if (is_taken) {
      add([...path, "name"], `${custom.name} is there already; give this kind another name`);
    }
    const wrong = is_taken ? null : checkCustom(custom);
    if (wrong !== null) add(path, `${formatPath(path)}: ${wrong}`);
  }

  for (const [name, item] of Object.entries(config.models)) {
    const at = ["models", name] as const;
    const stars = starsIn(name);
    if (stars > 1) add(at, `${formatPath(at)} has ${stars} stars; a name may have one`, "key");
    let weight = 0;
    for (const [index, target] of item.targets.entries()) {
      const path = [...at, "targets", index];
      if (stars < starsIn(typeof target === "string" ? target : target.model))
        add(
          path,
          `${formatPath(path)} has a star that nothing stands for: the model's name has ${stars || "none"}`,
        );
      weight += typeof target === "string" ? 1 : (target.weight ?? 1);
      if (typeof target === "string") providerModel(target, path);
      else if (provider(target.provider, [...path, "provider"]))
        simModel(target.provider, target.model, [...path, "model"]);
    }
    if (item.max_latency_ms !== undefined && item.strategy !== "least-cost") {
      const path = [...at, "max_latency_ms"];
      add(path, `${formatPath(path)} has no effect: the strategy is ${item.strategy}, not least-cost`, "key");
    }
    if ((item.strategy === "weighted" || item.strategy === "prefix") && weight === 0)
      add(
        [...at, "targets"],
        `every weight in ${formatPath(at)} is 0; give at least one target a weight over 0`,
      );
    checkEntities(item.privacy?.entities ?? [], [...at, "privacy", "entities"]);
    checkEntities(Object.keys(item.privacy?.thresholds ?? {}), [...at, "privacy", "thresholds"]);
    checkGuards(item.guards, [...at, "guards"]);
    if (item.cache !== "off") {
      const { exact, semantic } = item.cache;
      if (semantic !== undefined) {
        const path = [...at, "cache", "semantic"];
        checkEmbedder(semantic.embedder, [...path, "embedder"]);
        const is_wider = SCOPES.indexOf(semantic.scope) < SCOPES.indexOf(exact?.scope ?? "tenant");
        if (is_wider) {
          fault(
            [...path, "scope"],
            `must not be wider than ${formatPath([...at, "cache", "exact", "scope"])}`,
          );
        }
      }
    }
    for (const [index, fallback] of (item.fallbacks ?? []).entries())
      checkModel(fallback, [...at, "fallbacks", index]);
    if (item.cascade !== undefined) checkCascade(item.cascade, name, [...at, "cascade"], checkModel, fault);
    checkShadow(config, name, checkModel, fault);
  }
  checkRoutes(config, { add, fault, checkModel });

  for (const [index, pattern] of config.cache.volatile.entries()) {
    const wrong = patternFault(pattern);
    fault(["cache", "volatile", index], wrong === null ? null : `is no pattern that RE2 knows: ${wrong}`);
  }

  const key_names = new Map<string, number>();
  const key_values = new Map<string, number>();
  for (const team of Object.keys(config.teams)) {
    if (!/^[^/]+\/[^/]+$/.test(team))
      add(["teams", team], `a team is named tenant/team, as "acme/shop", not ${JSON.stringify(team)}`, "key");
  }
  const tiers = Object.keys(config.tiers);
  for (const [index, key] of config.keys.entries()) {
    const at = [...declared.places.key_list, index] as const;
    if (key.tier !== undefined && !tiers.includes(key.tier)) {
      const path = [...at, "tier"];
      add(path, `there is no tier ${shown(key.tier, path)}; ${instead(key.tier, tiers)}`);
    }
    checkGuards(key.guards, [...at, "guards"]);
    const same_name = key_names.get(key.name);
    if (same_name === undefined) key_names.set(key.name, index);
    else
      add(
        [...at, "name"],
        `keys[${index}] has the name of keys[${same_name}]; every key needs a name of its own`,
      );
    const same_value = key_values.get(key.key);
    if (same_value === undefined) key_values.set(key.key, index);
    else
      add(
        [...at, "key"],
        `keys[${index}].key is the same as keys[${same_value}].key; every key needs a value of its own`,
      );
  }
  return findings;
}

function starsIn(name: string): number {
  return name.split("*").length - 1;
}

/** Who shares answers, from the most to the fewest. */
const SCOPES = ["tenant", "key", "user"];

function splitOnce(text: string, mark: string): [before: string, behind?: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)];
}

function checkProvider(
  name: string,
  item: ProviderConfig,
  add: (path: Path, message: string, part?: "key" | "value") => void,
  fault: (path: Path, what: string | null) => void,
  readCa: ReadCa,
  readGoogle: ReadGoogle,
): void {
  const at = ["providers", name] as const;
  const entry = providerEntry(name, item.kind, item.base_url);
  if (RESERVED_NAMES.has(name))
    add(at, `a provider cannot be called "${name}": /${name} is a path of the gateway`, "key");
  if (name === "sim" && item.kind !== "sim")
    add([...at, "kind"], 'the provider "sim" is the built-in simulator; give this one another name');
  if (entry.kind === "sim")
    for (const key of ["base_url", "api_keys", "auth", "headers", "tls", "proxy"] as const)
      if (item[key] !== undefined)
        add([...at, key], `${formatPath([...at, key])} has no effect on the simulator; leave it out`, "key");
  if (item.drain !== undefined && item.on_disconnect !== "drain-for-usage")
    add(
      [...at, "drain"],
      `${formatPath([...at, "drain"])} bounds what on_disconnect: drain-for-usage reads, and nothing is read; set that, or leave it out`,
      "key",
    );
  if (item.base_url === undefined && entry.kind === "azure")
    add(
      at,
      `${formatPath(at)} needs base_url, or the environment variable ${AZURE_ENDPOINT_VARIABLE}`,
      "key",
    );
  if (item.base_url !== undefined) {
    const path = [...at, "base_url"];
    const wrong = urlFault(item.base_url, "base_url");
    fault(path, wrong);
    if (entry.kind === "azure" && wrong === null && /\/openai\/deployments\//.test(item.base_url))
      fault(path, "must end before /openai/deployments: the deployment is the model's name");
  }
  const base = item.base_url ?? entry.base_url ?? "";
  if (item.tls !== undefined && base.startsWith("http:"))
    add([...at, "tls"], `${formatPath([...at, "tls"])} has no effect: base_url begins with http://`, "key");
  if (item.tls?.ca !== undefined) {
    const result = readCa(item.tls.ca);
    if ("fault" in result) fault([...at, "tls", "ca"], result.fault);
  }
  if (item.proxy !== undefined) {
    fault([...at, "proxy"], urlFault(item.proxy, "proxy"));
    if (item.client === "http1")
      add([...at, "client"], "the client http1 does not speak to proxies; leave client out");
  }
  if (entry.kind !== "azure")
    for (const key of ["api_version", "deployments"] as const)
      if (item[key] !== undefined)
        add([...at, key], `${formatPath([...at, key])} is only for the kind azure; leave it out`, "key");

  for (const [index, key] of (item.api_keys ?? []).entries())
    fault([...at, "api_keys", index], headerValueFault(key));
  if ((item.api_keys?.length ?? 0) > 1 && item.api_keys?.includes("none"))
    add([...at, "api_keys"], `"none" must be the only entry of ${formatPath([...at, "api_keys"])}`);
  if (item.auth !== undefined) {
    fault([...at, "auth", "header"], headerNameFault(item.auth.header));
    fault([...at, "auth", "value"], headerValueFault(item.auth.value));
    if (item.api_keys !== undefined)
      add(
        [...at, "auth"],
        `${formatPath(at)} has both auth and api_keys; keep one, further fields go under headers`,
        "key",
      );
  } else if (
    item.api_keys === undefined &&
    item.base_url === undefined &&
    entry.key_variable !== null &&
    !isCloud(entry)
  )
    add(
      [...at, "api_keys"],
      `${formatPath(at)} needs api_keys, or the environment variable ${entry.key_variable}`,
      "key",
    );

  checkCloud(at, item, entry, add, fault, readGoogle);
  checkHeaders(item.headers, [...at, "headers"], add, fault);
}

function checkHeaders(
  headers: Readonly<Record<string, string>> | undefined,
  at: Path,
  add: (path: Path, message: string, part?: "key" | "value") => void,
  fault: (path: Path, what: string | null) => void,
): void {
  const seen = new Set<string>();
  for (const [header, value] of Object.entries(headers ?? {})) {
    const path = [...at, header];
    const wrong = headerNameFault(header);
    if (wrong !== null) add(path, `${JSON.stringify(header)} ${wrong}`, "key");
    if (seen.has(header.toLowerCase())) add(path, `the header ${header} is here for the second time`, "key");
    seen.add(header.toLowerCase());
    fault(path, headerValueFault(value));
  }
}
