// A provider of Bifrost's with its keys. Keys that differ in their values alone are used in turn; others, with a region, deployments or
// models of their own, become providers of their own, which the names of the models lead to.

import {
  addressOf,
  type Draft,
  headerFields,
  type ProviderInput,
  type TargetInput,
  variable,
} from "../draft.ts";
import type { Source } from "../source.ts";

/** Kinds by Bifrost's names, where they differ, and what is not known here by its address. */
const KINDS: Readonly<Record<string, readonly [kind: string, base_url?: string]>> = {
  ...{ sgl: ["openai"], parasail: ["openai", "https://api.parasail.io/v1"] },
  ...{ nebius: ["openai", "https://api.tokenfactory.nebius.com/v1"] },
};

const SAME = new Set([
  ...[
    "openai",
    "anthropic",
    "azure",
    "bedrock",
    "vertex",
    "gemini",
    "cohere",
    "mistral",
    "groq",
    "ollama",
    "xai",
  ],
  ...["perplexity", "cerebras", "openrouter", "deepseek", "vllm", "fireworks"],
]);

/** A value of Bifrost's: a text, a reference (`env.NAME`), or an object that says which of these it is; null where it is none. */
export function textOf(source: Source): string | null {
  const given = source.is_map ? source.first("env_var", "ref", "value") : source;
  const text = given.text();
  if (text === null) return null;
  const is_variable = source.is_map && source.at("env_var").is_there;
  const name = /^(?:env\.)?([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1];
  if (name !== undefined && (is_variable || text.startsWith("env."))) return variable(name);
  return text;
}

interface Part {
  readonly settings: ProviderInput;
  /** Names that the key may be used for; null: all. */
  readonly models: readonly string[] | null;
  /** Deployments by the names that clients ask for. */
  readonly deployments: readonly (readonly [name: string, deployment: string])[];
  weight: number;
}

/** What became of a provider of the source. */
export interface Became {
  /** The providers that it is here. */
  readonly names: readonly string[];
  /** Which of them a key is of, by the key's id and its name. */
  readonly of_key: ReadonlyMap<string, string>;
}

/**
 * Reads a provider into the draft; null where it cannot be carried, which is then reported.
 * @param empty_is_all whether an empty list of models allows all, as it did before version 2 of the source's format
 */
export function readProvider(
  name: string,
  source: Source,
  draft: Draft,
  empty_is_all: boolean,
): Became | null {
  const custom = source.at("custom_provider_config").at("base_provider_type").text();
  const known = custom ?? name;
  const [kind, own_url] = KINDS[known] ?? (SAME.has(known) ? [known] : [null]);
  const network = source.at("network_config");
  const base_url = textOf(network.at("base_url")) ?? own_url ?? null;
  if (kind === null) {
    source.left(
      "this provider is not known here; if it speaks OpenAI's format, give it as kind: openai with a base_url",
    );
    return null;
  }
  const common = settingsOf(kind, base_url, source, network);
  const parts: Part[] = [];
  const part_of = new Map<string, Part>();
  for (const key of source.at("keys").items()) {
    const part = readKey(kind, key, common, empty_is_all);
    if (part === null) continue;
    const same = parts.find((one) => areAlike(one, part));
    for (const id of [key.at("id").text(), key.at("name").text()])
      if (id !== null) part_of.set(id, same ?? part);
    if (same === undefined) parts.push(part);
    else {
      same.settings.api_keys = [...(same.settings.api_keys ?? []), ...(part.settings.api_keys ?? [])];
      same.weight += part.weight;
    }
  }
  if (parts.length === 0 && source.at("keys").items().length > 0) {
    source.left("none of its keys can be used");
    return null;
  }
  if (parts.length === 0) parts.push({ settings: common, models: null, deployments: [], weight: 1 });
  const weights = source
    .at("keys")
    .items()
    .map((key) => key.at("weight").number() ?? 1);
  if (parts.length === 1 && new Set(weights).size > 1)
    source.at("keys").changed("keys of a provider are used in turn, whatever their weights");
  const names = parts.map(({ settings }) => draft.provider(name, settings, source.path));
  addModels(name, parts, names, draft);
  source.carried(names.length === 1 ? names[0]! : `the providers ${names.join(", ")}`);
  retries(name, network, names, draft);
  source.leave(
    ["send_back_raw_response", "send_back_raw_request", "store_raw_request_response"],
    "requests and answers are passed on as they are",
  );
  source.leave(
    ["concurrency_and_buffer_size"],
    "calls are not bounded by workers; see limits.concurrency and queue",
  );
  source.rest();
  network.rest();
  const of_key = new Map([...part_of].map(([id, part]) => [id, names[parts.indexOf(part)]!] as const));
  return { names, of_key };
}

function settingsOf(kind: string, base_url: string | null, source: Source, network: Source): ProviderInput {
  const settings: ProviderInput = { kind };
  // Bifrost's addresses of OpenAI's format end before the version.
  const with_version =
    kind === "openai" && base_url !== null && !/\/v\d+\/?$/.test(base_url) && !base_url.startsWith("${")
      ? `${base_url.replace(/\/+$/, "")}/v1`
      : base_url;
  const address = addressOf(kind, with_version);
  if (address !== undefined) settings.base_url = address;
  const given = network.at("extra_headers").entries();
  const headers = headerFields(given.map(([name, value]) => [name, textOf(value), value] as const));
  if (Object.keys(headers).length > 0) settings.headers = headers;
  const seconds = network.at("default_request_timeout_in_seconds").number();
  if (seconds !== null && seconds > 0) settings.timeouts = { first_byte_ms: Math.round(seconds * 1_000) };
  const proxy = source.at("proxy_config");
  const url = textOf(proxy.at("url"));
  if (url !== null && proxy.at("type").text() !== "none") settings.proxy = url;
  return settings;
}

function retries(name: string, network: Source, names: readonly string[], draft: Draft): void {
  const attempts = network.at("max_retries").number();
  const backoff = network.at("retry_backoff_initial").number();
  network.at("retry_backoff_max");
  if (attempts === null && backoff === null) return;
  const starred = `${name}/*`;
  draft.config.models[starred] ??= { targets: [{ provider: names[0]!, model: "*" }] };
  for (const [model, entry] of Object.entries(draft.config.models)) {
    if (!model.startsWith(`${name}/`)) continue;
    entry.retries = {
      ...(attempts === null ? {} : { attempts: Math.min(100, Math.max(0, attempts)) }),
      ...(backoff === null ? {} : { backoff_ms: Math.min(60_000, Math.max(0, Math.round(backoff))) }),
    };
  }
  network.at("max_retries").carried(`retries of ${starred}`);
}

function readKey(kind: string, key: Source, common: ProviderInput, empty_is_all: boolean): Part | null {
  if (key.at("enabled").flag() === false) {
    key.left("it is switched off");
    return null;
  }
  const settings: ProviderInput = structuredClone(common);
  const value = textOf(key.at("value"));
  let deployments: (readonly [string, string])[] = [];
  if (kind === "azure") {
    const azure = key.at("azure_key_config");
    const endpoint = textOf(azure.at("endpoint"));
    settings.base_url = (endpoint ?? settings.base_url ?? variable("AZURE_OPENAI_ENDPOINT")).replace(
      /\/+$/,
      "",
    );
    const version = textOf(azure.at("api_version"));
    if (version !== null) settings.api_version = version;
    deployments = namesOf(azure.at("deployments"));
    azure.leave(
      ["client_id", "client_secret", "tenant_id", "scopes"],
      "tokens of Entra ID are not fetched; give an API key",
    );
  } else if (kind === "vertex") {
    const vertex = key.at("vertex_key_config");
    const credentials = textOf(vertex.at("auth_credentials"));
    settings.google = {
      project: textOf(vertex.at("project_id")) ?? variable("GOOGLE_CLOUD_PROJECT"),
      location: textOf(vertex.at("region")) ?? variable("GOOGLE_CLOUD_LOCATION"),
      ...(credentials === null ? {} : { credentials }),
    };
    vertex.at("project_number");
    deployments = namesOf(vertex.at("deployments"));
  } else if (kind === "bedrock") {
    const bedrock = key.at("bedrock_key_config");
    const [id, secret, token] = ["access_key", "secret_key", "session_token"].map((one) =>
      textOf(bedrock.at(one)),
    );
    settings.aws = {
      region: textOf(bedrock.at("region")) ?? variable("AWS_REGION"),
      ...(id == null ? {} : { access_key_id: id }),
      ...(secret == null ? {} : { secret_access_key: secret }),
      ...(token == null ? {} : { session_token: token }),
    };
    deployments = namesOf(bedrock.at("deployments"));
    bedrock.leave(
      ["role_arn", "arn", "external_id", "session_name", "batch_s3_config"],
      "roles are not assumed; give keys",
    );
  } else {
    const url = textOf(key.first("vllm_key_config", "ollama_key_config", "sgl_key_config").at("url"));
    if (url !== null)
      settings.base_url = /\/v\d+\/?$/.test(url) || kind === "ollama" ? url : `${url.replace(/\/+$/, "")}/v1`;
  }
  if (value !== null && kind !== "vertex" && settings.aws?.access_key_id === undefined)
    settings.api_keys = [value];
  else if (settings.base_url !== undefined && kind === "openai") settings.api_keys ??= ["none"];
  deployments.push(...namesOf(key.at("aliases")));
  const listed = key.at("models");
  if (!empty_is_all && Array.isArray(listed.value) && listed.value.length === 0) {
    key.left("it is for no model");
    return null;
  }
  const models = key
    .at("models")
    .items()
    .flatMap((one) => one.text() ?? []);
  key.at("blacklisted_models").left("what a key is not for cannot be said; name what it is for (models)");
  for (const read of ["id", "name", "use_for_batch_api"]) key.at(read);
  const weight = key.at("weight").number() ?? 1;
  return {
    settings,
    models: models.length === 0 || models.includes("*") ? null : models,
    deployments,
    weight,
  };
}

function namesOf(map: Source): (readonly [string, string])[] {
  return map.entries().flatMap(([name, value]) => {
    const text = value.text();
    return text === null ? [] : [[name, text] as const];
  });
}

/** Whether two keys differ in their values alone. */
function areAlike(one: Part, other: Part): boolean {
  const bare = ({ settings, models, deployments }: Part) =>
    JSON.stringify([{ ...settings, api_keys: undefined }, models, deployments]);
  return (
    bare(one) === bare(other) && one.settings.api_keys !== undefined && other.settings.api_keys !== undefined
  );
}

/** The names that lead to several providers, or to another name there. */
function addModels(name: string, parts: readonly Part[], names: readonly string[], draft: Draft): void {
  const targets = new Map<string, TargetInput[]>();
  const add = (model: string, target: TargetInput): void => {
    targets.set(model, [...(targets.get(model) ?? []), target]);
  };
  const is_one = parts.length === 1;
  parts.forEach(({ models, deployments, weight }, index) => {
    const provider = names[index]!;
    const by_name = new Map(deployments);
    const share = is_one ? {} : { weight: Math.max(0, weight) };
    const served = models ?? [...by_name.keys()];
    for (const model of served) {
      const there = by_name.get(model) ?? model;
      if (!is_one || there !== model) add(`${name}/${model}`, { provider, model: there, ...share });
    }
    if (!is_one && models === null) add(`${name}/*`, { provider, model: "*", ...share });
  });
  for (const [model, list] of targets) {
    if (model.length > 128 || !/^[!-~]+$/.test(model)) continue;
    draft.config.models[model] =
      list.length > 1 ? { strategy: "weighted", targets: list } : { targets: list };
  }
}
