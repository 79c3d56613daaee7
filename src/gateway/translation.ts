// A call whose provider speaks another format than its client: the request written for the provider, and what turns its answer back.
// Loaded when the first such call comes.

import type { HeaderFields, MediaPlan, OnUnsupported, TargetPlan } from "../config/plan.ts";
import type { ApiName } from "../config/providers.ts";
import { BODY_TRANSLATIONS, type BodyTranslation } from "../dialects/body_translation.ts";
import type { ClientFormatName } from "../dialects/client_format.ts";
import { isFields } from "../dialects/fields.ts";
import { FORMATS, PROVIDER_FORMATS } from "../dialects/formats.ts";
import type { AnswerContext } from "../dialects/neutral/format.ts";
import { Losses } from "../dialects/neutral/losses.ts";
import type { FormatName } from "../dialects/neutral/parts.ts";
import type { ChatRequest } from "../dialects/neutral/request.ts";
import { StreamTranslation, type TranslatedAnswer, translateAnswer } from "../dialects/translate.ts";
import { GatewayError } from "../errors.ts";
import { parseExact } from "../wire/exact_json.ts";
import { withInlinedMedia } from "./inlining.ts";
import type { ForeignStream } from "./stream_receiver.ts";

/** A request as its client sent it. */
export interface ClientRequest {
  /** Known to be a JSON object. */
  readonly bytes: Uint8Array;
  readonly format: ClientFormatName;
  /** The model as it asks for it. */
  readonly model: string;
  readonly stream: boolean;
}

/** What it is translated for. */
export interface TranslationTarget {
  readonly target: TargetPlan;
  readonly api: ApiName;
  readonly on_unsupported: OnUnsupported;
  readonly call_id: string;
  readonly media: MediaPlan;
}

/** A request as a provider takes it, and what makes its answers the client's. */
export interface TranslatedRequest {
  readonly body: Uint8Array;
  readonly headers: HeaderFields;
  /** What could not be said, and was left out. */
  readonly dropped: readonly string[];
  /** Null: its answers never stream. */
  readonly foreignStream: (() => ForeignStream) | null;
  translateAnswer(body: Uint8Array): TranslatedAnswer | null;
}

/** Translates a request, or says what in it cannot be said to the target (400). */
export async function translateRequest(
  { bytes, format, model, stream }: ClientRequest,
  { target, api, on_unsupported, call_id, media }: TranslationTarget,
): Promise<TranslatedRequest | GatewayError> {
  const words = BODY_TRANSLATIONS[api];
  if (words !== undefined) return translateBody(bytes, words, target, on_unsupported);
  const from = known(FORMATS, format);
  const to = known(PROVIDER_FORMATS, api);
  const body = parseExact(bytes);
  if (!isFields(body)) return new GatewayError("invalid_json", "The body nests too deeply to be translated.");
  const request = from.format.readRequest(body, { model, stream });
  if (request instanceof GatewayError) return request;
  const { provider, model: served } = target;
  const losses = new Losses(on_unsupported, `${provider.name}/${served}`);
  const inlined = await withInlinedMedia(request, ({ kind }, url) => to.takesUrl(kind, url), media);
  if (inlined instanceof GatewayError) return inlined;
  const asked: ChatRequest = { ...inlined, model: served, stream, asks_usage: provider.stream_usage };
  if (request.own !== null && request.own.format !== to.format.name)
    for (const name of request.own.essential ?? []) losses.lose(name, "meaning");
  const written = to.format.writeRequest(asked, { model: served, provider_kind: provider.known_as }, losses);
  if (losses.error !== null) return losses.error;
  const context = (): AnswerContext => ({
    call_id: call_id.replaceAll("-", ""),
    model,
    now_s: Math.floor(Date.now() / 1000),
    // Usage is always told; whether the client sees it is for the watch of its stream to say.
    request: { ...asked, asks_usage: true },
  });
  return {
    body: Buffer.from(JSON.stringify(written)),
    headers: to.headersOf?.(asked) ?? [],
    dropped: losses.dropped,
    foreignStream: () => ({
      translation: new StreamTranslation(to.format, from.format, context()),
      content_type: to.content_type,
    }),
    translateAnswer: (answer) => translateAnswer(answer, to.format, from.format, context()),
  };
}

/** Translates what is no chat. */
function translateBody(
  bytes: Uint8Array,
  words: BodyTranslation,
  { provider, model }: TargetPlan,
  on_unsupported: OnUnsupported,
): TranslatedRequest | GatewayError {
  const asked = parseExact(bytes);
  if (!isFields(asked))
    return new GatewayError("invalid_json", "The body nests too deeply to be translated.");
  const losses = new Losses(on_unsupported, `${provider.name}/${model}`);
  const written = words.writeRequest(asked, model, losses);
  if (written instanceof GatewayError) return written;
  if (losses.error !== null) return losses.error;
  return {
    body: Buffer.from(JSON.stringify(written)),
    headers: [],
    dropped: losses.dropped,
    foreignStream: null,
    translateAnswer: (body) => {
      const answer = parseExact(body);
      const read = isFields(answer) ? words.readAnswer(answer, asked) : null;
      return read === null ? null : { body: Buffer.from(JSON.stringify(read.body)), usage: read.usage };
    },
  };
}

function known<T>(formats: Readonly<Partial<Record<FormatName, T>>>, name: ApiName): T {
  const format = name in formats ? formats[name as FormatName] : undefined;
  if (format === undefined) throw new Error(`there is no format ${name}`);
  return format;
}
