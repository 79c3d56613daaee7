// Embeddings between OpenAI's format and Google's: `batchEmbedContents` and `embedContent` of Gemini, `:predict` of Vertex.
// Source: https://ai.google.dev/api/embeddings; https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api;
// OpenAI: https://platform.openai.com/docs/api-reference/embeddings

import { GatewayError } from "../../errors.ts";
import { count, isFields, list, record } from "../fields.ts";
import type { RequestPlace, RequestTarget } from "../neutral/format.ts";
import { type EmbedContext, embeddingList, inPieces, textsOf } from "../openai/embeddings.ts";
import { camelFields, numberOf, textOf } from "./names.ts";

type Json = Readonly<Record<string, unknown>>;

/** What is called, as the end of the path names it. */
export type EmbedAction = "batchEmbedContents" | "embedContent" | "predict";

/** The calls that one request of OpenAI's takes: Vertex's newer models embed one text at a time. */
export interface EmbedCalls {
  readonly action: EmbedAction;
  /** At least one; the texts in their order. */
  readonly bodies: readonly Json[];
}

/** Texts of one call: https://ai.google.dev/api/embeddings has no more, Vertex says 250. */
const GEMINI_TEXTS_MAX = 100;
const VERTEX_TEXTS_MAX = 250;

/** The calls that embed what a request of OpenAI's format asks for. Tokens instead of texts are no one's but OpenAI's. */
export function writeEmbeddings(body: Json, target: RequestTarget): EmbedCalls | GatewayError {
  const texts = textsOf(body["input"]);
  if (texts instanceof GatewayError) return texts;
  const { dimensions, task_type } = body;
  const size = typeof dimensions === "number" ? { outputDimensionality: dimensions } : {};
  const task = typeof task_type === "string" ? task_type : undefined;
  const { model, provider_kind } = target;
  if (provider_kind !== "vertex") {
    const requests = texts.map((text) => ({
      ...{ model: model.startsWith("models/") ? model : `models/${model}`, content: contentOf(text) },
      ...(task === undefined ? {} : { taskType: task }),
      ...size,
    }));
    const bodies = inPieces(requests, GEMINI_TEXTS_MAX).map((some) => ({ requests: some }));
    return { action: "batchEmbedContents", bodies };
  }
  const parameters = Object.keys(size).length === 0 ? {} : { parameters: size };
  const name = model.slice(model.lastIndexOf("/") + 1);
  if (name.startsWith("gemini") && name !== "gemini-embedding-001") {
    const config = { ...(task === undefined ? {} : { taskType: task }), ...size };
    const bodies = texts.map((text) => ({
      content: contentOf(text),
      ...(Object.keys(config).length === 0 ? {} : { embedContentConfig: config }),
    }));
    return { action: "embedContent", bodies };
  }
  const instances = texts.map((content) => ({
    content,
    ...(task === undefined ? {} : { task_type: task }),
  }));
  const texts_max = name === "gemini-embedding-001" ? 1 : VERTEX_TEXTS_MAX;
  const bodies = inPieces(instances, texts_max).map((some) => ({ instances: some, ...parameters }));
  return { action: "predict", bodies };
}

function contentOf(text: string): Json {
  return { parts: [{ text }] };
}

/** The answer in OpenAI's format of the calls' answers, in their order; null where one of them has no vectors. */
export function readEmbeddings(answers: readonly Json[], context: EmbedContext): Json | null {
  const vectors: number[][] = [];
  let tokens = 0;
  let tells_tokens = false;
  for (const answer of answers) {
    const found = vectorsOf(answer);
    if (found.length === 0) return null;
    for (const { values, token_count } of found) {
      vectors.push(values);
      tells_tokens ||= token_count !== undefined;
      tokens += token_count ?? 0;
    }
    const { promptTokenCount } = record(answer["usageMetadata"]);
    tells_tokens ||= promptTokenCount !== undefined;
    tokens += count(promptTokenCount);
  }
  return embeddingList(vectors, tells_tokens ? tokens : null, context);
}

function vectorsOf(answer: Json): { readonly values: number[]; readonly token_count?: number }[] {
  const { embedding, embeddings, predictions } = answer;
  const given = isFields(embedding)
    ? [embedding]
    : Array.isArray(embeddings)
      ? embeddings
      : list(predictions).map((prediction) => record(prediction)["embeddings"]);
  return given.map(record).map(({ values, statistics }) => {
    const { token_count, tokenCount } = record(statistics);
    const told = token_count ?? tokenCount;
    return {
      values: list(values).map((value) => numberOf(value) ?? 0),
      ...(told === undefined ? {} : { token_count: count(told) }),
    };
  });
}

/** What a client of Google's format asks to be embedded, as a request of OpenAI's. */
export function readEmbedRequest(body: Json, action: EmbedAction, place: RequestPlace): Json | GatewayError {
  const request = camelFields(body) ?? {};
  const requests =
    action === "embedContent"
      ? [request]
      : list(request[action === "predict" ? "instances" : "requests"]).map((item) => camelFields(item) ?? {});
  if (requests.length === 0) {
    const param = action === "predict" ? "instances" : "requests";
    return new GatewayError("missing_required_parameter", `'${param}' is missing.`, { param });
  }
  const input: string[] = [];
  for (const [index, { content }] of requests.entries()) {
    const text = typeof content === "string" ? content : textOfContent(content);
    if (text === null) {
      const param = action === "embedContent" ? "content" : `requests[${index}].content`;
      return new GatewayError("invalid_value", `'${param}' must be of texts.`, { param });
    }
    input.push(text);
  }
  const config =
    camelFields(request["embedContentConfig"]) ?? camelFields(request["parameters"]) ?? requests[0]!;
  const size = config["outputDimensionality"];
  const model = place.model ?? textOf(requests[0]!["model"]) ?? "";
  return { model, input, ...(typeof size === "number" ? { dimensions: size } : {}) };
}

/** The text of a content, its parts put together; null where there is none, or something else in it. */
function textOfContent(content: unknown): string | null {
  const parts = list(camelFields(content)?.["parts"]).map((part) => record(part)["text"]);
  return parts.length > 0 && parts.every((text) => typeof text === "string") ? parts.join("") : null;
}

/** An answer of OpenAI's format in Google's; null where it has no vectors. */
export function writeEmbedAnswer(answer: Json, action: EmbedAction): Json | null {
  const vectors = list(answer["data"])
    .map(record)
    .toSorted((a, b) => count(a["index"]) - count(b["index"]))
    .map(({ embedding }) => (typeof embedding === "string" ? fromBase64(embedding) : list(embedding)));
  if (vectors.length === 0) return null;
  const tokens = count(record(answer["usage"])["prompt_tokens"]);
  const usage = tokens === 0 ? {} : { usageMetadata: { promptTokenCount: tokens } };
  if (action === "embedContent") return { embedding: { values: vectors[0] }, ...usage };
  if (action === "batchEmbedContents") return { embeddings: vectors.map((values) => ({ values })), ...usage };
  // Tokens are told for each text; only their sum is known.
  const predictions = vectors.map((values, index) => ({
    embeddings: { values, statistics: { token_count: index === 0 ? tokens : 0, truncated: false } },
  }));
  return { predictions };
}

function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, "base64");
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(4 * index));
}
