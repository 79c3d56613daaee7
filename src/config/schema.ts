// The configuration as a user writes it: every key, its bounds, its default and its one-sentence description.
// It has no transformations, so that one definition serves validation, error messages and the editors' JSON Schema.

import * as z from "zod";
import { capabilities } from "./capabilities_schema.ts";
import { cascade } from "./cascade_schema.ts";
import type { TlsPlan } from "./certificates.ts";
import { PROJECT, PROJECT_FAULT, REGION, REGION_FAULT } from "./clouds.ts";
import { embedder } from "./embedder_name.ts";
import { CHECKSUM_NAMES } from "./entities.ts";
import { guards } from "./guards_schema.ts";
import { breaker, probe } from "./health_schema.ts";
import { hedge } from "./hedge_schema.ts";
import { log } from "./log_schema.ts";
import { PROVIDERS } from "./providers.ts";
import { drain, on_disconnect, queue } from "./queue_schema.ts";
import { route } from "./routes_schema.ts";
import { shadow } from "./shadow_schema.ts";
import { on_state_loss, state, state_budget_ms } from "./state_schema.ts";
import { orKeyStore, orLedgerStore, postgres_url, type Settled } from "./stores_schema.ts";
import { telemetry } from "./telemetry_schema.ts";
import { listen_tls } from "./tls_schema.ts";

// A configuration is read once; compiling a program for each of its parts takes most of the time that reading it does.
z.config({ jitless: true });

/** Gateways whose request headers can be understood. */
const COMPAT_NAMES = ["litellm", "portkey", "helicone"] as const;

/** The longest time that any setting in milliseconds may name: a day. */
const DAY_MS = 86_400_000;
const YEAR_S = 366 * 86_400;

const whole = (min: number, max: number) => z.int().min(min).max(max);
const text = (max: number) =>
  z.string().min(1, "must not be empty").max(max, `must have at most ${max} characters`);

const tenantName = text(128).regex(
  /^(?!shadow\/)/,
  "must not begin with shadow/: what candidates cost is kept under such names",
);

const providerName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "a provider's name has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit",
  );
const alias = z
  .string()
  .regex(/^[!-~]{1,128}$/, "a model's name has 1 to 128 visible ASCII characters and no spaces");

/** Names of `kind`: the contract's kinds that work, and every entry of the provider table. */
export const KINDS = Object.keys(PROVIDERS) as [string, ...string[]];

/** A billion dollars: the most that any budget may be. */
const USD_MAX = 1_000_000_000;
/** The most requests or tokens that a limit may name. */
const COUNT_MAX = 2_000_000_000;

/** Most gateway processes: shared memory has places for as many, and two for those that are being replaced. */
export const WORKERS_MAX = 62;

const amount = (what: string) => whole(1, COUNT_MAX).optional().describe(what);
const dollars = (what: string) => z.number().positive().max(USD_MAX).optional().describe(what);

const limits = z.strictObject({
  rpm: amount("Requests in any 60 seconds."),
  requests_per_hour: amount("Requests in any hour."),
  requests_per_day: amount("Requests in any 24 hours."),
  tpm: amount("Tokens in any 60 seconds, of prompts and answers together."),
  tokens_per_hour: amount("Tokens in any hour."),
  tokens_per_day: amount("Tokens in any 24 hours."),
  concurrency: whole(1, 1_000_000).optional().describe("Calls at once."),
  usd_per_day: dollars("US dollars in a UTC day."),
  usd_per_month: dollars("US dollars in a UTC month."),
});

const region = z.string().regex(REGION, REGION_FAULT);

const price = z.strictObject({
  input_per_mtok: z.number().min(0).describe("US dollars for a million tokens of prompts."),
  cached_input_per_mtok: z
    .number()
    .min(0)
    .optional()
    .describe("The same, read from the provider's prompt cache; by default as input."),
  cache_write_5m_per_mtok: z
    .number()
    .min(0)
    .optional()
    .describe("The same, written to it for five minutes; by default as input."),
  cache_write_1h_per_mtok: z
    .number()
    .min(0)
    .optional()
    .describe("The same, written to it for an hour; by default as for five minutes."),
  output_per_mtok: z.number().min(0).describe("US dollars for a million tokens of answers."),
  reasoning_per_mtok: z
    .number()
    .min(0)
    .optional()
    .describe("US dollars for a million tokens of reasoning; by default as output."),
  input_audio_per_mtok: z.number().min(0).optional().describe("Audio in prompts; by default as input."),
  output_audio_per_mtok: z.number().min(0).optional().describe("Audio in answers; by default as output."),
});

const timeouts = z.strictObject({
  connect_ms: whole(1, DAY_MS)
    .optional()
    .describe("Resolving, connecting and the TLS handshake together; default 5000."),
  first_byte_ms: whole(0, DAY_MS)
    .optional()
    .describe(
      "From the request having been sent to the answer's first byte, 0 for no limit; default 60000 for streams, 300000 for plain calls.",
    ),
  idle_ms: whole(0, DAY_MS)
    .optional()
    .describe("Silence between two reads of an answer, 0 for no limit; default 120000."),
  total_ms: whole(0, DAY_MS)
    .optional()
    .describe("The whole exchange with a provider, 0 (the default) for no limit."),
});

const websocket = z.strictObject({
  max_message_bytes: whole(1024, 1_073_741_824)
    .default(33_554_432)
    .describe("Longest message of a client, after decompression; a longer one closes its socket with 1009."),
  max_sockets: whole(1, 1_000_000)
    .default(10_000)
    .describe("Open sockets of one gateway process; more are refused with 503."),
  max_calls: whole(1, 10_000).default(64).describe("Calls at once on one socket."),
  idle_ms: whole(1_000, 960_000)
    .default(120_000)
    .describe(
      "Silence after which a socket is closed; pings are sent before, so only of a client that is gone.",
    ),
  compression: z
    .boolean()
    .default(false)
    .describe("Whether messages are compressed (permessage-deflate) for clients that offer it."),
  resume_ms: whole(0, DAY_MS)
    .default(60_000)
    .describe("How long the calls of a broken socket go on for a client that comes back; 0: nobody can."),
  resume_bytes: whole(1024, 67_108_864)
    .default(262_144)
    .describe("How much is kept for each socket that can be resumed, of what was sent and of what waits."),
});

const realtime = z.strictObject({
  max_buffered_bytes: whole(65_536, 1_073_741_824)
    .default(16_777_216)
    .describe(
      "How much of what a client says may wait for its provider; over it the session ends with 1013.",
    ),
  idle_s: whole(1, 86_400)
    .default(900)
    .describe("Silence of both sides after which a session is closed; seconds."),
  session_minutes: whole(1, 1_440)
    .default(60)
    .describe("How long a session may last; minutes. stream_deadline_ms of a model may shorten it."),
});

const listen = z.strictObject({
  host: text(255)
    .default("127.0.0.1")
    .describe("Address to listen on. Another one than loopback needs client keys (keys)."),
  port: whole(0, 65_535).default(8080).describe("TCP port; 0 takes a free one."),
  workers: z
    .union([z.literal("auto"), whole(1, WORKERS_MAX)])
    .default("auto")
    .describe("Gateway processes; auto is one less than the cores, and at least one."),
  tls: listen_tls
    .optional()
    .describe("Speak TLS (https, wss) with these certificates; files that change are read again."),
  max_body_bytes: whole(1024, 4_294_967_296)
    .default(33_554_432)
    .describe("Larger request bodies are refused with 413."),
  body_idle_ms: whole(100, DAY_MS)
    .default(10_000)
    .describe(
      "Silence in the middle of a request's body after which it is given up; one of up to 1 MiB may take a second longer for each 16 KB.",
    ),
  drain_ms: whole(0, DAY_MS)
    .default(30_000)
    .describe("How long calls in flight may take to finish when the gateway stops."),
  max_calls: whole(1, 1_000_000)
    .default(20_000)
    .describe("Calls in flight of one gateway process; more are answered with 503."),
  default_provider: z
    .string()
    .optional()
    .describe("Provider of the routes that name no model; by default the first one of kind openai."),
  cors: z
    .strictObject({
      origins: z
        .array(text(255))
        .max(1000)
        .describe(
          'Origins that browsers may call from, such as "https://app.example.com"; "*" for every one.',
        ),
    })
    .optional()
    .describe("Cross-origin requests of browsers; none are allowed by default."),
  compat: z
    .array(z.enum(COMPAT_NAMES))
    .max(COMPAT_NAMES.length)
    .default([])
    .describe(
      "Gateways whose request headers are understood where they have an equal here (x-litellm-*, x-portkey-*, helicone-*); none by default.",
    ),
  websocket: websocket
    .prefault({})
    .describe("WebSockets. Message length, idle time and compression are those of the gateway's start."),
  realtime: realtime.prefault({}).describe("Realtime sessions."),
});

const aws = z.strictObject({
  region: region
    .optional()
    .describe("Region of its endpoint, such as eu-central-1; by default AWS_REGION or AWS_DEFAULT_REGION."),
  access_key_id: text(128).optional().describe("Access key; by default AWS_ACCESS_KEY_ID."),
  secret_access_key: text(256).optional().describe("Its secret; by default AWS_SECRET_ACCESS_KEY."),
  session_token: text(8192)
    .optional()
    .describe("Token of temporary credentials; by default AWS_SESSION_TOKEN."),
});

const google = z.strictObject({
  project: z
    .string()
    .regex(PROJECT, PROJECT_FAULT)
    .optional()
    .describe("The project's id; by default GOOGLE_CLOUD_PROJECT, or the one that the credentials name."),
  location: region
    .optional()
    .describe("Location of its endpoint, such as europe-west4 or global; by default GOOGLE_CLOUD_LOCATION."),
  credentials: z
    .union([text(65_536), z.record(z.string(), z.unknown())])
    .optional()
    .describe(
      "File of a service account's key or of a login (relative to the configuration file), its JSON, or metadata for the account of the machine; by default GOOGLE_APPLICATION_CREDENTIALS.",
    ),
});

const provider = z.strictObject({
  kind: z
    .enum(KINDS)
    .describe(
      "What it speaks: openai for any compatible server, or the name of a known provider, such as groq.",
    ),
  base_url: text(2048)
    .optional()
    .describe(
      "Where its API begins; of kind openai it ends with the version, such as https://llm.example.com/v1.",
    ),
  api_keys: z
    .array(text(8192))
    .min(1, "must have at least one key")
    .max(1000)
    .optional()
    .describe(
      "Its keys, used in turn. A single none sends no authorization. By default the provider's own variable.",
    ),
  auth: z
    .strictObject({
      header: text(256).describe("Name of the header field."),
      value: text(8192).describe("Its whole value."),
    })
    .optional()
    .describe("A header field that authorizes, in place of api_keys."),
  aws: aws.optional().describe("Bedrock: the region, and what its requests are signed with."),
  google: google.optional().describe("Vertex: the project, and whose tokens its requests carry."),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe("Header fields added to every request to this provider."),
  tls: z
    .strictObject({
      ca: text(4096)
        .optional()
        .describe("File of the certificate authorities to trust (PEM); relative to the configuration file."),
      server_name: text(253).optional().describe("Name to ask for and to verify instead of the URL's host."),
    })
    .optional()
    .describe("How its certificate is verified."),
  proxy: text(2048)
    .optional()
    .describe(
      "HTTP proxy, such as http://proxy.internal:3128; by default HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold.",
    ),
  client: z
    .enum(["auto", "http1", "fetch"])
    .default("auto")
    .describe(
      "What connects: http1 is the gateway's own client, fetch the one that speaks to proxies; auto chooses.",
    ),
  timeouts: timeouts.optional().describe("Limits in time of the exchanges with this provider."),
  limits: limits
    .optional()
    .describe("What each of its keys may be asked for, so that we stay under the provider's own limits."),
  breaker: breaker.optional().describe("When its models are passed over because they fail; off never does."),
  probe: probe
    .optional()
    .describe("Ask it every few seconds whether it is there; by default only calls show how it does."),
  queue: queue.optional(),
  on_disconnect: on_disconnect.optional(),
  drain: drain.optional(),
  api_version: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be a version such as 2024-10-21")
    .optional()
    .describe("Azure's api-version; default 2024-10-21 for deployment URLs, none for /openai/v1."),
  deployments: z
    .boolean()
    .optional()
    .describe("Azure: true (the default) addresses deployments in the URL, false uses /openai/v1."),
  region: region.optional().describe("Where it keeps and computes its data, such as eu or eu-west-1."),
  responses: z
    .boolean()
    .optional()
    .describe(
      "Whether it has the endpoint /responses; by default OpenAI and Azure do. Without it such calls are translated.",
    ),
  stream_usage: z
    .boolean()
    .optional()
    .describe(
      "Whether it understands stream_options.include_usage; by default what is known of the provider.",
    ),
});

const target = z.union([
  text(512).describe("A provider's model as provider/model."),
  z.strictObject({
    provider: z.string().describe("Name of a provider."),
    model: text(256).describe("The model's name as its provider calls it."),
    weight: z
      .number()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe(
        "Share of the calls under the strategies weighted and prefix, and size under least-busy; 0 only stands in for others; default 1.",
      ),
    timeouts: timeouts.optional().describe("Limits in time that differ from the provider's."),
    capabilities: capabilities
      .optional()
      .describe("What it can do, in place of what is known of it and of what the model says."),
  }),
]);

const scope = z
  .enum(["tenant", "key", "user"])
  .describe(
    "Who shares answers: all keys of a tenant, the calls of one key, or those of one user of a tenant.",
  );

const exactCache = z.strictObject({
  ttl_s: whole(1, YEAR_S).default(3_600).describe("How long an answer is fresh; seconds."),
  stale_s: whole(0, YEAR_S)
    .default(0)
    .describe("How much longer it is given at once while it is asked for anew; seconds."),
  scope: scope.default("tenant"),
  max_choices: whole(1, 128).default(1).describe("Requests for more answers (n) are not cached."),
  max_temperature: z
    .number()
    .min(0)
    .max(2)
    .default(2)
    .describe("Requests of a higher temperature are not cached; one without is taken as it comes."),
  by_user: z.boolean().default(false).describe("Whether the request's user makes another request of it."),
  on_error: z
    .enum(["share", "retry"])
    .default("share")
    .describe(
      "Of equal calls that wait for one: share gives all of them its error, retry lets each try for itself.",
    ),
});

const semanticCache = z.strictObject({
  threshold: z.number().min(0).max(1).default(0.95).describe("Similarity that an answer needs at least."),
  max_error: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      "Share of wrong answers to stay below, learned by comparing; without it the threshold decides.",
    ),
  ttl_s: whole(1, YEAR_S).default(3_600).describe("How long an answer may serve similar requests; seconds."),
  embedder: embedder
    .default("builtin")
    .describe("What measures similarity: builtin, transformers:MODEL or provider:NAME/MODEL."),
  scope: scope.default("tenant"),
  multi_turn: z.boolean().default(false).describe("Whether chats of several turns may be answered."),
  tools: z.boolean().default(false).describe("Whether chats with tools may be answered."),
  images: z.boolean().default(false).describe("Whether chats with images or files may be answered."),
});

const modelCache = z.union([
  z.literal("off"),
  z.strictObject({
    exact: exactCache.optional().describe("The same request again."),
    semantic: semanticCache.optional().describe("A request that means the same."),
    prompt: z
      .enum(["off", "auto"])
      .default("off")
      .describe(
        "auto sends calls that begin alike to the same target and key, and marks the end of what is the same where a provider wants it marked.",
      ),
  }),
]);

const entity = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,39}$/, "must be of capitals, digits and _, such as EMAIL, and have at most 40");

const privacyMode = z
  .enum(["off", "audit", "redact", "mask", "block"])
  .describe(
    "What is done about personal data: audit counts it, redact puts placeholders in its place and restores them in the answer, mask does not restore, block refuses the call.",
  );

const modelPrivacy = z.strictObject({
  mode: privacyMode.default("redact"),
  entities: z
    .array(entity)
    .min(1, "must name at least one kind")
    .max(200)
    .optional()
    .describe(
      "Kinds of personal data, such as EMAIL or PERSON; by default all that are recognised without a model, which names are not.",
    ),
  thresholds: z
    .record(entity, z.number().min(0).max(1))
    .default({})
    .describe("How sure a finding must be to count, by kind; 0.5 by default, 0.2 for names."),
  on_failure: z
    .enum(["block", "recognisers-only", "pass"])
    .default("block")
    .describe(
      "What becomes of a call when names cannot be looked for in time: it is refused, goes on without that search, or goes on as it came.",
    ),
  audio: z
    .enum(["block", "pass"])
    .default("block")
    .describe("Whether audio of a realtime session, which cannot be searched, is refused or goes out."),
});

const privacy = z.strictObject({
  key: z
    .string()
    .regex(/^([0-9A-Fa-f]{64}|[0-9A-Za-z+/_-]{43}=?)$/, "must be 32 bytes in hexadecimal or base64")
    .optional()
    .describe(
      "What values are sealed and users hashed with; by default one that is made in the data folder.",
    ),
  names: z
    .string()
    .regex(/^(builtin|transformers:[!-~]{1,512})$/, "is builtin or transformers:MODEL")
    .default("builtin")
    .describe(
      "What finds PERSON, LOCATION and ORGANIZATION: builtin, or a token-classification model (transformers:MODEL, a folder or its name on the hub).",
    ),
  names_budget_ms: whole(1, 60_000)
    .default(500)
    .describe("How long a call waits for the names in its texts to be found."),
  session_ttl_s: whole(60, YEAR_S)
    .default(86_400)
    .describe("How long the sealed values of a conversation (x-venturi-session) are kept; seconds."),
  note: z
    .boolean()
    .default(true)
    .describe("Whether a model that gets placeholders is told to repeat them as they are."),
  custom: z
    .array(
      z.strictObject({
        name: entity.describe("The kind, as placeholders and counts call it."),
        pattern: text(1_000).describe("What it looks like (RE2)."),
        checksum: z
          .enum(CHECKSUM_NAMES)
          .optional()
          .describe("A checksum that the letters and digits of a value must pass."),
        context: z
          .array(text(64))
          .max(200)
          .optional()
          .describe("Words of which one must stand near for a value to count fully."),
        score: z.number().min(0).max(1).optional().describe("How sure a finding is; 0.8 by default."),
        examples: z.array(text(10_000)).max(100).optional().describe("Texts in which it must be found."),
        counterexamples: z
          .array(text(10_000))
          .max(100)
          .optional()
          .describe("Texts in which it must not be found."),
      }),
    )
    .max(100)
    .default([])
    .describe("Kinds of personal data of your own."),
});

const model = z.strictObject({
  strategy: z
    .enum(["priority", "weighted", "least-latency", "least-cost", "least-busy", "prefix"])
    .default("priority")
    .describe(
      "priority tries the targets in order; weighted draws the first by weight; least-latency asks the one whose first byte comes soonest, least-cost the cheapest for the request, least-busy the one with the fewest calls under way; prefix asks where a prompt's beginning was seen before.",
    ),
  max_latency_ms: whole(1, DAY_MS)
    .optional()
    .describe("Under least-cost: targets whose first byte takes longer come behind the others."),
  targets: z
    .array(target)
    .min(1, "must have at least one target")
    .max(100)
    .describe("The providers' models that may answer."),
  fallbacks: z
    .array(text(512))
    .max(100)
    .optional()
    .describe("Other models, or provider/model, tried in order after the targets."),
  retries: z
    .strictObject({
      attempts: whole(0, 100).default(2).describe("Tries after the first on one target."),
      backoff_ms: whole(0, 60_000).default(200).describe("Base of the exponential backoff."),
    })
    .prefault({})
    .describe("How often and how patiently one target is tried again."),
  hedge: hedge
    .optional()
    .describe("Ask a second target where the first takes long, and give the answer that comes first."),
  cascade: cascade
    .optional()
    .describe("Ask a better model where an answer is not good enough, and give that one's."),
  shadow: shadow
    .optional()
    .describe(
      "Send a share of the calls to a candidate as well, whose answers are compared and thrown away.",
    ),
  deadline_ms: whole(1, DAY_MS)
    .default(600_000)
    .describe("Bounds a plain call, and a streamed one to its first content, over all attempts."),
  stream_deadline_ms: whole(0, DAY_MS)
    .default(0)
    .describe("Bounds a whole stream; 0 (the default) is no limit."),
  limits: limits.optional().describe("What all callers together may ask of this model."),
  breaker: breaker
    .optional()
    .describe("When its targets are passed over because they fail; by default as their providers say."),
  price: price.optional().describe("What its tokens cost, in place of the price table."),
  on_unsupported: z
    .enum(["error", "drop"])
    .optional()
    .describe(
      "What is done about a parameter that a target cannot take: error refuses the call, drop leaves it out and says so in x-venturi-dropped. By default what changes the answer is refused, and hints are dropped.",
    ),
  capabilities: capabilities
    .optional()
    .describe(
      "What its targets can do, in place of what is known: those that cannot serve a request are not tried.",
    ),
  region: region
    .optional()
    .describe("Where its requests may go: targets and fallbacks of other regions, or of none, are left out."),
  privacy: modelPrivacy
    .optional()
    .describe("What is done about personal data in requests; nothing by default."),
  guards: guards.optional().describe("What looks at requests and answers for what must not be in them."),
  cache: modelCache.default("off").describe("Which answers are kept and given again; off by default."),
});

const clientKey = z.strictObject({
  name: text(128).describe("What logs and metrics call this key."),
  key: z
    .string()
    .regex(/^[!-~]{1,512}$/, "must have 1 to 512 visible ASCII characters and no spaces")
    .describe("The secret; best written as a reference to an environment variable."),
  tenant: tenantName.default("default").describe("Tenant that the key belongs to."),
  team: text(128).optional().describe("Team within the tenant."),
  models: z
    .array(text(512))
    .min(1, "must have at least one pattern")
    .max(1000)
    .default(["*"])
    .describe("Models that it may call; * matches any run of characters."),
  tier: text(128).optional().describe("Name of its tier (tiers)."),
  limits: limits.optional().describe("What this key may use."),
  per_user: limits
    .optional()
    .describe("What each user of this key may use, by x-venturi-user or the request's user."),
  region: region.optional().describe("Where the requests of this key may go, whatever model is called."),
  privacy: privacyMode
    .optional()
    .describe("What is done about personal data at least, whatever model is called with this key."),
  guards: guards.optional().describe("What looks at the calls of this key besides the guards of the models."),
});

const webhook = z
  .string()
  .regex(/^https?:\/\/\S+$/, "must be an http or https URL")
  .describe("Where events are posted as JSON.");

const ledger = orLedgerStore({
  retention_days: whole(1, 36_500).default(400).describe("How long rows of calls are kept."),
  max_mb: whole(1, 10_000_000)
    .default(20_000)
    .describe("Size of the ledger over which the oldest rows of calls go; sums stay."),
  billing: z
    .strictObject({
      file: text(4096)
        .optional()
        .describe("File that every row is appended to, a JSON object a line; relative to the data folder."),
      rotate_mb: whole(1, 100_000).default(100).describe("Size over which the file is rotated."),
      keep_files: whole(1, 10_000).default(30).describe("Rotated files that are kept."),
      webhook: webhook.optional(),
      batch: whole(1, 10_000).default(500).describe("Rows in one post at most."),
    })
    .optional()
    .describe("Every row as an event, for those who bill from it; at least once, with the call's id."),
});

const media = z.strictObject({
  max_mb: whole(1, 1_000).default(20).describe("Larger ones are refused."),
  max_count: whole(0, 1_000)
    .default(20)
    .describe("The most that are fetched for one request; 0 fetches none."),
  timeout_ms: whole(100, DAY_MS).default(10_000).describe("How long one may take."),
  trusted_hosts: z
    .array(text(253))
    .max(1_000)
    .default([])
    .describe("Hosts that may have a private address; others are fetched from public addresses alone."),
});

const responses = z.strictObject({
  ttl_days: whole(0, 3_650)
    .default(30)
    .describe("How long answers are kept that conversations may go on from; 0 keeps none."),
  max_mb: whole(1, 10_000_000)
    .default(1_024)
    .describe("The most that they may take on the disk; those kept first go first."),
});

const alerts = z.strictObject({
  webhook,
  at: z
    .array(z.number().positive().max(10))
    .min(1, "must name at least one share")
    .max(20)
    .default([0.5, 0.8, 1])
    .describe("Shares of a budget at which an alert is sent, once each in a day or month."),
});

const cache = z.strictObject({
  max_mb: whole(16, 1_000_000).default(1_024).describe("Size that the kept answers may take on the disk."),
  max_entry_kb: whole(1, 65_536).default(1_024).describe("Larger answers are not kept."),
  volatile: z
    .array(text(1_000))
    .max(100)
    .default([])
    .describe(
      "Patterns (RE2) of what differs from call to call without a meaning, such as times: left out of keys, never of what is sent.",
    ),
  semantic: z
    .strictObject({
      budget_ms: whole(1, 10_000).default(15).describe("How long a call waits for a similar answer."),
      max_entries: whole(100, 10_000_000).default(200_000).describe("Requests that are compared with."),
      threads: whole(1, 64).default(1).describe("Threads that run models other than the built-in one."),
    })
    .prefault({})
    .describe("The search for similar requests."),
});

const adminToken = z
  .string()
  .regex(/^[!-~]{16,512}$/, "must have 16 to 512 visible ASCII characters and no spaces");

/** The whole file. */
export const config_schema = z.strictObject({
  listen: listen.prefault({}).describe("The public listener."),
  data: text(4096)
    .default("./data")
    .describe("Folder of the gateway's own data; relative to the working directory."),
  providers: z.record(providerName, provider).default({}).describe("Where models are served, by name."),
  models: z
    .record(alias, model)
    .default({})
    .describe(
      "Names that clients may ask for, besides provider/model. A name with a * stands for many: what the star stands for takes the place of the star in the targets' models.",
    ),
  routes: z
    .array(route)
    .max(1_000)
    .default([])
    .describe(
      "Which model a request goes to: the first rule whose conditions all hold decides, before models.",
    ),
  keys: orKeyStore(z.array(clientKey).max(100_000))
    .default([])
    .describe(
      "Client keys; with none, every local client is served. The URL of a Postgres database, or {store, list}: keys made by command are shared in it.",
    ),
  tenants: z
    .record(tenantName, z.strictObject({ limits: limits.optional().describe("What the tenant may use.") }))
    .default({})
    .describe("Limits over all keys of a tenant, by its name."),
  teams: z
    .record(text(257), z.strictObject({ limits: limits.optional().describe("What the team may use.") }))
    .default({})
    .describe("Limits over all keys of a team, by tenant/team."),
  tiers: z
    .record(
      text(128),
      z.strictObject({
        weight: z.number().positive().max(1000).default(1).describe("Share of a saturated upstream."),
        limits: limits.optional().describe("What each key of the tier may use, where the key says nothing."),
      }),
    )
    .default({})
    .describe("Kinds of keys, by name."),
  admin: z
    .strictObject({
      token: adminToken.describe("Secret of the admin API; best a reference to an environment variable."),
      content_token: adminToken
        .optional()
        .describe(
          "Another secret of the admin API, whose bearer may read kept prompts and answers too; without it nobody may on the public port.",
        ),
    })
    .optional()
    .describe("The admin API on the public port; without it, it is reached by its socket alone."),
  media: media
    .prefault({})
    .describe("How media are fetched that a client names by a URL, for providers that take bytes alone."),
  responses: responses
    .prefault({})
    .describe("What is kept of answers to /v1/responses, encrypted, unless a request says `store: false`."),
  ledger: ledger.prefault({}).describe("The record of every call."),
  vectors: postgres_url
    .optional()
    .describe(
      "The Postgres database (with pgvector) that the semantic cache is shared in; its answers are those that hosts share by state.",
    ),
  alerts: alerts.optional().describe("Alerts when budgets are being used up."),
  log: log.prefault({}).describe("What is told of events, and of calls in lines of JSON."),
  telemetry: telemetry.prefault({}).describe("What is told of calls beyond their rows in the ledger."),
  privacy: privacy
    .prefault({})
    .describe("How personal data is recognised; models and keys say what is done about it."),
  cache: cache.prefault({}).describe("The caches of answers; models say which of their answers are kept."),
  state: state
    .optional()
    .describe(
      "Valkey or Redis where several hosts share limits, budgets and kept answers, such as valkey://host:6379.",
    ),
  on_state_loss: on_state_loss.describe(
    "What becomes of calls while the shared state cannot be reached: local (each host goes on by its part of the limits) or reject.",
  ),
  state_budget_ms: state_budget_ms.describe("How long a call waits for the shared state at most."),
});

/** The settings of a ledger of which only its store is given. */
export function ledgerOf(store: string): LedgerConfig {
  return ledger.parse({ store }) as LedgerConfig;
}

/** An entry of `keys`; stored keys have the same settings, but for guards. */
export const client_key_schema = clientKey;

/** A configuration as it is written, without its defaults. */
export type ConfigInput = Omit<z.input<typeof config_schema>, "keys"> & {
  keys?: z.input<typeof clientKey>[] | undefined;
};
/** A configuration as it was written, with its defaults filled in. */
export type WrittenConfig = z.output<typeof config_schema>;
/** Settings of the ledger. */
export type LedgerConfig = Exclude<WrittenConfig["ledger"], string>;
/** The same in one form, whatever way it was written. */
export type Config = Omit<WrittenConfig, "ledger" | "keys"> &
  Settled<LedgerConfig, z.output<typeof clientKey>>;
/** A provider of a configuration. */
export type ProviderConfig = Config["providers"][string];
/** A model alias of a configuration. */
export type ModelConfig = Config["models"][string];
/** What a model keeps of its answers, as configured. */
export type ModelCacheConfig = ModelConfig["cache"];
/** What a model says about personal data, as configured. */
export type ModelPrivacyConfig = z.output<typeof modelPrivacy>;
/** Limits as configured: what is left out is unlimited. */
export type LimitsConfig = z.output<typeof limits>;
/** A price as configured, in dollars for a million tokens. */
export type PriceConfig = z.output<typeof price>;
/** Timeouts as configured: what is left out is inherited. */
export type TimeoutsConfig = z.output<typeof timeouts>;

/**
 * A configuration that needs nothing outside itself: references replaced, `tls.ca` holding the certificates
 * themselves, as `listen.tls` does, proxies and keys of the environment filled in, `workers` a number. It survives JSON, and `compilePlan`
 * cannot fail on it.
 */
export type ResolvedConfig = Omit<Config, "listen"> & {
  listen: Omit<Config["listen"], "workers" | "tls"> & { workers: number; tls?: TlsPlan };
};
