// From a client's request to one that can be sent: read as much of it as its kind needs, find the model, check the key.
// Each kind of endpoint has its function here; what they give is the same for all.

import { matchesPattern, mayCall } from "../access/client_keys.ts";
import { makeModel, makeTarget, nearestModel, resolveModel } from "../config/models.ts";
import type { HeaderFields, ModelPlan, ProviderPlan, TargetPlan } from "../config/plan.ts";
import type { ApiName } from "../config/providers.ts";
import { type Host, hostedBetas, hostedBody } from "../dialects/anthropic/hosted.ts";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { carriesForeign } from "../dialects/foreign.ts";
import { Losses } from "../dialects/neutral/losses.ts";
import {
  estimateInput,
  type OpenAIRequest,
  readMaxTokens,
  readPrefix,
  readRequest,
  readUser,
  writeRequest,
} from "../dialects/openai/request.ts";
import { OTHER_WORDS } from "../dialects/other_words.ts";
import type { StreamWatch } from "../dialects/stream_watch.ts";
import type { ChunkTranslation, TranslatedAnswer } from "../dialects/translate.ts";
import { GatewayError } from "../errors.ts";
import type { Affinity } from "../routing/affinity.ts";
import { withinRegions } from "../routing/region.ts";
import { apiPlace, embedPath } from "../upstream/addressing.ts";
import { isCoded } from "../wire/content_coding.ts";
import type { Alarms } from "./alarms.ts";
import type { Outgoing, Sending } from "./attempt.ts";
import { readBody } from "./body.ts";
import type { Call } from "./call.ts";
import type { PreparedCount } from "./counting.ts";
import {
  type CountEndpoint,
  type Endpoint,
  type JsonEndpoint,
  type JsonPath,
  type PassedEndpoint,
  type ResponseEndpoint,
  withoutVersion,
} from "./endpoints.ts";
import type { QuietClock } from "./flow.ts";
import type { Receiver } from "./receiver.ts";
import { type ForeignStream, StreamReceiver } from "./stream_receiver.ts";
import { type Patience, peekUpload, streamedBody } from "./upload.ts";
import { UsageTap } from "./usage_tap.ts";
import { WholeReceiver } from "./whole_receiver.ts";

/** A JSON answer up to this size is collected before the client sees it; bytes. */
const COLLECT_MAX_BYTES = 8 * 1024 * 1024;

/** Alarms of two paces: deadlines to the tick, quiet streams to the second. */
export interface Clocks {
  readonly deadlines: Alarms;
  readonly quiet: QuietClock;
}

/** A call that can be attempted. */
export interface Prepared extends Outgoing {
  readonly model: ModelPlan;
  /** Watches the stream of the try under way; null where the answer is no stream of chunks. */
  readonly watch: StreamWatch | null;
  /** Translates the stream of the try under way; null where it needs no translation. */
  readonly translation: ChunkTranslation | null;
  /** Who asks, by the request's own word. */
  readonly user: string | null;
  /** Whether what is asked for is counted in tokens. */
  readonly has_tokens: boolean;
  /** The most tokens that all choices of the answer may have; null where the request does not say. */
  readonly max_output_tokens: number | null;
  /** How many answers are asked for. */
  readonly choices: number;
  /** The request's body, where it is read. */
  readonly read_body: Uint8Array | null;
  /** The path of an endpoint whose requests are read; null for others. */
  readonly endpoint: JsonPath | null;
  /** Whether the client asked for usage in its stream. */
  readonly asks_usage: boolean;
  /** The same with another body, of which personal data was taken out. */
  withBody(body: Uint8Array): Prepared | GatewayError;
  /** The same for another call, which must have come from the same client. */
  again(call: Call): Prepared;
  /** What counts the request's tokens, where that is all that is asked for; null where an answer is. */
  readonly counting: PreparedCount | null;
  /** About how many tokens the prompt has. It takes time: a fraction of a millisecond for half a megabyte. */
  estimateInput(): number;
}

/** Reads, routes and checks a call by its endpoint's kind. */
export function prepare(call: Call, endpoint: Endpoint, clocks: Clocks): Promise<Prepared | GatewayError> {
  switch (endpoint.kind) {
    case "json":
      return prepareJson(call, endpoint, clocks);
    case "count":
      return prepareCount(call, endpoint, clocks);
    case "media":
      return prepareMedia(call, endpoint, clocks);
    case "response":
      return prepareUnknownResponse(call, endpoint, clocks);
    case "resource":
    case "provider":
      return preparePassThrough(call, endpoint, clocks);
  }
}

/** A request for a model: sent on as its bytes with the model's name replaced, or translated where the provider speaks another format. */
class PreparedJson implements Prepared {
  readonly method = "POST";
  readonly replayable = true;
  readonly pass = false;
  readonly has_tokens = true;
  readonly counting = null;
  readonly model: ModelPlan;
  watch: StreamWatch | null = null;
  translation: ChunkTranslation | null = null;
  readonly #call: Call;
  readonly #endpoint: JsonEndpoint;
  readonly #request: OpenAIRequest;
  readonly #quiet: QuietClock;

  constructor(
    call: Call,
    endpoint: JsonEndpoint,
    request: OpenAIRequest,
    model: ModelPlan,
    quiet: QuietClock,
  ) {
    this.#call = call;
    this.#endpoint = endpoint;
    this.#request = request;
    this.#quiet = quiet;
    this.model = model;
  }

  get is_stream(): boolean {
    return this.#request.stream;
  }

  get endpoint(): JsonPath {
    return this.#endpoint.path;
  }

  withBody(body: Uint8Array): Prepared | GatewayError {
    const request = readRequest(body, this.#endpoint.shape, this.#endpoint.place);
    if (request instanceof GatewayError) return request;
    return new PreparedJson(this.#call, this.#endpoint, request, this.model, this.#quiet);
  }

  get asks_usage(): boolean {
    return this.#request.asks_usage;
  }

  again(call: Call): Prepared {
    return new PreparedJson(call, this.#endpoint, this.#request, this.model, this.#quiet);
  }

  get user(): string | null {
    return readUser(this.#request);
  }

  get choices(): number {
    return this.#request.choices;
  }

  get read_body(): Uint8Array {
    return this.#request.bytes;
  }

  get max_output_tokens(): number | null {
    return readMaxTokens(this.#request);
  }

  estimateInput(): number {
    return estimateInput(this.#request);
  }

  affinity(): Affinity {
    return this.#call.request.headers.get("x-venturi-session") ?? readPrefix(this.#request);
  }

  write(target: TargetPlan): Sending | GatewayError | Promise<Sending | GatewayError> {
    const { format } = this.#endpoint;
    const { speaks, provider } = target;
    const { name, kind, known_as: provider_kind } = provider;
    this.#call.dropped = NOTHING_DROPPED;
    if (speaks.includes(format.name)) {
      if (format.name === "embeddings" && isHost(kind)) return this.#embedded(target);
      const served = { provider_kind, model: target.model };
      // What is written anew for Bedrock is written in Converse.
      const api = kind === "bedrock" ? "bedrock" : format.name;
      if (carriesForeign(format.name, this.#request.bytes, served)) return this.#translated(target, api);
      return format.name === "messages" && isHost(kind) ? this.#hosted(target, kind) : this.#asItCame(target);
    }
    const api = otherWords(format.name, speaks);
    if (api !== undefined) return this.#translated(target, api);
    return new GatewayError(
      "invalid_value",
      `Provider ${name}, where '${this.model.name}' is served, has no ${this.#endpoint.path}.`,
      { param: "model" },
    );
  }

  /** For a provider that speaks what the client speaks. */
  #asItCame(target: TargetPlan): Sending {
    const { model, model_json, provider } = target;
    const { format } = this.#endpoint;
    const { stream } = this.#request;
    const is_marked =
      this.model.has_prompt_cache && provider.cache_breakpoints.some((prefix) => model.startsWith(prefix));
    // Formats other than these two always tell usage.
    const may_ask = format.name === "chat" || format.name === "completions";
    const asks_usage = may_ask && provider.stream_usage;
    const { path, is_compatible, headers } = apiPlace(provider.kind, format.name, model, stream);
    return {
      path,
      is_compatible,
      extra_headers: [...traceHeaders(this.#call), ...formatHeaders(headers, this.#call.request.headers)],
      body: writeRequest(this.#asked(target), model_json, asks_usage, is_marked),
      receiver: () => this.#receiver(target, null, null),
    };
  }

  /** The request, without what is the gateway's to do. */
  #asked(target: TargetPlan): OpenAIRequest {
    const { bytes } = this.#request;
    const asked = this.#call.turn?.requestFor(bytes, target) ?? bytes;
    if (asked === bytes) return this.#request;
    const request = readRequest(asked, this.#endpoint.shape, this.#endpoint.place);
    return request instanceof GatewayError ? this.#request : request;
  }

  /** Messages for a cloud that serves Claude: the same, but for where model, version and betas are said. */
  async #hosted(target: TargetPlan, host: Host): Promise<Sending | GatewayError> {
    const { bytes, stream } = this.#request;
    const losses = new Losses(this.model.on_unsupported, `${target.provider.name}/${target.model}`);
    const betas = hostedBetas(this.#call.request.headers.get("anthropic-beta"), host, losses);
    const body = hostedBody(bytes, host, host === "bedrock" ? betas : [], losses);
    if (losses.error !== null) return losses.error;
    this.#call.dropped = losses.dropped;
    const is_packed = host === "bedrock" && stream;
    const unpacked = is_packed ? await import("../dialects/bedrock/messages_stream.ts") : null;
    const { path, is_compatible } = apiPlace(host, "messages", target.model, stream);
    const has_field = host === "vertex" && betas.length > 0;
    const fields: HeaderFields = has_field ? [["anthropic-beta", betas.join(",")]] : [];
    return {
      path,
      is_compatible,
      extra_headers: [...traceHeaders(this.#call), ...fields],
      body: [body],
      receiver: () => this.#receiver(target, unpacked?.unpackedMessages ?? null, null),
    };
  }

  /** Embeddings where no endpoint of OpenAI's format is. */
  async #embedded(target: TargetPlan): Promise<Sending | GatewayError> {
    const { translateEmbeddings } = await import("./embedding.ts");
    const { bytes, model } = this.#request;
    const context = { model: model ?? "", estimated_tokens: this.estimateInput() };
    const translated = translateEmbeddings(bytes, target, context);
    if (translated instanceof GatewayError) return translated;
    return {
      path: embedPath(target, translated.action),
      is_compatible: false,
      extra_headers: traceHeaders(this.#call),
      body: null,
      several: translated.bodies,
      receiver: () => this.#receiver(target, null, translated.translateAnswer),
    };
  }

  async #translated(target: TargetPlan, api: ApiName): Promise<Sending | GatewayError> {
    const { translateRequest } = await import("./translation.ts");
    const call = this.#call;
    const { format, place } = this.#endpoint;
    const { bytes, stream, model } = this.#asked(target);
    const translated = await translateRequest(
      { bytes, format: format.name, model: place?.model ?? model ?? "", stream },
      {
        target,
        api,
        on_unsupported: this.model.on_unsupported,
        call_id: call.ledger_id,
        media: call.plan.media,
      },
    );
    if (translated instanceof GatewayError) return translated;
    const { kind, name } = target.provider;
    const losses = new Losses(this.model.on_unsupported, `${name}/${target.model}`);
    const is_hosted = api === "messages" && isHost(kind);
    const body = is_hosted ? hostedBody(translated.body, kind, [], losses) : translated.body;
    if (losses.error !== null) return losses.error;
    call.dropped = [...translated.dropped, ...losses.dropped];
    const { path, is_compatible, headers } = apiPlace(kind, api, target.model, stream);
    return {
      path,
      is_compatible,
      extra_headers: [...traceHeaders(call), ...headers, ...translated.headers],
      body: [body],
      receiver: () => this.#receiver(target, translated.foreignStream, translated.translateAnswer),
    };
  }

  #receiver(
    target: TargetPlan,
    foreignStream: (() => ForeignStream) | null,
    translate: ((body: Uint8Array) => TranslatedAnswer | null) | null,
  ): Receiver {
    const { stream, asks_usage, choices } = this.#request;
    const { name, stream_usage } = target.provider;
    const call = this.#call;
    if (!stream) return new WholeReceiver(call, name, COLLECT_MAX_BYTES, this.#quiet, null, translate);
    this.watch = this.#endpoint.format.watch(!asks_usage, choices);
    const foreign = foreignStream === null ? null : foreignStream();
    this.translation = foreign?.translation ?? null;
    return new StreamReceiver(call, name, this.watch, this.#quiet, stream_usage, foreign);
  }
}

function isHost(kind: string): kind is Host {
  return kind === "bedrock" || kind === "vertex";
}

const NOTHING_DROPPED: readonly string[] = [];

/** What is no chat, and so is not translated into one. */
const NO_CHATS: ReadonlySet<ApiName> = new Set([
  ...(["embeddings", "moderations", "rerank"] as const),
  ...Object.values(OTHER_WORDS).flat(),
]);

/** What a provider is asked in by clients of a format that it does not speak; undefined: there is nothing. */
function otherWords(format: ClientFormatName, speaks: readonly ApiName[]): ApiName | undefined {
  if (!NO_CHATS.has(format)) return speaks.find((api) => !NO_CHATS.has(api));
  const known = OTHER_WORDS[format] ?? [];
  return speaks.find((api) => known.includes(api));
}

/** Fields of a format that its clients may say themselves. */
const FORMAT_FIELDS = ["anthropic-version", "anthropic-beta"];

/** What a request of a format says beside its body: the client's own words, where it has some, before the gateway's. */
export function formatHeaders(own: HeaderFields, given: Headers): HeaderFields {
  if (own.length === 0) return own;
  const fields = new Map<string, string>(own);
  for (const name of FORMAT_FIELDS) {
    const value = given.get(name);
    if (value !== null) fields.set(name, value);
  }
  return [...fields];
}

async function prepareJson(
  call: Call,
  endpoint: JsonEndpoint,
  clocks: Clocks,
): Promise<Prepared | GatewayError> {
  const request = readJson(call, endpoint, await readCallBody(call, clocks));
  if (request instanceof GatewayError) return request;
  const model = modelOfName(call, request.model);
  if (model instanceof GatewayError) return model;
  return new PreparedJson(call, endpoint, request, model, clocks.quiet);
}

async function prepareCount(
  call: Call,
  endpoint: CountEndpoint,
  clocks: Clocks,
): Promise<Prepared | GatewayError> {
  const { countedPart, PreparedCount } = await import("./counting.ts");
  const body = await readCallBody(call, clocks);
  const counted = body instanceof GatewayError ? body : countedPart(body);
  const request = readJson(call, endpoint, counted);
  if (request instanceof GatewayError) return request;
  const model = modelOfName(call, request.model);
  if (model instanceof GatewayError) return model;
  return new PreparedCount(call, endpoint, request, model, clocks.quiet);
}

/** Scans a body that was read. */
function readJson(
  call: Call,
  endpoint: Endpoint,
  body: Uint8Array | GatewayError,
): OpenAIRequest | GatewayError {
  call.body_ms = performance.now();
  if (body instanceof GatewayError) return body;
  const place = endpoint.kind === "json" || endpoint.kind === "count" ? endpoint.place : null;
  const request = readRequest(body, endpoint.shape, place);
  call.scanned_ms = performance.now();
  return request;
}

/** A request whose answer is passed on as it comes: JSON or an upload, routed by its model where it names one. */
async function prepareMedia(
  call: Call,
  endpoint: PassedEndpoint,
  clocks: Clocks,
): Promise<Prepared | GatewayError> {
  const { headers, method } = call.request;
  const content_type = headers.get("content-type") ?? "";
  const is_json = content_type.toLowerCase().startsWith("application/json");
  if (method !== "POST") return preparePassThrough(call, endpoint, clocks);
  if (is_json) {
    const request = readJson(call, endpoint, await readCallBody(call, clocks));
    if (request instanceof GatewayError) return request;
    const model = modelOfName(call, request.model);
    if (model instanceof GatewayError) return model;
    const write = (target: TargetPlan) => writeRequest(request, target.model_json, false);
    return passedOn(call, clocks, model, {
      path: endpoint.path,
      is_compatible: true,
      body: write,
      replayable: true,
      pass: false,
      extra_headers: traceHeaders(call),
    });
  }
  if (call.request.body === null) return preparePassThrough(call, endpoint, clocks);
  const upload = await peekUpload(call.request, uploadPatience(call, clocks));
  if (upload instanceof GatewayError) return upload;
  call.scanned_ms = performance.now();
  const model = modelOfName(call, upload.model);
  if (model instanceof GatewayError) return model;
  const write = (target: TargetPlan) => upload.body(upload.model === null ? null : target.model);
  const extra: HeaderFields = [...traceHeaders(call), ["content-type", content_type]];
  return passedOn(call, clocks, model, {
    path: endpoint.path,
    is_compatible: true,
    body: write,
    replayable: false,
    pass: true,
    extra_headers: extra,
  });
}

/** A request that is passed on both ways as it comes, to the provider that the path or a header names. */
async function preparePassThrough(
  call: Call,
  endpoint: PassedEndpoint,
  clocks: Clocks,
): Promise<Prepared | GatewayError> {
  const named = endpoint.provider === undefined ? defaultModel(call) : directModel(call, endpoint.provider);
  const model = inRegion(call, named);
  if (model instanceof GatewayError) return model;
  const body = streamedBody(call.request, uploadPatience(call, clocks));
  const provider = model.targets[0]!.provider;
  // A base path has its version in it, unless every endpoint has one of its own.
  const keeps_version = endpoint.kind !== "provider" || provider.compatible_path.endsWith("/v1");
  return passedOn(call, clocks, model, {
    path: keeps_version ? endpoint.path : withoutVersion(endpoint.path),
    is_compatible: endpoint.kind === "resource",
    body: () => body,
    replayable: body === null,
    pass: true,
    extra_headers: endToEndHeaders(call.request.headers, provider),
  });
}

/** What is asked of an answer that the gateway does not keep: the provider may, where it speaks Responses. */
async function prepareUnknownResponse(
  call: Call,
  { shape, path, wish }: ResponseEndpoint,
  clocks: Clocks,
): Promise<Prepared | GatewayError> {
  const passed = await preparePassThrough(call, { kind: "resource", shape, path }, clocks);
  const is_named = call.request.headers.has("x-venturi-provider");
  if (passed instanceof GatewayError && is_named) return passed;
  const is_spoken =
    !(passed instanceof GatewayError) && passed.model.targets[0]!.provider.speaks.includes("responses");
  if (is_spoken) return passed;
  const id = wish?.id ?? path.split(/[/?]/)[2] ?? "";
  return new GatewayError("not_found", `Response with id '${id.slice(0, 200)}' not found.`);
}

/** What is sent of a request that is passed on. */
interface PassedOn extends Pick<Outgoing, "replayable" | "pass">, Omit<Sending, "body" | "receiver"> {
  body(target: TargetPlan): Sending["body"];
}

/** A request whose answer is passed on as it comes. */
function passedOn(call: Call, clocks: Clocks, model: ModelPlan, rest: PassedOn): Prepared {
  const { method } = call.request;
  // Only what makes something uses anything: other methods tell of what was used before.
  const receiver = ({ provider }: TargetPlan) =>
    new WholeReceiver(
      call,
      provider.name,
      0,
      clocks.quiet,
      method === "POST" ? new UsageTap(provider.kind) : null,
    );
  const again = (other: Call) => passedOn(other, clocks, model, rest);
  const { path, is_compatible, extra_headers, replayable, pass } = rest;
  const write = (target: TargetPlan): Sending => ({
    ...{ path, is_compatible, extra_headers, body: rest.body(target), receiver: () => receiver(target) },
  });
  const prepared: Prepared = {
    ...NO_TOKENS,
    ...{ replayable, pass, write, model, method, is_stream: false, watch: null, translation: null, again },
    // Its body is nobody's to change.
    withBody: () => prepared,
  };
  return prepared;
}

/** What is passed on unread counts as a request, and by what its answer says of its usage. */
const NO_TOKENS = {
  user: null,
  has_tokens: false,
  max_output_tokens: 0,
  choices: 1,
  read_body: null,
  endpoint: null,
  counting: null,
  asks_usage: false,
  estimateInput: () => 0,
  affinity: () => null,
} as const;

/** How long an upload may pause. */
function uploadPatience(call: Call, clocks: Clocks): Patience {
  return { alarms: clocks.deadlines, idle_ms: call.plan.listen.body_idle_ms };
}

function readCallBody(call: Call, clocks: Clocks): Promise<Uint8Array | GatewayError> {
  if (call.given_body !== null) return Promise.resolve(call.given_body);
  if (isCoded(call.request.headers.get("content-encoding"))) {
    const message = "The request body is compressed: send it without content-encoding.";
    return Promise.resolve(new GatewayError("invalid_value", message, { param: "content-encoding" }));
  }
  const { max_body_bytes, body_idle_ms } = call.plan.listen;
  return readBody(call.request, { max_bytes: max_body_bytes, idle_ms: body_idle_ms }, clocks.deadlines);
}

/** The model that a name stands for, if the caller's key may call it. */
function routeModel(call: Call, name: string): ModelPlan | GatewayError {
  const client = call.client!;
  const given = call.request.headers.get("x-venturi-provider");
  const asked =
    given === null || name.startsWith(`${given}/`) || call.plan.models.has(name) ? name : `${given}/${name}`;
  const model = resolveModel(call.plan, asked);
  if (model === null) {
    const near = nearestModel(call.plan, asked, (candidate) => mayCall(client, candidate));
    const hint =
      near === null
        ? "GET /v1/models lists the models there are"
        : `Did you mean '${near}'? GET /v1/models lists all`;
    return new GatewayError(
      "model_not_found",
      `The model '${name.slice(0, 200)}' does not exist on this gateway. ${hint}.`,
      {
        param: "model",
      },
    );
  }
  if (!mayCall(client, asked)) return notAllowed(asked);
  if (given === null) return model;
  const targets = model.targets.filter((target) => target.provider.name === given);
  if (targets.length > 0) return { ...model, targets, fallbacks: [] };
  return new GatewayError("invalid_value", `The model '${name}' has no target at provider '${given}'.`, {
    param: "x-venturi-provider",
  });
}

function notAllowed(name: string): GatewayError {
  return new GatewayError(
    "model_not_allowed",
    `Your key may not call '${name.slice(0, 200)}'. GET /v1/models lists what it may.`,
    {
      param: "model",
    },
  );
}

/** The model of a name, or what takes its place where a request names none; as much of it as lies where the call may go. */
export function modelOfName(call: Call, name: string | null): ModelPlan | GatewayError {
  return inRegion(call, name === null ? defaultModel(call) : routeModel(call, name));
}

/** A model without what lies where the call must not go: by its own word, its key's and its model's. */
function inRegion(call: Call, model: ModelPlan | GatewayError): ModelPlan | GatewayError {
  if (model instanceof GatewayError) return model;
  const given = call.request.headers.get("x-venturi-region");
  const demanded = [given === null ? null : given.trim().toLowerCase(), call.client!.region, model.region];
  const regions = demanded.filter((one) => one !== null);
  const within = withinRegions(model, regions);
  if (within !== null) return within;
  return new GatewayError(
    "content_blocked",
    `This request may not leave the region ${regions.join(" and ").slice(0, 200)}, and '${model.name.slice(0, 200)}' has no target there.`,
    given === null ? {} : { param: "x-venturi-region" },
  );
}

/** For routes without a model: the provider that the header names, else the default one. */
function defaultModel(call: Call): ModelPlan | GatewayError {
  const given = call.request.headers.get("x-venturi-provider");
  if (given !== null) return directModel(call, given);
  const { default_provider } = call.plan;
  if (default_provider !== null) return directModel(call, default_provider.name);
  return new GatewayError(
    "invalid_value",
    "This request names no model, and there is no default provider: name one in 'x-venturi-provider'.",
    { param: "x-venturi-provider" },
  );
}

/** A provider without any model of its: whoever may call all its models may reach it. */
function directModel(call: Call, name: string): ModelPlan | GatewayError {
  const provider = call.plan.providers.get(name);
  if (provider === undefined) {
    return new GatewayError("invalid_value", `There is no provider '${name}' on this gateway.`, {
      param: "x-venturi-provider",
    });
  }
  const all = `${name}/*`;
  const is_allowed = call.client!.models.some((pattern) => matchesPattern(pattern, all));
  return is_allowed ? modelOf(provider) : notAllowed(all);
}

const direct_models = new WeakMap<ProviderPlan, ModelPlan>();

function modelOf(provider: ProviderPlan): ModelPlan {
  let model = direct_models.get(provider);
  if (model === undefined) {
    // Files may take as long as they keep coming: no deadline but the client's.
    model = makeModel(provider.name, [makeTarget(provider, "")], { deadline_ms: 0 });
    direct_models.set(provider, model);
  }
  return model;
}

/** A version, a trace, a span and flags, in hexadecimal. What a later version adds is for those who know it (W3C Trace Context, 4.2). */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** W3C Trace Context goes on to the provider, where it is that; what a vendor's state may hold only without personal data. */
export function traceHeaders({ request: { headers }, discreet }: Call): HeaderFields {
  const traceparent = headers.get("traceparent");
  if (traceparent === null || !TRACEPARENT.test(traceparent)) return NO_HEADERS;
  const tracestate = headers.get("tracestate");
  const fields: [string, string][] = [["traceparent", traceparent]];
  if (tracestate !== null && discreet(tracestate) === tracestate) fields.push(["tracestate", tracestate]);
  return fields;
}

const NO_HEADERS: HeaderFields = [];

/** What ends at the gateway: the connection's fields (RFC 9110, 7.6.1), credentials, and what speaks to the gateway alone. */
const STOPPED_HEADERS = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["host", "content-length", "expect", "proxy-authorization", "proxy-authenticate", "accept-encoding"],
  ...["authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "user-agent"],
  ...["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"],
  ...[
    "if-none-match",
    "if-modified-since",
    "forwarded",
    "via",
    "x-real-ip",
    "x-request-id",
    "idempotency-key",
    "origin",
    "referer",
  ],
]);
const STOPPED_PREFIXES = ["x-venturi-", "x-stainless-", "x-forwarded-", "sec-", "cf-"];

/** What else a client said goes on, but for what the provider's own fields say: nobody may stand beside its authorization. */
function endToEndHeaders(headers: Headers, provider: ProviderPlan): HeaderFields {
  const own = new Set(provider.keys.flatMap((key) => key.pass_headers.map(([name]) => name)));
  const named = new Set(
    (headers.get("connection") ?? "")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  const fields: [string, string][] = [];
  headers.forEach((value, name) => {
    const is_stopped =
      STOPPED_HEADERS.has(name) ||
      named.has(name) ||
      own.has(name) ||
      STOPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (!is_stopped) fields.push([name, value]);
  });
  return fields;
}
