// A resolved configuration into a Plan: the work that no call should have to do again.
// It reads nothing and cannot fail: whatever `loadConfig` accepts, compiles, in any process.

import { createHash } from "node:crypto";
import { originOf } from "./address.ts";
import { compileCache } from "./caches.ts";
import type { CapabilitiesConfig } from "./capabilities_schema.ts";
import { compileCascade } from "./cascade_schema.ts";
import { cloudUrl } from "./clouds.ts";
import { readGoogleCredentials } from "./google.ts";
import { compileGuards, joinGuards } from "./guards.ts";
import { constantFields } from "./header_fields.ts";
import { compileBreaker, compileProbe, DEFAULT_BREAKER } from "./health.ts";
import { compileHedge } from "./hedge_schema.ts";
import { compileLimits, compilePrice } from "./limits.ts";
import { makeModel, makeTarget, overrideTimeouts, resolveModel } from "./models.ts";
import type {
  ClientKey,
  HeaderFields,
  LimitsPlan,
  ModelPlan,
  Origin,
  Plan,
  ProviderKey,
  ProviderPlan,
  Signing,
  TimeoutPlan,
} from "./plan.ts";
import { compilePrivacy, modeOf, strictestPrivacy } from "./privacy.ts";
import {
  type ApiName,
  type AuthStyle,
  AZURE_API_VERSION,
  knownProvider,
  type ProviderEntry,
  providerEntry,
} from "./providers.ts";
import { compileDrain, compileQueue } from "./queue_schema.ts";
import { compileRoute, namesOfRoutes } from "./routes.ts";
import type { ProviderConfig, ResolvedConfig } from "./schema.ts";
import { compileShadow } from "./shadow_schema.ts";
import { compileState } from "./state_schema.ts";
import { compileContent, compileTelemetry } from "./telemetry_schema.ts";
import { modelConfigOf, wildcardOf } from "./wildcards.ts";

/** Where nothing is configured. A plain answer begins only when it is complete, so its first byte may take longer. */
export const DEFAULT_TIMEOUTS: TimeoutPlan = deepFreeze({
  plain: { connect_ms: 5000, first_byte_ms: 300_000, idle_ms: 120_000, total_ms: 0 },
  stream: { connect_ms: 5000, first_byte_ms: 60_000, idle_ms: 120_000, total_ms: 0 },
});

/** Compiles a configuration. */
export function compilePlan(config: ResolvedConfig): Plan {
  const providers = new Map<string, ProviderPlan>();
  for (const [name, provider] of Object.entries(config.providers))
    providers.set(name, compileProvider(name, provider));
  if (!providers.has("sim")) providers.set("sim", compileProvider("sim", { kind: "sim", client: "auto" }));

  const models = new Map<string, ModelPlan>();
  const wildcards: ModelPlan[] = [];
  const routes = config.routes.map(compileRoute);
  const { listen } = config;
  const plan: Plan = {
    state: compileState(config),
    listen: {
      host: listen.host.replace(/^\[|\]$/g, ""),
      port: listen.port,
      workers: listen.workers,
      max_body_bytes: listen.max_body_bytes,
      body_idle_ms: listen.body_idle_ms,
      drain_ms: listen.drain_ms,
      max_calls: listen.max_calls,
      cors_origins: [...(listen.cors?.origins ?? [])],
      compat: [...new Set(listen.compat)],
      tls: listen.tls ?? null,
      websocket: { ...listen.websocket },
      realtime: {
        max_buffered_bytes: listen.realtime.max_buffered_bytes,
        idle_ms: listen.realtime.idle_s * 1_000,
        session_ms: listen.realtime.session_minutes * 60_000,
      },
    },
    providers,
    models,
    wildcards,
    routes,
    route_names: namesOfRoutes(routes, new Map(Object.entries(config.models))),
    has_shared_keys: config.key_store !== null,
    keys: config.keys.map(
      (key): ClientKey => ({
        name: key.name,
        hash: sha256(key.key),
        tenant: key.tenant,
        team: key.team ?? null,
        models: [...key.models],
        tier: key.tier ?? null,
        limits: compileLimits(key.limits) ?? tierLimits(config, key.tier),
        per_user: compileLimits(key.per_user),
        region: key.region ?? null,
        privacy: modeOf(key.privacy),
        guards: compileGuards(key.guards, providers),
      }),
    ),
    tenants: limitsByName(config.tenants),
    teams: limitsByName(config.teams),
    tiers: new Map(
      Object.entries(config.tiers).map(([name, tier]) => [
        name,
        { weight: tier.weight, limits: compileLimits(tier.limits) },
      ]),
    ),
    admin_token_hash: config.admin === undefined ? null : sha256(config.admin.token),
    content_token_hash: config.admin?.content_token === undefined ? null : sha256(config.admin.content_token),
    media: {
      max_bytes: config.media.max_mb * 1024 * 1024,
      max_count: config.media.max_count,
      timeout_ms: config.media.timeout_ms,
      trusted_hosts: config.media.trusted_hosts.map((host) => host.toLowerCase()),
    },
    telemetry: compileTelemetry(config.telemetry),
    content: compileContent(config.telemetry),
    responses: {
      ttl_ms: config.responses.ttl_days * 86_400_000,
      max_bytes: config.responses.max_mb * 1024 * 1024,
    },
    caches: {
      max_entry_bytes: config.cache.max_entry_kb * 1024,
      volatile: [...config.cache.volatile],
      semantic_budget_ms: config.cache.semantic.budget_ms,
    },
    privacy: {
      names: config.privacy.names,
      names_budget_ms: config.privacy.names_budget_ms,
      session_ttl_ms: config.privacy.session_ttl_s * 1_000,
      note: config.privacy.note,
      custom: config.privacy.custom.map(({ name, pattern, checksum, context, score }) => ({
        ...{ name, pattern, checksum, context, score },
      })),
      by_default: compilePrivacy(
        { mode: "off", thresholds: {}, on_failure: "block", audio: "block" },
        config,
      ),
      is_asked: [
        ...Object.values(config.models).map(({ privacy }) => privacy?.mode),
        ...config.keys.map(({ privacy }) => privacy),
      ].some((mode) => modeOf(mode) !== null),
    },
    default_provider: defaultProvider(listen.default_provider, providers),
  };
  compileModels(config, plan, models, wildcards);
  return deepFreeze(plan);
}

function sha256(secret: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

function tierLimits(config: ResolvedConfig, tier: string | undefined): LimitsPlan | null {
  return tier === undefined ? null : compileLimits(config.tiers[tier]?.limits);
}

function limitsByName(scopes: ResolvedConfig["tenants"]): ReadonlyMap<string, LimitsPlan> {
  const found = new Map<string, LimitsPlan>();
  for (const [name, { limits }] of Object.entries(scopes)) {
    const compiled = compileLimits(limits);
    if (compiled !== null) found.set(name, compiled);
  }
  return found;
}

function defaultProvider(
  name: string | undefined,
  providers: ReadonlyMap<string, ProviderPlan>,
): ProviderPlan | null {
  if (name !== undefined) return providers.get(name) ?? null;
  for (const provider of providers.values()) if (provider.kind === "openai") return provider;
  return null;
}

/** Aliases first without their fallbacks, which may name each other in circles. */
function compileModels(
  config: ResolvedConfig,
  plan: Plan,
  models: Map<string, ModelPlan>,
  wildcards: ModelPlan[],
): void {
  const open = new Map<string, { readonly names: readonly string[]; readonly fallbacks: ModelPlan[] }>();
  const privacyOf = (name: string) => {
    const { privacy } = modelConfigOf(config, name) ?? {};
    return privacy === undefined ? null : compilePrivacy(privacy, config);
  };
  for (const [name, model] of Object.entries(config.models)) {
    const fallbacks: ModelPlan[] = [];
    const names = fallbackNames(config, name);
    open.set(name, { names, fallbacks });
    // Whatever a call may come to must not get what that would not be given itself.
    const all = [name, ...names, ...cascadeNames(config, name)];
    const guards = all.map((one) => compileGuards(modelConfigOf(config, one)?.guards, plan.providers));
    const said: (readonly (CapabilitiesConfig | undefined)[])[] = [];
    const targets = model.targets.map((target) => {
      if (typeof target === "string") {
        const slash = target.indexOf("/");
        const provider = plan.providers.get(target.slice(0, slash))!;
        said.push([model.capabilities]);
        return makeTarget(provider, target.slice(slash + 1), 1, undefined, model.breaker, model.capabilities);
      }
      const provider = plan.providers.get(target.provider)!;
      const { weight, timeouts, capabilities } = target;
      said.push([model.capabilities, capabilities]);
      return makeTarget(provider, target.model, weight, timeouts, model.breaker, ...said.at(-1)!);
    });
    const parts = wildcardOf(name);
    const { strategy, deadline_ms, stream_deadline_ms } = model;
    const retries = { ...model.retries };
    models.set(
      name,
      makeModel(name, targets, {
        max_latency_ms: model.max_latency_ms ?? null,
        wildcard: parts === null ? null : { ...parts, said },
        ...{ strategy, fallbacks, retries, deadline_ms, stream_deadline_ms },
        limits: compileLimits(model.limits),
        price: compilePrice(model.price),
        cache: compileCache(model.cache),
        region: model.region ?? null,
        ...strictestPrivacy(all.map(privacyOf), plan.privacy.by_default),
        guards: joinGuards(guards),
        hedge: compileHedge(model.hedge),
        cascade: compileCascade(model.cascade),
        shadow: compileShadow(model.shadow),
        on_unsupported: model.on_unsupported ?? "default",
        has_prompt_cache: model.cache !== "off" && model.cache.prompt === "auto",
      }),
    );
    if (parts !== null) wildcards.push(models.get(name)!);
  }
  for (const { names, fallbacks } of open.values())
    for (const name of names) fallbacks.push(resolveModel(plan, name)!);
}

/** All that a model may fall back to. Breadth first: what it names itself comes before what its fallbacks name. */
function fallbackNames(config: ResolvedConfig, name: string): string[] {
  const seen = new Set([name]);
  for (const from of seen)
    for (const fallback of modelConfigOf(config, from)?.fallbacks ?? []) seen.add(fallback);
  seen.delete(name);
  return [...seen];
}

/** All that a model may come to by its cascade. */
function cascadeNames(config: ResolvedConfig, name: string): string[] {
  const to = modelConfigOf(config, name)?.cascade?.to;
  return to === undefined ? [] : [to, ...fallbackNames(config, to)];
}

function compileProvider(name: string, config: ProviderConfig): ProviderPlan {
  const entry = asAddressed(providerEntry(name, config.kind, config.base_url), config);
  const url = new URL(config.base_url ?? entry.base_url ?? cloudUrl(entry.kind, config) ?? "http://sim/v1");
  const address = entry.kind === "azure" ? azureAddress(url, config) : plainAddress(url, entry, config);
  const sim = entry.kind === "sim";
  const proxied = config.proxy !== undefined && !sim;
  const client = config.client === "auto" ? (proxied ? "fetch" : "http1") : config.client;
  return {
    name,
    kind: entry.kind,
    known_as: knownProvider(name, config.kind, config.base_url),
    client: sim ? "sim" : client,
    speaks: spoken(entry, config),
    origin: origin(url, config),
    ...address,
    keys: providerKeys(name, config, entry),
    timeouts: overrideTimeouts(DEFAULT_TIMEOUTS, config.timeouts),
    region: config.region ?? null,
    stream_usage: config.stream_usage ?? entry.stream_usage,
    cache_breakpoints: entry.cache_breakpoints ?? [],
    limits: compileLimits(config.limits),
    breaker: compileBreaker(config.breaker, DEFAULT_BREAKER),
    probe: compileProbe(config.probe),
    queue: compileQueue(config.queue),
    drain: compileDrain(config.on_disconnect, config.drain),
  };
}

/** The entry of a provider that is asked in OpenAI's format alone, where its configured address is that of those endpoints. */
function asAddressed(entry: ProviderEntry, { base_url }: ProviderConfig): ProviderEntry {
  const { compatible_path: path, speaks_compatibly: speaks } = entry;
  if (speaks === undefined || base_url === undefined || !pathOf(new URL(base_url)).endsWith(path))
    return entry;
  return { ...entry, base_url: null, speaks, compatible_path: "", path_tail: path };
}

/** What a provider speaks. Other servers than OpenAI's own and Azure's mostly have no `/responses`; many have a `/rerank`. */
function spoken(entry: ProviderEntry, { base_url, responses }: ProviderConfig): readonly ApiName[] {
  const is_own = entry.kind === "azure" || base_url === undefined || base_url === entry.base_url;
  const has_responses = responses ?? (is_own && entry.speaks.includes("responses"));
  const others: ApiName[] = entry.speaks.filter((api) => api !== "responses");
  if (!is_own && entry.kind === "openai" && !others.some((api) => api.endsWith("rerank")))
    others.push("rerank");
  return has_responses ? [...others, "responses"] : others;
}

function origin(url: URL, config: ProviderConfig): Origin {
  return {
    ...originOf(url),
    ...(config.tls?.ca === undefined ? {} : { ca: config.tls.ca }),
    ...(config.tls?.server_name === undefined ? {} : { server_name: config.tls.server_name }),
    ...(config.proxy === undefined ? {} : { proxy: config.proxy }),
  };
}

type Address = Pick<ProviderPlan, "base_path" | "compatible_path" | "query" | "url_style">;

function plainAddress(url: URL, entry: ProviderEntry, { google }: ProviderConfig): Address {
  const path = pathBefore(pathBefore(pathOf(url), entry.compatible_path), entry.own_path ?? "");
  const base = withTail(path, entry.path_tail);
  const { project, location } = google ?? {};
  const is_placed = entry.kind === "vertex" && project !== undefined && location !== undefined;
  return {
    base_path: is_placed ? `${base}/projects/${project}/locations/${location}` : base,
    compatible_path: entry.compatible_path,
    query: url.search.slice(1),
    url_style: "plain",
  };
}

function azureAddress(url: URL, config: ProviderConfig): Address {
  const path = pathOf(url);
  const deployments = config.deployments ?? !path.endsWith("/openai/v1");
  const base = withTail(path.replace(/\/v1$/, ""), "/openai");
  const given = url.searchParams.get("api-version");
  const version = config.api_version ?? given ?? (deployments ? AZURE_API_VERSION : null);
  return {
    base_path: deployments ? base : `${base}/v1`,
    compatible_path: "",
    query: version === null ? "" : `api-version=${encodeURIComponent(version)}`,
    url_style: deployments ? "azure_deployments" : "plain",
  };
}

function pathOf(url: URL): string {
  return url.pathname.replace(/\/+$/, "");
}

/** A path without a tail that is put back where it is needed. */
function pathBefore(path: string, tail: string): string {
  return tail !== "" && path.endsWith(tail) ? path.slice(0, -tail.length) : path;
}

/** Completes a path by what is missing of its tail: "" and "/v1beta" both become "/v1beta/openai". */
function withTail(path: string, tail: string): string {
  for (let end = tail.length; end > 0; end = tail.lastIndexOf("/", end - 1)) {
    if (path.endsWith(tail.slice(0, end))) return path + tail.slice(end);
  }
  return path + tail;
}

function providerKeys(name: string, config: ProviderConfig, entry: ProviderEntry): ProviderKey[] {
  const make = (
    index: number,
    auth: HeaderFields,
    pass_auth: HeaderFields,
    signing: Signing | null = null,
  ): ProviderKey => ({
    name: `${name}#${index}`,
    headers: constantFields([...auth, ["content-type", "application/json"]], config.headers),
    pass_headers: constantFields(pass_auth, config.headers),
    signing,
  });
  if (config.auth !== undefined) {
    const auth: HeaderFields = [[config.auth.header.toLowerCase(), config.auth.value]];
    return [make(0, auth, auth)];
  }
  const keys = (config.api_keys ?? []).filter((key) => key !== "none");
  if (keys.length === 0) return [make(0, [], [], signingOf(entry, config))];
  // A server that needs no key still gets one that is configured for it.
  return keys.map((key, index) =>
    make(index, authorization(entry.auth, key), authorization(entry.pass_auth, key)),
  );
}

/** How a cloud's requests are authorized where it has no key. */
function signingOf({ kind }: ProviderEntry, { aws, google }: ProviderConfig): Signing | null {
  if (kind === "vertex" && google?.credentials !== undefined) {
    const read = readGoogleCredentials(google.credentials);
    return "fault" in read ? null : { kind: "google", credentials: read.credentials };
  }
  const { region, access_key_id, secret_access_key, session_token } = aws ?? {};
  const is_signed = region !== undefined && access_key_id !== undefined && secret_access_key !== undefined;
  if (kind !== "bedrock" || !is_signed) return null;
  const credentials = { region, access_key_id, secret_access_key, session_token: session_token ?? null };
  return { kind: "aws", service: "bedrock", credentials };
}

function authorization(style: AuthStyle, key: string): HeaderFields {
  if (typeof style === "object") return [[style.header, key]];
  return [["authorization", `Bearer ${key}`]];
}

/** Freezes an object and all that it holds. Maps keep their type's promise alone; bytes cannot be frozen. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  const items = value instanceof Map ? value.values() : Object.values(value);
  for (const item of items) deepFreeze(item);
  return value;
}
