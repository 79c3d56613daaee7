// `countTokens`: how many tokens a prompt has, without an answer.
// Source: https://ai.google.dev/api/tokens; Vertex:
// https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.publishers.models/countTokens

import type { GatewayError } from "../../errors.ts";
import type { RequestPlace, RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { camelFields } from "./names.ts";
import { readGeminiRequest } from "./read_request.ts";
import { writeGeminiRequest } from "./write_request.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a prompt is counted to; the whole of its tokens and those of them that a cache holds. */
export interface TokenCount {
  readonly total_tokens: number;
  readonly cached_tokens: number;
}

/** What Vertex counts beside the contents. */
const VERTEX = ["contents", "systemInstruction", "tools", "generationConfig"];

/** Reads a request: a prompt's contents alone, or a whole `generateContentRequest`. */
export function readCountTokensRequest(body: Json, place: RequestPlace): ChatRequest | GatewayError {
  const whole = camelFields(camelFields(body)?.["generateContentRequest"]);
  return readGeminiRequest(whole ?? body, place);
}

/** The body that has a request's prompt counted. */
export function writeCountTokensRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Json {
  const body = writeGeminiRequest(request, target, losses);
  if (target.provider_kind === "vertex")
    return Object.fromEntries(Object.entries(body).filter(([name]) => VERTEX.includes(name)));
  const { model } = target;
  return {
    generateContentRequest: { model: model.startsWith("models/") ? model : `models/${model}`, ...body },
  };
}

/** Reads an answer; null where it tells no count. */
export function readTokenCount(answer: Json): TokenCount | null {
  const { totalTokens, cachedContentTokenCount } = camelFields(answer) ?? {};
  if (typeof totalTokens !== "number") return null;
  const cached_tokens = typeof cachedContentTokenCount === "number" ? cachedContentTokenCount : 0;
  return { total_tokens: totalTokens, cached_tokens };
}

/** The answer that tells a count. */
export function writeTokenCount({ total_tokens, cached_tokens }: TokenCount): Json {
  return {
    totalTokens: total_tokens,
    ...(cached_tokens > 0 ? { cachedContentTokenCount: cached_tokens } : {}),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: total_tokens }],
  };
}
