// From a client's request to one that can be sent: read as much of it as its kind needs, find the model, check the key.
// Each kind of endpoint has its function here; what they give is the same for all.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import type { ApiName } from "../config/providers.ts";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { type OpenAIRequest, readRequest, writeRequest } from "../dialects/openai/request.ts";
import { OTHER_WORDS } from "../dialects/other_words.ts";
import { GatewayError } from "../errors.ts";
import { isCoded } from "../wire/content_coding.ts";
import type { Alarms } from "./alarms.ts";
import type { Outgoing } from "./attempt.ts";
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
import { defaultModel, directModel, inRegion, modelOfRequest } from "./find_model.ts";
import type { QuietClock } from "./flow.ts";
import { endToEndHeaders, passedOn, uploadPatience } from "./passing.ts";
import { NO_CHATS, PreparedJson } from "./prepared_json.ts";
import { peekUpload, streamedBody } from "./upload.ts";

/** Alarms of two paces: deadlines to the tick, quiet streams to the second. */
export interface Clocks {
  readonly deadlines: Alarms;
  readonly quiet: QuietClock;
}

/** A call that can be attempted. */
export interface Prepared extends Outgoing {
  readonly model: ModelPlan;
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
  /** The same for an answer that comes whole, where a stream is asked for. */
  asPlain(): Prepared | GatewayError;
  /** Another model without the targets that cannot serve it, to be asked as well; an error where none can. */
  within(model: ModelPlan): ModelPlan | GatewayError;
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

/** What a provider is asked in by clients of a format that it does not speak; undefined: there is nothing. */
export function otherWords(format: ClientFormatName, speaks: readonly ApiName[]): ApiName | undefined {
  if (!NO_CHATS.has(format)) return speaks.find((api) => !NO_CHATS.has(api));
  const known = OTHER_WORDS[format] ?? [];
  return speaks.find((api) => known.includes(api));
}

async function prepareJson(
  call: Call,
  endpoint: JsonEndpoint,
  clocks: Clocks,
): Promise<Prepared | GatewayError> {
  const body = await readCallBody(call, clocks);
  const foreign = call.plan.listen.compat.includes("litellm") && !(body instanceof GatewayError);
  const own = foreign ? (await import("./compat_body.ts")).withoutLitellmFields(call, body) : body;
  const request = readJson(call, endpoint, own);
  if (request instanceof GatewayError) return request;
  const model = modelOfRequest(call, request.model, request);
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
  const model = modelOfRequest(call, request.model, request);
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
  call.tookBody(body);
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
    const model = modelOfRequest(call, request.model, request);
    if (model instanceof GatewayError) return model;
    const write = (target: TargetPlan) => writeRequest(request, target.model_json, false);
    return passedOn(call, clocks, model, {
      path: endpoint.path,
      is_compatible: true,
      body: write,
      replayable: true,
      pass: false,
      extra_headers: [],
    });
  }
  if (call.request.body === null) return preparePassThrough(call, endpoint, clocks);
  const upload = await peekUpload(call.request, uploadPatience(call, clocks));
  if (upload instanceof GatewayError) return upload;
  call.scanned_ms = performance.now();
  const model = modelOfRequest(call, upload.model);
  if (model instanceof GatewayError) return model;
  const write = (target: TargetPlan) => upload.body(upload.model === null ? null : target.model);
  return passedOn(call, clocks, model, {
    path: endpoint.path,
    is_compatible: true,
    body: write,
    replayable: false,
    pass: true,
    extra_headers: [["content-type", content_type]],
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

function readCallBody(call: Call, clocks: Clocks): Promise<Uint8Array | GatewayError> {
  if (call.given_body !== null) return Promise.resolve(call.given_body);
  if (isCoded(call.request.headers.get("content-encoding"))) {
    const message = "The request body is compressed: send it without content-encoding.";
    return Promise.resolve(new GatewayError("invalid_value", message, { param: "content-encoding" }));
  }
  const { max_body_bytes, body_idle_ms } = call.plan.listen;
  return readBody(call.request, { max_bytes: max_body_bytes, idle_ms: body_idle_ms }, clocks.deadlines);
}
