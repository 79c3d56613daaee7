// Counting a request's tokens: by its provider, in whichever format that counts, or by the gateway where no provider can.

import type { ModelPlan, TargetPlan } from "../config/plan.ts";
import { COUNTING, type CountingName } from "../dialects/counting.ts";
import { isFields } from "../dialects/fields.ts";
import { carriesForeign } from "../dialects/foreign.ts";
import { FORMATS } from "../dialects/formats.ts";
import { Losses } from "../dialects/neutral/losses.ts";
import type { Part } from "../dialects/neutral/parts.ts";
import type { ChatRequest } from "../dialects/neutral/request.ts";
import {
  ATTACHMENT_TOKENS,
  estimateInput,
  type OpenAIRequest,
  readRequest,
  readUser,
} from "../dialects/openai/request.ts";
import type { TranslatedAnswer } from "../dialects/translate.ts";
import { NO_USAGE } from "../dialects/usage.ts";
import { GatewayError } from "../errors.ts";
import { countPlace } from "../upstream/addressing.ts";
import { parseExact } from "../wire/exact_json.ts";
import { scanMembers, scanObject } from "../wire/json.ts";
import { type Edit, insertMember, splice } from "../wire/splice.ts";
import type { Sending } from "./attempt.ts";
import type { Call } from "./call.ts";
import type { CountEndpoint, JsonPath } from "./endpoints.ts";
import type { QuietClock } from "./flow.ts";
import { withInlinedMedia } from "./inlining.ts";
import { traceHeaders } from "./passing.ts";
import type { Prepared } from "./prepare.ts";
import { formatHeaders } from "./prepared_json.ts";
import type { TokenCounter } from "./token_counter.ts";
import { WholeReceiver } from "./whole_receiver.ts";

/** A count is short; bytes. */
const COUNT_MAX_BYTES = 64 * 1024;

/** A request to count. */
export class PreparedCount implements Prepared {
  readonly method = "POST";
  readonly replayable = true;
  readonly pass = false;
  readonly is_stream = false;
  readonly has_tokens = false;
  readonly max_output_tokens = 0;
  readonly choices = 1;
  readonly asks_usage = false;
  readonly model: ModelPlan;
  readonly #call: Call;
  readonly #endpoint: CountEndpoint;
  readonly #request: OpenAIRequest;
  readonly #quiet: QuietClock;

  constructor(
    call: Call,
    endpoint: CountEndpoint,
    request: OpenAIRequest,
    model: ModelPlan,
    quiet: QuietClock,
  ) {
    this.#call = call;
    this.#endpoint = endpoint;
    this.#request = request;
    this.model = model;
    this.#quiet = quiet;
  }

  get counting(): PreparedCount {
    return this;
  }

  get endpoint(): JsonPath {
    return this.#endpoint.path;
  }

  get user(): string | null {
    return readUser(this.#request);
  }

  get read_body(): Uint8Array {
    return this.#request.bytes;
  }

  /** What is only counted uses nothing. */
  estimateInput(): number {
    return 0;
  }

  affinity(): null {
    return null;
  }

  withBody(body: Uint8Array): Prepared | GatewayError {
    const request = readRequest(body, this.#endpoint.shape, this.#endpoint.place);
    if (request instanceof GatewayError) return request;
    return new PreparedCount(this.#call, this.#endpoint, request, this.model, this.#quiet);
  }

  /** Counts never stream. */
  asPlain(): Prepared {
    return this;
  }

  within(model: ModelPlan): ModelPlan {
    return model;
  }

  again(call: Call): Prepared {
    return new PreparedCount(call, this.#endpoint, this.#request, this.model, this.#quiet);
  }

  /** Whether any target can be asked. */
  get can_be_asked(): boolean {
    return [this.model, ...this.model.fallbacks].some(({ targets }) =>
      targets.some((target) => countPlace(target) !== null),
    );
  }

  async write(target: TargetPlan): Promise<Sending | GatewayError> {
    const { provider, model } = target;
    const place = countPlace(target);
    if (place === null) {
      const message = `Provider ${provider.name}, where '${this.model.name}' is served, does not count tokens.`;
      return new GatewayError("invalid_value", message, { param: "model" });
    }
    const { bytes } = this.#request;
    const { counting } = this.#endpoint;
    const { api, path, is_compatible, headers } = place;
    const served = { provider_kind: provider.known_as, model };
    // Vertex counts less of a request than others do.
    const is_same = api === counting && provider.kind !== "vertex" && !carriesForeign(api, bytes, served);
    const body = is_same ? named(bytes, api, target) : await this.#translated(target, api);
    if (body instanceof GatewayError) return body;
    const said = is_same ? formatHeaders(headers, this.#call.request.headers) : headers;
    const extra_headers = [...traceHeaders(this.#call), ...said];
    const translate = api === counting ? null : (answer: Uint8Array) => countIn(answer, api, counting);
    const receiver = () =>
      new WholeReceiver(this.#call, provider.name, COUNT_MAX_BYTES, this.#quiet, null, translate);
    return { path, is_compatible, extra_headers, body: [body], receiver };
  }

  async #translated(target: TargetPlan, api: CountingName): Promise<Uint8Array | GatewayError> {
    const asked = this.#read();
    if (asked instanceof GatewayError) return asked;
    const { media } = this.#call.plan;
    const takes = FORMATS[api]!;
    const inlined = await withInlinedMedia(asked, ({ kind }, url) => takes.takesUrl(kind, url), media);
    if (inlined instanceof GatewayError) return inlined;
    const { provider, model } = target;
    const losses = new Losses(this.model.on_unsupported, `${provider.name}/${model}`);
    const served = { model, provider_kind: provider.known_as };
    const body = COUNTING[api].writeRequest({ ...inlined, model }, served, losses);
    if (losses.error !== null) return losses.error;
    this.#call.dropped = losses.dropped;
    return Buffer.from(JSON.stringify(body));
  }

  #read(): ChatRequest | GatewayError {
    const body = parseExact(this.#request.bytes);
    if (!isFields(body)) return new GatewayError("invalid_json", "The body nests too deeply to be read.");
    const { counting, place } = this.#endpoint;
    const model = place?.model ?? this.#request.model;
    return COUNTING[counting].readRequest(body, { model, stream: false });
  }

  /** The gateway's own count of the request's texts, in the client's format: near to the truth, and no more. */
  async here(counter: TokenCounter): Promise<Uint8Array | GatewayError> {
    const asked = this.#read();
    if (asked instanceof GatewayError) return asked;
    const chat = FORMATS.chat!.format.writeRequest(
      asked,
      { model: asked.model, provider_kind: "openai" },
      new Losses("drop", ""),
    );
    const counts = await counter.count({ request: Buffer.from(JSON.stringify(chat)), answer: [] });
    const total_tokens =
      counts === null
        ? estimateInput(this.#request)
        : counts.input_tokens + ATTACHMENT_TOKENS * attachmentsIn(asked);
    const { counting } = this.#endpoint;
    return Buffer.from(JSON.stringify(COUNTING[counting].writeCount({ total_tokens, cached_tokens: 0 })));
  }
}

/** How many images, sounds, films and files a request has, those in results of tools too. */
function attachmentsIn({ messages }: ChatRequest): number {
  let attachments = 0;
  const look = (parts: readonly Part[]) => {
    for (const part of parts) {
      if (part.kind === "tool_result") look(part.content);
      else if (MEDIA.has(part.kind)) attachments += 1;
    }
  };
  for (const { parts } of messages) look(parts);
  return attachments;
}

const MEDIA: ReadonlySet<Part["kind"]> = new Set(["image", "audio", "video", "file"]);

/** A request in its provider's format with the model's name there. */
function named(bytes: Uint8Array, api: CountingName, { model, model_json }: TargetPlan): Uint8Array {
  const name = api === "gemini" ? Buffer.from(JSON.stringify(`models/${model}`)) : model_json;
  const scan = scanObject(bytes);
  if (scan.fault !== null) return bytes;
  const edits: Edit[] = [...scan.all("model")].map(({ start, end }) => ({ start, end, bytes: name }));
  if (edits.length === 0) edits.push(insertMember(scan, "model", name));
  const whole = splice(bytes, edits);
  // Gemini takes contents alone, or the whole request in this.
  return api === "gemini"
    ? Buffer.concat([Buffer.from('{"generateContentRequest":'), ...whole, Buffer.from("}")])
    : Buffer.concat(whole);
}

/** A count in the client's format; null where there is none. */
function countIn(answer: Uint8Array, from: CountingName, to: CountingName): TranslatedAnswer | null {
  const value = parseExact(answer);
  const count = isFields(value) ? COUNTING[from].readCount(value) : null;
  if (count === null) return null;
  return { body: Buffer.from(JSON.stringify(COUNTING[to].writeCount(count))), usage: NO_USAGE };
}

/** What a request to count holds: Gemini's may have the whole request in a member of its own. */
export function countedPart(bytes: Uint8Array): Uint8Array {
  const scan = scanObject(bytes);
  if (scan.fault !== null) return bytes;
  const inner = scan.find("generateContentRequest") ?? scan.find("generate_content_request");
  if (inner === null || inner.kind !== "object") return bytes;
  return scanMembers(bytes, inner.start, inner.end).fault === null
    ? bytes.subarray(inner.start, inner.end)
    : bytes;
}
