// A target of a Portkey config: a provider, its key, and the model that is asked for there.

import { addressOf, type Draft, type ProviderInput, type TargetInput, variable } from "../draft.ts";
import type { Source } from "../source.ts";

/** Kinds of providers by the names that Portkey gives them (its src/globals.ts), where they differ. */
const KINDS: Readonly<Record<string, string>> = {
  ...{
    "azure-openai": "azure",
    "azure-ai": "azure",
    google: "gemini",
    "vertex-ai": "vertex",
    "together-ai": "together",
  },
  ...{
    "perplexity-ai": "perplexity",
    "mistral-ai": "mistral",
    "fireworks-ai": "fireworks",
    "x-ai": "xai",
    "z-ai": "zhipu",
  },
};

const SAME = new Set([
  ...[
    "openai",
    "anthropic",
    "cohere",
    "bedrock",
    "ollama",
    "groq",
    "jina",
    "moonshot",
    "openrouter",
    "zhipu",
  ],
  ...["deepseek", "voyage", "cerebras", "sambanova", "dashscope", "hyperbolic", "deepinfra"],
]);

/** The kind of a provider; null where it is not known here. */
function kindOf(name: string): string | null {
  if (Object.hasOwn(KINDS, name)) return KINDS[name]!;
  if (name === "novita-ai") return "novita";
  return SAME.has(name) ? name : null;
}

/** The kind that a slug of a virtual key or of the model catalogue most likely means: `openai-prod-1f2e`. */
function kindOfSlug(slug: string): string | null {
  const names = [...Object.keys(KINDS), ...SAME, "gemini", "azure", "vertex"].toSorted(
    (a, b) => b.length - a.length,
  );
  const begins = names.find(
    (name) => slug === name || slug.startsWith(`${name}-`) || slug.startsWith(`${name}_`),
  );
  return begins === undefined ? null : (kindOf(begins) ?? begins);
}

/**
 * Reads a target and gives its provider to the draft; null where it cannot be carried, which is then reported.
 * @param above the model that a level above says
 * @param has_star whether a target may be asked for what the client asked for
 */
export function readTarget(
  source: Source,
  draft: Draft,
  above: string | null,
  has_star: boolean,
): TargetInput | null {
  const provider_source = source.at("provider");
  const virtual_key = source.at("virtual_key");
  const override = source.at("override_params");
  const named = override.at("model").text() ?? above;
  const catalogued = /^@([^/]+)\/(.+)$/.exec(named ?? "");
  const given = provider_source.text();
  const slug = (given?.startsWith("@") ? given.slice(1) : null) ?? catalogued?.[1] ?? virtual_key.text();
  const kind =
    given !== null && !given.startsWith("@") ? kindOf(given) : slug === null ? null : kindOfSlug(slug);
  const host = source.at("custom_host").text();
  if (kind === null && host === null) {
    source.left(
      given === null && slug === null
        ? "names no provider"
        : `the provider ${JSON.stringify(given ?? slug)} is not known here; give it a custom_host if it speaks OpenAI's format`,
    );
    return null;
  }
  const model = modelOf(source, named, has_star);
  if (model === null) {
    source.left("says no model (override_params.model), and what it stands in has a name of its own");
    return null;
  }
  const settings = settingsOf(kind ?? "openai", source, slug, host);
  const name = draft.provider(slug ?? given ?? kind ?? "server", settings, source.path);
  if (slug !== null)
    (virtual_key.is_there ? virtual_key : provider_source.is_there ? provider_source : override).changed(
      `the key is Portkey's to keep: put it into ${settings.api_keys?.[0] ?? "the environment"}`,
    );
  for (const [key, value] of override.entries())
    if (key !== "model") value.left("nothing is added to requests here; clients say it");
  source.carried(`${name}, ${model}`);
  return { provider: name, model };
}

/** What the provider is asked for; a star where that is what the client asks for. */
function modelOf(source: Source, named: string | null, has_star: boolean): string | null {
  const said = named ?? source.first("deployment_id", "azure_deployment_id").text();
  return said === null ? (has_star ? "*" : null) : said.replace(/^@[^/]+\//, "");
}

/** Whether a target says what is asked for. */
export function saysModel(source: Source): boolean {
  return (
    source.at("override_params").at("model").is_there ||
    source.first("deployment_id", "azure_deployment_id").is_there
  );
}

function settingsOf(kind: string, source: Source, slug: string | null, host: string | null): ProviderInput {
  const settings: ProviderInput = { kind };
  const value = (...keys: readonly string[]): string | undefined => source.first(...keys).text() ?? undefined;
  const resource = value("resource_name", "azure_resource_name");
  const address =
    host ?? (kind === "azure" && resource !== undefined ? `https://${resource}.openai.azure.com` : null);
  const base = addressOf(kind, address);
  if (base !== undefined) settings.base_url = base;
  else if (kind === "azure") settings.base_url = variable("AZURE_OPENAI_ENDPOINT");
  const version = kind === "azure" ? value("api_version", "azure_api_version") : undefined;
  if (version !== undefined) settings.api_version = version;
  if (kind === "bedrock") {
    const region = value("aws_region") ?? variable("AWS_REGION");
    const id = value("aws_access_key_id");
    const secret = value("aws_secret_access_key");
    const token = value("aws_session_token");
    settings.aws = {
      region,
      ...(id === undefined ? {} : { access_key_id: id }),
      ...(secret === undefined ? {} : { secret_access_key: secret }),
      ...(token === undefined ? {} : { session_token: token }),
    };
  } else if (kind === "vertex") {
    const account = source.at("vertex_service_account_json");
    settings.google = {
      project: value("vertex_project_id") ?? variable("GOOGLE_CLOUD_PROJECT"),
      location: value("vertex_region") ?? variable("GOOGLE_CLOUD_LOCATION"),
      ...(account.is_map ? { credentials: account.value as Record<string, unknown> } : {}),
    };
  } else if (kind !== "ollama") {
    const slug_name = (slug ?? kind)
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, "_")
      .replace(/^(?=\d)/, "_");
    settings.api_keys = [value("api_key") ?? variable(`${slug_name}_API_KEY`)];
    source.at("api_key").carried("a key that stands in the file, not in the environment");
  }
  const headers: Record<string, string> = {};
  for (const [key, name] of [
    ["openai_organization", "openai-organization"],
    ["openai_project", "openai-project"],
    ["anthropic_beta", "anthropic-beta"],
  ] as const) {
    const text = value(key);
    if (text !== undefined) headers[name] = text;
  }
  if (Object.keys(headers).length > 0) settings.headers = headers;
  source.leave(["forward_headers", "strict_open_ai_compliance"], "has no equal here");
  return settings;
}
