// A request for a model that was read: sent on as its bytes where the provider speaks the client's format, and translated where it does not.

import type { HeaderFields, ModelPlan, TargetPlan } from "../config/plan.ts";
import type { ApiName } from "../config/providers.ts";
import { type Host, hostedBetas, hostedBody } from "../dialects/anthropic/hosted.ts";
import { carriesForeign } from "../dialects/foreign.ts";
import { Losses } from "../dialects/neutral/losses.ts";
import {
  asPlainRequest,
  estimateInput,
  type OpenAIRequest,
  readMaxTokens,
  readPrefix,
  readRequest,
  readUser,
  writeRequest,
} from "../dialects/openai/request.ts";
import { OTHER_WORDS } from "../dialects/other_words.ts";
import type { TranslatedAnswer } from "../dialects/translate.ts";
import { GatewayError } from "../errors.ts";
import type { Affinity } from "../routing/affinity.ts";
import { apiPlace, embedPath } from "../upstream/addressing.ts";
import { mayBeTooMuch, withinAbilities } from "./abilities.ts";
import type { Sending } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { JsonEndpoint, JsonPath } from "./endpoints.ts";
import type { QuietClock } from "./flow.ts";
import { traceHeaders } from "./passing.ts";
import { otherWords, type Prepared } from "./prepare.ts";
import type { Receiver } from "./receiver.ts";
import { RequestView } from "./request_view.ts";
import { type ForeignStream, StreamReceiver } from "./stream_receiver.ts";
import { WholeReceiver } from "./whole_receiver.ts";

/** A JSON answer up to this size is collected before the client sees it; bytes. */
const COLLECT_MAX_BYTES = 8 * 1024 * 1024;

/** A request for a model: sent on as its bytes with the model's name replaced, or translated where the provider speaks another format. */
export class PreparedJson implements Prepared {
  readonly method = "POST";
  readonly replayable = true;
  readonly pass = false;
  readonly has_tokens = true;
  readonly counting = null;
  readonly model: ModelPlan;
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

  asPlain(): Prepared | GatewayError {
    const { place, shape } = this.#endpoint;
    const endpoint = { ...this.#endpoint, place: place === null ? null : { ...place, stream: false } };
    const request = readRequest(asPlainRequest(this.#request.bytes), shape, endpoint.place);
    if (request instanceof GatewayError) return request;
    return new PreparedJson(this.#call, endpoint, request, this.model, this.#quiet);
  }

  within(model: ModelPlan): ModelPlan | GatewayError {
    const call = this.#call;
    return mayBeTooMuch(call, model)
      ? withinAbilities(model, new RequestView(call, model.name, this.#request))
      : model;
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
    const own_headers = formatHeaders(headers, this.#call.request.headers);
    const trace_headers = traceHeaders(this.#call);
    const extra_headers = own_headers.length === 0 ? trace_headers : [...trace_headers, ...own_headers];
    const body = writeRequest(this.#asked(target), model_json, asks_usage, is_marked);
    return new SendingAsItCame(this, target, path, is_compatible, extra_headers, body);
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
      receiver: () => this.receiverAt(target, unpacked?.unpackedMessages ?? null, null),
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
      receiver: () => this.receiverAt(target, null, translated.translateAnswer),
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
      receiver: () => this.receiverAt(target, translated.foreignStream, translated.translateAnswer),
    };
  }

  /** A new receiving end for a try at a target. */
  receiverAt(
    target: TargetPlan,
    foreignStream: (() => ForeignStream) | null = null,
    translate: ((body: Uint8Array) => TranslatedAnswer | null) | null = null,
  ): Receiver {
    const { stream, asks_usage, choices } = this.#request;
    const { name, stream_usage } = target.provider;
    const call = this.#call;
    if (!stream) return new WholeReceiver(call, name, COLLECT_MAX_BYTES, this.#quiet, null, translate);
    const watch = this.#endpoint.format.watch(!asks_usage, choices);
    return new StreamReceiver(call, target, watch, this.#quiet, stream_usage, foreignStream?.() ?? null);
  }
}

/** The request as it came, for a target that speaks its format. */
class SendingAsItCame implements Sending {
  readonly path: string;
  readonly is_compatible: boolean;
  readonly extra_headers: HeaderFields;
  readonly body: readonly Uint8Array[];
  readonly #prepared: PreparedJson;
  readonly #target: TargetPlan;

  constructor(
    prepared: PreparedJson,
    target: TargetPlan,
    path: string,
    is_compatible: boolean,
    extra_headers: HeaderFields,
    body: readonly Uint8Array[],
  ) {
    this.#prepared = prepared;
    this.#target = target;
    this.path = path;
    this.is_compatible = is_compatible;
    this.extra_headers = extra_headers;
    this.body = body;
  }

  receiver(): Receiver {
    return this.#prepared.receiverAt(this.#target);
  }
}

function isHost(kind: string): kind is Host {
  return kind === "bedrock" || kind === "vertex";
}

const NOTHING_DROPPED: readonly string[] = [];

/** What is no chat, and so is not translated into one. */
export const NO_CHATS: ReadonlySet<ApiName> = new Set([
  ...(["embeddings", "moderations", "rerank"] as const),
  ...Object.values(OTHER_WORDS).flat(),
]);

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
