// The Plan: what a configuration compiles into. Immutable; a call takes the current one and keeps it to its end.
// Everything that a call would have to look up or put together each time is made here, once.

import type { CapabilitiesPlan } from "./capabilities.ts";
import type { CapabilitiesConfig } from "./capabilities_schema.ts";
import type { TlsPlan } from "./certificates.ts";
import type { ChecksumName } from "./entities.ts";
import type { GuardsPlan } from "./guards.ts";
import type { ApiName } from "./providers.ts";
import type { RoutePlan } from "./routes.ts";
import type { StateAddress } from "./state_address.ts";

/** Where a connection goes. One object per configured provider. */
export interface Origin {
  readonly tls: boolean;
  /** DNS name or IP address (IPv6 without brackets). */
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate authorities to trust instead of the system's; TLS only. */
  readonly ca?: string;
  /** Name asked for by SNI and verified; the host by default. */
  readonly server_name?: string;
  /** Proxy URL; only the fetch client speaks to proxies. */
  readonly proxy?: string;
}

/** Limits in time of one exchange, in milliseconds; 0 means none. */
export interface Timeouts {
  /** Resolving, connecting and the TLS handshake together. */
  readonly connect_ms: number;
  /** From the request having been sent to the first byte of the (final) response head. */
  readonly first_byte_ms: number;
  /** Silence between two reads once the response has begun; also while sending makes no progress. */
  readonly idle_ms: number;
  /** The whole exchange. */
  readonly total_ms: number;
}

/** Header fields in wire order; names in lower case. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** How a request for a model is addressed: `/chat/completions`, or Azure's `/deployments/{model}/chat/completions`. */
export type UrlStyle = "plain" | "azure_deployments";

/** What answers: our HTTP/1.1 client, fetch (proxies, HTTP/2), or the in-process simulator. */
export type ClientKind = "http1" | "fetch" | "sim";

/** What AWS's signatures are made with. */
export interface AwsCredentials {
  readonly region: string;
  readonly access_key_id: string;
  readonly secret_access_key: string;
  /** Null: the keys are a user's own. */
  readonly session_token: string | null;
}

/** Where Google's tokens come from: a service account's key, a user's own login, or the machine that the gateway runs on. */
export type GoogleCredentials =
  | {
      readonly type: "service_account";
      readonly client_email: string;
      /** PEM. */
      readonly private_key: string;
      readonly private_key_id: string | null;
      readonly token_uri: string;
    }
  | {
      readonly type: "authorized_user";
      readonly client_id: string;
      readonly client_secret: string;
      readonly refresh_token: string;
      readonly token_uri: string;
    }
  | {
      readonly type: "metadata";
      /** Host, perhaps with a port, of the machine's metadata server. */
      readonly host: string;
    };

/** How a request is authorized that no constant field does it for. */
export type Signing =
  | { readonly kind: "aws"; readonly service: string; readonly credentials: AwsCredentials }
  | { readonly kind: "google"; readonly credentials: GoogleCredentials };

/** When a target that fails is passed over, and for how long. */
export interface BreakerPlan {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Share of at least `min_calls` calls in 30 s that opens it when they fail. */
  readonly share: number;
  readonly min_calls: number;
  /** Until it is probed; twice as long after each probe that failed, up to `rest_max_ms`. */
  readonly rest_ms: number;
  readonly rest_max_ms: number;
  /** How long its share of calls grows after it has closed; 0: it has all at once. */
  readonly slow_start_ms: number;
}

/** How a provider is asked whether it is there. */
export interface ProbePlan {
  /** Below the base path. */
  readonly path: string;
  readonly interval_ms: number;
}

/** A provider's key: its name is what logs and metrics may say, never its value. */
export interface ProviderKey {
  /** `{provider}#{index}`, unique in a Plan. */
  readonly name: string;
  /** Everything constant that a JSON request with this key carries, authorization included. */
  readonly headers: HeaderFields;
  /** The same for requests passed through untranslated: no content-type, the provider's native authorization. */
  readonly pass_headers: HeaderFields;
  /** What is added to each request by itself; null: nothing. */
  readonly signing: Signing | null;
}

/** A provider as configured. */
export interface ProviderPlan {
  readonly name: string;
  readonly kind: string;
  /** The known provider that it builds on (`groq`, `mistral`): by it are told the quirks of those that are all of kind openai. */
  readonly known_as: string;
  readonly client: ClientKind;
  readonly origin: Origin;
  /** Path that every endpoint is appended to, without a slash at its end: `/v1`, `/openai`. */
  readonly base_path: string;
  /** What lies between it and the endpoints of OpenAI's format: `/openai` at Gemini; empty mostly. */
  readonly compatible_path: string;
  /** What it speaks; calls of chats in other formats are translated into the first. */
  readonly speaks: readonly ApiName[];
  /** Query string that every request carries (`api-version=…`), without "?"; empty for none. */
  readonly query: string;
  readonly url_style: UrlStyle;
  /** At least one; a provider without keys has one whose headers authorize nothing. */
  readonly keys: readonly ProviderKey[];
  readonly timeouts: TimeoutPlan;
  /** Where it keeps and computes its data; null: nobody says. */
  readonly region: string | null;
  /** Whether it understands `stream_options.include_usage`. */
  readonly stream_usage: boolean;
  /** Beginnings of the names of models whose prompts are cached up to a `cache_control` in them. */
  readonly cache_breakpoints: readonly string[];
  /** What each of its keys may be asked for. */
  readonly limits: LimitsPlan | null;
  /** Of its targets, where their model says nothing; null: they are asked however they fail. */
  readonly breaker: BreakerPlan | null;
  /** Null: only calls show how it does. */
  readonly probe: ProbePlan | null;
  /** How calls wait for it; null: they do not. */
  readonly queue: QueuePlan | null;
  /** How the rest of an answer is read whose client has left; null: it is not. */
  readonly drain: DrainPlan | null;
}

/** How calls wait in one gateway process. */
export interface QueuePlan {
  readonly max: number;
  readonly max_bytes: number;
  readonly max_wait_ms: number;
}

/** How much of an answer is read for its usage alone. */
export interface DrainPlan {
  readonly max_ms: number;
  readonly max_bytes: number;
}

/** Timeouts with the two defaults of the first byte: a plain answer begins only when it is complete. */
export interface TimeoutPlan {
  readonly plain: Timeouts;
  readonly stream: Timeouts;
}

/** A provider's model, as one possible answerer. */
export interface TargetPlan {
  readonly provider: ProviderPlan;
  /** What may be asked of it there: some providers have models of several formats. */
  readonly speaks: readonly ApiName[];
  /** The model's name as its provider calls it. */
  readonly model: string;
  /** The name as the bytes of a JSON string, quotes included: what is spliced into a request. */
  readonly model_json: Uint8Array;
  readonly weight: number;
  readonly timeouts: TimeoutPlan;
  /** Null: it is asked however it fails. */
  readonly breaker: BreakerPlan | null;
  /** What cannot be asked of it. */
  readonly capabilities: CapabilitiesPlan;
}

/** How often and how patiently one target is tried again. */
export interface RetryPlan {
  /** Tries after the first, on one target. */
  readonly attempts: number;
  /** Base of the exponential backoff, in milliseconds. */
  readonly backoff_ms: number;
}

/** When a second target is asked beside the first, and how often that may be. */
export interface HedgePlan {
  /** How long the first has for itself, in milliseconds; null: as long as 95 % of its answers take to their first byte. */
  readonly after_ms: number | null;
  /** Extra calls as a share of all, 0 to 1. */
  readonly max_extra: number;
}

/** Why an answer of a model is not good enough. */
export type CascadeReason = "refusal" | "length" | "invalid_json" | "uncertain" | "check";

/** What an answer has to have. */
export interface AnswerCheckPlan {
  readonly min_chars: number;
  /** In lower case. */
  readonly must_contain: readonly string[];
  /** RE2; null for none. */
  readonly pattern: string | null;
}

/** Which answers of a model are not good enough, and who is asked then. */
export interface CascadePlan {
  /** A model's name. */
  readonly to: string;
  readonly when: readonly CascadeReason[];
  /** Mean log probability of a token. */
  readonly uncertain_below: number;
  readonly check: AnswerCheckPlan;
  /** Whether streams are collected to be looked at. */
  readonly holds_streams: boolean;
}

/** A candidate that a share of a model's calls is sent to as well. */
export interface ShadowPlan {
  /** A model's name. */
  readonly model: string;
  /** Above 0, at most 1. */
  readonly share: number;
}

/** Limits of one scope; null is none. Money in nano-dollars. */
export interface LimitsPlan {
  /** Sliding windows of requests and tokens, each at most `limit` in any `window_ms`. */
  readonly windows: readonly {
    readonly of: "requests" | "tokens";
    readonly window_ms: number;
    readonly limit: number;
  }[];
  readonly concurrency: number | null;
  readonly nano_usd_per_day: bigint | null;
  readonly nano_usd_per_month: bigint | null;
}

/** A price from the configuration, in nano-dollars for a million tokens. */
export interface PricePlan {
  readonly input: number;
  readonly cached_input: number;
  readonly cache_write_5m: number;
  readonly cache_write_1h: number;
  readonly output: number;
  readonly reasoning: number;
  readonly input_audio: number;
  readonly output_audio: number;
}

/** Who shares kept answers. */
export type CacheScopeName = "tenant" | "key" | "user";

/** When a similar request's answer may be given. */
export interface SemanticPlan {
  readonly threshold: number;
  /** Share of wrong answers to stay below; null: the threshold alone decides. */
  readonly max_error: number | null;
  readonly ttl_ms: number;
  readonly embedder: string;
  readonly scope: CacheScopeName;
  readonly multi_turn: boolean;
  readonly tools: boolean;
  readonly images: boolean;
}

/** Which of a model's answers are kept. */
export interface CachePlan {
  /** How long an answer is fresh, and how much longer it may be given while it is asked for anew. */
  readonly ttl_ms: number;
  readonly stale_ms: number;
  readonly scope: CacheScopeName;
  readonly max_choices: number;
  readonly max_temperature: number;
  readonly by_user: boolean;
  /** Whether calls that waited for another one try for themselves when it failed. */
  readonly retries_errors: boolean;
  readonly semantic: SemanticPlan | null;
}

/**
 * What is done about a parameter that a target cannot take: refuse the call or leave it out. By default what changes the meaning of
 * the answer is refused, and a hint is left out.
 */
export type OnUnsupported = "error" | "drop" | "default";

/** What is done about personal data; see the configuration. */
export type PrivacyMode = "audit" | "redact" | "mask" | "block";

/** What is done about personal data in a model's requests. */
export interface PrivacyPlan {
  /** Null: nothing. */
  readonly mode: PrivacyMode | null;
  readonly entities: readonly string[];
  readonly thresholds: Readonly<Record<string, number>>;
  /** What becomes of a call when names cannot be looked for. */
  readonly on_failure: "block" | "recognisers-only" | "pass";
  /** Whether audio of a session goes out, which cannot be searched, where the mode is another than `audit`. */
  readonly passes_audio: boolean;
}

/** A kind of personal data that the configuration defines. */
export interface CustomEntity {
  readonly name: string;
  readonly pattern: string;
  readonly checksum?: ChecksumName | undefined;
  readonly context?: readonly string[] | undefined;
  readonly score?: number | undefined;
}

/** In which order a model's targets are asked. */
export type StrategyName = "priority" | "weighted" | "least-latency" | "least-cost" | "least-busy" | "prefix";

/** What makes one entry of the configuration stand for many names. */
export interface WildcardPlan {
  /** What lies before and behind the star. */
  readonly before: string;
  readonly after: string;
  /** What the configuration says that each target can do. */
  readonly said: readonly (readonly (CapabilitiesConfig | undefined)[])[];
}

/** What a model name stands for. */
export interface ModelPlan {
  /** As a client asks for it: an alias, or `provider/model`. */
  readonly name: string;
  /** The name that it is configured by, which has a `*` where it stands for many: what its limits are counted by. */
  readonly configured_as: string;
  /** Of an entry that stands for many names, and is none itself; null: `name` is a name. */
  readonly wildcard: WildcardPlan | null;
  readonly strategy: StrategyName;
  /** Of the first byte, under `least-cost`: slower targets come behind; null: however slow. */
  readonly max_latency_ms: number | null;
  readonly targets: readonly TargetPlan[];
  /** The models of `fallbacks`, in order, those of fallbacks too, each once. */
  readonly fallbacks: readonly ModelPlan[];
  readonly retries: RetryPlan;
  /** Null: one target is asked at a time. */
  readonly hedge: HedgePlan | null;
  /** Null: its answers are given as they are. */
  readonly cascade: CascadePlan | null;
  /** Null: its calls are sent to nobody else. */
  readonly shadow: ShadowPlan | null;
  /** Bounds a plain call, and a streamed one to its first content; milliseconds. */
  readonly deadline_ms: number;
  /** Bounds a whole stream; 0 is none. */
  readonly stream_deadline_ms: number;
  /** What all callers together may ask of it. */
  readonly limits: LimitsPlan | null;
  /** In place of the price table. */
  readonly price: PricePlan | null;
  /** Null: its answers are not kept. */
  readonly cache: CachePlan | null;
  /** Where its requests may go; null: anywhere. */
  readonly region: string | null;
  /** Of it and all that it may fall back to. Null: nothing is done about personal data, unless the caller's key says so. */
  readonly privacy: PrivacyPlan | null;
  /** The same where the caller's key says so; null: what holds for models that say nothing. */
  readonly privacy_by_key: PrivacyPlan | null;
  /** Of it and all that it may fall back to. Null: nothing looks at its requests and answers. */
  readonly guards: GuardsPlan | null;
  readonly on_unsupported: OnUnsupported;
  /** Whether the providers' own caches of prompts are made use of: calls that begin alike go to the same target and key. */
  readonly has_prompt_cache: boolean;
}

/** A client's key: only its hash is kept. */
export interface ClientKey {
  readonly name: string;
  /** SHA-256 of the key. */
  readonly hash: Uint8Array;
  readonly tenant: string;
  readonly team: string | null;
  /** Model patterns (`*` matches any run of characters). */
  readonly models: readonly string[];
  readonly tier: string | null;
  /** The key's own; where it has none, its tier's. */
  readonly limits: LimitsPlan | null;
  /** Of each user of the key. */
  readonly per_user: LimitsPlan | null;
  /** Where its requests may go; null: anywhere. */
  readonly region: string | null;
  /** What is done about personal data at least; null: what the model says. */
  readonly privacy: PrivacyMode | null;
  /** What looks at its calls besides the model's guards; null: nothing. */
  readonly guards: GuardsPlan | null;
}

/** A gateway whose request headers can be understood. */
export type CompatName = "litellm" | "portkey" | "helicone";

/** The public listener. */
export interface ListenPlan {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  /** Over it a body is refused with 413; bytes. */
  readonly max_body_bytes: number;
  /** Silence in the middle of a request body after which it is given up. */
  readonly body_idle_ms: number;
  /** How long calls in flight may take to finish when the gateway stops. */
  readonly drain_ms: number;
  /** Calls in flight of one gateway process; more are answered 503. */
  readonly max_calls: number;
  /** Origins that browsers may call from; `*` for all, empty for none. */
  readonly cors_origins: readonly string[];
  /** Gateways whose request headers are understood as the gateway's own. */
  readonly compat: readonly CompatName[];
  /** Null: plain HTTP. */
  readonly tls: TlsPlan | null;
  readonly websocket: WebSocketPlan;
  readonly realtime: RealtimePlan;
}

/** Clients' WebSockets. */
export interface WebSocketPlan {
  /** After decompression. */
  readonly max_message_bytes: number;
  /** Of one gateway process. */
  readonly max_sockets: number;
  /** At once on one socket. */
  readonly max_calls: number;
  /** Silence after which a socket is closed. */
  readonly idle_ms: number;
  readonly compression: boolean;
  /** How long the calls of a broken socket go on; 0: not at all. */
  readonly resume_ms: number;
  /** Kept for each socket that can be resumed. */
  readonly resume_bytes: number;
}

/** Bounds of Realtime sessions. */
export interface RealtimePlan {
  /** What may wait for a side that does not take it. */
  readonly max_buffered_bytes: number;
  /** Silence of both sides after which a session is closed. */
  readonly idle_ms: number;
  /** How long a session may last. */
  readonly session_ms: number;
}

/** What the caches of all models have in common. */
export interface CachesPlan {
  readonly max_entry_bytes: number;
  /** Patterns of what is left out of keys. */
  readonly volatile: readonly string[];
  /** How long a call waits for a similar answer. */
  readonly semantic_budget_ms: number;
}

/** How media are fetched that a client names by a URL, for providers that take bytes alone. */
export interface MediaPlan {
  readonly max_bytes: number;
  /** Of one request. */
  readonly max_count: number;
  readonly timeout_ms: number;
  /** Hosts that may be anywhere, in lower case. */
  readonly trusted_hosts: readonly string[];
}

/** What is kept of answers to Responses. */
export interface ResponsesPlan {
  /** 0: nothing. */
  readonly ttl_ms: number;
  readonly max_bytes: number;
}

/** What is kept of a call's moments, and whether providers are told of traces. */
export interface TelemetryPlan {
  /** Share of calls whose tries are kept with their moments. */
  readonly sample: number;
  /** Over it a call is slow, in microseconds; Infinity: none is. */
  readonly slow_us: number;
  /** Whether calls without a trace of their client's begin one that their provider is told of. */
  readonly propagates: boolean;
  /** Which answers are looked at to tell how models do; null: none is. */
  readonly quality: QualityPlan | null;
}

/** Which answers are looked at to tell how models do. */
export interface QualityPlan {
  /** Milliseconds from one look to the next, in one process. */
  readonly look_every_ms: number;
  /** Whether answers to requests that came before are compared with the earlier ones. */
  readonly is_compared: boolean;
}

/** What is kept of prompts and answers. */
export interface ContentPlan {
  readonly retention_ms: number;
  /** Of all of it together. */
  readonly max_bytes: number;
  /** Of a request, and of an answer. */
  readonly call_max_bytes: number;
  /** Whether nothing is kept of calls for a model, with a key, of a tenant. */
  isExcepted(call: { readonly model: string; readonly key: string; readonly tenant: string }): boolean;
}

/** State that several hosts share. */
export interface StatePlan {
  readonly address: StateAddress;
  /** The address as it may be shown. */
  readonly shown: string;
  /** What all keys begin with. */
  readonly prefix: string;
  /** What kept answers are sealed with; null: they are not shared. */
  readonly secret: string | null;
  /** Certificates (PEM) besides the system's; null for none. */
  readonly ca: string | null;
  readonly sentinel_password: string | null;
  readonly lease_ms: number;
  /** Whether calls go on by this host's own counts while the state cannot be reached. */
  readonly on_loss: "local" | "reject";
  /** How long a call waits for it at most. */
  readonly budget_ms: number;
}

/** A compiled configuration. */
export interface Plan {
  /** Null: it is this host's own. */
  readonly state: StatePlan | null;
  readonly media: MediaPlan;
  readonly responses: ResponsesPlan;
  readonly telemetry: TelemetryPlan;
  /** Null: nothing is. */
  readonly content: ContentPlan | null;
  readonly listen: ListenPlan;
  readonly providers: ReadonlyMap<string, ProviderPlan>;
  /** Configured aliases. `provider/model` names are made on demand by `resolveModel`. */
  readonly models: ReadonlyMap<string, ModelPlan>;
  /** Those of them whose name has a `*`: names are looked for among them when nothing else has them. */
  readonly wildcards: readonly ModelPlan[];
  /** The policy table: the first rule that holds for a request says which model it goes to. */
  readonly routes: readonly RoutePlan[];
  /** Names that clients may ask for because rules take them, and that are no models of their own; with those rules. */
  readonly route_names: ReadonlyMap<string, readonly RoutePlan[]>;
  /** Empty: no client needs a key. */
  readonly keys: readonly ClientKey[];
  /** Whether keys are shared with other hosts: callers need one, whatever this host knows of them. */
  readonly has_shared_keys: boolean;
  /** Limits over all keys of a tenant, by its name. */
  readonly tenants: ReadonlyMap<string, LimitsPlan>;
  /** Limits over all keys of a team, by `tenant/team`. */
  readonly teams: ReadonlyMap<string, LimitsPlan>;
  readonly tiers: ReadonlyMap<string, { readonly weight: number; readonly limits: LimitsPlan | null }>;
  /** SHA-256 of the admin API's token; null: it is reached by its socket alone. */
  readonly admin_token_hash: Uint8Array | null;
  /** The same of the token that may read content too; null: nobody may on the public port. */
  readonly content_token_hash: Uint8Array | null;
  readonly caches: CachesPlan;
  readonly privacy: {
    /** The model that finds names. */
    readonly names: string;
    /** How long a call waits for the names in its texts. */
    readonly names_budget_ms: number;
    /** How long the values of a conversation that has a name are kept. */
    readonly session_ttl_ms: number;
    /** Whether a model that gets placeholders is told to repeat them. */
    readonly note: boolean;
    readonly custom: readonly CustomEntity[];
    /** For models that say nothing themselves. */
    readonly by_default: PrivacyPlan;
    /** Whether a model or a key of the configuration asks that anything be done. */
    readonly is_asked: boolean;
  };
  /** For routes without a model. */
  readonly default_provider: ProviderPlan | null;
}
