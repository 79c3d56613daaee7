// An entry of LiteLLM's `model_list`: a provider with its key and address, and a model of it.
// https://docs.litellm.ai/docs/proxy/configs, https://docs.litellm.ai/docs/proxy/load_balancing

import {
  addressOf,
  type Draft,
  headerFields,
  type LimitsInput,
  type ProviderInput,
  type TargetInput,
  variable,
} from "../draft.ts";
import { budgetOf } from "../periods.ts";
import type { Source } from "../source.ts";
import { type LitellmProvider, litellmProvider, splitModel } from "./known_providers.ts";
import { capabilitiesOf, type Price, priceOf } from "./model_info.ts";
import type { References } from "./references.ts";

/** A deployment as it is carried over. */
export interface Deployment {
  /** The entry's source. */
  readonly source: Source;
  readonly target: TargetInput;
  /** Shares of calls by what LiteLLM reads them from, in its order. */
  readonly weights: readonly (number | null)[];
  /** Its place among those of its group; null for none. */
  readonly order: number | null;
  readonly tags: readonly string[];
  /** Tries after the first; null where it says nothing. */
  readonly retries: number | null;
  readonly price: Price | null;
}

/** Parameters of requests: what LiteLLM adds to every call, and nobody does here. */
const REQUEST_PARAMETERS = [
  ...["temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "stop", "seed", "user"],
  ...["presence_penalty", "frequency_penalty", "logit_bias", "response_format", "reasoning_effort"],
  ...["thinking", "extra_body", "tools", "tool_choice", "num_ctx", "merge_reasoning_content_in_choices"],
];

/** Reads an entry and gives its provider to the draft; null where it cannot be carried, which is then reported. */
export function readDeployment(entry: Source, draft: Draft, references: References): Deployment | null {
  const params = entry.at("litellm_params");
  const info = entry.at("model_info");
  const model_source = params.at("model");
  const model = model_source.text();
  if (!params.is_map || model === null) {
    entry.left("names no model of a provider (litellm_params.model)");
    return null;
  }
  const split = splitModel(model, params.at("custom_llm_provider").text());
  const known = split === null ? null : litellmProvider(split[0]);
  const has_base = params.first("api_base", "base_url").is_there;
  // A server of an unknown name that has an address most likely speaks OpenAI's format, which is what LiteLLM's own lists mean.
  const provider = known ?? (split !== null && has_base ? { kind: "openai", key: null } : null);
  if (split === null || provider === null) {
    model_source.left(
      split === null || split[0] === ""
        ? `it cannot be told whose model ${JSON.stringify(model)} is; write it as provider/model`
        : `the provider ${JSON.stringify(split[0])} is not known here; give it an api_base if it speaks OpenAI's format`,
    );
    return null;
  }
  const [prefix, name] = split;
  if (name === "") {
    model_source.left(`names no model of ${prefix}`);
    return null;
  }
  if (known === null)
    model_source.changed(`${prefix} is taken for a server of OpenAI's format, by its api_base`);
  else if (provider.caveat !== undefined) model_source.changed(`${prefix} ${provider.caveat}`);
  const limits = limitsOf(entry, params, info);
  const settings = providerOf(provider, params, references, limits);
  if (settings === null) return null;
  const served = servedModel(provider.kind, name, model_source, settings);
  const wanted = draft.provider(providerName(prefix, provider), settings, params.path);
  const first_byte_ms = firstByteOf(params.first("timeout", "request_timeout"), params.at("stream_timeout"));
  const capabilities = capabilitiesOf(info);
  const deployment: Deployment = {
    source: entry,
    target: {
      ...{ provider: wanted, model: served },
      ...(first_byte_ms === null ? {} : { timeouts: { first_byte_ms } }),
      ...(Object.keys(capabilities).length === 0 ? {} : { capabilities }),
    },
    weights: ["weight", "rpm", "tpm"].map((key) => params.at(key).number()),
    order: params.first("order").number() ?? info.at("order").number(),
    tags: params
      .at("tags")
      .items()
      .map((tag) => tag.text())
      .filter((tag) => tag !== null),
    retries: params.at("max_retries").number(),
    price: priceOf(params, info),
  };
  leaveRest(params, info, entry);
  return deployment;
}

function providerName(prefix: string, { kind }: LitellmProvider): string {
  return kind === "openai" || kind === "azure" ? prefix.replace(/_(text|chat)$/, "") : kind;
}

/** The provider's settings; null where it lacks what it needs. */
function providerOf(
  { kind, key, base_url, base_variable }: LitellmProvider,
  params: Source,
  references: References,
  limits: LimitsInput | null,
): ProviderInput | null {
  const base = references.of(params.first("api_base", "base_url")) ?? base_url ?? null;
  const address = addressOf(kind, base ?? (base_variable === undefined ? null : variable(base_variable)));
  const settings: ProviderInput = { kind };
  if (address !== undefined) settings.base_url = kind === "azure" ? azureBase(address) : address;
  if (kind === "azure") azure(settings, params, references);
  if (kind === "bedrock") bedrock(settings, params, references);
  else if (kind === "vertex") vertex(settings, params, references);
  else keys(settings, params.at("api_key"), key, references);
  const headers = headersOf(params, references);
  if (Object.keys(headers).length > 0) settings.headers = headers;
  const region = params.at("region_name").text();
  if (region !== null) settings.region = region;
  if (limits !== null) settings.limits = limits;
  return settings;
}

function keys(
  settings: ProviderInput,
  given: Source,
  key_variable: string | null,
  references: References,
): void {
  const key = references.of(given) ?? (key_variable === null ? null : variable(key_variable));
  if (key !== null) settings.api_keys = [key];
  else if (settings.base_url !== undefined && settings.kind === "openai") settings.api_keys = ["none"];
  if (references.isWritten(given)) given.carried("a key that stands in the file, not in the environment");
}

/** A resource's address without what LiteLLM lets follow it. */
function azureBase(address: string): string {
  return address.replace(/\/openai\/deployments\/.*$/, "");
}

function azure(settings: ProviderInput, params: Source, references: References): void {
  const version = references.of(params.at("api_version"));
  if (params.at("model").text()?.startsWith("azure_ai/")) settings.deployments = false;
  else if (version === "latest" || version === "preview") settings.deployments = false;
  else if (version !== null) settings.api_version = version;
  const token = references.of(params.at("azure_ad_token"));
  if (token !== null) settings.auth = { header: "authorization", value: `Bearer ${token}` };
  params.leave(
    ["tenant_id", "client_id", "client_secret", "azure_username", "azure_password"],
    "tokens of Entra ID are not fetched; give an API key, or a token by auth",
  );
}

function bedrock(settings: ProviderInput, params: Source, references: References): void {
  const aws: NonNullable<ProviderInput["aws"]> = {};
  const fields = [
    ["aws_region_name", "region"],
    ["aws_access_key_id", "access_key_id"],
    ["aws_secret_access_key", "secret_access_key"],
    ["aws_session_token", "session_token"],
  ] as const;
  for (const [from, to] of fields) {
    const value = references.of(params.at(from));
    if (value !== null) aws[to] = value;
  }
  const endpoint = references.of(params.at("aws_bedrock_runtime_endpoint"));
  if (endpoint !== null) settings.base_url = endpoint.replace(/\/+$/, "");
  const token = references.of(params.at("api_key"));
  if (token !== null && aws.access_key_id === undefined) settings.api_keys = [token];
  // LiteLLM's own default.
  aws.region ??= variable("AWS_REGION_NAME", "us-west-2");
  settings.aws = aws;
  params.leave(
    ["aws_role_name", "aws_session_name", "aws_profile_name", "aws_web_identity_token", "aws_sts_endpoint"],
    "roles are not assumed; give keys, or AWS's variables",
  );
}

function vertex(settings: ProviderInput, params: Source, references: References): void {
  const google: NonNullable<ProviderInput["google"]> = {};
  const project = references.of(params.first("vertex_project", "vertex_ai_project"));
  const location = references.of(params.first("vertex_location", "vertex_ai_location"));
  const credentials = params.first("vertex_credentials", "vertex_ai_credentials");
  const given = references.of(credentials);
  if (credentials.is_map) google.credentials = credentials.value as Record<string, unknown>;
  else if (given !== null) google.credentials = given;
  if (project !== null || !credentials.is_there) google.project = project ?? variable("VERTEXAI_PROJECT");
  google.location = location ?? variable("VERTEXAI_LOCATION", "us-central1");
  settings.google = google;
}

function headersOf(params: Source, references: References): Record<string, string> {
  const given = params.first("extra_headers", "headers").entries();
  const organization = params.at("organization");
  return headerFields([
    ...given.map(([name, value]) => [name, references.of(value), value] as const),
    ["openai-organization", references.of(organization), organization],
  ]);
}

/** What a provider calls the model. */
function servedModel(kind: string, name: string, source: Source, settings: ProviderInput): string {
  if (kind === "bedrock") {
    const parts = name.replace(/^(converse|invoke|converse_like)\//, "").split("/");
    const region = parts.length > 1 && /^[a-z]{2}(-[a-z]+)+-\d$/.test(parts[0]!) ? parts.shift()! : null;
    if (region !== null) settings.aws = { ...settings.aws, region };
    return parts.join("/");
  }
  if (kind === "fireworks" && !name.startsWith("accounts/") && !name.includes("*"))
    return `accounts/fireworks/models/${name}`;
  if (/^responses\//.test(name)) {
    source.changed("the endpoint is that of the client's request; responses/ is left off the name");
    return name.slice("responses/".length);
  }
  return name;
}

/** LiteLLM's rates are those of one model with one key: a provider of its own has them. */
function limitsOf(entry: Source, params: Source, info: Source): LimitsInput | null {
  const limits: LimitsInput = {};
  for (const of of ["rpm", "tpm"] as const) {
    const given = [params, entry, info].map((one) => one.at(of)).find((one) => one.is_there);
    const limit = given?.number() ?? null;
    if (limit !== null && limit >= 1) limits[of] = Math.floor(limit);
    else given?.left("is no number from 1 on");
  }
  const most = params.at("max_parallel_requests");
  const concurrency = most.number();
  if (concurrency !== null && concurrency >= 1) limits.concurrency = Math.floor(concurrency);
  const budget = params.at("max_budget");
  const usd = budget.number();
  const period = params.at("budget_duration").text();
  const money = usd === null ? null : budgetOf(usd, period);
  if (money !== null) Object.assign(limits, money);
  else budget.left(`there are budgets of a day and a month, not of ${period ?? "no time"}`);
  if (Object.keys(limits).length === 0) return null;
  return limits;
}

/** LiteLLM's timeout is that of silence, which a plain answer's first byte ends: milliseconds; null where there is none for both kinds. */
export function firstByteOf(plain: Source, stream: Source): number | null {
  const seconds = plain.number() ?? 0;
  if (seconds <= 0) {
    stream.left("one time to the first byte holds for streams and plain answers, and those may take longer");
    return null;
  }
  stream.changed("one time to the first byte holds for streams and plain answers: the longer of the two");
  const longer = Math.max(seconds, stream.number() ?? 0);
  return Math.min(86_400_000, Math.max(1, Math.round(longer * 1_000)));
}

/** Says what of an entry was not carried. */
function leaveRest(params: Source, info: Source, entry: Source): void {
  entry.at("model_name");
  params.leave(REQUEST_PARAMETERS, "nothing is added to requests here; clients say it");
  params.at("use_in_pass_through");
  for (const key of ["id", "mode", "base_model", "description", "db_model", "input_cost_per_token"])
    info.at(key);
  params.rest();
  info.rest("tells nothing that is needed here");
  entry.rest();
}
